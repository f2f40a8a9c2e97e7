//! What is seen of consumers: programs that are not leaseproof's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::Outcome;

/// What a consumer's process is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerState {
    /// It was started.
    Started,
    /// It ended by itself.
    Ended {
        /// How.
        how: String,
        /// Whether it failed: any end but with status 0.
        crashed: bool,
        /// The last lines that it wrote.
        last_lines: String,
    },
    /// It was stopped, since the scenario is over.
    Stopped,
}

/// What a consumer held when it was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Held {
    /// The consumer.
    pub consumer: String,
    /// The credential by the name that the run gave it, `app#2`; none when it held none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// Its user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// What a login with it, straight at the target, came to; none when it held none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome<()>>,
    /// Why it held none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<String>,
}

/// What was heard on the clients' links, of the same kind within a second.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// Credentials of a role were asked for.
    Asked {
        /// The role.
        role: String,
        /// The status of the answers.
        status: u16,
    },
    /// A request was made that is listened for.
    Requested {
        /// The regular expression that it matches.
        request: String,
        /// The status of the answers.
        status: u16,
    },
    /// A user logged in at PostgreSQL.
    LoggedIn {
        /// The user.
        username: String,
        /// The SQLSTATE of the refusals; none when it was let in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
}

/// What a consumer wrote, searched for every secret that was known by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OutputSearched {
    /// The consumer.
    pub consumer: String,
    /// How much was searched, in bytes.
    pub bytes: u64,
    /// How much of its output was searched as it came and not kept, since it was too much.
    pub not_kept: u64,
    /// Where a secret stands: `app.log:3`.
    pub found: Vec<String>,
    /// What could not be searched, and why.
    pub unsearched: Vec<String>,
}
