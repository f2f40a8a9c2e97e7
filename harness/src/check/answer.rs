//! Whether a call was answered as a step demands. A step that demands nothing demands success.

use std::collections::BTreeMap;

use crate::event::{Entry, Event, FieldRead, Reply};
use crate::outcome::{Cause, Outcome, Refusal};
use crate::scenario::file::{Answer, TtlRange};

use super::lease::lives;
use super::timing::Reading;

/// What there is to say of any answer of Vault.
struct Given<'a> {
    status: Option<u16>,
    warnings: &'a [String],
    refusal: Option<&'a Refusal>,
    ttl: Option<i64>,
    renewable: Option<bool>,
    data: Option<bool>,
    fields: Option<&'a BTreeMap<String, FieldRead>>,
    not_kept: &'a [String],
}

/// Reads an event as the answer to a step.
pub fn reading(demand: Option<&Answer>, event: &Event) -> Reading {
    match given(event) {
        Ok(given) => match demand {
            _ if given.refusal.is_some_and(|refusal| is_trouble(refusal.cause))
                && demand.is_none_or(|demand| demand.served.is_none())
                && demand.and_then(|demand| demand.status).is_none_or(|status| Some(*status) != given.status) =>
            {
                Reading::Unknown(given.refusal.map_or_else(String::new, ToString::to_string))
            }
            Some(demand) => compare(demand, &given),
            None => match given.refusal {
                None if !given.not_kept.is_empty() => Reading::No(nothing_to_keep(given.not_kept)),
                None => Reading::Yes("done".to_owned()),
                Some(refusal) => Reading::No(format!("expected success, but {refusal}")),
            },
        },
        Err(why) if demand.is_some_and(|demand| demand.lost.is_some()) => Reading::Yes(why),
        Err(why) => Reading::Unknown(why),
    }
}

/// Whether a refusal tells of the server's own trouble and nothing of what was asked: a quota, a standby, a failure inside
/// of it. No page promises that these never happen, so they break no promise unless a step asks for their very status, or
/// says that what it asks for is served.
pub(crate) fn is_trouble(cause: Cause) -> bool {
    matches!(cause, Cause::RateLimited | Cause::Standby | Cause::Internal)
}

/// Reads a renewal's answer once more: whatever a step demands, the lease that was renewed keeps its ID. Of a lease whose ID
/// was never seen that cannot be said.
pub fn keeps_its_id(event: &Event, history: &[Entry]) -> Option<Reading> {
    let Event::Renewed { credential, outcome: Outcome::Ok(reply), .. } = event else { return None };
    let Some(life) = lives(history).remove(credential) else {
        return Some(Reading::Unknown(format!("it was renewed, and which lease {credential} had is not known")));
    };
    let named = &reply.body.lease_id;
    (*named != life.lease_id)
        .then(|| Reading::No(format!("expected the ID of the lease to stay {}, but it is now {named}", life.lease_id)))
}

/// Whether a call was refused, by Vault or by the target.
pub fn is_refusal(event: &Event) -> bool {
    match event {
        Event::SessionOpened { outcome, .. } => outcome.refusal().is_some(),
        Event::Sql { outcome, .. } => outcome.refusal().is_some(),
        other => given(other).is_ok_and(|given| given.refusal.is_some()),
    }
}

fn given(event: &Event) -> Result<Given<'_>, String> {
    match event {
        Event::Issued { outcome, .. } => of(outcome, |g, lease| {
            g.ttl = i64::try_from(lease.ttl).ok();
            g.renewable = Some(lease.renewable);
        }),
        Event::Renewed { outcome, .. } => of(outcome, |g, renewal| {
            g.ttl = i64::try_from(renewal.ttl).ok();
            g.renewable = Some(renewal.renewable);
            g.data = Some(renewal.data);
        }),
        Event::Token { outcome, .. } => of(outcome, |g, token| {
            g.ttl = i64::try_from(token.ttl).ok();
            g.renewable = Some(token.renewable);
        }),
        Event::StaticRead { outcome, .. } => of(outcome, |g, password| g.ttl = Some(password.ttl)),
        Event::Revoked { outcome, .. } | Event::Rotated { outcome, .. } => of(outcome, |_, ()| {}),
        Event::Api { outcome, fields, not_kept, .. } => {
            let given = of(outcome, |_, ()| {})?;
            Ok(Given { fields: Some(fields), not_kept, ..given })
        }
        _ => Err("this is not an answer of Vault".to_owned()),
    }
}

