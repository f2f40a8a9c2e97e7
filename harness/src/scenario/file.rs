//! Exactly the shape of a scenario file. What a person writes stands here and nowhere else; doc comments become the
//! descriptions that editors show, so they are written for SREs.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mark::{Marked, Named};
use super::word::{Fraction, Length, Name, Ref, SignedLength};
use crate::outcome::Cause;

/// One scenario: a stack of real servers, what is configured on it, what happens, and what must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// One sentence that states the fact which this scenario shows.
    pub name: Marked<String>,
    /// Why it matters and what may surprise, for the reader of the report.
    #[serde(default)]
    pub about: Option<Marked<String>>,
    /// The documented promises that this scenario judges, by ID (`leaseproof coverage` lists them).
    #[serde(default)]
    pub guarantees: Vec<Marked<String>>,
    /// The servers to start.
    pub stack: Marked<Stack>,
    /// What is mounted and configured before the first step.
    #[serde(default)]
    pub engines: Engines,
    /// Applications that hold and use a credential all the time.
    #[serde(default)]
    pub clients: Named<Client>,
    /// What happens, in order.
    pub steps: Vec<Marked<Step>>,
    /// What must hold during the whole run.
    #[serde(default)]
    pub always: Vec<Marked<Always>>,
}

// ------------------------------------------------------------------------------------------------ stack and engines

/// The servers to start. Which product and version `vault` is, is the run's choice (`--vault openbao:2.7.2`).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stack {
    /// The secrets server: OpenBao or HashiCorp Vault.
    pub vault: Vault,
    /// A PostgreSQL server.
    #[serde(default)]
    pub postgres: Option<Postgres>,
}

/// How the secrets server is set up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vault {
    /// `inmem` (default) starts fastest and forgets everything when it stops; `raft` survives a restart.
    #[serde(default)]
    pub storage: Option<Marked<Storage>>,
    /// How many key shares unseal needs: `1` when left out.
    #[serde(default)]
    pub key_threshold: Option<Marked<u8>>,
}

/// Where the secrets server keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// In memory: gone when the process ends.
    #[default]
    Inmem,
    /// Integrated storage on disk, one node.
    Raft,
}

/// How the PostgreSQL server is set up.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
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
    /// The connection to the stack's PostgreSQL server.
    pub postgres: Connection,
}

/// A connection of the database engine, and the roles that use it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Connection {
    /// What the user is, that Vault logs in as: `createrole` (default) or `superuser`.
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
    /// LOGIN CREATEROLE, and owner of the application's table: what the documentation advises.
    #[default]
    Createrole,
    /// SUPERUSER.
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
    /// SQL that makes the user. Left out: CREATE ROLE with VALID UNTIL, and SELECT on the application's table.
    #[serde(default)]
    pub creation_statements: Option<Vec<Marked<String>>>,
    /// SQL that removes the user. Left out: the engine's own default.
    #[serde(default)]
    pub revocation_statements: Option<Vec<Marked<String>>>,
    /// SQL that prolongs the user. Left out: the engine's own default (VALID UNTIL).
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

// ------------------------------------------------------------------------------------------------------------ steps

/// One thing that happens or must hold. Exactly one of the verbs stands in each step.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Takes a credential from a dynamic role and keeps it under a name.
    #[serde(default)]
    pub issue: Option<Marked<Issue>>,
    /// Reads a static role's present password and keeps it under a name.
    #[serde(default)]
    pub read: Option<Marked<Read>>,
    /// Renews a lease or a token.
    #[serde(default)]
    pub renew: Option<Marked<Renew>>,
    /// Revokes a lease, a prefix or a token.
    #[serde(default)]
    pub revoke: Option<Marked<Revoke>>,
    /// Rotates a static role's or a connection's root password, now.
    #[serde(default)]
    pub rotate: Option<Marked<Rotate>>,
    /// Makes a Vault token and keeps it under a name.
    #[serde(default)]
    pub token: Option<Marked<Token>>,
    /// Opens a database session with a credential and keeps it open under a name.
    #[serde(default)]
    pub open: Option<Marked<Open>>,
    /// What an operator does to bring a connection back: write its configuration, or reset its pool.
    #[serde(default)]
    pub repair: Option<Marked<Repair>>,
    /// Any call of Vault's API, as root unless a token is named.
    #[serde(default)]
    pub api: Option<Marked<Api>>,
    /// Any SQL, as the harness's own superuser unless a credential or session is named.
    #[serde(default)]
    pub sql: Option<Marked<Sql>>,
    /// Lets time pass. Prefer `expect` with `within`, which ends as soon as it can.
    #[serde(default)]
    pub wait: Option<Marked<Wait>>,
    /// Something that must be so, now or `within` a time.
    #[serde(default)]
    pub expect: Option<Marked<Expect>>,
    /// Something that breaks. It is healed at the end of its `during` block, or at the end of the scenario.
    #[serde(default)]
    pub fault: Option<Marked<Fault>>,

    /// With `fault`: what happens while it lasts.
    #[serde(default)]
    pub during: Option<Vec<Marked<Step>>>,
    /// With `expect`: how long it may take to become so.
    #[serde(default)]
    pub within: Option<Marked<Length>>,
    /// With `expect`: how long it must stay so.
    #[serde(default)]
    pub for_at_least: Option<Marked<Length>>,
    /// With any verb but `fault` and `wait`: the promises that this step judges. Left out: all of the scenario's.
    #[serde(default)]
    pub cites: Option<Vec<Marked<String>>>,
}

