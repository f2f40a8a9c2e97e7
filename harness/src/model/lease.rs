//! A lease and a token, as far as the model knows them.

use std::time::Duration;

use super::Cited;
use super::operation::Role;
use crate::time::Interval;

/// How long after the lease's end PostgreSQL ends the login by itself (DB-02).
pub const BACKSTOP: Duration = Duration::from_secs(5);

/// What was done to a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing: it ends by its clock, or with its token.
    Runs,
    /// Its end was ordered, and nobody waited for it.
    Ending(Cited),
    /// It is over, by an answer or because that was seen.
    Ended(Cited),
    /// Vault was made to forget it while it could not be revoked.
    Forgotten,
}

/// What was in the way when it was to be revoked. The order is that of how long it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hindrance {
    /// Nothing.
    None,
    /// Vault did not serve: it catches up within seconds once it does.
    Vault,
    /// The database did not do it: the next attempt may be a minute away.
    Target,
}

/// A lease.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Its role.
    pub role: Role,
    /// The token that took it; `None` is root.
    pub token: Option<usize>,
    /// Its end by its own clock.
    pub end: Interval,
    /// The latest end that renewals can give it.
    pub limit: Interval,
    /// When the database itself ends the login.
    pub valid_until: Option<Interval>,
    /// What was done to it.
    pub fate: Fate,
    /// What may have been in the way of its revocation.
    pub hindered: Hindrance,
    /// Whether it surely ran when the present hindrance began.
    pub ran: bool,
}

impl Lease {
    /// A lease that was issued in this call; `is_ended_there`: whether its database ends logins by itself.
    pub fn issued(role: Role, token: Option<usize>, is_ended_there: bool, at: Interval) -> Self {
        let end = after(at, role.ttl());
        Self {
            role,
            token,
            end,
            limit: after(at, role.max_ttl()),
            valid_until: (is_ended_there && role.has_valid_until()).then(|| after(end, BACKSTOP)),
            fate: Fate::Runs,
            hindered: Hindrance::None,
            ran: false,
        }
    }

    /// Whether Vault still has something to do with it.
    pub fn is_open(&self) -> bool {
        matches!(self.fate, Fate::Runs | Fate::Ending(_))
    }

    /// It was renewed in this call: for so long from then, and no longer than its limit.
    pub fn renewed(&mut self, for_long: Duration, is_ended_there: bool, at: Interval) {
        let asked = after(at, for_long);
        self.end = Interval::new(asked.sent.min(self.limit.sent), asked.answered.min(self.limit.answered));
        // Also where creation set none: the default renewal does.
        self.valid_until = is_ended_there.then(|| after(self.end, BACKSTOP));
    }
}

/// A token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token that made it, and takes it along.
    pub parent: Option<usize>,
    /// Its end by its own clock.
    pub end: Interval,
    /// The order by which it ended.
    pub revoked: Option<Cited>,
    /// Whether it was seen to be over.
    pub seen_over: bool,
}

/// An interval, so much later.
pub fn after(at: Interval, later: Duration) -> Interval {
    Interval::new(at.sent.plus(later), at.answered.plus(later))
}
