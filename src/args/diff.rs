//! The arguments of `leaseproof diff`.

use std::path::PathBuf;

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof diff reports/20261120T220000Z reports/20261121T220000Z
      last night's run against the one before
  leaseproof diff reports/on-2.6.1 reports/on-2.7.2 --format markdown >> \"$GITHUB_STEP_SUMMARY\"
      two versions, as a table for a build server's page

Scenarios are known by their names; by their servers too where a run has several. Of repeats the worst verdict counts, and \
the time in the middle. A time has changed when it is 1.5 times what it was, or the other way round.

Exit codes: 0 nothing is worse, 1 something is, 2 a run cannot be read.")]
pub(crate) struct Diff {
    /// The folder of the run before: the one that holds record.json.
    #[arg(value_name = "RUN_A")]
    pub(crate) before: PathBuf,
    /// The folder of the run after.
    #[arg(value_name = "RUN_B")]
    pub(crate) after: PathBuf,
    /// Text for people, JSON, or Markdown tables.
    #[arg(long, value_enum, default_value_t = DiffFormat::Text)]
    pub(crate) format: DiffFormat,
}

/// The forms of what changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For build servers' pages.
    Markdown,
}
