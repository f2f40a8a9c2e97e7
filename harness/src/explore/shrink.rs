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
    let began = Instant::now();
    let script = |operations: &[Operation]| Script::write("A smaller sequence", "", operations, bounds);
    let operations = tree.current();
    let first = script(&operations);
    let mut known: HashMap<String, bool> = HashMap::from([(first.body.clone(), true)]);
    let mut failing_prefix = first.steps_up_to(failed_at);
    let mut best = Shrunk { operations, script: first, runs: 0, is_smallest: true };
    if !tree.simplify() {
        return best;
    }
    loop {
        if began.elapsed() > at_most {
            best.is_smallest = false;
            break;
        }
        let operations = tree.current();
        let candidate = script(&operations);
        // What stands behind the failing step is never reached.
        let begins_so = failing_prefix.as_ref().is_some_and(|prefix| candidate.steps().starts_with(prefix));
        let still = match known.get(&candidate.body) {
            Some(still) => *still,
            None if begins_so => true,
            None => {
                best.runs += 1;
                let failed_at = differs(&candidate).await;
                if let Some(line) = failed_at {
                    failing_prefix = candidate.steps_up_to(line);
                }
                failed_at.is_some()
            }
        };
        known.insert(candidate.body.clone(), still);
        if still {
            (best.operations, best.script) = (operations, candidate);
        }
        let goes_on = if still { tree.simplify() } else { tree.complicate() };
        if !goes_on {
            break;
        }
    }
    best
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
