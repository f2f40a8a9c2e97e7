//! Programs of one's own in a scenario: how each is started, what it is given, and where it keeps what it holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::mark::{Marked, Named};
use crate::scenario::word::{Length, Name, Ref};

/// A program of your own: your application, an agent with a template, or a shell command. It is started before the first
/// step, given what it needs, and judged from outside. Exactly one of `program`, `shell` and `agent` says what is started.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Consumer {
    /// The program and its arguments: a file of its folder, or a program on PATH. It works in a folder of its own.
    #[serde(default)]
    pub program: Option<Marked<Vec<Marked<String>>>>,
    /// A command for `/bin/sh`.
    #[serde(default)]
    pub shell: Option<Marked<String>>,
    /// The configuration file of an agent, among its files: the secrets server's own program is started as `agent` with it.
    #[serde(default)]
    pub agent: Option<Marked<String>>,
    /// A folder beside the scenario: all files in it are copied into the consumer's own, with their placeholders filled.
    #[serde(default)]
    pub folder: Option<Marked<String>>,
    /// Files that it is given, by name, with their text. `{{vault_address}}` and other placeholders in it are filled.
    #[serde(default)]
    pub files: Named<Marked<String>, String>,
    /// Variables of its environment, beside those that every consumer has.
    #[serde(default)]
    pub environment: Named<Marked<String>, String>,
    /// The dynamic roles that it may take credentials from; that of `holds` when left out.
    #[serde(default)]
    pub may_issue: Vec<Marked<Ref>>,
    /// Policies of the scenario that it has beside its own.
    #[serde(default)]
    pub policies: Vec<Marked<Name>>,
    /// What it authenticates with: `approle` (default), a role and secret ID in files `role_id` and `secret_id`; or
    /// `token`, a token in the file `token`. Only its user may read them.
    #[serde(default)]
    pub auth: Option<Marked<ConsumerAuth>>,
    /// TTL of its Vault token: 1h when left out.
    #[serde(default)]
    pub token_ttl: Option<Marked<Length>>,
    /// Max TTL of its Vault token: 24h when left out.
    #[serde(default)]
    pub token_max_ttl: Option<Marked<Length>>,
    /// The file in which it keeps its credential, so that it can be tried from outside.
    #[serde(default)]
    pub holds: Option<Marked<Holds>>,
    /// How often that is read and tried: 500ms when left out.
    #[serde(default)]
    pub looks_every: Option<Marked<Length>>,
    /// What happens when it ends by itself: `never` (default), it stays ended, and a crash breaks the scenario; `on_exit`,
    /// it is started again after a second, as a supervisor does.
    #[serde(default)]
    pub restart: Option<Marked<Restart>>,
    /// Log files that it writes itself, beside its output, relative to its folder.
    #[serde(default)]
    pub logs: Vec<Marked<String>>,
    /// Files in which it keeps other secrets, a token for instance, relative to its folder: so that they are known.
    #[serde(default)]
    pub secret_files: Vec<Marked<String>>,
}

/// What a consumer authenticates with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsumerAuth {
    /// A role ID and a secret ID, in files `role_id` and `secret_id`.
    #[default]
    Approle,
    /// A token, in the file `token`.
    Token,
}

/// What happens when a consumer ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// It stays ended.
    #[default]
    Never,
    /// It is started again after a second.
    OnExit,
}

/// Where a consumer keeps the database credential that it uses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// The dynamic role that the credential is of.
    pub role: Marked<Ref>,
    /// The file, relative to the consumer's folder.
    pub file: Marked<String>,
    /// How it is written: `json` (default), or `env`, lines of `NAME=value`.
    #[serde(default)]
    pub format: Option<Marked<HoldsFormat>>,
    /// Where the user stands in it: the way through JSON (`data.username`), or the variable; `username` when left out.
    #[serde(default)]
    pub username: Option<Marked<String>>,
    /// Where the password stands in it; `password` when left out.
    #[serde(default)]
    pub password: Option<Marked<String>>,
}

/// How a file with a credential is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldsFormat {
    /// One JSON document.
    #[default]
    Json,
    /// Lines of `NAME=value`, as a shell or an environment file has them.
    Env,
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
