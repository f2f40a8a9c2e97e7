//! The Docker provider from outside: nothing of a killed run stays in the engine, and what an engine cannot do is said so
//! that a person knows what to do. Where no engine answers, the tests that need one say so, and fail where all must run.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Two servers, a disk with what holds it, and time enough to be killed in.
const SCENARIO: &str = "
name: Something that lasts
stack: { vault: { audit: { small: { file: { own_disk: true } } } }, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 1m } } } } }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { pause: { server: postgres } }
    during:
      - wait: { for: 60s }
  - expect: { login: { with: cred, accepted: true } }
";

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        std::fs::write(bench.0.path().join("scenario.yaml"), SCENARIO).unwrap();
        bench
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
        command.args(words).current_dir(self.0.path()).env("LEASEPROOF_HOME", self.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let all = [&["run", "scenario.yaml", "--report-dir", "reports", "--provider", "docker"], words].concat();
        self.command(&all).output().unwrap()
    }

    /// Containers, networks or volumes that are marked as this bench's.
    fn marked(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label=leaseproof.home={}", self.home().display());
        let listed = Command::new("docker").args(list).args(["--filter", &filter]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(str::to_owned).collect()
    }

    fn containers(&self) -> Vec<String> {
        self.marked(&["ps", "--all", "--format", "{{.Names}} {{.Status}}"])
    }

    fn networks(&self) -> Vec<String> {
        self.marked(&["network", "ls", "--format", "{{.Name}}"])
    }

    fn volumes(&self) -> Vec<String> {
        self.marked(&["volume", "ls", "--format", "{{.Name}}"])
    }

    /// How many containers, networks and volumes there are.
    fn left(&self) -> (usize, usize, usize) {
        (self.containers().len(), self.networks().len(), self.volumes().len())
    }
}

/// Whether there is an engine with the images; else it is said aloud, and a failure where all must run.
fn there_is_an_engine() -> bool {
    let image = |name: &str| {
        let seen = Command::new("docker").args(["image", "inspect", name]).output();
        seen.is_ok_and(|seen| seen.status.success())
    };
    let either = |official: &str, ours: &str| image(official) || image(ours);
    let there =
        either("openbao/openbao:2.7.2", "leaseproof/openbao:2.7.2") && either("postgres:17", "leaseproof/postgres:17");
    if !there {
        let why = "not tested: no Docker engine answers here, or compose/images/build.sh has not been run";
        let _ = writeln!(std::io::stderr(), "{why}");
        assert!(std::env::var("LEASEPROOF_REQUIRE_DOCKER").as_deref() != Ok("1"), "{why}");
    }
    there
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

#[test]
fn an_engine_that_is_not_there_is_named_and_native_is_offered() {
    let bench = Bench::new();
    let mut command = bench.command(&["run", "scenario.yaml", "--provider", "docker"]);
    let output = command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock").output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let said = said(&output);
    assert!(said.contains("no Docker engine answers at unix:///nonexistent/docker.sock"), "{said}");
    assert!(said.contains("--provider native"), "{said}");
}

#[test]
fn a_killed_run_leaves_containers_and_clean_removes_those_and_no_others() {
    if !there_is_an_engine() {
        return;
    }
    let (bench, other) = (Bench::new(), Bench::new());
    let all = ["run", "scenario.yaml", "--report-dir", "reports", "--provider", "docker"];
    let mut killed = bench.command(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut alive = other.command(&all).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for bench in [&bench, &other] {
        // Paused is what the scenario's fault makes of PostgreSQL: all is up by then.
        let end = Instant::now() + Duration::from_secs(240);
        while !bench.containers().iter().any(|seen| seen.contains("(Paused)")) {
            assert!(Instant::now() < end, "it never came to its fault: {:?}", bench.containers());
            assert!(
                killed.try_wait().unwrap().is_none() && alive.try_wait().unwrap().is_none(),
                "it ended before its fault"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(bench.left(), (3, 1, 1), "what kill -9 leaves");
    let dry = bench.command(&["clean", "--dry-run"]).output().unwrap();
    assert!(said(&dry).contains("would remove container leaseproof-"), "{}", said(&dry));
    let cleaned = bench.command(&["clean"]).output().unwrap();
    assert_eq!(cleaned.status.code(), Some(0), "{}", said(&cleaned));
    assert_eq!(bench.left(), (0, 0, 0), "after the sweep");
    // The run that is alive keeps what it has, also when its own home is swept.
    other.command(&["clean"]).status().unwrap();
    assert_eq!(other.left(), (3, 1, 1), "a living run's");
    kill(Pid::from_raw(i32::try_from(alive.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(alive.wait().unwrap().code(), Some(130));
    assert_eq!(other.left(), (0, 0, 0), "after an interrupt");
}

#[test]
fn an_image_that_is_not_what_it_should_be_or_is_not_there_ends_a_run_before_it_begins() {
    if !there_is_an_engine() {
        return;
    }
    let bench = Bench::new();
    for (image, told) in [
        ("openbao=leaseproof/nothing-of-this-name:0", "there is no image of openbao:2.7.2"),
        ("openbao=leaseproof/base:trixie", "leaseproof/base:trixie cannot be used as openbao:2.7.2"),
    ] {
        let output = bench.run(&["--image", image]);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        assert!(said(&output).contains(told), "{}", said(&output));
        assert!(said(&output).contains("--image"), "{}", said(&output));
        assert_eq!(bench.left(), (0, 0, 0), "after {image}");
    }
}

#[test]
fn a_container_that_exits_at_its_start_is_told_with_its_last_words_and_leaves_nothing() {
    if !there_is_an_engine() {
        return;
    }
    let bench = Bench::new();
    let wrong = SCENARIO.replace("vault: {", "vault: { configuration: { default_lease_ttl: never },");
    std::fs::write(bench.0.path().join("scenario.yaml"), wrong).unwrap();
    let output = bench.run(&[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    for told in ["vault ended while it was starting", "invalid duration \"never\""] {
        assert!(said(&output).contains(told), "{}", said(&output));
    }
    assert_eq!(bench.left(), (0, 0, 0));
}

#[test]
fn a_user_who_may_not_use_the_engine_is_told_so() {
    if !there_is_an_engine() || !nix::unistd::Uid::effective().is_root() {
        let _ = writeln!(std::io::stderr(), "not tested: only root can be somebody who may not use the engine");
        return;
    }
    let bench = Bench::new();
    std::fs::set_permissions(bench.0.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    // Where the tests were built need not be a place that others may look into.
    let program = bench.0.path().join("leaseproof");
    std::fs::copy(env!("CARGO_BIN_EXE_leaseproof"), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["run", "scenario.yaml", "--provider", "docker"]).current_dir(bench.0.path());
    command.env("LEASEPROOF_HOME", bench.home()).env("LEASEPROOF_CACHE", bench.0.path().join("cache"));
    let output = command.uid(65534).gid(65534).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("this user may not use the Docker engine"), "{}", said(&output));
}
