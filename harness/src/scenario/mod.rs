//! Scenarios: what a person writes in YAML ([`mod@file`]), read with the place of every value ([`mark`]), checked as a whole,
//! and resolved into a [`Scenario`] in which every name leads somewhere and every default is filled in.

mod beside;
pub mod consumer;
mod dbms;
mod decode;
pub mod diagnostic;
pub mod file;
pub mod find;
pub mod fragment;
mod hint;
pub mod kept;
mod lease;
pub mod load;
pub mod mark;
mod node;
pub mod one;
pub mod placeholder;
mod plain;
mod reader;
mod resolve;
pub mod schema;
pub mod source;
mod tag;
mod timing;
pub mod title;
mod ttl;
pub mod word;
mod wrong;

pub use consumer::Consumer;
pub use dbms::Dbms;
pub use diagnostic::{Diagnostic, Severity, Style};
pub use find::{Entry, FindError, find, load_all};
pub use hint::did_you_mean;
pub(crate) use load::decode_text;
pub use load::{Loaded, load, load_with, parse};

pub use tag::Tags;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use file::{
    Always, Api, AwsProduct, CredentialType, Endpoint, Expect, Fault, Issue, Open, Policy, Race, Read, Renew, Repair,
    Revoke, RootKind, Rotate, Seal, Snapshot, Sql, Start, Storage, Token, Wait,
};
use mark::Place;
use source::Sources;
use word::{Fraction, Name, Ref};

/// A scenario that can be planned and run: every reference leads somewhere, every default is filled in.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The sentence that it shows.
    pub name: String,
    /// Where that sentence stands.
    pub name_at: Place,
    /// Why it matters.
    pub about: Option<String>,
    /// The file it came from, as given on the command line; empty when built in Rust.
    pub path: PathBuf,
    /// The text of that file, for snippets.
    pub source: Arc<str>,
    /// That text and those of its fragments, to which every place of the scenario belongs.
    pub sources: Sources,
    /// The promises that it judges.
    pub guarantees: Vec<String>,
    /// Words by which a run takes or leaves it out.
    pub tags: Vec<Name>,
    /// The servers.
    pub stack: Stack,
    /// The database engine, if it is mounted.
    pub database: Option<Database>,
    /// The AWS engine, if it is mounted.
    pub aws: Option<AwsEngine>,
    /// The other secrets engines and the auth methods, in the order in which they are enabled.
    pub mounts: Vec<Mount>,
    /// The policies.
    pub policies: Vec<(Name, Policy)>,
    /// The clients.
    pub clients: Vec<Client>,
    /// The consumers.
    pub consumers: Vec<Consumer>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What holds throughout.
    pub always: Vec<Invariant>,
}

impl Scenario {
    /// The links on which a fault waits for its moment, or on which something is overheard.
    pub fn links_read(&self) -> Vec<(file::Endpoint, file::Endpoint)> {
        let mut links = Vec::new();
        if !self.consumers.is_empty() {
            // What consumers do is overheard there.
            links.extend([Endpoint::Vault, Endpoint::Postgres].map(|to| (Endpoint::Clients, to)));
        }
        let dbms = self.stack.databases().next().map_or(Dbms::Postgres, |(dbms, _)| dbms);
        links_read(&self.steps, dbms, &mut links);
        links
    }
}

impl Scenario {
    /// Whether a fault of it is such a one, at any depth.
    pub(crate) fn has_fault(&self, is_such: impl Fn(&Fault) -> bool) -> bool {
        has_fault(&self.steps, &is_such)
    }
}

fn has_fault(steps: &[Step], is_such: &dyn Fn(&Fault) -> bool) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Fault(fault, during) => is_such(fault) || has_fault(during.as_deref().unwrap_or_default(), is_such),
        _ => false,
    })
}

fn links_read(steps: &[Step], dbms: Dbms, links: &mut Vec<(file::Endpoint, file::Endpoint)>) {
    for step in steps {
        let Action::Fault(fault, during) = &step.action else { continue };
        links.extend(fault.link_read(dbms).filter(|link| !links.contains(link)));
        links_read(during.as_deref().unwrap_or_default(), dbms, links);
    }
}

