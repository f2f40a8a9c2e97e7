//! Whether one version takes longer than another. Times on a busy machine are noise: a difference is told only when every
//! repeat on one side took clearly longer than every repeat on the other, and there were enough of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::event::{Entry, Event};
use crate::outcome::Verdict;

/// Fewer repeats than this on a side say nothing of times.
const REPEATS: usize = 3;
/// What is nearer together than this may be the machine's doing.
const APART: Duration = Duration::from_secs(2);

/// The steps whose time is the server's own, with how long each took: what was waited for until it came true, and upgrades.
pub type Times = BTreeMap<String, Timed>;

/// How long a step took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// What it does.
    pub title: String,
    /// Its line in the file.
    pub line: usize,
    /// How long it took.
    pub took: Duration,
}

/// A step that takes another time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// The number of the step in the plan.
    pub step: String,
    /// What it does.
    pub title: String,
    /// Its line in the file.
    pub line: usize,
    /// Whether it takes longer on the other version.
    pub slower: bool,
    /// The shortest and the longest time on the version that runs now.
    pub from: [Duration; 2],
    /// The same on the other.
    pub to: [Duration; 2],
}

/// Reads the times out of a history.
pub fn times(history: &[Entry]) -> Times {
    let mut began = BTreeMap::new();
    let mut times = Times::new();
    for entry in history {
        match &entry.event {
            Event::StepBegan { number, title, line, .. } => {
                began.insert(number.as_str(), (title, *line, entry.at.sent));
            }
            Event::StepEnded { number, judgement } if judgement.verdict == Verdict::Held => {
                let Some((title, line, from)) = began.get(number.as_str()) else { continue };
                if title.contains(" within ") || title.starts_with("fault: upgrade vault") {
                    let took = entry.at.answered.since(*from);
                    times.insert(number.clone(), Timed { title: (*title).clone(), line: *line, took });
                }
            }
            _ => {}
        }
    }
    times
}

/// The steps that take another time on the other version.
pub fn paces(from: &[Times], to: &[Times]) -> Vec<Pace> {
    let Some(first) = from.first().filter(|_| from.len() >= REPEATS && to.len() >= REPEATS) else { return Vec::new() };
    let mut found = Vec::new();
    for (step, timed) in first {
        let of = |runs: &[Times]| runs.iter().map(|run| run.get(step).map(|t| t.took)).collect::<Option<Vec<_>>>();
        let (Some(from), Some(to)) = (of(from).map(bounds), of(to).map(bounds)) else { continue };
        let later = |early: [Duration; 2], late: [Duration; 2]| late[0] > early[1] * 3 / 2 + APART;
        if later(from, to) || later(to, from) {
            let (step, title, line) = (step.clone(), timed.title.clone(), timed.line);
            found.push(Pace { step, title, line, slower: later(from, to), from, to });
        }
    }
    found
}

fn bounds(times: Vec<Duration>) -> [Duration; 2] {
    let shortest = times.iter().min().copied().unwrap_or_default();
    [shortest, times.into_iter().max().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn took(millis: &[u64]) -> Vec<Times> {
        let timed = |millis| Timed { title: "x within 1m".to_owned(), line: 3, took: Duration::from_millis(millis) };
        millis.iter().map(|millis| [("4.1".to_owned(), timed(*millis))].into()).collect()
    }

    #[test]
    fn times_that_lie_clearly_apart_in_every_repeat_are_told() {
        let found = paces(&took(&[200, 900, 400]), &took(&[9_000, 12_000, 30_000]));
        assert_eq!(found.len(), 1);
        assert!(found[0].slower);
        assert_eq!(found[0].to, [Duration::from_secs(9), Duration::from_secs(30)]);
        assert!(!paces(&took(&[9_000, 12_000, 30_000]), &took(&[200, 900, 400]))[0].slower);
    }

    #[test]
    fn one_repeat_between_the_others_makes_noise_of_them() {
        assert_eq!(paces(&took(&[200, 900, 9_000]), &took(&[9_000, 12_000, 30_000])), []);
        assert_eq!(paces(&took(&[200, 300, 400]), &took(&[1_500, 1_500, 1_500])), []);
    }

    #[test]
    fn two_repeats_say_nothing_of_times() {
        assert_eq!(paces(&took(&[200, 200]), &took(&[60_000, 60_000, 60_000])), []);
    }
}
