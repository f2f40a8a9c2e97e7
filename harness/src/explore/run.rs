//! One exploration: sequences are drawn and run, many at once, until there are enough of them, the time is over, or one
//! differs; then that one is looked into.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use super::shrink::{Shrunk, shrink};
use super::tally::Tally;
use crate::between::Between;
use crate::model;
use crate::model::draw::{Bounds, Drawn, draw};
use crate::model::script::Script;
use crate::outcome::Verdict;
use crate::report::record::{Record, ScenarioRecord, ScenarioResult};
use crate::scenario::{self, Scenario, Style};
use crate::suite::{OnEvent, Settings, Suite, SuiteError};

/// From so many sequences one is chosen.
const CHOICE: u64 = 4;
/// How often a sequence that differed runs again, as it was, before it is made smaller.
const CONFIRM: usize = 2;
/// How often the smallest one runs, for its rate.
const RERUNS: usize = 5;
/// Where the sequences are, below the run's folder.
const SEQUENCES: &str = "sequences";
/// The sequences of a run are asked of the first of its servers.
const SERVER: usize = 0;

/// What to try.
#[derive(Debug, Clone)]
pub struct Order {
    /// The seed of all that is drawn.
    pub seed: u64,
    /// How many operations to do in all; as many as there is time for when `None`.
    pub steps: Option<usize>,
    /// After how long no new sequence begins.
    pub time: Option<Duration>,
    /// How many sequences run at once.
    pub jobs: usize,
    /// What may happen in one.
    pub bounds: Bounds,
    /// How long a difference may be made smaller.
    pub shrink_for: Duration,
}

/// An exploration that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ExploreError {
    /// The run itself.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// A sequence could not be drawn.
    #[error(
        "sequence {number} of seed {seed} could not be drawn: {why}; another --seed may do, and this is a bug of leaseproof"
    )]
    Draw {
        /// The seed.
        seed: u64,
        /// The sequence.
        number: u64,
        /// Why not.
        why: String,
    },
    /// A sequence was written as a scenario that cannot be run.
    #[error("sequence {number} of seed {seed} is no valid scenario, which is a bug of leaseproof:\n{drawn}")]
    Invalid {
        /// The seed.
        seed: u64,
        /// The sequence.
        number: u64,
        /// What is wrong with it.
        drawn: String,
    },
    /// A sequence could not be kept.
    #[error("cannot write {path}: {source}; is there room below the report folder?")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// A difference between the servers and the model.
#[derive(Debug, Clone)]
pub struct Found {
    /// What was seen first.
    pub reason: String,
    /// The smallest scenario that shows it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
    /// How many operations the sequence had, and how many are left.
    pub operations: (usize, usize),
    /// How many smaller sequences ran.
    pub tried: usize,
    /// How often what is left differed, of so many runs.
    pub rate: (usize, usize),
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// The record of all runs.
    pub record: Record,
    /// Its folder.
    pub folder: PathBuf,
    /// The figures.
    pub tally: Tally,
    /// The difference, if there was one.
    pub found: Option<Found>,
}

/// Who is told how far it is.
pub type Tell = Arc<dyn Fn(&Tally, Option<&str>) + Send + Sync>;

/// What puts something between a stack and whoever acts on it, anew for each run.
pub type Plant = Arc<dyn Fn() -> Box<dyn Between> + Send + Sync>;

/// Explores, on a run of its own.
pub async fn run(
    order: Order,
    settings: Settings,
    on: OnEvent,
    tell: Tell,
    stop: CancellationToken,
) -> Result<Done, ExploreError> {
    let suite = Suite::open(settings, on, stop.clone()).await?;
    let folder = suite.folder().to_owned();
    suite.ready(0);
    let explorer = Explorer::new(&suite, order, tell, stop, None);
    let ended = explorer.explore().await;
    let (records, tally, found) = match ended {
        Ok(found) => {
            let (records, tally) = explorer.into_parts();
            (records, tally, found)
        }
        Err(error) => {
            // What ran is reported; the error is what is told.
            let (records, _) = explorer.into_parts();
            suite.close(records).await?;
            return Err(error);
        }
    };
    let record = suite.close(records).await?;
    Ok(Done { record, folder, tally, found })
}

