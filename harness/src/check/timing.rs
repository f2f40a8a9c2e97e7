//! When an expectation must be so. A look is an interval: what it saw was so at some moment in it. A limit is broken only
//! when no reading of the intervals saves it; a harness that looked too late or too seldom says so instead of accusing.

use std::time::Duration;

use crate::outcome::{Judgement, Verdict};
use crate::scenario::Timing;
use crate::scenario::word::Length;
use crate::time::{Interval, Moment};

/// How long to go on looking when nothing at all could be seen.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest time between two looks that still counts as having watched.
const BLIND: Duration = Duration::from_secs(3);

/// What one look says of an expectation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It is so; in words, what was seen.
    Yes(String),
    /// It is not so; in words, what was seen instead.
    No(String),
    /// The look saw nothing that speaks of it.
    Unknown(String),
}

/// One look: when, what it says, and the numbers of the entries that it is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// When it was made.
    pub at: Interval,
    /// What it says.
    pub reading: Reading,
    /// Where it stands in the history.
    pub entries: Vec<u64>,
}

/// Whether looking further can change nothing any more.
pub fn settled(timing: Timing, began: Moment, looks: &[Look]) -> bool {
    let Some(last) = looks.last() else { return false };
    let known = !matches!(last.reading, Reading::Unknown(_));
    let given_up = |limit: Duration| last.at.sent >= began.plus(limit + PATIENCE);
    match timing {
        Timing::Now => known || given_up(Duration::ZERO),
        Timing::Within(limit) => {
            matches!(last.reading, Reading::Yes(_)) || (known && last.at.sent >= began.plus(limit)) || given_up(limit)
        }
        Timing::ForAtLeast(length) => {
            matches!(last.reading, Reading::No(_)) || (known && last.at.sent >= began.plus(length)) || given_up(length)
        }
    }
}

/// Judges an expectation by all looks at it, in their order.
pub fn judge(timing: Timing, began: Moment, looks: &[Look]) -> Judgement {
    match timing {
        Timing::Now => now(looks),
        Timing::Within(limit) => within(limit, began, looks),
        Timing::ForAtLeast(length) => for_at_least(length, began, looks),
    }
}

fn now(looks: &[Look]) -> Judgement {
    match looks.iter().find(|look| !matches!(look.reading, Reading::Unknown(_))) {
        Some(Look { reading: Reading::Yes(seen), entries, .. }) => Judgement::held(seen.clone(), entries.clone()),
        Some(Look { reading: Reading::No(seen), entries, .. }) => Judgement::violated(seen.clone(), entries.clone()),
        _ => unseen(looks),
    }
}

fn within(limit: Duration, began: Moment, looks: &[Look]) -> Judgement {
    let end = began.plus(limit);
    let limit = Length(limit);
    let yes = looks.iter().position(|look| matches!(look.reading, Reading::Yes(_)));
    let before = &looks[..yes.unwrap_or(looks.len())];
    let no = before.iter().rev().find(|look| matches!(look.reading, Reading::No(_)));
    match (yes.map(|index| &looks[index]), no) {
        (Some(yes), _) if yes.at.answered <= end => Judgement::held(
            format!("{}, {} after the step began", words(yes), after(yes.at.answered, began)),
            evidence([Some(yes), no]),
        ),
        (Some(yes), Some(no)) if no.at.sent >= end => Judgement::violated(
            format!("it took longer than {limit}: {} after, {}", after(no.at.sent, began), words(no)),
            evidence([Some(no), Some(yes)]),
        ),
        (Some(yes), _) => Judgement::inconclusive(
            format!(
                "it became so, but it cannot be said whether within {limit}: first seen {} after",
                after(yes.at.answered, began)
            ),
            evidence([no, Some(yes)]),
        ),
        (None, Some(no)) if no.at.sent >= end => Judgement::violated(
            format!(
                "not within {limit}: {} after, {} (looked {} times)",
                after(no.at.sent, began),
                words(no),
                looks.len()
            ),
            no.entries.clone(),
        ),
        (None, _) => unseen(looks),
    }
}

