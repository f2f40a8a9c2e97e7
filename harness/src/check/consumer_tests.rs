//! The checks of consumers on histories made by hand: held, violated and inconclusive for each, and what must not change a
//! verdict.

use std::time::Duration;

use proptest::prelude::*;

use super::availability::{Whose, credential_gap, recovers_within};
use super::consumer::{asks_every, minted_per_minute, no_dead_credential, no_secret_in_log, none_crashes};
use crate::event::{ConsumerState, Entry, Event, Heard, Held, OutputSearched, Part, Phase};
use crate::outcome::{Judgement, Outcome, Silence, Verdict};
use crate::scenario::file::Endpoint;
use crate::tape::{Tape, fault, healed, shifted, shut_out, unknown, widen};

const APP: Whose<'_> = Whose::Consumer("app");
const TWO: Duration = Duration::from_secs(2);
const TEN: Duration = Duration::from_secs(10);
const WORKS: Option<Outcome<()>> = Some(Outcome::Ok(()));

fn history(put: impl FnOnce(&mut Tape)) -> Vec<Entry> {
    let mut tape = Tape::default();
    put(&mut tape);
    tape.entries()
}

/// What the consumer held: a credential with what came of it, or none.
fn held(outcome: Option<Outcome<()>>) -> Event {
    let has = |text: &str| outcome.is_some().then(|| text.to_owned());
    let (credential, username) = (has("app#1"), has("v-app"));
    Event::Held(Held { consumer: "app".to_owned(), credential, username, lacks: None, outcome })
}

fn silence() -> Outcome<()> {
    unknown(Silence::Deadline, "no answer within 5s")
}

/// Looks every half second up to `end` ms; between `from` and `to` what is held is refused.
fn looks(tape: &mut Tape, (from, to): (u64, u64), end: u64) {
    for ms in (0..end).step_by(500) {
        let outcome = if (from..to).contains(&ms) { Some(shut_out()) } else { WORKS };
        tape.probe((ms, ms + 10), held(outcome));
    }
}

// ---------------------------------------------------------------------------------------------------- credential gap

#[test]
fn a_gap_is_as_long_as_it_surely_was() {
    let gap = |to| credential_gap(&history(|tape| looks(tape, (2_000, to), 12_000)), APP, TWO).verdict;
    assert_eq!(gap(2_000), Verdict::Held);
    assert_eq!(gap(3_000), Verdict::Held);
    assert_eq!(gap(8_000), Verdict::Violated);
    assert_eq!(gap(4_500), Verdict::Inconclusive, "between two looks");
}

#[test]
fn to_hold_none_is_a_gap_and_a_target_that_is_silent_under_a_fault_is_not() {
    let seen = |outcome: Option<Outcome<()>>, part: Part| {
        let entries = history(|tape| {
            tape.probe((0, 10), held(WORKS));
            tape.harness((500, 600), fault(0, part));
            for ms in (1_000..6_000).step_by(500) {
                tape.probe((ms, ms + 400), held(outcome.clone()));
            }
            tape.harness((6_000, 6_100), healed(0));
            tape.probe((6_200, 6_210), held(WORKS));
        });
        credential_gap(&entries, APP, TWO).verdict
    };
    assert_eq!(seen(None, Part::Postgres), Verdict::Violated);
    assert_eq!(seen(Some(silence()), Part::Postgres), Verdict::Held);
    // What is held is tried past all links, so that a fault on one explains no silence.
    let link = Part::Link { from: Endpoint::Clients, to: Endpoint::Postgres };
    assert_eq!(seen(Some(silence()), link), Verdict::Inconclusive);
}

#[test]
fn a_consumer_that_was_not_watched_is_inconclusive() {
    let entries = history(|tape| looks(tape, (0, 0), 12_000));
    assert_eq!(credential_gap(&entries, Whose::Consumer("other"), TWO).verdict, Verdict::Inconclusive);
    assert_eq!(credential_gap(&entries, Whose::Client("app"), TWO).verdict, Verdict::Inconclusive);
}

// -------------------------------------------------------------------------------------------------------- recovery

/// A fault from 1 s to 5 s, and what is held refused from 2 s on until `until` ms.
fn recovering(until: u64, end: u64) -> Judgement {
    let entries = history(|tape| {
        looks(tape, (2_000, until), end);
        tape.harness((1_000, 1_100), fault(0, Part::Vault));
        tape.harness((4_900, 5_000), healed(0));
    });
    recovers_within(&entries, APP, TEN)
}