/// Takes a credential from a dynamic role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// The dynamic role.
    pub role: Marked<Ref>,
    /// The name under which later steps speak of the credential and its lease.
    #[serde(rename = "as", default)]
    pub name: Option<Marked<Name>>,
    /// The Vault token to ask with (a `token` step's name); root when left out.
    #[serde(default)]
    pub token: Option<Marked<Name>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Reads a static role's present password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// The static role.
    pub static_role: Marked<Ref>,
    /// The name under which later steps speak of this password.
    #[serde(rename = "as")]
    pub name: Marked<Name>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Renews a lease or a token (exactly one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Renew {
    /// The lease of a credential.
    #[serde(default)]
    pub lease: Option<Marked<Name>>,
    /// A token.
    #[serde(default)]
    pub token: Option<Marked<Name>>,
    /// How long from now is asked for; the role's or token's own TTL when left out.
    #[serde(default)]
    pub increment: Option<Marked<Length>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Revokes one thing: a lease, all leases below a prefix, or a token with its whole tree.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Revoke {
    /// The lease of a credential.
    #[serde(default)]
    pub lease: Option<Marked<Name>>,
    /// Every lease of a role.
    #[serde(default)]
    pub prefix: Option<Marked<Ref>>,
    /// A token, its children and all their leases.
    #[serde(default)]
    pub token: Option<Marked<Name>>,
    /// The same, naming the token by its accessor.
    #[serde(default)]
    pub accessor: Option<Marked<Name>>,
    /// A token alone: its children live on as orphans.
    #[serde(default)]
    pub orphaning: Option<Marked<Name>>,
    /// Whether Vault answers only when it is done. Left out: not sent, and the server's default holds (true).
    #[serde(default)]
    pub sync: Option<Marked<bool>>,
    /// `revoke-force`: Vault forgets the lease even when the target refuses.
    #[serde(default)]
    pub force: Option<Marked<bool>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Rotates now (exactly one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    /// A static role's password.
    #[serde(default)]
    pub static_role: Option<Marked<Ref>>,
    /// The password that Vault itself uses on a connection.
    #[serde(default)]
    pub root: Option<Marked<Ref>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Makes a Vault token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The name under which later steps speak of it.
    #[serde(rename = "as")]
    pub name: Marked<Name>,
    /// The token that makes it; root when left out.
    #[serde(default)]
    pub parent: Option<Marked<Name>>,
    /// TTL; the server's default when left out.
    #[serde(default)]
    pub ttl: Option<Marked<Length>>,
    /// Explicit max TTL; none when left out.
    #[serde(default)]
    pub explicit_max_ttl: Option<Marked<Length>>,
    /// Period of a periodic token.
    #[serde(default)]
    pub period: Option<Marked<Length>>,
    /// `service` (default) or `batch`.
    #[serde(default)]
    pub kind: Option<Marked<TokenKind>>,
    /// How often it may be used; without limit when left out.
    #[serde(default)]
    pub uses: Option<Marked<u32>>,
    /// The dynamic roles from which it may take credentials; it may also make child tokens.
    #[serde(default)]
    pub may_issue: Vec<Marked<Ref>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Kinds of Vault tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Stored, renewable, revocable.
    #[default]
    Service,
    /// Not stored: cannot be renewed or revoked.
    Batch,
}

/// Opens a database session and keeps it open.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// The session's name.
    pub session: Marked<Name>,
    /// The credential to log in with.
    pub with: Marked<Name>,
}

/// What an operator does to bring a connection back (exactly one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Repair {
    /// Writes the root user's present password into the connection's configuration, and nothing else.
    #[serde(default)]
    pub password_of: Option<Marked<Ref>>,
    /// `database/reset/<connection>`: closes the pool and opens it again from the stored configuration.
    #[serde(default)]
    pub reset: Option<Marked<Ref>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// Any call of Vault's API.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Api {
    /// `GET` (default), `POST`, `LIST`, `DELETE`.
    #[serde(default)]
    pub method: Option<Marked<Method>>,
    /// The path below `/v1/`.
    pub path: Marked<String>,
    /// The body, as YAML.
    #[serde(default)]
    pub body: Option<Body>,
    /// The Vault token to ask with; root when left out.
    #[serde(default)]
    pub token: Option<Marked<Name>>,
    /// What Vault must answer; success when left out.
    #[serde(default)]
    pub answers: Option<Marked<Answer>>,
}

/// HTTP methods of Vault's API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    #[default]
    Get,
    /// Write.
    Post,
    /// List.
    List,
    /// Delete.
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A JSON object to send, written as YAML.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Body(pub serde_json::Map<String, serde_json::Value>);

/// Any SQL on the stack's database.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// The statement. `{{name}}` in it stands for the user of the credential named by `of`, as in Vault's own statements.
    pub run: Marked<String>,
    /// The credential whose user `{{name}}` stands for.
    #[serde(default)]
    pub of: Option<Marked<Name>>,
    /// The credential to log in with; the harness's own superuser when left out.
    #[serde(default)]
    pub with: Option<Marked<Name>>,
    /// An open session to run it in.
    #[serde(default)]
    pub session: Option<Marked<Name>>,
    /// The first column of the first row must be this text.
    #[serde(default)]
    pub returns: Option<Marked<String>>,
    /// It must be refused for this cause.
    #[serde(default)]
    pub refused: Option<Marked<Cause>>,
}

