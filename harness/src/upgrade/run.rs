//! Running an upgrade: the legs of every scenario, the controls that a failure asks for, the descriptions of both APIs; and
//! the report on it all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::{StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Repeat, Trial};
use super::change::{Change, Leg};
use super::report::{REPORT_VERSION, Report};
use super::route::{self, NoRoute};
use super::{describe, diff, pace, page, surface};
use crate::history::{self, HISTORY_FILE};
use crate::provider::native::find::Found;
use crate::provider::native::part::Product;
use crate::report::record::{Record, ScenarioRecord, ScenarioResult};
use crate::scenario::Scenario;
use crate::suite::{Course, OnEvent, Order, Settings, Suite, SuiteError, quoted};

/// The number of the server that runs now, and of the one that is to come, among the suite's.
const FROM: usize = 0;
const TO: usize = 1;

/// Why an upgrade could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// There is no difference to look at.
    #[error(
        "{0} and {0} are the same: name the version that runs now with --from and the one that is to come with --to"
    )]
    Same(String),
    /// The run itself.
    #[error(transparent)]
    Suite(#[from] SuiteError),
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// The report.
    pub report: Report,
    /// The record of all runs.
    pub record: Record,
    /// The folder of both.
    pub folder: PathBuf,
    /// Whether everything ran that was to run.
    pub is_whole: bool,
}

/// A leg that is to run.
struct Lap {
    trial: usize,
    leg: Leg,
    scenario: Arc<Scenario>,
}

/// Tries an upgrade on every scenario: `vaults` of the order are the version that runs now and the one that is to come, and it
/// repeats each leg. A rollback is a leg of its own.
pub async fn run(order: Order, rollback: bool, on: OnEvent, stop: CancellationToken) -> Result<Done, UpgradeError> {
    let Order { scenarios, jobs, repeat, settings } = order;
    let suite = Suite::open(settings.clone(), on.clone(), stop.clone()).await?;
    let [from, to] = [suite.found(FROM), suite.found(TO)];
    if (from.product, &from.version) == (to.product, &to.version) {
        let name = suite.servers()[FROM].clone();
        suite.abandon().await?;
        return Err(UpgradeError::Same(name));
    }
    let forbidden = in_place_forbidden(from, to);
    let mut trials: Vec<Trial> = Vec::new();
    let mut laps: Vec<Lap> = Vec::new();
    let mut controls: Vec<Option<Arc<Scenario>>> = Vec::new();
    for scenario in &scenarios {
        let trial = trials.len();
        let mut lap = |leg, scenario: &Arc<Scenario>| laps.push(Lap { trial, leg, scenario: scenario.clone() });
        lap(Leg::From, scenario);
        lap(Leg::To, scenario);
        let (route, control) = way(scenario, forbidden.as_deref());
        if let Ok(through) = &route {
            lap(Leg::Through, through);
        }
        controls.push(control);
        let is_put_in = route.is_ok() && !put_after(scenario).is_empty();
        let mut words = route.as_ref().map_or_else(Clone::clone, |_| put_after(scenario));
        if let (true, Ok(through)) = (rollback, &route) {
            match route::back(through) {
                Ok(()) => lap(Leg::Rollback, through),
                Err(why) => add(&mut words, &format!("no rollback of it: {why}")),
            }
        }
        let again = again(&settings, scenario, repeat, rollback);
        trials.push(Trial { repeats: Vec::new(), route: words, is_put_in, again });
    }
    let laps: Vec<Lap> = laps.iter().flat_map(|lap| (0..repeat).map(|_| lap.again())).collect();
    let mut expected = laps.len();
    suite.ready(laps.len());
    let mut runs = 0;
    walk(&suite, laps, &mut runs, jobs, &stop, &mut trials).await;

    // What failed through an upgrade that was put in may have failed by the restart alone.
    let laps: Vec<Lap> = controls
        .into_iter()
        .enumerate()
        .filter_map(|(trial, control)| control.filter(|_| needs_control(&trials[trial])).map(|c| (trial, c)))
        .flat_map(|(trial, scenario)| {
            (0..repeat).map(move |_| Lap { trial, leg: Leg::Control, scenario: scenario.clone() })
        })
        .collect();
    expected += laps.len();
    walk(&suite, laps, &mut runs, jobs, &stop, &mut trials).await;

    let mut compared = Vec::new();
    let mut others = Vec::new();
    if !stop.is_cancelled() {
        match surfaces(&suite, &settings, &mut runs).await {
            Ok((changes, words)) => {
                others = changes;
                compared.push(words);
            }
            Err(why) => compared.push(format!("the descriptions of the two APIs were not compared: {why}")),
        }
    }
    if let Some(why) = &forbidden {
        compared.push(why.clone());
    }
    let ran: usize = trials.iter().map(|trial| trial.repeats.len()).sum();
    let is_whole = ran >= expected && !stop.is_cancelled();
    let mut undecided = Vec::new();
    if !is_whole {
        undecided.push(format!("it was stopped after {ran} of {expected} runs"));
    }
    let decision = answer::decide(&trials, others, undecided);
    let report = Report {
        version: REPORT_VERSION,
        run: suite.id().to_owned(),
        leaseproof: env!("CARGO_PKG_VERSION").to_owned(),
        started: suite.started().to_string(),
        from: suite.servers()[FROM].clone(),
        to: suite.servers()[TO].clone(),
        answer: decision.answer,
        because: decision.because,
        changes: decision.changes,
        undecided: decision.undecided,
        as_before: decision.as_before,
        left_behind: decision.left_behind,
        scenarios: decision.scenarios,
        compared,
        repeat,
        rerun: format!("{} --seed {}", settings.command, settings.seed),
    };
    let folder = suite.folder().to_owned();
    // Before the run is closed, whose last act is to search everything that was written for secrets.
    page::write(&report, &folder).map_err(SuiteError::from)?;
    let mut records: Vec<ScenarioRecord> = trials.into_iter().flat_map(|t| t.repeats).map(|r| r.record).collect();
    records.sort_by(|a, b| a.folder.cmp(&b.folder));
    let record = suite.close(records).await?;
    Ok(Done { report, record, folder, is_whole })
}

