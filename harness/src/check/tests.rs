//! The checks on histories made by hand: held, violated and inconclusive for each, and what must not change a verdict.

use std::time::Duration;

use proptest::prelude::*;

use super::availability::{Whose, credential_gap};
use super::lease::no_early_death;
use super::revocation::{GRACE, no_zombie};
use crate::event::{Actor, Entry, Event, Part, Principal, TokenAct, TokenState};
use crate::outcome::{Judgement, Outcome, Silence, Verdict};
use crate::scenario::file::Endpoint;
use crate::tape::{
    Tape, fault, healed, issued, last_step, login, renewed, reply, revoked, shifted, shut_out, unknown, used, widen,
};

const IN: Outcome<()> = Outcome::Ok(());

fn history(put: impl FnOnce(&mut Tape)) -> Vec<Entry> {
    let mut tape = Tape::default();
    put(&mut tape);
    tape.entries()
}

fn operator(tape: &mut Tape, ms: (u64, u64), event: Event) {
    tape.put(ms, Actor::Operator, Some("4.1"), event);
}

fn silence() -> Outcome<()> {
    unknown(Silence::Deadline, "no answer within 5s")
}

// ------------------------------------------------------------------------------------------------------------- looks

#[test]
fn a_look_is_judged_by_what_was_known_then_and_not_by_a_later_renewal() {
    let text = "name: One\nstack: { vault: {}, postgres: {} }\n\
        engines: { database: { postgres: { roles: { app: { default_ttl: 1m, max_ttl: 1h } } } } }\n\
        steps:\n  - issue: { role: database/app, as: cred }\n  \
        - expect: { principal: { of: cred, exists: true, valid_after_lease_end: { at_least: 4s, at_most: 6s } } }\n";
    let look = &last_step(text);
    let entries = history(|tape| {
        operator(tape, (0, 10), issued("cred", 60));
        let title = String::new();
        tape.harness(
            (20, 20),
            Event::StepBegan { number: look.number.clone(), title, line: 6, fragment: None, ends: None },
        );
        let valid_until = Some(crate::time::Moment::from_millis(65_000));
        let user = Principal { valid_until, can_login: true, hosts: Vec::new() };
        let seen = Event::PrincipalRead { credential: "cred".to_owned(), outcome: Outcome::Ok(Some(user)) };
        tape.operator((30, 40), &look.number, seen);
        operator(tape, (1_000, 1_010), renewed("cred", 3_000));
    });
    assert_eq!(super::step(look, &entries).map(|judgement| judgement.verdict), Some(Verdict::Held));
}

// ------------------------------------------------------------------------------------------------------ early death

#[test]
fn a_living_credential_that_is_refused_died_early() {
    let mut entries = history(|tape| {
        operator(tape, (0, 10), issued("cred", 60));
        tape.probe((30_000, 30_010), login("cred", shut_out()));
    });
    assert_eq!(no_early_death(&entries).verdict, Verdict::Violated);
    entries[1].event = login("cred", IN);
    assert_eq!(no_early_death(&entries).verdict, Verdict::Held);
    entries[1].event = login("cred", silence());
    assert_ne!(no_early_death(&entries).verdict, Verdict::Violated, "an outage is no death");
}

#[test]
fn a_refusal_that_may_lie_after_the_end_is_no_early_death() {
    let entries = history(|tape| {
        operator(tape, (0, 10), issued("cred", 60));
        tape.probe((59_900, 60_100), login("cred", shut_out()));
    });
    assert_ne!(no_early_death(&entries).verdict, Verdict::Violated);
}

#[test]
fn a_refusal_after_a_renewal_that_raced_with_the_end_is_no_early_death() {
    let raced = |answered| {
        history(|tape| {
            operator(tape, (0, 10), issued("cred", 60));
            operator(tape, (59_000, answered), renewed("cred", 60));
            tape.probe((61_000, 61_010), login("cred", shut_out()));
        })
    };
    assert_eq!(no_early_death(&raced(59_900)).verdict, Verdict::Violated, "the renewal came in time");
    assert_ne!(no_early_death(&raced(60_005)).verdict, Verdict::Violated);
}

#[test]
fn a_refusal_while_a_revocation_is_under_way_is_no_early_death() {
    let entries = history(|tape| {
        operator(tape, (0, 10), issued("cred", 60));
        operator(tape, (10_000, 10_500), revoked("cred", None, 204));
        tape.probe((10_100, 10_110), login("cred", shut_out()));
    });
    assert_ne!(no_early_death(&entries).verdict, Verdict::Violated);
}

#[test]
fn a_renewal_that_shortens_a_lease_counts_from_when_it_was_sent() {
    let shortened = |login_at: (u64, u64)| {
        history(|tape| {
            operator(tape, (0, 10), issued("cred", 60));
            operator(tape, (20_000, 20_500), renewed("cred", 5));
            tape.probe(login_at, login("cred", shut_out()));
        })
    };
    assert_eq!(no_early_death(&shortened((24_000, 24_100))).verdict, Verdict::Violated);
    assert_ne!(no_early_death(&shortened((25_100, 25_110))).verdict, Verdict::Violated);
}

