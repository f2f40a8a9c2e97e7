//! The reusable GitHub workflow: the lines of its own steps, run here in its order by a shell, with what GitHub would set.
//! What only GitHub does (checkout, cache, artifacts) is folders that are moved.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const WORKFLOW: &str = include_str!("../.github/workflows/scenarios.yml");

/// The `run:` of a job's step.
fn lines_of(job: &str, step: &str) -> String {
    let workflow: Value = serde_saphyr::from_str(WORKFLOW).unwrap();
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    let step = steps.iter().find(|found| found["name"] == step).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

/// Runs a step's lines as GitHub does (`bash -e`), where `leaseproof` is the one that was built.
fn run(lines: &str, place: &Path, environment: &HashMap<&str, &str>) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_leaseproof")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("bash");
    shell.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", lines]).current_dir(place);
    shell.env("PATH", path).env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", place.join("step.md"));
    shell.env("LEASEPROOF_HOME", place.join("home")).env("LEASEPROOF_PROVIDER", "native").envs(environment);
    let output = shell.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{lines}\n{said}");
    said
}

#[test]
fn the_shards_of_the_workflow_run_each_scenario_once_and_are_merged_into_one_report() {
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("home")).unwrap();
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart");
    let scenarios = place.path().join("scenarios");
    fs::create_dir(&scenarios).unwrap();
    for name in ["expiry.yaml", "token_tree.yaml"] {
        fs::copy(shipped.join(name), scenarios.join(name)).unwrap();
    }
    for (index, shard) in ["1/2", "2/2"].into_iter().enumerate() {
        let inputs = [("SCENARIOS", "scenarios"), ("VAULTS", "openbao"), ("SEED", "7"), ("SHARD", shard)];
        run(&lines_of("scenarios", "Scenarios"), place.path(), &inputs.into());
        // An artifact has what is in the folder, and is downloaded into one of its own name.
        let artifact = place.path().join(format!("shards/leaseproof-{index}"));
        fs::create_dir_all(artifact.parent().unwrap()).unwrap();
        fs::rename(place.path().join("reports"), artifact).unwrap();
    }
    run(&lines_of("merged", "Merge"), place.path(), &HashMap::new());

    let record = fs::read(place.path().join("report/record.json")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let mut ran: Vec<_> = record["scenarios"].as_array().unwrap().iter().collect();
    ran.sort_by_key(|scenario| scenario["file"].as_str().unwrap());
    let verdicts: Vec<_> = ran.iter().map(|scenario| (&scenario["file"], &scenario["result"])).collect();
    assert_eq!(verdicts.len(), 2, "{verdicts:?}");
    assert!(ran.iter().all(|scenario| scenario["result"] == "held"), "{verdicts:?}");
    assert_ne!(verdicts[0].0, verdicts[1].0);
    assert!(place.path().join("report/report.html").is_file());
    let summary = fs::read_to_string(place.path().join("step.md")).unwrap();
    assert!(summary.contains("held"), "{summary}");
}
