//! Scenarios as tests: one test for each scenario file of a folder, found when the tests run. Three lines in a test target
//! with `harness = false` are all it takes:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     leaseproof_harness::testing::run_folder("scenarios")
//! }
//! ```
//!
//! Tests that are written in Rust get a running stack from [`stack()`].
//!
//! This is the one part of the library that prints: it is the main function of a test binary.

mod folder;
mod stack;

pub use stack::{Running, StackFailure, stack};

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::Arguments;

use crate::provider::native::part::{Part, PartError};
use crate::provider::site::Choice;
use crate::scenario::{FindError, Tags};
use crate::suite::SuiteError;

/// Names the secrets servers, separated by commas: `openbao:2.7.2,vault`.
pub const VAULT_VARIABLE: &str = "LEASEPROOF_VAULT";
/// Names where servers come from: `native`, `docker` or `auto`.
pub const PROVIDER_VARIABLE: &str = "LEASEPROOF_PROVIDER";
/// Names the seed of every plan.
pub const SEED_VARIABLE: &str = "LEASEPROOF_SEED";
/// Names the tags of scenarios that are left out otherwise, separated by commas, or `all`.
pub const TAGS_VARIABLE: &str = "LEASEPROOF_TAGS";
/// When it is `1`, a scenario that cannot run here is a failure.
pub const REQUIRE_ALL_VARIABLE: &str = "LEASEPROOF_REQUIRE_ALL";

/// How many scenarios run at once when nobody says otherwise: they mostly wait.
const THREADS: usize = 16;

/// What the tests of a folder run on, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where servers come from.
    pub provider: Choice,
    /// The secrets servers. Every scenario is one test on each.
    pub vaults: Vec<Part>,
    /// The PostgreSQL that is wanted.
    pub postgres: Part,
    /// The folder of PostgreSQL's programs, when one is given.
    pub postgres_bin: Option<PathBuf>,
    /// The MySQL or MariaDB that is wanted, where a scenario has it.
    pub mysql: Part,
    /// The seed of every plan. Always the same unless somebody says otherwise: a test is to do today what it did yesterday.
    pub seed: u64,
    /// The folder in which the run of this process gets a folder of its own.
    pub reports: PathBuf,
    /// How many tests run at once, unless `--test-threads` says otherwise.
    pub threads: usize,
    /// The tags that are asked for. A scenario with other tags is ignored, with the reason.
    pub tags: Tags,
    /// Whether a scenario that cannot run here is a failure. Else it is ignored, with its reason.
    pub require_all: bool,
}

/// Why tests could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TestingError {
    /// A variable of the environment names no server.
    #[error("{VAULT_VARIABLE}: {0}")]
    Vault(#[from] PartError),
    /// A variable of the environment is no provider.
    #[error("{PROVIDER_VARIABLE}: `{0}` is no provider; write native, docker or auto")]
    Provider(String),
    /// A variable of the environment is no seed.
    #[error("{SEED_VARIABLE}: `{0}` is no seed; write a whole number")]
    Seed(String),
    /// There are no scenarios: a test target that tests nothing must not pass.
    #[error(transparent)]
    Find(#[from] FindError),
    /// The machinery that runs several things at once could not be started.
    #[error("cannot start the runtime: {0}; check the limits of this user (`ulimit -a`)")]
    Runtime(io::Error),
    /// The run could not be ended or its reports could not be written.
    #[error(transparent)]
    Close(#[from] SuiteError),
    /// A secret was found in the run's own output, or a file could not be searched for them.
    #[error("the reports in {folder} are not clean of secrets: {files}; do not publish them", files = .files.join(", "))]
    Secrets {
        /// The run's folder.
        folder: PathBuf,
        /// The files.
        files: Vec<String>,
    },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            // Native unless somebody says otherwise: a test is to do on every machine what it does on this one.
            provider: Choice::Native,
            vaults: vec![default_vault()],
            postgres: Part::Postgres(None),
            postgres_bin: None,
            mysql: Part::Mysql(None),
            seed: 0,
            reports: PathBuf::from("reports"),
            threads: THREADS,
            tags: Tags::default(),
            require_all: false,
        }
    }
}

/// The secrets server when none is named.
fn default_vault() -> Part {
    #[expect(clippy::expect_used, reason = "it is the name of a part, and the tests below read it")]
    "openbao".parse().expect("openbao is the name of a part")
}

