//! The picture while it is drawn: which lanes an event touches, and what it changes there.

use std::collections::HashMap;

use super::target::Target;
use super::{Lane, LaneKind, Mark, Tick, Timeline, Tone, Window, label, latency};
use crate::event::{Actor, Entry, Event, Heard, Phase, Reply, Revocation};
use crate::outcome::{Outcome, Verdict};
use crate::scenario::file::Server;
use crate::time::Moment;

/// The picture while it is drawn.
#[derive(Default)]
pub(super) struct Picture {
    pub(super) timeline: Timeline,
    /// Where each lane is in the timeline.
    places: HashMap<(LaneKind, String), usize>,
    /// Who issued a credential, and for which role: what a revocation of a token or a prefix means for it.
    origins: Vec<Origin>,
    /// Whether the run is over and takes its servers down.
    goes_down: bool,
    /// What was seen at the target.
    pub(super) target: Target,
}

/// A consumer stands among the clients.
fn consumer_lane(name: &str) -> String {
    format!("{name} (consumer)")
}

struct Origin {
    credential: String,
    role: String,
    issuer: Actor,
}

impl Picture {
    /// An empty picture of this time.
    pub(super) fn between(from: Moment, to: Moment) -> Self {
        Self { timeline: Timeline { from, to, ..Timeline::default() }, ..Self::default() }
    }

    pub(super) fn lane(&mut self, kind: LaneKind, name: &str) -> &mut Lane {
        let lanes = &mut self.timeline.lanes;
        let place = *self.places.entry((kind, name.to_owned())).or_insert_with(|| {
            lanes.push(Lane { kind, name: name.to_owned(), bars: Vec::new(), ticks: Vec::new() });
            lanes.len() - 1
        });
        &mut lanes[place]
    }

    pub(super) fn tick(&mut self, kind: LaneKind, name: &str, entry: &Entry, mark: Mark) {
        let tick = Tick { seq: entry.seq, mark, label: label::of(&entry.event) };
        self.lane(kind, name).ticks.push(tick);
    }

