//! What is said of an upgrade: the answer, what it rests on, and how to see each part of it again.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::change::{Change, Leg};
use crate::report::record::ScenarioResult;

/// The version of the report's shape. It grows when a field changes its meaning or goes away.
pub const REPORT_VERSION: u32 = 1;

/// Whether to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Every promise held on every leg, and nothing differs that anybody must act on.
    Go,
    /// Every promise held on every leg; what differs is listed, and should be read before.
    GoWithChanges,
    /// A promise that is kept now would not be kept any more.
    NoGo,
    /// Too little was seen to say.
    Inconclusive,
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Go => "GO",
            Self::GoWithChanges => "GO WITH CHANGES",
            Self::NoGo => "NO-GO",
            Self::Inconclusive => "INCONCLUSIVE",
        })
    }
}

/// The report on one upgrade.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Version of this shape.
    pub version: u32,
    /// The run's id, also the name of its folder.
    pub run: String,
    /// leaseproof's own version.
    pub leaseproof: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// The version that runs now: `OpenBao 2.6.1`.
    pub from: String,
    /// The one that is to come.
    pub to: String,
    /// Whether to go.
    pub answer: Answer,
    /// Why, in a sentence.
    pub because: String,
    /// What differs, the worst first.
    pub changes: Vec<Change>,
    /// What could not be decided, each in a sentence.
    pub undecided: Vec<String>,
    /// What is no change, though it does not hold: it holds on neither version.
    pub as_before: Vec<String>,
    /// What said nothing when it first ran and was run once more, with what came of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_again: Vec<String>,
    /// What a rollback leaves behind, though no promise is broken: users of credentials that were issued after the snapshot.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_behind: Vec<String>,
    /// Every scenario, with what came of its legs.
    pub scenarios: Vec<Case>,
    /// What was compared beside the scenarios, and what was not, with the reason.
    pub compared: Vec<String>,
    /// How often each leg ran.
    pub repeat: u32,
    /// The command that runs the same again.
    pub rerun: String,
}

/// A scenario and its legs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Case {
    /// The sentence that it shows.
    pub name: String,
    /// Its file.
    pub file: String,
    /// What came of each leg that ran.
    pub legs: Vec<LegRecord>,
    /// Where the upgrade was put, in words, or why there was none.
    pub route: String,
}

/// What came of one leg of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LegRecord {
    /// Which.
    pub leg: Leg,
    /// The worst result of its repeats.
    pub result: ScenarioResult,
    /// Why, in a sentence; empty when it held.
    pub reason: String,
    /// The folders of its repeats.
    pub runs: Vec<String>,
}

impl Case {
    /// What came of a leg; nothing when it did not run.
    pub fn result(&self, leg: Leg) -> Option<&LegRecord> {
        self.legs.iter().find(|record| record.leg == leg)
    }
}
