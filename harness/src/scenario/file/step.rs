//! The steps of a scenario: what is done, one verb each.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Expect, Fault, Field, Given, Node, Race, Snapshot, Start, Taken, TtlRange};
use crate::outcome::Cause;
use crate::scenario::Dbms;
use crate::scenario::mark::{Marked, Named};
use crate::scenario::word::{Length, Name, Ref};

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
    /// Saves a snapshot of Vault's storage, or restores one.
    #[serde(default)]
    pub snapshot: Option<Marked<Snapshot>>,
    /// Starts a server that a fault has ended.
    #[serde(default)]
    pub start: Option<Marked<Start>>,
    /// Any call of Vault's API, as root unless a token is named.
    #[serde(default)]
    pub api: Option<Marked<Api>>,
    /// One call of Vault's API, made by several callers at once; so many of them must be accepted.
    #[serde(default)]
    pub race: Option<Marked<Race>>,
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
    /// Stands for the steps of a fragment: the path of its file, from the folder of this file on.
    #[serde(default, rename = "use")]
    #[schemars(with = "Option<String>")]
    pub fragment: Option<Taken>,

    /// With `use`: the fragment's parameters, by name.
    #[serde(default)]
    #[schemars(with = "Option<Given>")]
    pub with: Option<Taken>,
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
    /// With any verb but `fault` and `wait`: promises from which real servers are known to deviate, and whose real behaviour
    /// this step demands. The report names the deviation; a server that no longer deviates is a change, and a failure.
    #[serde(default)]
    pub deviates: Option<Vec<Marked<String>>>,
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
    /// The node of a Vault cluster to ask; the active one when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
    /// With an STS role: the lifetime that is asked for.
    #[serde(default)]
    pub ttl: Option<Marked<Length>>,
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
    /// The node of a Vault cluster to ask; the active one when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
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

/// Any call of Vault's API. `{{name}}` in path, body and demanded fields stands for the value that an earlier step keeps
/// under that name.
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
    /// The node of a Vault cluster to ask; the active one when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
    /// Asks for the answer to be wrapped for so long.
    #[serde(default)]
    pub wrap_ttl: Option<Marked<Length>>,
    /// Keeps parts of the answer, each under a name: `serial: data.serial_number`. What is kept is treated as a secret.
    #[serde(default)]
    pub keeps: Named<Marked<String>>,
    /// Keeps the token of the answer under a name: of a login, of a new token, or the one that unwraps the answer.
    #[serde(default)]
    pub keeps_token: Option<Marked<Name>>,
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
    /// The database server, where the stack has two and nothing else here says which.
    #[serde(default)]
    pub on: Option<Marked<Dbms>>,
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
    /// There is no answer: the server is killed, or the deadline passes. What was asked may have happened.
    #[serde(default)]
    pub lost: Option<Marked<Lost>>,
    /// The HTTP status.
    #[serde(default)]
    pub status: Option<Marked<u16>>,
    /// `true`: it is done. A refusal that tells of the server's own trouble (a quota, a standby, an internal error) says
    /// nothing elsewhere; here it breaks the promise.
    #[serde(default)]
    pub served: Option<Marked<bool>>,
    /// Refused, for this cause.
    #[serde(default)]
    pub refused: Option<Marked<Cause>>,
    /// The code that the target gave and Vault passed on: a SQLSTATE such as 28P01, an error code of MySQL such as 1045,
    /// or AWS's own word such as `InvalidClientTokenId`.
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
    /// With `api` and `race`: what fields of the answer must be, each by its way through the body: `data.keys`.
    #[serde(default)]
    pub fields: Named<Marked<Field>, String>,
}

/// `lost: {}`, with nothing beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lost {}

impl Answer {
    /// Whether it speaks of a call that gives nothing: it is refused, or not answered.
    pub fn speaks_of_refusal(&self) -> bool {
        self.lost.is_some()
            || self.refused.is_some()
            || self.error.is_some()
            || self.target_code.is_some()
            || self.status.is_some_and(|status| status.value >= 400)
    }
}
