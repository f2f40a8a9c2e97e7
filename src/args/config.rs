//! The arguments of `leaseproof config`.

use super::Run;

#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Config {
    #[command(flatten)]
    pub(crate) run: Run,
}

/// Said of this command, though it takes the arguments of `run`.
pub(super) const AFTER: &str = "\
Examples:
  leaseproof config
      each value that a run here would take, and where it comes from
  leaseproof config --jobs 2 --vault vault
      the same for a run with these options
  leaseproof config --format json
      for programs

leaseproof.toml, in this folder or the nearest above that has one:
  scenarios = \"e2e\"                            # seen from the file's folder, like every path in it
  tags = [\"slow\"]
  vault = [\"openbao:2.7.2\", \"vault:1.21.0\"]
  postgres = \"postgres:16\"
  mysql = \"mariadb\"
  postgres_bin_dir = \"/usr/lib/postgresql/16/bin\"
  provider = \"native\"
  images = { postgres = \"registry.example/postgres:16\" }
  proxy = \"in-process\"
  jobs = 8
  seed = 7
  repeat = 1
  report_dir = \"reports\"

A flag goes before the environment, that before the file, and that before what leaseproof itself takes.

Exit codes: 0 shown, 2 the file or the command line is wrong.";
