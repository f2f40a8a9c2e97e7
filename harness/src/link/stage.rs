//! What each toxic does to what passes: one small stage per kind.

use std::time::Duration;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::time::Instant;

use super::chain::{Chunk, Queue, Stage};
use super::toxic::{Toxic, Way};

/// Longer than any run: what is due then never passes by itself. Bounded, so that no time overflows.
const NEVER: Duration = Duration::from_secs(365 * 24 * 3600);

/// A latency holds no more than this much of one direction, then it slows the sender down.
const HELD_BYTES: usize = 1 << 20;
const HELD_CHUNKS: usize = 1024;

/// Where a stage's chance comes from: always the same for the same seed, connection, fault and direction.
#[derive(Clone, Copy)]
pub(crate) struct Chance {
    /// The run's seed.
    pub(crate) seed: u64,
    /// The connection, counted from 0 in the order of acceptance.
    pub(crate) connection: u64,
    /// The fault, counted from 0 in the order of adding.
    pub(crate) fault: u64,
}

impl Chance {
    fn draw(self, way: Way) -> ChaCha8Rng {
        let mut seed = [0; 32];
        for (part, number) in seed.chunks_exact_mut(8).zip([self.seed, self.connection, self.fault, way as u64]) {
            part.copy_from_slice(&number.to_le_bytes());
        }
        ChaCha8Rng::from_seed(seed)
    }
}

/// The stage that does what `toxic` says.
pub(crate) fn stage(toxic: &Toxic, chance: Chance, way: Way) -> Box<dyn Stage> {
    let draw = || chance.draw(way);
    match *toxic {
        Toxic::Latency { latency, jitter } => Box::new(Latency { mean: latency, jitter, draw: draw(), last: None }),
        Toxic::Bandwidth { bytes_per_second } => Box::new(Bandwidth { rate: bytes_per_second, free: None }),
        Toxic::SlowClose { delay } => Box::new(SlowClose { delay }),
        Toxic::Timeout { timeout } => Box::new(Timeout { timeout }),
        Toxic::ResetPeer { after } => Box::new(ResetPeer { after, met: false }),
        Toxic::Slicer { average, variation, delay } => {
            Box::new(Slicer { average: average.max(1), variation, delay, draw: draw(), free: None })
        }
        Toxic::LimitData { bytes } => Box::new(LimitData { left: bytes, shut: false }),
    }
}

/// The stage of a cut: nothing passes, and what is lost makes the connection useless once it heals.
pub(crate) fn cut() -> Box<dyn Stage> {
    Box::new(Cut { lost: false })
}

fn later(now: Instant, by: Duration) -> Instant {
    now + by.min(NEVER)
}

struct Latency {
    mean: Duration,
    jitter: Duration,
    draw: ChaCha8Rng,
    /// When the chunk before is due: none may overtake it.
    last: Option<Instant>,
}

impl Latency {
    fn delay(&mut self) -> Duration {
        let jitter = u64::try_from(self.jitter.min(NEVER).as_nanos()).unwrap_or(u64::MAX / 2);
        let spread = if jitter == 0 { 0 } else { self.draw.random_range(0..=2 * jitter) };
        (self.mean.min(NEVER) + Duration::from_nanos(spread)).saturating_sub(Duration::from_nanos(jitter))
    }
}

impl Stage for Latency {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        let due = later(now, self.delay());
        let due = self.last.map_or(due, |last| last.max(due));
        self.last = Some(due);
        onward.put(due, chunk);
    }

    fn has_room(&self, onward: &Queue) -> bool {
        onward.len() < HELD_CHUNKS && onward.bytes() < HELD_BYTES
    }
}

struct Bandwidth {
    rate: u64,
    /// When the line is free again.
    free: Option<Instant>,
}

impl Bandwidth {
    fn time_for(&self, bytes: usize) -> Duration {
        let nanos = (bytes as u128 * 1_000_000_000).checked_div(u128::from(self.rate));
        nanos.and_then(|nanos| u64::try_from(nanos).ok()).map_or(NEVER, Duration::from_nanos)
    }
}

