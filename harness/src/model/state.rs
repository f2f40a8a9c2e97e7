//! The model's state, and what the operations do to it: each says what its answer must be, or that nothing can be said of
//! it; then it is not to be done.

use std::time::Duration;

use super::Cited;
use super::fault::{Fault, Place, Target, Vault};
use super::lease::{Fate, Hindrance, Lease, Token, after};
use super::operation::{Revocation, Role, StaticRole, TokenEnd};
use super::path::renewal_asks;
use super::static_role::Password;
use crate::outcome::Cause;
use crate::scenario::Dbms;
use crate::time::{Interval, Moment};

/// How long a token lives that is to outlive the sequence, and one that is not.
pub const TOKEN_TTL: Duration = Duration::from_secs(600);
/// See above.
pub const BRIEF_TOKEN_TTL: Duration = Duration::from_secs(5);
/// A limit that is this far away cannot have cut a renewal.
const FAR: Duration = Duration::from_secs(60);

/// What an answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Done {
        /// The status.
        status: u16,
        /// The TTL that it gives, in seconds: at least (where that is known) and at most.
        ttl: Option<(Option<u64>, u64)>,
        /// By this promise.
        cites: Cited,
    },
    /// It is refused.
    Refused {
        /// The status.
        status: u16,
        /// The cause, where it is always the same.
        cause: Option<Cause>,
        /// The database's code.
        code: Option<&'static str>,
        /// By this promise.
        cites: Cited,
    },
}

impl Answer {
    pub(super) const fn done(status: u16, cites: Cited) -> Self {
        Self::Done { status, ttl: None, cites }
    }

    const fn refused(status: u16, cause: Cause, cites: Cited) -> Self {
        Self::Refused { status, cause: Some(cause), code: None, cites }
    }
}

/// What is known of a stack.
#[derive(Debug, Clone)]
pub struct Model {
    dbms: Dbms,
    pub(super) leases: Vec<Lease>,
    pub(super) tokens: Vec<Token>,
    /// In the order in which they began.
    pub(super) faults: Vec<Fault>,
    root_rotated: bool,
    /// In the order of `StaticRole::ALL`.
    passwords: [Password; 2],
    /// How much later than counted a call may come: what is nearer to its end than that is not sure to run.
    spare: Duration,
}

impl Model {
    /// A stack on which nothing has happened yet, and whose calls may come so much later than they are counted.
    pub fn new(dbms: Dbms, spare: Duration) -> Self {
        Self {
            dbms,
            leases: Vec::new(),
            tokens: Vec::new(),
            faults: Vec::new(),
            root_rotated: false,
            passwords: StaticRole::ALL.map(Password::new),
            spare,
        }
    }

    /// The database.
    pub fn dbms(&self) -> Dbms {
        self.dbms
    }

    /// Whether the database ends a user's logins by itself.
    fn ends_logins(&self) -> bool {
        self.dbms == Dbms::Postgres
    }

    pub(super) fn spare(&self) -> Duration {
        self.spare
    }

    pub(super) fn password(&self, role: StaticRole) -> &Password {
        &self.passwords[role as usize]
    }

    pub(super) fn password_mut(&mut self, role: StaticRole) -> &mut Password {
        &mut self.passwords[role as usize]
    }

    /// Every lease that was issued, in that order.
    pub fn leases(&self) -> &[Lease] {
        &self.leases
    }

    /// Every token that was made, in that order.
    pub fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// The faults that are in force, outermost first.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// Whether Vault serves.
    pub fn vault(&self) -> Vault {
        self.faults.iter().map(|fault| fault.vault()).max().unwrap_or(Vault::Serving)
    }

    /// What Vault finds at the database.
    pub fn target(&self) -> Target {
        self.faults.iter().map(|fault| fault.target()).max().unwrap_or(Target::Working)
    }

    /// What is in the way of revocations.
    pub(super) fn hindrance(&self) -> Hindrance {
        if self.target() != Target::Working {
            Hindrance::Target
        } else if self.vault() != Vault::Serving {
            Hindrance::Vault
        } else {
            Hindrance::None
        }
    }

    // ------------------------------------------------------------------------------------------------------- faults

