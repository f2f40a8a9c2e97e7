//! How a lane grows while a history is read.

use std::time::Duration;

use super::{Bar, Lane, Mark, Tone};
use crate::event::Entry;
use crate::time::Moment;

impl Lane {
    /// A bar that follows the one before it: what held until now holds no more.
    pub(super) fn turn(&mut self, entry: &Entry, tone: Tone, label: String, end: Moment) {
        if let Some(last) = self.bars.last_mut() {
            last.to = entry.at.sent;
        }
        self.bars.push(Bar { from: entry.at.sent, to: end, row: 0, tone, label, seq: entry.seq });
    }

    /// Goes on with the last bar if it means the same, else turns: for what is looked at all the time.
    pub(super) fn continue_or_turn(&mut self, entry: &Entry, tone: Tone, label: String) {
        match self.bars.last_mut() {
            Some(last) if last.tone == tone => last.to = entry.at.answered,
            _ => self.turn(entry, tone, label, entry.at.answered),
        }
    }

    /// Goes on with the last bar of a row if it means the same, else begins another: for what is looked at now and then.
    /// When it turned, between the two looks, nobody knows.
    pub(super) fn see(&mut self, row: usize, entry: &Entry, tone: Tone, label: String) {
        let to = entry.at.answered;
        match self.last_in(row) {
            Some(last) if last.tone == tone => last.to = to,
            _ => self.bars.push(Bar { from: entry.at.sent, to, row, tone, label, seq: entry.seq }),
        }
    }

    fn last_in(&mut self, row: usize) -> Option<&mut Bar> {
        self.bars.iter_mut().rfind(|bar| bar.row == row)
    }

    /// A bar beside those that still last, in the first row that is free.
    pub(super) fn begin(&mut self, entry: &Entry, tone: Tone, label: String, end: Moment) {
        let from = entry.at.sent;
        let taken = |row| self.bars.iter().any(|bar| bar.row == row && bar.to > from);
        let row = (0..=self.bars.len()).find(|row| !taken(*row)).unwrap_or_default();
        self.bars.push(Bar { from, to: end, row, tone, label, seq: entry.seq });
    }

    /// The end of a step that began under this number.
    pub(super) fn end_step(&mut self, number: &str, at: Moment, tone: Tone) {
        let is_it = |bar: &&mut Bar| bar.label.split(' ').next() == Some(number);
        if let Some(bar) = self.bars.iter_mut().rev().find(is_it) {
            bar.to = at;
            bar.tone = tone;
        }
    }

    /// A lease, or its renewal, that lasts `ttl` seconds from the answer: the latest end that any reading allows.
    pub(super) fn lease(&mut self, entry: &Entry, from: Moment, ttl: u64, what: &str) {
        if let Some(last) = self.last_in(0).filter(|bar| bar.to > from) {
            last.to = from;
        }
        let to = entry.at.answered.plus(Duration::from_secs(ttl));
        self.bars.push(Bar {
            from,
            to,
            row: 0,
            tone: Tone::Lease,
            label: format!("{what}, TTL {ttl}s"),
            seq: entry.seq,
        });
    }

    /// A revocation: the lease ends, what is left of it is shown as cut off.
    pub(super) fn cut(&mut self, entry: &Entry) {
        let at = entry.at.answered;
        let Some(last) = self.last_in(0).filter(|bar| bar.tone == Tone::Lease && bar.to > at) else { return };
        let to = std::mem::replace(&mut last.to, at);
        let label = "cut off by a revocation".to_owned();
        self.bars.push(Bar { from: at, to, row: 0, tone: Tone::Cut, label, seq: entry.seq });
    }

    /// Whether a credential was only ever asked for, and never had.
    pub(super) fn is_in_vain(&self) -> bool {
        let failed = |mark| matches!(mark, Mark::Refused | Mark::Unknown);
        self.bars.is_empty() && self.ticks.iter().all(|tick| tick.label.starts_with("issue ") && failed(tick.mark))
    }
}
