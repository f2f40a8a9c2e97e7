//! From runs to an answer: what is a blocker, what is none, and what nobody can say.

use super::*;
use crate::event::{Actor, Phase};
use crate::outcome::Judgement;
use crate::report::record::Difference as LedgerDifference;
use crate::time::{Interval, Moment};

fn record(leg: Leg, result: ScenarioResult) -> ScenarioRecord {
    let judgement = match result {
        ScenarioResult::Violated => Judgement::violated("it was not so", vec![1]),
        _ => Judgement::held("it was so", vec![1]),
    };
    ScenarioRecord {
        name: "Leases live on".to_owned(),
        about: None,
        file: "scenarios/upgrade/leases.yaml".to_owned(),
        source: String::new(),
        fragments: Vec::new(),
        server: String::new(),
        provider: String::new(),
        products: Vec::new(),
        result,
        reason: if result == ScenarioResult::Held { String::new() } else { "step 4.2: it was not so".to_owned() },
        seed: 1,
        rerun: String::new(),
        folder: format!("000-{leg}"),
        started: String::new(),
        took_ms: 1,
        guarantees: vec![GuaranteeRecord {
            id: "SEAL-04".to_owned(),
            promise: "a lease keeps its end".to_owned(),
            source: "docs/lease".to_owned(),
            judgement: judgement.clone(),
            deviation: None,
        }],
        phases: Vec::new(),
        steps: vec![StepRecord {
            number: "4.2".to_owned(),
            title: "renew cred".to_owned(),
            line: 12,
            fragment: None,
            from: Moment::START,
            to: Moment::START,
            judgement,
        }],
        faults: Vec::new(),
        always: Vec::new(),
        differences: Vec::new(),
    }
}

pub(crate) fn repeat(leg: Leg, result: ScenarioResult) -> Repeat {
    Repeat {
        leg,
        record: record(leg, result),
        answers: Answers::new(),
        times: Times::new(),
        refused_data: None,
        was_held_up: false,
        in_place_of: None,
    }
}

pub(crate) fn trial(legs: &[(Leg, ScenarioResult)]) -> Trial {
    let repeats = legs.iter().map(|(leg, result)| repeat(*leg, *result)).collect();
    Trial { repeats, route: String::new(), is_put_in: false, again: "again".to_owned() }
}

use Leg::{Control, From, Rollback, Through, To};
use ScenarioResult::{Broken, Held, Inconclusive, Violated};

fn decided(legs: &[(Leg, ScenarioResult)]) -> Decision {
    decide(&[trial(legs)], Vec::new(), Vec::new())
}

#[test]
fn what_holds_on_every_leg_and_does_not_differ_goes() {
    let decision = decided(&[(From, Held), (To, Held), (Through, Held)]);
    assert_eq!(decision.answer, Answer::Go);
    assert!(decision.changes.is_empty() && decision.undecided.is_empty());
}

#[rstest::rstest]
#[case::on_the_new_version(&[(From, Held), (To, Violated), (Through, Held)])]
#[case::through_the_upgrade(&[(From, Held), (To, Held), (Through, Violated)])]
#[case::and_not_by_the_restart(&[(From, Held), (To, Held), (Through, Violated), (Control, Held)])]
#[case::in_one_repeat_of_three(&[(From, Held), (To, Held), (Through, Held), (Through, Violated), (Through, Held)])]
fn a_promise_that_is_lost_is_a_no_go_with_its_step_and_what_the_documentation_says(
    #[case] legs: &[(Leg, ScenarioResult)],
) {
    let decision = decided(legs);
    assert_eq!(decision.answer, Answer::NoGo);
    let blocker = &decision.changes[0];
    assert_eq!((blocker.severity, blocker.promises[0].id.as_str()), (Severity::Blocker, "SEAL-04"));
    assert_eq!(blocker.evidence[0].place, "scenarios/upgrade/leases.yaml:12");
}

#[test]
fn a_promise_that_does_not_hold_after_a_rollback_is_a_no_go_and_a_user_that_it_forgot_is_told() {
    let lost = decided(&[(From, Held), (To, Held), (Through, Held), (Rollback, Violated)]);
    assert_eq!((lost.answer, lost.changes[0].severity), (Answer::NoGo, Severity::Blocker));
    assert!(lost.because.contains("after a rollback"), "{}", lost.because);
    let mut back = trial(&[(From, Held), (To, Held), (Through, Held), (Rollback, Held)]);
    back.repeats[3].record.differences.push(LedgerDifference {
        kind: DifferenceKind::OrphanByNature,
        what: "v-root-app".to_owned(),
        detail: "the user of meanwhile app is there".to_owned(),
    });
    let decision = decide(&[back], Vec::new(), Vec::new());
    assert_eq!(decision.answer, Answer::Go);
    assert_eq!(decision.left_behind, ["“Leases live on”, orphans by nature: the user of meanwhile app is there"]);
}

#[test]
fn what_a_restart_alone_breaks_too_is_not_the_upgrades_doing() {
    let decision = decided(&[(From, Held), (To, Held), (Through, Violated), (Control, Violated)]);
    assert_eq!((decision.answer, decision.as_before.len()), (Answer::Go, 1));
}

#[test]
fn what_holds_neither_before_nor_after_stops_nobody_and_is_told() {
    let decision = decided(&[(From, Violated), (To, Violated), (Through, Violated)]);
    assert_eq!((decision.answer, decision.as_before.len()), (Answer::Go, 2));
}

