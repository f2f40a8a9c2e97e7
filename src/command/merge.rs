//! `leaseproof merge`: one report of several runs.

use leaseproof_harness::report::merge::{self, MergeError};
use leaseproof_harness::report::{HTML_FILE, ReportError, text};
use leaseproof_harness::suite::Exit;

use crate::args::Merge;
use crate::console::github;
use crate::exit::{self, Failure};
use crate::files::counted;
use crate::out;

pub(super) fn run(args: &Merge) -> Result<Exit, Failure> {
    let record = merge::merge(&args.runs, &args.into).map_err(failure)?;
    out::text(&text::end(&record, &args.into, out::style(), out::columns()))?;
    if github::is_here()
        && let Err(error) = github::add_summary(&record)
    {
        out::tell(&format_args!("warning: the summary is not on the job's page: {error}"));
    }
    let (runs, into) = (counted(args.runs.len(), "run"), args.into.join(HTML_FILE));
    let exit = Exit::of(&record, false);
    out::line(&format_args!("{runs} in one report: {}", into.display()))?;
    out::line(&format_args!("{} (exit code {})", exit::word(exit), exit::number(exit)))?;
    Ok(exit)
}

fn failure(error: MergeError) -> Failure {
    match error {
        MergeError::Twice { .. } | MergeError::Occupied(_) => Failure::usage(error),
        MergeError::Report(ReportError::Read { .. } | ReportError::Shape { .. } | ReportError::Newer { .. }) => {
            Failure::usage(error)
        }
        MergeError::Report(_) | MergeError::Copy { .. } => Failure::environment(error),
    }
}
