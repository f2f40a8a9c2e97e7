//! What a look says of an expectation. One function for each kind; each knows only the entries of that look, and what the
//! history before it tells of leases and passwords.

use std::time::Duration;

use crate::event::{Entry, Event, LeaseState, Principal, Reply};
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::{
    ExpectAudit, ExpectCertificate, ExpectLease, ExpectLogin, ExpectMetric, ExpectPrincipal, ExpectSession,
    ExpectStaticRole, ExpectToken, HeldCredential, Sql, TtlRange,
};
use crate::scenario::one::Expected;

use super::lease::lives;
use super::timing::Reading;
use super::{answer, ledger};

/// How many entries one look at an expectation writes.
pub fn entries_per_look(expected: &Expected<'_>) -> usize {
    match expected {
        Expected::Lease(lease) => usize::from(asks_lookup(lease)) + usize::from(lease.irrevocable.is_some()),
        _ => 1,
    }
}

/// Whether an expectation of a lease needs a lookup.
pub fn asks_lookup(lease: &ExpectLease) -> bool {
    lease.gone.is_some() || lease.ttl.is_some() || lease.renewable.is_some()
}

/// Reads a look: the entries that it wrote, and the whole history up to it.
pub fn reading(expected: &Expected<'_>, look: &[Entry], history: &[Entry]) -> Reading {
    let Some(first) = look.first() else { return Reading::Unknown("nothing was looked at".to_owned()) };
    match expected {
        Expected::Lease(lease) => all(look.iter().map(|entry| of_lease(lease, &entry.event))),
        Expected::Leases(leases) => match &first.event {
            Event::LeasesListed { outcome, .. } => {
                known(outcome, |reply| yes_if(reply.body == *leases.count, format!("{} leases", reply.body)))
            }
            other => stranger(other),
        },
        Expected::Login(login) => of_login(login, &first.event),
        Expected::Principal(principal) => of_principal(principal, first, history),
        Expected::Session(session) => of_session(session, &first.event),
        Expected::Token(token) => of_token(token, &first.event),
        Expected::StaticRole(role) => of_static_role(role, first, history),
        Expected::Health(health) => match &first.event {
            Event::Health { outcome, .. } => {
                known(outcome, |status| yes_if(*status == *health.status, format!("health status {status}")))
            }
            other => stranger(other),
        },
        Expected::Metric(metric) => of_metric(metric, &first.event),
        Expected::Certificate(certificate) => of_certificate(certificate, &first.event),
        Expected::Audit(audit) => of_audit(audit, &first.event),
        Expected::Api(api) => answer::reading(api.answers.as_deref(), &first.event),
        Expected::Sql(sql) => of_sql(sql, &first.event),
        Expected::Consumer(consumer) => of_consumer(*consumer.credential, &first.event),
        Expected::Ledger(expected) => ledger::reading(**expected, first, history),
    }
}

fn of_consumer(wanted: HeldCredential, event: &Event) -> Reading {
    let Event::Held(held) = event else { return stranger(event) };
    let (is, seen) = match (&held.credential, &held.outcome) {
        (Some(credential), Some(Outcome::Ok(()))) => (HeldCredential::Works, format!("{credential} works")),
        (Some(credential), Some(Outcome::Refused(refusal))) if refusal.cause == Cause::Authentication => {
            (HeldCredential::Refused, format!("{credential} is {refusal}"))
        }
        (Some(credential), Some(outcome)) => return Reading::Unknown(format!("{credential}: {outcome}")),
        (Some(credential), None) => return Reading::Unknown(format!("{credential} was not tried")),
        (None, _) => {
            let why = held.lacks.as_deref().unwrap_or("none was found");
            (HeldCredential::None, format!("it holds none: {why}"))
        }
    };
    yes_if(is == wanted, seen)
}

