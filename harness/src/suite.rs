//! A run: many scenarios, on one or several servers, many at once; its events, its report folder, its end.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use futures_util::{StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;

use crate::between::Between;
use crate::check;
use crate::event::Event;
use crate::history::{History, Listener};
use crate::hold;
use crate::plan::Plan;
use crate::provider::Programs;
use crate::provider::UpError;
use crate::provider::docker::engine::Engine;
use crate::provider::native::cache::Cache;
use crate::provider::native::estate;
use crate::provider::native::fetch::Fetcher;
use crate::provider::native::find::{Found, Places};
use crate::provider::native::name_of;
use crate::provider::on_demand::{AwsParts, Lack, OnDemand};
use crate::provider::site::{Choice, Site, Wanted};
use crate::report;
use crate::report::record::{FragmentRecord, RECORD_VERSION, Record, ScenarioRecord, ScenarioResult, SecretScan};
use crate::runner::{self, Keep, Run};
use crate::scenario::Scenario;
use crate::scenario::consumer::Runs;
use crate::secret::KnownSecrets;
use crate::stack::Stack;
use crate::time::Clock;

mod error;
mod event;
mod exit;
mod folder;
mod order;

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
    toxiproxy: Option<Found>,
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
        let toxiproxy = match &settings.toxiproxy {
            Some(part) => Some(Fetcher::new(Places::here(Cache::usual()?)).provide(part, None, &progress).await?),
            None => None,
        };
        let started = jiff::Timestamp::now();
        let (folder, id) = folder::make(&settings.reports, started)?;
        Ok(Self {
            settings,
            sites,
            on_demand: OnDemand::new(Fetcher::new(Places::here(Cache::usual()?))),
            toxiproxy,
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
        let links = if self.toxiproxy.is_some() { OVER_TOXIPROXY } else { "" };
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

    /// Brings up the servers of a scenario for something other than running it.
    pub async fn bring_up(&self, server: usize, name: &str, scenario: &Scenario) -> Result<Stack, UpError> {
        let Target { site, vault } = self.target(server);
        let programs = Programs {
            vault: vault.clone(),
            next: None,
            postgres: Some(site.postgres.clone()),
            mysql: site.mysql_program(),
            aws: None,
            aws_plugin: None,
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

    /// Runs one scenario on one of the servers; `run` is its number in the run.
    ///
    /// # Panics
    ///
    /// When the server is none of those that [`Suite::servers`] gives.
    pub async fn run_one(&self, run: usize, scenario: &Arc<Scenario>, server: usize) -> ScenarioRecord {
        self.run_on(run, scenario, Course { server, next: None, rerun: None }).await
    }

    /// The same, with something that stands between the stack and everything that acts on it.
    pub async fn run_behind(
        &self,
        run: usize,
        scenario: &Arc<Scenario>,
        server: usize,
        between: Option<&dyn Between>,
    ) -> ScenarioRecord {
        self.run_with(run, scenario, Course { server, next: None, rerun: None }, between).await
    }

    /// Runs one scenario on the servers of a course; `run` is its number in the run.
    pub async fn run_on(&self, run: usize, scenario: &Arc<Scenario>, course: Course) -> ScenarioRecord {
        self.run_with(run, scenario, course, None).await
    }

    async fn run_with(
        &self,
        run: usize,
        scenario: &Arc<Scenario>,
        course: Course,
        between: Option<&dyn Between>,
    ) -> ScenarioRecord {
        let target = self.target(course.server);
        let next = course.next.map(|next| self.target(next));
        let started = jiff::Timestamp::now();
        let clock = Clock::start();
        let server = match next {
            Some(next) => format!("{} → {}", self.name_of(target), self.name_of(next)),
            None => self.name_of(target),
        };
        (self.on)(SuiteEvent::Started { run, scenario: scenario.clone(), server: server.clone() });
        let folder = format!("{run:03}-{}", folder::slug(&scenario.name));
        let blank = ScenarioRecord { server, ..self.blank_record(scenario, target, &folder, started) };
        let blank = ScenarioRecord { rerun: course.rerun.unwrap_or_else(|| blank.rerun.clone()), ..blank };
        let next = next.map(|next| next.vault.clone());
        let record = match self.parts_for(scenario, target).await {
            Ok(aws) => match self.run_in(run, scenario, (target, next, aws), clock, &blank, between).await {
                Ok(record) => record,
                Err(source) => ScenarioRecord {
                    reason: format!("cannot write to {}: {source}", self.folder.join(&folder).display()),
                    ..blank
                },
            },
            Err(Lack { why: reason, is_lack }) => {
                let result = if is_lack { ScenarioResult::Skipped } else { ScenarioResult::Broken };
                ScenarioRecord { result, reason, ..blank }
            }
        };
        (self.on)(SuiteEvent::Finished { run, record: Box::new(record.clone()) });
        record
    }

    /// The parts that only some scenarios take, or why this one cannot run there.
    async fn parts_for(&self, scenario: &Scenario, target: Target<'_>) -> Result<AwsParts, Lack> {
        if let Some(why) = lacks(target.site, scenario) {
            return Err(Lack { why, is_lack: true });
        }
        let progress = |progress| (self.on)(SuiteEvent::Provision(progress));
        self.on_demand.aws(scenario, target.vault, &target.site.provider, &progress).await
    }

    async fn run_in(
        &self,
        run: usize,
        scenario: &Arc<Scenario>,
        (target, next, aws): (Target<'_>, Option<Found>, AwsParts),
        clock: Clock,
        blank: &ScenarioRecord,
        between: Option<&dyn Between>,
    ) -> std::io::Result<ScenarioRecord> {
        let folder = blank.folder.as_str();
        let place = self.folder.join(folder);
        let logs = place.join("logs");
        std::fs::create_dir_all(&logs)?;
        let plan = Plan::new(scenario.clone(), self.settings.seed);
        std::fs::write(place.join("plan.txt"), plan.to_string())?;
        let on = self.on.clone();
        let listener = Listener(Box::new(move |entry| {
            on(SuiteEvent::Happened { run, entry: Box::new(entry.clone()) });
        }));
        let history = History::create(&place, clock, self.secrets.of_scenario(), Some(listener))
            .map_err(|error| std::io::Error::other(error.to_string()))?;
        let Target { site, vault } = target;
        let AwsParts { server: aws, plugin: aws_plugin } = aws;
        let programs = Programs {
            vault: vault.clone(),
            next,
            postgres: Some(site.postgres.clone()),
            mysql: site.mysql_program(),
            aws,
            aws_plugin,
            toxiproxy: self.toxiproxy.clone(),
        };
        let keep = self.settings.keep.then(|| self.keeper(run, site));
        Box::pin(runner::run(Run {
            provider: &site.provider,
            programs: &programs,
            plan: plan.clone(),
            name: folder,
            logs: &logs,
            history: history.clone(),
            stop: self.stop.clone(),
            keep,
            between,
        }))
        .await;
        let entries = history.entries();
        let judged = check::verdict::judge(&plan, &entries);
        let products = entries.iter().filter_map(|entry| match &entry.event {
            Event::Running { product, .. } => Some(product.clone()),
            _ => None,
        });
        // What was seen is judged from memory: a broken promise stays broken though its history could not be written.
        let (result, reason) = match history.failure() {
            None => (judged.result, judged.reason),
            Some(error) if judged.result == ScenarioResult::Violated => {
                (judged.result, format!("{}; and the history is not whole: {error}", judged.reason))
            }
            Some(error) => (ScenarioResult::Broken, error.to_string()),
        };
        Ok(ScenarioRecord {
            products: products.collect(),
            result,
            reason,
            took_ms: clock.now().0 / 1_000,
            guarantees: judged.guarantees,
            phases: judged.phases,
            steps: judged.steps,
            faults: judged.faults,
            always: judged.always,
            differences: judged.differences,
            ..blank.clone()
        })
    }

    /// Tells where the servers are that stay up, and waits until the run is stopped.
    fn keeper<'a>(&'a self, run: usize, site: &'a Site) -> Keep<'a> {
        Box::new(move |world| {
            let mut addresses = vec![("vault".to_owned(), format!("http://{}", world.stack.vault.direct.address()))];
            for server in world.stack.databases() {
                addresses.push((server.dbms().to_string(), server.direct.address()));
            }
            if let Some(aws) = &world.stack.aws {
                addresses.push(("aws".to_owned(), format!("http://{}", aws.direct.address())));
            }
            // Not among the reports, which hold no secrets: it goes with the servers.
            let secrets = site.provider.folder().join(format!("kept-{run}.sh"));
            let written = hold::write_private(&secrets, &hold::exports(&world.stack));
            if let Err(error) = written {
                world.history.note(
                    crate::event::Actor::Harness,
                    Event::Note(format!("the kept servers' secrets could not be written: {error}")),
                );
            }
            (self.on)(SuiteEvent::Kept { run, addresses, secrets });
            let stop = self.stop.clone();
            Box::pin(async move { stop.cancelled().await })
        })
    }

    /// A record of a scenario that did not get to run.
    fn blank_record(
        &self,
        scenario: &Scenario,
        target: Target<'_>,
        folder: &str,
        started: jiff::Timestamp,
    ) -> ScenarioRecord {
        let seed = self.settings.seed;
        ScenarioRecord {
            name: scenario.name.clone(),
            about: scenario.about.clone(),
            file: scenario.path.display().to_string(),
            source: scenario.source.to_string(),
            fragments: scenario
                .sources
                .fragments()
                .map(|text| FragmentRecord { file: text.path.display().to_string(), source: text.source.to_string() })
                .collect(),
            rerun: rerun(&scenario.path, target, self.settings.toxiproxy.is_some(), seed),
            server: self.name_of(target),
            provider: target.site.kind().to_string(),
            products: Vec::new(),
            result: ScenarioResult::Broken,
            reason: String::new(),
            seed,
            folder: folder.to_owned(),
            started: started.to_string(),
            took_ms: 0,
            guarantees: Vec::new(),
            phases: Vec::new(),
            steps: Vec::new(),
            faults: Vec::new(),
            always: Vec::new(),
            differences: Vec::new(),
        }
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

/// The command that runs one scenario again.
fn rerun(path: &Path, target: Target<'_>, over_toxiproxy: bool, seed: u64) -> String {
    let (path, vault) = (quoted(&path.display().to_string()), quoted(&target.vault.part.to_string()));
    let proxy = if over_toxiproxy { " --proxy toxiproxy" } else { "" };
    format!("leaseproof run {path} --vault {vault} --provider {}{proxy} --seed {seed}", target.site.kind())
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-:+=@%,".contains(&b));
    if plain && !word.is_empty() { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Why a scenario cannot run at a site, if it cannot.
fn lacks(site: &Site, scenario: &Scenario) -> Option<String> {
    if let Some(what) = site.provider.lacks(&scenario.stack) {
        return Some(what.to_owned());
    }
    let has_agent = scenario.consumers.iter().any(|consumer| matches!(consumer.runs, Runs::Agent(_)));
    if has_agent && site.kind() == Choice::Docker {
        let why = "an agent is the secrets server's own program, which is in a container here, and consumers run on this \
                   machine: run with `--provider native`";
        return Some(why.to_owned());
    }
    scenario.stack.mysql.as_ref()?;
    match &site.mysql {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(why.clone()),
        None => Some("no MySQL was asked for".to_owned()),
    }
}