/// Lets time pass (exactly one of them).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wait {
    /// A fixed time.
    #[serde(rename = "for", default)]
    pub length: Option<Marked<Length>>,
    /// A time between two bounds, drawn from the seed.
    #[serde(default)]
    pub between: Option<Marked<[Length; 2]>>,
    /// Until the lease of a credential is over by its own clock, and `plus` has passed.
    #[serde(default)]
    pub end_of: Option<Marked<Name>>,
    /// With `end_of`: how long after it.
    #[serde(default)]
    pub plus: Option<Marked<Length>>,
}

/// What a call must be answered. Everything named must be so.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status.
    #[serde(default)]
    pub status: Option<Marked<u16>>,
    /// Refused, for this cause.
    #[serde(default)]
    pub refused: Option<Marked<Cause>>,
    /// The code that the target gave and Vault passed on: a SQLSTATE such as 28P01.
    #[serde(default)]
    pub target_code: Option<Marked<String>>,
    /// A part of an error's text.
    #[serde(default)]
    pub error: Option<Marked<String>>,
    /// A part of a warning's text.
    #[serde(default)]
    pub warning: Option<Marked<String>>,
    /// With `issue` and `renew`: the TTL that is answered.
    #[serde(default)]
    pub ttl: Option<Marked<TtlRange>>,
    /// With `issue` and `renew`: whether the lease can be renewed.
    #[serde(default)]
    pub renewable: Option<Marked<bool>>,
    /// With `renew`: whether the reply carries data (a password, say). Documented: it does not.
    #[serde(default)]
    pub data: Option<Marked<bool>>,
}

impl Answer {
    /// Whether it speaks of a call that is refused.
    pub fn speaks_of_refusal(&self) -> bool {
        self.refused.is_some()
            || self.error.is_some()
            || self.target_code.is_some()
            || self.status.is_some_and(|status| status.value >= 400)
    }
}

/// A TTL: one value (`ttl: 0s`), or bounds (`ttl: {at_least: 50s, at_most: 1m}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TtlRange {
    /// Not less than this.
    pub at_least: Option<SignedLength>,
    /// Not more than this.
    pub at_most: Option<SignedLength>,
}

impl<'de> Deserialize<'de> for TtlRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TtlRangeVisitor)
    }
}

struct TtlRangeVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    #[serde(default)]
    at_least: Option<SignedLength>,
    #[serde(default)]
    at_most: Option<SignedLength>,
}

