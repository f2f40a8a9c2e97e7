//! `leaseproof run` from outside, on real servers: what it prints, what it leaves, and how it ends when it is stopped.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test that asked for it")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

const SCENARIO: &str = "tests/good/natural_expiry.yaml";

/// Folders of this test's own: what is left in them was left by its run.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.home()).unwrap();
        place
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn reports(&self) -> PathBuf {
        self.0.path().join("reports")
    }

    fn run(&self, scenario: &str, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
        command.args(["run", scenario, "--report-dir"]).arg(self.reports()).args(arguments);
        command.env("LEASEPROOF_HOME", self.home()).env("LEASEPROOF_PROVIDER", "native");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The record of the only run.
    fn record(&self) -> Value {
        let runs: Vec<_> = fs::read_dir(self.reports()).unwrap().collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        let text = fs::read(runs[0].as_ref().unwrap().path().join("record.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    fn assert_nothing_is_left(&self) {
        let left = fs::read_dir(self.home()).unwrap().map(|entry| entry.unwrap().path());
        let left: Vec<PathBuf> = left.filter(|path| path.is_dir()).collect();
        assert!(left.is_empty(), "{left:?}");
        let processes = processes_in(&self.home());
        assert!(processes.is_empty(), "{processes:?}");
    }
}

/// Command lines of the processes of this machine that name a path below the folder.
fn processes_in(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let lines = fs::read_dir("/proc").unwrap().filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).into_owned()).filter(|line| line.contains(&folder)).collect()
}

/// Waits until the run says a line that begins so. Dropping the pipe then is part of the tests: a run goes on though
/// nobody reads it.
fn until_said(run: &mut Child, beginning: &str) {
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines();
    let said = lines.find(|line| line.as_ref().unwrap().starts_with(beginning));
    assert!(said.is_some(), "the run ended and never said `{beginning}`");
}

/// Waits until the run's only scenario has written this into its history, which is the one sign of it from outside.
fn until_happened(place: &Place, run: &mut Child, what: &str) {
    until_said(run, "started");
    let histories = || {
        let runs = fs::read_dir(place.reports()).into_iter().flatten();
        let scenarios = runs.filter_map(|run| fs::read_dir(run.ok()?.path()).ok()).flatten();
        scenarios.filter_map(|scenario| fs::read_to_string(scenario.ok()?.path().join("history.jsonl")).ok())
    };
    while !histories().any(|history| history.contains(what)) {
        assert_eq!(run.try_wait().unwrap(), None, "the run ended before `{what}`");
        thread::sleep(Duration::from_millis(20));
    }
}

fn ended(run: Child) -> (Option<i32>, String) {
    let output = run.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn send(run: &Child, signal: Signal) {
    kill(Pid::from_raw(run.id().cast_signed()), signal).unwrap();
}

#[test]
fn a_run_prints_a_json_line_for_each_scenario_and_one_with_the_summary() {
    let place = Place::new();
    let output = place.run(SCENARIO, &["--format", "json", "--seed", "7"]).wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [scenario, summary] = lines.as_slice() else { panic!("{stdout}") };
    assert_eq!((&scenario["event"], &scenario["scenario"]["result"]), (&"scenario".into(), &"held".into()));
    assert_eq!(summary["exit"], serde_json::json!({ "code": 0, "word": "held" }));
    assert_eq!((&summary["counts"]["held"], &summary["seed"]), (&1.into(), &7.into()));
    assert_eq!(place.record()["scenarios"][0]["name"], scenario["scenario"]["name"]);
    place.assert_nothing_is_left();
}

#[rstest::rstest]
#[case(Signal::SIGINT)]
#[case(Signal::SIGTERM)]
#[case(Signal::SIGHUP)]
fn a_run_that_is_stopped_takes_its_servers_down_and_writes_its_reports(#[case] signal: Signal) {
    let place = Place::new();
    let mut run = place.run(SCENARIO, &[]);
    until_happened(&place, &mut run, "\"phase\":\"steps\"");
    send(&run, signal);
    let (code, stderr) = ended(run);
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("stopping: healing faults and taking servers down"), "{stderr}");
    assert_eq!(place.record()["scenarios"][0]["result"], "interrupted", "{stderr}");
    place.assert_nothing_is_left();
}

