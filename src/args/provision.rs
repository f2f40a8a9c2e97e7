//! The arguments of `leaseproof provision`.

use leaseproof_harness::provider::native::part::Part;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof provision
      fetches what `leaseproof run` needs, so that the run itself needs no network
  leaseproof provision openbao:2.6.1 openbao:2.7.2
      two versions, side by side

What this machine has is not fetched. The cache is $LEASEPROOF_CACHE; `leaseproof doctor` says where it is.")]
pub(crate) struct Provision {
    /// What is wanted: openbao[:VERSION], vault[:VERSION], /path/to/vault, postgres[:MAJOR], mysql[:VERSION],
    /// mariadb[:VERSION], toxiproxy[:VERSION].
    #[arg(value_name = "PARTS", default_values = ["openbao", "postgres", "mysql"])]
    pub(crate) parts: Vec<Part>,
}
