//! What the history tells of each lease: when it must be over by its own clock, and who may have ended it earlier.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Actor, Entry, Event, Part, Revocation, TokenAct};
use crate::outcome::{Cause, Judgement, Outcome};
use crate::time::{Interval, Moment};

/// One credential's life, as far as it was seen.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// The dynamic role.
    pub role: String,
    /// The token it was taken with.
    pub token: Option<String>,
    /// Who took it.
    pub owner: Actor,
    /// The lease.
    pub lease_id: String,
    /// The user at the target.
    pub username: String,
    /// When it was issued.
    pub issued: Interval,
    /// What each answer of Vault said of its end.
    ends: Vec<End>,
    /// Something that may have ended it before its time.
    pub ended_early: Option<EarlyEnd>,
    /// What a rollback made Vault forget it: what had been running when it was issued.
    pub forgotten: Option<String>,
}

/// What one call said of an end.
#[derive(Debug, Clone, Copy, PartialEq)]
struct End {
    /// The call.
    call: Interval,
    /// The end: not before, not after. `None` when the call got no answer and may have moved it anywhere.
    end: Option<Interval>,
}

/// Something that may have ended a credential before its time.
#[derive(Debug, Clone, PartialEq)]
pub struct EarlyEnd {
    /// When it was first sent.
    pub sent: Moment,
    /// When it surely was done at the target, if Vault said so synchronously.
    pub done: Option<Moment>,
}

impl End {
    /// A renewal that was not answered before the earlier end raced with it: the server may have begun to end the lease,
    /// and goes on, whatever it answers. Then nobody knows the end.
    fn unless_overtaken(self, earlier: Option<&Self>) -> Self {
        let raced = earlier.and_then(|earlier| earlier.end).is_some_and(|end| end.sent <= self.call.answered);
        Self { end: self.end.filter(|_| !raced), ..self }
    }
}

impl Life {
    /// Whether it is a session of STS: nothing at the target goes with its lease, and nobody can end it.
    pub fn is_sts(&self) -> bool {
        self.username.is_empty()
    }

    /// Its end by its own clock, as the last answer of Vault has it; `None` when that cannot be known.
    pub fn end(&self) -> Option<Interval> {
        self.ends.last().and_then(|end| end.end)
    }

    /// Whether every reading of the times says that it is alive by its own clock during a call.
    fn surely_alive(&self, at: Interval) -> bool {
        self.forgotten.is_none()
            && self.issued.surely_before(at)
            && ends_at(&self.ends, at).all(|end| end.is_some_and(|end| at.answered < end.sent))
            && self.ended_early.as_ref().is_none_or(|early| at.answered < early.sent)
    }

    /// Whether every reading of the times says that its TTL is not over during a call, whoever may have ended it earlier.
    pub fn surely_within_ttl(&self, at: Interval) -> bool {
        within(&self.ends, at)
    }

    /// Since when every reading of the times says that it is over, as seen from a call; `None` when one says it is not.
    pub fn over_since(&self, at: Interval) -> Option<Moment> {
        // Nobody promises anything of what a rollback forgot.
        if self.forgotten.is_some() {
            return None;
        }
        let by_clock =
            ends_at(&self.ends, at).try_fold(Moment::START, |latest, end| end.map(|end| latest.max(end.answered)));
        // A session of STS lives on when its lease is revoked, as documented.
        let by_hand = self.ended_early.as_ref().filter(|_| !self.is_sts()).and_then(|early| early.done);
        by_clock.into_iter().chain(by_hand).filter(|over| *over < at.sent).min()
    }
}

/// Whether every end that may be in force during a call lies after it.
fn within(ends: &[End], at: Interval) -> bool {
    ends_at(ends, at).all(|end| end.is_some_and(|end| at.answered < end.sent))
}

