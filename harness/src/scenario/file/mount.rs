//! Secrets engines and auth methods other than the database engine, and policies: what is enabled before the first step.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Body;
use crate::scenario::mark::{Marked, Named};
use crate::scenario::word::Length;

/// A secrets engine or auth method, mounted under its own name.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// Default lease TTL of the mount; the server's 768h when left out.
    #[serde(default)]
    pub default_lease_ttl: Option<Marked<Length>>,
    /// Maximum lease TTL of the mount; the server's 768h when left out.
    #[serde(default)]
    pub max_lease_ttl: Option<Marked<Length>>,
    /// `options` of the mount, as the API takes them.
    #[serde(default)]
    pub options: Option<Body>,
    /// What is written below the mount once it is there, in this order.
    #[serde(default)]
    pub writes: Vec<Marked<Write>>,
}

/// One write below a mount.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Write {
    /// The path below the mount: `roles/web`.
    pub path: Marked<String>,
    /// The body, as YAML; empty when left out.
    #[serde(default)]
    pub body: Option<Body>,
}

/// The auth methods that are enabled before the first step, beside tokens.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// AppRole, at `auth/approle/`.
    #[serde(default)]
    pub approle: Option<Marked<AppRoles>>,
    /// User names and passwords, at `auth/userpass/`.
    #[serde(default)]
    pub userpass: Option<Marked<Mount>>,
}

/// AppRole, and its roles.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRoles {
    /// Its roles.
    #[serde(default)]
    pub roles: Named<AppRoleSettings>,
    /// What is written below the mount once it is there, in this order.
    #[serde(default)]
    pub writes: Vec<Marked<Write>>,
}

/// A role of AppRole. What is left out is left to the server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRoleSettings {
    /// The policies of its tokens; `default` alone when left out.
    #[serde(default)]
    pub token_policies: Option<Vec<Marked<String>>>,
    /// TTL of its tokens.
    #[serde(default)]
    pub token_ttl: Option<Marked<Length>>,
    /// Max TTL of its tokens.
    #[serde(default)]
    pub token_max_ttl: Option<Marked<Length>>,
    /// Period of its tokens: they can be renewed for ever.
    #[serde(default)]
    pub token_period: Option<Marked<Length>>,
    /// How often each of its tokens may be used.
    #[serde(default)]
    pub token_num_uses: Option<Marked<u32>>,
    /// Addresses from which its tokens may be used.
    #[serde(default)]
    pub token_bound_cidrs: Option<Vec<Marked<String>>>,
    /// TTL of a `secret_id`.
    #[serde(default)]
    pub secret_id_ttl: Option<Marked<Length>>,
    /// How often a `secret_id` may log in.
    #[serde(default)]
    pub secret_id_num_uses: Option<Marked<u32>>,
    /// Addresses from which a `secret_id` may log in.
    #[serde(default)]
    pub secret_id_bound_cidrs: Option<Vec<Marked<String>>>,
    /// Anything else, as the API takes it.
    #[serde(default)]
    pub raw: Option<Body>,
}

/// A policy: paths, and what may be done there.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Policy(pub BTreeMap<String, Vec<Capability>>);

/// What a policy allows on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Write what is not there yet.
    Create,
    /// Read.
    Read,
    /// Write what is there.
    Update,
    /// Change a part.
    Patch,
    /// Remove.
    Delete,
    /// List.
    List,
    /// Paths that only root may use otherwise.
    Sudo,
    /// Nothing, whatever other policies say.
    Deny,
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