impl<'de> serde::de::Visitor<'de> for TtlRangeVisitor {
    type Value = TtlRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 0s, or {at_least: 50s, at_most: 1m}")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TtlRange, E> {
        let exactly: SignedLength = text.parse().map_err(E::custom)?;
        Ok(TtlRange { at_least: Some(exactly), at_most: Some(exactly) })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TtlRange, E> {
        // Always an error, and the one that says how to write a duration.
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<TtlRange, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<TtlRange, A::Error> {
        let bounds = Bounds::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(TtlRange { at_least: bounds.at_least, at_most: bounds.at_most })
    }
}

impl JsonSchema for TtlRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TtlRange".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let length = generator.subschema_for::<SignedLength>();
        schemars::json_schema!({
            "description": "A TTL: one value, or bounds.",
            "oneOf": [
                length,
                {
                    "type": "object",
                    "properties": {
                        "at_least": generator.subschema_for::<SignedLength>(),
                        "at_most": generator.subschema_for::<SignedLength>()
                    },
                    "additionalProperties": false,
                    "minProperties": 1
                }
            ]
        })
    }
}

// ----------------------------------------------------------------------------------------------------- expectations

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
    /// Any call of Vault's API, repeated until it answers so.
    #[serde(default)]
    pub api: Option<Marked<Api>>,
    /// Any SQL, repeated until it answers so.
    #[serde(default)]
    pub sql: Option<Marked<Sql>>,
    /// Vault's leases, the target's users and the clients' credentials, held against each other.
    #[serde(default)]
    pub ledger: Option<Marked<ExpectLedger>>,
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

// ----------------------------------------------------------------------------------------------------------- faults

/// Something that breaks. Exactly one of them. Every fault is seen to have taken effect before the next step, is
/// healed on every path, and its healing is seen too.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    // ---- network
    /// The link refuses connections, and those that were open are closed.
    #[serde(default)]
    pub down: Option<Marked<OnLink>>,
    /// Packets vanish: nothing answers, nothing is refused.
    #[serde(default)]
    pub cut: Option<Marked<OnLink>>,
    /// Connections are reset (RST), open ones and new ones.
    #[serde(default)]
    pub reset: Option<Marked<OnLink>>,
    /// Everything takes longer.
    #[serde(default)]
    pub latency: Option<Marked<Latency>>,
    /// A slow line.
    #[serde(default)]
    pub bandwidth: Option<Marked<Bandwidth>>,
    /// Connections stay half open before they close.
    #[serde(default)]
    pub slow_close: Option<Marked<SlowClose>>,
    /// Data stops, and the connection is closed after a time.
    #[serde(default)]
    pub timeout: Option<Marked<Timeout>>,
    /// Data comes in small pieces.
    #[serde(default)]
    pub slicer: Option<Marked<Slicer>>,
    /// The connection is closed after so many bytes.
    #[serde(default)]
    pub limit_data: Option<Marked<LimitData>>,

    // ---- processes
    /// The server is stopped in good order.
    #[serde(default)]
    pub stop: Option<Marked<OnServer>>,
    /// The server is killed (SIGKILL).
    #[serde(default)]
    pub kill: Option<Marked<OnServer>>,
    /// The server hangs (SIGSTOP): connections are accepted by the kernel and never answered.
    #[serde(default)]
    pub pause: Option<Marked<OnServer>>,
    /// The server is stopped and started again at once. Vault is unsealed again.
    #[serde(default)]
    pub restart: Option<Marked<OnServer>>,

    // ---- Vault
    /// Vault is sealed; unsealing heals it.
    #[serde(default)]
    pub seal: Option<Marked<Nothing>>,
    /// The active node steps down; it is healed when a node is active again.
    #[serde(default)]
    pub step_down: Option<Marked<Nothing>>,
    /// A client's Vault token is revoked behind its back.
    #[serde(default)]
    pub revoke_token: Option<Marked<OnClient>>,
    /// A client's Vault token is made to expire within a second.
    #[serde(default)]
    pub expire_token: Option<Marked<OnClient>>,
    /// A client's policy loses the right to take credentials.
    #[serde(default)]
    pub narrow_policy: Option<Marked<OnClient>>,
    /// The mount's TTLs are changed.
    #[serde(default)]
    pub tune_mount: Option<Marked<TuneMount>>,
    /// A dynamic role's TTLs or statements are changed.
    #[serde(default)]
    pub change_role: Option<Marked<ChangeRole>>,
    /// A dynamic role is deleted.
    #[serde(default)]
    pub delete_role: Option<Marked<DeleteRole>>,

    // ---- database
    /// The password of Vault's own user is changed behind Vault's back. Open connections live on.
    #[serde(default)]
    pub change_root_password: Option<Marked<OnConnection>>,
    /// Vault's own user may no longer log in (NOLOGIN).
    #[serde(default)]
    pub lock_root: Option<Marked<OnConnection>>,
    /// Vault's own user loses CREATEROLE.
    #[serde(default)]
    pub revoke_privilege: Option<Marked<OnConnection>>,
    /// All sessions of Vault's own user are terminated; its pool must open new ones.
    #[serde(default)]
    pub terminate_sessions: Option<Marked<OnConnection>>,
    /// Every connection that ordinary users may have is taken.
    #[serde(default)]
    pub exhaust_connections: Option<Marked<OnConnection>>,
    /// A credential's user is dropped by hand.
    #[serde(default)]
    pub drop_user: Option<Marked<OnCredential>>,
    /// A credential's user comes to own a table, which stands in the way of dropping it.
    #[serde(default)]
    pub own_objects: Option<Marked<OnCredential>>,
}