fn for_at_least(length: Duration, began: Moment, looks: &[Look]) -> Judgement {
    let end = began.plus(length);
    if let Some(no) = looks.iter().find(|look| matches!(look.reading, Reading::No(_)) && look.at.answered <= end) {
        return Judgement::violated(
            format!("it ended {} after the step began: {}", after(no.at.sent, began), words(no)),
            no.entries.clone(),
        );
    }
    let seen: Vec<&Look> = looks.iter().filter(|look| matches!(look.reading, Reading::Yes(_))).collect();
    let mut watched_to = began;
    for look in &seen {
        // Between two looks anything may have been; only a short time may pass unwatched.
        if look.at.answered.since(watched_to) > BLIND && watched_to < end {
            return Judgement::inconclusive(
                format!("nothing was seen for {}", Length(look.at.answered.since(watched_to))),
                look.entries.clone(),
            );
        }
        watched_to = look.at.sent;
    }
    match seen.last() {
        Some(last) if watched_to >= end => Judgement::held(
            format!("{} at all of {} looks", words(last), seen.len()),
            evidence([seen.first().copied(), Some(*last)]),
        ),
        _ => unseen(looks),
    }
}

fn unseen(looks: &[Look]) -> Judgement {
    let why = looks.last().map_or("there was no look at all", words);
    Judgement::inconclusive(format!("nothing could be seen: {why}"), evidence([looks.last()]))
}

fn words(look: &Look) -> &str {
    match &look.reading {
        Reading::Yes(text) | Reading::No(text) | Reading::Unknown(text) => text,
    }
}

fn evidence<'a>(looks: impl IntoIterator<Item = Option<&'a Look>>) -> Vec<u64> {
    let mut seqs: Vec<u64> = looks.into_iter().flatten().flat_map(|look| look.entries.iter().copied()).collect();
    seqs.sort_unstable();
    seqs.dedup();
    seqs
}

fn after(moment: Moment, began: Moment) -> Length {
    Length(Duration::from_millis(u64::try_from(moment.since(began).as_millis()).unwrap_or(u64::MAX)))
}

/// The worst of several judgements; its own words, or those of the first that is as bad.
pub fn worst<'a>(judgements: impl IntoIterator<Item = &'a Judgement>) -> Option<&'a Judgement> {
    judgements.into_iter().fold(None, |worst: Option<&Judgement>, next| match worst {
        Some(worst) if worst.verdict >= next.verdict => Some(worst),
        _ => Some(next),
    })
}

