//! From what was seen on all legs to one answer. A pure function: the same runs give the same answer.

use std::collections::BTreeSet;

use super::change::{self, Change, Evidence, Leg, Promise, Severity};
use super::diff::{self, Answers, Difference};
use super::pace::{self, Pace, Times};
use super::report::{Answer, Case, LegRecord};
use super::retry;
use crate::event::{CutBy, Entry, Event};
use crate::outcome::Verdict;
use crate::report::record::{DifferenceKind, GuaranteeRecord, ScenarioRecord, ScenarioResult, StepRecord};

/// How the title of a step that upgrades begins.
const UPGRADE_STEP: &str = "fault: upgrade vault";

/// One repeat of one leg of a scenario.
#[derive(Debug, Clone)]
pub struct Repeat {
    /// Which leg.
    pub leg: Leg,
    /// What came of it.
    pub record: ScenarioRecord,
    /// What Vault answered.
    pub answers: Answers,
    /// How long things took.
    pub times: Times,
    /// The upgrade, when the new version would not serve on the old one's data: why not.
    pub refused_data: Option<String>,
    /// Whether leaseproof itself was held up, as on a machine that is too busy.
    pub was_held_up: bool,
    /// A run that said nothing, in whose place this one stands.
    pub in_place_of: Option<Box<Repeat>>,
}

/// A scenario, all that ran of it, and where its upgrade was.
#[derive(Debug, Clone)]
pub struct Trial {
    /// The repeats of all legs.
    pub repeats: Vec<Repeat>,
    /// Where the upgrade was put, in words, or why there was none.
    pub route: String,
    /// Whether the upgrade does not stand in the file: then it moves the numbers of the steps behind it.
    pub is_put_in: bool,
    /// The command that shows all of it again.
    pub again: String,
}

/// What all trials come to.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Whether to go.
    pub answer: Answer,
    /// Why.
    pub because: String,
    /// What differs.
    pub changes: Vec<Change>,
    /// What could not be decided.
    pub undecided: Vec<String>,
    /// What holds on neither version.
    pub as_before: Vec<String>,
    /// What was run once more, and what came of it.
    pub run_again: Vec<String>,
    /// What a rollback leaves behind, though nothing is broken.
    pub left_behind: Vec<String>,
    /// The scenarios.
    pub scenarios: Vec<Case>,
}

/// Decides. `others` are changes that were seen outside of scenarios; `undecided` what is known not to have been seen.
pub fn decide(trials: &[Trial], others: Vec<Change>, undecided: Vec<String>) -> Decision {
    let mut decision = Decision {
        answer: Answer::Go,
        because: String::new(),
        changes: Vec::new(),
        undecided,
        as_before: Vec::new(),
        run_again: Vec::new(),
        left_behind: Vec::new(),
        scenarios: Vec::new(),
    };
    let mut changes = others;
    for trial in trials {
        let Some(case) = case(trial) else { continue };
        judge(trial, &case, &mut changes, &mut decision);
        changes.extend(behaviour(trial));
        decision.run_again.extend(retry::told(trial));
        decision.left_behind.extend(left_behind(trial, &case));
        decision.scenarios.push(case);
    }
    decision.changes = change::gathered(changes);
    (decision.answer, decision.because) = conclude(&decision);
    decision
}

fn conclude(decision: &Decision) -> (Answer, String) {
    let count = |severity| decision.changes.iter().filter(|change| change.severity == severity).count();
    let (blockers, breaking, notable) = (count(Severity::Blocker), count(Severity::Breaking), count(Severity::Notable));
    if let Some(worst) = decision.changes.iter().find(|change| change.severity == Severity::Blocker) {
        let more = if blockers > 1 { format!(", and {} more", blockers - 1) } else { String::new() };
        return (Answer::NoGo, format!("{}{more}", worst.what));
    }
    if let Some(first) = decision.undecided.first() {
        let more = match decision.undecided.len() {
            1 => String::new(),
            all => format!(", and {} more", all - 1),
        };
        return (Answer::Inconclusive, format!("{first}{more}"));
    }
    if decision.scenarios.is_empty() {
        return (Answer::Inconclusive, "no scenario ran".to_owned());
    }
    if breaking + notable > 0 {
        let held = "every promise held on every leg";
        return (Answer::GoWithChanges, format!("{held}; {breaking} breaking and {notable} notable changes"));
    }
    (Answer::Go, "every promise held on every leg, and nothing differs that anybody must act on".to_owned())
}

