//! The record of a run: one value that holds everything a report says. Every projection reads this and the histories,
//! and nothing else, so that an old run can be rendered again without servers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{FragmentLine, Part, Phase};
use crate::outcome::{Judgement, Verdict};
use crate::time::Moment;

/// The version of the record's shape. It grows when a field changes its meaning or goes away.
pub const RECORD_VERSION: u32 = 1;

/// A run: one or many scenarios, on one or many servers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of this shape.
    pub version: u32,
    /// The run's id, also the name of its folder.
    pub run: String,
    /// leaseproof's own version.
    pub leaseproof: String,
    /// When it began, RFC 3339.
    pub started: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The seed of every plan in it.
    pub seed: u64,
    /// The command that runs the same again.
    pub rerun: String,
    /// `native` or `docker`, and why.
    pub provider: String,
    /// Every scenario on every server, in the order of the files.
    pub scenarios: Vec<ScenarioRecord>,
    /// The last step of a run: its own output is searched for every secret that it knew.
    pub secrets: SecretScan,
}

/// What the search for secrets found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretScan {
    /// How many secrets the run knew.
    pub known: usize,
    /// How many files were searched.
    pub files: usize,
    /// Files in which one was found. Must be empty; if not, the run has failed.
    pub found_in: Vec<String>,
    /// Files that could not be searched, with the reason. A file nobody looked into is not clean.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsearched: Vec<String>,
}

impl SecretScan {
    /// Whether every file was searched and none held a secret.
    pub fn is_clean(&self) -> bool {
        self.found_in.is_empty() && self.unsearched.is_empty()
    }
}

/// What came of one scenario on one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRecord {
    /// The sentence that it shows.
    pub name: String,
    /// Why it matters.
    #[serde(default)]
    pub about: Option<String>,
    /// The scenario file.
    pub file: String,
    /// The text of that file, so that reports can show lines of it.
    pub source: String,
    /// The fragments that it uses, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fragments: Vec<FragmentRecord>,
    /// The server that was asked for: `openbao 2.7.2`.
    pub server: String,
    /// Where its servers came from: `native`, `docker`.
    #[serde(default)]
    pub provider: String,
    /// Everything that ran, with its version: `openbao 2.7.2`, `postgresql 15.18`.
    pub products: Vec<String>,
    /// What came of it.
    pub result: ScenarioResult,
    /// One sentence: why.
    pub reason: String,
    /// The seed of its plan.
    pub seed: u64,
    /// The command that runs just this again.
    pub rerun: String,
    /// Its folder, relative to the record: plan.txt, history.jsonl, logs.
    pub folder: String,
    /// When it began, RFC 3339: the zero of all its moments.
    pub started: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The promises that it judged.
    pub guarantees: Vec<GuaranteeRecord>,
    /// The phases, with the moment at which each began.
    pub phases: Vec<PhaseRecord>,
    /// The steps that were reached.
    pub steps: Vec<StepRecord>,
    /// The faults that were injected.
    pub faults: Vec<FaultRecord>,
    /// What had to hold throughout.
    pub always: Vec<InvariantRecord>,
    /// Differences of the ledgers at the end, each named: orphan, zombie, early death, leftover session.
    pub differences: Vec<Difference>,
}

/// A fragment that a scenario uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FragmentRecord {
    /// Its file.
    pub file: String,
    /// The text of that file.
    pub source: String,
}

/// How a scenario can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScenarioResult {
    /// Every promise was observed to be kept.
    Held,
    /// It could not run here; the reason says why.
    Skipped,
    /// Too little was observed to say.
    Inconclusive,
    /// The environment broke: a server would not start, a disk was full. Says nothing of any promise.
    Broken,
    /// It was interrupted.
    Interrupted,
    /// A promise was observed to be broken.
    Violated,
}

impl From<Verdict> for ScenarioResult {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Held => Self::Held,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Violated => Self::Violated,
        }
    }
}

impl std::fmt::Display for ScenarioResult {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// One promise, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuaranteeRecord {
    /// Its ID: `LEASE-03`.
    pub id: String,
    /// What is promised.
    pub promise: String,
    /// The documentation page.
    pub source: String,
    /// What came of it.
    pub judgement: Judgement,
    /// What this server really does, where it is known not to do what is documented, and was seen not to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<String>,
}

/// When a phase began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseRecord {
    /// Which.
    pub phase: Phase,
    /// When.
    pub from: Moment,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepRecord {
    /// Its number in the plan: `4.2`.
    pub number: String,
    /// What it does, in words.
    pub title: String,
    /// Its line in the scenario file; for a step of a fragment, that of the `use` which brought it.
    pub line: usize,
    /// Where it stands in a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<FragmentLine>,
    /// When it began.
    pub from: Moment,
    /// When it ended.
    pub to: Moment,
    /// What came of it.
    pub judgement: Judgement,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultRecord {
    /// Its number in the run.
    pub fault: u32,
    /// What it is, in words.
    pub title: String,
    /// What it disturbs.
    pub disturbs: Vec<Part>,
    /// Before it began.
    pub from: Moment,
    /// After its effect was seen from outside.
    pub in_effect: Moment,
    /// After its healing was seen; none when it never was.
    #[serde(default)]
    pub to: Option<Moment>,
    /// How its effect was seen.
    pub seen: String,
    /// How its healing was seen, or why not.
    pub healed: String,
}

/// One thing that had to hold throughout.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvariantRecord {
    /// What it is, in words.
    pub title: String,
    /// Its line in the scenario file; 0 when it holds for every scenario.
    pub line: usize,
    /// Where it stands in a fragment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fragment: Option<FragmentLine>,
    /// What came of it.
    pub judgement: Judgement,
}

/// Something on which two ledgers disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Its name.
    pub kind: DifferenceKind,
    /// The user, lease or session.
    pub what: String,
    /// In one sentence.
    pub detail: String,
}

/// The names of differences between ledgers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// The target has it, Vault does not.
    Orphan,
    /// It should be dead and still logs in.
    Zombie,
    /// Its lease is alive, its user is gone or refused.
    EarlyDeath,
    /// Revoked, and still connected.
    LeftoverSession,
    /// The target has it, and Vault has forgotten it by a rollback: nobody did wrong, and somebody has to remove it.
    OrphanByNature,
}

impl std::fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Orphan => "orphan",
            Self::Zombie => "zombie",
            Self::EarlyDeath => "early death",
            Self::LeftoverSession => "leftover session",
            Self::OrphanByNature => "orphan by nature",
        })
    }
}
