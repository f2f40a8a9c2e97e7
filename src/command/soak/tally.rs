//! What came of all runs, in figures.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use leaseproof_harness::report::record::{Record, ScenarioResult};
use leaseproof_harness::suite::Exit;
use serde_json::Value;

use super::accuses;
use crate::files::counted;

/// The figures.
#[derive(Debug, Default)]
pub(super) struct Tally {
    first: BTreeMap<String, usize>,
    runs: usize,
    retries: usize,
    settled: usize,
    open: usize,
    broken: usize,
    accused: Vec<String>,
    unsure: BTreeMap<String, usize>,
    leaked: bool,
}

impl Tally {
    /// Counts the scenarios of one round; gives those that are to run once more.
    pub(super) fn add(&mut self, round: u32, record: &Record) -> Vec<PathBuf> {
        let mut again = Vec::new();
        self.leaked |= !record.secrets.is_clean();
        for scenario in &record.scenarios {
            self.runs += 1;
            if round == 0 {
                *self.first.entry(scenario.result.to_string()).or_default() += 1;
            } else {
                self.retries += 1;
            }
            if accuses(scenario.result) {
                self.accused.push(format!("{}: {} ({})", scenario.file, scenario.reason, scenario.folder));
            }
            if scenario.result == ScenarioResult::Broken {
                self.broken += 1;
            }
            if scenario.result == ScenarioResult::Inconclusive {
                let path = PathBuf::from(&scenario.file);
                *self.unsure.entry(scenario.file.clone()).or_default() += 1;
                if !again.contains(&path) {
                    again.push(path);
                }
            } else if round > 0 {
                self.settled += 1;
            }
        }
        self.open = again.len();
        again
    }

    /// The figures in words.
    pub(super) fn text(&self, under: &str) -> String {
        let mut text = format!("\n{} under {under}\n", counted(self.runs, "scenario run"));
        let first: Vec<String> = self.first.iter().map(|(result, count)| format!("{count} {result}")).collect();
        let _ = writeln!(text, "  at the first try: {}", first.join(", "));
        let _ = writeln!(
            text,
            "  {} of what was inconclusive: {} settled, {} inconclusive to the end",
            counted(self.retries, "retry").replace("retrys", "retries"),
            self.settled,
            counted(self.open, "scenario")
        );
        for (file, times) in &self.unsure {
            let _ = writeln!(text, "    {times} × {file}");
        }
        let _ = writeln!(text, "  false accusations: {} of {}", self.accused.len(), self.runs);
        for accused in &self.accused {
            let _ = writeln!(text, "    {accused}");
        }
        text
    }

    /// What the figures come to. That something is inconclusive is what a disturbed harness has to say.
    pub(super) fn exit(&self) -> Exit {
        if !self.accused.is_empty() || self.leaked {
            Exit::Violated
        } else if self.broken > 0 {
            Exit::Environment
        } else {
            Exit::Held
        }
    }
}

/// How far a run is, from the lines that it has written so far.
pub(super) fn progress(log: &Path) -> String {
    let mut results: BTreeMap<String, usize> = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        // The last line may be half written.
        let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
        if let Some(result) = line["scenario"]["result"].as_str() {
            *results.entry(result.to_owned()).or_default() += 1;
        }
    }
    let counts: Vec<String> = results.iter().map(|(result, count)| format!("{count} {result}")).collect();
    if counts.is_empty() { "none has ended yet".to_owned() } else { format!("so far: {}", counts.join(", ")) }
}