fn case(trial: &Trial) -> Option<Case> {
    let first = &trial.repeats.first()?.record;
    let legs = [Leg::From, Leg::To, Leg::Through, Leg::Rollback, Leg::Control];
    Some(Case {
        name: first.name.clone(),
        file: first.file.clone(),
        legs: legs.into_iter().filter_map(|leg| leg_record(trial, leg)).collect(),
        route: trial.route.clone(),
    })
}

fn of(trial: &Trial, leg: Leg) -> impl Iterator<Item = &Repeat> {
    trial.repeats.iter().filter(move |repeat| repeat.leg == leg)
}

/// The repeat that speaks for a leg: one that saw a promise broken, else one that held if most did, else the worst.
fn worst(trial: &Trial, leg: Leg) -> Option<&Repeat> {
    let rank = |repeat: &&Repeat| match repeat.record.result {
        ScenarioResult::Violated => 5,
        ScenarioResult::Interrupted => 4,
        ScenarioResult::Broken => 3,
        ScenarioResult::Inconclusive => 2,
        ScenarioResult::Skipped => 1,
        ScenarioResult::Held => 0,
    };
    let repeats = of(trial, leg).count();
    let held = of(trial, leg).filter(|repeat| repeat.record.result == ScenarioResult::Held).count();
    let is_broken = of(trial, leg).any(|repeat| repeat.record.result == ScenarioResult::Violated);
    if !is_broken && held * 2 > repeats {
        // A machine that was busy once leaves the others' word.
        return of(trial, leg).find(|repeat| repeat.record.result == ScenarioResult::Held);
    }
    // The first of the worst, so that the report names one run and always the same.
    of(trial, leg).max_by_key(|repeat| (rank(repeat), std::cmp::Reverse(repeat.record.folder.clone())))
}

fn leg_record(trial: &Trial, leg: Leg) -> Option<LegRecord> {
    let worst = worst(trial, leg)?;
    let held = worst.record.result == ScenarioResult::Held;
    Some(LegRecord {
        leg,
        result: worst.record.result,
        reason: if held { String::new() } else { worst.record.reason.clone() },
        runs: of(trial, leg).map(|repeat| repeat.record.folder.clone()).collect(),
    })
}

/// What the results of the legs say: a promise that is lost, one that holds on neither side, or nothing certain.
fn judge(trial: &Trial, case: &Case, changes: &mut Vec<Change>, decision: &mut Decision) {
    let result = |leg| case.result(leg).map(|record| record.result);
    let name = &case.name;
    let Some(from) = result(Leg::From) else { return };
    for leg in [Leg::To, Leg::Through, Leg::Rollback] {
        let Some(worst) = worst(trial, leg) else { continue };
        let on = match leg {
            Leg::To => "on the new version",
            Leg::Rollback => "after a rollback",
            _ => "through the upgrade",
        };
        // What fails with a restart alone is not the upgrade's doing.
        let before = if leg == Leg::To { from } else { result(Leg::Control).unwrap_or(from) };
        match (before, worst.record.result) {
            (ScenarioResult::Held, ScenarioResult::Held) => {}
            // Not once by chance, but in every repeat.
            (ScenarioResult::Held, _) if of(trial, leg).all(|repeat| repeat.refused_data.is_some()) => {
                changes.push(refused_data(trial, worst));
            }
            (ScenarioResult::Held, ScenarioResult::Violated) => changes.push(lost(trial, worst, on)),
            (ScenarioResult::Violated, ScenarioResult::Violated) => {
                decision.as_before.push(format!("“{name}” does not hold {on}, nor before: {}", worst.record.reason));
            }
            (ScenarioResult::Violated, ScenarioResult::Held) if leg == Leg::To => changes.push(mended(trial, worst)),
            (ScenarioResult::Violated, ScenarioResult::Held) => {}
            (ScenarioResult::Held | ScenarioResult::Violated, _) => {
                decision.undecided.push(format!("“{name}” was not decided {on}: {}", retry::undecided(worst)));
            }
            (_, _) if leg == Leg::To => {
                let reason = self::worst(trial, Leg::From).map(retry::undecided).unwrap_or_default();
                decision.undecided.push(format!("“{name}” was not decided on the present version: {reason}"));
            }
            (_, _) => {}
        }
    }
}