    /// Whether a fault can begin: its place is free, and what injecting and healing it needs is there.
    pub fn can_break(&self, fault: Fault) -> bool {
        let has = |place: Place| self.faults.iter().any(|other| other.place() == place);
        let serves = self.vault() == Vault::Serving;
        !has(fault.place())
            && match fault.place() {
                Place::Vault => serves,
                Place::Link | Place::Database => true,
                Place::Root if fault == Fault::RootPassword => {
                    serves && !self.root_rotated && self.target() == Target::Working
                }
                Place::Root => !has(Place::Database),
            }
    }

    /// A fault begins in this time; a momentary one is over at its end.
    pub fn breaks(&mut self, fault: Fault, at: Interval) {
        let before = self.hindrance();
        self.faults.push(fault);
        if before == Hindrance::None && self.hindrance() != Hindrance::None {
            for id in 0..self.leases.len() {
                self.leases[id].ran = self.runs(id, at);
            }
        }
        self.note_hindrance(at);
        self.freeze_passwords(fault, before == Hindrance::None, at);
        if fault.is_momentary() {
            self.mends(at);
        }
    }

    /// The last fault ends in this time.
    pub fn mends(&mut self, at: Interval) -> Option<Fault> {
        self.note_hindrance(at);
        let fault = self.faults.pop()?;
        self.thaw_passwords(fault, at);
        Some(fault)
    }

    /// Whatever may be ending now may have been hindered.
    fn note_hindrance(&mut self, at: Interval) {
        let now = self.hindrance();
        for id in 0..self.leases.len() {
            if self.leases[id].is_open() && !self.runs(id, at) {
                let lease = &mut self.leases[id];
                lease.hindered = lease.hindered.max(now);
            }
        }
    }

    // --------------------------------------------------------------------------------------------------- operations

    /// A credential is taken. Its number is that of the last lease.
    pub fn issue(&mut self, role: Role, token: Option<usize>, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        if let Some(refused) = self.token_gate(token, at)? {
            return Some(refused);
        }
        if let Some(refused) = self.target_gate(500, "DB-04")? {
            return Some(refused);
        }
        self.leases.push(Lease::issued(role, token, self.ends_logins(), at));
        Some(Answer::done(200, "DB-01"))
    }

    /// A lease is renewed.
    pub fn renew(&mut self, id: usize, increment: Option<Duration>, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        let lease = &self.leases[id];
        if let Fate::Ended(_) = lease.fate {
            return Some(Answer::refused(400, Cause::LeaseNotFound, "LEASE-16"));
        }
        if !self.runs(id, at) {
            return None;
        }
        let refused = match self.target() {
            // Over a connection that Vault has nothing is asked; one that it makes anew, as after a rotation of its own
            // password, is tried first. Which of them it is, nobody is told.
            target if !renewal_asks(self.dbms) && target != Target::Working => return None,
            _ => self.target_gate(400, "DB-06")?,
        };
        if refused.is_some() {
            return refused;
        }
        let asked = increment.unwrap_or(lease.role.ttl());
        let left = lease.limit.answered.since(at.sent).as_secs() + 1;
        let is_far = lease.limit.sent >= at.answered.plus(asked + FAR);
        let ttl = (is_far.then(|| asked.as_secs() - 1), asked.as_secs().min(left));
        let is_ended_there = self.ends_logins();
        self.leases[id].renewed(asked, is_ended_there, at);
        Some(Answer::Done { status: 200, ttl: Some(ttl), cites: if is_far { "LEASE-11" } else { "LEASE-12" } })
    }

