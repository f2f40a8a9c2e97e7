//! Whether a client or consumer always had a credential that worked, and had one again after a fault.

use std::fmt;
use std::time::Duration;

use super::fault_windows;
use crate::event::{Actor, Entry, Event, Part};
use crate::outcome::{Cause, Judgement, Outcome};
use crate::scenario::file::{Endpoint, WithoutCredential};
use crate::scenario::word::Length;
use crate::time::{Interval, Moment};

/// Whose credential is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// A client's, as it uses it itself.
    Client(&'a str),
    /// A consumer's, as it is tried from outside.
    Consumer(&'a str),
}

impl<'a> Whose<'a> {
    /// Of whom an invariant speaks; a file that names nobody is no scenario.
    pub fn of(spec: &'a WithoutCredential) -> Option<Self> {
        let client = spec.client.as_ref().map(|name| Self::Client(name.as_str()));
        client.or_else(|| spec.consumer.as_ref().map(|name| Self::Consumer(name.as_str())))
    }
}

impl fmt::Display for Whose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(name) => write!(f, "client {name}"),
            Self::Consumer(name) => write!(f, "consumer {name}"),
        }
    }
}

/// What one use says of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It works.
    Works,
    /// It is refused, or there is none.
    Lacks,
    /// The target did not answer: nothing is said of the credential.
    Silent,
}

/// Nobody is longer than `at_most` without a credential that works. A gap lasts at least from the first use that
/// lacked one to the last in a row, and at most from the last use that worked before to the first that works after.
pub fn credential_gap(history: &[Entry], who: Whose<'_>, at_most: Duration) -> Judgement {
    let uses: Vec<(Use, Interval, u64)> = history.iter().filter_map(|entry| used(entry, who)).collect();
    if !uses.iter().any(|(what, ..)| *what == Use::Works) {
        return Judgement::inconclusive(format!("{who} never used a credential that worked"), Vec::new());
    }
    // What a consumer holds is tried straight at the target, past all links.
    let matters: fn(&Part) -> bool = if matches!(who, Whose::Client(_)) { silences } else { is_target };
    let excused = fault_windows(history, matters);
    let mut worst_sure = Duration::ZERO;
    let mut unsure: Option<(Duration, Vec<u64>)> = None;
    let mut gap = Gap::default();
    for (what, at, seq) in &uses {
        match what {
            Use::Lacks => {
                gap.first_lack.get_or_insert((at.answered, *seq));
                gap.last_lack = Some((at.sent, *seq));
                let sure = gap.sure();
                worst_sure = worst_sure.max(sure);
                if sure > at_most {
                    return Judgement::violated(
                        format!("{who} had no working credential for at least {}", words(sure)),
                        gap.evidence(),
                    );
                }
            }
            Use::Works => {
                if let Some((worked, from)) = gap.worked {
                    let unwatched = Interval::new(worked, at.answered);
                    let longest = at.answered.since(worked);
                    let silent_outage =
                        gap.first_lack.is_none() && excused.iter().any(|window| window.overlaps(unwatched));
                    if longest > at_most && !silent_outage && unsure.as_ref().is_none_or(|(known, _)| longest > *known)
                    {
                        let lacked = gap.evidence();
                        unsure = Some((longest, [vec![from], lacked, vec![*seq]].concat()));
                    }
                }
                gap = Gap { worked: Some((at.sent, *seq)), ..Gap::default() };
            }
            Use::Silent => {}
        }
    }
    match unsure {
        Some((longest, evidence)) => Judgement::inconclusive(
            format!(
                "{who} was not seen to have a working credential for {}; it may or may not have had one",
                words(longest)
            ),
            evidence,
        ),
        None => Judgement::held(
            format!("{} uses by {who}, at most {} without a working credential", uses.len(), words(worst_sure)),
            Vec::new(),
        ),
    }
}

/// A time without a working credential, as far as it is known.
#[derive(Debug, Default)]
struct Gap {
    /// The last use that worked before it was sent then.
    worked: Option<(Moment, u64)>,
    first_lack: Option<(Moment, u64)>,
    last_lack: Option<(Moment, u64)>,
}

