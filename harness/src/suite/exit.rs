//! What a run says to whoever started it.

use crate::report::record::{Record, ScenarioResult};

/// What a run says to whoever started it. The numbers are the process's exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Every promise held.
    Held = 0,
    /// A promise was broken.
    Violated = 1,
    /// The command line or a file is wrong; nothing was started.
    Usage = 2,
    /// The environment is broken.
    Environment = 3,
    /// Too little was seen.
    Inconclusive = 4,
    /// It was interrupted.
    Interrupted = 130,
}

impl Exit {
    /// What a record says. A secret in the output is a violation of leaseproof's own promise; a scenario that was skipped
    /// counts only when `require_all` is set, and then as a violation.
    pub fn of(record: &Record, require_all: bool) -> Self {
        let has = |result: ScenarioResult| record.scenarios.iter().any(|scenario| scenario.result == result);
        if !record.secrets.is_clean() || has(ScenarioResult::Violated) {
            Self::Violated
        } else if has(ScenarioResult::Interrupted) {
            Self::Interrupted
        } else if has(ScenarioResult::Broken) {
            Self::Environment
        } else if require_all && has(ScenarioResult::Skipped) {
            Self::Violated
        } else if has(ScenarioResult::Inconclusive) {
            Self::Inconclusive
        } else {
            Self::Held
        }
    }
}
