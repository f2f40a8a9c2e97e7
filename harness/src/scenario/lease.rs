//! What is surely known of a lease while a scenario is read: when it began, and how long it lasts.

use std::time::Duration;

use super::mark::Place;
use super::ttl::Ttls;

/// A lease on paper. All times count from the first step.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    /// The role's name.
    pub(super) role: String,
    /// Where it was issued.
    pub(super) at: Place,
    pub(super) ttls: Ttls,
    /// The latest moment at which its issue can have begun.
    pub(super) issued_latest: Duration,
    /// The earliest moment at which its present TTL can have begun: its issue, or its last renewal.
    pub(super) since_earliest: Duration,
    /// The latest.
    pub(super) since_latest: Duration,
    /// The TTL that began then.
    pub(super) granted: Duration,
    /// Set once something may have ended or changed it, after which nothing is sure.
    pub(super) open: bool,
    /// Whether a token of the scenario's own took it, which takes it along when it ends.
    pub(super) of_token: bool,
}

impl Lease {
    pub(super) fn new(role: String, at: Place, ttls: Ttls, earliest: Duration, latest: Duration) -> Self {
        Self {
            role,
            at,
            ttls,
            issued_latest: latest,
            since_earliest: earliest,
            since_latest: latest,
            granted: ttls.issued,
            open: false,
            of_token: false,
        }
    }

    /// A renewal: the TTL begins anew.
    pub(super) fn renewed(&mut self, granted: Duration, earliest: Duration, latest: Duration) {
        self.since_earliest = earliest;
        self.since_latest = latest;
        self.granted = granted;
    }
}
