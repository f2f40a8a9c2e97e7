//! The arguments of `leaseproof upgrade`.

use std::path::PathBuf;

use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::provider::site::Choice;

use super::{Databases, Format, UPGRADE_SCENARIOS, jobs, vault};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof upgrade --from openbao:2.6.1 --to openbao:2.7.2
      runs every scenario below ./scenarios/upgrade on the one, on the other, and through the upgrade
  leaseproof upgrade scenarios/leases my.yaml --from openbao:2.7.0 --to openbao:2.7.2 --repeat 5
      the same for scenarios of your own
  leaseproof upgrade --from openbao:2.6.1 --to openbao:2.7.2 --rollback
      goes back as well, to a snapshot from before the upgrade
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
    /// Where servers come from: processes of this machine. The next version starts on the data of the last, and a container's
    /// program and data go together.
    // Not `provider`, whose default a leaseproof.toml sets: that of runs may be Docker.
    #[arg(long = "provider", value_name = "PROVIDER", default_value = "native", value_parser = provider)]
    pub(crate) runs_on: Choice,
    /// How many scenarios run at once.
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs, env = "LEASEPROOF_JOBS", hide_env_values = true)]
    pub(crate) jobs: usize,
    /// The seed of every plan [default: a random one, which the reports name].
    #[arg(long, value_name = "N", env = "LEASEPROOF_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,
    /// Goes back as well: one more leg, in which a snapshot is saved before the upgrade and restored on the present version
    /// after it.
    #[arg(long)]
    pub(crate) rollback: bool,
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

fn provider(text: &str) -> Result<Choice, String> {
    match text {
        "native" => Ok(Choice::Native),
        "docker" => {
            let why = "an upgrade starts the next version on the data of the last, and a container takes its data with it; \
                       it runs on processes of this machine, which need no Docker";
            Err(why.to_owned())
        }
        _ => Err("an upgrade runs on processes of this machine: say `native`, or nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upgrade_in_containers_is_refused_with_the_reason() {
        assert_eq!(provider("native"), Ok(Choice::Native));
        assert!(provider("docker").unwrap_err().contains("the data of the last"));
        assert!(provider("podman").unwrap_err().contains("`native`"));
    }
}
