//! The arguments of `leaseproof validate`.

use std::path::PathBuf;

use super::{Format, SCENARIOS};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof validate
      checks every scenario below ./scenarios
  leaseproof validate my.yaml --watch
      checks it now, and again whenever it is saved
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
    /// Check again whenever a scenario is saved, until Ctrl-C.
    #[arg(long)]
    pub(crate) watch: bool,
}
