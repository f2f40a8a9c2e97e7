//! What a scenario expects, step by step.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Api, ExpectAudit, ExpectCertificate, Node, Sql, TtlRange};
use crate::outcome::Cause;
use crate::scenario::mark::Marked;
use crate::scenario::word::{Name, Ref};

/// Something that must be so. Exactly one of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// What Vault says of a lease.
    #[serde(default)]
    pub lease: Option<Marked<ExpectLease>>,
    /// How many leases Vault lists for a role.
    #[serde(default)]
    pub leases: Option<Marked<ExpectLeases>>,
    /// What a login, straight at the target, comes to.
    #[serde(default)]
    pub login: Option<Marked<ExpectLogin>>,
    /// What the target says of a credential's user.
    #[serde(default)]
    pub principal: Option<Marked<ExpectPrincipal>>,
    /// What an open session can still do.
    #[serde(default)]
    pub session: Option<Marked<ExpectSession>>,
    /// What Vault says of a token.
    #[serde(default)]
    pub token: Option<Marked<ExpectToken>>,
    /// What Vault says of a static role.
    #[serde(default)]
    pub static_role: Option<Marked<ExpectStaticRole>>,
    /// The status code of `sys/health`.
    #[serde(default)]
    pub health: Option<Marked<ExpectHealth>>,
    /// What Vault's own metrics say.
    #[serde(default)]
    pub metric: Option<Marked<ExpectMetric>>,
    /// What an audit device has taken.
    #[serde(default)]
    pub audit: Option<Marked<ExpectAudit>>,
    /// What a certificate is to whoever relies on it: its issuer's CRL and OCSP responder are asked.
    #[serde(default)]
    pub certificate: Option<Marked<ExpectCertificate>>,
    /// Any call of Vault's API, repeated until it answers so.
    #[serde(default)]
    pub api: Option<Marked<Api>>,
    /// Any SQL, repeated until it answers so.
    #[serde(default)]
    pub sql: Option<Marked<Sql>>,
    /// What a consumer holds, tried straight at the target.
    #[serde(default)]
    pub consumer: Option<Marked<ExpectConsumer>>,
    /// Vault's leases, the target's users and the clients' credentials, held against each other.
    #[serde(default)]
    pub ledger: Option<Marked<ExpectLedger>>,
}

/// What a consumer holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectConsumer {
    /// The consumer.
    pub of: Marked<Name>,
    /// What comes of a login with the credential that it holds.
    pub credential: Marked<HeldCredential>,
}

/// What comes of a login with what a consumer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldCredential {
    /// It is let in.
    Works,
    /// The database refuses it: it is no good, or no more.
    Refused,
    /// It holds none.
    None,
}

impl fmt::Display for HeldCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Works => "a credential that works",
            Self::Refused => "a credential that is refused",
            Self::None => "no credential",
        })
    }
}

/// What Vault says of a lease (`sys/leases/lookup`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectLease {
    /// The credential.
    pub of: Marked<Name>,
    /// `true`: Vault no longer knows the lease (400 `invalid lease`). `false`: it does.
    #[serde(default)]
    pub gone: Option<Marked<bool>>,
    /// Its remaining TTL; below zero when its revocation is overdue.
    #[serde(default)]
    pub ttl: Option<Marked<TtlRange>>,
    /// Whether it can be renewed.
    #[serde(default)]
    pub renewable: Option<Marked<bool>>,
    /// Whether it is listed as irrevocable.
    #[serde(default)]
    pub irrevocable: Option<Marked<bool>>,
}

/// How many leases Vault lists for a role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectLeases {
    /// The dynamic role.
    pub of: Marked<Ref>,
    /// Exactly so many.
    pub count: Marked<u32>,
}

/// What a login, straight at the target, comes to (exactly one of the two).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectLogin {
    /// The credential, or the static role's password that a `read` step kept.
    pub with: Marked<Name>,
    /// `true`: it is let in.
    #[serde(default)]
    pub accepted: Option<Marked<bool>>,
    /// It is refused for this cause. A server that cannot be reached never satisfies this.
    #[serde(default)]
    pub refused: Option<Marked<Cause>>,
}

/// What the target says of a credential's user.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectPrincipal {
    /// The credential.
    pub of: Marked<Name>,
    /// Whether it is there.
    #[serde(default)]
    pub exists: Option<Marked<bool>>,
    /// How long after the lease's end the server itself stops it (`VALID UNTIL`).
    #[serde(default)]
    pub valid_after_lease_end: Option<Marked<TtlRange>>,
}

/// What an open session can still do (at least one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectSession {
    /// The session.
    pub of: Marked<Name>,
    /// `true`: the connection still answers `select 1`.
    #[serde(default)]
    pub alive: Option<Marked<bool>>,
    /// `true`: it can read the application's table. `false`: that is refused.
    #[serde(default)]
    pub reads_table: Option<Marked<bool>>,
}

/// What Vault says of a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectToken {
    /// The token.
    pub of: Marked<Name>,
    /// `true`: `lookup-self` answers; `false`: 403.
    #[serde(default)]
    pub alive: Option<Marked<bool>>,
    /// Its remaining TTL.
    #[serde(default)]
    pub ttl: Option<Marked<TtlRange>>,
}

/// What Vault says of a static role (`static-creds`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectStaticRole {
    /// The static role.
    pub of: Marked<Ref>,
    /// Its password is another than this `read` step kept.
    #[serde(default)]
    pub changed_since: Option<Marked<Name>>,
    /// Its password is still the one that this `read` step kept.
    #[serde(default)]
    pub same_as: Option<Marked<Name>>,
    /// Time to the next rotation.
    #[serde(default)]
    pub ttl: Option<Marked<TtlRange>>,
    /// `true`: the password that Vault answers logs in, straight at the target.
    #[serde(default)]
    pub logs_in: Option<Marked<bool>>,
}

/// The status code of `sys/health`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectHealth {
    /// 200 active, 429 standby, 501 not initialised, 503 sealed.
    pub status: Marked<u16>,
    /// The node of a Vault cluster to ask; the active one when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
}

/// A metric of `sys/metrics`, summed over its labels (at least one of the bounds).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectMetric {
    /// Its name as Prometheus has it, such as `vault_expire_num_leases`.
    pub name: Marked<String>,
    /// It is exactly so much.
    #[serde(default)]
    pub equals: Option<Marked<u64>>,
    /// It is at least so much.
    #[serde(default)]
    pub at_least: Option<Marked<u64>>,
    /// It is at most so much. A metric that is not there says nothing.
    #[serde(default)]
    pub at_most: Option<Marked<u64>>,
    /// The node of a Vault cluster to ask; the active one when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
}

/// Vault's leases, the target's users and what clients hold, held against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExpectLedger {
    /// Every lease has its user, every user its lease.
    Reconciled,
    /// At least one user that Vault knows nothing of.
    Orphans,
    /// At least one lease whose user is gone.
    EarlyDeaths,
}
