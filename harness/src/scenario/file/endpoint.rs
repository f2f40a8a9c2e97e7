//! The ends of links, and the servers that can be started and stopped.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Node;

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// The scenario's clients.
    Clients,
    /// The secrets server.
    Vault,
    /// The PostgreSQL server.
    Postgres,
    /// The MySQL server.
    Mysql,
    /// The server that stands in for AWS.
    Aws,
    /// The Vault that unseals the secrets server.
    Transit,
    /// The active node of the cluster.
    Leader,
    /// A standby: of several, the one with the lowest number.
    Follower,
    /// The cluster's first node.
    #[serde(rename = "vault-1")]
    Vault1,
    /// The cluster's second node.
    #[serde(rename = "vault-2")]
    Vault2,
    /// The cluster's third node.
    #[serde(rename = "vault-3")]
    Vault3,
    /// The cluster's fourth node.
    #[serde(rename = "vault-4")]
    Vault4,
    /// The cluster's fifth node.
    #[serde(rename = "vault-5")]
    Vault5,
}

impl Endpoint {
    /// The node of the cluster that it is, if it is one.
    pub const fn node(self) -> Option<Node> {
        Some(match self {
            Self::Leader => Node::Leader,
            Self::Follower => Node::Follower,
            Self::Vault1 => Node::Vault1,
            Self::Vault2 => Node::Vault2,
            Self::Vault3 => Node::Vault3,
            Self::Vault4 => Node::Vault4,
            Self::Vault5 => Node::Vault5,
            Self::Clients | Self::Vault | Self::Postgres | Self::Mysql | Self::Aws | Self::Transit => return None,
        })
    }
}

impl From<Node> for Endpoint {
    fn from(node: Node) -> Self {
        match node {
            Node::Leader => Self::Leader,
            Node::Follower => Self::Follower,
            Node::Vault1 => Self::Vault1,
            Node::Vault2 => Self::Vault2,
            Node::Vault3 => Self::Vault3,
            Node::Vault4 => Self::Vault4,
            Node::Vault5 => Self::Vault5,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A server of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// The secrets server.
    Vault,
    /// The PostgreSQL server.
    Postgres,
    /// The MySQL server.
    Mysql,
    /// The server that stands in for AWS.
    Aws,
    /// The Vault that unseals the secrets server.
    Transit,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