    /// Puts an entry where it belongs: on one lane, or on all that it speaks of.
    pub(super) fn draw(&mut self, entry: &Entry) {
        let elsewhere = matches!(entry.event, Event::Health { .. } | Event::Held(_) | Event::Heard { .. });
        let seen_by_probe = entry.who == Actor::Probe && !elsewhere;
        if seen_by_probe {
            self.tick(LaneKind::Probe, "", entry, label::mark(&entry.event));
        }
        if let Some(server) = latency::server(&entry.event) {
            self.tick(LaneKind::Latency, server, entry, label::mark(&entry.event));
        }
        match &entry.event {
            Event::Phase(_) | Event::StepBegan { .. } | Event::StepEnded { .. } | Event::Server { .. } => {
                self.state(entry);
            }
            Event::FaultInjected { .. } | Event::FaultHealed { .. } => self.fault(entry),
            Event::Running { .. }
            | Event::RolledBack { .. }
            | Event::CutShort { .. }
            | Event::Note(_)
            | Event::HeldUp => {
                self.tick(LaneKind::Phases, "", entry, Mark::Note);
            }
            Event::Issued { .. } | Event::Renewed { .. } | Event::Revoked { .. } => self.lease(entry),
            Event::LeaseRead { credential, .. } | Event::IrrevocableListed { credential, .. } => {
                self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event));
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
            }
            Event::LeasesListed { .. }
            | Event::Token { .. }
            | Event::Rotated { .. }
            | Event::Metric { .. }
            | Event::AuditRead { .. }
            | Event::CertificateRead { .. }
            | Event::Started { .. }
            | Event::Api { .. } => self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event)),
            Event::Health { node, outcome } => {
                let node = node.map_or_else(String::new, |node| node.to_string());
                let (tone, label) = label::state(outcome);
                self.tick(LaneKind::Health, &node, entry, label::mark(&entry.event));
                self.lane(LaneKind::Health, &node).continue_or_turn(entry, tone, label);
            }
            Event::StaticRead { kept_as, outcome, login, .. } => {
                self.tick(LaneKind::Vault, "", entry, outcome.into());
                if let Some(login) = login {
                    self.tick(LaneKind::Target, "", entry, login.into());
                }
                if let Some(credential) = kept_as {
                    self.tick(LaneKind::Credential, credential, entry, outcome.into());
                    if let Some(login) = login {
                        self.login(entry, credential, login);
                    }
                }
            }
            Event::Login { .. }
            | Event::PrincipalRead { .. }
            | Event::SessionOpened { .. }
            | Event::SessionUsed { .. }
            | Event::Ledger(_) => self.look(entry),
            Event::Consumer { consumer, .. } => {
                self.tick(LaneKind::Client, &consumer_lane(consumer), entry, label::mark(&entry.event));
            }
            Event::OutputSearched(searched) => {
                self.tick(LaneKind::Client, &consumer_lane(&searched.consumer), entry, label::mark(&entry.event));
            }
            Event::Held(held) => self.tried(entry, &consumer_lane(&held.consumer)),
            Event::Heard { heard: Heard::Asked { .. } | Heard::Requested { .. }, .. } => {
                self.tick(LaneKind::Vault, "", entry, label::mark(&entry.event));
            }
            Event::Heard { heard: Heard::LoggedIn { .. }, .. } => {
                self.tick(LaneKind::Target, "", entry, label::mark(&entry.event));
            }
            Event::Used { .. } => self.used(entry),
            Event::Sql { .. } => self.tick(LaneKind::Target, "", entry, label::mark(&entry.event)),
        }
    }

    /// Phases, steps and processes: one bar after the other.
    fn state(&mut self, entry: &Entry) {
        let end = self.timeline.to;
        match &entry.event {
            Event::Phase(phase) => {
                self.goes_down = *phase == Phase::Down;
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
            Event::Server { server, node, state } => {
                let kind = match server {
                    Server::Vault | Server::Transit => LaneKind::Vault,
                    Server::Postgres | Server::Mysql | Server::Aws => LaneKind::Target,
                };
                // Each node of a cluster has a lane of its own.
                let node = match (server, node) {
                    (_, Some(node)) => node.to_string(),
                    (Server::Transit, None) => server.to_string(),
                    _ => String::new(),
                };
                // However a server is ended when all is over, it is no fault of its own.
                let tone = if self.goes_down { Tone::Stopped } else { label::tone(state) };
                self.lane(kind, &node).turn(entry, tone, label::of(&entry.event), end);
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
            Event::Issued { credential, role, outcome, token: _ } => {
                self.tick(LaneKind::Credential, credential, entry, outcome.into());
                if let Outcome::Ok(Reply { body, .. }) = outcome {
                    let (credential, role, issuer) = (credential.clone(), role.clone(), entry.who.clone());
                    let lane = self.lane(LaneKind::Credential, &credential);
                    lane.lease(entry, entry.at.sent, body.ttl, "lease");
                    self.target.learn(&credential, &body.username);
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
        self.tried(entry, &name);
        if let Event::Used { credential: Some(credential), outcome: Some(outcome) } = &entry.event {
            self.login(entry, credential, outcome);
        }
    }

    /// A credential that a client or consumer has, or lacks.
    fn tried(&mut self, entry: &Entry, name: &str) {
        let mark = label::mark(&entry.event);
        self.tick(LaneKind::Client, name, entry, mark);
        let label = label::of(&entry.event);
        self.lane(LaneKind::Client, name).continue_or_turn(entry, mark.into(), label);
    }

    /// The lanes in their order.
    pub(super) fn finish(mut self) -> Timeline {
        self.end_looks();
        // A client that asks in vain takes a new name each time; those calls are on Vault's lane already.
        self.timeline.lanes.retain(|lane| lane.kind != LaneKind::Credential || !lane.is_in_vain());
        self.timeline.lanes.sort_by_key(|lane| lane.kind);
        self.timeline
    }
}