fn of<'a, T>(outcome: &'a Outcome<Reply<T>>, fill: impl FnOnce(&mut Given<'a>, &T)) -> Result<Given<'a>, String> {
    let nothing = Given {
        status: None,
        warnings: &[],
        refusal: None,
        ttl: None,
        renewable: None,
        data: None,
        fields: None,
        not_kept: &[],
    };
    match outcome {
        Outcome::Ok(reply) => {
            let mut given = Given { status: Some(reply.status), warnings: &reply.warnings, ..nothing };
            fill(&mut given, &reply.body);
            Ok(given)
        }
        Outcome::Refused(refusal) => Ok(Given { status: refusal.code.parse().ok(), refusal: Some(refusal), ..nothing }),
        Outcome::Unknown(unknown) => Err(unknown.to_string()),
    }
}

fn compare(demand: &Answer, given: &Given<'_>) -> Reading {
    let seen = match given.refusal {
        Some(refusal) => refusal.to_string(),
        None => format!("done ({}{})", given.status.unwrap_or_default(), warned(given.warnings)),
    };
    let wants_refusal = demand.refused.is_some() || demand.error.is_some() || demand.target_code.is_some();
    let status_says_refusal = demand.status.is_some_and(|status| *status >= 400);
    let mut wrong = Vec::new();
    if demand.lost.is_some() {
        wrong.push("no answer".to_owned());
    }
    if wants_refusal && given.refusal.is_none() {
        wrong.push("a refusal".to_owned());
    }
    if let (false, false, Some(_)) = (wants_refusal, status_says_refusal, given.refusal) {
        wrong.push("success".to_owned());
    }
    if let Some(status) = demand.status.filter(|status| Some(**status) != given.status) {
        wrong.push(format!("status {}", *status));
    }
    if let Some(refusal) = given.refusal {
        wrong.extend(
            demand.refused.filter(|cause| **cause != refusal.cause).map(|cause| format!("refused: {}", *cause)),
        );
        let code =
            |code: &&crate::scenario::mark::Marked<String>| refusal.target_code.as_deref() != Some(code.as_str());
        wrong.extend(demand.target_code.as_ref().filter(code).map(|code| format!("target code {}", **code)));
        let text = |text: &&crate::scenario::mark::Marked<String>| !contains(&refusal.message, text);
        wrong.extend(demand.error.as_ref().filter(text).map(|text| format!("an error with “{}”", **text)));
    } else {
        let warning = |w: &&crate::scenario::mark::Marked<String>| !given.warnings.iter().any(|said| contains(said, w));
        wrong.extend(demand.warning.as_ref().filter(warning).map(|text| format!("a warning with “{}”", **text)));
        wrong.extend(demand.ttl.filter(|range| !given.ttl.is_some_and(|ttl| range.holds(ttl))).map(|range| {
            format!("ttl {}, not {}", *range, given.ttl.map_or_else(|| "none".to_owned(), |ttl| format!("{ttl}s")))
        }));
        let differs = |demand: Option<bool>, given: Option<bool>| demand.is_some() && demand != given;
        if differs(demand.renewable.map(|v| *v), given.renewable) {
            wrong.push(format!("renewable: {}", !given.renewable.unwrap_or_default()));
        }
        if differs(demand.data.map(|v| *v), given.data) {
            wrong.push(format!("data: {}", !given.data.unwrap_or_default()));
        }
    }
    for (way, field) in demand.fields.iter() {
        wrong.extend(field.wrong(way, given.fields.and_then(|fields| fields.get(way.as_str()))));
    }
    if !given.not_kept.is_empty() {
        return Reading::No(nothing_to_keep(given.not_kept));
    }
    if wrong.is_empty() {
        Reading::Yes(seen)
    } else {
        Reading::No(format!("expected {}, but {seen}", wrong.join(" and ")))
    }
}

fn nothing_to_keep(names: &[String]) -> String {
    format!("the answer holds nothing to keep as {}", names.join(", "))
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

fn warned(warnings: &[String]) -> String {
    if warnings.is_empty() { String::new() } else { format!(", warning: {}", warnings.join("; ")) }
}

impl TtlRange {
    /// Whether a TTL in whole seconds lies in it. Vault cuts fractions off, so 59 may stand for 59.999.
    pub fn holds(&self, seconds: i64) -> bool {
        let millis = seconds.saturating_mul(1_000);
        self.at_least.is_none_or(|least| millis >= least.millis)
            && self.at_most.is_none_or(|most| millis <= most.millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Actor, Revocation};
    use crate::outcome::Unknown;
    use crate::scenario::mark::{Marked, Place};
    use crate::tape::{Tape, issued, renewed};

    fn revoked(outcome: Outcome<Reply<()>>) -> Event {
        Event::Revoked { what: Revocation::Lease("c".into()), sync: None, force: false, outcome }
    }

    fn refused(cause: Cause) -> Outcome<Reply<()>> {
        Outcome::Refused(Refusal { cause, code: "400".into(), message: "failed to revoke".into(), target_code: None })
    }

    fn done() -> Outcome<Reply<()>> {
        Outcome::Ok(Reply { status: 204, warnings: Vec::new(), body: () })
    }

    fn marked<T>(value: T) -> Marked<T> {
        Marked { value, at: Place::default() }
    }

    #[test]
    fn a_step_that_demands_nothing_demands_success() {
        assert!(matches!(reading(None, &revoked(done())), Reading::Yes(_)));
        assert!(matches!(reading(None, &revoked(refused(Cause::TargetUnreachable))), Reading::No(_)));
    }

    #[test]
    fn a_refusal_for_another_cause_is_not_the_one_demanded() {
        let demand = Answer { refused: Some(marked(Cause::TargetUnreachable)), ..Answer::default() };
        assert!(matches!(reading(Some(&demand), &revoked(refused(Cause::TargetUnreachable))), Reading::Yes(_)));
        assert!(matches!(reading(Some(&demand), &revoked(refused(Cause::PermissionDenied))), Reading::No(_)));
        assert!(matches!(reading(Some(&demand), &revoked(done())), Reading::No(_)));
    }

    #[test]
    fn a_server_in_trouble_breaks_no_promise_unless_the_step_asks_for_its_very_status_or_to_be_served() {
        for cause in [Cause::RateLimited, Cause::Standby, Cause::Internal] {
            let trouble = revoked(refused(cause));
            assert!(matches!(reading(None, &trouble), Reading::Unknown(_)), "{cause}");
            let done = Answer { status: Some(marked(204)), ..Answer::default() };
            assert!(matches!(reading(Some(&done), &trouble), Reading::Unknown(_)), "{cause}");
            let served = Answer { served: Some(marked(true)), ..Answer::default() };
            assert!(matches!(reading(Some(&served), &trouble), Reading::No(_)), "{cause}");
            let so = Answer { status: Some(marked(400)), refused: Some(marked(cause)), ..Answer::default() };
            assert!(matches!(reading(Some(&so), &trouble), Reading::Yes(_)), "{cause}");
            let otherwise =
                Answer { status: Some(marked(400)), refused: Some(marked(Cause::Tainted)), ..Answer::default() };
            assert!(matches!(reading(Some(&otherwise), &trouble), Reading::No(_)), "{cause}");
        }
    }

    #[test]
    fn a_renewal_that_names_another_lease_is_not_as_promised() {
        let mut tape = Tape::default();
        tape.put((0, 10), Actor::Operator, None, issued("cred", 60));
        let history = tape.entries();
        assert_eq!(keeps_its_id(&renewed("cred", 60), &history), None);
        let mut other = renewed("cred", 60);
        if let Event::Renewed { outcome: Outcome::Ok(reply), .. } = &mut other {
            "database/creds/app/another".clone_into(&mut reply.body.lease_id);
        }
        assert!(matches!(keeps_its_id(&other, &history), Some(Reading::No(_))));
        assert!(matches!(keeps_its_id(&other, &[]), Some(Reading::Unknown(_))));
    }

    #[test]
    fn a_status_of_success_is_not_met_by_a_refusal_and_a_missing_answer_by_neither() {
        let demand = Answer { status: Some(marked(202)), ..Answer::default() };
        assert!(matches!(reading(Some(&demand), &revoked(done())), Reading::No(_)));
        let silence = revoked(Outcome::Unknown(Unknown::deadline(std::time::Duration::from_secs(1))));
        assert!(matches!(reading(Some(&demand), &silence), Reading::Unknown(_)));
        assert!(matches!(reading(None, &silence), Reading::Unknown(_)));
    }
}