#[test]
fn a_credential_ends_with_the_token_of_its_client() {
    let of_client = |token_ttl: u64| {
        history(|tape| {
            let state = reply(200, TokenState { ttl: token_ttl, renewable: true });
            let token = Event::Token { token: "web".to_owned(), act: TokenAct::Made, outcome: state };
            tape.client("web", (0, 5), token);
            tape.client("web", (10, 20), issued("web#1", 60));
            tape.client("web", (30_000, 30_010), used("web#1", shut_out()));
        })
    };
    assert_eq!(no_early_death(&of_client(3_600)).verdict, Verdict::Violated);
    assert_ne!(no_early_death(&of_client(20)).verdict, Verdict::Violated);
}

#[test]
fn a_credential_whose_user_a_fault_dropped_did_not_die_early() {
    let entries = history(|tape| {
        operator(tape, (0, 10), issued("cred", 60));
        tape.harness((5_000, 5_100), fault(0, Part::Credential("cred".to_owned())));
        tape.probe((6_000, 6_010), login("cred", shut_out()));
    });
    assert_ne!(no_early_death(&entries).verdict, Verdict::Violated);
}

#[test]
fn no_login_at_all_says_nothing_of_early_deaths() {
    let entries = history(|tape| operator(tape, (0, 10), issued("cred", 60)));
    assert_eq!(no_early_death(&entries).verdict, Verdict::Inconclusive);
}

// ----------------------------------------------------------------------------------------------------------- zombie

#[test]
fn a_credential_that_works_long_after_its_end_is_a_zombie() {
    let after = |ms: u64| {
        history(|tape| {
            operator(tape, (0, 10), issued("cred", 5));
            tape.probe((ms, ms + 10), login("cred", IN));
        })
    };
    assert_eq!(no_zombie(&after(20_000), GRACE).verdict, Verdict::Violated);
    assert_ne!(no_zombie(&after(14_000), GRACE).verdict, Verdict::Violated, "that is within the grace");
}

#[test]
fn a_credential_that_was_not_tried_after_its_end_says_nothing_of_zombies() {
    let before = history(|tape| {
        operator(tape, (0, 10), issued("cred", 5));
        tape.probe((1_000, 1_010), login("cred", IN));
    });
    assert_eq!(no_zombie(&before, GRACE).verdict, Verdict::Inconclusive);
    let after = history(|tape| {
        operator(tape, (0, 10), issued("cred", 5));
        tape.probe((6_000, 6_010), login("cred", shut_out()));
    });
    assert_eq!(no_zombie(&after, GRACE).verdict, Verdict::Held);
}

#[test]
fn a_synchronous_revocation_ends_a_credential_and_an_asynchronous_one_may_take_its_time() {
    let by = |sync, status| {
        history(|tape| {
            operator(tape, (0, 10), issued("cred", 600));
            operator(tape, (1_000, 1_100), revoked("cred", sync, status));
            tape.probe((20_000, 20_010), login("cred", IN));
        })
    };
    assert_eq!(no_zombie(&by(None, 204), GRACE).verdict, Verdict::Violated);
    assert_ne!(no_zombie(&by(Some(false), 202), GRACE).verdict, Verdict::Violated);
}

#[test]
fn a_fault_in_the_way_of_the_revocation_excuses_a_zombie_and_one_elsewhere_does_not() {
    let with = |part: Part| {
        history(|tape| {
            operator(tape, (0, 10), issued("cred", 5));
            tape.harness((3_000, 3_100), fault(0, part));
            tape.harness((8_000, 8_100), healed(0));
            tape.probe((20_000, 20_010), login("cred", IN));
        })
    };
    assert_ne!(no_zombie(&with(Part::Postgres), GRACE).verdict, Verdict::Violated);
    let elsewhere = Part::Link { from: Endpoint::Clients, to: Endpoint::Vault };
    assert_eq!(no_zombie(&with(elsewhere), GRACE).verdict, Verdict::Violated);
}

// ---------------------------------------------------------------------------------------------------- credential gap

/// A client that uses its credential every half second: works, then lacks one from 2 s to `until` ms, then works.
fn lacking(until: u64) -> Vec<Entry> {
    history(|tape| {
        for ms in (0..12_000).step_by(500) {
            let outcome = if (2_000..until).contains(&ms) { shut_out() } else { IN };
            tape.client("web", (ms, ms + 10), used("web#1", outcome));
        }
    })
}

const TWO: Duration = Duration::from_secs(2);
const WEB: Whose<'_> = Whose::Client("web");

