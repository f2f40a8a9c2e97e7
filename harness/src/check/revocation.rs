//! Whether a credential still worked after its end.

use std::time::Duration;

use super::fault_windows;
use super::lease::{lives, login};
use crate::event::{Entry, Part};
use crate::outcome::{Cause, Judgement, Outcome};
use crate::scenario::word::Length;
use crate::time::Interval;

/// How long after its end a login may still work: "within a few seconds", and PostgreSQL's own end is 5 s after the lease.
pub const GRACE: Duration = Duration::from_secs(10);

/// No credential logs in longer than `grace` after it was surely over, unless a fault was in the way of its revocation at
/// any time since: then the server's retry decides, and the scenario's own expectations judge that.
/// Source: developer.hashicorp.com/vault/docs/concepts/lease
pub fn no_zombie(history: &[Entry], grace: Duration) -> Judgement {
    let lives = lives(history);
    let in_the_way = fault_windows(history, hinders);
    let mut watched = 0_usize;
    for entry in history {
        let Some((credential, outcome)) = login(&entry.event) else { continue };
        let Some(over) = lives.get(credential).and_then(|life| life.over_since(entry.at)) else { continue };
        // Refused after its end: it is dead, however soon that was.
        if outcome.refusal().is_some_and(|refusal| refusal.cause == Cause::Authentication) {
            watched += 1;
            continue;
        }
        let since_over = Interval::new(over, entry.at.answered);
        if entry.at.sent <= over.plus(grace) || in_the_way.iter().any(|window| window.overlaps(since_over)) {
            continue;
        }
        if matches!(outcome, Outcome::Ok(())) {
            let late = Length(entry.at.sent.since(over));
            return Judgement::violated(
                format!("{credential} logged in {late} after its end at {over}"),
                vec![entry.seq],
            );
        }
    }
    if watched == 0 {
        return Judgement::inconclusive("no login with a credential that was surely over was seen", Vec::new());
    }
    Judgement::held(format!("{watched} logins with credentials that were surely over, all refused"), Vec::new())
}

/// Whether a fault could keep Vault from revoking: one on Vault, the target, the link between them, or Vault's own user.
pub(super) fn hinders(part: &Part) -> bool {
    match part {
        Part::Vault | Part::Postgres | Part::Mysql | Part::Aws | Part::Root | Part::Credential(_) | Part::Role(_) => {
            true
        }
        Part::Link { to, .. } => *to != crate::scenario::file::Endpoint::Vault,
        Part::Client(_) | Part::Node(_) | Part::Transit => false,
    }
}
