//! One scenario of a run: what it lacks, its folder, its servers, its history, and the record of what came of it.

use std::path::Path;
use std::sync::Arc;

use super::{Course, Suite, SuiteEvent, Target, folder, quoted};
use crate::between::Between;
use crate::event::Event;
use crate::guarantee::catalogue;
use crate::history::{History, Listener};
use crate::plan::Plan;
use crate::provider::native::find::Found;
use crate::provider::native::part::Product;
use crate::provider::on_demand::{AwsParts, Lack};
use crate::provider::site::Site;
use crate::provider::{Programs, Provider};
use crate::report::record::{FragmentRecord, ScenarioRecord, ScenarioResult};
use crate::runner::{self, Keep, Run};
use crate::scenario::Scenario;
use crate::scenario::file::Fault;
use crate::time::Clock;
use crate::{check, hold};

/// What follows on a server's data.
struct Following {
    program: Found,
    /// Whether the server comes back after it.
    rolls_back: bool,
}

impl Suite {
    /// Runs one scenario on one of the servers; `run` is its number in the run.
    ///
    /// # Panics
    ///
    /// When the server is none of those that [`Suite::servers`] gives.
    pub async fn run_one(&self, run: usize, scenario: &Arc<Scenario>, server: usize) -> ScenarioRecord {
        self.run_on(run, scenario, Course { server, next: None, rolls_back: false, rerun: None }).await
    }

    /// The same, with something that stands between the stack and everything that acts on it.
    pub async fn run_behind(
        &self,
        run: usize,
        scenario: &Arc<Scenario>,
        server: usize,
        between: Option<&dyn Between>,
    ) -> ScenarioRecord {
        self.run_with(run, scenario, Course { server, next: None, rolls_back: false, rerun: None }, between).await
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
            Some(next) if course.rolls_back => {
                format!("{0} → {1} → {0}", self.name_of(target), self.name_of(next))
            }
            Some(next) => format!("{} → {}", self.name_of(target), self.name_of(next)),
            None => self.name_of(target),
        };
        (self.on)(SuiteEvent::Started { run, scenario: scenario.clone(), server: server.clone() });
        let folder = format!("{run:03}-{}", folder::slug(&scenario.name));
        let blank = ScenarioRecord { server, ..self.blank_record(scenario, target, &folder, started) };
        let blank = ScenarioRecord { rerun: course.rerun.unwrap_or_else(|| blank.rerun.clone()), ..blank };
        let next = next.map(|next| Following { program: next.vault.clone(), rolls_back: course.rolls_back });
        let record = match self.parts_for(scenario, target).await {
            Ok(parts) => match self.run_in(run, scenario, (target, next, parts), clock, &blank, between).await {
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
    async fn parts_for(&self, scenario: &Scenario, target: Target<'_>) -> Result<(AwsParts, Option<Found>), Lack> {
        if let Some(why) = lacks(target.site, scenario) {
            return Err(Lack { why, is_lack: true });
        }
        if let Some(why) = unpromised(scenario, target.vault.product) {
            return Err(Lack { why, is_lack: true });
        }
        let progress = |progress| (self.on)(SuiteEvent::Provision(progress));
        let (vault, provider) = (target.vault, &target.site.provider);
        let agent = self.on_demand.agent(scenario, vault, provider, &progress).await?;
        Ok((self.on_demand.aws(scenario, vault, provider, &progress).await?, agent))
    }

    async fn run_in(
        &self,
        run: usize,
        scenario: &Arc<Scenario>,
        (target, next, parts): (Target<'_>, Option<Following>, (AwsParts, Option<Found>)),
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
        let (AwsParts { server: aws, plugin: aws_plugin }, agent) = parts;
        let programs = Programs {
            vault: vault.clone(),
            rolls_back: next.as_ref().is_some_and(|next| next.rolls_back),
            next: next.map(|next| next.program),
            postgres: Some(site.postgres.clone()),
            mysql: site.mysql_program(),
            aws,
            aws_plugin,
            agent,
            toxiproxy: site.toxiproxy.clone(),
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
}

/// The command that runs one scenario again.
fn rerun(path: &Path, target: Target<'_>, over_toxiproxy: bool, seed: u64) -> String {
    let (path, vault) = (quoted(&path.display().to_string()), quoted(&target.vault.part.to_string()));
    let proxy = if over_toxiproxy { " --proxy toxiproxy" } else { "" };
    format!("leaseproof run {path} --vault {vault} --provider {}{proxy} --seed {seed}", target.site.kind())
}

/// Why a scenario says nothing of this product: it makes none of the promises that the scenario is for.
fn unpromised(scenario: &Scenario, product: Product) -> Option<String> {
    let name = if product == Product::Vault { "vault" } else { "openbao" };
    let reason = |id: &String| {
        let not = catalogue().get(id)?.not_on(name)?;
        Some(format!("{id} is no promise of {product}: {}", not.because))
    };
    let reasons: Vec<String> = scenario.guarantees.iter().map_while(reason).collect();
    (reasons.len() == scenario.guarantees.len() && !reasons.is_empty()).then(|| reasons.join("; "))
}

/// Why a scenario cannot run at a site, if it cannot.
fn lacks(site: &Site, scenario: &Scenario) -> Option<String> {
    if let Some(what) = site.provider.lacks(&scenario.stack) {
        return Some(what.to_owned());
    }
    let of_containers = |fault: &Fault| fault.disconnect.is_some();
    if matches!(site.provider, Provider::Native(_)) && scenario.has_fault(of_containers) {
        let why = "`disconnect` takes a container off its network, and a process has none of its own: run with \
                   `--provider docker`";
        return Some(why.to_owned());
    }
    scenario.stack.mysql.as_ref()?;
    match &site.mysql {
        Some(Ok(_)) => None,
        Some(Err(why)) => Some(why.clone()),
        None => Some("no MySQL was asked for".to_owned()),
    }
}