/// What users a rollback left without a lease, in one sentence.
fn left_behind(trial: &Trial, case: &Case) -> Option<String> {
    let left = |repeat: &Repeat| {
        let all = repeat.record.differences.iter().filter(|d| d.kind == DifferenceKind::OrphanByNature);
        all.map(|difference| difference.detail.clone()).collect::<Vec<_>>()
    };
    let most = of(trial, Leg::Rollback).map(left).max_by_key(Vec::len).filter(|left| !left.is_empty())?;
    Some(format!("“{}”, orphans by nature: {}", case.name, most.join("; ")))
}

fn lost(trial: &Trial, repeat: &Repeat, on: &str) -> Change {
    let record = &repeat.record;
    let step = record.steps.iter().find(|step| step.judgement.verdict == Verdict::Violated);
    let promises = record.guarantees.iter().filter(|g| g.judgement.verdict == Verdict::Violated).map(promise).collect();
    Change {
        severity: Severity::Blocker,
        what: format!("“{}” does not hold {on}", record.name),
        from: "it holds".to_owned(),
        to: record.reason.clone(),
        promises,
        evidence: vec![evidence(trial, repeat, step.map(place_of), vec![record.folder.clone()])],
    }
}

fn mended(trial: &Trial, repeat: &Repeat) -> Change {
    let before = worst(trial, Leg::From).map(|repeat| repeat.record.reason.clone()).unwrap_or_default();
    Change {
        severity: Severity::Minor,
        what: format!("“{}” holds on the new version, and does not on the present one", repeat.record.name),
        from: before,
        to: "it holds".to_owned(),
        promises: Vec::new(),
        evidence: vec![evidence(trial, repeat, None, vec![repeat.record.folder.clone()])],
    }
}

fn refused_data(trial: &Trial, repeat: &Repeat) -> Change {
    Change {
        severity: Severity::Blocker,
        what: "the new version does not serve on the data of the present one".to_owned(),
        from: "it serves".to_owned(),
        to: repeat.refused_data.clone().unwrap_or_default(),
        promises: Vec::new(),
        evidence: vec![evidence(trial, repeat, None, vec![repeat.record.folder.clone()])],
    }
}

fn place_of(step: &StepRecord) -> (String, String, usize) {
    (step.number.clone(), step.title.clone(), step.line)
}

fn promise(record: &GuaranteeRecord) -> Promise {
    Promise { id: record.id.clone(), promise: record.promise.clone(), source: record.source.clone() }
}

fn evidence(trial: &Trial, repeat: &Repeat, step: Option<(String, String, usize)>, runs: Vec<String>) -> Evidence {
    let record = &repeat.record;
    let (step, title, line) = step.unwrap_or_default();
    let place = if line == 0 { record.file.clone() } else { format!("{}:{line}", record.file) };
    let again = trial.again.clone();
    Evidence { scenario: record.name.clone(), place, step, title, leg: repeat.leg, runs, again }
}

