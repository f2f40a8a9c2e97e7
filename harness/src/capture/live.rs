//! What was read of a live server, before anything is made of it.

use serde_json::Value;

/// A live server, as far as it could be read.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// Where: `127.0.0.1:8200`.
    pub address: String,
    /// What it says that it is: `2.7.2`.
    pub version: String,
    /// Every call that was made, and what came of it.
    pub calls: Vec<Call>,
    /// Its database engines.
    pub databases: Vec<Database>,
    /// Its other secrets engines: where, and of what type.
    pub engines: Vec<(String, String)>,
    /// Its auth methods.
    pub methods: Vec<Method>,
    /// Its policies: name and text.
    pub policies: Vec<(String, String)>,
    /// Its audit devices: where, and of what type.
    pub audit: Vec<(String, String)>,
}

/// A call that only reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `GET sys/mounts`.
    pub what: String,
    /// Why it gave nothing; none when it did.
    pub refused: Option<String>,
}

/// A database engine.
#[derive(Debug, Clone, Default)]
pub struct Database {
    /// Where it is mounted, without a slash at the end.
    pub mount: String,
    /// The mount's own TTLs in seconds; 0 for the server's.
    pub default_lease_ttl: u64,
    /// The same, the maximum.
    pub max_lease_ttl: u64,
    /// Its connections: name and settings.
    pub connections: Vec<(String, Value)>,
    /// Its dynamic roles.
    pub roles: Vec<(String, Value)>,
    /// Its static roles.
    pub static_roles: Vec<(String, Value)>,
}

/// An auth method.
#[derive(Debug, Clone, Default)]
pub struct Method {
    /// Where it is mounted, without a slash at the end.
    pub mount: String,
    /// Its type: `approle`.
    pub kind: String,
    /// Its roles: name and settings.
    pub roles: Vec<(String, Value)>,
}
