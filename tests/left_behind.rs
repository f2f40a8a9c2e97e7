//! Nothing is left behind: not after Ctrl-C at any moment, not after `kill -9`. The command is run on real servers, ended
//! at many moments of its life, and the machine is searched for what it owned.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

/// When the run is ended, in milliseconds after its start: while programs are looked for, servers start, Vault is set up,
/// the baseline, a fault, its healing; and some moments later than the whole scenario lasts.
const MOMENTS: [u64; 16] = [5, 20, 60, 110, 160, 210, 260, 320, 400, 500, 650, 900, 1_300, 2_000, 3_000, 4_500];

/// A scenario with everything that could be left: two servers, links, a client, a program of the user's with
/// a child, a stopped process, a fault under way.
const SCENARIO: &str = "
name: Something that can be ended at any moment
stack: { vault: { storage: raft }, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 1m } } } } }
clients: { web: { holds: database/app } }
consumers: { shop: { shell: 'sleep 1000 & while :; do sleep 0.1; done' } }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { pause: { server: postgres } }
    during:
      - fault: { cut: { from: clients, to: vault } }
        during:
          - wait: { for: 1s }
  - fault: { restart: { server: vault } }
  - expect: { login: { with: cred, accepted: true } }
    for_at_least: 3s
";

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        // Servers that refuse root run as `nobody`, who must be able to pass.
        let folder = tempfile::Builder::new().prefix("leaseproof-test-").tempdir_in("/tmp").unwrap();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        fs::set_permissions(folder.path(), open).unwrap();
        fs::write(folder.path().join("scenario.yaml"), SCENARIO).unwrap();
        Self { folder }
    }

    fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leaseproof"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env("LEASEPROOF_HOME", self.home())
            .env("LEASEPROOF_PROVIDER", "native")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn start(&self) -> Child {
        let said = fs::File::create(self.said()).unwrap();
        self.command(&["run", "scenario.yaml", "--report-dir", "reports"]).stderr(said).spawn().unwrap()
    }

    /// What the run last said, for a failure to show.
    fn said(&self) -> PathBuf {
        self.folder.path().join("said.txt")
    }

    /// Runs of this bench that still have a folder.
    fn folders(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(self.home()) else { return Vec::new() };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"))).collect()
    }

    /// Processes that work below this bench's home, or were told of it in their environment.
    fn processes(&self) -> Vec<String> {
        let home = self.home();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").unwrap().flatten() {
            let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
            let works_there = fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(&home));
            let told = fs::read(entry.path().join("environ")).is_ok_and(|env| contains(&env, &home));
            // A zombie has ended; whoever adopted it will fetch its status.
            let zombie = fs::read_to_string(entry.path().join("stat")).is_ok_and(|stat| stat.contains(") Z "));
            if (works_there || told) && !zombie && pid != std::process::id() {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                found.push(format!("{pid} {}", String::from_utf8_lossy(&line).replace('\0', " ")));
            }
        }
        found
    }
}

fn contains(environment: &[u8], home: &Path) -> bool {
    let marker = format!("LEASEPROOF_RUN={}", home.display());
    environment.windows(marker.len()).any(|window| window == marker.as_bytes())
}

fn signal(child: &Child, signal: Signal) {
    // It may have ended by itself just now; then there is nothing to signal.
    let _ = kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), signal);
}

/// What Ctrl-C sends. A shell that starts a command in the background has it ignore SIGINT, until the command sets a
/// handler of its own; then SIGTERM, which is handled in the same way, stands for it.
fn interrupt() -> Signal {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    let ignored = u64::from_str_radix(ignored, 16).unwrap();
    let sigint = 1 << (Signal::SIGINT as u64 - 1);
    if ignored & sigint == 0 { Signal::SIGINT } else { Signal::SIGTERM }
}

fn wait(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// The first run fetches programs and makes templates; what is tested here is what comes after.
fn warm(bench: &Bench) {
    let status = bench.command(&["run", "scenario.yaml", "--report-dir", "reports"]).status().unwrap();
    assert_eq!(status.code(), Some(0), "the scenario itself must hold");
    assert_eq!(bench.folders(), Vec::<PathBuf>::new());
    assert_eq!(bench.processes(), Vec::<String>::new());
}

#[test]
fn an_interrupt_at_any_moment_leaves_nothing_behind() {
    let bench = Bench::new();
    warm(&bench);
    for millis in MOMENTS {
        let mut child = bench.start();
        std::thread::sleep(Duration::from_millis(millis));
        signal(&child, interrupt());
        let status = wait(&mut child, Duration::from_secs(60)).expect("an interrupted run ends by itself");
        let by_signal = status.signal() == Some(interrupt() as i32);
        // Before the handler stands, the signal itself ends it; nothing has been started by then.
        assert!(status.code() == Some(130) || by_signal, "after {millis} ms it ended with {status}");
        let said = fs::read_to_string(bench.said()).unwrap();
        assert_eq!(bench.folders(), Vec::<PathBuf>::new(), "after {millis} ms; it said:\n{said}");
        assert_eq!(bench.processes(), Vec::<String>::new(), "after {millis} ms; it said:\n{said}");
    }
}

#[test]
fn a_second_interrupt_leaves_at_once_and_takes_every_process_along() {
    let bench = Bench::new();
    warm(&bench);
    for millis in [300, 1_000] {
        let mut child = bench.start();
        std::thread::sleep(Duration::from_millis(millis));
        signal(&child, interrupt());
        std::thread::sleep(Duration::from_millis(5));
        signal(&child, interrupt());
        let status = wait(&mut child, Duration::from_secs(60)).expect("it leaves");
        assert_eq!(status.code(), Some(130), "after {millis} ms");
        clean(&bench);
    }
}

#[test]
fn what_a_killed_run_leaves_is_removed_by_the_next_and_nothing_else_is() {
    let bench = Bench::new();
    warm(&bench);
    // Another run that is alive all the while: nobody may touch it.
    let mut other = bench.command(&["run", "scenario.yaml", "--report-dir", "other"]).spawn().unwrap();
    for millis in MOMENTS {
        let mut child = bench.start();
        std::thread::sleep(Duration::from_millis(millis));
        signal(&child, Signal::SIGKILL);
        child.wait().unwrap();
        clean_others(&bench);
        if let Some(status) = other.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0), "the run beside it was disturbed");
            other = bench.command(&["run", "scenario.yaml", "--report-dir", "other"]).spawn().unwrap();
        }
    }
    let status = other.wait().unwrap();
    assert_eq!(status.code(), Some(0), "the run beside it was disturbed");
    clean(&bench);
}

fn clean_others(bench: &Bench) {
    let status = bench.command(&["clean"]).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(bench.folders().len() <= 1, "only the run that is alive keeps its folder: {:?}", bench.folders());
}

fn clean(bench: &Bench) {
    let status = bench.command(&["clean"]).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(bench.folders(), Vec::<PathBuf>::new());
    assert_eq!(bench.processes(), Vec::<String>::new());
}
