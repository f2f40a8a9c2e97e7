//! The arguments of `leaseproof merge`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  leaseproof merge shard-1/* shard-2/* --into reports/all
      one record.json, report.html, junit.xml, summary.md and metrics.txt of all that the shards ran, and their folders

The runs themselves stay as they are.

Exit codes: those of a run: 0 held, 1 violated, 3 environment, 4 inconclusive, 130 interrupted; 2 a run cannot be read, or \
the folder is in use.")]
pub(crate) struct Merge {
    /// The folders of the runs: those that hold record.json.
    #[arg(value_name = "RUN", required = true, num_args = 1..)]
    pub(crate) runs: Vec<PathBuf>,
    /// The folder to write, new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
}
