//! A run that is stopped by SIGSTOP for seconds, at random moments, accuses nobody: whatever came late by its own doing is
//! inconclusive.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test that asked for it")]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// Scenarios that live by the second: TTLs of some seconds, renewals in time, rotations that fall due.
const HASTY: [&str; 6] = [
    "scenarios/quickstart/renewal_and_its_cap.yaml",
    "scenarios/quickstart/expiry.yaml",
    "scenarios/leases/renewal_by_an_application.yaml",
    "scenarios/leases/replacement_at_the_maximum.yaml",
    "scenarios/tokens/policy_narrowed.yaml",
    "scenarios/tokens/periodic_and_its_limit.yaml",
];
/// How often each runs.
const TIMES: &str = "3";

/// Stops the process again and again until it ends. It is ours alone, so nobody else's process can have its number.
fn stall_until_it_ends(run: &mut Child) {
    let pid = Pid::from_raw(run.id().cast_signed());
    loop {
        thread::sleep(Duration::from_millis(rand::random_range(500..4_000)));
        if run.try_wait().unwrap().is_some() {
            return;
        }
        kill(pid, Signal::SIGSTOP).unwrap();
        thread::sleep(Duration::from_millis(rand::random_range(200..5_000)));
        kill(pid, Signal::SIGCONT).unwrap();
    }
}

fn record(reports: &Path) -> Value {
    let run = fs::read_dir(reports).unwrap().next().unwrap().unwrap().path();
    serde_json::from_slice(&fs::read(run.join("record.json")).unwrap()).unwrap()
}

#[test]
fn a_harness_that_is_stopped_at_random_moments_is_inconclusive_and_never_accuses() {
    let place = tempfile::tempdir().unwrap();
    let (home, reports) = (place.path().join("home"), place.path().join("reports"));
    fs::create_dir(&home).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
    command.arg("run").args(HASTY).args(["--repeat", TIMES, "--report-dir"]).arg(&reports);
    command.env("LEASEPROOF_HOME", &home).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().unwrap();
    stall_until_it_ends(&mut run);

    let record = record(&reports);
    let results: Vec<(&str, &str, &str)> = record["scenarios"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["file"].as_str().unwrap(), one["result"].as_str().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    let accused: Vec<_> = results.iter().filter(|(_, result, _)| *result == "violated").collect();
    assert!(accused.is_empty(), "{accused:#?}");
    let silent: Vec<_> = results.iter().filter(|(_, result, _)| !["held", "inconclusive"].contains(result)).collect();
    assert!(silent.is_empty(), "{silent:#?}");
    // Stops of seconds in scenarios of seconds: it cannot be that none was noticed.
    let histories = fs::read_dir(&reports).unwrap().flat_map(|run| fs::read_dir(run.unwrap().path()).unwrap());
    let held_up = histories
        .filter_map(|scenario| fs::read_to_string(scenario.unwrap().path().join("history.jsonl")).ok())
        .filter(|history| history.contains("\"held_up\""))
        .count();
    assert!(held_up > 0, "no history says that the harness was held up");
}
