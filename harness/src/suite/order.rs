//! What to run, and how.

use std::path::PathBuf;
use std::sync::Arc;

use crate::provider::docker::image::Images;
use crate::provider::native::part::Part;
use crate::provider::site::Choice;
use crate::scenario::Scenario;

/// What to run, and how.
#[derive(Debug, Clone)]
pub struct Order {
    /// The scenarios, in the order of their files.
    pub scenarios: Vec<Arc<Scenario>>,
    /// How many scenarios run at once.
    pub jobs: usize,
    /// How often each scenario runs.
    pub repeat: u32,
    /// On what.
    pub settings: Settings,
}

/// How a run is set up, whatever it runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where servers come from. Every scenario runs on each.
    pub providers: Vec<Choice>,
    /// Images that were named in place of the usual ones.
    pub images: Images,
    /// The secrets servers.
    pub vaults: Vec<Part>,
    /// The PostgreSQL that is wanted.
    pub postgres: Part,
    /// The folder of PostgreSQL's programs, when one is given.
    pub postgres_bin: Option<PathBuf>,
    /// The MySQL or MariaDB that is wanted; `None` when no scenario has it.
    pub mysql: Option<Part>,
    /// The Toxiproxy server that links are to be on; `None`: they are in this process.
    pub toxiproxy: Option<Part>,
    /// The seed of every plan.
    pub seed: u64,
    /// Whether the servers of a scenario that did not hold stay up until the run is stopped.
    pub keep: bool,
    /// The folder in which the run gets a folder of its own.
    pub reports: PathBuf,
    /// The command that runs the same again, without its seed.
    pub command: String,
}

/// What one run of a scenario runs on: servers by their number in the run.
#[derive(Debug, Clone)]
pub struct Course {
    /// The server that it starts on.
    pub server: usize,
    /// The server that follows on its data where the scenario says `upgrade`.
    pub next: Option<usize>,
    /// Whether what ran before comes back after that, with what it knew before.
    pub rolls_back: bool,
    /// The command that runs just this again; that of an ordinary run when `None`.
    pub rerun: Option<String>,
}