/// An exploration on a run that is open.
pub struct Explorer<'a> {
    suite: &'a Suite,
    order: Order,
    tell: Tell,
    stop: CancellationToken,
    plant: Option<Plant>,
    runs: AtomicUsize,
    drawn: AtomicUsize,
    differs: AtomicBool,
    state: Mutex<State>,
}

struct State {
    tally: Tally,
    /// The paths of all sequences that were chosen so far.
    planned: BTreeSet<model::Path>,
    records: Vec<(usize, ScenarioRecord)>,
    error: Option<ExploreError>,
    first: Option<Difference>,
}

/// The first sequence that differed.
struct Difference {
    number: u64,
    script: Script,
    record: ScenarioRecord,
}

impl<'a> Explorer<'a> {
    /// An exploration; with something planted between each stack and whoever acts on it, if there is.
    pub fn new(suite: &'a Suite, order: Order, tell: Tell, stop: CancellationToken, plant: Option<Plant>) -> Self {
        let tally = Tally::new(order.bounds.clone());
        Self {
            suite,
            order,
            tell,
            stop,
            plant,
            runs: AtomicUsize::default(),
            drawn: AtomicUsize::default(),
            differs: AtomicBool::default(),
            state: Mutex::new(State { tally, planned: BTreeSet::new(), records: Vec::new(), error: None, first: None }),
        }
    }

    /// The records of the runs that count, in their order, and the figures.
    pub fn into_parts(self) -> (Vec<ScenarioRecord>, Tally) {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.records.sort_by_key(|(number, _)| *number);
        (state.records.into_iter().map(|(_, record)| record).collect(), state.tally)
    }

    /// Runs sequences until there are enough, and looks into the first that differs.
    pub async fn explore(&self) -> Result<Option<Found>, ExploreError> {
        let began = Instant::now();
        stream::iter(0_u64..)
            // What is yet to begin is asked for one by one, when there is room for it.
            .take_while(|_| std::future::ready(self.goes_on(began)))
            // Chosen in order, whatever ends first: the same seed tries the same sequences.
            .map(|turn| self.try_sequence(self.choose(turn)))
            .buffer_unordered(self.order.jobs.max(1))
            .for_each(|()| async {})
            .await;
        let (error, first) = {
            let mut state = self.state();
            (state.error.take(), state.first.take())
        };
        if let Some(error) = error {
            return Err(error);
        }
        match first {
            Some(first) if !self.stop.is_cancelled() => self.look_into(first).await.map(Some),
            _ => Ok(None),
        }
    }

    fn goes_on(&self, began: Instant) -> bool {
        let has_time = self.order.time.is_none_or(|time| began.elapsed() < time);
        let has_steps = self.order.steps.is_none_or(|steps| self.drawn.load(Ordering::SeqCst) < steps);
        let is_well = !self.differs.load(Ordering::SeqCst) && self.state().error.is_none();
        has_time && has_steps && is_well && !self.stop.is_cancelled()
    }

    /// Of a few sequences the one that walks most paths which none before it has walked. Its number is its own.
    fn choose(&self, turn: u64) -> Result<(u64, Script), ExploreError> {
        let mut best: Option<(usize, u64, Script)> = None;
        for number in turn * CHOICE..(turn + 1) * CHOICE {
            let script = self.script(number)?;
            let paths: BTreeSet<&model::Path> = script.marks.iter().map(|mark| &mark.path).collect();
            let new = paths.into_iter().filter(|path| !self.state().planned.contains(*path)).count();
            if best.as_ref().is_none_or(|(most, ..)| new > *most) {
                best = Some((new, number, script));
            }
        }
        #[expect(clippy::expect_used, reason = "there is always a choice: CHOICE is not zero")]
        let (_, number, script) = best.expect("a sequence");
        self.state().planned.extend(script.marks.iter().map(|mark| mark.path.clone()));
        self.drawn.fetch_add(script.operations(), Ordering::SeqCst);
        Ok((number, script))
    }