#[test]
fn recovery_is_judged_from_when_the_fault_had_healed() {
    assert_eq!(recovering(8_000, 40_000).verdict, Verdict::Held);
    assert_eq!(recovering(2_000, 40_000).verdict, Verdict::Held, "it never lacked one");
    assert_eq!(recovering(20_000, 40_000).verdict, Verdict::Violated);
    assert_eq!(recovering(60_000, 40_000).verdict, Verdict::Violated, "it never recovers");
    assert_eq!(recovering(60_000, 12_000).verdict, Verdict::Inconclusive, "the run ended before");
    assert_eq!(recovering(15_000, 40_000).verdict, Verdict::Inconclusive, "between the last look and the limit");
}

#[test]
fn without_a_healing_there_is_nothing_to_recover_from() {
    let entries = history(|tape| {
        looks(tape, (0, 0), 5_000);
        tape.harness((1_000, 1_100), fault(0, Part::Vault));
    });
    assert_eq!(recovers_within(&entries, APP, TEN).verdict, Verdict::Inconclusive);
}

#[test]
fn the_next_fault_excuses_whoever_had_not_recovered_and_its_healing_counts() {
    let twice = |until| {
        let entries = history(|tape| {
            looks(tape, (2_000, until), 60_000);
            tape.harness((1_000, 1_100), fault(0, Part::Vault));
            tape.harness((4_900, 5_000), healed(0));
            tape.harness((9_000, 9_100), fault(1, Part::Vault));
            tape.harness((19_900, 20_000), healed(1));
        });
        recovers_within(&entries, APP, TEN).verdict
    };
    assert_eq!(twice(25_000), Verdict::Held);
    assert_eq!(twice(40_000), Verdict::Violated);
}

// ---------------------------------------------------------------------------------------------------------- minted

fn asked(tape: &mut Tape, ms: (u64, u64), status: u16, count: u32) {
    let heard = Heard::Asked { role: "database/app".to_owned(), status };
    tape.harness(ms, Event::Heard { heard, count });
}

fn minted(entries: &[Entry]) -> Verdict {
    minted_per_minute(entries, &["database/app".to_owned()], 10).verdict
}

#[test]
fn credentials_are_counted_within_any_minute() {
    let every = |step: usize, status| {
        history(|tape| {
            for ms in (0..180_000_u64).step_by(step) {
                asked(tape, (ms, ms + 500), status, 1);
            }
        })
    };
    assert_eq!(minted(&every(10_000, 200)), Verdict::Held);
    assert_eq!(minted(&every(2_000, 200)), Verdict::Violated);
    assert_eq!(minted(&every(2_000, 500)), Verdict::Inconclusive, "none was given");
    let storm = history(|tape| asked(tape, (1_000, 1_900), 200, 11));
    assert_eq!(minted(&storm), Verdict::Violated);
    let spread = history(|tape| asked(tape, (1_000, 1_900), 200, 10));
    assert_eq!(minted(&spread), Verdict::Held);
    assert_eq!(minted(&[]), Verdict::Inconclusive);
}

#[test]
fn what_may_or_may_not_lie_within_one_minute_is_inconclusive() {
    let entries = history(|tape| {
        asked(tape, (0, 1_000), 200, 6);
        asked(tape, (60_500, 61_500), 200, 6);
    });
    assert_eq!(minted(&entries), Verdict::Inconclusive);
}

#[test]
fn credentials_of_another_role_are_another_consumers() {
    let entries = history(|tape| asked(tape, (0, 500), 200, 50));
    let other = minted_per_minute(&entries, &["database/other".to_owned()], 10);
    assert_eq!(other.verdict, Verdict::Inconclusive);
}

// ------------------------------------------------------------------------------------------------------------- pace

/// Renewals at these times, in milliseconds, each heard somewhere within half a second; judged at 20 to 24 s.
fn paced(times: &[u64], status: u16) -> Judgement {
    let entries = history(|tape| {
        for ms in times {
            let heard = Heard::Requested { request: "renew".to_owned(), status };
            tape.harness((*ms, ms + 500), Event::Heard { heard, count: 1 });
        }
    });
    asks_every(&entries, "renew", (Duration::from_secs(20), Duration::from_secs(24)))
}