/// Reads the answer to an SQL step.
pub fn of_sql(sql: &Sql, event: &Event) -> Reading {
    let Event::Sql { outcome, .. } = event else { return stranger(event) };
    match outcome {
        Outcome::Ok(cell) => {
            let seen = match (&sql.refused, cell) {
                (Some(_), _) => "it was done, and not refused".to_owned(),
                (None, Some(cell)) => format!("it returned {cell}"),
                (None, None) => "done".to_owned(),
            };
            let returned = sql.returns.as_ref().is_none_or(|wanted| Some(&wanted.value) == cell.as_ref());
            yes_if(sql.refused.is_none() && returned, seen)
        }
        Outcome::Refused(refusal)
            if says_nothing(refusal.cause) && sql.refused.map(|c| c.value) != Some(refusal.cause) =>
        {
            Reading::Unknown(refusal.to_string())
        }
        Outcome::Refused(refusal) => {
            yes_if(sql.refused.is_some_and(|cause| *cause == refusal.cause), refusal.to_string())
        }
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

fn of_certificate(certificate: &ExpectCertificate, event: &Event) -> Reading {
    let Event::CertificateRead { outcome, .. } = event else { return stranger(event) };
    known(outcome, |read| {
        let mut seen = Vec::new();
        seen.extend((!read.signed).then(|| "its issuer did not sign it".to_owned()));
        seen.extend(read.crl.map(|state| format!("by its CRL {state}")));
        seen.extend(read.ocsp.map(|state| format!("by OCSP {state}")));
        let ended = |ended: bool| if ended { "has ended" } else { "has not ended" };
        seen.push(format!("it {}, its authority {}", ended(read.expired), ended(read.authority_expired)));
        let is = |wanted: Option<crate::scenario::mark::Marked<bool>>, is: bool| wanted.is_none_or(|w| *w == is);
        let so = read.signed
            && certificate.crl.is_none_or(|wanted| Some(*wanted) == read.crl)
            && certificate.ocsp.is_none_or(|wanted| Some(*wanted) == read.ocsp)
            && is(certificate.expired, read.expired)
            && is(certificate.authority_expired, read.authority_expired);
        yes_if(so, seen.join(", "))
    })
}

fn of_audit(audit: &ExpectAudit, event: &Event) -> Reading {
    let Event::AuditRead { outcome, .. } = event else { return stranger(event) };
    known(outcome, |read| {
        let wanted = |wanted: Option<crate::scenario::mark::Marked<bool>>| wanted.is_some_and(|wanted| *wanted);
        let mut wrong = Vec::new();
        if wanted(audit.redacted) && read.in_clear > 0 {
            wrong.push(format!("{} lines hold a secret in clear", read.in_clear));
        }
        if wanted(audit.redacted) && read.entries == 0 {
            wrong.push("there is no entry".to_owned());
        }
        if wanted(audit.paired) && read.unanswered > 0 {
            wrong.push(format!("{} requests have no response", read.unanswered));
        }
        if read.hashed == Some(false) {
            wrong.push("the HMAC stands nowhere".to_owned());
        }
        if audit.has.is_some() && read.has == 0 {
            wrong.push("there is no such entry".to_owned());
        }
        if audit.lacks.is_some() && read.lacks > 0 {
            wrong.push(format!("there are {} such entries", read.lacks));
        }
        let entries = format!("{} entries", read.entries);
        if wrong.is_empty() {
            Reading::Yes(entries)
        } else {
            Reading::No(format!("{}, of {entries}", wrong.join("; ")))
        }
    })
}

fn of_metric(metric: &ExpectMetric, event: &Event) -> Reading {
    let Event::Metric { outcome, .. } = event else { return stranger(event) };
    known(outcome, |value| {
        let Some(value) = value else { return Reading::No("there is no such metric".to_owned()) };
        // Metrics are floating-point numbers; counts are exact in them far beyond what a run can reach.
        #[expect(clippy::cast_precision_loss, reason = "a bound is a count, far below 2^52")]
        let bound = |bound: Option<crate::scenario::mark::Marked<u64>>| bound.map(|bound| *bound as f64);
        let so = bound(metric.equals).is_none_or(|wanted| (value - wanted).abs() < f64::EPSILON)
            && bound(metric.at_least).is_none_or(|least| *value >= least)
            && bound(metric.at_most).is_none_or(|most| *value <= most);
        yes_if(so, format!("it is {value}"))
    })
}

fn of_lease(lease: &ExpectLease, event: &Event) -> Reading {
    match event {
        Event::LeaseRead { outcome, .. } => of_lease_state(lease, outcome),
        Event::IrrevocableListed { outcome, .. } => known(outcome, |reply| {
            let listed = if reply.body { "it is irrevocable" } else { "it is not irrevocable" };
            yes_if(lease.irrevocable.is_some_and(|wanted| *wanted == reply.body), listed.to_owned())
        }),
        other => stranger(other),
    }
}

fn of_lease_state(lease: &ExpectLease, outcome: &Outcome<Reply<LeaseState>>) -> Reading {
    let wants_gone = lease.gone.is_some_and(|gone| *gone);
    match outcome {
        Outcome::Ok(reply) => {
            let state = &reply.body;
            let so = !wants_gone
                && in_range(lease.ttl.map(|t| t.value), state.ttl)
                && lease.renewable.is_none_or(|renewable| *renewable == state.renewable);
            yes_if(so, format!("the lease is there, ttl {}s, renewable {}", state.ttl, state.renewable))
        }
        Outcome::Refused(refusal) if refusal.cause == Cause::InvalidLease => yes_if(wants_gone, refusal.to_string()),
        // Any other refusal speaks of Vault or of the token, not of the lease.
        Outcome::Refused(refusal) => Reading::Unknown(refusal.to_string()),
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

fn of_login(login: &ExpectLogin, event: &Event) -> Reading {
    let Event::Login { outcome, .. } = event else { return stranger(event) };
    match outcome {
        Outcome::Ok(()) => {
            yes_if(login.accepted.is_some_and(|accepted| *accepted), "the login was accepted".to_owned())
        }
        Outcome::Refused(refusal) => match login.refused {
            Some(cause) if *cause == refusal.cause => Reading::Yes(refusal.to_string()),
            // A server that is starting, stopping or full says nothing of the credential.
            _ if says_nothing(refusal.cause) => Reading::Unknown(refusal.to_string()),
            Some(_) => Reading::No(refusal.to_string()),
            None => yes_if(login.accepted.is_some_and(|accepted| !*accepted), refusal.to_string()),
        },
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

fn says_nothing(cause: Cause) -> bool {
    matches!(cause, Cause::Unavailable | Cause::TooManyConnections | Cause::RateLimited)
}

fn of_principal(expected: &ExpectPrincipal, entry: &Entry, history: &[Entry]) -> Reading {
    let Event::PrincipalRead { outcome, .. } = &entry.event else { return stranger(&entry.event) };
    match outcome {
        Outcome::Ok(principal) => {
            let exists = expected.exists.is_none_or(|exists| *exists == principal.is_some());
            let seen = if principal.is_some() { "the user is there" } else { "the user is not there" };
            match expected.valid_after_lease_end {
                None => yes_if(exists, seen.to_owned()),
                Some(range) if exists => of_valid_until(*range, principal.as_ref(), &expected.of, history),
                Some(_) => Reading::No(seen.to_owned()),
            }
        }
        Outcome::Refused(refusal) => Reading::Unknown(refusal.to_string()),
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

/// How long after the lease's end the target itself stops the user. Both ends are intervals: only when no reading of them
/// lies in the range is the answer no. The target writes whole seconds, so a second either way is allowed for.
fn of_valid_until(
    range: TtlRange,
    principal: Option<&Principal>,
    credential: &crate::scenario::word::Name,
    history: &[Entry],
) -> Reading {
    let Some(principal) = principal else { return Reading::No("the user is not there".to_owned()) };
    let Some(until) = principal.valid_until else { return Reading::No("the user has no VALID UNTIL".to_owned()) };
    let Some(end) = lives(history).get(credential.as_str()).and_then(super::lease::Life::end) else {
        return Reading::Unknown("the end of its lease is not known".to_owned());
    };
    let millis = |moment: crate::time::Moment| i64::try_from(moment.0 / 1_000).unwrap_or(i64::MAX);
    let shortest = millis(until) - millis(end.answered) - 1_000;
    let longest = millis(until) - millis(end.sent) + 1_000;
    let possible = range.at_least.is_none_or(|least| longest >= least.millis)
        && range.at_most.is_none_or(|most| shortest <= most.millis);
    yes_if(possible, format!("VALID UNTIL is {shortest} to {longest} ms after the lease's end"))
}

fn of_session(expected: &ExpectSession, event: &Event) -> Reading {
    let Event::SessionUsed { answers, reads_table, .. } = event else { return stranger(event) };
    let part = |wanted: Option<bool>, outcome: &Outcome<()>, what: &str| match (wanted, outcome) {
        (None, _) => None,
        (Some(wanted), Outcome::Ok(())) => Some(yes_if(wanted, format!("{what}: yes"))),
        (Some(wanted), Outcome::Refused(refusal)) => Some(yes_if(!wanted, format!("{what}: {refusal}"))),
        // A connection that is gone is what `alive: false` asks for; of the table it says nothing.
        (Some(wanted), Outcome::Unknown(unknown)) => Some(match unknown.why {
            crate::outcome::Silence::Lost if what == "alive" => yes_if(!wanted, format!("{what}: {unknown}")),
            _ => Reading::Unknown(format!("{what}: {unknown}")),
        }),
    };
    let alive = part(expected.alive.map(|v| *v), answers, "alive");
    let reads = part(expected.reads_table.map(|v| *v), reads_table, "reads the table");
    all(alive.into_iter().chain(reads))
}

fn of_token(expected: &ExpectToken, event: &Event) -> Reading {
    let Event::Token { outcome, .. } = event else { return stranger(event) };
    let wants_alive = expected.alive.is_none_or(|alive| *alive);
    match outcome {
        Outcome::Ok(reply) => {
            let ttl = i64::try_from(reply.body.ttl).unwrap_or(i64::MAX);
            yes_if(
                wants_alive && in_range(expected.ttl.map(|t| t.value), ttl),
                format!("the token is alive, ttl {ttl}s"),
            )
        }
        Outcome::Refused(refusal) if refusal.cause == Cause::PermissionDenied => {
            yes_if(!wants_alive, refusal.to_string())
        }
        Outcome::Refused(refusal) => Reading::Unknown(refusal.to_string()),
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

fn of_static_role(expected: &ExpectStaticRole, look: &Entry, history: &[Entry]) -> Reading {
    let Event::StaticRead { outcome, login, rotated_meanwhile, .. } = &look.event else { return stranger(&look.event) };
    let reply = match outcome {
        Outcome::Ok(reply) => reply,
        Outcome::Refused(refusal) if answer::is_trouble(refusal.cause) => return Reading::Unknown(refusal.to_string()),
        Outcome::Refused(refusal) => return Reading::No(refusal.to_string()),
        Outcome::Unknown(unknown) => return Reading::Unknown(unknown.to_string()),
    };
    let now = &reply.body;
    let kept = |name: &crate::scenario::word::Name| {
        history.iter().rev().find_map(|entry| match &entry.event {
            Event::StaticRead { kept_as: Some(kept), outcome: Outcome::Ok(reply), .. } if kept == name.as_str() => {
                Some(reply.body.fingerprint.clone())
            }
            _ => None,
        })
    };
    let mut parts = Vec::new();
    for (name, wants_same) in [(&expected.same_as, true), (&expected.changed_since, false)] {
        let Some(name) = name else { continue };
        parts.push(match kept(name) {
            Some(old) => {
                let same = old == now.fingerprint;
                let words = if same { "the same password as" } else { "another password than" };
                yes_if(same == wants_same, format!("{words} {}", **name))
            }
            None => Reading::Unknown(format!("no password was kept as {}", **name)),
        });
    }
    if let Some(range) = expected.ttl {
        parts.push(yes_if(range.holds(now.ttl), format!("ttl {}s", now.ttl)));
    }
    if let Some(wanted) = expected.logs_in {
        parts.push(match login {
            Some(Outcome::Ok(())) => yes_if(*wanted, "its password logs in".to_owned()),
            Some(Outcome::Refused(refusal)) if refusal.cause == Cause::Authentication => {
                // The read and the login are two calls: a rotation that fell due between them accuses nobody.
                let due = look.at.sent.plus(Duration::from_secs(now.ttl.try_into().unwrap_or_default()));
                if look.at.answered < due || *rotated_meanwhile == Some(false) {
                    yes_if(!*wanted, format!("its password is {refusal}"))
                } else {
                    Reading::Unknown("its password may have been rotated between the read and the login".to_owned())
                }
            }
            Some(other) => Reading::Unknown(format!("a login with its password: {other}")),
            None => Reading::Unknown("no login was tried".to_owned()),
        });
    }
    all(parts)
}

fn in_range(range: Option<TtlRange>, seconds: i64) -> bool {
    range.is_none_or(|range| range.holds(seconds))
}

fn known<T>(outcome: &Outcome<T>, read: impl FnOnce(&T) -> Reading) -> Reading {
    match outcome {
        Outcome::Ok(reply) => read(reply),
        Outcome::Refused(refusal) => Reading::Unknown(refusal.to_string()),
        Outcome::Unknown(unknown) => Reading::Unknown(unknown.to_string()),
    }
}

pub(super) fn yes_if(so: bool, seen: String) -> Reading {
    if so { Reading::Yes(seen) } else { Reading::No(seen) }
}

fn stranger(event: &Event) -> Reading {
    Reading::Unknown(format!("this look saw something else: {event:?}"))
}

/// All parts must be so: a No beats an Unknown beats a Yes.
fn all(parts: impl IntoIterator<Item = Reading>) -> Reading {
    let (mut yes, mut no, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part {
            Reading::Yes(text) => yes.push(text),
            Reading::No(text) => no.push(text),
            Reading::Unknown(text) => unknown.push(text),
        }
    }
    match (no.is_empty(), unknown.is_empty()) {
        (false, _) => Reading::No(no.join("; ")),
        (true, false) => Reading::Unknown(unknown.join("; ")),
        (true, true) => Reading::Yes(yes.join("; ")),
    }
}
