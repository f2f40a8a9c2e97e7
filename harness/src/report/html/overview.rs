//! The overview: what the filters offer, and the verdicts by promise, by server and by fault.

use std::collections::{BTreeMap, BTreeSet};

use crate::report::record::{Record, ScenarioResult};
use crate::report::words;

/// What the filters offer.
pub(super) struct Choices<'a> {
    pub(super) guarantees: BTreeSet<&'a str>,
    pub(super) servers: BTreeSet<&'a str>,
    pub(super) faults: BTreeSet<&'a str>,
}

impl<'a> Choices<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let all = &record.scenarios;
        Self {
            guarantees: all.iter().flat_map(|s| s.guarantees.iter().map(|g| g.id.as_str())).collect(),
            servers: all.iter().map(|s| s.server.as_str()).collect(),
            faults: all.iter().flat_map(|s| s.faults.iter().map(|f| f.title.as_str())).collect(),
        }
    }
}

/// The run, grouped by something that scenarios have in common.
pub(super) struct Grouping<'a> {
    /// The filter that shows the scenarios of a group.
    pub(super) filter: &'static str,
    /// What the groups are.
    pub(super) title: &'static str,
    /// What is counted in them.
    pub(super) counted: &'static str,
    pub(super) groups: Vec<Group<'a>>,
}

/// One promise, server or fault, with what came of it.
#[derive(Default)]
pub(super) struct Group<'a> {
    pub(super) name: &'a str,
    pub(super) about: &'a str,
    results: Vec<ScenarioResult>,
}

impl Group<'_> {
    /// How many there are of each result, the worst first; results that did not occur are left out.
    pub(super) fn counts(&self) -> Vec<(ScenarioResult, usize)> {
        let count = |result: &ScenarioResult| self.results.iter().filter(|one| *one == result).count();
        words::WORST_FIRST.iter().map(|r| (*r, count(r))).filter(|(_, count)| *count > 0).collect()
    }

    /// The results as parts of a hundred: where each begins, and how wide it is.
    pub(super) fn shares(&self) -> Vec<(ScenarioResult, usize, usize)> {
        let part = |count: usize| count * 100 / self.results.len().max(1);
        let mut before = 0;
        let share = |(result, count)| {
            let from = part(before);
            before += count;
            (result, from, part(before) - from)
        };
        self.counts().into_iter().map(share).collect()
    }

    fn worst(&self) -> usize {
        let rank = |result: &ScenarioResult| words::WORST_FIRST.iter().position(|r| r == result);
        self.results.iter().filter_map(rank).min().unwrap_or(words::WORST_FIRST.len())
    }
}

/// The three ways to group a run, each with the worst first.
pub(super) fn groupings(record: &Record) -> Vec<Grouping<'_>> {
    let scenarios = &record.scenarios;
    let promises = scenarios.iter().flat_map(|scenario| {
        scenario.guarantees.iter().map(|g| (g.id.as_str(), g.promise.as_str(), g.judgement.verdict.into()))
    });
    let servers = scenarios.iter().map(|scenario| (scenario.server.as_str(), "", scenario.result));
    let faults = scenarios.iter().flat_map(|scenario| {
        // A fault that a scenario injects twice is still one scenario.
        let titles: BTreeSet<&str> = scenario.faults.iter().map(|fault| fault.title.as_str()).collect();
        titles.into_iter().map(|title| (title, "", scenario.result))
    });
    vec![
        Grouping { filter: "guarantee", title: "Promises", counted: "Verdicts", groups: grouped(promises) },
        Grouping { filter: "server", title: "Servers", counted: "Scenarios", groups: grouped(servers) },
        Grouping { filter: "fault", title: "Faults", counted: "Scenarios with it", groups: grouped(faults) },
    ]
}

fn grouped<'a>(members: impl Iterator<Item = (&'a str, &'a str, ScenarioResult)>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<&str, Group<'a>> = BTreeMap::new();
    for (name, about, result) in members {
        let group = groups.entry(name).or_insert_with(|| Group { name, about, results: Vec::new() });
        group.results.push(result);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(Group::worst);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn promises_servers_and_faults_are_counted_and_the_worst_comes_first() {
        let record = sample::record();
        let groupings = groupings(&record);
        let told: Vec<Vec<_>> =
            groupings.iter().map(|g| g.groups.iter().map(|g| (g.name, g.counts())).collect()).collect();
        assert_eq!(told[0][0], ("LEASE-03", vec![(ScenarioResult::Violated, 1)]));
        assert_eq!(
            told[1].iter().map(|(name, counts)| (*name, counts.len())).collect::<Vec<_>>(),
            [("openbao 2.7.2", 5), ("vault 1.21.0", 1)]
        );
        assert_eq!(told[2].iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["cut vault→postgres", "kill vault"]);
    }

    #[test]
    fn shares_fill_the_whole_bar() {
        let results = vec![ScenarioResult::Held, ScenarioResult::Violated, ScenarioResult::Held];
        let shares = Group { name: "", about: "", results }.shares();
        assert_eq!(shares, [(ScenarioResult::Violated, 0, 33), (ScenarioResult::Held, 33, 67)]);
    }

    #[test]
    fn a_fault_that_a_scenario_injects_twice_counts_its_scenario_once() {
        let mut record = sample::record();
        let again = record.scenarios[1].faults[0].clone();
        record.scenarios[1].faults.push(again);
        assert_eq!(groupings(&record)[2].groups[0].counts(), [(ScenarioResult::Violated, 1)]);
    }
}