/// Why a server of this kind cannot be started on the other's data.
fn in_place_forbidden(from: &Found, to: &Found) -> Option<String> {
    (from.product != to.product).then(|| {
        let (newer, older) = match to.product {
            Product::Vault => ("HashiCorp Vault", "OpenBao"),
            _ => ("OpenBao", "HashiCorp Vault"),
        };
        format!(
            "no upgrade in place: {newer} does not take over the data of {older}, whose storage has gone its own way since \
             OpenBao was made from Vault 1.14; credentials that are out do not move along, and have to be taken anew"
        )
    })
}

/// The scenario of the through leg or why there is none, and the one that tells a restart from an upgrade.
fn way(scenario: &Arc<Scenario>, forbidden: Option<&str>) -> (Result<Arc<Scenario>, String>, Option<Arc<Scenario>>) {
    if let Some(why) = forbidden {
        return (Err(why.to_owned()), None);
    }
    match route::of(scenario) {
        Ok(route) => {
            let through = Arc::new(route.scenario);
            (Ok(through.clone()), route.put_after.map(|_| through))
        }
        Err(why @ (NoRoute::NothingOut | NoRoute::TooShort(_))) => (Err(format!("no upgrade in it: {why}")), None),
    }
}

fn put_after(scenario: &Scenario) -> String {
    match route::of(scenario).ok().and_then(|route| route.put_after) {
        Some(line) => format!("an upgrade was put after line {line}"),
        None => String::new(),
    }
}

fn add(words: &mut String, more: &str) {
    if !words.is_empty() {
        words.push_str("; ");
    }
    words.push_str(more);
}

fn needs_control(trial: &Trial) -> bool {
    let is_upgraded = |leg| matches!(leg, Leg::Through | Leg::Rollback);
    trial.repeats.iter().any(|repeat| is_upgraded(repeat.leg) && repeat.record.result != ScenarioResult::Held)
}

