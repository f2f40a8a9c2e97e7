//! A harness that was late does not accuse. When a step counts on a lease or token being alive, and the call came at a time
//! when its TTL may have been over, "it is gone" says nothing of the server. And when the harness itself was held up, nothing
//! that was seen afterwards accuses anybody: a renewal that came late, a rotation that was missed, were its own doing.

use std::time::Duration;

use super::lease::{lives, token_surely_within_ttl};
use super::revocation::hinders;
use super::timing::Reading;
use crate::event::{Entry, Event};
use crate::outcome::{Judgement, Outcome, Verdict};
use crate::scenario::Verb;
use crate::scenario::file::ExpectStaticRole;
use crate::scenario::one::Expected;
use crate::scenario::word::{Length, Name};
use crate::time::{Interval, Moment};

/// What a step counts on being alive.
enum Subject<'a> {
    Credential(&'a Name),
    Token(&'a Name),
}

/// The reading of a verb's answer, taken back if what it acts on, or acts with, may have been over.
pub(super) fn verb(verb: &Verb, reading: Reading, at: Interval, history: &[Entry]) -> Reading {
    let subject = match verb {
        Verb::Renew(step) => {
            let lease = step.lease.as_deref().map(Subject::Credential);
            lease.or_else(|| step.token.as_deref().map(Subject::Token))
        }
        Verb::Issue(step) => step.token.as_deref().map(Subject::Token),
        Verb::Token(step) => step.parent.as_deref().map(Subject::Token),
        Verb::Api(step) => step.token.as_deref().map(Subject::Token),
        Verb::Race(step) => step.api.token.as_deref().map(Subject::Token),
        Verb::Open(step) => Some(Subject::Credential(&step.with)),
        Verb::Sql(sql) => sql.with.as_deref().map(Subject::Credential),
        Verb::Read(_) | Verb::Revoke(_) | Verb::Rotate(_) | Verb::Repair(_) | Verb::Snapshot(_) | Verb::Start(_) => {
            None
        }
    };
    judge(subject, reading, at, history)
}

/// The reading of a look, taken back if it expects something alive that may have been over. `refused`: whether the look met
/// a refusal.
pub(super) fn expected(
    expected: &Expected<'_>,
    reading: Reading,
    refused: bool,
    at: Interval,
    history: &[Entry],
) -> Reading {
    let is = |wanted: Option<bool>| wanted == Some(true);
    let subject = match expected {
        Expected::Login(login) if is(login.accepted.map(|v| *v)) => Some(Subject::Credential(&login.with)),
        Expected::Principal(principal) if is(principal.exists.map(|v| *v)) => Some(Subject::Credential(&principal.of)),
        Expected::Token(token) if token.alive.is_none_or(|v| *v) => Some(Subject::Token(&token.of)),
        // A lease that is expected with a TTL below zero is expected to be overdue, and must be there all the same.
        Expected::Lease(lease) => {
            let time_left = lease.ttl.is_some_and(|ttl| ttl.at_least.is_some_and(|least| least.millis > 0));
            (time_left || is(lease.renewable.map(|v| *v))).then_some(Subject::Credential(&lease.of))
        }
        // A statement that was run says by that alone that its user was alive.
        Expected::Sql(sql) if refused => sql.with.as_deref().map(Subject::Credential),
        _ => None,
    };
    if let Expected::StaticRole(role) = expected {
        return password(role, reading, at, history);
    }
    judge(subject, reading, at, history)
}

/// The reading of a look that expects a static password to be the same, taken back if it may have fallen due by then, and
/// not under a fault that was in the way of its rotation from then on.
fn password(role: &ExpectStaticRole, reading: Reading, at: Interval, history: &[Entry]) -> Reading {
    let (Some(name), Reading::No(seen)) = (&role.same_as, &reading) else { return reading };
    let due = history.iter().rev().find_map(|entry| match &entry.event {
        Event::StaticRead { kept_as: Some(kept), outcome: Outcome::Ok(reply), .. } if kept == name.as_str() => {
            Some(entry.at.sent.plus(Duration::from_secs(reply.body.ttl.try_into().unwrap_or_default())))
        }
        _ => None,
    });
    let Some(due) = due.filter(|due| *due <= at.answered) else { return reading };
    if in_the_way(history, due, at) {
        return reading;
    }
    Reading::Unknown(format!("{} may have fallen due by then, the harness was late: {seen}", **name))
}

/// Whether a fault that keeps Vault from rotating was in force from this moment until the end of a call.
fn in_the_way(history: &[Entry], from: Moment, until: Interval) -> bool {
    let healed = |number: u32| {
        let end =
            history.iter().find(|entry| matches!(&entry.event, Event::FaultHealed { fault, .. } if *fault == number));
        end.is_some_and(|end| end.at.sent <= until.answered)
    };
    history.iter().any(|entry| match &entry.event {
        Event::FaultInjected { fault, disturbs, .. } => {
            entry.at.answered <= from && disturbs.iter().any(hinders) && !healed(*fault)
        }
        _ => false,
    })
}

/// The judgement, taken back if it accuses by what was seen while or after the harness was held up.
pub(super) fn held_up(judgement: Judgement, history: &[Entry]) -> Judgement {
    if judgement.verdict != Verdict::Violated {
        return judgement;
    }
    let of_evidence = history.iter().filter(|entry| judgement.evidence.contains(&entry.seq));
    let Some(last) = of_evidence.map(|entry| entry.at.answered).max() else { return judgement };
    let Some(stall) = history.iter().find(|entry| entry.event == Event::HeldUp && entry.at.sent <= last) else {
        return judgement;
    };
    let long = Length(Duration::from_millis(u64::try_from(stall.at.length().as_millis()).unwrap_or(u64::MAX)));
    let mut evidence = judgement.evidence;
    evidence.push(stall.seq);
    let because = format!(
        "leaseproof itself was held up for {long} at {}, and what was seen after that may come of it: {}",
        stall.at.sent, judgement.because
    );
    Judgement::inconclusive(because, evidence)
}

fn judge(subject: Option<Subject<'_>>, reading: Reading, at: Interval, history: &[Entry]) -> Reading {
    let (Some(subject), Reading::No(seen)) = (subject, &reading) else { return reading };
    let (name, alive) = match subject {
        Subject::Credential(name) => {
            let life = lives(history).remove(name.as_str());
            // A lease ends with the token that took it, too.
            let token = life.as_ref().and_then(|life| life.token.clone());
            let token_alive = token.is_none_or(|token| token_surely_within_ttl(history, &token, at));
            (name, token_alive && life.is_none_or(|life| life.surely_within_ttl(at)))
        }
        Subject::Token(name) => (name, token_surely_within_ttl(history, name.as_str(), at)),
    };
    if alive {
        reading
    } else {
        Reading::Unknown(format!("{name} may have been over by then, the harness was late: {seen}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Actor, Part, StaticPassword, TokenAct, TokenState};
    use crate::scenario::file::Renew;
    use crate::scenario::mark::{Marked, Place};
    use crate::tape::{Tape, fault, healed, issued, reply, shifted, widen};

    fn name(text: &str) -> Marked<Name> {
        Marked { value: text.parse().unwrap(), at: Place::default() }
    }

    fn renew(lease: Option<Marked<Name>>, token: Option<Marked<Name>>) -> Verb {
        Verb::Renew(Renew { lease, token, increment: None, node: None, answers: None })
    }

    fn at(millis: u64) -> Interval {
        Interval::at(Moment::from_millis(millis))
    }

    fn history() -> Vec<Entry> {
        let mut tape = Tape::default();
        tape.operator((0, 10), "4.1", issued("cred", 60));
        for (token, ttl) in [("short", 5), ("endless", 0)] {
            let outcome = reply(200, TokenState { ttl, renewable: true });
            let made = Event::Token { token: token.to_owned(), act: TokenAct::Made, outcome };
            tape.put((20, 30), Actor::Operator, Some("4.2"), made);
        }
        tape.entries()
    }

    fn refused() -> Reading {
        Reading::No("refused".to_owned())
    }

    #[test]
    fn a_refusal_within_the_ttl_is_an_accusation_and_one_after_it_is_not() {
        let renewal = renew(Some(name("cred")), None);
        assert_eq!(verb(&renewal, refused(), at(50_000), &history()), refused());
        assert!(matches!(verb(&renewal, refused(), at(60_005), &history()), Reading::Unknown(_)));
        let renewal = renew(None, Some(name("short")));
        assert_eq!(verb(&renewal, refused(), at(4_000), &history()), refused());
        assert!(matches!(verb(&renewal, refused(), at(5_025), &history()), Reading::Unknown(_)));
    }

    #[test]
    fn a_statement_of_a_user_that_may_have_been_over_accuses_nobody() {
        let sql = Verb::Sql(serde_json::from_str(r#"{"run": "SELECT 1", "with": "cred", "returns": "1"}"#).unwrap());
        assert_eq!(verb(&sql, refused(), at(50_000), &history()), refused());
        assert!(matches!(verb(&sql, refused(), at(60_005), &history()), Reading::Unknown(_)));
    }

    /// A static role that was read with 8 seconds left, and a fault from one moment to another, if there is one.
    fn static_history(disturbed: Option<(u64, u64)>) -> Vec<Entry> {
        let mut tape = Tape::default();
        let body = StaticPassword { username: "reporting".to_owned(), fingerprint: "a".to_owned(), ttl: 8 };
        let read = Event::StaticRead {
            role: "database/reporting".to_owned(),
            kept_as: Some("before".to_owned()),
            outcome: reply(200, body),
            login: None,
            rotated_meanwhile: None,
        };
        tape.operator((0, 10), "4.1", read);
        if let Some((from, to)) = disturbed {
            tape.harness((from, from + 10), fault(1, Part::Postgres));
            tape.harness((to, to + 10), healed(1));
        }
        tape.entries()
    }

    #[test]
    fn a_static_password_that_may_have_fallen_due_accuses_nobody_unless_a_fault_was_in_the_way_all_the_time() {
        let role: ExpectStaticRole =
            serde_json::from_str(r#"{"of": "database/reporting", "same_as": "before"}"#).unwrap();
        let read = |at, history: &[Entry]| expected(&Expected::StaticRole(&role), refused(), false, at, history);
        assert_eq!(read(at(7_990), &static_history(None)), refused());
        assert!(matches!(read(at(8_000), &static_history(None)), Reading::Unknown(_)));
        assert_eq!(read(at(20_000), &static_history(Some((1_000, 30_000)))), refused());
        // It was healed before, or began when it may have been due already.
        assert!(matches!(read(at(20_000), &static_history(Some((1_000, 19_000)))), Reading::Unknown(_)));
        assert!(matches!(read(at(20_000), &static_history(Some((8_000, 30_000)))), Reading::Unknown(_)));
    }

    #[test]
    fn what_was_seen_after_the_harness_was_held_up_accuses_nobody_and_what_was_seen_before_does() {
        let mut tape = Tape::default();
        tape.operator((0, 10), "4.1", issued("cred", 60));
        tape.operator((100, 110), "4.2", issued("early", 60));
        tape.harness((1_000, 4_000), Event::HeldUp);
        tape.operator((4_010, 4_020), "4.3", issued("late", 60));
        let history = tape.entries();
        let accusing = |seq: u64| held_up(Judgement::violated("it was not so", vec![seq]), &history);
        assert_eq!(accusing(1), Judgement::violated("it was not so", vec![1]));
        let taken_back = accusing(3);
        assert_eq!((taken_back.verdict, taken_back.evidence), (Verdict::Inconclusive, vec![3, 2]));
        assert!(taken_back.because.contains("held up for 3s at 1.000s"), "{}", taken_back.because);
    }

    #[test]
    fn what_a_lookup_rounds_up_does_not_make_a_token_live_longer() {
        let mut tape = Tape::default();
        let state = |ttl| reply(200, TokenState { ttl, renewable: true });
        let event = |act, ttl| Event::Token { token: "brief".to_owned(), act, outcome: state(ttl) };
        tape.put((0, 10), Actor::Operator, Some("4.1"), event(TokenAct::Made, 5));
        // 800 ms are left, and are told as a second.
        tape.put((4_200, 4_205), Actor::Operator, Some("4.2"), event(TokenAct::Read, 1));
        let with_it = renew(None, Some(name("brief")));
        assert!(matches!(verb(&with_it, refused(), at(5_100), &tape.entries()), Reading::Unknown(_)));
    }

    #[test]
    fn a_lease_whose_token_may_have_been_over_is_not_missed() {
        let mut tape = Tape::default();
        let made = reply(200, TokenState { ttl: 5, renewable: true });
        let made = Event::Token { token: "brief".to_owned(), act: TokenAct::Made, outcome: made };
        tape.put((0, 10), Actor::Operator, Some("4.1"), made);
        let taken = match issued("cred", 60) {
            Event::Issued { credential, role, outcome, .. } => {
                Event::Issued { credential, role, token: Some("brief".to_owned()), outcome }
            }
            other => other,
        };
        tape.operator((20, 30), "4.2", taken);
        let (renewal, history) = (renew(Some(name("cred")), None), tape.entries());
        assert_eq!(verb(&renewal, refused(), at(4_000), &history), refused());
        assert!(matches!(verb(&renewal, refused(), at(5_005), &history), Reading::Unknown(_)));
    }

    #[test]
    fn a_token_without_an_end_is_never_over() {
        assert_eq!(verb(&renew(None, Some(name("endless"))), refused(), at(1_000_000), &history()), refused());
    }

    fn same_as_before(at: Interval, history: &[Entry]) -> Reading {
        let role: ExpectStaticRole =
            serde_json::from_str(r#"{"of": "database/reporting", "same_as": "before"}"#).unwrap();
        expected(&Expected::StaticRole(&role), refused(), false, at, history)
    }

    proptest! {
        #[test]
        fn shifting_all_times_takes_back_the_same(
            fault in prop::option::of((100_u64..20_000, 100_u64..40_000)),
            look in 100_u64..40_000,
            by in 0_u64..1_000_000,
        ) {
            let history = static_history(fault);
            let by = Duration::from_millis(by);
            let later = Interval::at(Moment::from_millis(look).plus(by));
            prop_assert_eq!(same_as_before(at(look), &history), same_as_before(later, &shifted(&history, by)));
        }

        #[test]
        fn a_wider_look_or_a_wider_event_never_makes_an_accusation(
            fault in prop::option::of((100_u64..20_000, 100_u64..40_000)),
            look in 10_000_u64..40_000,
            which in 0_usize..3,
            by in 0_u64..5_000,
        ) {
            let mut history = static_history(fault);
            let sure = same_as_before(at(look), &history);
            let wide = Interval::new(Moment::from_millis(look - by), Moment::from_millis(look + by));
            let wider_look = same_as_before(wide, &history);
            prop_assert!(wider_look != refused() || sure == refused());
            let which = which % history.len();
            widen(&mut history[which], Duration::from_millis(by));
            prop_assert!(same_as_before(at(look), &history) != refused() || sure == refused());
        }
    }
}
