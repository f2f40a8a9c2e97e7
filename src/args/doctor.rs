//! The arguments of `leaseproof doctor`.

use leaseproof_harness::provider::native::part::Part;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof doctor
  leaseproof doctor openbao:2.7.2 vault:1.21.0 postgres:16
      for a run with --vault openbao:2.7.2 --vault vault:1.21.0 --postgres postgres:16
  leaseproof doctor openbao postgres toxiproxy
      for a run with --proxy toxiproxy

Exit codes: 0 everything is here or a run fetches it, 3 something cannot be got.")]
pub(crate) struct Doctor {
    /// What is wanted: openbao[:VERSION], vault[:VERSION], /path/to/vault, postgres[:MAJOR], mysql[:VERSION],
    /// mariadb[:VERSION], toxiproxy[:VERSION].
    #[arg(value_name = "PARTS", default_values = ["openbao", "postgres", "mysql"])]
    pub(crate) parts: Vec<Part>,
}
