//! What events tell of answers, leases, tokens, users and ledgers: enough to judge them by, and no secret.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;
use crate::scenario::file::CertificateState;
use crate::time::Moment;

/// What Vault answered: the status, its warnings, and what the call was for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reply<T> {
    /// The HTTP status.
    pub status: u16,
    /// `warnings` of the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The part that matters.
    pub body: T,
}

/// What was seen of a field of an answer: just enough to judge it. A kept value stands by its name, `{{serial}}`; a value
/// that may be secret does not stand at all.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldRead {
    /// Whether it was there, and not null.
    pub present: bool,
    /// Its value, where it is compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// The members of a list or the keys of a mapping, where they are asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<serde_json::Value>>,
    /// How many members it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Whether the part that is asked for is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<bool>,
}

/// What a certificate is to whoever relies on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CertificateRead {
    /// Whether its issuer signed it.
    pub signed: bool,
    /// Whether it has ended.
    pub expired: bool,
    /// Whether its issuer's certificate has ended.
    pub authority_expired: bool,
    /// What the CRL says, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl: Option<CertificateState>,
    /// What the OCSP responder says, where that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocsp: Option<CertificateState>,
}

/// What stands in what an audit device has taken, without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditRead {
    /// How many entries it has.
    pub entries: usize,
    /// Lines in which a secret stands in clear.
    pub in_clear: usize,
    /// Requests whose response it has not.
    pub unanswered: usize,
    /// Whether the HMAC that was asked for stands in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hashed: Option<bool>,
    /// Entries that are to be there.
    pub has: usize,
    /// Entries that are not to be there.
    pub lacks: usize,
}

/// A new lease and the user behind it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lease {
    /// Its id.
    pub lease_id: String,
    /// By what the target knows it: a database user, or the id of an access key. Empty for a session of STS.
    pub username: String,
    /// `lease_duration`, in seconds.
    pub ttl: u64,
    /// `renewable`.
    pub renewable: bool,
}

/// What a renewal answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Renewal {
    /// Its id: documented to stay the same.
    pub lease_id: String,
    /// `lease_duration`, in seconds from now.
    pub ttl: u64,
    /// `renewable`.
    pub renewable: bool,
    /// Whether `data` came with it: documented not to.
    pub data: bool,
}

/// What a lookup says of a lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeaseState {
    /// Remaining TTL in seconds; negative when the revocation is overdue.
    pub ttl: i64,
    /// `renewable`.
    pub renewable: bool,
}

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// The lease of a credential.
    Lease(String),
    /// Every lease of a role.
    Prefix(String),
    /// A token and its tree, by token or accessor.
    Token(String),
    /// A token alone.
    Orphaning(String),
}

/// What is done with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenAct {
    /// Made by a step, or by logging in.
    Made,
    /// Renewed.
    Renewed,
    /// Looked up by itself.
    Read,
}

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenState {
    /// Remaining TTL in seconds; 0 for one that never ends.
    pub ttl: u64,
    /// Whether it can be renewed.
    pub renewable: bool,
}

/// A static role's password, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StaticPassword {
    /// The user at the target.
    pub username: String,
    /// A keyed hash of the password, good only for saying "same" or "another" within one run.
    pub fingerprint: String,
    /// Seconds to the next rotation.
    pub ttl: i64,
}

/// A user at the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Principal {
    /// When the server itself stops letting it in, on the run's clock.
    pub valid_until: Option<Moment>,
    /// Whether it may log in at all.
    pub can_login: bool,
    /// The hosts that it may come from, where the server ties its users to hosts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
}

/// The three ledgers as they were read, one after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LedgerRead {
    /// Vault's: ids of all leases of dynamic roles.
    pub leases: Outcome<Vec<String>>,
    /// The target's: the users that Vault made, by their name.
    pub principals: Outcome<Vec<String>>,
}