#[test]
fn a_pace_is_judged_by_the_time_that_surely_lies_between_two_requests() {
    assert_eq!(paced(&[0, 21_000, 43_000], 200).verdict, Verdict::Held);
    assert_eq!(paced(&[0, 21_000, 31_000], 200).verdict, Verdict::Violated, "too soon");
    assert_eq!(paced(&[0, 21_000, 60_000], 200).verdict, Verdict::Violated, "too late");
    assert_eq!(paced(&[0, 19_800], 200).verdict, Verdict::Inconclusive, "just at the limit");
    assert_eq!(paced(&[0, 24_200], 200).verdict, Verdict::Inconclusive, "just at the limit");
}

#[test]
fn a_pace_takes_two_requests_that_were_answered_as_wanted() {
    assert_eq!(paced(&[0], 200).verdict, Verdict::Inconclusive);
    assert_eq!(paced(&[0, 21_000], 503).verdict, Verdict::Inconclusive, "none was answered so");
    let entries = history(|tape| {
        let heard = Heard::Requested { request: "renew".to_owned(), status: 200 };
        tape.harness((0, 900), Event::Heard { heard, count: 3 });
    });
    let storm = asks_every(&entries, "renew", (TWO, TEN));
    assert_eq!(storm.verdict, Verdict::Violated, "three within a second");
    assert_eq!(asks_every(&entries, "other", (TWO, TEN)).verdict, Verdict::Inconclusive, "another request");
}

// --------------------------------------------------------------------------------------------------- dead credential

fn logged_in(tape: &mut Tape, ms: u64, username: &str, refused: Option<&str>) {
    let heard = Heard::LoggedIn { username: username.to_owned(), refused: refused.map(str::to_owned) };
    tape.harness((ms, ms + 500), Event::Heard { heard, count: 1 });
}

#[test]
fn a_consumer_that_goes_on_with_what_was_refused_uses_a_dead_credential() {
    let until = |last: u64, username: &str, code: &str| {
        let entries = history(|tape| {
            tape.probe((0, 10), held(WORKS));
            logged_in(tape, 1_000, username, None);
            for ms in (10_000..=last).step_by(1_000) {
                logged_in(tape, ms, username, Some(code));
            }
        });
        no_dead_credential(&entries, "app", Duration::from_secs(5)).verdict
    };
    assert_eq!(until(12_000, "v-app", "28P01"), Verdict::Held, "it could not know before");
    assert_eq!(until(30_000, "v-app", "28P01"), Verdict::Violated);
    assert_eq!(until(30_000, "v-app", "53300"), Verdict::Held, "a full database says nothing of the credential");
    assert_eq!(until(30_000, "v-other", "28P01"), Verdict::Inconclusive, "another's user");
}

// ------------------------------------------------------------------------------------------------- logs and crashes

#[test]
fn a_secret_that_was_found_breaks_and_what_could_not_be_searched_leaves_it_open() {
    let searched = |found: &[&str], unsearched: &[&str]| {
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect();
        let (found, unsearched, consumer) = (texts(found), texts(unsearched), "app".to_owned());
        let searched = OutputSearched { consumer, bytes: 10, not_kept: 0, found, unsearched };
        let entries = history(|tape| {
            tape.harness((0, 0), Event::OutputSearched(searched));
        });
        no_secret_in_log(&entries, "app").verdict
    };
    assert_eq!(searched(&[], &[]), Verdict::Held);
    assert_eq!(searched(&["output:3"], &["app.log is not there"]), Verdict::Violated);
    assert_eq!(searched(&[], &["app.log is not there"]), Verdict::Inconclusive);
    assert_eq!(no_secret_in_log(&[], "app").verdict, Verdict::Inconclusive);
}

#[test]
fn a_crash_after_the_first_step_breaks_unless_it_is_started_again() {
    let verdicts = |restart: &str, crashed: bool, at: u64| {
        let text = format!(
            "name: One\nstack: {{ vault: {{}} }}\nconsumers: {{ app: {{ shell: exit 1, restart: {restart} }} }}\n\
             steps: [{{ expect: {{ health: {{ status: 200 }} }} }}]\n"
        );
        let scenario = crate::scenario::parse(&text).scenario.unwrap();
        let entries = history(|tape| {
            tape.harness((1_000, 1_000), Event::Phase(Phase::Steps));
            let (how, last_lines) = ("exit status: 1".to_owned(), "oh no".to_owned());
            let state = ConsumerState::Ended { how, crashed, last_lines };
            tape.harness((at, at), Event::Consumer { consumer: "app".to_owned(), state });
        });
        let records = none_crashes(&scenario, &entries);
        records.into_iter().map(|record| record.judgement.verdict).collect::<Vec<_>>()
    };
    assert_eq!(verdicts("never", true, 2_000), [Verdict::Violated]);
    assert_eq!(verdicts("never", false, 2_000), [Verdict::Held], "it ended in good order");
    assert_eq!(verdicts("never", true, 500), [Verdict::Held], "the baseline's affair");
    assert!(verdicts("on_exit", true, 2_000).is_empty());
}

