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
    /// A client or consumer is never longer without a credential that works.
    #[serde(default)]
    pub credential_gap: Option<Marked<WithoutCredential>>,
    /// After a fault is healed, a client or consumer has a credential that works again within this time.
    #[serde(default)]
    pub recovers_within: Option<Marked<WithoutCredential>>,
    /// A consumer takes no more credentials than this in any minute, as heard on its link.
    #[serde(default)]
    pub minted_per_minute: Option<Marked<MintedPerMinute>>,
    /// A consumer makes a request again and again, so far apart, as heard on its link.
    #[serde(default)]
    pub asks_every: Option<Marked<AsksEvery>>,
    /// A consumer stops using a credential once the database has refused it.
    #[serde(default)]
    pub no_dead_credential: Option<Marked<NoDeadCredential>>,
    /// A consumer writes no secret to its output or its log files.
    #[serde(default)]
    pub no_secret_in_log: Option<Marked<OfConsumer>>,
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

/// How long a client or a consumer may be without a credential that works.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithoutCredential {
    /// The client.
    #[serde(default)]
    pub client: Option<Marked<Name>>,
    /// Or the consumer.
    #[serde(default)]
    pub consumer: Option<Marked<Name>>,
    /// How long. A recovery counts from a fault's healing, and from the last one where faults follow each other.
    pub at_most: Marked<Length>,
}

/// How many credentials a consumer takes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MintedPerMinute {
    /// The consumer. No other consumer, client or step may take credentials from its roles.
    pub consumer: Marked<Name>,
    /// How many in any minute.
    pub at_most: Marked<u32>,
}

/// How far apart a consumer makes a request that is answered as it wants: an agent's renewals, say.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AsksEvery {
    /// The consumer. It must be the only one, and there may be no client: on a link they share nobody can tell whose a
    /// request is.
    pub consumer: Marked<Name>,
    /// A regular expression that method and path of the request match: `(PUT|POST) /v1/sys/leases/renew$`.
    pub request: Marked<String>,
    /// How much time lies between two of them at least.
    pub at_least: Marked<Length>,
    /// How much at most.
    pub at_most: Marked<Length>,
}

/// A consumer stops using a credential once it was refused.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoDeadCredential {
    /// The consumer.
    pub consumer: Marked<Name>,
    /// How long after the first refusal it may still try: 5s when left out.
    #[serde(default)]
    pub grace: Option<Marked<Length>>,
}

/// One consumer.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OfConsumer {
    /// The consumer.
    pub consumer: Marked<Name>,
}

/// No credential logs in long after its end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoZombie {
    /// How long after its end a login may still work: 10s when left out (PostgreSQL's VALID UNTIL is 5s after).
    #[serde(default)]
    pub grace: Option<Marked<Length>>,
}

impl WithoutCredential {
    /// Of whom it speaks, in words.
    pub fn who(&self) -> String {
        match (&self.client, &self.consumer) {
            (Some(client), _) => format!("client {}", **client),
            (None, Some(consumer)) => format!("consumer {}", **consumer),
            (None, None) => "nobody".to_owned(),
        }
    }
}