    /// A lease is revoked.
    pub fn revoke(&mut self, id: usize, how: Revocation, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        let runs = self.runs(id, at);
        let is_over = matches!(self.leases[id].fate, Fate::Ended(_));
        match (how, self.target_gate(400, "LEASE-06")) {
            // Done already, or done now: an answer means that the user is gone.
            (Revocation::Waiting, refused) if is_over || (refused == Some(None) && self.leases[id].is_open()) => {
                self.leases[id].fate = Fate::Ended("LEASE-02");
                Some(Answer::done(204, "LEASE-02"))
            }
            // Not queued: the lease lives on.
            (Revocation::Waiting, Some(Some(Answer::Refused { status, cause, code, .. }))) if runs => {
                Some(Answer::Refused { status, cause, code, cites: "LEASE-06" })
            }
            (Revocation::Queued, _) if runs => {
                self.leases[id].fate = Fate::Ending("LEASE-07");
                Some(Answer::done(202, "LEASE-07"))
            }
            (Revocation::Forced, Some(None)) if runs => {
                self.leases[id].fate = Fate::Ended("LEASE-08");
                Some(Answer::done(204, "LEASE-08"))
            }
            (Revocation::Forced, Some(Some(_))) if runs => {
                self.leases[id].fate = Fate::Forgotten;
                Some(Answer::done(204, "LEASE-08"))
            }
            _ => None,
        }
    }

    /// Every lease of a role is revoked.
    pub fn revoke_role(&mut self, role: Role, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        let open: Vec<usize> =
            (0..self.leases.len()).filter(|id| self.leases[*id].role == role && self.leases[*id].is_open()).collect();
        match self.target_gate(400, "LEASE-09")? {
            Some(Answer::Refused { status, .. }) if open.iter().any(|id| self.runs(*id, at)) => {
                // It stops at the first that fails; what failed keeps its TTL.
                Some(Answer::Refused { status, cause: None, code: None, cites: "LEASE-06" })
            }
            Some(_) if !open.is_empty() => None,
            _ => {
                for id in open {
                    self.leases[id].fate = Fate::Ended("LEASE-09");
                }
                Some(Answer::done(204, "LEASE-09"))
            }
        }
    }

    /// A token is made. Its number is that of the last token.
    pub fn make_token(&mut self, parent: Option<usize>, is_brief: bool, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        if let Some(refused) = self.token_gate(parent, at)? {
            return Some(refused);
        }
        let end = after(at, if is_brief { BRIEF_TOKEN_TTL } else { TOKEN_TTL });
        self.tokens.push(Token { parent, end, revoked: None, seen_over: false });
        Some(Answer::done(200, "TOKEN-01"))
    }

    /// A token is renewed, for as long as it had at first.
    pub fn renew_token(&mut self, id: usize, increment: Duration, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        if let Some(refused) = self.token_gate(Some(id), at)? {
            return Some(refused);
        }
        self.tokens[id].end = after(at, increment);
        let seconds = increment.as_secs();
        Some(Answer::Done { status: 200, ttl: Some((Some(seconds - 1), seconds)), cites: "TOKEN-02" })
    }

