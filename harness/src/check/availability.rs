//! Whether a client always had a credential that worked.

use std::time::Duration;

use super::fault_windows;
use crate::event::{Actor, Entry, Event, Part};
use crate::outcome::{Cause, Judgement, Outcome};
use crate::scenario::file::Endpoint;
use crate::scenario::word::Length;
use crate::time::{Interval, Moment};

/// What one use says of the client's credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// It works.
    Works,
    /// It is refused, or there is none.
    Lacks,
    /// The target did not answer: nothing is said of the credential.
    Silent,
}

/// A client is never longer than `at_most` without a credential that works. A gap lasts at least from the first use that
/// lacked one to the last in a row, and at most from the last use that worked before to the first that works after.
pub fn credential_gap(history: &[Entry], client: &str, at_most: Duration) -> Judgement {
    let uses: Vec<(Use, Interval, u64)> = history.iter().filter_map(|entry| used(entry, client)).collect();
    if !uses.iter().any(|(what, ..)| *what == Use::Works) {
        return Judgement::inconclusive(format!("client {client} never used a credential that worked"), Vec::new());
    }
    let excused = fault_windows(history, silences);
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
                        format!("client {client} had no working credential for at least {}", words(sure)),
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
                "client {client} was not seen to have a working credential for {}; it may or may not have had one",
                words(longest)
            ),
            evidence,
        ),
        None => Judgement::held(
            format!(
                "{} uses by client {client}, at most {} without a working credential",
                uses.len(),
                words(worst_sure)
            ),
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

fn used(entry: &Entry, client: &str) -> Option<(Use, Interval, u64)> {
    let Event::Used { outcome, .. } = &entry.event else { return None };
    if entry.who != Actor::Client(client.to_owned()) {
        return None;
    }
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
    match part {
        Part::Postgres | Part::Mysql | Part::Aws => true,
        Part::Link { from: Endpoint::Clients, to } => *to != Endpoint::Vault,
        _ => false,
    }
}

fn words(length: Duration) -> Length {
    Length(Duration::from_millis(u64::try_from(length.as_millis()).unwrap_or(u64::MAX)))
}