/// Whether every reading of the times says that the TTL of a token which a step made is not over during a call.
pub fn token_surely_within_ttl(history: &[Entry], token: &str, at: Interval) -> bool {
    let answers = history.iter().filter_map(|entry| match &entry.event {
        // A lookup tells the TTL in whole seconds, rounded, and moves no end.
        Event::Token { token: name, act: TokenAct::Made | TokenAct::Renewed, outcome }
            if name == token && entry.who == Actor::Operator =>
        {
            // A TTL of zero is a token that never ends.
            let ttl = outcome.ok().map(|reply| reply.body.ttl).filter(|ttl| *ttl > 0);
            renewed(entry.at, ttl, outcome)
        }
        _ => None,
    });
    within(&answers.collect::<Vec<End>>(), at)
}

/// The ends that may be in force during a call: that of the last call surely before it, and of all that overlap it.
fn ends_at(ends: &[End], at: Interval) -> impl Iterator<Item = Option<Interval>> {
    let before = ends.iter().rev().find(|end| end.call.surely_before(at));
    let during = ends.iter().filter(move |end| end.call.overlaps(at));
    before.into_iter().chain(during).map(|end| end.end)
}

/// The lives of all credentials, by the name that the run gave them.
pub fn lives(history: &[Entry]) -> BTreeMap<String, Life> {
    let mut lives = BTreeMap::new();
    for entry in history {
        match &entry.event {
            Event::Issued { credential, role, token, outcome: Outcome::Ok(reply) } => {
                let lease = &reply.body;
                let life = Life {
                    role: role.clone(),
                    token: token.clone(),
                    owner: entry.who.clone(),
                    lease_id: lease.lease_id.clone(),
                    username: lease.username.clone(),
                    issued: entry.at,
                    ends: vec![End { call: entry.at, end: Some(after(entry.at, lease.ttl)) }],
                    ended_early: None,
                    forgotten: None,
                };
                lives.insert(credential.clone(), life);
            }
            Event::Renewed { credential, outcome, .. } => {
                if let Some(life) = lives.get_mut(credential) {
                    let said = renewed(entry.at, outcome.ok().map(|reply| reply.body.ttl), outcome);
                    life.ends.extend(said.map(|said| said.unless_overtaken(life.ends.last())));
                }
            }
            Event::Revoked { what, sync, outcome, .. } => {
                let done = matches!(outcome, Outcome::Ok(reply) if reply.status == 204) && *sync != Some(false);
                end_early(&mut lives, what, entry.at, done);
            }
            Event::FaultInjected { disturbs, .. } => {
                for part in disturbs {
                    disturb(&mut lives, part, entry.at.sent);
                }
            }
            Event::RolledBack { since, from } => {
                for life in lives.values_mut() {
                    roll_back(life, *since, from, entry.at);
                }
            }
            // A step's own call of the API or SQL can do anything to anybody: nothing after it is sure.
            Event::Api { .. } | Event::Sql { .. } if entry.who == Actor::Operator => {
                for life in lives.values_mut() {
                    mark(life, entry.at.sent, None);
                }
            }
            _ => {}
        }
    }
    lives
}

/// What was issued since is forgotten, and what was renewed since may end as if it had not been.
fn roll_back(life: &mut Life, since: Moment, from: &str, at: Interval) {
    if life.issued.answered >= since {
        life.forgotten = Some(from.to_owned());
    }
    if life.ends.last().is_some_and(|end| end.call.answered >= since) {
        life.ends.push(End { call: at, end: None });
    }
}

/// What a renewal says of an end: a refused one nothing, an unanswered one that it may be anywhere.
fn renewed<T>(call: Interval, ttl: Option<u64>, outcome: &Outcome<T>) -> Option<End> {
    match (ttl, outcome) {
        (Some(ttl), _) => Some(End { call, end: Some(after(call, ttl)) }),
        (None, Outcome::Unknown(unknown)) if unknown.may_have_happened() => Some(End { call, end: None }),
        (None, _) => None,
    }
}

/// The end of what was given so many seconds in a call: its clock began somewhere in the call.
fn after(call: Interval, ttl: u64) -> Interval {
    let ttl = Duration::from_secs(ttl);
    Interval::new(call.sent.plus(ttl), call.answered.plus(ttl))
}

