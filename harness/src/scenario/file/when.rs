//! The exact moment for which a fault waits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::mark::Marked;

/// The moment for which a fault waits. From the byte on that must not pass nothing passes on the link, and then the fault
/// takes effect. A step in its `during` has to bring the moment about; a fault whose moment never came makes the scenario
/// inconclusive.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// A regular expression, found in the text of an SQL statement that is run.
    #[serde(default)]
    pub statement: Option<Marked<String>>,
    /// A regular expression, found in the method and path of an HTTP request: `POST /v1/sys/leases/renew`.
    #[serde(default)]
    pub request: Option<Marked<String>>,
    /// An action of AWS's API that Vault asks for: a regular expression for its whole name, such as `CreateAccessKey`.
    #[serde(default)]
    pub action: Option<Marked<String>>,
    /// Before it has reached the server.
    #[serde(default)]
    pub before: Option<Marked<Before>>,
    /// After the server has done it and before its answer has come.
    #[serde(default)]
    pub after: Option<Marked<After>>,
}

/// What comes after the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Before {
    /// No byte of it has reached the server.
    Sent,
}

/// What came before the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum After {
    /// It is done for good: a statement is committed, a request is being answered.
    Done,
}
