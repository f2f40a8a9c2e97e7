//! The arguments of `leaseproof run`.

use std::path::PathBuf;

use super::{Format, SCENARIOS, Servers, Shard, jobs};

#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof run
      runs every scenario below ./scenarios on OpenBao
  leaseproof run scenarios/lease --vault openbao:2.7.2 --vault vault
      runs those of one folder on two servers
  leaseproof run --provider native,docker
      runs every scenario twice, as processes and in containers, and shows the verdicts side by side
  leaseproof run -f outage --seed 7 --repeat 10
      runs the scenarios with `outage` in their path ten times, with the plan of seed 7
  leaseproof run my.yaml --watch
      runs it now, and again whenever it is saved
  leaseproof run --shard 1/4 --format json
      runs the first quarter, for one of four machines, and prints JSON lines

The reports are written into a folder of their own below the report folder.

Exit codes: 0 held, 1 violated, 2 usage or invalid file, 3 environment, 4 inconclusive, 130 interrupted.")]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Run {
    /// Scenario files, and folders that hold them.
    #[arg(default_value = SCENARIOS)]
    pub(crate) paths: Vec<PathBuf>,
    /// Run only scenarios whose path contains this text (can be given several times).
    #[arg(short, long, value_name = "TEXT")]
    pub(crate) filter: Vec<String>,
    /// Also run scenarios with this tag, such as `slow` (can be given several times). A scenario with tags is left out else,
    /// unless its file is named.
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Also run scenarios with any tag.
    #[arg(long, conflicts_with = "tag")]
    pub(crate) all_tags: bool,
    #[command(flatten)]
    pub(crate) servers: Servers,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "16", value_parser = jobs, env = "LEASEPROOF_JOBS", hide_env_values = true)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N", env = "LEASEPROOF_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,
    /// How often each scenario runs.
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) repeat: u32,
    /// Run again whenever a scenario is saved: then only what was saved.
    #[arg(long, conflicts_with = "keep")]
    pub(crate) watch: bool,
    /// Leave the servers of a scenario that did not hold running until Ctrl-C, and say how to log in.
    #[arg(long)]
    pub(crate) keep: bool,
    /// The folder in which the run gets a folder of its own.
    #[arg(long, value_name = "DIR", env = "LEASEPROOF_REPORT_DIR", hide_env_values = true, default_value = "reports")]
    pub(crate) report_dir: PathBuf,
    /// Count a scenario that cannot run here as a failure.
    #[arg(long)]
    pub(crate) require_all: bool,
    /// Text for people, or a JSON line at the end of each scenario and one with the summary.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Run only the i-th of n parts of the scenarios, to spread a run over machines.
    #[arg(long, value_name = "I/N")]
    pub(crate) shard: Option<Shard>,
}
