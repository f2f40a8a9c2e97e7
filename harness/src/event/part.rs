//! The parts of a stack that faults disturb.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::file::{Endpoint, Node, Server};

/// A part of the stack that a fault disturbs. Checks excuse what runs through it while the fault lasts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Vault does not serve, or not everything.
    Vault,
    /// One node of a cluster, while the others serve.
    Node(Node),
    /// The Vault that unseals does not serve.
    Transit,
    /// PostgreSQL does not serve, or not everybody.
    Postgres,
    /// MySQL does not serve, or not everybody.
    Mysql,
    /// The stand-in for AWS does not serve.
    Aws,
    /// A link between two ends.
    Link {
        /// Who opens connections.
        from: Endpoint,
        /// Who accepts them.
        to: Endpoint,
    },
    /// What Vault's own user may do at the target.
    Root,
    /// One credential's user or lease.
    Credential(String),
    /// One client's token or rights.
    Client(String),
    /// The settings of a role or mount.
    Role(String),
}

impl From<Server> for Part {
    fn from(server: Server) -> Self {
        match server {
            Server::Vault => Self::Vault,
            Server::Postgres => Self::Postgres,
            Server::Mysql => Self::Mysql,
            Server::Transit => Self::Transit,
            Server::Aws => Self::Aws,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault => f.write_str("vault"),
            Self::Node(node) => node.fmt(f),
            Self::Transit => f.write_str("transit"),
            Self::Postgres => f.write_str("postgres"),
            Self::Mysql => f.write_str("mysql"),
            Self::Aws => f.write_str("aws"),
            Self::Link { from, to } => write!(f, "{from}→{to}"),
            Self::Root => f.write_str("vault's user at the database"),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Client(name) => write!(f, "client {name}"),
            Self::Role(name) => write!(f, "{name}"),
        }
    }
}
