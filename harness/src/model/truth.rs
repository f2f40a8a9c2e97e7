//! What must be seen of each lease and token during a call.

use std::time::Duration;

use super::Cited;
use super::fault::Vault;
use super::lease::{Fate, Hindrance};
use super::state::Model;
use crate::scenario::Dbms;
use crate::time::Interval;

/// How long after its end something may still be seen, with nothing in the way: "within seconds".
const SECONDS: Duration = Duration::from_secs(15);
/// How long Vault may take to catch up when it serves again.
const CATCHES_UP: Duration = Duration::from_secs(20);
/// The database's own end: seconds are cut off, and clocks are read at both ends.
const BACKSTOP_MARGIN: Duration = Duration::from_secs(2);
/// How long after that it may still be seen.
const BACKSTOP_SHOWS: Duration = Duration::from_secs(5);

/// What must be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// It is there, and lets in.
    Holds(Cited),
    /// It is over, or will be within this time.
    Over {
        /// How long that may take.
        within: Duration,
        /// By this promise.
        cites: Cited,
    },
    /// Vault keeps it, though it is over, because it could not be revoked.
    Kept(Cited),
    /// Either.
    Unknown,
}

impl Model {
    /// What Vault must say of a lease.
    pub fn lookup(&self, id: usize, at: Interval) -> Truth {
        if self.vault() != Vault::Serving {
            return Truth::Unknown;
        }
        let lease = &self.leases[id];
        match lease.fate {
            Fate::Ended(cites) => return Truth::Over { within: Duration::ZERO, cites },
            Fate::Forgotten => return Truth::Over { within: Duration::ZERO, cites: "LEASE-08" },
            Fate::Runs | Fate::Ending(_) => {}
        }
        if self.runs(id, at) {
            return Truth::Holds("LEASE-01");
        }
        let Some(cites) = self.over(id, at) else { return Truth::Unknown };
        match lease.hindered.max(self.hindrance()) {
            Hindrance::None => Truth::Over { within: SECONDS, cites },
            Hindrance::Vault => Truth::Over { within: CATCHES_UP, cites: "SEAL-03" },
            Hindrance::Target if self.hindrance() == Hindrance::Target && lease.ran => Truth::Kept("LEASE-03"),
            Hindrance::Target => Truth::Unknown,
        }
    }

    /// What a login with a lease's credential must come to, straight at the database.
    pub fn login(&self, id: usize, at: Interval) -> Truth {
        if !self.faults.iter().all(|fault| fault.lets_log_in()) {
            return Truth::Unknown;
        }
        let lease = &self.leases[id];
        if let Fate::Ended(cites) = lease.fate {
            return Truth::Over { within: Duration::ZERO, cites };
        }
        if self.runs(id, at) {
            return Truth::Holds("LEASE-01");
        }
        let Some(cites) = self.over(id, at) else { return Truth::Unknown };
        let is_forgotten = lease.fate == Fate::Forgotten;
        let now = self.hindrance();
        if lease.hindered.max(now) == Hindrance::None && !is_forgotten {
            return Truth::Over { within: SECONDS, cites };
        }
        if lease.valid_until.is_some_and(|until| until.answered.plus(BACKSTOP_MARGIN) < at.sent) {
            return Truth::Over { within: BACKSTOP_SHOWS, cites: "DB-02" };
        }
        // Nobody could end it before its time.
        let untouched = is_forgotten || (now != Hindrance::None && lease.ran);
        // MySQL knows of no end of a user.
        let has_no_end = self.dbms() == Dbms::Mysql;
        if untouched && (has_no_end || self.within_ttl(id, at)) {
            return Truth::Holds(match now {
                _ if is_forgotten => "LEASE-08",
                Hindrance::Vault if has_no_end => "MYSQL-02",
                _ => "LEASE-07",
            });
        }
        if !is_forgotten && now == Hindrance::None && lease.hindered == Hindrance::Vault {
            return Truth::Over { within: CATCHES_UP, cites: "SEAL-03" };
        }
        Truth::Unknown
    }

    /// What Vault must say of a token.
    pub fn token(&self, id: usize, at: Interval) -> Truth {
        if self.vault() != Vault::Serving {
            return Truth::Unknown;
        }
        if self.token_runs(id, at) {
            return Truth::Holds("TOKEN-02");
        }
        let token = &self.tokens[id];
        match self.token_over(id, at) {
            Some(cites) if token.revoked.is_some() || token.seen_over => Truth::Over { within: Duration::ZERO, cites },
            Some(cites) => Truth::Over { within: SECONDS, cites },
            None => Truth::Unknown,
        }
    }

    /// Whether it is only a matter of Vault's next attempt until a lease is gone: nothing is in the way any more.
    pub fn awaits_retry(&self, id: usize, at: Interval) -> bool {
        let lease = &self.leases[id];
        self.hindrance() == Hindrance::None
            && lease.hindered == Hindrance::Target
            && lease.is_open()
            && self.over(id, at).is_some()
    }

    /// Whether a user is left at the database for good.
    pub fn leaves_orphans(&self) -> bool {
        self.leases.iter().any(|lease| lease.fate == Fate::Forgotten)
    }
}