impl Gap {
    /// How long it surely lasted.
    fn sure(&self) -> Duration {
        match (self.first_lack, self.last_lack) {
            (Some((first, _)), Some((last, _))) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    fn evidence(&self) -> Vec<u64> {
        let mut seqs: Vec<u64> = self.first_lack.iter().chain(&self.last_lack).map(|(_, seq)| *seq).collect();
        seqs.dedup();
        seqs
    }
}

fn used(entry: &Entry, who: Whose<'_>) -> Option<(Use, Interval, u64)> {
    let outcome = match (&entry.event, who) {
        (Event::Used { outcome, .. }, Whose::Client(name)) if entry.who == Actor::Client(name.to_owned()) => outcome,
        (Event::Held(held), Whose::Consumer(name)) if held.consumer == name => &held.outcome,
        _ => return None,
    };
    let what = match outcome {
        Some(Outcome::Ok(())) => Use::Works,
        None => Use::Lacks,
        Some(Outcome::Refused(refusal)) => match refusal.cause {
            Cause::Authentication | Cause::Privilege | Cause::RoleGone => Use::Lacks,
            _ => Use::Silent,
        },
        Some(Outcome::Unknown(_)) => Use::Silent,
    };
    Some((what, entry.at, entry.seq))
}

/// Whether a fault keeps the target from answering clients, whatever their credentials.
fn silences(part: &Part) -> bool {
    is_target(part) || matches!(part, Part::Link { from: Endpoint::Clients, to } if *to != Endpoint::Vault)
}

/// Whether it is the target itself.
fn is_target(part: &Part) -> bool {
    matches!(part, Part::Postgres | Part::Mysql | Part::Aws)
}

/// After each fault that healed, a credential works again within `at_most`. Where the next fault comes before that, the
/// last healing counts.
pub fn recovers_within(history: &[Entry], who: Whose<'_>, at_most: Duration) -> Judgement {
    let uses: Vec<(Use, Interval, u64)> = history.iter().filter_map(|entry| used(entry, who)).collect();
    let mut slowest = Duration::ZERO;
    let (mut judged, mut unsure) = (0_usize, None);
    for healing in healings(history) {
        let deadline = healing.at.answered.plus(at_most);
        let works = uses.iter().filter(|(what, at, _)| *what == Use::Works && at.answered >= healing.at.sent);
        let works: Vec<Interval> = works.map(|(_, at, _)| *at).collect();
        if let Some(again) = works.iter().map(|at| at.answered).min().filter(|again| *again <= deadline) {
            judged += 1;
            slowest = slowest.max(again.since(healing.at.answered));
            continue;
        }
        if healing.next.is_some_and(|next| next <= deadline) {
            continue;
        }
        judged += 1;
        let lacks = uses.iter().find(|(what, at, _)| {
            let undisturbed = healing.next.is_none_or(|next| at.answered < next);
            let never_before = works.iter().all(|works| at.answered <= works.sent);
            *what == Use::Lacks && at.sent >= deadline && undisturbed && never_before
        });
        if let Some((_, at, seq)) = lacks {
            let late = words(at.sent.since(healing.at.answered));
            let because = format!("{who} had no working credential {late} after the fault had healed");
            return Judgement::violated(because, vec![healing.seq, *seq]);
        }
        unsure.get_or_insert(healing.seq);
    }
    if let Some(seq) = unsure {
        let because =
            format!("{who} was not seen to have a working credential after a fault had healed, nor to lack one");
        return Judgement::inconclusive(because, vec![seq]);
    }
    if judged == 0 {
        return Judgement::inconclusive("no fault was seen to heal", Vec::new());
    }
    let because = format!("{who} had a working credential again at most {} after a fault had healed", words(slowest));
    Judgement::held(because, Vec::new())
}

/// A fault's healing, and when the next fault began after it.
struct Healing {
    at: Interval,
    seq: u64,
    next: Option<Moment>,
}

/// The healings after which no fault was left.
fn healings(history: &[Entry]) -> impl Iterator<Item = Healing> {
    let mut active: Vec<u32> = Vec::new();
    let mut healings: Vec<Healing> = Vec::new();
    for entry in history {
        match &entry.event {
            Event::FaultInjected { fault, .. } => {
                active.push(*fault);
                if let Some(last) = healings.last_mut() {
                    last.next.get_or_insert(entry.at.sent);
                }
            }
            Event::FaultHealed { fault, outcome: Outcome::Ok(_) } => {
                active.retain(|other| other != fault);
                if active.is_empty() {
                    healings.push(Healing { at: entry.at, seq: entry.seq, next: None });
                }
            }
            _ => {}
        }
    }
    healings.into_iter()
}

pub(super) fn words(length: Duration) -> Length {
    Length(Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
}