#[test]
fn a_gap_is_as_long_as_it_surely_was() {
    assert_eq!(credential_gap(&lacking(2_000), WEB, TWO).verdict, Verdict::Held);
    assert_eq!(credential_gap(&lacking(3_000), WEB, TWO).verdict, Verdict::Held);
    assert_eq!(credential_gap(&lacking(8_000), WEB, TWO).verdict, Verdict::Violated);
    assert_eq!(credential_gap(&lacking(4_500), WEB, TWO).verdict, Verdict::Inconclusive, "between two looks");
}

#[test]
fn a_client_that_was_not_watched_or_never_had_a_credential_is_inconclusive() {
    assert_eq!(credential_gap(&lacking(2_000), Whose::Client("other"), TWO).verdict, Verdict::Inconclusive);
    let unwatched = history(|tape| {
        tape.client("web", (0, 10), used("web#1", IN));
        tape.client("web", (60_000, 60_010), used("web#1", IN));
    });
    assert_eq!(credential_gap(&unwatched, WEB, TWO).verdict, Verdict::Inconclusive);
}

#[test]
fn a_target_that_is_silent_under_a_fault_is_no_gap() {
    let silent = history(|tape| {
        tape.client("web", (0, 10), used("web#1", IN));
        tape.harness((500, 600), fault(0, Part::Postgres));
        tape.client("web", (1_000, 6_000), used("web#1", silence()));
        tape.harness((6_000, 6_100), healed(0));
        tape.client("web", (6_200, 6_210), used("web#1", IN));
    });
    assert_eq!(credential_gap(&silent, WEB, TWO).verdict, Verdict::Held);
}

// ------------------------------------------------------------------------------------------ what changes no verdict

/// Random short histories of one credential and its client.
fn histories() -> impl Strategy<Value = Vec<Entry>> {
    let one = (0_u64..40_000, 0_u64..800, 0_u8..10);
    prop::collection::vec(one, 0..25).prop_map(|events| {
        history(|tape| {
            tape.client("web", (0, 10), issued("web#1", 15));
            for (ms, takes, kind) in events {
                let at = (ms + 20, ms + 20 + takes);
                let event = match kind {
                    0 => renewed("web#1", 15),
                    1 => revoked("web#1", None, 204),
                    2 => used("web#1", shut_out()),
                    3 => used("web#1", silence()),
                    4 => Event::Used { credential: None, outcome: None },
                    _ => used("web#1", IN),
                };
                tape.client("web", at, event);
            }
        })
    })
}

fn judgements(history: &[Entry]) -> [Judgement; 3] {
    [no_early_death(history), no_zombie(history, GRACE), credential_gap(history, WEB, TWO)]
}

fn verdicts(history: &[Entry]) -> [Verdict; 3] {
    judgements(history).map(|judgement| judgement.verdict)
}

proptest! {
    #[test]
    fn shifting_all_times_changes_no_verdict(entries in histories(), by in 0_u64..1_000_000) {
        let moved = shifted(&entries, Duration::from_millis(by));
        prop_assert_eq!(verdicts(&entries), verdicts(&moved));
    }

    #[test]
    fn a_wider_interval_of_a_use_never_makes_an_accusation(entries in histories(), which in 0_usize..25, by in 0_u64..3_000) {
        let mut wider = entries.clone();
        if let Some(entry) = wider.get_mut(which).filter(|entry| matches!(entry.event, Event::Used { .. })) {
            widen(entry, Duration::from_millis(by));
        }
        for (before, after) in verdicts(&entries).into_iter().zip(verdicts(&wider)) {
            if before != Verdict::Violated {
                prop_assert_ne!(after, Verdict::Violated);
            }
        }
    }

    /// What was seen, not what was done: without a revocation in it a history tells of another server.
    #[test]
    fn a_use_less_never_makes_held_of_what_did_not_rest_on_it(entries in histories(), which in 0_usize..26) {
        let mut fewer = entries.clone();
        let Some(gone) = entries.get(which).filter(|entry| matches!(entry.event, Event::Used { .. })) else { return Ok(()) };
        fewer.remove(which);
        for (before, after) in judgements(&entries).into_iter().zip(judgements(&fewer)) {
            // A violation rests on the uses that show it, and a gap that is unsure on its two ends: with one of those
            // the only witness is gone. Every other use may be missing.
            let rested_on_it = before.evidence.contains(&gone.seq);
            if before.verdict != Verdict::Held && !rested_on_it {
                prop_assert_ne!(after.verdict, Verdict::Held, "{} → {}", before.because, after.because);
            }
        }
    }

    #[test]
    fn a_use_less_that_saw_nothing_makes_no_verdict_better(entries in histories(), which in 0_usize..26) {
        let mut fewer = entries.clone();
        let blind = |entry: &Entry| matches!(&entry.event, Event::Used { outcome: Some(Outcome::Unknown(_)), .. });
        if fewer.get(which).is_some_and(blind) {
            fewer.remove(which);
        }
        for (before, after) in judgements(&entries).into_iter().zip(judgements(&fewer)) {
            prop_assert!(after.verdict >= before.verdict, "{} → {}", before.because, after.because);
        }
    }
}
