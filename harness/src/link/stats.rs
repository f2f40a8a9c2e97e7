//! What a proxy has seen pass, so that a fault can be seen to bite.

use std::sync::atomic::{AtomicU64, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::toxic::Way;

/// What passed over a proxy since it was started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// Connections taken on.
    pub accepted: u64,
    /// Connections reset at the door, because a reset was on.
    pub turned_away: u64,
    /// Connections closed because the server could not be reached.
    pub unreachable: u64,
    /// Bytes handed on to the server.
    pub bytes_up: u64,
    /// Bytes handed on to clients.
    pub bytes_down: u64,
    /// Bytes that a toxic or a cut swallowed.
    pub bytes_lost: u64,
}

/// The running count behind [`Stats`]. Each number is exact; the six together are not one moment's.
#[derive(Default)]
pub(crate) struct Counters {
    accepted: AtomicU64,
    turned_away: AtomicU64,
    unreachable: AtomicU64,
    up: AtomicU64,
    down: AtomicU64,
    lost: AtomicU64,
}

impl Counters {
    pub(crate) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn unreachable(&self) {
        self.unreachable.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn passed(&self, way: Way, bytes: usize) {
        let count = if way == Way::Up { &self.up } else { &self.down };
        count.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn lost(&self, bytes: usize) {
        if bytes > 0 {
            self.lost.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Stats {
        Stats {
            accepted: self.accepted.load(Ordering::Relaxed),
            turned_away: self.turned_away.load(Ordering::Relaxed),
            unreachable: self.unreachable.load(Ordering::Relaxed),
            bytes_up: self.up.load(Ordering::Relaxed),
            bytes_down: self.down.load(Ordering::Relaxed),
            bytes_lost: self.lost.load(Ordering::Relaxed),
        }
    }
}
