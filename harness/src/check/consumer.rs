//! What a consumer does beside holding a credential: how many it takes, whether it goes on with a dead one, what it writes to
//! its logs, and whether it runs at all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::availability::words;
use super::late;
use crate::event::{ConsumerState, Entry, Event, Heard, Held, Phase};
use crate::outcome::Judgement;
use crate::report::record::InvariantRecord;
use crate::scenario::file::Restart;
use crate::scenario::{Consumer, Scenario};
use crate::time::{Interval, Moment};

/// How long after the first refusal a consumer may still try the same credential.
pub const GRACE: Duration = Duration::from_secs(5);

const MINUTE: Duration = Duration::from_secs(60);

/// SQLSTATEs that say that a credential is not, or no longer, good.
const DEAD: [&str; 2] = ["28P01", "28000"];

/// In no minute more than `at_most` credentials of these roles were asked for over the clients' link and given. What was
/// heard is known to have happened somewhere in its entry's time: too many is what surely lies within one minute.
pub fn minted_per_minute(history: &[Entry], roles: &[String], at_most: u32) -> Judgement {
    let minted = |entry: &Entry| match &entry.event {
        Event::Heard { heard: Heard::Asked { role, status: 200..300 }, count } if roles.contains(role) => {
            Some((entry.at, *count, entry.seq))
        }
        _ => None,
    };
    let mut all: Vec<(Interval, u32, u64)> = history.iter().filter_map(minted).collect();
    if all.is_empty() {
        return Judgement::inconclusive("no credential was heard to be given over the clients' link", Vec::new());
    }
    all.sort_by_key(|(at, ..)| at.sent);
    let within = |from: Moment, lies: &dyn Fn(Interval, Moment) -> bool| {
        let to = from.plus(MINUTE);
        let inside = all.iter().filter(move |(at, ..)| lies(*at, to) && at.answered >= from);
        inside.fold((0_u32, Vec::new()), |(sum, mut seqs), (_, count, seq)| {
            seqs.push(*seq);
            (sum.saturating_add(*count), seqs)
        })
    };
    let surely = all.iter().map(|(at, ..)| within(at.sent, &|other, to| other.sent >= at.sent && other.answered <= to));
    let surely = surely.max_by_key(|(sum, _)| *sum).unwrap_or_default();
    if surely.0 > at_most {
        return Judgement::violated(format!("{} credentials were taken within one minute", surely.0), surely.1);
    }
    let perhaps = all.iter().map(|(at, ..)| within(at.answered, &|other, to| other.sent <= to));
    let perhaps = perhaps.max_by_key(|(sum, _)| *sum).unwrap_or_default();
    if perhaps.0 > at_most {
        let because = format!("{} or {} credentials were taken within one minute", surely.0, perhaps.0);
        return Judgement::inconclusive(because, perhaps.1);
    }
    let total: u32 = all.iter().map(|(_, count, _)| *count).sum();
    Judgement::held(format!("{total} credentials in all, at most {} within one minute", surely.0), Vec::new())
}

/// Between two such requests that were answered as they wanted lies so much time. What was heard is known to have happened somewhere in its entry's time.
pub fn asks_every(history: &[Entry], request: &str, (at_least, at_most): (Duration, Duration)) -> Judgement {
    let made = |entry: &Entry| match &entry.event {
        Event::Heard { heard: Heard::Requested { request: heard, status: 200..300 }, count } if heard == request => {
            Some((entry.at, *count, entry.seq))
        }
        _ => None,
    };
    let mut all: Vec<(Interval, u32, u64)> = history.iter().filter_map(made).collect();
    all.sort_by_key(|(at, ..)| at.sent);
    let crowded = all.iter().find(|(at, count, _)| *count > 1 && at.answered.since(at.sent) < at_least);
    if let Some((at, count, seq)) = crowded {
        let because = format!("it was made {count} times within {}", words(at.answered.since(at.sent)));
        return Judgement::violated(because, vec![*seq]);
    }
    if all.len() < 2 {
        let because = format!("it was heard to be made {} times, which is too seldom to say how far apart", all.len());
        return Judgement::inconclusive(because, Vec::new());
    }
    let mut perhaps = None;
    for pair in all.windows(2) {
        let [(one, _, first), (other, _, second)] = pair else { continue };
        let (least, most) = (other.sent.since(one.answered), other.answered.since(one.sent));
        let evidence = vec![*first, *second];
        if most < at_least {
            let because = format!("it was made again {} later", words(most));
            return Judgement::violated(because, evidence);
        }
        if least > at_most {
            let because = format!("it was not made again for {}", words(least));
            return Judgement::violated(because, evidence);
        }
        if least < at_least || most > at_most {
            perhaps = Some((format!("it was made again between {} and {} later", words(least), words(most)), evidence));
        }
    }
    if let Some((because, evidence)) = perhaps {
        return Judgement::inconclusive(because, evidence);
    }
    let gaps = all.windows(2).map(|pair| pair[1].0.sent.since(pair[0].0.answered));
    let (least, most) = (gaps.clone().min().unwrap_or_default(), gaps.max().unwrap_or_default());
    Judgement::held(format!("it was made {} times, {} to {} apart", all.len(), words(least), words(most)), Vec::new())
}

