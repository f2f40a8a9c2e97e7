//! The arguments of `leaseproof report`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  leaseproof report reports/20261121-091500-7f3a
      reads its record.json and writes report.html, junit.xml and summary.md again

Exit codes: 0 the reports were written, whatever they say; 2 there is no record; 3 they cannot be written.")]
pub(crate) struct Report {
    /// The folder of a run: the one that holds record.json.
    #[arg(value_name = "RUN_FOLDER")]
    pub(crate) folder: PathBuf,
}
