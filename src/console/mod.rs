//! What a person sees while a run goes on: a live view on a terminal, plain lines elsewhere, JSON lines for programs.

pub(crate) mod github;
mod json;
mod lane;
mod live;
mod plain;

use std::fmt;
use std::sync::Arc;

use leaseproof_harness::report::record::ScenarioResult;
use leaseproof_harness::suite::{OnEvent, SuiteEvent};

use crate::args::Format;
use crate::out;

/// A listener to what happens. Whatever becomes of its output changes nothing of the run: the reports have it all.
pub(crate) enum Console {
    /// Lines that are drawn over.
    Live(live::Live),
    /// A line when something of note happens.
    Plain(plain::Plain),
    /// A JSON object a line on stdout; on stderr what a person needs when it stands still.
    Json(plain::Plain),
}

impl Console {
    /// The console for this output.
    pub(crate) fn new(format: Format) -> Arc<Self> {
        Arc::new(match format {
            Format::Json => Self::Json(plain::Plain::new(out::error_style())),
            Format::Text if out::is_live() => Self::Live(live::Live::new()),
            Format::Text => Self::Plain(plain::Plain::new(out::style())),
        })
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &SuiteEvent) {
        match self {
            Self::Live(live) => live.show(event),
            Self::Plain(plain) => {
                if let Some(line) = plain.line(event) {
                    // A closed pipe: see above.
                    let _ = out::line(&line);
                }
            }
            Self::Json(plain) => match (event, plain.line(event)) {
                (SuiteEvent::Finished { run, record }, _) => {
                    let _ = out::line(&json::finished(*run, record));
                }
                (SuiteEvent::Started { .. }, _) | (_, None) => {}
                (_, Some(line)) => out::tell(&line),
            },
        }
    }

    /// Shows an event of a run in which scenarios come and go by the hundred: one that began, or that held, is no line.
    pub(crate) fn show_failures(&self, event: &SuiteEvent) {
        let held = match event {
            SuiteEvent::Started { .. } => true,
            SuiteEvent::Finished { record, .. } => record.result == ScenarioResult::Held,
            _ => false,
        };
        match self {
            Self::Live(live) => live.show_quietly(event, held),
            // It is counted all the same.
            Self::Plain(plain) if held => drop(plain.line(event)),
            Self::Plain(_) | Self::Json(_) => self.show(event),
        }
    }

    /// Whether there are lines that are drawn over.
    pub(crate) fn is_drawn_over(&self) -> bool {
        matches!(self, Self::Live(_))
    }

    /// Says something that belongs to the run's output.
    pub(crate) fn say(&self, words: &dyn fmt::Display) {
        match self {
            Self::Plain(_) => {
                let _ = out::line(words);
            }
            Self::Live(_) | Self::Json(_) => self.tell(words),
        }
    }

    /// Says something to the person, whatever is drawn at present.
    pub(crate) fn tell(&self, words: &dyn fmt::Display) {
        match self {
            Self::Live(live) => live.print(&words.to_string()),
            Self::Plain(_) | Self::Json(_) => out::tell(words),
        }
    }

    /// Shows what is counted beside the runs: on the line that is drawn over, where there is one; else it is a line.
    pub(crate) fn count(&self, words: &str) {
        match self {
            Self::Live(live) => live.count(words),
            Self::Plain(_) => {
                let _ = out::line(&words);
            }
            Self::Json(_) => out::tell(&words),
        }
    }

    /// Takes away what is drawn over, so that the terminal is as it was.
    pub(crate) fn close(&self) {
        if let Self::Live(live) = self {
            live.close();
        }
    }
}

/// The console as a run's listener.
pub(crate) fn listener(console: &Arc<Console>) -> OnEvent {
    let console = console.clone();
    Arc::new(move |event| console.show(&event))
}

pub(crate) use json::summary;
pub(crate) use plain::{here, provision};