impl Stage for Bandwidth {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        let mut free = self.free.map_or(now, |free| free.max(now));
        let Chunk::Bytes(bytes) = chunk else { return onward.put(free, chunk) };
        // As Toxiproxy: a tenth of a second's worth at a time, each when its last byte would have come in.
        let piece = usize::try_from(self.rate / 10).unwrap_or(usize::MAX).max(1);
        let pieces = if self.rate == 0 { bytes.chunks(bytes.len()) } else { bytes.chunks(piece) };
        for piece in pieces {
            free = later(free, self.time_for(piece.len()));
            onward.put(free, Chunk::Bytes(piece.to_vec()));
        }
        self.free = Some(free);
    }
}

struct SlowClose {
    delay: Duration,
}

impl Stage for SlowClose {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        let closing = matches!(chunk, Chunk::End | Chunk::Close);
        onward.put(if closing { later(now, self.delay) } else { now }, chunk);
    }
}

struct Timeout {
    timeout: Option<Duration>,
}

impl Stage for Timeout {
    fn begin(&mut self, now: Instant, onward: &mut Queue) {
        if let Some(timeout) = self.timeout {
            onward.put(later(now, timeout), Chunk::Close);
        }
    }

    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        match chunk {
            Chunk::Bytes(_) => {}
            Chunk::End | Chunk::Close => {
                onward.clear();
                onward.put(now, Chunk::Close);
            }
            Chunk::Reset => {
                onward.clear();
                onward.put(now, Chunk::Reset);
            }
        }
    }

    fn has_room(&self, _onward: &Queue) -> bool {
        true
    }

    fn end(&mut self) -> Option<Chunk> {
        Some(Chunk::Close)
    }
}

struct ResetPeer {
    after: Duration,
    met: bool,
}

impl Stage for ResetPeer {
    fn take(&mut self, _chunk: Chunk, now: Instant, onward: &mut Queue) {
        if !std::mem::replace(&mut self.met, true) {
            onward.put(later(now, self.after), Chunk::Reset);
        }
    }

    fn has_room(&self, _onward: &Queue) -> bool {
        true
    }
}

struct Slicer {
    average: usize,
    variation: usize,
    delay: Duration,
    draw: ChaCha8Rng,
    /// When the pause after the last piece is over.
    free: Option<Instant>,
}

impl Slicer {
    /// Halves the bytes, give or take the variation, until the pieces are small enough: as Toxiproxy does, so that
    /// neither the first nor the last piece is odd.
    fn slice<'b>(&mut self, bytes: &'b [u8], pieces: &mut Vec<&'b [u8]>) {
        if bytes.len().saturating_sub(self.average) <= self.variation {
            return pieces.push(bytes);
        }
        let mut middle = bytes.len() / 2;
        if self.variation > 0 {
            let spread = self.draw.random_range(0..self.variation as u64 * 2);
            middle = (middle + usize::try_from(spread).unwrap_or(0)).saturating_sub(self.variation);
        }
        let (left, right) = bytes.split_at(middle.clamp(1, bytes.len() - 1));
        self.slice(left, pieces);
        self.slice(right, pieces);
    }
}

impl Stage for Slicer {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        let mut free = self.free.map_or(now, |free| free.max(now));
        let Chunk::Bytes(bytes) = chunk else { return onward.put(free, chunk) };
        let mut pieces = Vec::new();
        self.slice(&bytes, &mut pieces);
        for piece in pieces {
            onward.put(free, Chunk::Bytes(piece.to_vec()));
            free = later(free, self.delay);
        }
        self.free = Some(free);
    }
}

struct LimitData {
    left: u64,
    shut: bool,
}

impl Stage for LimitData {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        let Chunk::Bytes(mut bytes) = chunk else { return onward.put(now, chunk) };
        bytes.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.left -= bytes.len() as u64;
        if !bytes.is_empty() {
            onward.put(now, Chunk::Bytes(bytes));
        }
        if self.left == 0 && !std::mem::replace(&mut self.shut, true) {
            onward.put(now, Chunk::Close);
        }
    }
}

struct Cut {
    lost: bool,
}

impl Stage for Cut {
    fn take(&mut self, _chunk: Chunk, _now: Instant, _onward: &mut Queue) {
        self.lost = true;
    }

    fn has_room(&self, _onward: &Queue) -> bool {
        true
    }

    fn end(&mut self) -> Option<Chunk> {
        self.lost.then_some(Chunk::Reset)
    }

    fn severs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