    async fn try_sequence(&self, chosen: Result<(u64, Script), ExploreError>) {
        let ran = match chosen {
            Ok((number, script)) => self.run_sequence(number, script).await,
            Err(error) => Err(error),
        };
        if let Err(error) = ran {
            self.state().error.get_or_insert(error);
        }
    }

    /// Runs one sequence, and once more when too little was seen.
    async fn run_sequence(&self, number: u64, script: Script) -> Result<(), ExploreError> {
        let path = self.keep(&format!("{SEQUENCES}/sequence-{number:04}.yaml"), &script.text)?;
        let scenario = self.load(number, &path, &script)?;
        let (mut run, mut record) = self.play(&scenario).await;
        if record.result == ScenarioResult::Inconclusive && !self.stop.is_cancelled() {
            self.forget(&record);
            self.state().tally.retried();
            (run, record) = self.play(&scenario).await;
        }
        let mut state = self.state();
        state.tally.add(&script.marks, &record);
        if record.result == ScenarioResult::Violated {
            self.differs.store(true, Ordering::SeqCst);
            state.first.get_or_insert_with(|| Difference { number, script, record: record.clone() });
        }
        state.records.push((run, record));
        (self.tell)(&state.tally, None);
        Ok(())
    }

    /// Runs a sequence that differed again, makes it smaller, and says how often what is left differs.
    async fn look_into(&self, first: Difference) -> Result<Found, ExploreError> {
        let Difference { number, script, record } = first;
        let path = PathBuf::from(&record.file);
        self.say(&format!("{} differs: {}; running it again", record.name, record.reason));
        let again = self.load(number, &path, &script)?;
        let confirmed = self.repeat(&again, CONFIRM).await.iter().filter(|again| self.is_same(&record, again)).count();
        let bounds = &self.order.bounds;
        let (shrunk, rate) = if confirmed == 0 {
            let whole = self.tree(number)?.current();
            (Shrunk { operations: whole, script: script.clone(), runs: 0, is_smallest: false }, (1, 1 + CONFIRM))
        } else {
            self.say(&format!("it differed again, {confirmed} of {CONFIRM} times; making it smaller"));
            let failed_at = failed_line(&record).unwrap_or(0);
            let shrunk = shrink(self.tree(number)?, bounds, failed_at, self.order.shrink_for, async |candidate| {
                if self.stop.is_cancelled() {
                    return None;
                }
                let scenario = self.load(number, Path::new("smaller.yaml"), candidate).ok()?;
                let (_, smaller) = self.play(&scenario).await;
                self.forget(&smaller);
                let differs = self.is_same(&record, &smaller);
                self.say(&format!(
                    "with {} operations it {}",
                    candidate.operations(),
                    if differs { "still differs" } else { "does not differ" }
                ));
                differs.then(|| failed_line(&smaller).unwrap_or(0))
            })
            .await;
            (shrunk, (0, 0))
        };
        let left = shrunk.script.operations();
        let about = format!(
            "Found by `{}`: sequence {number}, with {} operations of {} left{}.",
            self.command(),
            left,
            script.operations(),
            if shrunk.is_smallest { "" } else { "; it may be made smaller yet" }
        );
        let name = format!("Difference in sequence {number} of seed {}", self.order.seed);
        let smallest = Script::write(&name, &about, &shrunk.operations, bounds);
        let file = self.keep(&format!("difference-{number:04}.yaml"), &smallest.text)?;
        let rate = if rate.1 > 0 {
            rate
        } else {
            self.say(&format!("{left} operations are left; running them {RERUNS} times"));
            let scenario = self.load(number, &file, &smallest)?;
            let reruns = self.repeat(&scenario, RERUNS).await;
            (reruns.iter().filter(|rerun| self.is_same(&record, rerun)).count(), reruns.len())
        };
        Ok(Found {
            reason: record.reason,
            file,
            text: smallest.text,
            operations: (script.operations(), left),
            tried: shrunk.runs,
            rate,
        })
    }

