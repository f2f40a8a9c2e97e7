//! What changed from one run to another: verdicts, promises, times.

use std::collections::BTreeMap;

use serde::Serialize;

use super::record::{Record, ScenarioRecord, ScenarioResult};
use crate::outcome::Verdict;

/// A time has changed when it is so many times what it was ...
const RATIO: f64 = 1.5;
/// ... and this many milliseconds lie between: what is short varies by itself.
const LEAST_MS: u64 = 500;

/// What changed between two runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// The first run's id.
    pub before: String,
    /// The second run's id.
    pub after: String,
    /// Scenarios whose result changed, the worst first.
    pub verdicts: Vec<Verdicts>,
    /// Promises whose verdict changed.
    pub guarantees: Vec<Guarantees>,
    /// Scenarios that take longer or shorter, what grew most first.
    pub timings: Vec<Timing>,
    /// All scenarios of both runs together; none when there are none.
    pub total: Option<Timing>,
    /// Scenarios of the first run alone.
    pub gone: Vec<String>,
    /// Scenarios of the second run alone.
    pub new: Vec<String>,
    /// How many scenarios are in both.
    pub compared: usize,
}

/// A scenario whose result changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdicts {
    /// The scenario, with its server where there are several.
    pub scenario: String,
    /// Its result then: of repeats the worst.
    pub before: ScenarioResult,
    /// Its result now.
    pub after: ScenarioResult,
    /// Why, in the second run.
    pub reason: String,
    /// The command that runs it again.
    pub rerun: String,
}

/// A promise whose verdict changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarantees {
    /// Its ID, with the server where there are several.
    pub guarantee: String,
    /// The worst verdict then.
    pub before: Verdict,
    /// The worst verdict now.
    pub after: Verdict,
}

/// How long something took.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Timing {
    /// The scenario.
    pub scenario: String,
    /// Milliseconds then: of repeats the one in the middle.
    pub before_ms: u64,
    /// Milliseconds now.
    pub after_ms: u64,
    /// The second divided by the first.
    pub ratio: f64,
}

impl Diff {
    /// Whether any result is worse than it was, or a scenario that was there did not run.
    pub fn is_worse(&self) -> bool {
        !self.gone.is_empty() || self.verdicts.iter().any(|it| it.after > it.before)
    }

    /// Whether nothing but time has changed.
    pub fn is_same(&self) -> bool {
        self.verdicts.is_empty() && self.guarantees.is_empty() && self.gone.is_empty() && self.new.is_empty()
    }
}

/// Compares two runs. Scenarios are known by their names; by their servers too where a run has several, so that a run on
/// one version can be held against a run on another.
pub fn diff(before: &Record, after: &Record) -> Diff {
    let by_server = servers(before) > 1 || servers(after) > 1;
    let (old, new) = (grouped(before, by_server), grouped(after, by_server));
    let (mut verdicts, mut timings) = (Vec::new(), Vec::new());
    let (mut all_before, mut all_after, mut compared) = (0, 0, 0);
    for (name, now) in &new {
        let Some(then) = old.get(name) else { continue };
        compared += 1;
        let (Some(was), Some(is)) = (worst(then), worst(now)) else { continue };
        if was.result != is.result {
            verdicts.push(Verdicts {
                scenario: name.clone(),
                before: was.result,
                after: is.result,
                reason: is.reason.clone(),
                rerun: is.rerun.clone(),
            });
        }
        let (before_ms, after_ms) = (middle(then), middle(now));
        all_before += before_ms;
        all_after += after_ms;
        let timing = timing(name, before_ms, after_ms);
        let has_changed = timing.ratio >= RATIO || timing.ratio <= 1.0 / RATIO;
        // What did not run, or ended early, took no time that says anything.
        let both_ran = [was, is].iter().all(|it| it.result == ScenarioResult::Held);
        if both_ran && has_changed && before_ms.abs_diff(after_ms) >= LEAST_MS {
            timings.push(timing);
        }
    }
    verdicts.sort_by(|a, b| b.after.cmp(&a.after).then_with(|| a.scenario.cmp(&b.scenario)));
    timings.sort_by(|a, b| b.ratio.total_cmp(&a.ratio));
    Diff {
        before: before.run.clone(),
        after: after.run.clone(),
        verdicts,
        guarantees: guarantees(before, after, by_server),
        timings,
        total: (compared > 0).then(|| timing("all of them", all_before, all_after)),
        gone: old.keys().filter(|name| !new.contains_key(*name)).cloned().collect(),
        new: new.keys().filter(|name| !old.contains_key(*name)).cloned().collect(),
        compared,
    }
}

fn servers(record: &Record) -> usize {
    let all: std::collections::BTreeSet<&str> = record.scenarios.iter().map(|s| s.server.as_str()).collect();
    all.len()
}

fn name_of(name: &str, server: &str, by_server: bool) -> String {
    if by_server { format!("{name} ({server})") } else { name.to_owned() }
}

/// The runs of each scenario: several where it was repeated.
fn grouped(record: &Record, by_server: bool) -> BTreeMap<String, Vec<&ScenarioRecord>> {
    let mut all: BTreeMap<String, Vec<&ScenarioRecord>> = BTreeMap::new();
    for scenario in &record.scenarios {
        all.entry(name_of(&scenario.name, &scenario.server, by_server)).or_default().push(scenario);
    }
    all
}

