//! Making a difference smaller, as proptest does it: something is taken out, and what still differs is gone on with. A run
//! takes seconds, so nothing runs of which the answer is known: what begins like the difference up to its failing step, and
//! what was tried before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use proptest::strategy::ValueTree as _;

use crate::model::draw::{Bounds, Drawn};
use crate::model::operation::Operation;
use crate::model::script::Script;

/// What is left of a difference.
#[derive(Debug, Clone)]
pub struct Shrunk {
    /// The smallest sequence that still differs.
    pub operations: Vec<Operation>,
    /// The same as steps.
    pub script: Script,
    /// How many sequences really ran.
    pub runs: usize,
    /// Whether there was time to try everything.
    pub is_smallest: bool,
}

/// Makes a sequence smaller as long as it differs, for this long at most. `differs` runs one and gives the line of the step
/// that failed (0 when it was no step), or `None` when it did not differ.
pub async fn shrink(
    mut tree: Drawn,
    bounds: &Bounds,
    failed_at: usize,
    at_most: Duration,
    mut differs: impl AsyncFnMut(&Script) -> Option<usize>,
) -> Shrunk {
    let script = |operations: &[Operation]| Script::write("A smaller sequence", "", operations, bounds);
    let operations = tree.current();
    let first = script(&operations);
    let mut known = Known {
        began: Instant::now(),
        at_most,
        failing_prefix: first.steps_up_to(failed_at),
        bodies: HashMap::from([(first.body.clone(), true)]),
        runs: 0,
    };
    let mut best = Shrunk { operations, script: first, runs: 0, is_smallest: true };
    let mut goes_on = tree.simplify();
    while goes_on && known.has_time() {
        let operations = tree.current();
        let candidate = script(&operations);
        let still = known.differs(&candidate, &mut differs).await;
        if still {
            (best.operations, best.script) = (operations, candidate);
        }
        goes_on = if still { tree.simplify() } else { tree.complicate() };
    }
    // proptest tries each operation once. What could not be taken out then may go when others have gone.
    let mut at = 0;
    while at < best.operations.len() && known.has_time() {
        let mut operations = best.operations.clone();
        operations.remove(at);
        let candidate = script(&operations);
        at += 1;
        if known.differs(&candidate, &mut differs).await {
            (best.operations, best.script, at) = (operations, candidate, 0);
        }
    }
    Shrunk { runs: known.runs, is_smallest: known.has_time(), ..best }
}

/// What is known of sequences without running them.
struct Known {
    began: Instant,
    at_most: Duration,
    /// The steps up to the one that failed.
    failing_prefix: Option<String>,
    /// What was tried before, and whether it differed.
    bodies: HashMap<String, bool>,
    runs: usize,
}

impl Known {
    fn has_time(&self) -> bool {
        self.began.elapsed() <= self.at_most
    }

    /// Whether a sequence differs: run only when that is not known.
    async fn differs(&mut self, candidate: &Script, run: &mut impl AsyncFnMut(&Script) -> Option<usize>) -> bool {
        // What stands behind the failing step is never reached.
        let begins_so = self.failing_prefix.as_ref().is_some_and(|prefix| candidate.steps().starts_with(prefix));
        let still = match self.bodies.get(&candidate.body) {
            Some(still) => *still,
            None if begins_so => true,
            None => {
                self.runs += 1;
                let failed_at = run(candidate).await;
                if let Some(line) = failed_at {
                    self.failing_prefix = candidate.steps_up_to(line);
                }
                failed_at.is_some()
            }
        };
        self.bodies.insert(candidate.body.clone(), still);
        still
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::draw::draw;

    fn words(script: &Script, word: &str) -> Option<usize> {
        let line = script.text.lines().position(|line| line.contains(word) && line.contains("status: 202"))?;
        Some(line + 1)
    }

    #[tokio::test]
    async fn what_does_not_matter_is_taken_out_and_what_is_known_does_not_run() {
        let bounds = Bounds { at_once: 2, ..Bounds::default() };
        let mut shrunk_some = 0;
        for number in 0..40 {
            let tree = draw(&bounds, 7, number).unwrap();
            let script = Script::write("", "", &tree.current(), &bounds);
            // The difference of this server: a revocation in the background.
            let Some(line) = words(&script, "sync: false") else { continue };
            let length = tree.current().len();
            let shrunk =
                shrink(tree, &bounds, line, Duration::from_secs(60), async |script| words(script, "sync: false")).await;
            assert_eq!(shrunk.operations.len(), 2, "an issue and its revocation: {:?}", shrunk.operations);
            assert!(shrunk.is_smallest && shrunk.runs < length, "{} runs for {length}", shrunk.runs);
            shrunk_some += 1;
        }
        assert!(shrunk_some > 3, "{shrunk_some}");
    }

    #[tokio::test]
    async fn a_difference_that_is_not_seen_again_stays_as_it_was() {
        let bounds = Bounds::default();
        let tree = draw(&bounds, 7, 1).unwrap();
        let whole = Script::write("", "", &tree.current(), &bounds);
        let shrunk = shrink(tree, &bounds, 0, Duration::from_secs(60), async |_| None).await;
        // What could not be done where it stood is gone: it never was in the file.
        assert_eq!(shrunk.script.body, whole.body);
    }
}
