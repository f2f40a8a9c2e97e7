//! What an event is called, and what it looks like.

use super::{Mark, Tone};
use crate::event::{ConsumerState, Event, Heard, Held, Revocation, ServerState, TokenAct};
use crate::outcome::Outcome;
use crate::scenario::file::CertificateState;

/// The mark of an event that is a call.
pub(super) fn mark(event: &Event) -> Mark {
    match event {
        Event::Issued { outcome, .. } => outcome.into(),
        Event::Renewed { outcome, .. } => outcome.into(),
        Event::Revoked { outcome: Outcome::Ok(_), .. } => Mark::Revoked,
        Event::Revoked { outcome, .. } | Event::Rotated { outcome, .. } | Event::Api { outcome, .. } => outcome.into(),
        Event::LeaseRead { outcome, .. } => outcome.into(),
        Event::LeasesListed { outcome, .. } => outcome.into(),
        Event::IrrevocableListed { outcome, .. } => outcome.into(),
        Event::Token { outcome, .. } => outcome.into(),
        Event::StaticRead { outcome, .. } => outcome.into(),
        Event::Health { outcome, .. } => health(outcome),
        Event::Metric { outcome, .. } => outcome.into(),
        Event::AuditRead { outcome, .. } => outcome.into(),
        Event::CertificateRead { outcome, .. } => outcome.into(),
        Event::Started { came_up: true, .. } => Mark::Ok,
        Event::Started { .. } => Mark::Refused,
        Event::Login { outcome, .. } | Event::SessionOpened { outcome, .. } => outcome.into(),
        Event::Used { outcome, .. } => outcome.as_ref().map_or(Mark::Without, Mark::from),
        Event::PrincipalRead { outcome, .. } => outcome.into(),
        // A session that answers and cannot read is refused what it is for.
        Event::SessionUsed { reads_table, .. } => reads_table.into(),
        Event::Sql { outcome, .. } => outcome.into(),
        Event::FaultHealed { outcome, .. } => outcome.into(),
        Event::Ledger(read) => (&read.principals).into(),
        Event::Consumer { .. } | Event::Held(_) | Event::Heard { .. } | Event::OutputSearched(_) => of_consumer(event),
        Event::Phase(_)
        | Event::StepBegan { .. }
        | Event::StepEnded { .. }
        | Event::FaultInjected { .. }
        | Event::Server { .. }
        | Event::Running { .. }
        | Event::RolledBack { .. }
        | Event::CutShort { .. }
        | Event::Note(_)
        | Event::HeldUp => Mark::Note,
    }
}

/// The mark of what was seen of a consumer.
fn of_consumer(event: &Event) -> Mark {
    match event {
        Event::Held(held) => held.outcome.as_ref().map_or(Mark::Without, Mark::from),
        Event::Heard {
            heard:
                Heard::Asked { status: 200..300, .. }
                | Heard::Requested { status: 200..300, .. }
                | Heard::LoggedIn { refused: None, .. },
            ..
        } => Mark::Ok,
        Event::Heard { .. } | Event::Consumer { state: ConsumerState::Ended { crashed: true, .. }, .. } => {
            Mark::Refused
        }
        Event::OutputSearched(searched) if !searched.found.is_empty() => Mark::Refused,
        _ => Mark::Note,
    }
}

/// Active, and the three kinds of standby, serve; sealed and uninitialised do not.
fn health(outcome: &Outcome<u16>) -> Mark {
    match outcome {
        Outcome::Ok(200 | 429 | 472 | 473) => Mark::Ok,
        Outcome::Ok(_) | Outcome::Refused(_) => Mark::Refused,
        Outcome::Unknown(_) => Mark::Unknown,
    }
}

/// What a state of a server looks like.
pub(super) fn tone(state: &ServerState) -> Tone {
    match state {
        ServerState::Ready | ServerState::Resumed => Tone::Up,
        ServerState::Paused => Tone::Hung,
        ServerState::Stopped => Tone::Stopped,
        ServerState::Killed | ServerState::Exited(_) => Tone::Down,
    }
}

