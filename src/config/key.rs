//! The keys of leaseproof.toml: the arguments that they are defaults of, and what they take.

use std::str::FromStr as _;

use clap::ValueEnum as _;
use leaseproof_harness::provider::docker::image::Named;

use crate::args::{self, Provider, Proxy};

/// A key of the file.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// The argument that it is the default of.
    pub(crate) argument: &'static str,
    /// The option on the command line; none for what stands there without one.
    pub(crate) option: Option<&'static str>,
    /// The environment's name for it.
    pub(crate) environment: Option<&'static str>,
    /// What is written behind it.
    pub(super) takes: Takes,
    /// Whether a value is good, and what to write if it is not.
    pub(super) check: fn(&str) -> Result<(), String>,
}

/// What is written behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A text.
    Text,
    /// A text, or a list of them.
    Texts,
    /// A number.
    Number,
    /// A file or folder, seen from the folder of leaseproof.toml.
    Path,
    /// One or several of those.
    Paths,
    /// A table of texts.
    Table,
}

/// Every key, in the order in which they are shown.
pub(crate) const KEYS: &[Key] = &[
    Key { option: None, environment: None, ..key("scenarios", "paths", Takes::Paths, anything) },
    Key { option: Some("--tag"), environment: None, ..key("tags", "tag", Takes::Texts, anything) },
    Key {
        option: Some("--vault"),
        environment: Some("LEASEPROOF_VAULT"),
        ..key("vault", "vault", Takes::Texts, |text| args::vault(text).map(drop))
    },
    Key {
        option: Some("--postgres"),
        environment: Some("LEASEPROOF_POSTGRES"),
        ..key("postgres", "postgres", Takes::Text, |text| args::postgres(text).map(drop))
    },
    Key {
        option: Some("--mysql"),
        environment: Some("LEASEPROOF_MYSQL"),
        ..key("mysql", "mysql", Takes::Text, |text| args::mysql(text).map(drop))
    },
    Key {
        option: Some("--postgres-bin-dir"),
        environment: Some("LEASEPROOF_POSTGRES_BIN_DIR"),
        ..key("postgres_bin_dir", "postgres_bin_dir", Takes::Path, anything)
    },
    Key {
        option: Some("--provider"),
        environment: Some("LEASEPROOF_PROVIDER"),
        ..key("provider", "provider", Takes::Texts, provider)
    },
    Key {
        option: Some("--image"),
        environment: Some("LEASEPROOF_IMAGES"),
        ..key("images", "image", Takes::Table, |text| Named::from_str(text).map(drop))
    },
    Key { option: Some("--proxy"), environment: Some("LEASEPROOF_PROXY"), ..key("proxy", "proxy", Takes::Text, proxy) },
    Key {
        option: Some("--jobs"),
        environment: Some("LEASEPROOF_JOBS"),
        ..key("jobs", "jobs", Takes::Number, |text| args::jobs(text).map(drop))
    },
    Key {
        option: Some("--seed"),
        environment: Some("LEASEPROOF_SEED"),
        ..key("seed", "seed", Takes::Number, |text| text.parse::<u64>().map(drop).map_err(|_| FROM_0.to_owned()))
    },
    Key { option: Some("--repeat"), environment: None, ..key("repeat", "repeat", Takes::Number, repeat) },
    Key {
        option: Some("--report-dir"),
        environment: Some("LEASEPROOF_REPORT_DIR"),
        ..key("report_dir", "report_dir", Takes::Path, anything)
    },
];

const FROM_0: &str = "write a number from 0 on";

const fn key(name: &'static str, argument: &'static str, takes: Takes, check: fn(&str) -> Result<(), String>) -> Key {
    Key { name, argument, option: None, environment: None, takes, check }
}

fn anything(text: &str) -> Result<(), String> {
    if text.trim().is_empty() { Err("write something".to_owned()) } else { Ok(()) }
}

fn provider(text: &str) -> Result<(), String> {
    Provider::from_str(text, false).map(drop).map_err(|_| "write auto, native or docker".to_owned())
}

fn proxy(text: &str) -> Result<(), String> {
    Proxy::from_str(text, false).map(drop).map_err(|_| "write in-process or toxiproxy".to_owned())
}

fn repeat(text: &str) -> Result<(), String> {
    match text.parse::<u32>() {
        Ok(0) | Err(_) => Err("write a number from 1 on".to_owned()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    #[test]
    fn every_key_is_the_default_of_an_argument_of_run_with_its_option_and_its_environment() {
        let command = Args::command();
        let run = command.find_subcommand("run").unwrap();
        for key in KEYS {
            let argument = run.get_arguments().find(|arg| arg.get_id() == key.argument);
            let argument = argument.unwrap_or_else(|| panic!("run has no {}", key.argument));
            let option = argument.get_long().map(|long| format!("--{long}"));
            assert_eq!(option.as_deref(), key.option, "{}", key.name);
            let environment = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            assert_eq!(environment.as_deref(), key.environment, "{}", key.name);
        }
    }
}