/// Whether a verdict ends the walk through the steps.
pub fn stops(verdict: Verdict) -> bool {
    verdict != Verdict::Held
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn look(sent: u64, answered: u64, reading: Reading) -> Look {
        Look {
            at: Interval::new(Moment::from_millis(sent), Moment::from_millis(answered)),
            reading,
            // Looks may begin at the same millisecond; a number of its own each makes evidence name one.
            entries: vec![sent * 10_000 + answered],
        }
    }

    fn yes() -> Reading {
        Reading::Yes("so".into())
    }

    fn no() -> Reading {
        Reading::No("not so".into())
    }

    fn unknown() -> Reading {
        Reading::Unknown("silence".into())
    }

    const WITHIN: Timing = Timing::Within(Duration::from_secs(10));
    const DURING: Timing = Timing::ForAtLeast(Duration::from_secs(5));

    fn verdict(timing: Timing, looks: &[Look]) -> Verdict {
        judge(timing, Moment::START, looks).verdict
    }

    #[test]
    fn a_limit_is_kept_when_it_was_so_before_the_end() {
        assert_eq!(verdict(WITHIN, &[look(0, 1, no()), look(9_000, 9_900, yes())]), Verdict::Held);
    }

    #[test]
    fn a_limit_is_broken_only_when_it_was_still_not_so_after_the_end() {
        assert_eq!(verdict(WITHIN, &[look(0, 1, no()), look(10_000, 10_001, no())]), Verdict::Violated);
        assert_eq!(verdict(WITHIN, &[look(9_999, 10_500, no())]), Verdict::Inconclusive);
    }

    #[test]
    fn a_harness_that_looked_too_late_does_not_accuse() {
        assert_eq!(verdict(WITHIN, &[look(9_000, 9_001, no()), look(13_000, 13_001, yes())]), Verdict::Inconclusive);
    }

    #[test]
    fn silence_is_neither_kept_nor_broken() {
        for timing in [Timing::Now, WITHIN, DURING] {
            assert_eq!(
                verdict(timing, &[look(0, 5_000, unknown()), look(20_000, 25_000, unknown())]),
                Verdict::Inconclusive
            );
            assert_eq!(verdict(timing, &[]), Verdict::Inconclusive);
        }
    }

    #[test]
    fn a_time_is_watched_only_when_looks_are_close_together() {
        let often: Vec<Look> = (0..=5).map(|s| look(s * 1_000, s * 1_000 + 5, yes())).collect();
        assert_eq!(verdict(DURING, &often), Verdict::Held);
        assert_eq!(verdict(DURING, &[often[0].clone(), often[5].clone()]), Verdict::Inconclusive);
        let mut broken = often;
        broken[3].reading = no();
        assert_eq!(verdict(DURING, &broken), Verdict::Violated);
    }

    fn readings() -> impl Strategy<Value = Vec<Look>> {
        let one = (0_u64..2_000, 0_u64..500, prop_oneof![Just(yes()), Just(no()), Just(unknown())]);
        prop::collection::vec(one, 0..12).prop_map(|steps| {
            let mut at = 0;
            steps
                .into_iter()
                .map(|(pause, takes, reading)| {
                    let sent = at + pause;
                    at = sent + takes;
                    look(sent, at, reading)
                })
                .collect()
        })
    }

    fn timings() -> impl Strategy<Value = Timing> {
        prop_oneof![Just(Timing::Now), Just(WITHIN), Just(DURING)]
    }

    proptest! {
        #[test]
        fn shifting_every_time_by_the_same_amount_changes_no_verdict(timing in timings(), looks in readings(), by in 0_u64..1_000_000) {
            let shift = Duration::from_millis(by);
            let moved: Vec<Look> = looks.iter().cloned().map(|mut look| {
                look.at = Interval::new(look.at.sent.plus(shift), look.at.answered.plus(shift));
                look
            }).collect();
            prop_assert_eq!(verdict(timing, &looks), judge(timing, Moment::START.plus(shift), &moved).verdict);
        }

        #[test]
        fn widening_an_interval_never_turns_inconclusive_into_violated(timing in timings(), looks in readings(), which in 0_usize..12, by in 0_u64..5_000) {
            let mut wider = looks.clone();
            if let Some(look) = wider.get_mut(which) {
                look.at = Interval::new(look.at.sent.minus(Duration::from_millis(by)), look.at.answered.plus(Duration::from_millis(by)));
            }
            if verdict(timing, &looks) == Verdict::Inconclusive {
                prop_assert_ne!(verdict(timing, &wider), Verdict::Violated);
            }
        }

        /// What saw nothing proves nothing: without it the verdict is no better.
        #[test]
        fn a_look_less_that_saw_nothing_changes_no_verdict_for_the_better(timing in timings(), looks in readings(), which in 0_usize..12) {
            let mut fewer = looks.clone();
            if fewer.get(which).is_some_and(|look| matches!(look.reading, Reading::Unknown(_))) {
                fewer.remove(which);
            }
            prop_assert!(verdict(timing, &fewer) >= verdict(timing, &looks));
        }

        /// Of looks that follow each other, as those of a step do, and of which the first that saw something settles a
        /// step without a time. What was violated can become held only by the loss of the very look that it rests on:
        /// nothing else knows of it.
        #[test]
        fn a_look_less_never_makes_held_of_what_did_not_rest_on_it(timing in timings(), looks in readings(), which in 0_usize..12) {
            let before = judge(timing, Moment::START, &looks);
            let mut fewer = looks.clone();
            if which < fewer.len() {
                let gone = fewer.remove(which);
                let is_evidence = gone.entries.iter().any(|entry| before.evidence.contains(entry));
                let after = verdict(timing, &fewer);
                if before.verdict == Verdict::Inconclusive || before.verdict == Verdict::Violated && !is_evidence {
                    prop_assert_ne!(after, Verdict::Held);
                }
            }
        }

        /// A look that is wider is known less of: it takes a violation back, and never makes one.
        #[test]
        fn a_wider_look_never_makes_a_violation(timing in timings(), looks in readings(), which in 0_usize..12, by in 0_u64..5_000) {
            let mut wider = looks.clone();
            if let Some(look) = wider.get_mut(which) {
                look.at = Interval::new(look.at.sent.minus(Duration::from_millis(by)), look.at.answered.plus(Duration::from_millis(by)));
            }
            if verdict(timing, &looks) != Verdict::Violated {
                prop_assert_ne!(verdict(timing, &wider), Verdict::Violated);
            }
        }
    }
}
