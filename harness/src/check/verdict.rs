//! The verdict on a whole scenario: from the plan and the history alone, every step, every promise, every invariant, and
//! what all of them come to.

use super::{consumer, deviation, invariant, ledger, step, timing};
use crate::event::{CutBy, Entry, Event, FragmentLine};
use crate::guarantee;
use crate::outcome::{Judgement, Outcome, Verdict};
use crate::plan::{Plan, PlannedStep};
use crate::report::record::{
    Difference, FaultRecord, GuaranteeRecord, InvariantRecord, PhaseRecord, ScenarioResult, StepRecord,
};

/// Everything that a history says of its scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// What it comes to.
    pub result: ScenarioResult,
    /// One sentence: why.
    pub reason: String,
    /// Each promise.
    pub guarantees: Vec<GuaranteeRecord>,
    /// When each phase began.
    pub phases: Vec<PhaseRecord>,
    /// Each step that was reached.
    pub steps: Vec<StepRecord>,
    /// Each fault that was injected.
    pub faults: Vec<FaultRecord>,
    /// Each thing that had to hold throughout.
    pub always: Vec<InvariantRecord>,
    /// What the ledgers disagreed on at the end.
    pub differences: Vec<Difference>,
}

/// Judges a history.
pub fn judge(plan: &Plan, history: &[Entry]) -> Judged {
    let reached = reached(plan, history);
    let cut = history.iter().find_map(|entry| match &entry.event {
        Event::CutShort { by, why } => Some((*by, why.clone())),
        _ => None,
    });
    let nothing: &[String] = &[];
    let sources = &plan.scenario.sources;
    let always: Vec<(InvariantRecord, &[String])> = plan
        .scenario
        .always
        .iter()
        .filter_map(|item| {
            let title = item.what.one()?.to_string();
            let judgement = invariant(item, &plan.scenario, history);
            let (line, fragment) = (sources.in_own(item.at).line, FragmentLine::of(item.at, sources));
            Some((InvariantRecord { title, line, fragment, judgement }, item.cites.as_slice()))
        })
        // No server promises that a program of the user's runs.
        .chain(consumer::none_crashes(&plan.scenario, history).into_iter().map(|record| (record, nothing)))
        .collect();
    let server = deviation::server(history);
    let guarantees = guarantees(plan, &reached, &always, &server, history);
    let steps: Vec<StepRecord> = steps(history, &reached);
    let always: Vec<InvariantRecord> = always.into_iter().map(|(record, _)| record).collect();
    let (result, reason) = conclude(&steps, &guarantees, &always, cut);
    Judged {
        result,
        reason,
        guarantees,
        phases: phases(history),
        steps,
        faults: faults(history),
        always,
        differences: ledger::differences(history),
    }
}

/// Steps that judge something and were reached, with what came of them, in their order.
fn reached<'a>(plan: &'a Plan, history: &[Entry]) -> Vec<(&'a PlannedStep, Judgement)> {
    let mut all = Vec::new();
    walk(&plan.steps, &mut |planned| {
        if let Some(judgement) = step(planned, history) {
            all.push((planned, judgement));
        }
    });
    all
}

fn walk<'a>(steps: &'a [PlannedStep], visit: &mut impl FnMut(&'a PlannedStep)) {
    for step in steps {
        visit(step);
        walk(step.during.as_deref().unwrap_or_default(), visit);
    }
}

fn guarantees(
    plan: &Plan,
    reached: &[(&PlannedStep, Judgement)],
    always: &[(InvariantRecord, &[String])],
    server: &str,
    history: &[Entry],
) -> Vec<GuaranteeRecord> {
    let judge = |id: &String| {
        let of_steps = reached.iter().filter(|(step, _)| step.cites.contains(id)).map(|(_, judgement)| judgement);
        let of_always = always.iter().filter(|(_, cites)| cites.contains(id)).map(|(record, _)| &record.judgement);
        let judged: Vec<&Judgement> = of_steps.chain(of_always).collect();
        match timing::worst(judged.iter().copied()) {
            Some(worst) if worst.verdict == Verdict::Held => {
                Judgement::held(format!("{} observations, all as promised", judged.len()), Vec::new())
            }
            Some(worst) => worst.clone(),
            None => Judgement::inconclusive("no step that judges it was reached", Vec::new()),
        }
    };
    let record = |id: &String| {
        let promise = guarantee::catalogue().get(id);
        // Told where it was seen: a server that deviates sometimes may have kept its promise this time.
        let shown =
            reached.iter().filter(|(step, judged)| step.deviates.contains(id) && judged.verdict == Verdict::Held);
        let mut shown = shown.filter_map(|(step, _)| super::as_written(step, history));
        let shown = shown.any(|judgement| judgement.verdict == Verdict::Held);
        let deviation = promise.filter(|_| shown).and_then(|promise| promise.deviation_on(server));
        GuaranteeRecord {
            id: id.clone(),
            promise: promise.map(|g| g.promise.clone()).unwrap_or_default(),
            source: promise.map(|g| g.source.url()).unwrap_or_default(),
            judgement: judge(id),
            deviation: deviation.map(|deviation| deviation.really.clone()),
        }
    };
    plan.scenario.guarantees.iter().map(record).collect()
}

