//! A run on a terminal: one line for each running scenario and one for all of them, drawn over as they change.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use leaseproof_harness::provider::native::fetch::Progress;
use leaseproof_harness::report::record::ScenarioResult;
use leaseproof_harness::report::text::cut;
use leaseproof_harness::suite::SuiteEvent;

use super::lane::{Lane, Left};
use super::plain::{self, Plain};
use crate::out;

/// How often the clocks on the lines move.
const TICK: Duration = Duration::from_millis(250);
/// What the clock, the spinner and the time that is left take of a line.
const MARGIN: usize = 20;

pub(crate) struct Live {
    lines: MultiProgress,
    plain: Plain,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The line below all others.
    total: Option<ProgressBar>,
    /// The line of what is being fetched.
    provision: Option<ProgressBar>,
    running: BTreeMap<usize, (Lane, ProgressBar)>,
    results: BTreeMap<ScenarioResult, usize>,
    runs: usize,
    /// What else there is to count.
    count: String,
}

impl Live {
    pub(super) fn new() -> Self {
        Self { lines: MultiProgress::new(), plain: Plain::new(out::error_style()), state: Mutex::default() }
    }

    pub(super) fn show(&self, event: &SuiteEvent) {
        self.show_quietly(event, false);
    }

    /// The same, without a line that stays.
    pub(super) fn show_quietly(&self, event: &SuiteEvent, quietly: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // The lines that stay, such as that of a scenario that ended, are those of the plain view.
        match (event, self.plain.line(event)) {
            (SuiteEvent::Started { .. } | SuiteEvent::Provision(Progress::Fetching { .. }), _) | (_, None) => {}
            (_, Some(_)) if quietly => {}
            (_, Some(line)) => self.print(&line),
        }
        match event {
            SuiteEvent::Provision(progress) => self.provision(&mut state, progress),
            SuiteEvent::Ready { runs, .. } => {
                state.runs = *runs;
                state.total = Some(self.line());
            }
            SuiteEvent::More { runs, .. } => state.runs += runs,
            SuiteEvent::Started { run, scenario, server } => {
                let lane = Lane::new(&scenario.name, server);
                let bar = self.line_above(&state, lane.left());
                bar.set_message(lane.line(width()));
                state.running.insert(*run, (lane, bar));
            }
            SuiteEvent::Happened { run, entry } => {
                if let Some((lane, bar)) = state.running.get_mut(run)
                    && lane.learn(entry)
                {
                    bar.set_message(lane.line(width()));
                }
            }
            SuiteEvent::Finished { run, record } => {
                if let Some((_, line)) = state.running.remove(run) {
                    line.finish_and_clear();
                    self.lines.remove(&line);
                }
                *state.results.entry(record.result).or_default() += 1;
            }
            SuiteEvent::Swept { .. } | SuiteEvent::Kept { .. } => {}
        }
        total(&state);
    }

    /// Prints lines that stay, above those that are drawn over.
    pub(super) fn print(&self, text: &str) {
        // The terminal is gone: nobody reads this, and the reports have it all.
        let _ = self.lines.println(text);
    }

    /// Shows what else is counted, on the line below all others.
    pub(super) fn count(&self, words: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        words.clone_into(&mut state.count);
        total(&state);
    }

    pub(super) fn close(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let running = std::mem::take(&mut state.running).into_values().map(|(_, line)| line);
        for line in running.chain(state.total.take()).chain(state.provision.take()) {
            line.finish_and_clear();
        }
        let _ = self.lines.clear();
    }

    fn provision(&self, state: &mut MutexGuard<'_, State>, progress: &Progress) {
        match progress {
            Progress::Looking(_) | Progress::PassedOver(..) | Progress::Waiting(_) => {}
            Progress::Fetching { .. } => {
                let line = self.line();
                line.set_message(cut(&plain::provision(progress).unwrap_or_default(), width()));
                state.provision = Some(line);
            }
            Progress::Output { part, line } => {
                if let Some(shown) = &state.provision {
                    shown.set_message(cut(&format!("fetching {part}: {line}"), width()));
                }
            }
            Progress::Found(_) => {
                if let Some(line) = state.provision.take() {
                    line.finish_and_clear();
                    self.lines.remove(&line);
                }
            }
        }
    }

    fn line(&self) -> ProgressBar {
        let line = self.lines.add(ProgressBar::new_spinner());
        dress(&line, Left::default());
        line
    }

    fn line_above(&self, state: &State, left: Left) -> ProgressBar {
        let line = match &state.total {
            Some(total) => self.lines.insert_before(total, ProgressBar::new_spinner()),
            None => self.lines.add(ProgressBar::new_spinner()),
        };
        dress(&line, left);
        line
    }
}

fn dress(line: &ProgressBar, left: Left) {
    // The template is fixed; were it wrong, the default style would do.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed:>4} {wide_msg} {left:>9}") {
        let left = move |_: &ProgressState, words: &mut dyn fmt::Write| {
            // What cannot be drawn now is drawn a moment later.
            let _ = words.write_str(&left.words(Instant::now()));
        };
        line.set_style(style.with_key("left", left));
    }
    line.enable_steady_tick(TICK);
}

fn width() -> usize {
    let columns = terminal_size::terminal_size_of(io::stderr()).map_or(80, |(columns, _)| usize::from(columns.0));
    columns.saturating_sub(MARGIN)
}

fn total(state: &State) {
    let Some(line) = &state.total else { return };
    let done: usize = state.results.values().sum();
    let of = if state.runs == 0 { String::new() } else { format!(" of {}", state.runs) };
    let mut words = vec![format!("{done}{of} done"), format!("{} running", state.running.len())];
    words.extend(state.results.iter().rev().map(|(result, count)| format!("{count} {result}")));
    let words = words.join(", ");
    line.set_message(if state.count.is_empty() { words } else { cut(&format!("{words} · {}", state.count), width()) });
}
