//! The arguments of `leaseproof soak`.

use std::path::PathBuf;

use clap::ValueEnum;

use super::{SCENARIOS, Servers, jobs};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof soak --repeat 15
      runs every scenario 15 times while the machine is busy and leaseproof is stopped again and again
  leaseproof soak scenarios/quickstart --repeat 100 --load stall
      with stops alone
  leaseproof soak scenarios/quickstart --repeat 20 --load quota
      with no more than a part of one processor for leaseproof and all its servers

What is inconclusive is run again, twice at most. `quota` needs root, or a control group that is handed down; where \
it cannot be, that is said with its reason. Containers are not in that group: their engine starts them.

Exit codes: 0 nobody was accused, 1 somebody was, 2 usage or invalid file, 3 environment, 130 interrupted.")]
pub(crate) struct Soak {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// How often each scenario runs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// What disturbs the run (can be given several times).
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["cpu", "disk", "stall"])]
    pub(crate) load: Vec<Load>,
    #[command(flatten)]
    pub(crate) servers: Servers,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "16", value_parser = jobs, env = "LEASEPROOF_JOBS", hide_env_values = true)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N", env = "LEASEPROOF_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,
    /// The folder in which the soak gets a folder of its own.
    #[arg(long, value_name = "DIR", env = "LEASEPROOF_REPORT_DIR", hide_env_values = true, default_value = "reports")]
    pub(crate) report_dir: PathBuf,
}

/// What disturbs a soak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Load {
    /// Busy threads, two for each processor.
    Cpu,
    /// A limit on the processor, by a control group, for leaseproof and all its servers.
    Quota,
    /// A disk that is written to and synchronised all the time, with the servers' data on it.
    Disk,
    /// Stops of leaseproof itself, at random moments, for up to eight seconds.
    Stall,
}
