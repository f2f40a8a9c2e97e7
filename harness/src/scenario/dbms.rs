//! The database servers that scenarios know. One word names each wherever it stands: in the stack, among the connections of
//! the database engine, at the ends of links, in faults.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::file::{Endpoint, Server};

/// A kind of database server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dbms {
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl Dbms {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Postgres, Self::Mysql];

    /// The word for it in scenario files.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mysql => "mysql",
        }
    }

    /// Its name, as its makers write it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
        }
    }

    /// It as a server of the stack.
    pub const fn server(self) -> Server {
        match self {
            Self::Postgres => Server::Postgres,
            Self::Mysql => Server::Mysql,
        }
    }

    /// It as an end of links.
    pub const fn endpoint(self) -> Endpoint {
        match self {
            Self::Postgres => Endpoint::Postgres,
            Self::Mysql => Endpoint::Mysql,
        }
    }

    /// The database server at this end of a link, if one is there.
    pub const fn at(end: Endpoint) -> Option<Self> {
        match end {
            Endpoint::Postgres => Some(Self::Postgres),
            Endpoint::Mysql => Some(Self::Mysql),
            _ => None,
        }
    }

    /// Which database server this server is, if it is one.
    pub const fn of(server: Server) -> Option<Self> {
        match server {
            Server::Postgres => Some(Self::Postgres),
            Server::Mysql => Some(Self::Mysql),
            Server::Vault | Server::Transit | Server::Aws => None,
        }
    }
}

impl fmt::Display for Dbms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
