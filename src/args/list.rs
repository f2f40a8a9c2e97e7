//! The arguments of `leaseproof list`.

use std::path::PathBuf;

use super::{Format, SCENARIOS};

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