/// Once the database has refused a user that a consumer held, the consumer logs in with it no more: not later than `grace`
/// after that refusal.
pub fn no_dead_credential(history: &[Entry], consumer: &str, grace: Duration) -> Judgement {
    let held = history.iter().filter_map(|entry| match &entry.event {
        Event::Held(Held { consumer: of, username: Some(username), .. }) if of == consumer => Some(username.as_str()),
        _ => None,
    });
    let own: BTreeSet<&str> = held.collect();
    let mut logins: Vec<(&str, Option<&str>, Interval, u64)> = history
        .iter()
        .filter_map(|entry| match &entry.event {
            Event::Heard { heard: Heard::LoggedIn { username, refused }, .. } if own.contains(username.as_str()) => {
                Some((username.as_str(), refused.as_deref(), entry.at, entry.seq))
            }
            _ => None,
        })
        .collect();
    if logins.is_empty() {
        let because = format!("no login of consumer {consumer} was heard over the clients' link");
        return Judgement::inconclusive(because, Vec::new());
    }
    logins.sort_by_key(|(.., at, _)| at.sent);
    let mut died: BTreeMap<&str, (Moment, u64)> = BTreeMap::new();
    for (username, refused, at, seq) in &logins {
        if !refused.is_some_and(|code| DEAD.contains(&code)) {
            continue;
        }
        let (since, first) = *died.entry(username).or_insert((at.answered, *seq));
        if at.sent > since.plus(grace) {
            let late = words(at.sent.since(since));
            let because = format!("consumer {consumer} still logged in as {username} {late} after that was refused");
            return Judgement::violated(because, vec![first, *seq]);
        }
    }
    let users: BTreeSet<&str> = logins.iter().map(|(username, ..)| *username).collect();
    let because = format!("logins as {} users were heard, {} of them refused at some time", users.len(), died.len());
    Judgement::held(because, Vec::new())
}

/// No secret that was known stands in anything that a consumer wrote.
pub fn no_secret_in_log(history: &[Entry], consumer: &str) -> Judgement {
    let searched = history.iter().rev().find_map(|entry| match &entry.event {
        Event::OutputSearched(searched) if searched.consumer == consumer => Some((searched, entry.seq)),
        _ => None,
    });
    let Some((searched, seq)) = searched else {
        return Judgement::inconclusive(format!("what consumer {consumer} wrote was not searched"), Vec::new());
    };
    if let [first, rest @ ..] = searched.found.as_slice() {
        let more = if rest.is_empty() { String::new() } else { format!(" and {} places more", rest.len()) };
        return Judgement::violated(format!("consumer {consumer} wrote a secret: {first}{more}"), vec![seq]);
    }
    if !searched.unsearched.is_empty() {
        let because = format!("not all could be searched: {}", searched.unsearched.join("; "));
        return Judgement::inconclusive(because, vec![seq]);
    }
    Judgement::held(format!("{} bytes, and none of the secrets in them", searched.bytes), vec![seq])
}

/// What is demanded of every consumer that is not started again: that it does not crash once the steps have begun.
pub fn none_crashes(scenario: &Scenario, history: &[Entry]) -> Vec<InvariantRecord> {
    let begun = history.iter().find(|entry| entry.event == Event::Phase(Phase::Steps)).map(|entry| entry.seq);
    let Some(begun) = begun else { return Vec::new() };
    let lasting = scenario.consumers.iter().filter(|consumer| consumer.restart == Restart::Never);
    let record = |consumer: &Consumer| InvariantRecord {
        title: format!("consumer {} does not crash", consumer.name),
        line: consumer.at.line,
        // A fragment brings no consumers.
        fragment: None,
        judgement: late::held_up(does_not_crash(history, consumer.name.as_str(), begun), history),
    };
    lasting.map(record).collect()
}

/// The last lines of a program as part of a sentence.
pub fn said_last(lines: &str) -> String {
    if lines.is_empty() {
        return "it wrote nothing".to_owned();
    }
    format!("it said last: {}", lines.lines().map(str::trim).collect::<Vec<_>>().join(" ⏎ "))
}

fn does_not_crash(history: &[Entry], name: &str, begun: u64) -> Judgement {
    let ended = history.iter().find_map(|entry| match &entry.event {
        Event::Consumer { consumer, state: ConsumerState::Ended { how, crashed, last_lines } } if consumer == name => {
            Some((entry, how, *crashed, last_lines))
        }
        _ => None,
    });
    match ended {
        Some((entry, how, true, last_lines)) if entry.seq > begun => {
            let because = format!("it ended by itself at {}: {how}; {}", entry.at.sent, said_last(last_lines));
            Judgement::violated(because, vec![entry.seq])
        }
        Some((entry, how, ..)) => {
            Judgement::held(format!("it ended by itself at {}: {how}", entry.at.sent), vec![entry.seq])
        }
        None => Judgement::held("it ran until it was stopped", Vec::new()),
    }
}