/// What Vault says of itself, and what that looks like.
pub(super) fn state(outcome: &Outcome<u16>) -> (Tone, String) {
    match outcome {
        Outcome::Ok(200) => (Tone::Up, "active".to_owned()),
        Outcome::Ok(429 | 473) => (Tone::Standby, "standby".to_owned()),
        Outcome::Ok(472) => (Tone::Standby, "secondary".to_owned()),
        Outcome::Ok(501) => (Tone::Refused, "not initialised".to_owned()),
        Outcome::Ok(503) => (Tone::Sealed, "sealed".to_owned()),
        Outcome::Ok(status) => (Tone::Refused, format!("status {status}")),
        Outcome::Refused(refusal) => (Tone::Refused, format!("refused: {}", refusal.cause)),
        Outcome::Unknown(_) => (Tone::Unknown, "no answer".to_owned()),
    }
}

/// An event in a few words.
pub(super) fn of(event: &Event) -> String {
    match event {
        Event::Phase(phase) => phase.to_string(),
        Event::StepBegan { number, title, .. } => format!("step {number} began: {title}"),
        Event::StepEnded { number, judgement } => {
            format!("step {number} ended: {}: {}", judgement.verdict, judgement.because)
        }
        Event::FaultInjected { title, seen, .. } => format!("fault {title}: {seen}"),
        Event::FaultHealed { fault, outcome: Outcome::Ok(how) } => format!("fault {fault} healed: {how}"),
        Event::FaultHealed { fault, outcome } => format!("fault {fault} not healed: {outcome}"),
        Event::Server { server, node: None, state } => format!("{server} {}", state_word(state)),
        Event::Server { server: _, node: Some(node), state } => format!("{node} {}", state_word(state)),
        Event::Running { server, product } => format!("{server} is {product}"),
        Event::RolledBack { since, from } => format!("rolled back from {from}: forgotten is what came after {since}"),
        Event::Note(text) | Event::CutShort { why: text, .. } => text.clone(),
        Event::HeldUp => "leaseproof itself was held up".to_owned(),
        Event::Issued { credential, role, outcome, token: _ } => format!("issue {credential} of {role}: {outcome}"),
        Event::Renewed { credential, increment, outcome } => match increment {
            Some(seconds) => format!("renew {credential} by {seconds}s: {outcome}"),
            None => format!("renew {credential}: {outcome}"),
        },
        Event::Revoked { what, force, outcome, .. } => {
            format!("{} {}: {outcome}", if *force { "revoke-force" } else { "revoke" }, revoked(what))
        }
        Event::LeaseRead { credential, outcome: Outcome::Ok(reply) } => {
            format!("lease of {credential}: ttl {}s", reply.body.ttl)
        }
        Event::LeaseRead { credential, outcome } => format!("lease of {credential}: {outcome}"),
        Event::LeasesListed { role, outcome: Outcome::Ok(reply) } => format!("{} leases of {role}", reply.body),
        Event::LeasesListed { role, outcome } => format!("leases of {role}: {outcome}"),
        Event::IrrevocableListed { credential, outcome: Outcome::Ok(reply) } => {
            format!("{credential} is {}irrevocable", if reply.body { "" } else { "not " })
        }
        Event::IrrevocableListed { credential, outcome } => format!("irrevocable leases, for {credential}: {outcome}"),
        Event::Token { token, act, outcome } => format!("token {token} {}: {outcome}", act_word(*act)),
        Event::StaticRead { role, outcome, login, .. } => match login {
            Some(login) => format!("read static {role}: {outcome}; login: {login}"),
            None => format!("read static {role}: {outcome}"),
        },
        Event::Rotated { what, root, outcome } => {
            format!("rotate {}{what}: {outcome}", if *root { "root of " } else { "" })
        }
        Event::Metric { name, outcome: Outcome::Ok(Some(value)) } => format!("metric {name} {value}"),
        Event::Metric { name, outcome: Outcome::Ok(None) } => format!("metric {name} is not there"),
        Event::CertificateRead { certificate, outcome: Outcome::Ok(read) } => {
            let state =
                |state: Option<CertificateState>| state.map_or_else(|| "not asked".to_owned(), |s| s.to_string());
            format!("certificate {certificate}: CRL {}, OCSP {}", state(read.crl), state(read.ocsp))
        }
        Event::CertificateRead { certificate, outcome } => format!("certificate {certificate}: {outcome}"),
        Event::AuditRead { device, outcome: Outcome::Ok(read) } => {
            format!("audit device {device}: {} entries, {} with a secret in clear", read.entries, read.in_clear)
        }
        Event::AuditRead { device, outcome } => format!("audit device {device}: {outcome}"),
        Event::Metric { name, outcome } => format!("metric {name}: {outcome}"),
        Event::Started { server, node, seen, .. } => match node {
            Some(node) => format!("start {node}: {seen}"),
            None => format!("start {server}: {seen}"),
        },
        Event::Health { node: Some(node), outcome: Outcome::Ok(status) } => format!("health of {node} {status}"),
        Event::Health { node: None, outcome: Outcome::Ok(status) } => format!("health {status}"),
        Event::Health { node: _, outcome } => format!("health: {outcome}"),
        Event::Api { method, path, outcome, .. } => format!("{method} {path}: {outcome}"),
        Event::Login { credential, outcome } => format!("login with {credential}: {}", accepted(outcome)),
        Event::Used { credential: Some(credential), outcome: Some(outcome) } => {
            format!(
                "use {credential}: {}",
                if outcome.ok().is_some() { "works".to_owned() } else { outcome.to_string() }
            )
        }
        Event::Used { .. } => "no credential to use".to_owned(),
        Event::PrincipalRead { credential, outcome: Outcome::Ok(user) } => {
            format!("user of {credential} {}", if user.is_some() { "is there" } else { "is gone" })
        }
        Event::PrincipalRead { credential, outcome } => format!("user of {credential}: {outcome}"),
        Event::SessionOpened { session, outcome, .. } => format!("open session {session}: {}", accepted(outcome)),
        Event::SessionUsed { session, answers, reads_table } => {
            format!("session {session} answers: {answers}; reads: {reads_table}")
        }
        Event::Sql { statement, outcome } => format!("sql {statement}: {outcome}"),
        Event::Consumer { consumer, state } => format!("consumer {consumer} {}", consumer_word(state)),
        Event::Held(Held { credential: Some(credential), outcome: Some(outcome), .. }) => {
            format!("login with {credential}: {}", accepted(outcome))
        }
        Event::Held(Held { consumer, lacks, .. }) => {
            format!("{consumer} holds no credential: {}", lacks.as_deref().unwrap_or("none was found"))
        }
        Event::Heard { heard: Heard::Asked { role, status }, count } => {
            format!("{count} times asked for a credential of {role}: {status}")
        }
        Event::Heard { heard: Heard::Requested { request, status }, count } => {
            format!("{count} times “{request}”: {status}")
        }
        Event::Heard { heard: Heard::LoggedIn { username, refused }, count } => match refused {
            Some(code) => format!("{count} logins of {username} refused: {code}"),
            None => format!("{count} logins of {username} accepted"),
        },
        Event::OutputSearched(searched) => format!(
            "{} bytes of what consumer {} wrote: {} secrets in it",
            searched.bytes,
            searched.consumer,
            searched.found.len()
        ),
        Event::Ledger(read) => {
            format!("ledger: {} at Vault, {} at the target", counted(&read.leases), counted(&read.principals))
        }
    }
}

