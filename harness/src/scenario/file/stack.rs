//! The stack of a scenario, and what is mounted and configured on it before the first step.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditDevice, Aws, AwsEngine, Body, Mount};
use crate::scenario::Dbms;
use crate::scenario::mark::{Marked, Named};
use crate::scenario::word::{Fraction, Length, Name, Ref};

/// The servers to start. Which product and version `vault` is, is the run's choice (`--vault openbao:2.7.2`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The secrets server: OpenBao or HashiCorp Vault.
    pub vault: Vault,
    /// A PostgreSQL server.
    #[serde(default)]
    pub postgres: Option<DatabaseServer>,
    /// A MySQL server, or MariaDB.
    #[serde(default)]
    pub mysql: Option<DatabaseServer>,
    /// A server that stands in for AWS.
    #[serde(default)]
    pub aws: Option<Aws>,
}

impl Stack {
    /// A database server, if the stack has it.
    pub fn database(&self, dbms: Dbms) -> Option<&DatabaseServer> {
        match dbms {
            Dbms::Postgres => self.postgres.as_ref(),
            Dbms::Mysql => self.mysql.as_ref(),
        }
    }
}

/// How the secrets server is set up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// `inmem` (default) starts fastest and forgets everything when it stops; `raft` survives a restart.
    #[serde(default)]
    pub storage: Option<Marked<Storage>>,
    /// How many nodes form the cluster: `1` when left out, else 3 or 5, which needs `storage: raft`.
    #[serde(default)]
    pub nodes: Option<Marked<u8>>,
    /// What seals it: `shamir` (default), key shares given by hand; `transit`, another Vault in the stack, `transit`,
    /// which unseals it by itself. Needs `storage: raft`, and one node.
    #[serde(default)]
    pub seal: Option<Marked<Seal>>,
    /// How many key shares unseal needs: `1` when left out.
    #[serde(default)]
    pub key_threshold: Option<Marked<u8>>,
    /// `true`: its data lies on a small disk of its own, which `fill_disk` can fill. Needs `storage: raft`, and one node.
    #[serde(default)]
    pub own_disk: Option<Marked<bool>>,
    /// Its audit devices, by name. Needs one node.
    #[serde(default)]
    pub audit: Named<AuditDevice>,
    /// Anything else for the server's configuration file, as YAML.
    #[serde(default)]
    pub configuration: Option<Body>,
}

/// Where the secrets server keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// In memory: gone when the process ends.
    #[default]
    Inmem,
    /// Integrated storage on disk.
    Raft,
}

/// What seals the secrets server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Seal {
    /// Key shares, given by hand.
    #[default]
    Shamir,
    /// The transit engine of another Vault.
    Transit,
}

/// How a database server is set up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatabaseServer {
    /// `max_connections` of the server: 50 when left out.
    #[serde(default)]
    pub max_connections: Option<Marked<u32>>,
}

impl fmt::Display for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The secrets engines that are mounted before the first step.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Engines {
    /// The database secrets engine, mounted at `database/`.
    #[serde(default)]
    pub database: Option<Marked<Database>>,
    /// The AWS secrets engine, mounted at `aws/`. On OpenBao it is a plugin, which leaseproof builds from HashiCorp's last
    /// release of it under a free licence (1.14).
    #[serde(default)]
    pub aws: Option<Marked<AwsEngine>>,
    /// Versioned key-value secrets (KV version 2), mounted at `kv/`.
    #[serde(default)]
    pub kv: Option<Marked<Mount>>,
    /// Certificates, mounted at `pki/`.
    #[serde(default)]
    pub pki: Option<Marked<Mount>>,
    /// Certificates of an intermediate authority, mounted at `pki_int/`.
    #[serde(default)]
    pub pki_int: Option<Marked<Mount>>,
    /// SSH one-time passwords and certificates, mounted at `ssh/`.
    #[serde(default)]
    pub ssh: Option<Marked<Mount>>,
    /// One-time codes, mounted at `totp/`.
    #[serde(default)]
    pub totp: Option<Marked<Mount>>,
    /// Encryption as a service, mounted at `transit/`.
    #[serde(default)]
    pub transit: Option<Marked<Mount>>,
}

