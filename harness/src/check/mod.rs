//! Checks: pure functions from a history to verdicts. They know the plan and what was seen, and no server; judging an old
//! history again gives the same verdicts.

pub mod answer;
pub mod availability;
pub mod consumer;
#[cfg(test)]
mod consumer_tests;
mod deviation;
#[cfg(test)]
mod every_answer;
#[cfg(test)]
mod every_look;
mod field;
mod late;
pub mod lease;
pub mod ledger;
mod race;
pub mod reading;
pub mod revocation;
#[cfg(test)]
mod tests;
pub mod timing;
pub mod verdict;

use crate::event::{Actor, Entry, Event, Part};
use crate::outcome::{Judgement, Outcome};
use crate::plan::PlannedStep;
use crate::scenario::one::{Expected, Throughout};
use crate::scenario::{Action, Invariant, Scenario, Verb};
use crate::time::{Interval, Moment};
use availability::Whose;
use timing::{Look, Reading};

/// The windows of all faults that disturb something that `matters`; one that was never seen healed has no end.
fn fault_windows(history: &[Entry], matters: fn(&Part) -> bool) -> Vec<Interval> {
    let mut windows: Vec<(u32, Interval)> = Vec::new();
    for entry in history {
        match &entry.event {
            Event::FaultInjected { fault, disturbs, .. } if disturbs.iter().any(matters) => {
                windows.push((*fault, Interval::new(entry.at.sent, Moment(u64::MAX))));
            }
            Event::FaultHealed { fault, outcome: Outcome::Ok(_) } => {
                windows
                    .iter_mut()
                    .filter(|(f, _)| f == fault)
                    .for_each(|(_, window)| window.answered = entry.at.answered);
            }
            _ => {}
        }
    }
    windows.into_iter().map(|(_, window)| window).collect()
}

/// Judges one step from the history: the entries that carry its number. `None`: the step judges nothing, or was never
/// reached.
pub fn step(step: &PlannedStep, history: &[Entry]) -> Option<Judgement> {
    Some(deviation::judged(step, as_written(step, history)?, history))
}

/// The same by the words of the step alone, whatever is known of the server.
fn as_written(step: &PlannedStep, history: &[Entry]) -> Option<Judgement> {
    let began = history.iter().find_map(|entry| match &entry.event {
        Event::StepBegan { number, .. } if *number == step.number => Some(entry.at.sent),
        _ => None,
    })?;
    let judgement = match &step.action {
        Action::Do(verb) => judge_verb(verb, &own_entries(step, history), history),
        Action::Expect(expect, timing) => {
            let expected = expect.one()?;
            timing::judge(*timing, began, &looks(&expected, step, history))
        }
        Action::Fault(..) | Action::Wait(_) => return None,
    };
    Some(late::held_up(judgement, history))
}

/// The looks that a step has made at its expectation so far.
pub fn looks(expected: &Expected<'_>, step: &PlannedStep, history: &[Entry]) -> Vec<Look> {
    let own = own_entries(step, history);
    let complete = own.chunks_exact(reading::entries_per_look(expected).max(1));
    let looks = complete.map(|look| {
        let first = look.first().map_or(Moment::START, |entry| entry.at.sent);
        let last = look.last().map_or(first, |entry| entry.at.answered);
        // What came later says nothing of this look: a renewal moves an end, and a password is kept under its name again.
        let seq = look.last().map_or(0, |entry| entry.seq);
        let until_then = &history[..history.partition_point(|entry| entry.seq <= seq)];
        let at = Interval::new(first, last);
        Look {
            at,
            reading: {
                let refused = look.iter().any(|entry| answer::is_refusal(&entry.event));
                let reading = reading::reading(expected, look, until_then);
                // Where a rotation that falls due is known not to come, whether it comes is what is asked.
                if matches!(expected, Expected::StaticRole(_)) && !step.deviates.is_empty() {
                    reading
                } else {
                    late::expected(expected, reading, refused, at, until_then)
                }
            },
            entries: look.iter().map(|entry| entry.seq).collect(),
        }
    });
    looks.collect()
}

fn own_entries(step: &PlannedStep, history: &[Entry]) -> Vec<Entry> {
    let own = history.iter().filter(|entry| {
        entry.who == Actor::Operator
            && entry.step.as_deref() == Some(&step.number)
            && !matches!(entry.event, Event::StepBegan { .. } | Event::StepEnded { .. } | Event::Note(_))
    });
    own.cloned().collect()
}