/// `{}`: the fault takes no settings.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

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
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Which way a toxic works: `upstream` from `from` to `to`, `downstream` back, or `both`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Requests.
    Upstream,
    /// Answers.
    #[default]
    Downstream,
    /// Both ways.
    Both,
}

/// A link of the stack.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnLink {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
}

/// Everything takes longer.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How much longer.
    pub latency: Marked<Length>,
    /// More or less than that by at most so much, drawn from the seed; 0s when left out.
    #[serde(default)]
    pub jitter: Option<Marked<Length>>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// A slow line.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// Bytes a second.
    pub bytes_per_second: Marked<u64>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Connections stay half open before they close.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowClose {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How long.
    pub delay: Marked<Length>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Data stops, and the connection is closed after a time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeout {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// When the connection is closed.
    pub after: Marked<Length>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Data comes in small pieces.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slicer {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// Average size of a piece, in bytes.
    pub average_bytes: Marked<u32>,
    /// Larger or smaller by at most so many bytes; 0 when left out.
    #[serde(default)]
    pub variation_bytes: Option<Marked<u32>>,
    /// Pause between two pieces; 0s when left out.
    #[serde(default)]
    pub delay: Option<Marked<Length>>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// The connection is closed after so many bytes.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitData {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How many bytes.
    pub bytes: Marked<u64>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// A server of the stack.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnServer {
    /// The server.
    pub server: Marked<Server>,
}

/// A server of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// The secrets server.
    Vault,
    /// The PostgreSQL server.
    Postgres,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A client of the scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnClient {
    /// The client.
    pub of: Marked<Name>,
}

/// A credential of the scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnCredential {
    /// The credential.
    pub of: Marked<Name>,
}

/// A connection of the database engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnConnection {
    /// The connection, such as `database/postgres`.
    pub of: Marked<Ref>,
}

/// The mount's TTLs are changed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TuneMount {
    /// The mount, such as `database`.
    pub mount: Marked<Name>,
    /// New default lease TTL.
    #[serde(default)]
    pub default_lease_ttl: Option<Marked<Length>>,
    /// New maximum lease TTL.
    #[serde(default)]
    pub max_lease_ttl: Option<Marked<Length>>,
}

/// A dynamic role is changed. What is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// The dynamic role.
    pub role: Marked<Ref>,
    /// New TTL of new leases.
    #[serde(default)]
    pub default_ttl: Option<Marked<Length>>,
    /// New maximum.
    #[serde(default)]
    pub max_ttl: Option<Marked<Length>>,
    /// New SQL that removes the user.
    #[serde(default)]
    pub revocation_statements: Option<Vec<Marked<String>>>,
}

/// A dynamic role is deleted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRole {
    /// The dynamic role.
    pub role: Marked<Ref>,
}

// ------------------------------------------------------------------------------------------------- during the whole

/// What must hold during the whole run. Exactly one of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Always {
    /// A client is never longer without a credential that works.
    #[serde(default)]
    pub credential_gap: Option<Marked<CredentialGap>>,
    /// No credential is refused while its lease is alive and nobody revoked it.
    #[serde(default)]
    pub no_early_death: Option<Marked<Nothing>>,
    /// No credential logs in long after it was revoked or its lease ended.
    #[serde(default)]
    pub no_zombie: Option<Marked<NoZombie>>,
    /// With any of them: the promises that it judges. Left out: all of the scenario's.
    #[serde(default)]
    pub cites: Option<Vec<Marked<String>>>,
}

/// A client is never longer without a credential that works.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialGap {
    /// The client.
    pub client: Marked<Name>,
    /// How long a gap may be.
    pub at_most: Marked<Length>,
}

/// No credential logs in long after its end.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoZombie {
    /// How long after its end a login may still work: 10s when left out (PostgreSQL's VALID UNTIL is 5s after).
    #[serde(default)]
    pub grace: Option<Marked<Length>>,
}
