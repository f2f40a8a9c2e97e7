//! A run as JSON lines: one at the end of each scenario, one at the end of all.

use std::path::Path;

use leaseproof_harness::report::record::{Record, ScenarioRecord, ScenarioResult};
use leaseproof_harness::suite::Exit;
use serde_json::{Map, Value, json};

use crate::exit;

/// The line of a scenario that ended: its record, without the text of its file.
pub(super) fn finished(run: usize, record: &ScenarioRecord) -> Value {
    let mut scenario = json!(record);
    if let Some(fields) = scenario.as_object_mut() {
        fields.remove("source");
    }
    json!({ "event": "scenario", "run": run, "scenario": scenario })
}

/// The last line.
pub(crate) fn summary(record: &Record, folder: &Path, exit: Exit) -> Value {
    let count = |result: ScenarioResult| record.scenarios.iter().filter(|s| s.result == result).count();
    let all = [
        ScenarioResult::Held,
        ScenarioResult::Violated,
        ScenarioResult::Inconclusive,
        ScenarioResult::Broken,
        ScenarioResult::Interrupted,
        ScenarioResult::Skipped,
    ];
    let counts: Map<String, Value> = all.into_iter().map(|result| (result.to_string(), count(result).into())).collect();
    json!({
        "event": "summary", "run": record.run, "folder": folder, "seed": record.seed, "took_ms": record.took_ms,
        "rerun": record.rerun, "counts": counts, "secrets": record.secrets,
        "exit": { "code": exit::number(exit), "word": exit::word(exit) },
    })
}
