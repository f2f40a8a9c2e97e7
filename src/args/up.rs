//! The arguments of `leaseproof up`.

use std::path::PathBuf;

use leaseproof_harness::provider::docker::image::Named;
use leaseproof_harness::provider::native::part::Part;

use super::{Databases, Provider, vault};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  eval \"$(leaseproof up scenarios/quickstart/expiry.yaml)\"
      VAULT_ADDR, VAULT_TOKEN and PG* of this shell lead to the scenario's servers, until `leaseproof down`

This is the one command that prints secrets. They are those of throw-away servers on loopback.")]
pub(crate) struct Up {
    /// The scenario file.
    pub(crate) scenario: PathBuf,
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault.
    #[arg(long, value_name = "SERVER", value_parser = vault, default_value = "openbao")]
    pub(crate) vault: Part,
    #[command(flatten)]
    pub(crate) databases: Databases,
    /// Where servers come from.
    #[arg(long, value_enum, env = "LEASEPROOF_PROVIDER", hide_env_values = true, default_value = "auto")]
    pub(crate) provider: Provider,
    /// The image that a service runs in, in place of the usual one: postgres=my/postgres:17 (can be given several times).
    #[arg(
        long,
        value_name = "SERVICE=IMAGE",
        env = "LEASEPROOF_IMAGES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) image: Vec<Named>,
    /// Keep them in this very process, which prints the file to read.
    #[arg(long = "keep-up", hide = true)]
    pub(crate) keeps: bool,
}