/// The database secrets engine: its connections, by the server that they lead to.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Default lease TTL of the mount; the server's 768h when left out.
    #[serde(default)]
    pub default_lease_ttl: Option<Marked<Length>>,
    /// Maximum lease TTL of the mount; the server's 768h when left out.
    #[serde(default)]
    pub max_lease_ttl: Option<Marked<Length>>,
    /// The connection to the stack's PostgreSQL server, `database/postgres`.
    #[serde(default)]
    pub postgres: Option<Connection>,
    /// The connection to the stack's MySQL server, `database/mysql`. The roles of all connections share one set of names.
    #[serde(default)]
    pub mysql: Option<Connection>,
}

impl Database {
    /// Its connections, with the server that each leads to.
    pub fn connections(&self) -> impl Iterator<Item = (Dbms, &Connection)> {
        let postgres = self.postgres.iter().map(|connection| (Dbms::Postgres, connection));
        postgres.chain(self.mysql.iter().map(|connection| (Dbms::Mysql, connection)))
    }

    /// A dynamic role, and the server that it makes users on.
    pub fn role(&self, name: &str) -> Option<(Dbms, &Role)> {
        self.connections().find_map(|(dbms, connection)| Some((dbms, connection.roles.get(name)?)))
    }

    /// A static role.
    pub fn static_role(&self, name: &str) -> Option<&StaticRole> {
        self.connections().find_map(|(_, connection)| connection.static_roles.get(name))
    }
}

/// A connection of the database engine, and the roles that use it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// What the user is, that Vault logs in as: `createrole` (default), who may make users and no more, or `superuser`.
    #[serde(default)]
    pub root: Option<Marked<RootKind>>,
    /// How many connections Vault's pool may open: 4 when left out.
    #[serde(default)]
    pub max_open_connections: Option<Marked<u32>>,
    /// Dynamic roles.
    #[serde(default)]
    pub roles: Named<Role>,
    /// Static roles. The database user of each is made before the first step.
    #[serde(default)]
    pub static_roles: Named<StaticRole>,
}

/// What the user is, that Vault logs in as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// What the documentation advises. PostgreSQL: LOGIN CREATEROLE, and owner of the application's table. MySQL: CREATE
    /// USER, and all rights on the application's database with GRANT OPTION.
    #[default]
    Createrole,
    /// PostgreSQL: SUPERUSER. MySQL: ALL PRIVILEGES ON *.* with GRANT OPTION.
    Superuser,
}

/// A dynamic role: each read makes a new database user. What is left out is left to leaseproof's sane default.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// TTL of a new lease; the mount's default when left out.
    #[serde(default)]
    pub default_ttl: Option<Marked<Length>>,
    /// The lease cannot be renewed past this age; the mount's maximum when left out.
    #[serde(default)]
    pub max_ttl: Option<Marked<Length>>,
    /// SQL that makes the user. Left out: a login with SELECT on the application's table, on PostgreSQL with VALID UNTIL.
    #[serde(default)]
    pub creation_statements: Option<Vec<Marked<String>>>,
    /// SQL that removes the user. Left out: the engine's own default.
    #[serde(default)]
    pub revocation_statements: Option<Vec<Marked<String>>>,
    /// SQL that prolongs the user. Left out: the engine's own default (VALID UNTIL on PostgreSQL, nothing on MySQL).
    #[serde(default)]
    pub renew_statements: Option<Vec<Marked<String>>>,
}

/// A static role: one database user whose password the engine rotates.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticRole {
    /// The database user; named like the role when left out.
    #[serde(default)]
    pub username: Option<Marked<Name>>,
    /// How often the password changes. The engine refuses less than 5s.
    pub rotation_period: Marked<Length>,
}

/// An application: it logs in with an AppRole of its own, takes a credential, uses it all the time, renews it, and
/// takes a new one when renewal ends. It never retries a call; it makes the next one in its turn.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The dynamic role whose credential it holds.
    pub holds: Marked<Ref>,
    /// At which part of the TTL it renews: 2/3 when left out.
    #[serde(default)]
    pub renews_at: Option<Marked<Fraction>>,
    /// How often it opens a connection and runs a query with its credential: 500ms when left out.
    #[serde(default)]
    pub uses_every: Option<Marked<Length>>,
    /// TTL of its Vault token: 1h when left out. The client renews it at the same fraction.
    #[serde(default)]
    pub token_ttl: Option<Marked<Length>>,
    /// Max TTL of its Vault token: 24h when left out.
    #[serde(default)]
    pub token_max_ttl: Option<Marked<Length>>,
}
