//! One direction's stages in a row, and what moves along them.
//!
//! A chain does no I/O and knows no clock: it is told the time. So whoever holds it can change it between any two
//! chunks, and nothing is ever on the way between two stages unseen.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::Instant;

use super::stats::Counters;
use super::toxic::ToxicId;

/// What moves along a chain. It has no `Debug`: the bytes may be anybody's password.
pub(crate) enum Chunk {
    /// Some of the stream's bytes; never none.
    Bytes(Vec<u8>),
    /// The sender has sent its last (FIN).
    End,
    /// The connection is to be closed, both ways.
    Close,
    /// The connection is to be reset, both ways.
    Reset,
}

impl Chunk {
    fn len(&self) -> usize {
        if let Self::Bytes(bytes) = self { bytes.len() } else { 0 }
    }
}

/// What a stage has let go, in order, each with the time before which it must not pass.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: VecDeque<(Instant, Chunk)>,
    bytes: usize,
}

impl Queue {
    /// Appends a chunk that may pass from `due` on, and after all that were put before it.
    pub(crate) fn put(&mut self, due: Instant, chunk: Chunk) {
        self.bytes += chunk.len();
        self.waiting.push_back((due, chunk));
    }

    /// Forgets all that waits.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }

    /// How many chunks wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many bytes wait.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn pop_due(&mut self, now: Instant) -> Option<Chunk> {
        self.waiting.front().filter(|(due, _)| *due <= now)?;
        let (_, chunk) = self.waiting.pop_front()?;
        self.bytes -= chunk.len();
        Some(chunk)
    }
}

/// One thing that is done to what passes. A stage sees every chunk of its direction, in order, and may hold, cut,
/// replace or swallow it; what it puts into `onward` goes on.
pub(crate) trait Stage: Send {
    /// The stage has met the connection.
    fn begin(&mut self, _now: Instant, _onward: &mut Queue) {}

    /// Takes the next chunk, and puts what comes of it into `onward`.
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue);

    /// Whether it wants another chunk while `onward` still waits. Saying no slows the sender down.
    fn has_room(&self, onward: &Queue) -> bool {
        onward.len() == 0
    }

    /// The stage is being removed; `onward` goes on at once, and after it what this returns.
    fn end(&mut self) -> Option<Chunk> {
        None
    }

    /// Whether it stands for a cut: then no new connection is made to the server either.
    fn severs(&self) -> bool {
        false
    }
}

/// A stage, whose it is, and what it has let go.
struct Step {
    id: ToxicId,
    stage: Box<dyn Stage>,
    onward: Queue,
}

impl Step {
    fn has_room(&self) -> bool {
        self.stage.has_room(&self.onward)
    }
}

/// All stages of one direction of one connection. What is put in at the front comes out at the back, through all.
pub(crate) struct Chain {
    steps: Vec<Step>,
    out: VecDeque<Chunk>,
    counters: Arc<Counters>,
}

impl Chain {
    /// A chain through which everything passes.
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { steps: Vec::new(), out: VecDeque::new(), counters }
    }

    /// Adds a stage at the end, so that also what is already in the chain has to pass it.
    pub(crate) fn add(&mut self, id: ToxicId, mut stage: Box<dyn Stage>, now: Instant) {
        let mut onward = Queue::default();
        stage.begin(now, &mut onward);
        self.steps.push(Step { id, stage, onward });
        let place = self.steps.len() - 1;
        for chunk in std::mem::take(&mut self.out) {
            self.put(place, chunk, now);
        }
    }

    /// Takes a stage out, if it is there; what it held goes on at once.
    pub(crate) fn remove(&mut self, id: ToxicId, now: Instant) {
        let Some(place) = self.steps.iter().position(|step| step.id == id) else { return };
        let mut step = self.steps.remove(place);
        let rest = step.stage.end();
        for chunk in step.onward.waiting.into_iter().map(|(_, chunk)| chunk).chain(rest) {
            self.put(place, chunk, now);
        }
    }

    /// Puts a chunk in at the front.
    pub(crate) fn feed(&mut self, chunk: Chunk, now: Instant) {
        self.put(0, chunk, now);
    }

    /// Whether the front wants another chunk.
    pub(crate) fn has_room(&self) -> bool {
        self.steps.first().map_or(self.out.is_empty(), Step::has_room)
    }

    /// Moves everything as far as it may go by `now`; says whether anything moved.
    pub(crate) fn advance(&mut self, now: Instant) -> bool {
        let mut moved = false;
        // From the back to the front: what leaves makes room for what follows.
        for place in (1..=self.steps.len()).rev() {
            while self.wants(place) {
                let Some(chunk) = self.steps[place - 1].onward.pop_due(now) else { break };
                self.put(place, chunk, now);
                moved = true;
            }
        }
        moved
    }

    /// What comes out next. Whoever passes on a part of it leaves the rest there, so that a stage added meanwhile
    /// still gets it.
    pub(crate) fn out(&mut self) -> &mut VecDeque<Chunk> {
        &mut self.out
    }

    /// When, after `now`, something held can pass next.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        // What is due already waits for room, not for time.
        self.steps.iter().filter_map(|s| s.onward.waiting.front()).map(|(due, _)| *due).filter(|due| *due > now).min()
    }

    /// Whether a cut is among the stages.
    pub(crate) fn severed(&self) -> bool {
        self.steps.iter().any(|step| step.stage.severs())
    }

    /// Forgets all that is in it.
    pub(crate) fn clear(&mut self) {
        self.out.clear();
        for step in &mut self.steps {
            step.onward.clear();
        }
    }

    fn wants(&self, place: usize) -> bool {
        self.steps.get(place).map_or(self.out.is_empty(), Step::has_room)
    }

    fn put(&mut self, place: usize, chunk: Chunk, now: Instant) {
        let Some(step) = self.steps.get_mut(place) else { return self.out.push_back(chunk) };
        let held = step.onward.bytes + chunk.len();
        step.stage.take(chunk, now, &mut step.onward);
        self.counters.lost(held.saturating_sub(step.onward.bytes));
    }
}
