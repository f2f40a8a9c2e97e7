//! A history as a picture: lanes with bars for what lasts and ticks for what happened. A pure function; the page only
//! shows what comes out.

mod label;
mod lane;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use serde::Serialize;

use crate::event::{Actor, Entry, Event, Reply, Revocation};
use crate::outcome::{Outcome, Verdict};
use crate::scenario::file::Server;
use crate::time::Moment;

/// A history in lanes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// The first moment of the history.
    pub from: Moment,
    /// The last. Leases can end after it.
    pub to: Moment,
    /// The faults, which are shaded over all lanes.
    pub windows: Vec<Window>,
    /// The lanes, from top to bottom.
    pub lanes: Vec<Lane>,
}

/// The time of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Its number in the run.
    pub fault: u32,
    /// What it is, in words.
    pub title: String,
    /// Before it began.
    pub from: Moment,
    /// After its effect was seen.
    pub in_effect: Moment,
    /// After its healing was seen; none when it never was.
    pub to: Option<Moment>,
}

/// One line of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// What it is of.
    pub kind: LaneKind,
    /// Of which one, where there can be many.
    pub name: String,
    /// What lasts, in the order of beginning.
    pub bars: Vec<Bar>,
    /// What happened, in the order of the history.
    pub ticks: Vec<Tick>,
}

/// What a lane is of, in the order from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneKind {
    /// The phases of the run.
    Phases,
    /// The scenario's steps.
    Steps,
    /// The faults.
    Faults,
    /// Vault: its process, its health, every call.
    Vault,
    /// PostgreSQL: its process, and what was asked of it.
    Target,
    /// All that the probe saw, but for Vault's health.
    Probe,
    /// A client: whether its credential works.
    Client,
    /// A credential: its lease, and what it was good for.
    Credential,
}

/// Something that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Its beginning.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
    /// The row within the lane, from 0, for bars that overlap.
    pub row: usize,
    /// What it looks like.
    pub tone: Tone,
    /// What it is, in words.
    pub label: String,
    /// The entry with which it began.
    pub seq: u64,
}

/// What a bar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// A phase.
    Phase,
    /// A fault.
    Fault,
    /// A step that held.
    Held,
    /// A step that was violated.
    Violated,
    /// A step that was inconclusive, or never ended.
    Inconclusive,
    /// The server runs.
    Up,
    /// The server was stopped in good order.
    Stopped,
    /// The server was killed or ended by itself.
    Down,
    /// The server hangs.
    Hung,
    /// The client's credential works.
    Working,
    /// The client's credential is refused.
    Refused,
    /// Nothing is known of the client's credential.
    Unknown,
    /// The client has none.
    Without,
    /// A lease, to its end by Vault's word.
    Lease,
    /// What a revocation cut off a lease.
    Cut,
}

/// Something that happened. When it did stands in the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The entry.
    pub seq: u64,
    /// What it looks like.
    pub mark: Mark,
    /// What it is, in words.
    pub label: String,
}

/// What a tick means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was done.
    Ok,
    /// It was refused.
    Refused,
    /// Nobody can say.
    Unknown,
    /// There was no credential to use.
    Without,
    /// A revocation that was done.
    Revoked,
    /// A note.
    Note,
}

impl<T> From<&Outcome<T>> for Mark {
    fn from(outcome: &Outcome<T>) -> Self {
        match outcome {
            Outcome::Ok(_) => Self::Ok,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Unknown(_) => Self::Unknown,
        }
    }
}

/// Turns a history into lanes. The entries are those of one scenario, in the order of `seq`.
pub fn of(entries: &[Entry]) -> Timeline {
    let mut picture = Picture {
        timeline: Timeline {
            from: entries.iter().map(|e| e.at.sent).min().unwrap_or_default(),
            to: entries.iter().map(|e| e.at.answered).max().unwrap_or_default(),
            ..Timeline::default()
        },
        ..Picture::default()
    };
    for entry in entries {
        picture.draw(entry);
    }
    picture.finish()
}

/// The picture while it is drawn.
#[derive(Default)]
struct Picture {
    timeline: Timeline,
    /// Where each lane is in the timeline.
    places: HashMap<(LaneKind, String), usize>,
    /// Who issued a credential, and for which role: what a revocation of a token or a prefix means for it.
    origins: Vec<Origin>,
    /// The credential with which a session was opened.
    sessions: HashMap<String, String>,
}

