//! What must hold during the whole run.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Nothing;
use crate::scenario::mark::Marked;
use crate::scenario::word::{Length, Name};

/// What must hold during the whole run. Exactly one of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Always {
    /// A client is never longer without a credential that works.
    #[serde(default)]
    pub credential_gap: Option<Marked<CredentialGap>>,
    /// No credential is refused while its lease is alive and nobody revoked it.
    #[serde(default)]
    pub no_early_death: Option<Marked<Nothing>>,
    /// No credential logs in long after it was revoked or its lease ended.
    #[serde(default)]
    pub no_zombie: Option<Marked<NoZombie>>,
    /// With any of them: the promises that it judges. Left out: all of the scenario's.
    #[serde(default)]
    pub cites: Option<Vec<Marked<String>>>,
}

/// A client is never longer without a credential that works.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialGap {
    /// The client.
    pub client: Marked<Name>,
    /// How long a gap may be.
    pub at_most: Marked<Length>,
}

/// No credential logs in long after its end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoZombie {
    /// How long after its end a login may still work: 10s when left out (PostgreSQL's VALID UNTIL is 5s after).
    #[serde(default)]
    pub grace: Option<Marked<Length>>,
}
