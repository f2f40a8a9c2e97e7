//! What was tried: sequences, operations, faults, and the paths that were walked.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::fault::Fault;
use crate::model::operation::Kind;
use crate::model::script::Mark;
use crate::model::{Path, draw::Bounds};
use crate::outcome::Verdict;
use crate::report::record::{ScenarioRecord, ScenarioResult};

/// The figures.
#[derive(Debug, Clone)]
pub struct Tally {
    bounds: Bounds,
    results: BTreeMap<ScenarioResult, usize>,
    operations: usize,
    comparisons: usize,
    paths: BTreeMap<Path, usize>,
    faults: BTreeMap<Fault, usize>,
    retried: usize,
}

impl Tally {
    /// Nothing was tried yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            results: BTreeMap::new(),
            operations: 0,
            comparisons: 0,
            paths: BTreeMap::new(),
            faults: BTreeMap::new(),
            retried: 0,
        }
    }

    /// Counts a sequence: what of it was really reached, by the record of its run.
    pub fn add(&mut self, marks: &[Mark], record: &ScenarioRecord) {
        *self.results.entry(record.result).or_default() += 1;
        let mut looks = record.steps.iter().filter(|step| step.judgement.verdict == Verdict::Held).count();
        for mark in marks {
            // A step that said nothing shows nothing of its path.
            let reached = |line: usize| {
                record.steps.iter().any(|step| step.line == line && step.judgement.verdict != Verdict::Inconclusive)
            };
            if !reached(mark.line) {
                continue;
            }
            looks = looks.saturating_sub(1);
            self.operations += 1;
            if mark.path.kind == Kind::Fault {
                if let Some(fault) = mark.path.faults.last() {
                    *self.faults.entry(*fault).or_default() += 1;
                }
            } else {
                *self.paths.entry(mark.path.clone()).or_default() += 1;
            }
        }
        self.comparisons += looks;
    }

    /// A sequence that came out inconclusive was run once more.
    pub fn retried(&mut self) {
        self.retried += 1;
    }

    /// How many sequences were tried.
    pub fn sequences(&self) -> usize {
        self.results.values().sum()
    }

    /// How many of them came to this.
    pub fn results(&self, result: ScenarioResult) -> usize {
        self.results.get(&result).copied().unwrap_or_default()
    }

    /// How many operations were reached, faults among them.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// The faults that were asked for and never reached.
    pub fn faults_missed(&self) -> Vec<Fault> {
        self.bounds.faults.iter().copied().filter(|fault| !self.faults.contains_key(fault)).collect()
    }

    /// The paths that could have been walked and never were: every operation, without a fault and under each.
    pub fn paths_missed(&self) -> Vec<Path> {
        let faults = if self.bounds.at_once == 0 { &[] } else { self.bounds.faults.as_slice() };
        Path::all(faults, self.bounds.dbms).into_iter().filter(|path| !self.paths.contains_key(path)).collect()
    }

    /// One line that says how far it is.
    pub fn line(&self) -> String {
        let faults = if self.bounds.at_once == 0 { 0 } else { self.bounds.faults.len() };
        let all = Path::all(if faults == 0 { &[] } else { &self.bounds.faults }, self.bounds.dbms).len();
        format!(
            "{}, {}, {}; {} of {faults} faults, {} of {all} paths",
            counted(self.sequences(), "sequence"),
            counted(self.operations, "operation"),
            counted(self.comparisons, "comparison"),
            faults - self.faults_missed().len().min(faults),
            all - self.paths_missed().len(),
        )
    }

    /// All figures, and what was never reached: a fault that was never in force has shown nothing.
    pub fn text(&self) -> String {
        let results: Vec<String> = self.results.iter().map(|(result, count)| format!("{count} {result}")).collect();
        let mut text = format!("{}\n", self.line());
        let _ = write!(text, "  {}", if results.is_empty() { "none ended".to_owned() } else { results.join(", ") });
        if self.retried > 0 {
            let _ = write!(text, "; {} run again because too little was seen", self.retried);
        }
        text.push('\n');
        for (fault, times) in &self.faults {
            let _ = writeln!(text, "  {times:>4} × {fault}");
        }
        let nested = self.paths.keys().filter(|path| path.faults.len() > 1).count();
        if nested > 0 {
            let _ = writeln!(text, "  {nested} paths under several faults at once");
        }
        let faults: Vec<String> = self.faults_missed().iter().map(ToString::to_string).collect();
        if !faults.is_empty() && self.bounds.at_once > 0 {
            let _ = writeln!(text, "faults never reached: {}", faults.join(", "));
        }
        let paths: Vec<String> = self.paths_missed().iter().map(ToString::to_string).collect();
        if !paths.is_empty() {
            let _ = writeln!(text, "paths never reached: {}", paths.join("; "));
        }
        text
    }
}

/// A number of things.
fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::script::Script;
    use crate::model::{draw, operation::Operation, operation::Role};

    const ISSUE: Operation = Operation::Issue { role: Role::App, token: None };

    fn step(line: usize, verdict: &str) -> Value {
        json!({
            "number": "4.1", "title": "", "line": line, "from": 0, "to": 0,
            "judgement": { "verdict": verdict, "because": "", "evidence": [] },
        })
    }

    fn record(result: &str, steps: &[Value]) -> ScenarioRecord {
        let record = json!({
            "name": "", "file": "", "source": "", "server": "", "products": [], "result": result, "reason": "", "seed": 0,
            "rerun": "", "folder": "", "started": "", "took_ms": 0, "guarantees": [], "phases": [], "steps": steps,
            "faults": [], "always": [], "differences": [],
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn only_what_was_reached_and_said_something_counts_and_the_rest_is_listed() {
        let bounds = draw::Bounds { faults: vec![Fault::Seal, Fault::Down], ..draw::Bounds::default() };
        let operations =
            [ISSUE, Operation::Break(Fault::Seal), ISSUE, Operation::Mend, Operation::RevokeRole(Role::App)];
        let script = Script::write("", "", &operations, &bounds);
        let lines: Vec<usize> = script.marks.iter().map(|mark| mark.line).collect();
        let [issued, sealed, refused, revoked] = lines[..] else { panic!("{lines:?}") };
        let mut tally = Tally::new(bounds);
        let steps =
            [step(issued, "held"), step(issued + 2, "held"), step(sealed, "held"), step(refused, "inconclusive")];
        tally.add(&script.marks, &record("inconclusive", &steps));
        assert!(
            tally.line().starts_with("1 sequence, 2 operations, 1 comparison; 1 of 2 faults, 1 of "),
            "{}",
            tally.line()
        );
        assert_eq!(tally.faults_missed(), [Fault::Down]);
        let missed: Vec<String> = tally.paths_missed().iter().map(ToString::to_string).collect();
        assert!(missed.contains(&"issue under seal".to_owned()) && missed.contains(&"revoke by prefix".to_owned()));
        assert!(!missed.contains(&"issue".to_owned()));
        tally.add(&script.marks, &record("violated", &[step(revoked, "violated")]));
        assert_eq!((tally.sequences(), tally.results(ScenarioResult::Violated)), (2, 1));
        assert!(!tally.text().contains("revoke by prefix;"), "{}", tally.text());
    }
}
