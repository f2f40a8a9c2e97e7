//! A change: something that differs between the two versions, how much it matters, and where it was seen.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much a change matters. The first is the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A promise that was kept is not kept any more.
    Blocker,
    /// Something that worked is refused, or is not there any more.
    Breaking,
    /// An answer, a default or a time is another one.
    Notable,
    /// Something new, or only said in other words.
    Minor,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Which leg showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Leg {
    /// All on the version that runs now.
    From,
    /// All on the version that is to come.
    To,
    /// Begun on the one, ended on the other, on the same data.
    Through,
    /// Begun and ended on the version that runs now, with a restart where the upgrade would be: tells what a restart does
    /// from what an upgrade does.
    Control,
    /// Begun on the version that runs now, upgraded, and rolled back: ended on the version that runs now, with a snapshot from
    /// before the upgrade.
    Rollback,
}

impl fmt::Display for Leg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Where something was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// The scenario's sentence; what else was looked at, where it was no scenario.
    pub scenario: String,
    /// Its file, with the line of the step: `scenarios/upgrade/a.yaml:12`.
    pub place: String,
    /// The number of the step in the plan; empty when it is the whole scenario.
    pub step: String,
    /// What the step does.
    pub title: String,
    /// The leg that differs from the version that runs now.
    pub leg: Leg,
    /// The folders of the runs in which it can be read, below the report's folder.
    pub runs: Vec<String>,
    /// The command that shows it again.
    pub again: String,
}

/// A documented promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Promise {
    /// Its ID.
    pub id: String,
    /// What is promised.
    pub promise: String,
    /// The page that says so.
    pub source: String,
}

/// Something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// How much it matters.
    pub severity: Severity,
    /// What differs, in a sentence.
    pub what: String,
    /// How it is on the version that runs now.
    pub from: String,
    /// How it is on the one that is to come.
    pub to: String,
    /// The promises that it concerns.
    pub promises: Vec<Promise>,
    /// Where it was seen, in every scenario and step.
    pub evidence: Vec<Evidence>,
}

/// Puts changes that say the same together, the worst first, each with all that shows it.
pub fn gathered(changes: Vec<Change>) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for change in changes {
        let same = all
            .iter_mut()
            .find(|other| (&other.what, &other.from, &other.to) == (&change.what, &change.from, &change.to));
        let Some(same) = same else {
            all.push(change);
            continue;
        };
        same.severity = same.severity.min(change.severity);
        for evidence in change.evidence {
            if !same.evidence.contains(&evidence) {
                same.evidence.push(evidence);
            }
        }
        for promise in change.promises {
            if !same.promises.contains(&promise) {
                same.promises.push(promise);
            }
        }
    }
    all.sort_by(|a, b| (a.severity, &a.what).cmp(&(b.severity, &b.what)));
    all
}
