//! A run: many scenarios, on one or several servers, many at once; its events, its report folder, its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;

use crate::history::History;
use crate::provider::docker::engine::Engine;
use crate::provider::native::cache::Cache;
use crate::provider::native::fetch::Fetcher;
use crate::provider::native::find::{Found, Places};
use crate::provider::native::{estate, name_of};
use crate::provider::on_demand::OnDemand;
use crate::provider::site::{Site, Wanted};
use crate::provider::{Programs, UpError};
use crate::report;
use crate::report::record::{RECORD_VERSION, Record, ScenarioRecord, SecretScan};
use crate::scenario::Scenario;
use crate::secret::KnownSecrets;
use crate::stack::Stack;
use crate::time::Clock;

mod error;
mod event;
mod exit;
mod folder;
mod order;
mod scenario_run;

pub use error::SuiteError;
pub use event::{OnEvent, SuiteEvent};
pub use exit::Exit;
pub use order::{Course, Order, Settings};

/// What is added to where servers come from when the links are on the real thing.
const OVER_TOXIPROXY: &str = ", links over a Toxiproxy server";

/// A run that is open: parts are there, leftovers are gone, the report folder is made.
pub struct Suite {
    settings: Settings,
    sites: Vec<Site>,
    on_demand: OnDemand,
    folder: PathBuf,
    id: String,
    started: jiff::Timestamp,
    clock: Instant,
    secrets: KnownSecrets,
    on: OnEvent,
    stop: CancellationToken,
}

impl Suite {
    /// Opens a run: fetches what is missing, removes what dead runs left, makes the report folder.
    pub async fn open(settings: Settings, on: OnEvent, stop: CancellationToken) -> Result<Self, SuiteError> {
        let swept = sweep().await?;
        if swept > 0 {
            on(SuiteEvent::Swept { runs: swept });
        }
        let progress = |progress| on(SuiteEvent::Provision(progress));
        let wanted = Wanted {
            vaults: settings.vaults.clone(),
            postgres: settings.postgres.clone(),
            postgres_bin: settings.postgres_bin.clone(),
            mysql: settings.mysql.clone(),
            toxiproxy: settings.toxiproxy.clone(),
            images: settings.images.clone(),
        };
        let mut sites: Vec<Site> = Vec::new();
        for choice in &settings.providers {
            let site = Site::open(*choice, &wanted, &progress).await?;
            // Auto beside the one that it picked.
            if sites.iter().all(|known| known.kind() != site.kind()) {
                sites.push(site);
            }
        }
        let started = jiff::Timestamp::now();
        let (folder, id) = folder::make(&settings.reports, started)?;
        Ok(Self {
            settings,
            sites,
            on_demand: OnDemand::new(Fetcher::new(Places::here(Cache::usual()?))),
            folder,
            id,
            started,
            clock: Instant::now(),
            secrets: KnownSecrets::default(),
            on,
            stop,
        })
    }

    /// The run's report folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The servers that scenarios run on, by number: `OpenBao 2.7.2`, with its provider where there are several.
    pub fn servers(&self) -> Vec<String> {
        self.targets().map(|target| self.name_of(target)).collect()
    }

    /// Where servers come from, and why, in one line.
    pub fn provider(&self) -> String {
        let sites = self.sites.iter().map(|site| site.why.as_str()).collect::<Vec<_>>().join("; ");
        let links = if self.settings.toxiproxy.is_some() { OVER_TOXIPROXY } else { "" };
        format!("{sites}{links}")
    }