impl Options {
    /// The defaults, and what the environment says otherwise.
    pub fn from_env() -> Result<Self, TestingError> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TestingError> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        let mut options = Self::default();
        if let Some(vaults) = variable(VAULT_VARIABLE) {
            options.vaults = vaults.split(',').map(|part| part.trim().parse()).collect::<Result<_, _>>()?;
        }
        if let Some(provider) = variable(PROVIDER_VARIABLE) {
            options.provider = match provider.as_str() {
                "native" => Choice::Native,
                "docker" => Choice::Docker,
                "auto" => Choice::Auto,
                _ => return Err(TestingError::Provider(provider)),
            };
        }
        if let Some(seed) = variable(SEED_VARIABLE) {
            options.seed = seed.parse().map_err(|_| TestingError::Seed(seed))?;
        }
        if let Some(tags) = variable(TAGS_VARIABLE) {
            options.tags = match tags.as_str() {
                "all" => Tags::All,
                some => Tags::These(some.split(',').map(|tag| tag.trim().to_owned()).collect()),
            };
        }
        options.require_all = variable(REQUIRE_ALL_VARIABLE).is_some_and(|value| value == "1");
        Ok(options)
    }
}

/// Runs the tests of a folder as [`run_folder_with`] does, set up by the environment: a whole main function.
pub fn run_folder(folder: impl AsRef<Path>) -> ExitCode {
    match Options::from_env() {
        Ok(options) => run_folder_with(folder, options),
        Err(error) => refuse(&error),
    }
}

/// Runs each scenario below a folder (or in a file) as a test of its own, as the arguments of the test binary say. All
/// tests of one process share one provisioning and one report folder. A folder without scenarios is a failure.
pub fn run_folder_with(folder: impl AsRef<Path>, options: Options) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(options.threads));
    let tests = match folder::Tests::find(folder.as_ref(), options) {
        Ok(tests) => tests,
        Err(error) => return refuse(&error),
    };
    let conclusion = libtest_mimic::run(&arguments, tests.trials(arguments.list));
    match tests.close() {
        Ok(()) => conclusion.exit_code(),
        Err(error) => refuse(&error),
    }
}

/// Says why there is no result, and fails as a test binary does.
fn refuse(error: &TestingError) -> ExitCode {
    // Whoever closed our stderr still gets the exit code.
    let _ = writeln!(io::stderr(), "error: {error}");
    ExitCode::from(101)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Options, TestingError> {
        Options::read(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_names_servers_seed_and_whether_all_must_run() {
        let variables = [(VAULT_VARIABLE, "openbao:2.6.1, vault"), (SEED_VARIABLE, "7"), (REQUIRE_ALL_VARIABLE, "1")];
        let options = read(&variables).unwrap();
        let vaults: Vec<String> = options.vaults.iter().map(ToString::to_string).collect();
        assert_eq!(vaults, ["openbao:2.6.1", "vault"]);
        assert_eq!((options.seed, options.require_all), (7, true));
    }

    #[test]
    fn the_environment_names_the_tags_that_are_asked_for() {
        assert_eq!(read(&[(TAGS_VARIABLE, "all")]).unwrap().tags, Tags::All);
        let some = Tags::These(["slow".to_owned(), "huge".to_owned()].into());
        assert_eq!(read(&[(TAGS_VARIABLE, "slow, huge")]).unwrap().tags, some);
    }

    #[test]
    fn without_a_word_of_the_environment_the_seed_is_always_the_same() {
        let options = read(&[(VAULT_VARIABLE, ""), (REQUIRE_ALL_VARIABLE, "0")]).unwrap();
        assert_eq!((options.seed, options.require_all, options.vaults.len()), (0, false, 1));
    }

    #[test]
    fn an_environment_that_makes_no_sense_is_refused_by_the_name_of_its_variable() {
        let seed = read(&[(SEED_VARIABLE, "seven")]).unwrap_err().to_string();
        assert!(seed.contains("LEASEPROOF_SEED: `seven`"), "{seed}");
        let vault = read(&[(VAULT_VARIABLE, "openboa")]).unwrap_err().to_string();
        assert!(vault.contains("LEASEPROOF_VAULT: ") && vault.contains("did you mean `openbao`"), "{vault}");
    }
}