fn worst<'a>(runs: &[&'a ScenarioRecord]) -> Option<&'a ScenarioRecord> {
    runs.iter().copied().max_by_key(|run| run.result)
}

/// The time in the middle.
fn middle(runs: &[&ScenarioRecord]) -> u64 {
    let mut all: Vec<u64> = runs.iter().map(|run| run.took_ms).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(0)
}

fn timing(scenario: &str, before_ms: u64, after_ms: u64) -> Timing {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a run are far below 2^52")]
    let ratio = after_ms.max(1) as f64 / before_ms.max(1) as f64;
    Timing { scenario: scenario.to_owned(), before_ms, after_ms, ratio }
}

fn guarantees(before: &Record, after: &Record, by_server: bool) -> Vec<Guarantees> {
    let worst = |record: &Record| {
        let mut all: BTreeMap<String, Verdict> = BTreeMap::new();
        for scenario in &record.scenarios {
            for guarantee in &scenario.guarantees {
                let verdict = guarantee.judgement.verdict;
                let entry = all.entry(name_of(&guarantee.id, &scenario.server, by_server)).or_insert(verdict);
                *entry = (*entry).max(verdict);
            }
        }
        all
    };
    let (old, new) = (worst(before), worst(after));
    let changed = new.into_iter().filter_map(|(guarantee, after)| {
        let before = *old.get(&guarantee)?;
        (before != after).then_some(Guarantees { guarantee, before, after })
    });
    changed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_run_is_the_same_as_itself() {
        let record = sample::record();
        let diff = diff(&record, &record);
        assert!(diff.is_same() && !diff.is_worse(), "{diff:?}");
        assert!(diff.timings.is_empty() && diff.compared == record.scenarios.len());
        assert!((diff.total.unwrap().ratio - 1.0).abs() < 1e-9);
    }

    #[test]
    fn a_scenario_that_is_worse_is_named_with_its_reason_and_what_it_judged() {
        let (mut before, after) = (sample::record(), sample::record());
        let violated = before.scenarios.iter_mut().find(|s| s.result == ScenarioResult::Violated).unwrap();
        violated.result = ScenarioResult::Held;
        violated.guarantees.iter_mut().for_each(|g| g.judgement.verdict = Verdict::Held);
        let found = diff(&before, &after);
        assert!(found.is_worse());
        let [only] = found.verdicts.as_slice() else { panic!("{found:?}") };
        assert_eq!((only.before, only.after), (ScenarioResult::Held, ScenarioResult::Violated));
        assert!(only.reason.contains("still accepted") && only.rerun.starts_with("leaseproof run"), "{only:?}");
        assert!(!found.guarantees.is_empty() && found.guarantees.iter().all(|g| g.after > g.before), "{found:?}");
        // The other way round it is better, and nothing is worse.
        let back = diff(&after, &before);
        assert!(!back.is_worse() && !back.is_same());
    }

    #[test]
    fn runs_on_one_server_each_are_compared_though_the_servers_differ() {
        let (mut before, mut after) = (sample::record(), sample::record());
        before.scenarios.truncate(1);
        after.scenarios.truncate(1);
        after.scenarios[0].server = "another 1.0".to_owned();
        let found = diff(&before, &after);
        assert_eq!((found.compared, found.gone.len(), found.new.len()), (1, 0, 0));
    }

    #[test]
    fn a_time_counts_when_it_is_another_and_not_only_a_little() {
        let (mut before, mut after) = (sample::record(), sample::record());
        let times = |record: &mut Record, ms: u64| {
            record.scenarios.truncate(1);
            record.scenarios[0].result = ScenarioResult::Held;
            record.scenarios[0].took_ms = ms;
        };
        times(&mut before, 100);
        times(&mut after, 400);
        assert!(diff(&before, &after).timings.is_empty(), "300 ms are noise");
        times(&mut before, 2_000);
        times(&mut after, 5_000);
        let found = diff(&before, &after);
        assert!((found.timings[0].ratio - 2.5).abs() < 1e-9, "{found:?}");
        assert!(!found.is_worse() && found.is_same());
    }

    #[test]
    fn of_repeats_the_worst_counts_and_the_time_in_the_middle() {
        let mut before = sample::record();
        before.scenarios.truncate(1);
        before.scenarios[0].result = ScenarioResult::Held;
        let mut after = before.clone();
        for (ms, result) in [(10_000, ScenarioResult::Inconclusive), (90_000, ScenarioResult::Held)] {
            after.scenarios.push(ScenarioRecord { took_ms: ms, result, ..before.scenarios[0].clone() });
        }
        let found = diff(&before, &after);
        assert_eq!(found.verdicts[0].after, ScenarioResult::Inconclusive);
        assert_eq!(found.total.unwrap().after_ms, before.scenarios[0].took_ms);
    }

    #[test]
    fn a_scenario_that_ran_no_more_is_worse_than_one_that_held() {
        let (before, mut after) = (sample::record(), sample::record());
        let gone = after.scenarios.remove(0).name;
        let found = diff(&before, &after);
        assert!(found.is_worse() && found.gone[0].contains(&gone), "{found:?}");
    }
}