#[test]
fn a_run_that_is_stopped_while_its_servers_come_up_leaves_nothing() {
    for _ in 0..8 {
        let place = Place::new();
        let mut run = place.run(SCENARIO, &[]);
        until_said(&mut run, "started");
        send(&run, Signal::SIGINT);
        let (code, stderr) = ended(run);
        assert_eq!(code, Some(130), "{stderr}");
        place.assert_nothing_is_left();
    }
}

#[test]
fn the_second_signal_ends_a_run_at_once_and_its_servers_with_it() {
    let place = Place::new();
    let mut run = place.run(SCENARIO, &[]);
    until_happened(&place, &mut run, "\"phase\":\"steps\"");
    send(&run, Signal::SIGINT);
    let mut stderr = BufReader::new(run.stderr.take().unwrap()).lines();
    assert!(stderr.next().unwrap().unwrap().starts_with("stopping: "));
    send(&run, Signal::SIGINT);
    assert_eq!(run.wait().unwrap().code(), Some(130));
    // Dying takes a process a moment after its parent; what is waited for is that none is left.
    let deadline = Instant::now() + Duration::from_secs(10);
    while !processes_in(&place.home()).is_empty() {
        assert!(Instant::now() < deadline, "{:?}", processes_in(&place.home()));
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn servers_that_are_kept_stay_up_until_the_run_is_stopped_and_its_verdict_stays() {
    let place = Place::new();
    let broken = fs::read_to_string(SCENARIO).unwrap().replace("accepted: true", "refused: authentication");
    let file = place.0.path().join("wrong.yaml");
    fs::write(&file, broken).unwrap();
    let mut run = place.run(file.to_str().unwrap(), &["--keep"]);
    until_said(&mut run, "kept ");
    assert!(!processes_in(&place.home()).is_empty());
    send(&run, Signal::SIGINT);
    let (code, stderr) = ended(run);
    assert_eq!(code, Some(1), "{stderr}");
    assert_eq!(place.record()["scenarios"][0]["result"], "violated");
    place.assert_nothing_is_left();
}

#[test]
fn a_port_that_something_else_took_while_its_server_was_down_is_a_broken_environment() {
    let place = Place::new();
    let down = "name: A server is down for a while\nstack: { vault: {}, postgres: {} }\nsteps:\n  \
                - fault: { stop: { server: postgres } }\n    during:\n      - wait: { for: 10s }\n  \
                - api: { path: sys/seal-status, answers: { status: 200 } }\n";
    let file = place.0.path().join("down.yaml");
    fs::write(&file, down).unwrap();
    let mut run = place.run(file.to_str().unwrap(), &[]);
    until_happened(&place, &mut run, "fault_injected");
    let settings = found(&place.home(), "postgresql.conf").unwrap();
    let port = settings.lines().find_map(|line| line.strip_prefix("port = ")).unwrap();
    let taken = TcpListener::bind(format!("127.0.0.1:{port}")).unwrap();
    let (code, stderr) = ended(run);
    drop(taken);
    assert_eq!(code, Some(3), "{stderr}");
    let record = place.record();
    let (result, reason) = (&record["scenarios"][0]["result"], record["scenarios"][0]["reason"].as_str().unwrap());
    assert_eq!(result, "broken", "{reason}");
    for told in [&format!("listen on port {port}; something else took that port"), "`ss -ltnp` shows"] {
        assert!(reason.contains(told), "{told}: {reason}");
    }
    place.assert_nothing_is_left();
}

/// The text of the first file of that name below a folder.
fn found(folder: &Path, name: &str) -> Option<String> {
    fs::read_dir(folder).ok()?.find_map(|entry| {
        let path = entry.ok()?.path();
        if path.is_dir() {
            return found(&path, name);
        }
        (path.file_name()? == name).then(|| fs::read_to_string(&path).ok())?
    })
}

#[test]
fn a_program_that_is_no_server_is_a_mistake_of_the_command_line() {
    let place = Place::new();
    let (code, stderr) = ended(place.run(SCENARIO, &["--vault-bin", "/bin/true"]));
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.starts_with("error: /bin/true cannot be used as /bin/true: "), "{stderr}");
    place.assert_nothing_is_left();
}
