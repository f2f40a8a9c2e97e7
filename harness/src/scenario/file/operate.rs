//! Steps of whoever runs the servers: snapshots of a raft cluster's storage, and starting a server by hand.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Node, Server};
use crate::scenario::mark::Marked;
use crate::scenario::word::Name;

/// Saves a snapshot of Vault's storage, or restores one (exactly one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// Takes a snapshot and keeps it under this name.
    #[serde(default)]
    pub save: Option<Marked<Name>>,
    /// Restores the snapshot of this name.
    #[serde(default)]
    pub restore: Option<Marked<Name>>,
    /// With `restore`: `snapshot-force`, which does not ask whether the unseal keys are the same.
    #[serde(default)]
    pub force: Option<Marked<bool>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Starts a server that a fault has ended, as an operator does while the fault lasts. It is not unsealed by hand.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// The server.
    pub server: Marked<Server>,
    /// One node of a Vault cluster; needed where there are several.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
    /// Whether it comes up and answers. `false`: it ends by itself.
    pub comes_up: Marked<bool>,
}