/// Why the new version did not serve on the old one's data, if an upgrade was begun in this history and never done.
pub fn upgrade_refused(history: &[Entry]) -> Option<String> {
    let mut begun = None;
    for entry in history {
        match &entry.event {
            Event::StepBegan { number, title, .. } if title.starts_with(UPGRADE_STEP) => begun = Some(number.clone()),
            Event::FaultInjected { .. } if entry.step == begun => begun = None,
            Event::CutShort { by: CutBy::Fault, why } if begun.is_some() => return Some(brief(why)),
            _ => {}
        }
    }
    None
}

/// A reason without the log that follows it, but for the last error in that.
fn brief(why: &str) -> String {
    let mut lines = why.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    match lines.filter_map(|line| line.split_once("[ERROR] ")).next_back() {
        Some((_, error)) => format!("{first}; its log says: {error}"),
        None => first,
    }
}

/// The leg that one on the new version, or through the upgrade, is held against.
fn like(trial: &Trial, leg: Leg) -> Option<Leg> {
    // An upgrade that was put in moves the numbers of the steps behind it: its like is the control.
    match leg {
        Leg::Through if of(trial, Leg::Control).next().is_some() => Some(Leg::Control),
        Leg::Through if trial.is_put_in => None,
        _ => Some(Leg::From),
    }
}

fn times(trial: &Trial, leg: Leg) -> Vec<Times> {
    of(trial, leg).map(|repeat| repeat.times.clone()).collect()
}

/// The legs of a trial whose times lie apart, with those that they are held against: on a busy machine that may be chance.
pub fn apart(trial: &Trial) -> BTreeSet<Leg> {
    let pairs = [Leg::To, Leg::Through].into_iter().filter_map(|leg| Some([like(trial, leg)?, leg]));
    pairs.filter(|[a, b]| !pace::paces(&times(trial, *a), &times(trial, *b)).is_empty()).flatten().collect()
}

/// What differs though both hold: answers and times, on the new version and after the upgrade.
fn behaviour(trial: &Trial) -> Vec<Change> {
    let answers = |leg| of(trial, leg).map(|repeat| repeat.answers.clone()).collect::<Vec<_>>();
    let mut changes = Vec::new();
    for leg in [Leg::To, Leg::Through] {
        let Some(like) = like(trial, leg) else { continue };
        let Some(repeat) = of(trial, leg).next() else { continue };
        let runs = [like, leg].into_iter().flat_map(|leg| of(trial, leg)).map(|r| r.record.folder.clone());
        let runs: Vec<String> = runs.collect();
        for difference in diff::differences(&answers(like), &answers(leg)) {
            changes.push(of_answer(trial, repeat, difference, runs.clone()));
        }
        for pace in pace::paces(&times(trial, like), &times(trial, leg)) {
            changes.push(of_pace(trial, repeat, &pace, runs.clone()));
        }
    }
    changes
}

fn of_answer(trial: &Trial, repeat: &Repeat, difference: Difference, runs: Vec<String>) -> Change {
    let Difference { call, title, line, severity, what, from, to } = difference;
    let evidence = evidence(trial, repeat, Some((call.step, title, line)), runs);
    Change { severity, what, from, to, promises: Vec::new(), evidence: vec![evidence] }
}

fn of_pace(trial: &Trial, repeat: &Repeat, pace: &Pace, runs: Vec<String>) -> Change {
    let between =
        |[least, most]: [std::time::Duration; 2]| format!("{:.1} to {:.1} s", least.as_secs_f64(), most.as_secs_f64());
    let step = (pace.step.clone(), pace.title.clone(), pace.line);
    Change {
        severity: if pace.slower { Severity::Notable } else { Severity::Minor },
        what: format!("“{}” takes {}", pace.title, if pace.slower { "longer" } else { "less time" }),
        from: between(pace.from),
        to: between(pace.to),
        promises: Vec::new(),
        evidence: vec![evidence(trial, repeat, Some(step), runs)],
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
pub(super) mod tests;
