//! A static role, as far as the model knows it: whether its password is still the one that was read last, and when it
//! changes next.

use std::time::Duration;

use super::Cited;
use super::fault::{Fault, Target, Vault};
use super::lease::{Hindrance, after};
use super::operation::StaticRole;
use super::state::{Answer, Model};
use crate::time::Interval;

/// Due rotations are looked for so often.
const TICK: Duration = Duration::from_secs(5);
/// How much later than that a rotation may be on a machine that is not busy.
const SOON: Duration = Duration::from_secs(5);
/// How long an overdue rotation may take once nothing is in the way: "within seconds" of a failure's next try.
const MADE_UP: Duration = Duration::from_secs(40);
/// How long a password may be refused while it may just be changing.
const CHANGES: Duration = Duration::from_secs(15);

/// When a password changes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// When somebody asks for it.
    Asked,
    /// In this time, by its period.
    Due(Interval),
    /// It was asked for in vain, and Vault tries again: by this promise.
    Retried(Cited),
    /// As soon as Vault gets to it: by this promise.
    Overdue(Cited),
    /// Nobody knows.
    AnyTime,
}

/// How the password is to the one that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The same.
    Same,
    /// Another one: by this promise.
    Another(Cited),
    /// Either.
    Unsure,
}

/// What is known of a static role.
#[derive(Debug, Clone)]
pub(super) struct Password {
    next: Next,
    /// The last password that was read, and how the present one is to it.
    known: Option<Known>,
    /// Whether nothing can change it as long as the present hindrance lasts.
    frozen: bool,
    /// Whether a rotation may have been torn apart: until the next one nobody knows whose word is right.
    torn: bool,
    /// Whether a rotation may hang in silence: when it ends is nowhere said.
    stuck: bool,
}

impl Password {
    /// A role that the stack came up with: when it was made is not known.
    pub(super) fn new(role: StaticRole) -> Self {
        let next = if role.is_by_hand() { Next::Asked } else { Next::AnyTime };
        Self { next, known: None, frozen: false, torn: false, stuck: false }
    }
}

/// What must be seen of a static role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaticTruth {
    /// How its password is to the one that was read last.
    pub password: StaticPassword,
    /// Whether what Vault answers must log in, and within what time.
    pub logs_in: Option<Duration>,
}

/// How a password must be to the one that was read last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StaticPassword {
    /// The same, by this promise.
    Same(Cited),
    /// Another one within this time, by this promise.
    Another(Duration, Cited),
    /// Either.
    Unknown,
}

impl Model {
    /// A static role is read. Vault answers what it has stored, whatever the database does.
    pub fn read_static(&mut self, role: StaticRole, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        let known = if self.is_stable(role, at) { Known::Same } else { Known::Unsure };
        self.password_mut(role).known = Some(known);
        Some(Answer::done(200, "DBSTATIC-01"))
    }

    /// A static role is rotated by hand.
    pub fn rotate_static(&mut self, role: StaticRole, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        let refused = self.target_gate(500, "DBSTATIC-04")?;
        let password = self.password(role);
        let may_meet_another = match password.next {
            Next::Asked | Next::AnyTime => password.stuck,
            Next::Due(_) => !self.is_stable(role, at),
            Next::Retried(_) => refused.is_none(),
            Next::Overdue(_) => true,
        };
        if may_meet_another {
            return None;
        }
        let password = self.password_mut(role);
        if let Some(Answer::Refused { status, cause, code, .. }) = refused {
            // It is heard all the same, and made up for. What is overdue by its period anyway stays so.
            let cites = "DBSTATIC-04";
            if !matches!(password.next, Next::Overdue(_)) {
                password.next = if password.frozen { Next::Retried(cites) } else { Next::AnyTime };
            }
            return Some(Answer::Refused { status, cause, code, cites });
        }
        password.next = role.period().map_or(Next::Asked, |period| {
            let due = after(at, period);
            Next::Due(Interval::new(due.sent, due.answered.plus(TICK)))
        });
        password.known = password.known.map(|_| Known::Another("DBSTATIC-02"));
        password.torn = false;
        Some(Answer::done(204, "DBSTATIC-02"))
    }

