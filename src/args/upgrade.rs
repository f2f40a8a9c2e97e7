//! The arguments of `leaseproof upgrade`.

use std::path::PathBuf;

use leaseproof_harness::provider::native::part::Part;

use super::{Databases, Format, UPGRADE_SCENARIOS, jobs, vault};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof upgrade --from openbao:2.6.1 --to openbao:2.7.2
      runs every scenario below ./scenarios/upgrade on the one, on the other, and through the upgrade
  leaseproof upgrade scenarios/leases my.yaml --from openbao:2.7.0 --to openbao:2.7.2 --repeat 5
      the same for scenarios of your own
  leaseproof upgrade --from vault:1.21.0 --to openbao:2.7.2
      compares two products; one is not started on the other's data

The answer is GO, GO WITH CHANGES, NO-GO or INCONCLUSIVE; upgrade.html, upgrade.md and upgrade.json in the run's folder \
say what it rests on.

Exit codes: 0 go, with changes or without; 1 no-go; 2 usage or invalid file; 3 environment; 4 inconclusive; 130 interrupted.")]
pub(crate) struct Upgrade {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = UPGRADE_SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// The secrets server that runs now: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault)]
    pub(crate) from: Part,
    /// The secrets server that is to come.
    #[arg(long, value_name = "SERVER", value_parser = vault)]
    pub(crate) to: Part,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    #[command(flatten)]
    pub(crate) databases: Databases,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs, env = "LEASEPROOF_JOBS", hide_env_values = true)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N", env = "LEASEPROOF_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,
    /// How often each leg runs. Times are compared from three on; what varies between repeats is noise.
    #[arg(long, value_name = "N", default_value = "3", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// The folder in which the run gets a folder of its own.
    #[arg(long, value_name = "DIR", env = "LEASEPROOF_REPORT_DIR", hide_env_values = true, default_value = "reports")]
    pub(crate) report_dir: PathBuf,
    /// Text for people, or JSON lines, the last of them the whole report.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}