    /// A token is revoked.
    pub fn end_token(&mut self, id: usize, how: TokenEnd, at: Interval) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        if !self.token_runs(id, at) {
            return None;
        }
        let cites = if how == TokenEnd::Orphaning { "TOKEN-07" } else { "TOKEN-01" };
        if how == TokenEnd::Orphaning {
            for child in self.tokens.iter_mut().filter(|token| token.parent == Some(id)) {
                child.parent = None;
            }
        }
        self.tokens[id].revoked = Some(cites);
        Some(Answer::done(204, cites))
    }

    /// Vault takes a new password for its own user. What happens to that without a database is not asked here: it is a
    /// finding of its own (scenarios/windows).
    pub fn rotate_root(&mut self) -> Option<Answer> {
        if let Some(refused) = self.gate()? {
            return Some(refused);
        }
        if self.target() != Target::Working || self.faults.iter().any(|fault| fault.place() == Place::Root) {
            return None;
        }
        self.root_rotated = true;
        Some(Answer::done(204, "DBROOT-01"))
    }

    /// The end of a lease was waited for, by its own clock: it is over, though when that was is only known to be not before
    /// the moment given.
    pub fn waited_out(&mut self, id: usize) -> Moment {
        let lease = &mut self.leases[id];
        lease.end = Interval::at(lease.end.sent);
        lease.valid_until = lease.valid_until.map(|end| Interval::at(end.sent));
        lease.end.sent
    }

    /// A lease was seen to be gone.
    pub fn saw_lease_over(&mut self, id: usize, cites: Cited) {
        if self.leases[id].is_open() {
            self.leases[id].fate = Fate::Ended(cites);
        }
    }

    /// A token was seen to be refused.
    pub fn saw_token_over(&mut self, id: usize) {
        self.tokens[id].seen_over = true;
    }

    // ------------------------------------------------------------------------------------------- what stands before

    /// Vault's own refusal, if it refuses everything; `None` when nothing can be said of a call.
    #[expect(clippy::option_option, reason = "nothing can be said; nothing is refused; this is refused")]
    pub(super) fn gate(&self) -> Option<Option<Answer>> {
        match self.vault() {
            Vault::Serving => Some(None),
            Vault::Sealed => Some(Some(Answer::refused(503, Cause::Sealed, "SEAL-02"))),
            Vault::Away => None,
        }
    }

    /// The refusal of a token that is over.
    #[expect(clippy::option_option, reason = "nothing can be said; nothing is refused; this is refused")]
    fn token_gate(&self, token: Option<usize>, at: Interval) -> Option<Option<Answer>> {
        let Some(id) = token else { return Some(None) };
        let own_end = self.tokens[id].revoked.is_some() || self.tokens[id].seen_over;
        if own_end {
            Some(Some(Answer::refused(403, Cause::PermissionDenied, "TOKEN-08")))
        } else {
            self.token_runs(id, at).then_some(None)
        }
    }

    /// The refusal of a call that needs the database.
    #[expect(clippy::option_option, reason = "nothing can be said; nothing is refused; this is refused")]
    pub(super) fn target_gate(&self, status: u16, unreachable: Cited) -> Option<Option<Answer>> {
        match self.target() {
            Target::Working => Some(None),
            Target::Refusing(why) => Some(Some(Answer::Refused {
                status,
                cause: Some(Cause::TargetRefused),
                code: why.code(self.dbms),
                cites: why.cites(),
            })),
            Target::Unreachable => {
                // A server that is going down may still say so; only a closed door has always the same words.
                let cause = self.faults.contains(&Fault::Down).then_some(Cause::TargetUnreachable);
                Some(Some(Answer::Refused { status, cause, code: None, cites: unreachable }))
            }
            Target::Silent => None,
        }
    }

    // ---------------------------------------------------------------------------------------------- what surely is so

    /// Whether a lease surely runs during a call, whichever way the times are read.
    pub fn runs(&self, id: usize, at: Interval) -> bool {
        let lease = &self.leases[id];
        lease.fate == Fate::Runs
            && self.within_ttl(id, at)
            && lease.token.is_none_or(|token| self.token_runs(token, at))
    }

    /// Whether a lease is surely within its TTL, whoever may have ended it.
    pub(super) fn within_ttl(&self, id: usize, at: Interval) -> bool {
        at.answered.plus(self.spare) < self.leases[id].end.sent
    }

    /// By what promise a lease is surely over, or its end surely ordered, before a call.
    pub fn over(&self, id: usize, at: Interval) -> Option<Cited> {
        let lease = &self.leases[id];
        match lease.fate {
            Fate::Ending(cites) | Fate::Ended(cites) => Some(cites),
            Fate::Forgotten => Some("LEASE-08"),
            Fate::Runs if lease.end.answered < at.sent => Some("LEASE-01"),
            Fate::Runs => lease.token.and_then(|token| self.token_over(token, at)),
        }
    }

    /// Whether a token surely lives during a call.
    pub fn token_runs(&self, id: usize, at: Interval) -> bool {
        let token = &self.tokens[id];
        token.revoked.is_none()
            && at.answered.plus(self.spare) < token.end.sent
            && token.parent.is_none_or(|parent| self.token_runs(parent, at))
    }

    /// By what promise a token is surely over before a call.
    pub fn token_over(&self, id: usize, at: Interval) -> Option<Cited> {
        let token = &self.tokens[id];
        let by_clock = (token.end.answered < at.sent).then_some("TOKEN-02");
        token.revoked.or(by_clock).or_else(|| token.parent.and_then(|parent| self.token_over(parent, at)))
    }

    /// The end of a lease, by its own clock.
    pub fn end_of(&self, id: usize) -> Moment {
        self.leases[id].end.answered
    }
}
