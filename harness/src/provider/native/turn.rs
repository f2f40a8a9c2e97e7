//! Turns among the clusters of this machine. Nodes hear of each other by heartbeats that must not come late, so only so many
//! clusters are up at once, of all runs and test processes together.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::claim::{self, Claim};

/// Between two looks for a free turn. A cluster keeps its own for many seconds.
const PACE: Duration = Duration::from_millis(250);

/// A cluster's turn, until it is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "it is there to be kept, and given back")] Claim);

impl Turn {
    /// Waits for one of the turns of this machine: one more than it has processors.
    pub(in crate::provider) async fn take() -> io::Result<Self> {
        let turns = std::thread::available_parallelism().map_or(1, usize::from) + 1;
        // One folder for all users of the machine: the processors are shared by all of them too.
        Self::take_in(&std::env::temp_dir().join("leaseproof-turns"), turns).await
    }

    async fn take_in(folder: &Path, turns: usize) -> io::Result<Self> {
        claim::open_to_all(folder)?;
        loop {
            for turn in 0..turns {
                if let Some(claim) = Claim::try_take(folder, &turn.to_string())? {
                    return Ok(Self(claim));
                }
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_finds_every_turn_taken_waits_until_one_is_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("turns");
        let first = Turn::take_in(&folder, 2).await.unwrap();
        let _second = Turn::take_in(&folder, 2).await.unwrap();
        let third = tokio::spawn(async move { Turn::take_in(&folder, 2).await });
        tokio::task::yield_now().await;
        assert!(!third.is_finished());
        drop(first);
        third.await.unwrap().unwrap();
    }
}
