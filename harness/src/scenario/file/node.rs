//! One node of a Vault cluster: by its name, or by what it is when the step comes to it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A node of the Vault cluster. Who leads is looked up when the step comes to it, and stands in the history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// The active node.
    Leader,
    /// A standby: of several, the one with the lowest number.
    Follower,
    /// The first node.
    #[serde(rename = "vault-1")]
    Vault1,
    /// The second.
    #[serde(rename = "vault-2")]
    Vault2,
    /// The third.
    #[serde(rename = "vault-3")]
    Vault3,
    /// The fourth.
    #[serde(rename = "vault-4")]
    Vault4,
    /// The fifth.
    #[serde(rename = "vault-5")]
    Vault5,
}

impl Node {
    /// The nodes that a cluster may have, in order.
    pub const NUMBERED: [Self; 5] = [Self::Vault1, Self::Vault2, Self::Vault3, Self::Vault4, Self::Vault5];

    /// Its place in the cluster, from 0; none for one that is named by what it is.
    pub fn index(self) -> Option<usize> {
        Self::NUMBERED.iter().position(|node| *node == self)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
