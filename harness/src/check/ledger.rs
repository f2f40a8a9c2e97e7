//! The three ledgers held against each other: what Vault says, what the target says, what was handed out. Differences
//! have names.

use std::collections::{BTreeMap, BTreeSet};

use super::lease::{Life, lives};
use super::timing::Reading;
use crate::event::{Entry, Event, LedgerRead};
use crate::outcome::{Cause, Outcome};
use crate::report::record::{Difference, DifferenceKind};
use crate::scenario::file::ExpectLedger;

/// Reads a look at the ledgers as an answer to an expectation.
pub fn reading(expected: ExpectLedger, entry: &Entry, history: &[Entry]) -> Reading {
    let Event::Ledger(read) = &entry.event else {
        return Reading::Unknown("this is no look at the ledgers".to_owned());
    };
    let (leases, principals) = match (&read.leases, &read.principals) {
        (Outcome::Ok(leases), Outcome::Ok(principals)) => (leases, principals),
        (Outcome::Ok(_), no) | (no, _) => return Reading::Unknown(format!("a ledger could not be read: {no}")),
    };
    let mut found = compare(leases, principals, history);
    let all = found.len();
    // Whoever rolls back is told of them; nobody broke a promise.
    found.retain(|difference| difference.kind != DifferenceKind::OrphanByNature);
    let by_nature = all - found.len();
    let words = if found.is_empty() && by_nature > 0 {
        let [leases, principals] = [leases.len(), principals.len()];
        format!("{leases} leases and {principals} users agree, but for {by_nature} that a rollback forgot")
    } else if found.is_empty() {
        format!("{} leases and {} users agree", leases.len(), principals.len())
    } else {
        found
            .iter()
            .map(|difference| format!("{}: {}", difference.kind, difference.detail))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let has = |kind| found.iter().any(|difference| difference.kind == kind);
    // What was issued while a snapshot was taken may have been forgotten by it, or not.
    if matches!(expected, ExpectLedger::Orphans) && by_nature > 0 && !has(DifferenceKind::Orphan) {
        return Reading::Unknown(format!(
            "no user is without a lease but those that a rollback may have forgotten: {words}"
        ));
    }
    let so = match expected {
        ExpectLedger::Reconciled => found.is_empty(),
        ExpectLedger::Orphans => has(DifferenceKind::Orphan),
        ExpectLedger::EarlyDeaths => has(DifferenceKind::EarlyDeath),
    };
    if so { Reading::Yes(words) } else { Reading::No(words) }
}

/// Orphans and early deaths between Vault's leases and the target's users. Vault does not tell which user a lease is for;
/// for what was handed out here it is known, and the rest can only be counted.
fn compare(leases: &[String], principals: &[String], history: &[Entry]) -> Vec<Difference> {
    let lives = &lives(history);
    let leases: BTreeSet<&str> = leases.iter().map(String::as_str).collect();
    let principals: BTreeSet<&str> = principals.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    let mut known_leases = BTreeSet::new();
    let mut known_users = BTreeSet::new();
    for (name, life) in lives {
        known_leases.insert(life.lease_id.as_str());
        // A session of STS has no user that could be there or gone.
        if life.is_sts() {
            continue;
        }
        known_users.insert(life.username.as_str());
        match (leases.contains(life.lease_id.as_str()), principals.contains(life.username.as_str())) {
            (false, true) if life.forgotten.is_some() => found.push(Difference {
                kind: DifferenceKind::OrphanByNature,
                what: life.username.clone(),
                detail: format!(
                    "the user of {name}, of {}, is there; {} had issued it, and the rollback forgot its lease",
                    life.role,
                    life.forgotten.as_deref().unwrap_or_default()
                ),
            }),
            (false, true) => found.push(Difference {
                kind: DifferenceKind::Orphan,
                what: life.username.clone(),
                detail: format!("the user of {name} is there, and Vault has no lease for it"),
            }),
            (true, false) => found.push(Difference {
                kind: DifferenceKind::EarlyDeath,
                what: life.lease_id.clone(),
                detail: format!("the lease of {name} is there, and its user is not"),
            }),
            (true, true) | (false, false) => {}
        }
    }
    let strange_leases = leases.difference(&known_leases).count();
    let strange_users: Vec<&str> = principals.difference(&known_users).copied().collect();
    // A request that got no answer may have made both a lease and a user; then the two balance.
    let whose = unanswered(history);
    for user in strange_users.iter().skip(strange_leases) {
        found.push(Difference {
            kind: DifferenceKind::Orphan,
            what: (*user).to_owned(),
            detail: format!("{user} is there, was handed to nobody, and Vault has no lease for it{whose}"),
        });
    }
    if strange_leases > strange_users.len() {
        found.push(Difference {
            kind: DifferenceKind::EarlyDeath,
            what: format!("{} leases", strange_leases - strange_users.len()),
            detail: format!("{strange_leases} leases that were handed to nobody, and {} users", strange_users.len()),
        });
    }
    found
}

/// The requests for credentials that got no answer and may have made a user all the same, in words.
fn unanswered(history: &[Entry]) -> String {
    let requests = history.iter().filter_map(|entry| match &entry.event {
        Event::Issued { credential, outcome: Outcome::Unknown(unknown), .. } if unknown.may_have_happened() => {
            Some(format!("{credential} ({}, asked for at {})", entry.who, entry.at.sent))
        }
        _ => None,
    });
    let requests: Vec<String> = requests.collect();
    if requests.is_empty() {
        String::new()
    } else {
        format!("; it may belong to a request that got no answer: {}", requests.join(", "))
    }
}

/// What the last look at everything leaves unexplained: orphans and early deaths from the ledgers, zombies from the last
/// logins, leftover sessions from the last uses of sessions whose user is gone.
pub fn differences(history: &[Entry]) -> Vec<Difference> {
    let lives = lives(history);
    let last = history.iter().rev().find_map(|entry| match &entry.event {
        Event::Ledger(LedgerRead { leases: Outcome::Ok(leases), principals: Outcome::Ok(principals) }) => {
            Some((leases, principals))
        }
        _ => None,
    });
    let Some((leases, principals)) = last else { return Vec::new() };
    let mut found = compare(leases, principals, history);
    for (name, life) in &lives {
        let gone = !leases.contains(&life.lease_id);
        let login = history.iter().rev().find_map(|entry| match &entry.event {
            Event::Login { credential, outcome } if credential == name => Some((entry, outcome)),
            _ => None,
        });
        match login {
            Some((_, Outcome::Ok(()))) if gone && !life.is_sts() && life.forgotten.is_none() => {
                found.push(Difference {
                    kind: DifferenceKind::Zombie,
                    what: life.username.clone(),
                    detail: format!("{name} still logs in, and Vault has no lease for it"),
                });
            }
            Some((_, Outcome::Refused(refusal))) if !gone && refusal.cause == Cause::Authentication => {
                found.push(Difference {
                    kind: DifferenceKind::EarlyDeath,
                    what: life.lease_id.clone(),
                    detail: format!("{name} is refused, and its lease is there"),
                });
            }
            _ => {}
        }
    }
    found.extend(leftover_sessions(history, principals, &lives));
    found.dedup();
    found
}

fn leftover_sessions(history: &[Entry], principals: &[String], lives: &BTreeMap<String, Life>) -> Vec<Difference> {
    let mut opened: BTreeMap<&str, &str> = BTreeMap::new();
    let mut alive: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in history {
        match &entry.event {
            Event::SessionOpened { session, credential, outcome: Outcome::Ok(()) } => {
                opened.insert(session, credential);
            }
            Event::SessionUsed { session, answers, .. } => {
                alive.insert(session, matches!(answers, Outcome::Ok(())));
            }
            _ => {}
        }
    }
    let leftover = opened.into_iter().filter_map(|(session, credential)| {
        let life = lives.get(credential)?;
        let left = alive.get(session).copied().unwrap_or_default() && !principals.contains(&life.username);
        left.then(|| Difference {
            kind: DifferenceKind::LeftoverSession,
            what: session.to_owned(),
            detail: format!("session {session} of {credential} is still open, and its user is gone"),
        })
    });
    leftover.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::event::{Actor, Lease, Reply};
    use crate::outcome::{Silence, Verdict};
    use crate::tape::{Tape, refused, shifted, shut_out, unknown, widen};
    use crate::time::{Interval, Moment};

    fn issued(name: &str, lease: &str, user: &str) -> Entry {
        let body = Lease { lease_id: lease.into(), username: user.into(), ttl: 60, renewable: true };
        let outcome = Outcome::Ok(Reply { status: 200, warnings: Vec::new(), body });
        Entry {
            seq: 0,
            at: Interval::at(Moment::START),
            who: Actor::Operator,
            step: None,
            event: Event::Issued { credential: name.into(), role: "database/app".into(), token: None, outcome },
            shape: None,
        }
    }

    fn look(leases: &[&str], users: &[&str]) -> Entry {
        let list = |items: &[&str]| Outcome::Ok(items.iter().map(|item| (*item).to_owned()).collect());
        Entry {
            seq: 1,
            at: Interval::at(Moment::from_millis(1)),
            who: Actor::Probe,
            step: None,
            event: Event::Ledger(LedgerRead { leases: list(leases), principals: list(users) }),
            shape: None,
        }
    }

    fn kinds(history: &[Entry]) -> Vec<DifferenceKind> {
        differences(history).into_iter().map(|difference| difference.kind).collect()
    }

    #[test]
    fn a_user_without_a_lease_is_an_orphan_and_a_lease_without_a_user_an_early_death() {
        let one = issued("cred", "database/creds/app/1", "v-1");
        assert_eq!(kinds(&[one.clone(), look(&["database/creds/app/1"], &["v-1"])]), []);
        assert_eq!(kinds(&[one.clone(), look(&[], &["v-1"])]), [DifferenceKind::Orphan]);
        assert_eq!(kinds(&[one.clone(), look(&["database/creds/app/1"], &[])]), [DifferenceKind::EarlyDeath]);
        assert_eq!(kinds(&[one, look(&[], &[])]), []);
    }

    #[test]
    fn what_a_rollback_forgot_is_named_and_breaks_no_promise() {
        let rolled_back = |at| Entry {
            at: Interval::at(Moment::from_millis(at)),
            event: Event::RolledBack { since: Moment::from_millis(at), from: "OpenBao 2.7.2".into() },
            ..look(&[], &[])
        };
        let one = issued("meanwhile app", "database/creds/app/1", "v-1");
        let seen = look(&[], &["v-1"]);
        let forgotten = [one.clone(), rolled_back(0), seen.clone()];
        assert_eq!(kinds(&forgotten), [DifferenceKind::OrphanByNature]);
        assert!(
            matches!(reading(ExpectLedger::Reconciled, &seen, &forgotten), Reading::Yes(words) if words.contains("forgot"))
        );
        let issued_before = [one, rolled_back(1), seen.clone()];
        assert_eq!(kinds(&issued_before), [DifferenceKind::Orphan], "the snapshot knew of it");
        assert!(matches!(reading(ExpectLedger::Reconciled, &seen, &issued_before), Reading::No(_)));
    }

    #[test]
    fn what_nobody_was_handed_is_told_from_what_balances() {
        assert_eq!(kinds(&[look(&["database/creds/app/9"], &["v-9"])]), []);
        assert_eq!(kinds(&[look(&[], &["v-9"])]), [DifferenceKind::Orphan]);
    }

    #[test]
    fn a_request_without_an_answer_is_named_as_the_possible_owner_of_a_user() {
        let mut asked = issued("web#1", "", "");
        let silence = crate::outcome::Unknown::deadline(std::time::Duration::from_secs(10));
        if let Event::Issued { outcome, .. } = &mut asked.event {
            *outcome = Outcome::Unknown(silence);
        }
        let balanced = [asked.clone(), look(&["database/creds/app/9"], &["v-9"])];
        assert_eq!(kinds(&balanced), [], "both a lease and a user were made: that is what an issue does");
        let found = differences(&[asked, look(&[], &["v-9"])]);
        assert!(found[0].detail.contains("web#1"), "{}", found[0].detail);
    }

    #[test]
    fn a_ledger_that_could_not_be_read_says_nothing() {
        let mut blind = look(&[], &[]);
        blind.event = Event::Ledger(LedgerRead {
            leases: Outcome::Unknown(crate::outcome::Unknown::deadline(std::time::Duration::from_secs(5))),
            principals: Outcome::Ok(vec!["v-1".into()]),
        });
        assert!(matches!(reading(ExpectLedger::Reconciled, &blind, &[]), Reading::Unknown(_)));
    }

    #[test]
    fn a_login_after_the_lease_a_refusal_before_its_end_and_a_session_without_a_user_have_names() {
        let one = issued("cred", "database/creds/app/1", "v-1");
        let seen = |event| Entry { event, ..look(&[], &[]) };
        let login = |outcome| seen(Event::Login { credential: "cred".into(), outcome });
        let both = look(&["database/creds/app/1"], &["v-1"]);
        let found = |history: &[Entry]| differences(history).iter().map(|found| found.kind).collect::<Vec<_>>();
        let gone = look(&[], &[]);
        assert_eq!(found(&[one.clone(), login(Outcome::Ok(())), gone.clone()]), [DifferenceKind::Zombie]);
        assert_eq!(found(&[one.clone(), login(Outcome::Ok(())), both.clone()]), []);
        assert_eq!(found(&[one.clone(), login(shut_out()), both.clone()]), [DifferenceKind::EarlyDeath]);
        assert_eq!(found(&[one.clone(), login(shut_out()), gone.clone()]), []);
        for nothing in [unknown(Silence::Deadline, "no answer"), refused(Cause::Unavailable, "57P03")] {
            assert_eq!(found(&[one.clone(), login(nothing), both.clone()]), [], "an outage is no death");
        }
        let opened = Event::SessionOpened { session: "s".into(), credential: "cred".into(), outcome: Outcome::Ok(()) };
        let used = |answers: Outcome<()>| {
            seen(Event::SessionUsed { session: "s".into(), answers: answers.clone(), reads_table: answers })
        };
        let session = |answers, last: &Entry| found(&[one.clone(), seen(opened.clone()), used(answers), last.clone()]);
        assert_eq!(session(Outcome::Ok(()), &gone), [DifferenceKind::LeftoverSession]);
        assert_eq!(session(Outcome::Ok(()), &both), []);
        assert_eq!(session(unknown(Silence::Lost, "closed"), &gone), []);
    }

    /// What is there at the end of a credential that was handed out, and whether its answer came.
    type Credential = (bool, bool, bool);

    /// A history with these credentials, and users and leases that were handed to nobody.
    fn told(credentials: &[Credential], strange: (usize, usize), rolled_back: Option<u64>) -> Vec<Entry> {
        let mut tape = Tape::default();
        let (mut leases, mut users) = (Vec::new(), Vec::new());
        let mut put = |number: usize, (lease, user): (bool, bool)| {
            leases.extend(lease.then(|| format!("database/creds/app/{number}")));
            users.extend(user.then(|| format!("v-{number}")));
        };
        for (number, (lease, user, answered)) in credentials.iter().enumerate() {
            put(number, (*lease, *user));
            let mut entry =
                issued(&format!("cred{number}"), &format!("database/creds/app/{number}"), &format!("v-{number}"));
            if !answered {
                lose(&mut entry);
            }
            let from = 100 * number as u64;
            tape.operator((from, from + 50), "4.1", entry.event);
        }
        (0..strange.0).for_each(|number| put(100 + number, (true, false)));
        (0..strange.1).for_each(|number| put(200 + number, (false, true)));
        if let Some(since) = rolled_back {
            let since = Moment::from_millis(since);
            tape.harness((900, 910), Event::RolledBack { since, from: "OpenBao 2.7.2".into() });
        }
        let read = LedgerRead { leases: Outcome::Ok(leases), principals: Outcome::Ok(users) };
        tape.probe((1_000, 1_010), Event::Ledger(read));
        tape.entries()
    }

    fn lose(entry: &mut Entry) {
        if let Event::Issued { outcome, .. } = &mut entry.event {
            *outcome = unknown(Silence::Deadline, "no answer within 5s");
        }
    }

    fn credentials() -> impl Strategy<Value = Vec<Credential>> {
        prop::collection::vec(any::<Credential>(), 0..5)
    }

    fn says(expected: ExpectLedger, history: &[Entry]) -> Verdict {
        match history.last().map(|look| reading(expected, look, history)) {
            Some(Reading::Yes(_)) => Verdict::Held,
            Some(Reading::No(_)) => Verdict::Violated,
            Some(Reading::Unknown(_)) | None => Verdict::Inconclusive,
        }
    }

    const ALL: [ExpectLedger; 3] = [ExpectLedger::Reconciled, ExpectLedger::Orphans, ExpectLedger::EarlyDeaths];

    proptest! {
        #[test]
        fn shifting_all_times_changes_no_ledger(
            credentials in credentials(),
            strange in (0_usize..3, 0_usize..3),
            rolled_back in prop::option::of(0_u64..600),
            by in 0_u64..1_000_000,
        ) {
            let history = told(&credentials, strange, rolled_back);
            let later = shifted(&history, Duration::from_millis(by));
            for expected in ALL {
                prop_assert_eq!(says(expected, &history), says(expected, &later));
            }
            let named = |history: &[Entry]| {
                differences(history).into_iter().map(|found| (found.kind, found.what)).collect::<Vec<_>>()
            };
            prop_assert_eq!(named(&history), named(&later));
        }

        #[test]
        fn a_wider_interval_never_makes_an_accusation(
            credentials in credentials(),
            strange in (0_usize..3, 0_usize..3),
            rolled_back in prop::option::of(0_u64..600),
            which in 0_usize..8,
            by in 0_u64..2_000,
        ) {
            let history = told(&credentials, strange, rolled_back);
            let mut wider = history.clone();
            let which = which % wider.len();
            widen(&mut wider[which], Duration::from_millis(by));
            for expected in ALL {
                if says(expected, &history) != Verdict::Violated {
                    prop_assert_ne!(says(expected, &wider), Verdict::Violated);
                }
            }
        }

        #[test]
        fn a_ledger_less_never_clears_and_never_accuses(
            credentials in credentials(),
            strange in (0_usize..3, 0_usize..3),
            leases_are_lost in any::<bool>(),
        ) {
            let mut history = told(&credentials, strange, None);
            if let Some(Event::Ledger(read)) = history.last_mut().map(|look| &mut look.event) {
                let lost = unknown(Silence::Deadline, "no answer within 5s");
                *(if leases_are_lost { &mut read.leases } else { &mut read.principals }) = lost;
            }
            for expected in ALL {
                prop_assert_eq!(says(expected, &history), Verdict::Inconclusive);
            }
            prop_assert!(differences(&history).is_empty());
        }

        /// Without its answer nobody knows which lease and which user are a request's, and the two can only be counted; so a
        /// lease too many and a user too many would balance. One difference alone stays one.
        #[test]
        fn an_answer_less_never_reconciles_what_differs(
            credentials in credentials(),
            strange in (0_usize..3, 0_usize..3),
            which in 0_usize..5,
        ) {
            let history = told(&credentials, strange, None);
            if credentials.is_empty() || differences(&history).len() != 1 {
                return Ok(());
            }
            let mut fewer = history;
            lose(&mut fewer[which % credentials.len()]);
            prop_assert_eq!(says(ExpectLedger::Reconciled, &fewer), Verdict::Violated);
        }
    }
}
