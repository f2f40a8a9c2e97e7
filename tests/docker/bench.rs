//! A scenario in a folder of its own, the command on it, and what is marked as its own in an engine.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Why a test that takes root was not made, where whoever runs the tests has said it beforehand.
const NO_ROOT: &str = "LEASEPROOF_NO_ROOT";

pub(crate) struct Bench {
    folder: tempfile::TempDir,
    /// The engine that it is about, when it is not the usual one.
    host: Option<String>,
}

impl Bench {
    pub(crate) fn new(scenario: &str) -> Self {
        let bench = Self { folder: tempfile::tempdir().unwrap(), host: None };
        std::fs::write(bench.path().join("scenario.yaml"), scenario).unwrap();
        bench
    }

    /// The same on another engine.
    pub(crate) fn on(self, host: &str) -> Self {
        Self { host: Some(host.to_owned()), ..self }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
        command.args(words).current_dir(self.path()).env("LEASEPROOF_HOME", self.home());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.at_its_engine(&mut command);
        command
    }

    /// The command that runs the scenario in containers.
    pub(crate) fn in_containers(&self, words: &[&str]) -> Command {
        self.command(&[&["run", "scenario.yaml", "--report-dir", "reports", "--provider", "docker"], words].concat())
    }

    /// Runs the scenario in containers.
    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.in_containers(words).output().unwrap()
    }

    /// What Docker's own client says.
    pub(crate) fn docker(&self, words: &[&str]) -> String {
        let mut docker = Command::new("docker");
        self.at_its_engine(&mut docker);
        let output = docker.args(words).output().unwrap();
        assert!(output.status.success(), "docker {words:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    fn at_its_engine(&self, command: &mut Command) {
        if let Some(host) = &self.host {
            command.env("DOCKER_HOST", host);
        }
    }

    /// Containers, networks, volumes or events that are marked as this bench's.
    pub(crate) fn marked(&self, list: &[&str]) -> Vec<String> {
        let filter = format!("label=leaseproof.home={}", self.home().display());
        let listed = self.docker(&[list, &["--filter", &filter]].concat());
        listed.lines().map(str::to_owned).collect()
    }

    pub(crate) fn containers(&self) -> Vec<String> {
        self.marked(&["ps", "--all", "--format", "{{.Names}} {{.Status}}"])
    }

    /// The containers that were started, whether they are still there or not.
    pub(crate) fn started(&self) -> Vec<String> {
        let name = "{{.Actor.Attributes.name}}";
        self.marked(&["events", "--since", "1h", "--until", "0s", "--filter", "event=start", "--format", name])
    }

    /// How many containers, networks and volumes there are.
    pub(crate) fn left(&self) -> (usize, usize, usize) {
        let networks = self.marked(&["network", "ls", "--format", "{{.Name}}"]);
        let volumes = self.marked(&["volume", "ls", "--format", "{{.Name}}"]);
        (self.containers().len(), networks.len(), volumes.len())
    }
}

/// The images that these tests run on, where the usual engine has them.
pub(crate) fn images() -> Option<[&'static str; 2]> {
    let either = |names: [&'static str; 2]| names.into_iter().find(|image| is_there(image));
    Some([
        either(["openbao/openbao:2.7.2", "leaseproof/openbao:2.7.2"])?,
        either(["postgres:17", "leaseproof/postgres:17"])?,
    ])
}

/// The image of Toxiproxy, which is built here.
pub(crate) const TOXIPROXY: &str = "leaseproof/toxiproxy:2.12.0";

/// Whether the usual engine has an image.
pub(crate) fn is_there(image: &str) -> bool {
    let seen = Command::new("docker").args(["image", "inspect", image]).output();
    seen.is_ok_and(|seen| seen.status.success())
}

/// Whether there is an engine with the images; else it is said aloud, and a failure where all must run.
pub(crate) fn there_is_an_engine() -> bool {
    let there = images().is_some();
    if !there {
        not_tested("no Docker engine answers here, or compose/images/build.sh has not been run");
    }
    there
}

/// Whether this is root, which some tests take. Who requires all of them and has no root says why in `LEASEPROOF_NO_ROOT`.
pub(crate) fn is_root(takes_it: &str) -> bool {
    let is_root = nix::unistd::Uid::effective().is_root();
    match std::env::var(NO_ROOT) {
        Ok(why) if !is_root && !why.is_empty() => tell(&format!("{takes_it}, and there is none: {why}")),
        _ if !is_root => not_tested(takes_it),
        _ => {}
    }
    is_root
}

/// Says aloud that something was not tested; a failure where all must run.
pub(crate) fn not_tested(why: &str) {
    tell(why);
    assert!(std::env::var("LEASEPROOF_REQUIRE_DOCKER").as_deref() != Ok("1"), "not tested: {why}");
}

fn tell(why: &str) {
    let _ = writeln!(std::io::stderr(), "not tested: {why}");
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}
