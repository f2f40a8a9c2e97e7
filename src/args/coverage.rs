//! The arguments of `leaseproof coverage`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::SCENARIOS;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof coverage
  leaseproof coverage scenarios --format markdown > COVERAGE.md")]
pub(crate) struct Coverage {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Text for people, JSON, Markdown tables, or an HTML page.
    #[arg(long, value_enum, default_value_t = TableFormat::Text)]
    pub(crate) format: TableFormat,
}

/// The forms of the coverage table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TableFormat {
    /// For people.
    Text,
    /// A page for browsers.
    Html,
    /// For programs.
    Json,
    /// For documentation.
    Markdown,
}
