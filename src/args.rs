//! The arguments: what can be asked of leaseproof, and the help that says so.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// End-to-end chaos tests for dynamic secrets.
///
/// leaseproof starts real servers (OpenBao or Vault, and PostgreSQL), breaks them on purpose, and judges whether leases,
/// renewals, rotations and revocations behave as the documentation promises.
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
    /// Check scenario files without starting anything.
    Validate(Validate),
    /// List scenarios: what each shows, its promises and its servers.
    List(List),
    /// Print what a run would do, step by step.
    Plan(Plan),
    /// Print the JSON Schema of scenario files or of the record of a run.
    Schema(Schema),
    /// Show which promises of the catalogue have a scenario that judges them.
    Coverage(Coverage),
}

/// Where scenarios are when no path is given.
const SCENARIOS: &str = "scenarios";

/// Text for people, or JSON for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The forms of the coverage table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For documentation.
    Markdown,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof validate
      checks every scenario below ./scenarios
  leaseproof validate my.yaml --format json
      the same for one file, for editors and scripts

Exit codes: 0 all are valid (warnings do not count), 2 one is not.")]
pub(crate) struct Validate {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof list
  leaseproof list scenarios/lease --format json")]
pub(crate) struct List {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, or JSON.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof plan my.yaml
  leaseproof plan my.yaml --seed 7
      the plan that `leaseproof run my.yaml --seed 7` follows")]
pub(crate) struct Plan {
    /// Scenario files, and folders that hold them.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    /// The seed. The same scenario and seed give the same plan on every machine.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof schema > scenario.schema.json
  leaseproof schema record > record.schema.json

An editor completes and checks a scenario whose first line is
  # yaml-language-server: $schema=scenario.schema.json")]
pub(crate) struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(crate) of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Scenario files.
    Scenario,
    /// record.json, which every run writes.
    Record,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof coverage
  leaseproof coverage scenarios --format markdown > COVERAGE.md")]
pub(crate) struct Coverage {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, JSON, or a Markdown table.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
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
