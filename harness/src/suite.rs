//! A run: many scenarios, on one or several servers, many at once; its events, its report folder, its end.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::event::Entry;
use crate::provider::native::fetch::Progress;
use crate::provider::native::part::Part;
use crate::report::record::{Record, ScenarioRecord, ScenarioResult};
use crate::scenario::Scenario;

/// What to run, on what, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The scenarios, in the order of their files.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The secrets servers; each scenario runs on each.
    pub vaults: Vec<Part>,
    /// The PostgreSQL that is wanted.
    pub postgres: Part,
    /// The folder of PostgreSQL's programs, when one is given.
    pub postgres_bin: Option<PathBuf>,
    /// How many scenarios run at once.
    pub jobs: usize,
    /// The seed of every plan.
    pub seed: u64,
    /// How often each scenario runs.
    pub repeat: u32,
    /// Whether the servers of a scenario that did not hold stay up until the run is stopped.
    pub keep: bool,
    /// The folder in which the run gets a folder of its own.
    pub reports: PathBuf,
    /// The command that runs the same again, without its seed.
    pub command: String,
}

/// What happens in a run, for someone to show.
#[derive(Debug, Clone)]
pub enum SuiteEvent {
    /// What an earlier run left behind was removed.
    Swept {
        /// How many processes and folders.
        runs: usize,
    },
    /// A part is looked for, found, or fetched.
    Provision(Progress),
    /// Everything is there; this many scenario runs follow.
    Ready {
        /// The run's folder.
        folder: PathBuf,
        /// The provider, and why it was chosen.
        provider: String,
        /// How many runs of scenarios follow.
        runs: usize,
    },
    /// A scenario began.
    Started {
        /// Its number in the run, from 0.
        run: usize,
        /// The scenario.
        scenario: Arc<Scenario>,
        /// The server that it runs on.
        server: String,
    },
    /// Something happened in it.
    Happened {
        /// Its number in the run.
        run: usize,
        /// What.
        entry: Box<Entry>,
    },
    /// Its servers stay up, until the run is stopped.
    Kept {
        /// Its number in the run.
        run: usize,
        /// What runs where: `vault`, `http://127.0.0.1:20010`.
        addresses: Vec<(String, String)>,
        /// A file, readable by its owner alone, with what it takes to log in.
        secrets: PathBuf,
    },
    /// It ended.
    Finished {
        /// Its number in the run.
        run: usize,
        /// What came of it.
        record: Box<ScenarioRecord>,
    },
}

/// Who is told what happens.
pub type OnEvent = Arc<dyn Fn(SuiteEvent) + Send + Sync>;

/// A run that could not begin or could not be written down.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A part could not be had.
    #[error(transparent)]
    Fetch(#[from] crate::provider::native::fetch::FetchError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] crate::provider::native::cache::CacheError),
    /// The run's own folder cannot be used.
    #[error(transparent)]
    Estate(#[from] crate::provider::native::estate::EstateError),
    /// The report folder cannot be made.
    #[error("cannot make the report folder {path}: {source}; choose another with --report-dir")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The reports could not be written.
    #[error(transparent)]
    Report(#[from] crate::report::ReportError),
}

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

/// Runs an order to its end: fetches what is missing, sweeps what dead runs left, runs every scenario on every server,
/// writes the reports. `stop` ends it early, with everything healed and taken down.
pub async fn run(order: Order, on: OnEvent, stop: CancellationToken) -> Result<Record, SuiteError> {
    let _ = (order, on, stop);
    todo!()
}
