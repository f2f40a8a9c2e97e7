//! Whether one version takes longer than another. Times on a busy machine are noise: a difference is told only when every
//! repeat on one side took clearly longer than every repeat on the other, and there were enough of them. What was waited for
//! came true between two looks, so its time is an interval: no reading of the intervals may bring both sides together.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use crate::event::{Actor, Entry, Event};
use crate::outcome::Verdict;
use crate::time::Moment;

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
    /// How long it took, at least and at most.
    pub took: [Duration; 2],
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
    for (index, entry) in history.iter().enumerate() {
        match &entry.event {
            Event::StepBegan { number, title, line, .. } => {
                began.insert(number.as_str(), (title, *line, entry.at.sent));
            }
            Event::StepEnded { number, judgement } if judgement.verdict == Verdict::Held => {
                let Some((title, line, from)) = began.get(number.as_str()) else { continue };
                let is_upgrade = title.starts_with("fault: upgrade vault");
                if is_upgrade || title.contains(" within ") {
                    let most = entry.at.answered.since(*from);
                    let least = if is_upgrade { most } else { in_vain(number, &history[..index]).since(*from) };
                    let took = [least, most];
                    times.insert(number.clone(), Timed { title: (*title).clone(), line: *line, took });
                }
            }
            _ => {}
        }
    }
    times
}

/// When a step looked in vain for the last time: before that, what it waited for was not so. Its beginning, if the first look
/// saw it.
fn in_vain(step: &str, history: &[Entry]) -> Moment {
    let own = history.iter().rev().filter(|entry| entry.step.as_deref() == Some(step) && entry.who == Actor::Operator);
    let mut looks = own.filter(|entry| !matches!(entry.event, Event::Note(_)));
    let Some(last) = looks.next() else { return Moment::START };
    // A look may be several calls: its like in the look before.
    let like = |entry: &&Entry| mem::discriminant(&entry.event) == mem::discriminant(&last.event);
    looks.find(like).map_or(Moment::START, |entry| entry.at.sent)
}

/// The steps that take another time on the other version. Both sides need as many repeats as say something of times.
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

fn bounds(times: Vec<[Duration; 2]>) -> [Duration; 2] {
    let shortest = times.iter().map(|[least, _]| *least).min().unwrap_or_default();
    [shortest, times.into_iter().map(|[_, most]| most).max().unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Judgement, Outcome};
    use crate::tape::{Tape, login, shut_out};

    fn took(millis: &[u64]) -> Vec<Times> {
        let timed =
            |millis| Timed { title: "x within 1m".to_owned(), line: 3, took: [Duration::from_millis(millis); 2] };
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
    fn what_came_true_between_two_looks_took_as_long_as_either() {
        let mut tape = Tape::default();
        let (number, title) = ("4.1".to_owned(), "expect login within 1m".to_owned());
        let judgement = Judgement::held("it was so", vec![3]);
        tape.harness((100, 100), Event::StepBegan { number, title, line: 3, fragment: None, ends: None });
        tape.operator((200, 210), "4.1", login("cred", Outcome::Ok(())));
        tape.operator((1_200, 5_000), "4.1", login("cred", Outcome::Ok(())));
        tape.operator((6_000, 9_100), "4.1", login("cred", shut_out()));
        tape.harness((9_100, 9_100), Event::StepEnded { number: "4.1".to_owned(), judgement });
        let [least, most] = times(&tape.entries())["4.1"].took;
        assert_eq!([least, most], [Duration::from_millis(1_100), Duration::from_secs(9)]);
    }

    #[test]
    fn two_repeats_say_nothing_of_times() {
        assert_eq!(paces(&took(&[200, 200]), &took(&[60_000, 60_000, 60_000])), []);
    }
}