fn accepted(outcome: &Outcome<()>) -> String {
    if outcome.ok().is_some() { "accepted".to_owned() } else { outcome.to_string() }
}

fn counted(names: &Outcome<Vec<String>>) -> String {
    names.ok().map_or_else(|| "unknown".to_owned(), |names| names.len().to_string())
}

fn revoked(what: &Revocation) -> String {
    match what {
        Revocation::Lease(credential) => credential.clone(),
        Revocation::Prefix(role) => format!("all of {role}"),
        Revocation::Token(token) => format!("token {token} and its tree"),
        Revocation::Orphaning(token) => format!("token {token} alone"),
    }
}

fn act_word(act: TokenAct) -> &'static str {
    match act {
        TokenAct::Made => "made",
        TokenAct::Renewed => "renewed",
        TokenAct::Read => "read",
    }
}

fn consumer_word(state: &ConsumerState) -> String {
    match state {
        ConsumerState::Started => "was started".to_owned(),
        ConsumerState::Ended { how, .. } => format!("ended by itself: {how}"),
        ConsumerState::Stopped => "was stopped".to_owned(),
    }
}

fn state_word(state: &ServerState) -> String {
    match state {
        ServerState::Ready => "is ready".to_owned(),
        ServerState::Stopped => "was stopped".to_owned(),
        ServerState::Killed => "was killed".to_owned(),
        ServerState::Paused => "hangs".to_owned(),
        ServerState::Resumed => "goes on".to_owned(),
        ServerState::Exited(how) => format!("ended by itself: {how}"),
    }
}
