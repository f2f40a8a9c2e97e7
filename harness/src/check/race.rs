//! Whether as many callers of a race were accepted as must be.

use super::answer;
use super::timing::Reading;
use crate::event::{Entry, Event};
use crate::outcome::Judgement;
use crate::scenario::file::Race;

/// Judges a race by the answers to its callers. A caller without an answer may have been accepted or not: only when no
/// reading of it saves the promise, it is broken. A caller that is told of the server's own trouble (500) was not let in, but
/// the trouble may be why.
pub(super) fn judge(race: &Race, own: &[Entry]) -> Judgement {
    let calls: Vec<&Entry> = own.iter().filter(|entry| matches!(entry.event, Event::Api { .. })).collect();
    let evidence = calls.iter().map(|entry| entry.seq).collect::<Vec<_>>();
    let (mut accepted, mut troubled, mut unknown, mut wrong) = (0, Vec::new(), Vec::new(), Vec::new());
    for entry in &calls {
        let demand =
            if answer::is_refusal(&entry.event) { race.others.as_deref() } else { race.api.answers.as_deref() };
        match answer::reading(demand, &entry.event) {
            Reading::Unknown(why) if answer::is_refusal(&entry.event) => troubled.push(why),
            Reading::Unknown(why) => unknown.push(why),
            reading => {
                let is_accepted = !answer::is_refusal(&entry.event);
                accepted += u32::from(is_accepted);
                if let (Reading::No(why), true) = (reading, is_accepted || demand.is_some()) {
                    wrong.push(why);
                }
            }
        }
    }
    let many = |list: &[String]| u32::try_from(list.len()).unwrap_or(u32::MAX);
    let seen = format!("{accepted} of {} were accepted", calls.len());
    if let Some(wanted) = race.accepted.map(|wanted| wanted.value) {
        let at_best = accepted.saturating_add(many(&unknown)).saturating_add(many(&troubled));
        if accepted > wanted || at_best < wanted {
            wrong.push(format!("{wanted} must be accepted, and {seen}"));
        }
        if accepted < wanted {
            unknown.append(&mut troubled);
        }
    }
    if let Some(most) = race.accepted_at_most.map(|most| most.value).filter(|most| accepted > *most) {
        wrong.push(format!("at most {most} may be accepted, and {seen}"));
    }
    if !wrong.is_empty() {
        return Judgement::violated(wrong.join("; "), evidence);
    }
    if calls.len() != race.callers.value as usize {
        return Judgement::inconclusive(format!("only {} callers called", calls.len()), evidence);
    }
    match unknown.first() {
        Some(why) => {
            let unsure = unknown.len();
            Judgement::inconclusive(format!("{seen}, and of {unsure} nothing is known: {why}"), evidence)
        }
        None => Judgement::held(seen, evidence),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Actor, Reply};
    use crate::outcome::{Cause, Outcome, Refusal, Unknown, Verdict};
    use crate::scenario::file::{Answer, Method};
    use crate::scenario::mark::{Marked, Place};
    use crate::tape::Tape;

    fn marked<T>(value: T) -> Marked<T> {
        Marked { value, at: Place::default() }
    }

    fn race(callers: u32, accepted: u32) -> Race {
        let api = serde_json::from_str(r#"{"path": "sys/wrapping/unwrap", "method": "POST"}"#).unwrap();
        let others = Answer { status: Some(marked(400)), ..Answer::default() };
        Race {
            api,
            callers: marked(callers),
            accepted: Some(marked(accepted)),
            accepted_at_most: None,
            others: Some(marked(others)),
        }
    }

    fn verdict(race: &Race, outcomes: Vec<Outcome<Reply<()>>>) -> Verdict {
        let mut tape = Tape::default();
        for outcome in outcomes {
            tape.put((0, 10), Actor::Operator, Some("4.1"), Event::api(Method::Post, "p".into(), outcome));
        }
        judge(race, &tape.entries()).verdict
    }

    fn done() -> Outcome<Reply<()>> {
        Outcome::Ok(Reply { status: 200, warnings: Vec::new(), body: () })
    }

    fn refused(status: u16) -> Outcome<Reply<()>> {
        let code = status.to_string();
        Outcome::Refused(Refusal { cause: Cause::InvalidRequest, code, message: "no".into(), target_code: None })
    }

    fn troubled() -> Outcome<Reply<()>> {
        let message = "transaction commit failed".into();
        Outcome::Refused(Refusal { cause: Cause::Internal, code: "500".into(), message, target_code: None })
    }

    fn silent() -> Outcome<Reply<()>> {
        Outcome::Unknown(Unknown::deadline(std::time::Duration::from_secs(1)))
    }

    #[test]
    fn one_winner_and_losers_refused_as_demanded_hold() {
        assert_eq!(verdict(&race(2, 1), vec![done(), refused(400)]), Verdict::Held);
        assert_eq!(verdict(&race(2, 1), vec![done(), refused(500)]), Verdict::Violated);
    }

    #[test]
    fn two_winners_or_none_are_a_broken_promise() {
        assert_eq!(verdict(&race(2, 1), vec![done(), done()]), Verdict::Violated);
        assert_eq!(verdict(&race(2, 1), vec![refused(400), refused(400)]), Verdict::Violated);
    }

    #[test]
    fn a_loser_that_is_told_of_trouble_has_lost_all_the_same() {
        assert_eq!(verdict(&race(2, 1), vec![done(), troubled()]), Verdict::Held);
        assert_eq!(verdict(&race(2, 1), vec![refused(400), troubled()]), Verdict::Inconclusive);
        assert_eq!(verdict(&race(3, 1), vec![done(), done(), troubled()]), Verdict::Violated);
        assert_eq!(verdict(&race(3, 2), vec![refused(400), refused(400), troubled()]), Verdict::Violated);
    }

    #[test]
    fn at_most_so_many_may_also_be_fewer() {
        let race = Race { accepted: None, accepted_at_most: Some(marked(1)), others: None, ..race(2, 1) };
        assert_eq!(verdict(&race, vec![refused(400), refused(500)]), Verdict::Held);
        assert_eq!(verdict(&race, vec![done(), done()]), Verdict::Violated);
    }

    #[test]
    fn a_caller_without_an_answer_may_be_the_winner() {
        assert_eq!(verdict(&race(2, 1), vec![refused(400), silent()]), Verdict::Inconclusive);
        assert_eq!(verdict(&race(2, 1), vec![done(), silent()]), Verdict::Inconclusive);
        assert_eq!(verdict(&race(3, 1), vec![done(), done(), silent()]), Verdict::Violated);
    }

    fn outcomes() -> impl Strategy<Value = Vec<Outcome<Reply<()>>>> {
        let one = prop_oneof![
            3 => Just(done()),
            3 => Just(refused(400)),
            1 => Just(refused(500)),
            1 => Just(troubled()),
            1 => Just(silent()),
        ];
        prop::collection::vec(one, 1..6)
    }

    proptest! {
        #[test]
        fn who_answers_first_changes_no_verdict(mut outcomes in outcomes(), accepted in 0_u32..4) {
            let race = race(u32::try_from(outcomes.len()).unwrap(), accepted);
            let forth = verdict(&race, outcomes.clone());
            outcomes.reverse();
            prop_assert_eq!(forth, verdict(&race, outcomes));
        }

        /// Whoever knows less says less: it makes nobody guilty, and clears nobody.
        #[test]
        fn an_answer_less_never_accuses_and_never_clears(
            outcomes in outcomes(),
            accepted in 0_u32..4,
            which in 0_usize..6,
        ) {
            let race = race(u32::try_from(outcomes.len()).unwrap(), accepted);
            let whole = verdict(&race, outcomes.clone());
            let mut less = outcomes;
            let which = which % less.len();
            less[which] = silent();
            match verdict(&race, less) {
                Verdict::Violated => prop_assert_eq!(whole, Verdict::Violated),
                Verdict::Held => prop_assert_eq!(whole, Verdict::Held),
                Verdict::Inconclusive => {}
            }
        }
    }
}