#[test]
fn what_holds_only_on_the_new_version_is_told_as_mended() {
    let decision = decided(&[(From, Violated), (To, Held), (Through, Held)]);
    assert_eq!((decision.answer, decision.changes[0].severity), (Answer::Go, Severity::Minor));
}

#[rstest::rstest]
#[case::on_the_new_version(&[(From, Held), (To, Inconclusive), (Through, Held)])]
#[case::through_the_upgrade(&[(From, Held), (To, Held), (Through, Broken)])]
#[case::on_the_present_version(&[(From, Inconclusive), (To, Held), (Through, Held)])]
fn what_was_not_decided_on_one_leg_leaves_the_answer_open(#[case] legs: &[(Leg, ScenarioResult)]) {
    let decision = decided(legs);
    assert_eq!((decision.answer, decision.undecided.len()), (Answer::Inconclusive, 1));
}

#[test]
fn most_repeats_speak_for_a_leg_on_which_no_promise_was_broken() {
    let busy_once = [(From, Held), (To, Held), (Through, Held), (Through, Inconclusive), (Through, Held)];
    assert_eq!(decided(&busy_once).answer, Answer::Go);
    let busy_half = [(From, Held), (To, Held), (Through, Held), (Through, Inconclusive)];
    assert_eq!(decided(&busy_half).answer, Answer::Inconclusive);
}

#[test]
fn a_blocker_beats_what_is_undecided_and_nothing_at_all_is_inconclusive() {
    let trials = [trial(&[(From, Held), (To, Violated)]), trial(&[(From, Held), (To, Inconclusive)])];
    assert_eq!(decide(&trials, Vec::new(), Vec::new()).answer, Answer::NoGo);
    assert_eq!(decide(&[], Vec::new(), Vec::new()).answer, Answer::Inconclusive);
}

#[test]
fn new_data_that_is_refused_in_every_repeat_is_a_no_go_and_once_by_chance_is_not() {
    let mut refused = trial(&[(From, Held), (To, Held), (Through, Inconclusive), (Through, Inconclusive)]);
    refused.repeats[2].refused_data = Some("vault ended while it was starting".to_owned());
    assert_eq!(decide(&[refused.clone()], Vec::new(), Vec::new()).answer, Answer::Inconclusive);
    refused.repeats[3].refused_data = Some("vault ended while it was starting".to_owned());
    let decision = decide(&[refused], Vec::new(), Vec::new());
    assert_eq!(decision.answer, Answer::NoGo);
    assert!(decision.changes[0].to.contains("ended while it was starting"));
}

#[test]
fn differences_alone_make_it_go_with_changes_unless_they_are_minor() {
    let differing = |severity| Change {
        severity,
        what: "GET sys/x answers another status".to_owned(),
        from: "200".to_owned(),
        to: "204".to_owned(),
        promises: Vec::new(),
        evidence: Vec::new(),
    };
    let held = [trial(&[(From, Held), (To, Held), (Through, Held)])];
    let answer = |severity| decide(&held, vec![differing(severity)], Vec::new()).answer;
    assert_eq!(answer(Severity::Minor), Answer::Go);
    assert_eq!(answer(Severity::Notable), Answer::GoWithChanges);
    assert_eq!(answer(Severity::Breaking), Answer::GoWithChanges);
}

#[test]
fn an_upgrade_that_was_begun_and_not_done_is_why_the_data_was_refused() {
    let entry = |seq, step: Option<&str>, event| Entry {
        seq,
        at: Interval::at(Moment::from_millis(seq)),
        who: Actor::Harness,
        step: step.map(str::to_owned),
        event,
        shape: None,
    };
    let began = Event::StepBegan {
        number: "4.2".to_owned(),
        title: UPGRADE_STEP.to_owned(),
        line: 9,
        fragment: None,
        ends: None,
    };
    let cut = Event::CutShort { by: CutBy::Fault, why: "vault ended while it was starting".to_owned() };
    let done =
        Event::FaultInjected { fault: 0, title: "upgrade vault".to_owned(), disturbs: vec![], seen: String::new() };
    let phase = entry(0, None, Event::Phase(Phase::Steps));
    let refused = [phase.clone(), entry(1, Some("4.2"), began.clone()), entry(2, None, cut.clone())];
    assert_eq!(upgrade_refused(&refused).as_deref(), Some("vault ended while it was starting"));
    let cut_with_log = Event::CutShort {
        by: CutBy::Fault,
        why: "vault did not answer\nx [INFO]  core: a\nx [ERROR] core: one\nx [ERROR] core: two\nx [INFO] b".to_owned(),
    };
    let with_log = [entry(1, Some("4.2"), began.clone()), entry(2, None, cut_with_log)];
    assert_eq!(upgrade_refused(&with_log).as_deref(), Some("vault did not answer; its log says: core: two"));
    let of_a_node = Event::StepBegan {
        number: "4.2".to_owned(),
        title: format!("{UPGRADE_STEP} follower"),
        line: 9,
        fragment: None,
        ends: None,
    };
    let in_a_cluster = [entry(1, Some("4.2"), of_a_node), entry(2, None, cut.clone())];
    assert_eq!(upgrade_refused(&in_a_cluster).as_deref(), Some("vault ended while it was starting"));
    let later = [phase, entry(1, Some("4.2"), began), entry(2, Some("4.2"), done), entry(3, None, cut)];
    assert_eq!(upgrade_refused(&later), None);
}