fn judge_verb(verb: &Verb, own: &[Entry], history: &[Entry]) -> Judgement {
    if let Verb::Race(race) = verb {
        return race::judge(race, own);
    }
    let Some(entry) = own.last() else {
        return Judgement::inconclusive("the call was not made, or was cut off", Vec::new());
    };
    let answers = match verb {
        Verb::Issue(step) => step.answers.as_deref(),
        Verb::Read(step) => step.answers.as_deref(),
        Verb::Renew(step) => step.answers.as_deref(),
        Verb::Revoke(step) => step.answers.as_deref(),
        Verb::Rotate(step) => step.answers.as_deref(),
        Verb::Token(step) => step.answers.as_deref(),
        Verb::Repair(step) => step.answers.as_deref(),
        Verb::Api(step) => step.answers.as_deref(),
        Verb::Snapshot(step) => step.answers.as_deref(),
        Verb::Open(_) | Verb::Sql(_) | Verb::Race(_) | Verb::Start(_) => None,
    };
    let reading = match (verb, &entry.event) {
        (Verb::Sql(sql), event) => reading::of_sql(sql, event),
        (Verb::Open(_), Event::SessionOpened { outcome, .. }) => match outcome {
            Outcome::Ok(()) => Reading::Yes("the session is open".to_owned()),
            Outcome::Refused(refusal) => Reading::No(refusal.to_string()),
            Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
        },
        (Verb::Start(start), Event::Started { came_up, seen, .. }) => {
            reading::yes_if(*came_up == *start.comes_up, seen.clone())
        }
        (_, event) => match answer::reading(answers, event) {
            Reading::Yes(seen) => answer::keeps_its_id(event, history).unwrap_or(Reading::Yes(seen)),
            other => other,
        },
    };
    let evidence = vec![entry.seq];
    // Only a refusal can come of being late: what was done, was done in time.
    let reading = if answer::is_refusal(&entry.event) { late::verb(verb, reading, entry.at, history) } else { reading };
    match reading {
        Reading::Yes(seen) => Judgement::held(seen, evidence),
        Reading::No(seen) => Judgement::violated(seen, evidence),
        Reading::Unknown(seen) => Judgement::inconclusive(seen, evidence),
    }
}

/// Judges one thing that must hold throughout.
pub fn invariant(invariant: &Invariant, scenario: &Scenario, history: &[Entry]) -> Judgement {
    let judgement = match invariant.what.one() {
        Some(Throughout::CredentialGap(gap)) => match Whose::of(gap) {
            Some(who) => availability::credential_gap(history, who, gap.at_most.0),
            None => Judgement::inconclusive("nobody is named", Vec::new()),
        },
        Some(Throughout::RecoversWithin(recovers)) => match Whose::of(recovers) {
            Some(who) => availability::recovers_within(history, who, recovers.at_most.0),
            None => Judgement::inconclusive("nobody is named", Vec::new()),
        },
        Some(Throughout::MintedPerMinute(minted)) => {
            let consumer = scenario.consumers.iter().find(|consumer| consumer.name == *minted.consumer);
            let roles = consumer.into_iter().flat_map(|consumer| consumer.may_issue.iter().map(ToString::to_string));
            consumer::minted_per_minute(history, &roles.collect::<Vec<_>>(), *minted.at_most)
        }
        Some(Throughout::AsksEvery(asks)) => {
            consumer::asks_every(history, asks.request.as_str(), (asks.at_least.0, asks.at_most.0))
        }
        Some(Throughout::NoDeadCredential(dead)) => {
            let grace = dead.grace.map_or(consumer::GRACE, |grace| grace.0);
            consumer::no_dead_credential(history, dead.consumer.as_str(), grace)
        }
        Some(Throughout::NoSecretInLog(of)) => consumer::no_secret_in_log(history, of.consumer.as_str()),
        Some(Throughout::NoEarlyDeath(_)) => lease::no_early_death(history),
        Some(Throughout::NoZombie(zombie)) => {
            revocation::no_zombie(history, zombie.grace.map_or(revocation::GRACE, |grace| grace.0))
        }
        None => Judgement::inconclusive("nothing is demanded", Vec::new()),
    };
    late::held_up(judgement, history)
}
