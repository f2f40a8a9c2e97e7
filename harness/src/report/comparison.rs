//! What several servers made of the same scenarios, side by side.

use super::record::{Record, ScenarioResult};

/// A line for each scenario, a column for each server.
pub(super) struct Comparison<'a> {
    /// The servers, in the order in which they ran.
    pub(super) servers: Vec<&'a str>,
    /// The scenarios, in the order of their files: name, and what each server made of it.
    pub(super) rows: Vec<(&'a str, Vec<Option<ScenarioResult>>)>,
}

impl<'a> Comparison<'a> {
    /// Of a run on several servers; `None` when there was only one.
    pub(super) fn of(record: &'a Record) -> Option<Self> {
        let mut servers: Vec<&str> = Vec::new();
        let mut keys: Vec<(&str, &str)> = Vec::new();
        for scenario in &record.scenarios {
            if !servers.contains(&scenario.server.as_str()) {
                servers.push(&scenario.server);
            }
            let key = (scenario.file.as_str(), scenario.name.as_str());
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        if servers.len() < 2 {
            return None;
        }
        // The worst of those that ran several times.
        let of = |(file, name): (&str, &str), server: &str| {
            let same = record.scenarios.iter().filter(|s| s.file == file && s.name == name && s.server == server);
            same.map(|scenario| scenario.result).max()
        };
        let rows = keys.into_iter().map(|key| (key.1, servers.iter().map(|server| of(key, server)).collect()));
        Some(Self { rows: rows.collect(), servers: servers.clone() })
    }

    /// The names of the scenarios on which the servers do not agree.
    pub(super) fn differing(&self) -> Vec<&'a str> {
        let differ = |cells: &[Option<ScenarioResult>]| cells.iter().any(|cell| *cell != cells[0]);
        self.rows.iter().filter(|(_, cells)| differ(cells)).map(|(name, _)| *name).collect()
    }

    /// One sentence.
    pub(super) fn verdict(&self) -> String {
        let differing = self.differing();
        if differing.is_empty() {
            format!("all {} servers agree on all {} scenarios", self.servers.len(), self.rows.len())
        } else {
            format!("the servers do not agree on {} of {} scenarios", differing.len(), self.rows.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn servers_that_disagree_are_named_with_the_scenario() {
        let mut record = sample::record();
        record.scenarios.truncate(1);
        let mut other = record.scenarios[0].clone();
        other.server = "another".to_owned();
        record.scenarios.push(other);
        let agreed = Comparison::of(&record).unwrap();
        assert_eq!(agreed.verdict(), "all 2 servers agree on all 1 scenarios");
        record.scenarios[1].result = ScenarioResult::Broken;
        record.scenarios[0].result = ScenarioResult::Held;
        let name = record.scenarios[0].name.clone();
        assert_eq!(Comparison::of(&record).unwrap().differing(), [name.as_str()]);
    }

    #[test]
    fn one_server_has_nothing_beside_it() {
        let mut record = sample::record();
        record.scenarios.truncate(1);
        assert!(Comparison::of(&record).is_none());
    }
}
