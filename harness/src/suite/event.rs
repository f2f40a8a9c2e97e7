//! What happens in a run, for someone to show.

use std::path::PathBuf;
use std::sync::Arc;

use crate::event::Entry;
use crate::provider::native::fetch::Progress;
use crate::report::record::ScenarioRecord;
use crate::scenario::Scenario;

/// What happens in a run, for someone to show.
#[derive(Debug, Clone)]
pub enum SuiteEvent {
    /// What an earlier run left behind was removed.
    Swept {
        /// How many runs, containers and networks.
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
    /// More scenario runs follow than was known.
    More {
        /// How many.
        runs: usize,
        /// Why, in a sentence.
        why: &'static str,
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