// ------------------------------------------------------------------------------------------ what changes no verdict

/// Random short histories of one consumer, with a fault that heals.
fn histories() -> impl Strategy<Value = Vec<Entry>> {
    let one = (0_u64..40_000, 0_u64..800, 0_u8..6);
    (prop::collection::vec(one, 0..25), 1_000_u64..30_000).prop_map(|(events, heals)| {
        history(|tape| {
            tape.harness((500, 600), fault(0, Part::Vault));
            tape.harness((heals, heals + 100), healed(0));
            for (ms, takes, kind) in events {
                let outcome = match kind {
                    0 => None,
                    1 => Some(shut_out()),
                    2 => Some(silence()),
                    _ => WORKS,
                };
                tape.probe((ms, ms + takes), held(outcome));
            }
        })
    })
}

fn judgements(history: &[Entry]) -> [Judgement; 2] {
    [credential_gap(history, APP, TWO), recovers_within(history, APP, TEN)]
}

fn verdicts(history: &[Entry]) -> [Verdict; 2] {
    judgements(history).map(|judgement| judgement.verdict)
}

fn is_look(entry: &Entry) -> bool {
    matches!(entry.event, Event::Held(_))
}

proptest! {
    #[test]
    fn shifting_all_times_changes_no_verdict(entries in histories(), by in 0_u64..1_000_000) {
        let moved = shifted(&entries, Duration::from_millis(by));
        prop_assert_eq!(verdicts(&entries), verdicts(&moved));
    }

    #[test]
    fn a_wider_interval_of_a_look_never_makes_an_accusation(entries in histories(), which in 0_usize..27, by in 0_u64..3_000) {
        let mut wider = entries.clone();
        if let Some(entry) = wider.get_mut(which).filter(|entry| is_look(entry)) {
            widen(entry, Duration::from_millis(by));
        }
        for (before, after) in verdicts(&entries).into_iter().zip(verdicts(&wider)) {
            if before != Verdict::Violated {
                prop_assert_ne!(after, Verdict::Violated);
            }
        }
    }

    #[test]
    fn a_look_less_never_makes_held_of_what_did_not_rest_on_it(entries in histories(), which in 0_usize..27) {
        let mut fewer = entries.clone();
        let Some(gone) = entries.get(which).filter(|entry| is_look(entry)) else { return Ok(()) };
        fewer.remove(which);
        for (before, after) in judgements(&entries).into_iter().zip(judgements(&fewer)) {
            let rested_on_it = before.evidence.contains(&gone.seq);
            if before.verdict != Verdict::Held && !rested_on_it {
                prop_assert_ne!(after.verdict, Verdict::Held, "{} → {}", before.because, after.because);
            }
        }
    }

    #[test]
    fn a_look_less_that_saw_nothing_makes_no_verdict_better(entries in histories(), which in 0_usize..27) {
        let mut fewer = entries.clone();
        let blind = |entry: &Entry| matches!(&entry.event, Event::Held(Held { outcome: Some(Outcome::Unknown(_)), .. }));
        if fewer.get(which).is_some_and(blind) {
            fewer.remove(which);
        }
        for (before, after) in judgements(&entries).into_iter().zip(judgements(&fewer)) {
            prop_assert!(after.verdict >= before.verdict, "{} → {}", before.because, after.because);
        }
    }

    #[test]
    fn a_wider_time_in_which_credentials_were_taken_never_makes_an_accusation(
        times in prop::collection::vec((0_u64..150_000, 0_u64..1_000, 1_u32..5), 0..12),
        which in 0_usize..12,
        by in 0_u64..5_000,
    ) {
        let entries = history(|tape| times.iter().for_each(|(ms, takes, count)| asked(tape, (*ms, ms + takes), 200, *count)));
        let mut wider = entries.clone();
        if let Some(entry) = wider.get_mut(which) {
            widen(entry, Duration::from_millis(by));
        }
        if minted(&entries) != Verdict::Violated {
            prop_assert_ne!(minted(&wider), Verdict::Violated);
        }
    }
}
