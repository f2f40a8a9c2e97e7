//! The comparisons of a sequence: what is looked at after each operation, as steps that expect what the model says.

use std::time::Duration;

use super::Cited;
use super::script::{Walk, lease_name, token_name};
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