fn end_early(lives: &mut BTreeMap<String, Life>, what: &Revocation, at: Interval, done: bool) {
    let done = done.then_some(at.answered);
    for (name, life) in lives.iter_mut() {
        match what {
            Revocation::Lease(credential) if credential == name => mark(life, at.sent, done),
            Revocation::Prefix(role) if *role == life.role => mark(life, at.sent, done),
            // Which leases hang below a token is not read from the history: every one that has a token may.
            Revocation::Token(_) | Revocation::Orphaning(_) if life.token.is_some() => mark(life, at.sent, None),
            _ => {}
        }
    }
}

fn disturb(lives: &mut BTreeMap<String, Life>, part: &Part, sent: Moment) {
    for (name, life) in lives.iter_mut() {
        match part {
            Part::Credential(credential) if credential == name => mark(life, sent, None),
            // A client's token that ends takes its leases with it.
            Part::Client(client) if life.owner == Actor::Client(client.clone()) => mark(life, sent, None),
            _ => {}
        }
    }
}

fn mark(life: &mut Life, sent: Moment, done: Option<Moment>) {
    let early = life.ended_early.get_or_insert(EarlyEnd { sent, done });
    early.sent = early.sent.min(sent);
    early.done = match (early.done, done) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

/// What each answer said of the end of a client's present token.
fn token_ends(history: &[Entry], client: &str) -> Vec<End> {
    let of_client = history.iter().filter_map(|entry| match &entry.event {
        Event::Token { token, act: _, outcome } if token == client && entry.who == Actor::Client(client.to_owned()) => {
            renewed(entry.at, outcome.ok().map(|reply| reply.body.ttl), outcome)
        }
        _ => None,
    });
    of_client.collect()
}

/// No credential is refused while its lease is alive: issued, not over by its own clock nor by that of the client's token,
/// and nothing sent that could have ended it. Credentials that a step took with a token of its own are left out: what
/// became of that token and those above it is the scenario's own matter.
/// Source: developer.hashicorp.com/vault/docs/concepts/lease
pub fn no_early_death(history: &[Entry]) -> Judgement {
    let lives = lives(history);
    let tokens: BTreeMap<&str, Vec<End>> = lives
        .values()
        .filter_map(|life| match &life.owner {
            Actor::Client(client) => Some((client.as_str(), token_ends(history, client))),
            _ => None,
        })
        .collect();
    let mut watched = 0_usize;
    for entry in history {
        let Some((credential, outcome)) = login(&entry.event) else { continue };
        let Some(life) = lives.get(credential).filter(|life| life.surely_alive(entry.at)) else { continue };
        let token_alive = match &life.owner {
            Actor::Client(client) => ends_at(&tokens[client.as_str()], entry.at)
                .all(|end| end.is_some_and(|end| entry.at.answered < end.sent)),
            _ => life.token.is_none(),
        };
        if !token_alive {
            continue;
        }
        watched += 1;
        if outcome.refusal().is_some_and(|refusal| refusal.cause == Cause::Authentication) {
            let end = life.end().map_or_else(|| "later".to_owned(), |end| end.sent.to_string());
            return Judgement::violated(
                format!("{credential} was {outcome} at {}, though its lease lives until {end}", entry.at.sent),
                vec![entry.seq],
            );
        }
    }
    if watched == 0 {
        return Judgement::inconclusive("no login with a credential that was surely alive was seen", Vec::new());
    }
    Judgement::held(format!("{watched} logins with credentials that were surely alive, none refused"), Vec::new())
}

/// A login with a credential, by whomever, and what came of it.
pub(super) fn login(event: &Event) -> Option<(&str, &Outcome<()>)> {
    match event {
        Event::Login { credential, outcome } | Event::Used { credential: Some(credential), outcome: Some(outcome) } => {
            Some((credential, outcome))
        }
        _ => None,
    }
}