    /// Runs a scenario several times, at once as far as there is room; what came of them stands in the record.
    async fn repeat(&self, scenario: &Arc<Scenario>, times: usize) -> Vec<ScenarioRecord> {
        let runs: Vec<(usize, ScenarioRecord)> = stream::iter(0..times)
            .map(|_| self.play(scenario))
            .buffer_unordered(self.order.jobs.max(1))
            .collect()
            .await;
        self.state().records.extend(runs.iter().cloned());
        runs.into_iter().map(|(_, record)| record).collect()
    }

    async fn play(&self, scenario: &Arc<Scenario>) -> (usize, ScenarioRecord) {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        let between = self.plant.as_ref().map(|plant| plant());
        (run, self.suite.run_behind(run, scenario, SERVER, between.as_deref()).await)
    }

    /// Whether a run broke one of the promises that another one broke.
    #[expect(clippy::unused_self, reason = "it is asked of an exploration")]
    fn is_same(&self, one: &ScenarioRecord, other: &ScenarioRecord) -> bool {
        let broken = |record: &ScenarioRecord| -> Vec<String> {
            let broken = record.guarantees.iter().filter(|g| g.judgement.verdict == Verdict::Violated);
            broken.map(|guarantee| guarantee.id.clone()).collect()
        };
        let first = broken(one);
        other.result == ScenarioResult::Violated && broken(other).iter().any(|id| first.contains(id))
    }

    // ------------------------------------------------------------------------------------------------------ the parts

    /// The command that draws the same.
    fn command(&self) -> String {
        format!("leaseproof explore --seed {}{}", self.order.seed, self.order.bounds.options())
    }

    fn tree(&self, number: u64) -> Result<Drawn, ExploreError> {
        let seed = self.order.seed;
        draw(&self.order.bounds, seed, number).map_err(|why| ExploreError::Draw { seed, number, why })
    }

    fn script(&self, number: u64) -> Result<Script, ExploreError> {
        let seed = self.order.seed;
        let name = format!("Sequence {number} of seed {seed}");
        let about = format!("Drawn by `{}`; after each operation stands what the model says.", self.command());
        Ok(Script::write(&name, &about, &self.tree(number)?.current(), &self.order.bounds))
    }

    fn load(&self, number: u64, path: &Path, script: &Script) -> Result<Arc<Scenario>, ExploreError> {
        let loaded = scenario::load(path, script.text.as_bytes());
        let drawn = loaded.render(Style::Plain);
        let seed = self.order.seed;
        loaded.scenario.map(Arc::new).ok_or(ExploreError::Invalid { seed, number, drawn })
    }

    fn keep(&self, name: &str, text: &str) -> Result<PathBuf, ExploreError> {
        let path = self.suite.folder().join(name);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| ExploreError::Write { path: path.clone(), source })?;
        Ok(path)
    }

    /// Removes what a run that does not count has left among the reports.
    fn forget(&self, record: &ScenarioRecord) {
        // What cannot be removed is searched for secrets like everything else, and does no harm.
        let _ = fs::remove_dir_all(self.suite.folder().join(&record.folder));
    }

    fn say(&self, words: &str) {
        (self.tell)(&self.state().tally, Some(words));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line of the step that was seen to be broken.
fn failed_line(record: &ScenarioRecord) -> Option<usize> {
    record.steps.iter().find(|step| step.judgement.verdict == Verdict::Violated).map(|step| step.line)
}
