//! The arguments of `leaseproof plan`.

use std::path::PathBuf;

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
