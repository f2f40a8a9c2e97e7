//! The secrets engines and auth methods: how each is mounted and written, as the scenario says.

pub mod approle;
pub mod database;

use crate::event::Reply;
use crate::outcome::Outcome;
use crate::service::Seen;

/// A setting that Vault did not take before the first step. The environment is at fault, or the scenario's own SQL.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot set up {what}: {why}")]
pub struct SetupError {
    /// What was being written.
    pub what: String,
    /// What Vault answered.
    pub why: String,
}

/// Goes on only if Vault did it.
pub(crate) fn must<T>(what: &str, seen: Seen<Reply<T>>) -> Result<T, SetupError> {
    match seen.outcome {
        Outcome::Ok(reply) => Ok(reply.body),
        no => Err(SetupError { what: what.to_owned(), why: no.to_string() }),
    }
}