    /// What must be seen of a static role. Nothing is said of one that was not read yet.
    pub fn static_role(&self, role: StaticRole, at: Interval) -> Option<StaticTruth> {
        let password = self.password(role);
        let known = password.known?;
        if self.vault() != Vault::Serving {
            return None;
        }
        let is_stable = self.is_stable(role, at);
        let told = match known {
            Known::Another(cites) => StaticPassword::Another(Duration::ZERO, cites),
            Known::Same if is_stable => StaticPassword::Same(match password.next {
                Next::Due(due) if due.sent < at.answered => "DBSTATIC-03",
                Next::Retried(cites) | Next::Overdue(cites) => cites,
                _ => "DBSTATIC-02",
            }),
            Known::Same if self.hindrance() == Hindrance::None => match password.next {
                Next::Overdue(cites) => StaticPassword::Another(MADE_UP, cites),
                Next::Due(due) if due.answered.plus(SOON) < at.sent => StaticPassword::Another(CHANGES, "DBSTATIC-02"),
                _ => StaticPassword::Unknown,
            },
            Known::Same | Known::Unsure => StaticPassword::Unknown,
        };
        let lets_in = !password.torn && !password.stuck && self.faults().iter().all(|fault| fault.lets_log_in());
        let logs_in = lets_in.then_some(if is_stable { Duration::ZERO } else { CHANGES });
        Some(StaticTruth { password: told, logs_in })
    }

    /// How long it is at most until a rotation by period was seen, if one is to come and nothing is in the way.
    pub fn rotates_within(&self, role: StaticRole, at: Interval) -> Option<Duration> {
        let password = self.password(role);
        match (password.known?, password.next) {
            (Known::Same, Next::Due(due)) if self.hindrance() == Hindrance::None && !password.stuck => {
                Some(due.answered.plus(SOON).since(at.sent))
            }
            _ => None,
        }
    }

    /// A static role was seen to have another password than the one that was read.
    pub fn saw_another(&mut self, role: StaticRole, cites: Cited) {
        let password = self.password_mut(role);
        // When that was is not known to the second, and so the next time is not either.
        if password.known == Some(Known::Same) {
            password.next = if role.is_by_hand() { Next::Asked } else { Next::AnyTime };
        }
        password.known = Some(Known::Another(cites));
    }

    /// Whether a password surely is and stays what it is during a call.
    fn is_stable(&self, role: StaticRole, at: Interval) -> bool {
        let password = self.password(role);
        let is_frozen = password.frozen && self.hindrance() != Hindrance::None;
        is_frozen
            || match password.next {
                Next::Asked => true,
                Next::Due(due) => at.answered.plus(self.spare()) < due.sent,
                Next::Retried(_) | Next::Overdue(_) | Next::AnyTime => false,
            }
    }

    /// A fault has begun where none was in the way, or one more: what may be changing just then may be torn apart.
    pub(super) fn freeze_passwords(&mut self, fault: Fault, was_free: bool, at: Interval) {
        for role in StaticRole::ALL {
            let is_stable = self.is_stable(role, at);
            let password = self.password_mut(role);
            if was_free {
                password.frozen = is_stable;
                // What was overdue, or is due, may be under way.
                password.torn |= !is_stable;
            }
            // That somebody asked is kept in memory alone.
            if let (true, Next::Retried(_)) = (fault.vault() != Vault::Serving, password.next) {
                password.next = Next::AnyTime;
            }
        }
    }

    /// A fault has ended, and what is in the way has become this.
    pub(super) fn thaw_passwords(&mut self, fault: Fault, at: Interval) {
        let is_free = self.hindrance() == Hindrance::None;
        for role in StaticRole::ALL {
            let spare = self.spare();
            let password = self.password_mut(role);
            let was_due = |due: Interval| due.sent <= at.answered.plus(spare);
            if let (true, Next::Due(due)) = (password.frozen && is_free, password.next) {
                let hangs = fault.target() == Target::Silent && was_due(due);
                let cites = if fault.vault() == Vault::Serving { "DBSTATIC-03" } else { "DBSTATIC-06" };
                if due.answered < at.sent && !hangs {
                    password.next = Next::Overdue(cites);
                } else if was_due(due) {
                    password.next = Next::AnyTime;
                }
            }
            if fault.target() == Target::Silent && !matches!(password.next, Next::Asked | Next::Due(_)) {
                password.stuck = true;
            }
            if is_free {
                if let Next::Retried(cites) = password.next {
                    password.next = Next::Overdue(cites);
                }
                password.frozen = false;
            }
        }
    }
}
