//! The arguments of `leaseproof explore`.

use std::path::PathBuf;

use leaseproof_harness::model::fault::Fault;
use leaseproof_harness::provider::docker::image::Named;
use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::scenario::Dbms;
use leaseproof_harness::scenario::word::Length;

use super::servers::Databases;
use super::{Format, Provider, jobs, vault};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof explore
      200 operations under random faults, from a random seed, which is told
  leaseproof explore --seed 7 --for 10m
      as much as there is time for in ten minutes; the same seed tries the same in the same order
  leaseproof explore --steps 500 --faults seal,down,root_password --at-once 2
      these faults alone, two of them at once
  leaseproof explore --faults none
      operations without any fault
  leaseproof explore --stack mysql --mysql mariadb --provider docker
      the same on MySQL or MariaDB, which end no login by themselves; in containers

After each operation everything is compared with the model: what Vault says of each lease, token and \
static role, whom the database lets in, and at the end the ledgers. The first difference is made as small as it \
goes, run five times for its rate, and written into the run's folder as a scenario that \
`leaseproof run` takes as it is. What was never reached is listed.

The faults, each of which is healed in every sequence:
  of Vault: seal, kill, restart, step_down
  between Vault and the database: down, reset, cut, latency
  of the database: database_stop, database_kill, database_pause, database_restart
  of Vault's own user there: sessions_ended, root_password, root_locked, root_privilege

Exit codes: 0 held, 1 a difference was found, 2 usage, 3 environment, 4 inconclusive, 130 interrupted.")]
pub(crate) struct Explore {
    /// The seed of all that is drawn [default: a random one, which the reports name].
    #[arg(long, value_name = "N", env = "LEASEPROOF_SEED", hide_env_values = true)]
    pub(crate) seed: Option<u64>,
    /// How many operations to try in all; what has begun then is finished [default: 200, or without end with --for].
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) steps: Option<usize>,
    /// After how long nothing new begins: 90s, 10m, 1h.
    #[arg(long = "for", value_name = "TIME")]
    pub(crate) time: Option<Length>,
    /// The faults that may happen, separated by commas; `all`, or `none`.
    #[arg(long, value_name = "FAULTS", value_parser = faults, default_value = "all")]
    pub(crate) faults: Faults,
    /// How many faults may be in force at once.
    #[arg(long, value_name = "N", default_value = "1", value_parser = at_once)]
    pub(crate) at_once: usize,
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault, env = "LEASEPROOF_VAULT", hide_env_values = true, default_value = "openbao")]
    pub(crate) vault: Part,
    /// The database of the stack: postgres or mysql.
    #[arg(long, value_name = "DATABASE", value_parser = stack, default_value = "postgres")]
    pub(crate) stack: Dbms,
    #[command(flatten)]
    pub(crate) databases: Databases,
    /// Where servers come from.
    #[arg(long, value_enum, env = "LEASEPROOF_PROVIDER", hide_env_values = true, default_value = "auto")]
    pub(crate) provider: Provider,
    /// The image that a service runs in, in place of the usual one: mysql=my/mysql:9 (can be given several times).
    #[arg(
        long,
        value_name = "SERVICE=IMAGE",
        env = "LEASEPROOF_IMAGES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) image: Vec<Named>,
    /// How many sequences run at once, each on servers of its own.
    #[arg(long, value_name = "N", default_value = "8", value_parser = jobs, env = "LEASEPROOF_JOBS", hide_env_values = true)]
    pub(crate) jobs: usize,
    /// The folder in which the run gets a folder of its own.
    #[arg(long, value_name = "DIR", env = "LEASEPROOF_REPORT_DIR", hide_env_values = true, default_value = "reports")]
    pub(crate) report_dir: PathBuf,
    /// Text for people, or a JSON line at the end of each sequence and one with the summary.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

/// Faults of an exploration, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Faults(pub(crate) Vec<Fault>);

fn faults(text: &str) -> Result<Faults, String> {
    match text {
        "all" => return Ok(Faults(Fault::ALL.to_vec())),
        "none" => return Ok(Faults(Vec::new())),
        _ => {}
    }
    let mut faults: Vec<Fault> = Vec::new();
    for word in text.split(',') {
        let fault = word.trim().parse::<Fault>().map_err(|error| error.to_string())?;
        if !faults.contains(&fault) {
            faults.push(fault);
        }
    }
    Ok(Faults(faults))
}

fn stack(text: &str) -> Result<Dbms, String> {
    let known = Dbms::ALL.into_iter().find(|dbms| dbms.word() == text);
    known.ok_or_else(|| format!("write {}", Dbms::ALL.map(Dbms::word).join(" or ")))
}

fn at_once(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(at_once @ 1..=4) => Ok(at_once),
        _ => Err("write a number from 1 to 4: there are four places where something can break".to_owned()),
    }
}
