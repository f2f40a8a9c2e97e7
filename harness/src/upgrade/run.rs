//! Running an upgrade: the legs of every scenario, the controls that a failure asks for, the descriptions of both APIs; and
//! the report on it all.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::answer::{self, Trial};
use super::change::{Change, Leg};
use super::report::{REPORT_VERSION, Report};
use super::route::{self, NoRoute};
use super::walk::{FROM, Lap, TO, Walk};
use super::{describe, page, surface};
use crate::provider::native::find::Found;
use crate::provider::native::part::Product;
use crate::report::record::{Record, ScenarioRecord, ScenarioResult};
use crate::scenario::Scenario;
use crate::suite::{OnEvent, Order, Settings, Suite, SuiteError, quoted};

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
    let (mut trials, mut laps): (Vec<Trial>, Vec<Lap>) = Default::default();
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
    suite.ready(laps.len() * repeat as usize);
    let mut walk = Walk::new(&suite, trials, jobs, repeat, stop.clone());
    walk.rounds(&laps).await;
    // What failed through an upgrade that was put in may have failed by the restart alone.
    let restarts: Vec<Lap> = controls
        .into_iter()
        .enumerate()
        .filter_map(|(trial, control)| Some(Lap { trial, leg: Leg::Control, scenario: control? }))
        .filter(|lap| needs_control(&walk.trials[lap.trial]))
        .collect();
    walk.more(&restarts, "what did not hold through an upgrade is run with a restart alone").await;
    laps.extend(restarts);
    walk.look_at_times_again(&laps).await;
    let Walk { trials, mut runs, expected, .. } = walk;

    let mut compared = Vec::new();
    let mut others = Vec::new();
    if !stop.is_cancelled() {
        match Box::pin(surfaces(&suite, &settings, &mut runs)).await {
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
        undecided.push(if ran < expected {
            format!("it was stopped after {ran} of {expected} runs")
        } else {
            "it was stopped while runs were made once more".to_owned()
        });
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
        run_again: decision.run_again,
        left_behind: decision.left_behind,
        scenarios: decision.scenarios,
        compared,
        repeat,
        rerun: format!("{} --seed {}", settings.command, settings.seed),
    };
    let folder = suite.folder().to_owned();
    // Before the run is closed, whose last act is to search everything that was written for secrets.
    page::write(&report, &folder).map_err(SuiteError::from)?;
    let repeats = trials.into_iter().flat_map(|trial| trial.repeats);
    let mut records: Vec<ScenarioRecord> = repeats
        .flat_map(|repeat| repeat.in_place_of.map(|first| first.record).into_iter().chain([repeat.record]))
        .collect();
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

/// Compares what both servers say of their API.
async fn surfaces(suite: &Suite, settings: &Settings, runs: &mut usize) -> Result<(Vec<Change>, String), String> {
    let read = Box::pin(describe::describe(suite, [FROM, TO], *runs)).await?;
    *runs += read.len();
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
