//! A run as plain lines: one when something of note happens.

use std::sync::{Mutex, PoisonError};

use leaseproof_harness::provider::native::fetch::Progress;
use leaseproof_harness::provider::native::find::{Found, How};
use leaseproof_harness::report::record::{ScenarioRecord, ScenarioResult};
use leaseproof_harness::report::text;
use leaseproof_harness::scenario::Style;
use leaseproof_harness::suite::SuiteEvent;

use crate::files::counted;

/// Counts what ended, so that each line says how far the run is.
pub(crate) struct Plain {
    style: Style,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    runs: usize,
    finished: usize,
}

impl Plain {
    pub(super) fn new(style: Style) -> Self {
        Self { style, count: Mutex::default() }
    }

    /// The line for an event, if it is of note.
    pub(super) fn line(&self, event: &SuiteEvent) -> Option<String> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            SuiteEvent::Swept { runs } => {
                Some(format!("removed what {} had left behind", counted(*runs, "killed run")))
            }
            SuiteEvent::Provision(progress) => provision(progress),
            SuiteEvent::Ready { folder, provider, runs } => {
                count.runs = *runs;
                // Where nobody can say how many follow, it is not said.
                let runs = if *runs == 0 { "scenario runs".to_owned() } else { counted(*runs, "scenario run") };
                Some(format!("{runs} on {provider}; reports go to {}", folder.display()))
            }
            SuiteEvent::More { runs, why } => {
                count.runs += runs;
                Some(format!("{} more: {why}", counted(*runs, "scenario run")))
            }
            SuiteEvent::Started { scenario, server, .. } => {
                Some(format!("started       {} on {server}", scenario.name))
            }
            SuiteEvent::Happened { .. } => None,
            SuiteEvent::Kept { addresses, secrets, .. } => Some(kept(addresses, secrets)),
            SuiteEvent::Finished { record, .. } => {
                count.finished += 1;
                Some(finished(record, count.finished, count.runs, self.style))
            }
        }
    }
}

/// The line of a scenario that ended, and why if it did not hold.
pub(super) fn finished(record: &ScenarioRecord, done: usize, of: usize, style: Style) -> String {
    let word = text::result(record.result, style);
    let of = if of == 0 { String::new() } else { format!("/{of}") };
    let line = format!("{word}  {} on {} in {} [{done}{of}]", record.name, record.server, text::took(record.took_ms));
    if record.result == ScenarioResult::Held { line } else { format!("{line}\n              {}", record.reason) }
}

/// The lines of a stack that stays up.
pub(super) fn kept(addresses: &[(String, String)], secrets: &std::path::Path) -> String {
    let addresses: Vec<String> = addresses.iter().map(|(name, address)| format!("{name} at {address}")).collect();
    let (addresses, secrets) = (addresses.join(", "), secrets.display());
    format!("kept          {addresses}; to log in: . {secrets}\n              press Ctrl-C to take it down")
}

/// The line for a piece of provisioning, if it is of note.
pub(crate) fn provision(progress: &Progress) -> Option<String> {
    match progress {
        Progress::Looking(_) | Progress::Output { .. } => None,
        Progress::PassedOver(part, over) => {
            Some(format!("{part}: passed over {}: {}", over.program.display(), over.why))
        }
        Progress::Found(found) => Some(format!("{}: {}", found.part, here(found))),
        Progress::Waiting(part) => Some(format!("{part}: another leaseproof is fetching it; waiting for that")),
        Progress::Fetching { part, with } => Some(format!("{part}: not on this machine; fetching it: {with}")),
    }
}

/// What a part's program is and where it is: `OpenBao 2.7.2, /usr/bin/bao (on PATH)`.
pub(crate) fn here(found: &Found) -> String {
    let how = match found.how {
        How::Given => "as given",
        How::Path => "on PATH",
        How::Distribution => "the distribution's",
        How::Cache => "in the cache",
        How::Fetched => "fetched just now",
        How::Image => "in a container image",
    };
    format!("{} {}, {} ({how})", found.product, found.version, found.program.display())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use leaseproof_harness::event::{Actor, Entry, Event};
    use leaseproof_harness::provider::native::part::Product;
    use leaseproof_harness::time::{Interval, Moment};

    use super::super::lane::tests::{record, scenario};
    use super::*;

    fn events() -> Vec<SuiteEvent> {
        let scenario = Arc::new(scenario());
        let part: leaseproof_harness::provider::native::part::Part = "openbao:2.7.2".parse().unwrap();
        let found = Found {
            part: part.clone(),
            product: Product::OpenBao,
            version: leaseproof_harness::provider::native::part::Version::parse("2.7.2").unwrap(),
            program: "/cache/bao".into(),
            how: How::Fetched,
        };
        let entry = Entry {
            seq: 0,
            at: Interval::at(Moment::START),
            who: Actor::Harness,
            step: None,
            event: Event::Note("nothing of note".to_owned()),
            shape: None,
        };
        let started = |run| SuiteEvent::Started { run, scenario: scenario.clone(), server: "OpenBao 2.7.2".to_owned() };
        let finished = |run, result, reason| SuiteEvent::Finished { run, record: Box::new(record(result, reason)) };
        vec![
            SuiteEvent::Swept { runs: 1 },
            SuiteEvent::Provision(Progress::Looking(part.clone())),
            SuiteEvent::Provision(Progress::Fetching { part: part.clone(), with: "pip install x".to_owned() }),
            SuiteEvent::Provision(Progress::Output { part, line: "Collecting x".to_owned() }),
            SuiteEvent::Provision(Progress::Found(found)),
            SuiteEvent::Ready { folder: "reports/r".into(), provider: "native".to_owned(), runs: 2 },
            started(0),
            started(1),
            SuiteEvent::Happened { run: 0, entry: Box::new(entry) },
            finished(1, ScenarioResult::Held, "both promises were kept"),
            SuiteEvent::Kept {
                run: 0,
                addresses: vec![("vault".to_owned(), "http://127.0.0.1:20010".to_owned())],
                secrets: "/tmp/kept-0.sh".into(),
            },
            SuiteEvent::More { runs: 1, why: "too little was seen the first time" },
            finished(0, ScenarioResult::Violated, "20s after the outage the login was still accepted"),
        ]
    }

    #[test]
    fn a_run_is_a_line_for_each_thing_of_note_and_no_escape_codes() {
        let plain = Plain::new(Style::Plain);
        let lines: Vec<String> = events().iter().filter_map(|event| plain.line(event)).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }
}
