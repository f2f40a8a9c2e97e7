//! The lines of a scenario's steps, and the clock that counts along.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Cited, Path};
use crate::time::{Interval, Moment};

/// What a call takes at most on a machine that is not busy. A run that takes longer is late, and says so; it accuses nobody.
pub(super) const CALL: Duration = Duration::from_millis(100);
/// The same of one that takes many messages between Vault and a database that answers late.
pub(super) const LATE_CALL: Duration = Duration::from_millis(1_200);
/// The same of a look.
pub(super) const LOOK: Duration = Duration::from_millis(30);

/// The time that has surely passed, and the time that may have.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Count {
    waited: Moment,
    spent: Duration,
}

impl Count {
    /// A call that takes so long at most: not before all that was waited for, not after all that was spent besides.
    pub(super) fn takes(&mut self, length: Duration) -> Interval {
        let sent = self.waited;
        self.spent += length;
        Interval::new(sent, self.waited.plus(self.spent))
    }

    /// A time passes.
    pub(super) fn waits(&mut self, length: Duration) {
        self.waited = self.waited.plus(length);
    }

    /// The time passes up to this moment, if it is not past.
    pub(super) fn waits_until(&mut self, end: Moment) {
        self.waited = self.waited.max(end);
    }
}

/// An operation of the sequence in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The line of its step.
    pub line: usize,
    /// What it shows that it was reached.
    pub path: Path,
}

/// The lines of the steps, in blocks.
#[derive(Debug, Default)]
pub(super) struct Lines {
    all: Vec<String>,
    depth: usize,
    pub(super) cited: BTreeSet<Cited>,
    /// Lines are counted from the first step, from 0.
    pub(super) marks: Vec<Mark>,
}

impl Lines {
    /// A step that shows, when it is reached, that its path was walked.
    pub(super) fn operation(&mut self, path: Path, step: &str, cites: Option<Cited>) {
        self.marks.push(Mark { line: self.all.len(), path });
        self.step(step, None, cites);
    }

    /// A step.
    pub(super) fn step(&mut self, step: &str, within: Option<Duration>, cites: Option<Cited>) {
        let indent = self.indent();
        self.all.push(format!("{indent}- {step}"));
        if let Some(within) = within.filter(|within| !within.is_zero()) {
            self.all.push(format!("{indent}  within: {}s", within.as_secs()));
        }
        if let Some(cites) = cites {
            self.all.push(format!("{indent}  cites: [{cites}]"));
            self.cited.insert(cites);
        }
    }

    /// Opens the block of the step before.
    pub(super) fn open(&mut self) {
        let indent = self.indent();
        self.all.push(format!("{indent}  during:"));
        self.depth += 1;
    }

    /// Closes the innermost block.
    pub(super) fn close(&mut self) {
        self.depth -= 1;
    }

    /// A remark above the next step.
    pub(super) fn remark(&mut self, words: &str) {
        let indent = self.indent();
        self.all.push(format!("{indent}# {words}"));
    }

    /// Whether the innermost block has no step yet.
    pub(super) fn is_block_empty(&self) -> bool {
        self.all.last().is_some_and(|line| line.ends_with("during:"))
    }

    /// How many lines there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// All of them.
    pub(super) fn text(&self) -> String {
        self.all.iter().flat_map(|line| [line.as_str(), "\n"]).collect()
    }

    fn indent(&self) -> String {
        " ".repeat(2 + 4 * self.depth)
    }
}
