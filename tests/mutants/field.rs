//! The field in which mutants are hunted: the scenarios, the run that all share, and what came of each mutant.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use leaseproof_harness::outcome::Verdict;
use leaseproof_harness::provider::docker::image::Images;
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::find::Places;
use leaseproof_harness::provider::native::part::{Part, PartError};
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::report::record::{ScenarioRecord, ScenarioResult};
use leaseproof_harness::scenario::{self, Scenario};
use leaseproof_harness::suite::{Settings, Suite};
use leaseproof_harness::testing::Options;
use libtest_mimic::{Completion, Failed};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::mutant::{Ground, Mutant};
use crate::planted::Planted;
use crate::table::Row;

const SCENARIOS: &str = "scenarios";
/// How often a scenario runs that says too little: the machine was too busy, or the server had trouble of its own.
const TRIES: u32 = 3;
/// See [`Ground::HashiCorp`].
const HASHICORP: &str = "vault";

/// The scenarios, and the runs that mutants share.
pub(crate) struct Field {
    scenarios: Vec<Arc<Scenario>>,
    options: Options,
    runtime: Runtime,
    usual: Run,
    hashicorp: Run,
    rows: Mutex<Vec<Row>>,
}

/// A run on one server, and what came of its scenarios.
#[derive(Default)]
struct Run {
    /// Opened by the first mutant that really runs: listing tests fetches nothing.
    suite: OnceCell<Result<Suite, String>>,
    runs: AtomicUsize,
    records: Mutex<Vec<(usize, ScenarioRecord)>>,
}

impl Run {
    async fn behind(&self, suite: &Suite, scenario: &Arc<Scenario>, mutant: &Mutant) -> (ScenarioRecord, usize) {
        let number = self.runs.fetch_add(1, Ordering::SeqCst);
        let planted = Planted::new(mutant);
        let record = suite.run_behind(number, scenario, 0, Some(&planted)).await;
        lock(&self.records).push((number, record.clone()));
        (record, planted.done())
    }

    /// Ends it; its reports are written, and searched for secrets.
    fn close(self, runtime: &Runtime) -> Result<(), String> {
        let Some(Ok(suite)) = self.suite.into_inner() else { return Ok(()) };
        let mut records = self.records.into_inner().unwrap_or_else(PoisonError::into_inner);
        records.sort_by_key(|(number, _)| *number);
        let records = records.into_iter().map(|(_, record)| record).collect();
        let record = runtime.block_on(suite.close(records)).map_err(|e| e.to_string())?;
        if record.secrets.is_clean() { Ok(()) } else { Err(format!("secrets in the reports: {:?}", record.secrets)) }
    }
}

