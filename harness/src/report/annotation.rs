//! What stands against a run, each with the line of the scenario file at which a build server can show it.

use super::complaint;
use super::record::{Record, ScenarioResult};
use super::words;
use crate::event::FragmentLine;

/// How much an [`Annotation`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Something is wrong: a promise was violated, the environment broke.
    Error,
    /// Nothing can be said.
    Warning,
}

/// A remark at a line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// How much it weighs.
    pub weight: Weight,
    /// The scenario file.
    pub file: String,
    /// The line; 0 when it is about the whole file.
    pub line: usize,
    /// The scenario and its result.
    pub title: String,
    /// What was expected and what was seen.
    pub message: String,
}

/// All remarks of a run, the worst scenario first. A scenario that did not hold has at least one.
pub fn annotations(record: &Record) -> Vec<Annotation> {
    let mut all = Vec::new();
    for scenario in words::worst_first(record) {
        let weight = match scenario.result {
            ScenarioResult::Held | ScenarioResult::Skipped => continue,
            ScenarioResult::Violated | ScenarioResult::Broken => Weight::Error,
            ScenarioResult::Inconclusive | ScenarioResult::Interrupted => Weight::Warning,
        };
        let title = format!("{}: {} ({})", scenario.result, scenario.name, scenario.server);
        let remark =
            |line, message| Annotation { weight, file: scenario.file.clone(), line, title: title.clone(), message };
        let before = all.len();
        for complaint in complaint::of(scenario).into_iter().filter(|complaint| complaint.line > 0) {
            let about = match complaint.fragment {
                Some(FragmentLine { file, line }) => format!("{} ({file}:{line})", complaint.about),
                None => complaint.about.clone(),
            };
            let message = format!("{about}\n{}\n{}", complaint.judgement.because, scenario.rerun);
            all.push(remark(complaint.line, message));
        }
        if all.len() == before {
            all.push(remark(0, format!("{}\n{}", scenario.reason, scenario.rerun)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_scenario_that_did_not_hold_has_a_remark_and_the_others_have_none() {
        let record = sample::record();
        let all = annotations(&record);
        for scenario in &record.scenarios {
            let remarks = all.iter().filter(|it| it.title.contains(&scenario.name)).count();
            let is_fine = matches!(scenario.result, ScenarioResult::Held | ScenarioResult::Skipped);
            assert_eq!(remarks == 0, is_fine, "{}", scenario.name);
        }
        let first = &all[0];
        assert_eq!((first.weight, first.line), (Weight::Error, 20));
        assert!(first.message.contains("seen: accepted") && first.message.contains("leaseproof run"), "{first:?}");
    }
}