/// The servers of a scenario.
#[derive(Debug, Clone)]
pub struct Stack {
    /// Where Vault keeps its data.
    pub storage: Storage,
    /// What seals it.
    pub seal: Seal,
    /// How many nodes form the cluster.
    pub nodes: u8,
    /// How many key shares unseal needs.
    pub key_threshold: u8,
    /// Whether its data lies on a small disk of its own.
    pub own_disk: bool,
    /// Its audit devices.
    pub audit: Vec<AuditDevice>,
    /// What stands in its configuration file beside leaseproof's own.
    pub configuration: serde_json::Map<String, serde_json::Value>,
    /// PostgreSQL, if the scenario has it.
    pub postgres: Option<DatabaseServer>,
    /// MySQL, if the scenario has it.
    pub mysql: Option<DatabaseServer>,
    /// What stands in for AWS, if the scenario has it.
    pub aws: Option<AwsProduct>,
}

impl Stack {
    /// A database server, if the scenario has it.
    pub fn database(&self, dbms: Dbms) -> Option<&DatabaseServer> {
        match dbms {
            Dbms::Postgres => self.postgres.as_ref(),
            Dbms::Mysql => self.mysql.as_ref(),
        }
    }

    /// The database servers of the scenario.
    pub fn databases(&self) -> impl Iterator<Item = (Dbms, &DatabaseServer)> {
        Dbms::ALL.into_iter().filter_map(|dbms| Some((dbms, self.database(dbms)?)))
    }
}

/// An audit device of a scenario.
#[derive(Debug, Clone)]
pub struct AuditDevice {
    /// Its name, and its path below `sys/audit/`.
    pub name: Name,
    /// What it is.
    pub kind: AuditKind,
}

/// What an audit device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// A file.
    File {
        /// Whether it lies on a small disk of its own.
        own_disk: bool,
    },
    /// A TCP socket.
    Socket,
}

/// A database server of a scenario.
#[derive(Debug, Clone)]
pub struct DatabaseServer {
    /// `max_connections`.
    pub max_connections: u32,
}

/// The database engine of a scenario.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where it is mounted: `database`.
    pub mount: Name,
    /// The mount's default lease TTL.
    pub default_lease_ttl: Option<Duration>,
    /// The mount's maximum lease TTL.
    pub max_lease_ttl: Option<Duration>,
    /// Its connections, one for each database server that it makes users on.
    pub connections: Vec<Connection>,
}

impl Database {
    /// All dynamic roles, with the server that each makes users on.
    pub fn roles(&self) -> impl Iterator<Item = (Dbms, &Role)> {
        self.connections.iter().flat_map(|connection| connection.roles.iter().map(|role| (connection.dbms, role)))
    }

    /// The server behind a role, a static role or a connection: the names of each kind are shared by all connections.
    pub fn dbms_of(&self, reference: &Ref) -> Option<Dbms> {
        let name = &reference.name;
        let is_it = |connection: &&Connection| {
            connection.name == *name
                || connection.roles.iter().any(|role| role.name == *name)
                || connection.static_roles.iter().any(|role| role.name == *name)
        };
        self.connections.iter().find(is_it).map(|connection| connection.dbms)
    }

    /// The connection to a server.
    pub fn connection_to(&self, dbms: Dbms) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.dbms == dbms)
    }
}

/// A connection of the database engine.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The server that it leads to.
    pub dbms: Dbms,
    /// Its name: that of the server.
    pub name: Name,
    /// What Vault's own user is.
    pub root: RootKind,
    /// Size of Vault's pool.
    pub max_open_connections: u32,
    /// Dynamic roles.
    pub roles: Vec<Role>,
    /// Static roles.
    pub static_roles: Vec<StaticRole>,
}

/// A dynamic role. What is `None` is left to the server.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name.
    pub name: Name,
    /// TTL of a new lease.
    pub default_ttl: Option<Duration>,
    /// Greatest age of a lease.
    pub max_ttl: Option<Duration>,
    /// SQL that makes a user; leaseproof's default when `None`.
    pub creation_statements: Option<Vec<String>>,
    /// SQL that removes a user; the engine's default when `None`.
    pub revocation_statements: Option<Vec<String>>,
    /// SQL that prolongs a user; the engine's default when `None`.
    pub renew_statements: Option<Vec<String>>,
}

