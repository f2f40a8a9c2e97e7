//! Programs of the user's own that misbehave, on real servers: each is caught, with the reason, and harms nothing.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test that asked for it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// What came of a run of one scenario.
struct Ran {
    /// The folder of its reports; it goes with this.
    _place: TempDir,
    folder: PathBuf,
    code: Option<i32>,
    said: String,
}

impl Ran {
    /// Runs `tests/consumers/NAME.yaml`.
    fn of(name: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let (home, reports) = (place.path().join("home"), place.path().join("reports"));
        fs::create_dir(&home).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
        command.args(["run", &format!("tests/consumers/{name}.yaml"), "--report-dir"]).arg(&reports);
        command.env("LEASEPROOF_HOME", &home).env("LEASEPROOF_PROVIDER", "native");
        let output = command.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let left: Vec<_> = fs::read_dir(&home).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.iter().all(|path| !path.is_dir()), "left behind: {left:?}\n{said}");
        let run = fs::read_dir(&reports).ok().and_then(|mut runs| runs.next());
        let folder = run.map_or(reports, |run| run.unwrap().path());
        Self { _place: place, folder, code: output.status.code(), said }
    }

    /// Its record.
    fn scenario(&self) -> Value {
        let record: Value = serde_json::from_slice(&fs::read(self.folder.join("record.json")).unwrap()).unwrap();
        record["scenarios"][0].clone()
    }

    /// A log that was taken.
    fn log(&self, name: &str) -> String {
        let folder = self.scenario()["folder"].as_str().unwrap().to_owned();
        fs::read_to_string(self.folder.join(folder).join("logs").join(name)).unwrap()
    }

    /// That it was violated, with these words in its reason.
    fn violated(&self, because: &[&str]) {
        assert_eq!(self.code, Some(1), "{}", self.said);
        let reason = self.scenario()["reason"].as_str().unwrap().to_owned();
        for words in because {
            assert!(reason.contains(words), "{words:?} is not in: {reason}");
        }
    }
}

#[test]
fn a_loop_that_only_renews_is_caught_not_recovering() {
    Ran::of("never_recovers").violated(&["consumer loop had no working credential 1", "after the fault had healed"]);
}

#[test]
fn a_loop_that_only_renews_is_caught_without_a_credential_for_too_long() {
    Ran::of("gap").violated(&["consumer loop had no working credential for at least "]);
}

#[test]
fn a_crash_is_in_the_verdict_with_the_last_lines() {
    Ran::of("crashes").violated(&[
        "consumer brief does not crash",
        "exit status: 7",
        "it said last: it begins ⏎ something is wrong",
    ]);
}

#[test]
fn a_crash_before_the_first_step_leaves_the_scenario_inconclusive_and_tells_the_last_lines() {
    let ran = Ran::of("crashes_at_once");
    assert_eq!(ran.code, Some(4), "{}", ran.said);
    let reason = ran.scenario()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("baseline: consumer hopeless ended by itself: exit status: 3"), "{reason}");
    assert!(reason.contains("it said last: no configuration"), "{reason}");
}

#[test]
fn a_secret_in_a_log_is_caught_and_does_not_get_into_the_report() {
    let ran = Ran::of("leaks");
    ran.violated(&["consumer talkative wrote a secret: output:2"]);
    assert_eq!(ran.log("consumer-talkative.log"), "starting\nlogging in with [redacted]\n");
}

#[test]
fn a_flood_of_output_is_cut_and_said_to_be() {
    let ran = Ran::of("floods");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    let log = ran.log("consumer-flood.log");
    assert!(log.starts_with("the first line\n") && log.contains("bytes are not kept"), "{} bytes", log.len());
    assert!(log.len() < 2 << 20, "{} bytes", log.len());
}

#[test]
fn a_program_that_takes_more_credentials_than_it_may_is_caught() {
    Ran::of("hoards").violated(&["credentials were taken within one minute"]);
}

#[test]
fn a_program_that_goes_on_with_a_dead_credential_is_caught() {
    Ran::of("clings").violated(&["consumer clinging still logged in as v-approle-app-", "after that was refused"]);
}

#[test]
fn a_program_that_may_end_is_started_again() {
    let ran = Ran::of("restarted");
    assert_eq!(ran.code, Some(0), "{}", ran.said);
    assert!(ran.log("consumer-restless.log").matches("here I am").count() >= 2);
}

#[test]
fn a_program_that_is_not_there_is_an_error_of_the_file_before_anything_starts() {
    let ran = Ran::of("no_program");
    assert_eq!(ran.code, Some(2), "{}", ran.said);
    assert!(ran.said.contains("there is no program `no-such-program-anywhere`"), "{}", ran.said);
    assert!(ran.said.contains("tests/consumers/no_program.yaml:4:"), "{}", ran.said);
    assert!(!Path::new(&ran.folder).join("record.json").exists());
}
