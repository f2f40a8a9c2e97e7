//! `leaseproof report`: renders the reports of an earlier run again.

use leaseproof_harness::report::{self, HTML_FILE, JUNIT_FILE, METRICS_FILE, ReportError, SUMMARY_FILE, text};
use leaseproof_harness::suite::Exit;

use crate::args::Report;
use crate::exit::Failure;
use crate::out;

pub(super) fn run(args: &Report) -> Result<Exit, Failure> {
    let folder = &args.folder;
    let record = report::read(folder).map_err(failure)?;
    report::render(&record, folder).map_err(failure)?;
    out::text(&text::end(&record, folder, out::style(), out::columns()))?;
    for file in [HTML_FILE, JUNIT_FILE, SUMMARY_FILE, METRICS_FILE] {
        out::line(&format_args!("wrote {}", folder.join(file).display()))?;
    }
    Ok(Exit::Held)
}

fn failure(error: ReportError) -> Failure {
    match error {
        // The folder that was named is not one of a run, or not one that this version reads.
        ReportError::Read { .. } | ReportError::Shape { .. } | ReportError::Newer { .. } => Failure::usage(error),
        ReportError::Write { .. } | ReportError::Build { .. } | ReportError::Several(_) => Failure::environment(error),
    }
}