/// A static role.
#[derive(Debug, Clone)]
pub struct StaticRole {
    /// Its name.
    pub name: Name,
    /// Its database user.
    pub username: Name,
    /// How often its password changes.
    pub rotation_period: Duration,
}

/// The AWS engine of a scenario. What is `None` is left to the server.
#[derive(Debug, Clone)]
pub struct AwsEngine {
    /// Where it is mounted: `aws`.
    pub mount: Name,
    /// `lease` of `config/lease`.
    pub lease: Option<Duration>,
    /// `lease_max` of `config/lease`.
    pub lease_max: Option<Duration>,
    /// `max_retries` of `config/root`.
    pub max_retries: u32,
    /// Dynamic roles.
    pub roles: Vec<AwsRole>,
    /// Static roles.
    pub static_roles: Vec<StaticRole>,
}

/// A dynamic role of the AWS engine.
#[derive(Debug, Clone)]
pub struct AwsRole {
    /// Its name.
    pub name: Name,
    /// What a read of it makes.
    pub credential_type: CredentialType,
    /// The policy document; leaseproof's default when `None`.
    pub policy_document: Option<serde_json::Map<String, serde_json::Value>>,
    /// Lifetime of an STS credential when none is asked for.
    pub default_sts_ttl: Option<Duration>,
    /// Its longest lifetime.
    pub max_sts_ttl: Option<Duration>,
}

/// A secrets engine other than the database engine, or an auth method.
#[derive(Debug, Clone)]
pub struct Mount {
    /// Where it is mounted: `kv`, `auth/approle`.
    pub path: String,
    /// The body that mounts it.
    pub body: serde_json::Value,
    /// What is written below it, in this order: path and body.
    pub writes: Vec<(String, serde_json::Value)>,
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub name: Name,
    /// The dynamic role whose credential it holds.
    pub holds: Ref,
    /// At which part of a TTL it renews.
    pub renews_at: Fraction,
    /// How often it uses its credential.
    pub uses_every: Duration,
    /// TTL of its Vault token.
    pub token_ttl: Duration,
    /// Max TTL of its Vault token.
    pub token_max_ttl: Duration,
}

/// One step, and where it stands in the file.
#[derive(Debug, Clone)]
pub struct Step {
    /// Where it stands.
    pub at: Place,
    /// What it does.
    pub action: Action,
    /// The promises that it judges.
    pub cites: Vec<String>,
    /// Those of them from which real servers are known to deviate, as this step demands.
    pub deviates: Vec<String>,
}

/// What a step does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Something an operator or an application does.
    Do(Box<Verb>),
    /// Something that must be so.
    Expect(Box<Expectation>, Timing),
    /// Something that breaks, and what happens meanwhile. `None`: it lasts to the end of the scenario.
    Fault(Box<Fault>, Option<Vec<Step>>),
    /// Time passes.
    Wait(Box<Wait>),
}

/// Something an operator or an application does.
#[derive(Debug, Clone)]
pub enum Verb {
    /// Takes a credential.
    Issue(Issue),
    /// Reads a static role.
    Read(Read),
    /// Renews.
    Renew(Renew),
    /// Revokes.
    Revoke(Revoke),
    /// Rotates.
    Rotate(Rotate),
    /// Makes a token.
    Token(Token),
    /// Opens a session.
    Open(Open),
    /// Repairs a connection.
    Repair(Repair),
    /// Saves or restores a snapshot.
    Snapshot(Snapshot),
    /// Starts a server.
    Start(Start),
    /// Calls Vault's API.
    Api(Api),
    /// Calls Vault's API from several places at once.
    Race(Box<Race>),
    /// Runs SQL.
    Sql(Sql),
}

/// One expectation: exactly one field of the file's `expect` is set.
pub type Expectation = Expect;

/// When an expectation must be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// At the next look.
    Now,
    /// At some look within this time.
    Within(Duration),
    /// At every look during this time.
    ForAtLeast(Duration),
}

/// Something that must hold throughout.
#[derive(Debug, Clone)]
pub struct Invariant {
    /// Where it stands.
    pub at: Place,
    /// What must hold: exactly one field is set.
    pub what: Always,
    /// The promises that it judges.
    pub cites: Vec<String>,
}
