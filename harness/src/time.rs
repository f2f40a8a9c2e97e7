//! The run's clock. Every call is an interval: it happened somewhere between being sent and being answered.

use std::fmt;
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment on a run's monotonic clock, in microseconds since the run began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default)]
#[serde(transparent)]
pub struct Moment(pub u64);

impl Moment {
    /// The beginning of the run.
    pub const START: Self = Self(0);

    /// A moment so many milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// This moment, a duration later.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(micros(later)))
    }

    /// This moment, a duration earlier (never before the start).
    #[must_use]
    pub fn minus(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(micros(earlier)))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

/// The time in which a call happened: not before `sent`, not after `answered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Just before the first byte could leave.
    pub sent: Moment,
    /// Just after the answer was read, or the deadline passed.
    pub answered: Moment,
}

impl Interval {
    /// From `sent` to `answered`.
    pub const fn new(sent: Moment, answered: Moment) -> Self {
        Self { sent, answered }
    }

    /// Something that was seen at one moment.
    pub const fn at(moment: Moment) -> Self {
        Self { sent: moment, answered: moment }
    }

    /// How long the call took at most.
    pub fn length(self) -> Duration {
        self.answered.since(self.sent)
    }

    /// Whether every reading of both intervals puts this one first.
    pub fn surely_before(self, other: Self) -> bool {
        self.answered < other.sent
    }

    /// Whether the two could have happened at the same moment.
    pub fn overlaps(self, other: Self) -> bool {
        self.sent <= other.answered && other.sent <= self.answered
    }
}

/// Where moments come from: one per run, shared by all that acts in it.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
    wall: jiff::Timestamp,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        Self { origin: Instant::now(), wall: jiff::Timestamp::now() }
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        Moment(micros(self.origin.elapsed()))
    }

    /// The wall-clock time at which the run began, for people.
    pub fn wall_start(&self) -> jiff::Timestamp {
        self.wall
    }

    /// The moment of a wall-clock time, as far as the two clocks agree.
    pub fn moment_of(&self, wall: jiff::Timestamp) -> Moment {
        let since = wall.duration_since(self.wall);
        Moment(u64::try_from(since.as_micros()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_calls_that_touch_have_no_sure_order() {
        let a = Interval::new(Moment(10), Moment(20));
        let b = Interval::new(Moment(20), Moment(30));
        assert!(!a.surely_before(b) && a.overlaps(b));
        assert!(a.surely_before(Interval::at(Moment(21))));
    }
}
