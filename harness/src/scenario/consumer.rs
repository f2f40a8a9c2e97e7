//! A consumer of a scenario, with every default filled in; and where its program is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file::{ConsumerAuth, HoldsFormat, Restart};
use super::mark::Place;
use super::word::{Name, Ref};

/// A program of the user's own that is started with the scenario.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// Its name.
    pub name: Name,
    /// Where it stands in the file.
    pub at: Place,
    /// What is started.
    pub runs: Runs,
    /// Where that stands in the file.
    pub runs_at: Place,
    /// The folder beside the scenario whose files it is given, and where it is named.
    pub folder: Option<(PathBuf, Place)>,
    /// Files that it is given, by name, with their text.
    pub files: Vec<(String, String)>,
    /// Variables of its environment, beside those that every consumer has.
    pub environment: Vec<(String, String)>,
    /// The dynamic roles that it may take credentials from.
    pub may_issue: Vec<Ref>,
    /// Policies that it has beside its own.
    pub policies: Vec<Name>,
    /// What it authenticates with.
    pub auth: ConsumerAuth,
    /// TTL of its Vault token.
    pub token_ttl: Duration,
    /// Max TTL of its Vault token.
    pub token_max_ttl: Duration,
    /// Where it keeps its credential.
    pub holds: Option<Holds>,
    /// How often that is read and tried.
    pub looks_every: Duration,
    /// What happens when it ends by itself.
    pub restart: Restart,
    /// Log files that it writes itself, relative to its folder.
    pub logs: Vec<String>,
    /// Files in which it keeps other secrets, relative to its folder.
    pub secret_files: Vec<String>,
}

/// What is started as a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Runs {
    /// A program and its arguments.
    Program(String, Vec<String>),
    /// A command for `/bin/sh`.
    Shell(String),
    /// The secrets server's own program as an agent, with this configuration file.
    Agent(String),
}

/// Where a consumer keeps its credential.
#[derive(Debug, Clone)]
pub struct Holds {
    /// The dynamic role that it is of.
    pub role: Ref,
    /// The file, relative to the consumer's folder.
    pub file: String,
    /// How it is written.
    pub format: HoldsFormat,
    /// Where the user stands in it.
    pub username: String,
    /// Where the password stands in it.
    pub password: String,
}

impl std::fmt::Display for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Program(program, arguments) => {
                f.write_str(program)?;
                arguments.iter().try_for_each(|argument| write!(f, " {argument}"))
            }
            Self::Shell(command) => match command.trim().lines().collect::<Vec<_>>().as_slice() {
                [only] => write!(f, "sh -c '{only}'"),
                lines => write!(f, "a shell command of {} lines", lines.len()),
            },
            Self::Agent(file) => write!(f, "an agent with {file}"),
        }
    }
}

/// Where a program is: a file of the folder that it will work in, or the first of that name on PATH.
pub fn find_program(program: &str, folder: Option<&Path>) -> Option<PathBuf> {
    // An absolute path takes the place of the folder.
    let own = folder.map(|folder| folder.join(program)).or_else(|| program.starts_with('/').then(|| program.into()));
    let own = own.filter(|path| may_run(path));
    if program.contains('/') {
        return own;
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    own.or_else(|| std::env::split_paths(&path).map(|at| at.join(program)).find(|path| may_run(path)))
}

/// Whether it is a file that may be executed.
pub fn may_run(path: &Path) -> bool {
    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}