struct Origin {
    credential: String,
    role: String,
    issuer: Actor,
}

impl Picture {
    fn lane(&mut self, kind: LaneKind, name: &str) -> &mut Lane {
        let lanes = &mut self.timeline.lanes;
        let place = *self.places.entry((kind, name.to_owned())).or_insert_with(|| {
            lanes.push(Lane { kind, name: name.to_owned(), bars: Vec::new(), ticks: Vec::new() });
            lanes.len() - 1
        });
        &mut lanes[place]
    }

    fn tick(&mut self, kind: LaneKind, name: &str, entry: &Entry, mark: Mark) {
        let tick = Tick { seq: entry.seq, mark, label: label::of(&entry.event) };
        self.lane(kind, name).ticks.push(tick);
    }

    fn draw(&mut self, entry: &Entry) {
        let seen_by_probe = entry.who == Actor::Probe && !matches!(entry.event, Event::Health { .. });
        if seen_by_probe {
            self.tick(LaneKind::Probe, "", entry, label::mark(&entry.event));
        }
        match &entry.event {
            Event::Phase(_) | Event::StepBegan { .. } | Event::StepEnded { .. } | Event::Server { .. } => {
                self.state(entry);
            }
            Event::FaultInjected { .. } | Event::FaultHealed { .. } => self.fault(entry),
            Event::Running { .. } | Event::Note(_) => self.tick(LaneKind::Phases, "", entry, Mark::Note),
            Event::Issued { .. } | Event::Renewed { .. } | Event::Revoked { .. } => self.lease(entry),
            Event::LeaseRead { credential, .. } | Event::IrrevocableListed { credential, .. } => {
                self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event));
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
            }
            Event::LeasesListed { .. }
            | Event::Token { .. }
            | Event::Rotated { .. }
            | Event::Health { .. }
            | Event::Api { .. } => self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event)),
            Event::StaticRead { kept_as, outcome, login, .. } => {
                self.tick(LaneKind::Vault, "", entry, outcome.into());
                if let Some(login) = login {
                    self.tick(LaneKind::Target, "", entry, login.into());
                }
                if let Some(credential) = kept_as {
                    self.tick(LaneKind::Credential, credential, entry, outcome.into());
                }
            }
            Event::Login { credential, .. } => {
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
            }
            Event::PrincipalRead { credential, .. } => {
                self.tick(LaneKind::Target, "", entry, label::mark(&entry.event));
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
            }
            Event::SessionOpened { session, credential, .. } => {
                self.sessions.insert(session.clone(), credential.clone());
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
            }
            Event::SessionUsed { session, .. } => {
                let credential = self.sessions.get(session).cloned().unwrap_or_else(|| session.clone());
                self.tick(LaneKind::Credential, &credential, entry, label::mark(&entry.event));
            }
            Event::Used { .. } => self.used(entry),
            Event::Sql { .. } => self.tick(LaneKind::Target, "", entry, label::mark(&entry.event)),
            Event::Ledger(read) => {
                self.tick(LaneKind::Vault, "", entry, (&read.leases).into());
                self.tick(LaneKind::Target, "", entry, (&read.principals).into());
            }
        }
    }

    /// Phases, steps and processes: one bar after the other.
    fn state(&mut self, entry: &Entry) {
        let end = self.timeline.to;
        match &entry.event {
            Event::Phase(phase) => {
                self.lane(LaneKind::Phases, "").turn(entry, Tone::Phase, phase.to_string(), end);
            }
            Event::StepBegan { number, title, .. } => {
                let label = format!("{number} {title}");
                // Until its end is seen a step lasts, and nobody can say what came of it.
                self.lane(LaneKind::Steps, "").begin(entry, Tone::Inconclusive, label, end);
            }
            Event::StepEnded { number, judgement } => {
                let tone = match judgement.verdict {
                    Verdict::Held => Tone::Held,
                    Verdict::Inconclusive => Tone::Inconclusive,
                    Verdict::Violated => Tone::Violated,
                };
                self.lane(LaneKind::Steps, "").end_step(number, entry.at.answered, tone);
            }
            Event::Server { server, state } => {
                let kind = match server {
                    Server::Vault => LaneKind::Vault,
                    Server::Postgres => LaneKind::Target,
                };
                self.lane(kind, "").turn(entry, label::tone(state), label::of(&entry.event), end);
            }
            _ => {}
        }
    }

    fn fault(&mut self, entry: &Entry) {
        let end = self.timeline.to;
        match &entry.event {
            Event::FaultInjected { fault, title, .. } => {
                let (from, in_effect) = (entry.at.sent, entry.at.answered);
                let window = Window { fault: *fault, title: title.clone(), from, in_effect, to: None };
                self.timeline.windows.push(window);
                self.lane(LaneKind::Faults, "").begin(entry, Tone::Fault, format!("{fault} {title}"), end);
            }
            Event::FaultHealed { fault, outcome } => {
                self.tick(LaneKind::Faults, "", entry, outcome.into());
                if !matches!(outcome, Outcome::Ok(_)) {
                    return;
                }
                let healed = entry.at.answered;
                if let Some(window) = self.timeline.windows.iter_mut().rfind(|w| w.fault == *fault) {
                    window.to = Some(healed);
                    let began = window.from;
                    let bars = &mut self.lane(LaneKind::Faults, "").bars;
                    let number = format!("{fault} ");
                    if let Some(bar) = bars.iter_mut().find(|b| b.from == began && b.label.starts_with(&number)) {
                        bar.to = healed;
                    }
                }
            }
            _ => {}
        }
    }

    fn lease(&mut self, entry: &Entry) {
        self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event));
        match &entry.event {
            Event::Issued { credential, role, outcome } => {
                self.tick(LaneKind::Credential, credential, entry, outcome.into());
                if let Outcome::Ok(Reply { body, .. }) = outcome {
                    let (credential, role, issuer) = (credential.clone(), role.clone(), entry.who.clone());
                    let lane = self.lane(LaneKind::Credential, &credential);
                    lane.lease(entry, entry.at.sent, body.ttl, "lease");
                    self.origins.push(Origin { credential, role, issuer });
                }
            }
            Event::Renewed { credential, outcome, .. } => {
                self.tick(LaneKind::Credential, credential, entry, outcome.into());
                if let Outcome::Ok(Reply { body, .. }) = outcome {
                    let lane = self.lane(LaneKind::Credential, credential);
                    lane.lease(entry, entry.at.answered, body.ttl, "renewed lease");
                }
            }
            Event::Revoked { what, outcome, .. } => {
                for credential in self.meant_by(what) {
                    self.tick(LaneKind::Credential, &credential, entry, label::mark(&entry.event));
                    if matches!(outcome, Outcome::Ok(_)) {
                        self.lane(LaneKind::Credential, &credential).cut(entry);
                    }
                }
            }
            _ => {}
        }
    }

    /// The credentials that a revocation is about, as far as the history knows.
    fn meant_by(&self, what: &Revocation) -> Vec<String> {
        let meant = |origin: &&Origin| match what {
            Revocation::Lease(_) => false,
            Revocation::Prefix(role) => origin.role == *role,
            Revocation::Token(token) | Revocation::Orphaning(token) => origin.issuer == Actor::Client(token.clone()),
        };
        match what {
            Revocation::Lease(credential) => vec![credential.clone()],
            _ => self.origins.iter().filter(meant).map(|o| o.credential.clone()).collect(),
        }
    }

    fn used(&mut self, entry: &Entry) {
        let name = match &entry.who {
            Actor::Client(name) => name.clone(),
            other => other.to_string(),
        };
        let mark = label::mark(&entry.event);
        let tone = match mark {
            Mark::Ok | Mark::Revoked | Mark::Note => Tone::Working,
            Mark::Refused => Tone::Refused,
            Mark::Unknown => Tone::Unknown,
            Mark::Without => Tone::Without,
        };
        self.tick(LaneKind::Client, &name, entry, mark);
        let label = label::of(&entry.event);
        self.lane(LaneKind::Client, &name).continue_or_turn(entry, tone, label);
    }

    fn finish(mut self) -> Timeline {
        // A client that asks in vain takes a new name each time; those calls are on Vault's lane already.
        self.timeline.lanes.retain(|lane| lane.kind != LaneKind::Credential || !lane.is_in_vain());
        self.timeline.lanes.sort_by_key(|lane| lane.kind);
        self.timeline
    }
}
