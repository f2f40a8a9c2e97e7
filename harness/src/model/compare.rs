//! The comparisons of a sequence: what is looked at after each operation, as steps that expect what the model says.

use std::time::Duration;

use super::Cited;
use super::operation::StaticRole;
use super::script::{Walk, lease_name, password_name, token_name};
use super::static_role::{StaticPassword, StaticTruth};
use super::truth::Truth;
use super::writer::LOOK;
use crate::time::Interval;

/// What an expectation with a time mostly takes.
const SETTLES: Duration = Duration::from_millis(500);

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Lease,
    Login,
    Token,
    Password,
}

impl Walk {
    /// Everything is compared: what Vault says of each lease, what the database says of each login, what Vault says of each
    /// token.
    pub(super) fn compare(&mut self, all: bool) {
        for id in 0..self.model.leases().len() {
            self.compare_lease(id, all);
            self.compare_login(id, all);
        }
        for id in 0..self.model.tokens().len() {
            self.compare_token(id, all);
        }
        for role in StaticRole::ALL {
            self.compare_password(role, all);
        }
    }

    fn compare_lease(&mut self, id: usize, all: bool) {
        let name = lease_name(id);
        let at = self.look();
        match self.model.lookup(id, at) {
            Truth::Holds(cites) => {
                let left = self.model.end_of(id).since(at.sent).as_secs() + 1;
                let look =
                    format!("expect: {{ lease: {{ of: {name}, renewable: true, ttl: {{ at_most: {left}s }} }} }}");
                self.lines.step(&look, None, Some(cites));
            }
            Truth::Kept(cites) => {
                let look = format!("expect: {{ lease: {{ of: {name}, gone: false, renewable: false }} }}");
                self.lines.step(&look, Some(Duration::from_secs(5)), Some(cites));
            }
            Truth::Over { within, cites } => {
                if self.told.insert((What::Lease, id)) || all {
                    let look = format!("expect: {{ lease: {{ of: {name}, gone: true }} }}");
                    self.settle(&look, within, cites);
                    self.model.saw_lease_over(id, cites);
                }
            }
            Truth::Unknown => {}
        }
    }

    fn compare_login(&mut self, id: usize, all: bool) {
        let name = lease_name(id);
        let at = self.look();
        match self.model.login(id, at) {
            Truth::Holds(cites) => {
                self.let_in |= self.model.leases()[id].token.is_none();
                self.lines.step(&format!("expect: {{ login: {{ with: {name}, accepted: true }} }}"), None, Some(cites));
            }
            Truth::Over { within, cites } => {
                if self.told.insert((What::Login, id)) || all {
                    self.kept_out |= matches!(cites, "LEASE-01" | "LEASE-02");
                    let look = format!("expect: {{ login: {{ with: {name}, refused: authentication }} }}");
                    self.settle(&look, within, cites);
                }
            }
            Truth::Kept(_) | Truth::Unknown => {}
        }
    }

    fn compare_token(&mut self, id: usize, all: bool) {
        let name = token_name(id);
        let at = self.look();
        match self.model.token(id, at) {
            Truth::Holds(cites) => {
                self.lines.step(&format!("expect: {{ token: {{ of: {name}, alive: true }} }}"), None, Some(cites));
            }
            Truth::Over { within, cites } => {
                if self.told.insert((What::Token, id)) || all {
                    self.settle(&format!("expect: {{ token: {{ of: {name}, alive: false }} }}"), within, cites);
                    self.model.saw_token_over(id);
                }
            }
            Truth::Kept(_) | Truth::Unknown => {}
        }
    }

    /// A static role's password: whether it is the one that was read, and whether it logs in.
    fn compare_password(&mut self, role: StaticRole, all: bool) {
        let number = self.reads[role as usize];
        let at = self.look();
        let Some(StaticTruth { password, logs_in }) = self.model.static_role(role, at) else { return };
        let (name, read) = (role.name(), password_name(role, number));
        let mut parts = vec![format!("of: database/{name}")];
        let (mut within, mut cites) = (logs_in.unwrap_or_default(), "DBSTATIC-02");
        match password {
            StaticPassword::Same(by) => {
                parts.push(format!("same_as: {read}"));
                cites = by;
            }
            // That it is another one is looked at once more at the end: it never becomes the same again.
            StaticPassword::Another(changes_within, by)
                if self.told.insert((What::Password, self.passwords_told(role))) || all =>
            {
                parts.push(format!("changed_since: {read}"));
                within = within.max(changes_within);
                cites = by;
                self.model.saw_another(role, by);
            }
            StaticPassword::Another(..) | StaticPassword::Unknown => {}
        }
        if logs_in.is_some() {
            parts.push("logs_in: true".to_owned());
        }
        if parts.len() > 1 {
            self.settle(&format!("expect: {{ static_role: {{ {} }} }}", parts.join(", ")), within, cites);
        }
    }

    /// Waits for a rotation by period, and compares it.
    pub(super) fn compare_rotation(&mut self, role: StaticRole) {
        let at = self.look();
        let Some(within) = self.model.rotates_within(role, at) else { return };
        let (name, read) = (role.name(), password_name(role, self.reads[role as usize]));
        let look =
            format!("expect: {{ static_role: {{ of: database/{name}, changed_since: {read}, logs_in: true }} }}");
        self.lines.step(&look, Some(within), Some("DBSTATIC-02"));
        self.lines.step(
            &format!("expect: {{ login: {{ with: {read}, refused: authentication }} }}"),
            None,
            Some("DBSTATIC-02"),
        );
        self.model.saw_another(role, "DBSTATIC-02");
    }

    /// A number that a read of a static role has alone.
    fn passwords_told(&self, role: StaticRole) -> usize {
        2 * self.reads[role as usize] + role as usize
    }

    fn settle(&mut self, look: &str, within: Duration, cites: Cited) {
        if !within.is_zero() {
            self.count.takes(SETTLES);
        }
        self.lines.step(look, Some(within), Some(cites));
    }

    pub(super) fn look(&mut self) -> Interval {
        self.count.takes(LOOK)
    }
}
