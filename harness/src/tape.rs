//! Histories made by hand, for the tests of checks and reports: events are put down with their times, in any order.

use std::time::Duration;

use crate::event::{Actor, Entry, Event, Lease, Part, Renewal, Reply, Revocation};
use crate::outcome::{Cause, Outcome, Refusal, Silence, Unknown};
use crate::plan::{Plan, PlannedStep};
use crate::time::{Interval, Moment};

/// Events as they are put down; they are numbered by when they were answered, as a history does. Times are milliseconds.
#[derive(Default)]
pub(crate) struct Tape(Vec<Entry>);

impl Tape {
    pub(crate) fn put(&mut self, ms: (u64, u64), who: Actor, step: Option<&str>, event: Event) -> &mut Self {
        let at = Interval::new(Moment::from_millis(ms.0), Moment::from_millis(ms.1));
        self.0.push(Entry { seq: 0, at, who, step: step.map(str::to_owned), event, shape: None });
        self
    }

    pub(crate) fn harness(&mut self, ms: (u64, u64), event: Event) -> &mut Self {
        self.put(ms, Actor::Harness, None, event)
    }

    pub(crate) fn operator(&mut self, ms: (u64, u64), step: &str, event: Event) -> &mut Self {
        self.put(ms, Actor::Operator, Some(step), event)
    }

    pub(crate) fn client(&mut self, name: &str, ms: (u64, u64), event: Event) -> &mut Self {
        self.put(ms, Actor::Client(name.to_owned()), None, event)
    }

    pub(crate) fn probe(&mut self, ms: (u64, u64), event: Event) -> &mut Self {
        self.put(ms, Actor::Probe, None, event)
    }

    pub(crate) fn entries(mut self) -> Vec<Entry> {
        self.0.sort_by_key(|entry| entry.at.answered);
        for (seq, entry) in self.0.iter_mut().enumerate() {
            entry.seq = seq as u64;
        }
        self.0
    }
}

/// The last step of a scenario's plan.
pub(crate) fn last_step(scenario: &str) -> PlannedStep {
    let loaded = crate::scenario::parse(scenario);
    let scenario = loaded.scenario.unwrap_or_else(|| panic!("{scenario} is not valid"));
    Plan::new(scenario.into(), 1).steps.pop().expect("it has steps")
}

/// A database with a role and a static role, which all steps may name that come after these.
pub(crate) const ONE_OF_EACH: &str = "name: One\nstack: { vault: {}, postgres: {} }\n\
    engines: { database: { postgres: { roles: { app: { default_ttl: 5m, max_ttl: 1h } }, \
    static_roles: { reporting: { rotation_period: 1h } } } } }\n\
    steps:\n  - issue: { role: database/app, as: cred }\n  - token: { as: t, ttl: 10m }\n";

pub(crate) fn reply<T>(status: u16, body: T) -> Outcome<Reply<T>> {
    Outcome::Ok(Reply { status, warnings: vec![], body })
}

pub(crate) fn refused<T>(cause: Cause, code: &str) -> Outcome<T> {
    let message = format!("the server's own words for {cause}");
    Outcome::Refused(Refusal { cause, code: code.to_owned(), message, target_code: None })
}

pub(crate) fn unknown<T>(why: Silence, detail: &str) -> Outcome<T> {
    Outcome::Unknown(Unknown { why, detail: detail.to_owned() })
}

/// A login that the target refuses as it refuses a credential that is gone.
pub(crate) fn shut_out() -> Outcome<()> {
    refused(Cause::Authentication, "28P01")
}

fn lease_id(credential: &str) -> String {
    format!("database/creds/app/{credential}")
}

pub(crate) fn issued(credential: &str, ttl: u64) -> Event {
    let lease_id = lease_id(credential);
    let username = format!("v-root-app-{credential}");
    let outcome = reply(200, Lease { lease_id, username, ttl, renewable: true });
    Event::Issued { credential: credential.to_owned(), role: "database/app".to_owned(), token: None, outcome }
}

pub(crate) fn renewed(credential: &str, ttl: u64) -> Event {
    let body = Renewal { lease_id: lease_id(credential), ttl, renewable: true, data: false };
    Event::Renewed { credential: credential.to_owned(), increment: None, outcome: reply(200, body) }
}

pub(crate) fn revoked(credential: &str, sync: Option<bool>, status: u16) -> Event {
    let what = Revocation::Lease(credential.to_owned());
    Event::Revoked { what, sync, force: false, outcome: reply(status, ()) }
}

pub(crate) fn login(credential: &str, outcome: Outcome<()>) -> Event {
    Event::Login { credential: credential.to_owned(), outcome }
}

pub(crate) fn used(credential: &str, outcome: Outcome<()>) -> Event {
    Event::Used { credential: Some(credential.to_owned()), outcome: Some(outcome) }
}

pub(crate) fn fault(fault: u32, part: Part) -> Event {
    Event::FaultInjected { fault, title: part.to_string(), disturbs: vec![part], seen: "it was seen".to_owned() }
}

pub(crate) fn healed(fault: u32) -> Event {
    Event::FaultHealed { fault, outcome: Outcome::Ok("it was seen".to_owned()) }
}

/// The same, all of it so much later: also the moments of which events tell.
pub(crate) fn shifted(entries: &[Entry], by: Duration) -> Vec<Entry> {
    let shift = |entry: &Entry| {
        let mut event = entry.event.clone();
        match &mut event {
            Event::PrincipalRead { outcome: Outcome::Ok(Some(user)), .. } => {
                user.valid_until = user.valid_until.map(|until| until.plus(by));
            }
            Event::RolledBack { since, .. } => *since = since.plus(by),
            _ => {}
        }
        let at = Interval::new(entry.at.sent.plus(by), entry.at.answered.plus(by));
        Entry { at, event, ..entry.clone() }
    };
    entries.iter().map(shift).collect()
}

/// Makes an entry's interval wider on both sides.
pub(crate) fn widen(entry: &mut Entry, by: Duration) {
    entry.at = Interval::new(entry.at.sent.minus(by), entry.at.answered.plus(by));
}