    /// Every server of every provider.
    fn targets(&self) -> impl Iterator<Item = Target<'_>> {
        self.sites.iter().flat_map(|site| site.vaults.iter().map(move |vault| Target { site, vault }))
    }

    /// A server by its number.
    fn target(&self, server: usize) -> Target<'_> {
        #[expect(clippy::expect_used, reason = "the number is one of those that `servers` gives")]
        self.targets().nth(server).expect("a server of this run")
    }

    fn name_of(&self, target: Target<'_>) -> String {
        let name = name_of(target.vault);
        if self.sites.len() > 1 { format!("{name} ({})", target.site.kind()) } else { name }
    }

    /// The run's id: the name of its report folder.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it was opened.
    pub fn started(&self) -> jiff::Timestamp {
        self.started
    }

    /// What was found for a server, by its number.
    pub fn found(&self, server: usize) -> &Found {
        self.target(server).vault
    }

    /// Tells that this many scenario runs follow.
    pub fn ready(&self, runs: usize) {
        (self.on)(SuiteEvent::Ready { folder: self.folder.clone(), provider: self.provider(), runs });
    }

    /// Tells that so many scenario runs follow beyond those.
    pub fn more(&self, runs: usize, why: &'static str) {
        (self.on)(SuiteEvent::More { runs, why });
    }

    /// Brings up the servers of a scenario for something other than running it.
    pub async fn bring_up(&self, server: usize, name: &str, scenario: &Scenario) -> Result<Stack, UpError> {
        let Target { site, vault } = self.target(server);
        let programs = Programs {
            vault: vault.clone(),
            next: None,
            rolls_back: false,
            postgres: Some(site.postgres.clone()),
            mysql: site.mysql_program(),
            aws: None,
            aws_plugin: None,
            agent: None,
            toxiproxy: None,
        };
        let history = History::in_memory(Clock::start(), self.secrets.clone());
        site.provider.up(&programs, scenario, name, self.settings.seed, &history).await
    }

    /// Takes such servers down and removes their data.
    pub async fn take_down(&self, server: usize, stack: Stack, name: &str) -> Result<(), UpError> {
        self.target(server).site.provider.down(stack, name).await
    }

    /// Ends a run in which nothing ran, and leaves no report.
    pub async fn abandon(self) -> Result<(), SuiteError> {
        let mut gone = Ok(());
        for site in self.sites {
            gone = gone.and(site.provider.close().await);
        }
        // An empty folder of ours; one that somebody put something into stays.
        let _ = std::fs::remove_dir(&self.folder);
        gone.map_err(|e| SuiteError::Aborted(e.to_string()))
    }

    /// Ends the run: everything that is left goes down, the reports are written and searched for secrets.
    pub async fn close(self, scenarios: Vec<ScenarioRecord>) -> Result<Record, SuiteError> {
        let provider = self.provider();
        let mut record = Record {
            version: RECORD_VERSION,
            run: self.id,
            leaseproof: env!("CARGO_PKG_VERSION").to_owned(),
            started: self.started.to_string(),
            took_ms: u64::try_from(self.clock.elapsed().as_millis()).unwrap_or(u64::MAX),
            seed: self.settings.seed,
            rerun: format!("{} --seed {}", self.settings.command, self.settings.seed),
            provider,
            scenarios,
            secrets: SecretScan::default(),
        };
        let mut gone = Ok(());
        for site in self.sites {
            gone = gone.and(site.provider.close().await);
        }
        let (folder, secrets) = (self.folder, self.secrets);
        let written = tokio::task::spawn_blocking(move || {
            let written = report::conclude(&mut record, &folder, &secrets);
            (record, written)
        });
        let (record, written) = written.await.map_err(|e| SuiteError::Aborted(e.to_string()))?;
        written.map_err(|source| SuiteError::Unwritten { record: Box::new(record.clone()), source })?;
        gone.map_err(|e| SuiteError::Aborted(e.to_string()))?;
        Ok(record)
    }
}

/// Runs an order to its end: fetches what is missing, sweeps what dead runs left, runs every scenario on every server,
/// writes the reports. `stop` ends it early, with everything healed and taken down.
pub async fn run(order: Order, on: OnEvent, stop: CancellationToken) -> Result<Record, SuiteError> {
    let Order { scenarios, jobs, repeat, settings } = order;
    let suite = Suite::open(settings, on.clone(), stop.clone()).await?;
    let servers = 0..suite.targets().count();
    let runs: Vec<(Arc<Scenario>, usize)> = (0..repeat)
        .flat_map(|_| servers.clone())
        .flat_map(|server| scenarios.iter().map(move |scenario| (scenario.clone(), server)))
        .collect();
    suite.ready(runs.len());
    let suite_ref = &suite;
    let stop = &stop;
    let mut records: Vec<(usize, ScenarioRecord)> = stream::iter(runs.into_iter().enumerate())
        // What had not begun when the run was stopped does not begin.
        .filter(|_| future::ready(!stop.is_cancelled()))
        .map(|(run, (scenario, server))| async move { (run, suite_ref.run_one(run, &scenario, server).await) })
        .buffer_unordered(jobs.max(1))
        .collect()
        .await;
    records.sort_by_key(|(run, _)| *run);
    suite.close(records.into_iter().map(|(_, record)| record).collect()).await
}

/// One of the servers that scenarios run on.
#[derive(Clone, Copy)]
struct Target<'a> {
    site: &'a Site,
    vault: &'a Found,
}

/// Removes what dead runs left, and says of how many runs, containers and networks that was.
async fn sweep() -> Result<usize, SuiteError> {
    let runs = estate::sweep().await?.removed.len();
    // Without an engine there are no containers; with one that will not say, a run in containers meets it soon enough.
    let Ok(engine) = Engine::connect().await else { return Ok(runs) };
    Ok(runs + engine.sweep().await.map_or(0, |left| left.len()))
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-:+=@%,".contains(&b));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
