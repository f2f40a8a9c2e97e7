//! The arguments: what can be asked of leaseproof, and the help that says so. One file for each command.

mod capture;
mod clean;
mod config;
mod coverage;
mod diff;
mod doctor;
mod explain;
mod explore;
mod format;
mod list;
mod merge;
mod new;
mod plan;
mod provision;
mod report;
mod run;
mod schema;
mod servers;
mod shard;
mod soak;
mod up;
mod upgrade;
mod validate;

use clap::{Parser, Subcommand};

pub(crate) use capture::Capture;
pub(crate) use clean::Clean;
pub(crate) use config::Config;
pub(crate) use coverage::{Coverage, TableFormat};
pub(crate) use diff::{Diff, DiffFormat};
pub(crate) use doctor::Doctor;
pub(crate) use explain::Explain;
pub(crate) use explore::{Explore, Faults};
pub(crate) use format::Format;
pub(crate) use list::List;
pub(crate) use merge::Merge;
pub(crate) use new::New;
pub(crate) use plan::Plan;
pub(crate) use provision::Provision;
pub(crate) use report::Report;
pub(crate) use run::Run;
pub(crate) use schema::{Schema, SchemaOf};
pub(crate) use servers::{Databases, Provider, Proxy, Servers};
pub(crate) use shard::Shard;
pub(crate) use soak::{Load, Soak};
pub(crate) use up::Up;
pub(crate) use upgrade::Upgrade;
pub(crate) use validate::Validate;

pub(crate) use servers::{mysql, postgres, vault};

/// End-to-end chaos tests for dynamic secrets.
///
/// leaseproof starts real servers (OpenBao or Vault, PostgreSQL, MySQL or MariaDB), breaks them on purpose, and judges
/// whether leases, renewals, rotations and revocations behave as the documentation promises.
#[derive(Debug, Parser)]
#[command(name = "leaseproof", version, after_help = EXIT_CODES, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Args {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    every promise held
  1    a promise was violated
  2    the command line or a scenario file is wrong; nothing was started
  3    the environment failed: a server, a disk, a program that cannot be had
  4    inconclusive: too little was observed to say
  130  interrupted";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenarios against real servers and judge what was seen.
    Run(Box<Run>),
    /// Say whether an upgrade of the secrets server is safe for the credentials that are out.
    Upgrade(Box<Upgrade>),
    /// Read a live server's roles, TTLs and policies, and write scenarios that reproduce them. Writes nothing to the server.
    Capture(Capture),
    /// Run scenarios on healthy servers while everything is disturbed, and count false accusations.
    Soak(Box<Soak>),
    /// Try random operations under random faults, and hold the servers against a model of what is documented.
    Explore(Box<Explore>),
    /// Write a scenario from a theme, such as `leader_is_lost`: commented, and ready to run.
    New(New),
    /// Check scenario files without starting anything.
    Validate(Validate),
    /// List scenarios: what each shows, its promises and its servers.
    List(List),
    /// Print what a run would do, step by step.
    Plan(Plan),
    /// Show each value that a run here would take, and where it comes from.
    #[command(after_help = config::AFTER)]
    Config(Box<Config>),
    /// Print the JSON Schema of scenario files, of fragments or of the record of a run.
    Schema(Schema),
    /// Show which promises of the catalogue have a scenario that judges them.
    Coverage(Coverage),
    /// Say what a promise, or a word of scenario files, means, with an example.
    Explain(Explain),
    /// Show what this machine has, and how the rest would be got.
    Doctor(Doctor),
    /// Fetch servers ahead of a run.
    Provision(Provision),
    /// Render the reports of an earlier run again, without servers.
    Report(Report),
    /// Say what changed from one run to another: verdicts, promises, times.
    Diff(Diff),
    /// Make one report of several runs, such as the shards of one.
    Merge(Merge),
    /// Start the servers of a scenario, set up as it says, and print what a shell needs to use them.
    Up(Box<Up>),
    /// End the servers that `up` started.
    Down,
    /// Remove what killed runs left behind.
    Clean(Clean),
}

impl Command {
    /// Whether leaseproof.toml has a say in it.
    pub(crate) fn takes_defaults(&self) -> bool {
        matches!(
            self,
            Self::Run(_)
                | Self::Upgrade(_)
                | Self::Soak(_)
                | Self::Explore(_)
                | Self::Up(_)
                | Self::Config(_)
                | Self::Validate(_)
                | Self::List(_)
                | Self::Coverage(_)
        )
    }
}

/// Where scenarios are when no path is given.
pub(crate) const SCENARIOS: &str = "scenarios";
/// Where those are that watch over an upgrade.
const UPGRADE_SCENARIOS: &str = "scenarios/upgrade";

pub(crate) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("write a number from 1 on".to_owned()),
        Ok(jobs) => Ok(jobs),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        Args::command().debug_assert();
    }
}