/// The command that tries this scenario alone.
fn again(settings: &Settings, scenario: &Scenario, repeat: u32, rollback: bool) -> String {
    let word = |text: String| quoted(&text);
    let [from, to] = [FROM, TO].map(|server| word(settings.vaults[server].to_string()));
    let path = word(scenario.path.display().to_string());
    let rollback = if rollback { " --rollback" } else { "" };
    format!("leaseproof upgrade {path} --from {from} --to {to}{rollback} --repeat {repeat} --seed {}", settings.seed)
}

impl Lap {
    fn again(&self) -> Self {
        Self { trial: self.trial, leg: self.leg, scenario: self.scenario.clone() }
    }

    fn course(&self, again: String) -> Course {
        let (server, next) = match self.leg {
            Leg::From | Leg::Control => (FROM, None),
            Leg::To => (TO, None),
            Leg::Through | Leg::Rollback => (FROM, Some(TO)),
        };
        // An ordinary run shows the legs of one version again; only the upgrade itself needs more.
        let rolls_back = self.leg == Leg::Rollback;
        Course { server, next, rolls_back, rerun: next.is_some().then_some(again) }
    }
}

async fn walk(
    suite: &Suite,
    laps: Vec<Lap>,
    runs: &mut usize,
    jobs: usize,
    stop: &CancellationToken,
    trials: &mut [Trial],
) {
    let first = *runs;
    *runs += laps.len();
    let commands: Vec<String> = trials.iter().map(|trial| trial.again.clone()).collect();
    let commands = &commands;
    let mut done: Vec<(usize, usize, Repeat)> = stream::iter(laps.into_iter().enumerate())
        // What had not begun when the run was stopped does not begin.
        .filter(|_| future::ready(!stop.is_cancelled()))
        .map(|(index, lap)| async move {
            let course = lap.course(commands[lap.trial].clone());
            let record = suite.run_on(first + index, &lap.scenario, course).await;
            (index, lap.trial, seen(suite, lap.leg, record).await)
        })
        .buffer_unordered(jobs.max(1))
        .collect()
        .await;
    done.sort_by_key(|(index, ..)| *index);
    for (_, trial, repeat) in done {
        trials[trial].repeats.push(repeat);
    }
}

/// What a run showed beside its verdicts, from its history.
async fn seen(suite: &Suite, leg: Leg, record: ScenarioRecord) -> Repeat {
    let path = suite.folder().join(&record.folder).join(HISTORY_FILE);
    let read = tokio::task::spawn_blocking(move || history::read(&path).unwrap_or_default());
    // A history that cannot be read compares with nothing; its record says how the run ended.
    let history = read.await.unwrap_or_default();
    Repeat {
        leg,
        answers: diff::answers(&history),
        times: pace::times(&history),
        refused_data: (leg == Leg::Through).then(|| answer::upgrade_refused(&history)).flatten(),
        record,
    }
}

/// Compares what both servers say of their API.
async fn surfaces(suite: &Suite, settings: &Settings, runs: &mut usize) -> Result<(Vec<Change>, String), String> {
    let mut read = Vec::new();
    for server in [FROM, TO] {
        let description = describe::describe(suite, server, *runs).await?;
        *runs += 1;
        read.push(description);
    }
    let again = format!("{} --seed {}", settings.command, settings.seed);
    let changes = surface::differences(&read[0], &read[1], &again);
    let unclear: BTreeSet<&str> = read
        .iter()
        .flat_map(|described| &described.surface)
        .filter(|(_, operation)| operation.is_ambiguous)
        .map(|(name, _)| name.as_str())
        .collect();
    let mut words = format!(
        "the descriptions of the two APIs ({}): {} operations on the one, {} on the other",
        surface::PATH,
        read[0].surface.len(),
        read[1].surface.len()
    );
    if !unclear.is_empty() {
        let unclear = unclear.into_iter().collect::<Vec<_>>().join(", ");
        add(
            &mut words,
            &format!("the fields of these were not compared, since one schema describes several: {unclear}"),
        );
    }
    Ok((changes, words))
}