fn conclude(
    steps: &[StepRecord],
    guarantees: &[GuaranteeRecord],
    always: &[InvariantRecord],
    cut: Option<(CutBy, String)>,
) -> (ScenarioResult, String) {
    let judged = steps
        .iter()
        .map(|step| (format!("step {}, {}", step.number, step.title), &step.judgement))
        .chain(always.iter().map(|item| (item.title.clone(), &item.judgement)))
        .chain(guarantees.iter().map(|guarantee| (guarantee.id.clone(), &guarantee.judgement)));
    let worst = judged.fold(None, |worst: Option<(String, &Judgement)>, next| match worst {
        Some(worst) if worst.1.verdict >= next.1.verdict => Some(worst),
        _ => Some(next),
    });
    let words = |(what, judgement): &(String, &Judgement)| format!("{what}: {}", judgement.because);
    match (cut, worst) {
        // A broken promise was seen before the run was cut short, and stays seen.
        (_, Some(worst)) if worst.1.verdict == Verdict::Violated => (ScenarioResult::Violated, words(&worst)),
        (Some((by, why)), _) => (
            match by {
                CutBy::Environment => ScenarioResult::Broken,
                CutBy::Baseline | CutBy::Fault => ScenarioResult::Inconclusive,
                CutBy::Interruption => ScenarioResult::Interrupted,
            },
            why,
        ),
        (None, Some(worst)) if worst.1.verdict == Verdict::Inconclusive => {
            (ScenarioResult::Inconclusive, words(&worst))
        }
        (None, Some(_)) => {
            let count = steps.len() + always.len();
            (ScenarioResult::Held, format!("{count} steps and invariants, all as promised"))
        }
        (None, None) => (ScenarioResult::Inconclusive, "nothing was judged".to_owned()),
    }
}

fn phases(history: &[Entry]) -> Vec<PhaseRecord> {
    let phases = history.iter().filter_map(|entry| match entry.event {
        Event::Phase(phase) => Some(PhaseRecord { phase, from: entry.at.sent }),
        _ => None,
    });
    phases.collect()
}

/// The steps as they began and ended. A step that judges something gets the judgement that the history gives it now; the
/// others keep what the runner wrote.
fn steps(history: &[Entry], reached: &[(&PlannedStep, Judgement)]) -> Vec<StepRecord> {
    let mut steps: Vec<StepRecord> = Vec::new();
    for entry in history {
        match &entry.event {
            Event::StepBegan { number, title, line, fragment, .. } => steps.push(StepRecord {
                number: number.clone(),
                title: title.clone(),
                line: *line,
                fragment: fragment.clone(),
                from: entry.at.sent,
                to: entry.at.answered,
                judgement: Judgement::inconclusive("it did not end", Vec::new()),
            }),
            Event::StepEnded { number, judgement } => {
                if let Some(step) = steps.iter_mut().find(|step| step.number == *number) {
                    step.to = entry.at.answered;
                    step.judgement = judgement.clone();
                }
            }
            _ => {}
        }
    }
    for step in &mut steps {
        if let Some((_, judgement)) = reached.iter().find(|(planned, _)| planned.number == step.number) {
            step.judgement = judgement.clone();
        }
    }
    steps
}

fn faults(history: &[Entry]) -> Vec<FaultRecord> {
    let mut faults: Vec<FaultRecord> = Vec::new();
    for entry in history {
        match &entry.event {
            Event::FaultInjected { fault, title, disturbs, seen } => faults.push(FaultRecord {
                fault: *fault,
                title: title.clone(),
                disturbs: disturbs.clone(),
                from: entry.at.sent,
                in_effect: entry.at.answered,
                to: None,
                seen: seen.clone(),
                healed: "it was not healed".to_owned(),
            }),
            Event::FaultHealed { fault, outcome } => {
                if let Some(record) = faults.iter_mut().find(|record| record.fault == *fault) {
                    match outcome {
                        Outcome::Ok(seen) => {
                            record.to = Some(entry.at.answered);
                            record.healed.clone_from(seen);
                        }
                        no => record.healed = no.to_string(),
                    }
                }
            }
            _ => {}
        }
    }
    faults
}
