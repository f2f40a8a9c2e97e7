//! AWS in a scenario: the server that stands in for it, the AWS secrets engine, and faults on requests to AWS.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Body, Endpoint};
use crate::scenario::mark::{Marked, Named};
use crate::scenario::word::{Length, Name};

/// A server that stands in for AWS: IAM and STS.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Aws {
    /// `moto` (default) lets in only keys that are there, and enforces IAM policies; `localstack` lets in every key.
    #[serde(default)]
    pub server: Option<Marked<AwsProduct>>,
}

/// What stands in for AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AwsProduct {
    /// Moto's server, with IAM enforced: a deleted key is refused (`InvalidClientTokenId`).
    #[default]
    Moto,
    /// LocalStack's community edition, which enforces nothing: assert on `principal` and `ledger`, not on refused logins.
    Localstack,
}

impl fmt::Display for AwsProduct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The AWS secrets engine, mounted at `aws/`. Vault's own IAM user may do everything, and has one access key.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsEngine {
    /// `lease` of `aws/config/lease`: the TTL of an IAM user's lease. The server's 768h when left out.
    #[serde(default)]
    pub lease: Option<Marked<Length>>,
    /// `lease_max` of `aws/config/lease`: the lease cannot be renewed past this age. The server's 768h when left out.
    #[serde(default)]
    pub lease_max: Option<Marked<Length>>,
    /// `max_retries` of `aws/config/root`: how often the engine repeats a request that AWS throttles or fails; 0 when left
    /// out, so that a fault shows at once. The engine's own default is the AWS SDK's 3.
    #[serde(default)]
    pub max_retries: Option<Marked<u32>>,
    /// Dynamic roles.
    #[serde(default)]
    pub roles: Named<AwsRole>,
    /// Static roles. The IAM user of each is made before the first step.
    #[serde(default)]
    pub static_roles: Named<AwsStaticRole>,
}

/// A dynamic role of the AWS engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsRole {
    /// What a read of the role makes.
    pub credential_type: Marked<CredentialType>,
    /// The policy document of what is made, as YAML. Left out: one that allows `s3:*`.
    #[serde(default)]
    pub policy_document: Option<Body>,
    /// With STS types: the lifetime of a credential when none is asked for. The engine's 1h when left out.
    #[serde(default)]
    pub default_sts_ttl: Option<Marked<Length>>,
    /// With STS types: the longest lifetime.
    #[serde(default)]
    pub max_sts_ttl: Option<Marked<Length>>,
}

/// What a read of an AWS role makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CredentialType {
    /// A new IAM user with an access key; revoking the lease deletes both.
    IamUser,
    /// A session of an IAM role, which leaseproof makes before the first step. It cannot be revoked.
    AssumedRole,
    /// A federated session of Vault's own user (GetFederationToken). It cannot be revoked.
    FederationToken,
    /// A session of Vault's own user (GetSessionToken), from Vault 1.16 on. It cannot be revoked.
    SessionToken,
}

impl CredentialType {
    /// Whether Moto lets its keys in: it gives one fixed key to all federated sessions, and knows it not.
    pub fn is_known_to_moto(self) -> bool {
        matches!(self, Self::IamUser | Self::AssumedRole)
    }

    /// Whether it is a session of STS: without an IAM user, not renewable, not revocable.
    pub fn is_sts(self) -> bool {
        self != Self::IamUser
    }
}

impl fmt::Display for CredentialType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A static role of the AWS engine: one IAM user whose access key the engine replaces.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsStaticRole {
    /// The IAM user; named like the role when left out.
    #[serde(default)]
    pub username: Option<Marked<Name>>,
    /// How often the key is replaced. The engine refuses less than 1m.
    pub rotation_period: Marked<Length>,
}

/// Requests on a link are throttled.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Who asks: `vault` or `clients`.
    pub from: Marked<Endpoint>,
    /// Who is asked: `aws`.
    pub to: Marked<Endpoint>,
    /// Only this action, such as `CreateUser`; every action when left out.
    #[serde(default)]
    pub action: Option<Marked<String>>,
}

/// Requests on a link fail at the server.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailRequests {
    /// Who asks: `vault` or `clients`.
    pub from: Marked<Endpoint>,
    /// Who is asked: `aws`.
    pub to: Marked<Endpoint>,
    /// The HTTP status, 500 to 599: 503 when left out.
    #[serde(default)]
    pub status: Option<Marked<u16>>,
    /// Only this action, such as `PutUserPolicy`; every action when left out.
    #[serde(default)]
    pub action: Option<Marked<String>>,
}