impl Field {
    pub(crate) fn new() -> Result<Self, String> {
        let files = scenario::find(&[SCENARIOS.into()], &[]).map_err(|e| e.to_string())?;
        let entries = scenario::load_all(&files).map_err(|e| e.to_string())?;
        let scenarios = entries.into_iter().filter_map(|entry| entry.loaded.scenario).map(Arc::new).collect();
        Ok(Self {
            scenarios,
            options: Options::from_env().map_err(|e| e.to_string())?,
            runtime: tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| e.to_string())?,
            usual: Run::default(),
            hashicorp: Run::default(),
            rows: Mutex::default(),
        })
    }

    /// The promises that some scenario judges, also one that only runs when it is asked for.
    pub(crate) fn judged(&self) -> BTreeSet<String> {
        self.scenarios.iter().flat_map(|scenario| scenario.guarantees.iter().cloned()).collect()
    }

    /// Runs scenarios that cite the mutant's promise until one says that it is broken.
    pub(crate) fn hunt(&self, mutant: &Mutant) -> Result<Completion, Failed> {
        self.runtime.block_on(async {
            // Building that server takes longer than there may be time: where it is not, that is said.
            if mutant.ground == Ground::HashiCorp && !is_here(HASHICORP).await? {
                let why = "it is hunted on HashiCorp Vault, which is not here; `leaseproof provision vault` builds it";
                return Ok(Completion::ignored_with(why));
            }
            let run = self.run(mutant.ground);
            let suite = match self.opened(mutant.ground).await {
                Ok(suite) => suite,
                Err(why) => return self.cannot_run(why),
            };
            let mut missed = Vec::new();
            for scenario in self.scenarios_for(mutant) {
                let (record, done) = undisturbed(run, suite, scenario, mutant).await;
                if record.result == ScenarioResult::Skipped && !self.options.require_all {
                    return Ok(Completion::ignored_with(record.reason));
                }
                match caught(mutant, &record) {
                    Ok(because) => {
                        self.note(mutant, Some(&record), because);
                        return Ok(Completion::Completed);
                    }
                    Err(why) => missed.push(format!("{} ({done} times at work): {why}", record.file)),
                }
            }
            let why = if missed.is_empty() { "no scenario cites the promise".to_owned() } else { missed.join("\n") };
            self.note(mutant, None, why.lines().next().unwrap_or_default().to_owned());
            Err(Failed::from(format!("“{}” survives. Add the expectation that closes the hole.\n{why}", mutant.name)))
        })
    }

    /// Runs the scenarios that a control mutant is for; none may accuse.
    pub(crate) fn control(&self, mutant: &Mutant) -> Result<Completion, Failed> {
        self.runtime.block_on(async {
            let suite = match self.opened(mutant.ground).await {
                Ok(suite) => suite,
                Err(why) => return self.cannot_run(why),
            };
            let (mut at_work, mut runs, mut accused) = (0, 0, Vec::new());
            for scenario in self.scenarios_for(mutant) {
                let (record, done) = self.usual.behind(suite, scenario, mutant).await;
                at_work += done;
                runs += 1;
                if record.result == ScenarioResult::Violated {
                    accused.push(format!("{}: {}", record.file, record.reason));
                }
            }
            if at_work == 0 {
                return Err(Failed::from("it was never at work: nothing is shown"));
            }
            if accused.is_empty() {
                self.note(mutant, None, format!("never accused: {runs} scenario runs, {at_work} times at work"));
                return Ok(Completion::Completed);
            }
            Err(Failed::from(format!("a healthy server was accused:\n{}", accused.join("\n"))))
        })
    }

    fn scenarios_for(&self, mutant: &Mutant) -> impl Iterator<Item = &Arc<Scenario>> {
        let (breaks, only) = (mutant.breaks, mutant.scenarios);
        let cites = move |scenario: &Scenario| breaks.is_empty() || scenario.guarantees.iter().any(|id| id == breaks);
        let named =
            move |path: &Path| only.is_empty() || only.iter().any(|name| path.with_extension("").ends_with(name));
        // A scenario that only runs when it is asked for is one for mutants that name it.
        let runs = move |scenario: &Scenario| !only.is_empty() || self.options.tags.ask_for(scenario);
        // What MySQL shares with PostgreSQL is shown on PostgreSQL.
        let is_there = move |scenario: &Scenario| breaks.starts_with("MYSQL") || scenario.stack.mysql.is_none();
        self.scenarios
            .iter()
            .filter(move |scenario| cites(scenario) && named(&scenario.path) && runs(scenario) && is_there(scenario))
    }

    async fn opened(&self, ground: Ground) -> &Result<Suite, String> {
        let open = || async {
            let (run, vaults) = match ground {
                Ground::Usual => ("mutants", self.options.vaults.clone()),
                Ground::HashiCorp => {
                    ("mutants-hashicorp", vec![HASHICORP.parse().map_err(|e: PartError| e.to_string())?])
                }
            };
            let settings = Settings {
                // The intermediaries are in this process, and so must be what they stand between.
                providers: vec![Choice::Native],
                images: Images::default(),
                toxiproxy: None,
                mysql: Some(self.options.mysql.clone()),
                vaults,
                postgres: self.options.postgres.clone(),
                postgres_bin: self.options.postgres_bin.clone(),
                seed: self.options.seed,
                keep: false,
                reports: self.options.reports.join(run),
                command: "cargo test --test mutants".to_owned(),
            };
            Suite::open(settings, Arc::new(|_| {}), CancellationToken::new()).await.map_err(|e| e.to_string())
        };
        self.run(ground).suite.get_or_init(open).await
    }

    fn run(&self, ground: Ground) -> &Run {
        match ground {
            Ground::Usual => &self.usual,
            Ground::HashiCorp => &self.hashicorp,
        }
    }

    fn cannot_run(&self, why: &str) -> Result<Completion, Failed> {
        if self.options.require_all { Err(why.into()) } else { Ok(Completion::ignored_with(why)) }
    }

    fn note(&self, mutant: &Mutant, by: Option<&ScenarioRecord>, says: String) {
        let by = by.map(|record| record.file.clone());
        lock(&self.rows).push(Row { mutant: mutant.name, breaks: mutant.breaks, by, says });
    }

    /// What came of each mutant so far, ordered by promise.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = lock(&self.rows).clone();
        rows.sort();
        rows
    }

    /// Ends the runs.
    pub(crate) fn close(self: Arc<Self>) -> Result<(), String> {
        let Ok(field) = Arc::try_unwrap(self) else { return Err("a mutant is still being hunted".to_owned()) };
        let usual = field.usual.close(&field.runtime);
        usual.and(field.hashicorp.close(&field.runtime))
    }
}

/// Runs a scenario; an inconclusive run says nothing, of the mutant neither, and is made again. So does one whose stack did not
/// come up before the mutant had done anything.
async fn undisturbed(run: &Run, suite: &Suite, scenario: &Arc<Scenario>, mutant: &Mutant) -> (ScenarioRecord, usize) {
    let mut tries = 0;
    loop {
        let (record, done) = run.behind(suite, scenario, mutant).await;
        tries += 1;
        let says_nothing = match record.result {
            ScenarioResult::Inconclusive => true,
            ScenarioResult::Broken => done == 0,
            _ => false,
        };
        if tries == TRIES || !says_nothing {
            return (record, done);
        }
    }
}

/// Whether a server is on this machine already, so that nothing has to be fetched or built.
async fn is_here(part: &str) -> Result<bool, String> {
    let part: Part = part.parse().map_err(|e: PartError| e.to_string())?;
    let cache = Cache::usual().map_err(|e| e.to_string())?;
    let search = Places::here(cache).find(&part, None).await.map_err(|e| e.to_string())?;
    Ok(search.found.is_some())
}

/// What the verdict says of the promise that the mutant breaks; an error says why that is no catch.
fn caught(mutant: &Mutant, record: &ScenarioRecord) -> Result<String, String> {
    let judgement = record.guarantees.iter().find(|g| g.id == mutant.breaks).map(|g| &g.judgement);
    let judgement = judgement.ok_or("the promise was not judged")?;
    if judgement.verdict != Verdict::Violated {
        return Err(format!("{}: {} ({}: {})", mutant.breaks, judgement.because, record.result, record.reason));
    }
    if !mutant.evidence.split(" or ").any(|words| judgement.because.contains(words)) {
        return Err(format!("the evidence does not say “{}” but “{}”", mutant.evidence, judgement.because));
    }
    Ok(judgement.because.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
