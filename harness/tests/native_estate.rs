//! A run leaves nothing behind, killed at whatever moment, and a sweep takes nothing that is another's.

#![expect(clippy::unwrap_used, reason = "helpers of a test are not seen as tests by clippy")]

mod native;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::{Estate, EstateError, dead_runs_in, sweep_in};
use leaseproof_harness::provider::native::launch::{Launch, Signal};
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::provider::native::process::{Process, State};
use native::server::{initialised, server};
use native::{lives, logged, processes_naming, wait_for};
use tempfile::TempDir;

/// Tells the second process of these tests, which is this program again, what to work in.
const HOME: &str = "LEASEPROOF_TEST_HOME";
/// What the second process does.
const DEED: &str = "LEASEPROOF_TEST_DEED";

/// A short folder that other users can pass.
fn home() -> TempDir {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    folder
}

fn shell(estate: &Estate, name: &str, script: &str) -> Launch {
    let folder = estate.folder(name, None).unwrap();
    Launch::new(name, "/bin/sh", folder).arg("-c").arg(script).owned_by(estate.owner())
}

/// This program again, as a harness that can be killed.
fn second_harness(home: &Path, deed: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_second_harness", "--ignored", "--nocapture"])
        .env(HOME, home)
        .env(DEED, deed)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(fs::OpenOptions::new().append(true).create(true).open(home.join("second.log")).unwrap())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "is the harness that the other tests start and kill"]
async fn the_second_harness() {
    let Some(home) = std::env::var_os(HOME).map(PathBuf::from) else { return };
    match std::env::var(DEED).unwrap().as_str() {
        "busy" => loop {
            busy(&home).await;
        },
        "deaf" => deaf(&home).await,
        other => panic!("{other} is no deed"),
    }
}

/// One run with everything that is hard to find again: children in sessions of their own, an orphan without its
/// environment, paused processes, a PostgreSQL.
async fn busy(home: &Path) {
    let estate = Estate::open_in(&home.join("base")).unwrap();
    let scripts = [
        ("tree", "sleep 1000 & setsid sleep 1000 & echo ready; wait"),
        ("lost", "(env -i setsid /bin/sh -c 'while :; do sleep 1000; done' &); echo ready; exec sleep 1000"),
        ("forks", "echo ready; while :; do setsid sleep 0.01 & setsid sleep 0.02 & wait; done"),
    ];
    let mut processes = Vec::new();
    for (name, script) in scripts {
        // A signal that a paused process does not get: the sweep has to find it.
        let process = Process::new(shell(&estate, name, script).on_harness_death(Signal::SIGTERM));
        process.start().await.unwrap();
        logged(process.log(), "ready");
        processes.push(process);
    }
    processes[0].pause().await.unwrap();
    let programs = native::postgres();
    let folder = initialised(&estate, &Cache::at(home.join("cache")), &programs).await;
    let postgres = server(&estate, &programs, &folder, &Port::claim().unwrap());
    postgres.start().await.unwrap();
    wait_for("a postmaster with its lock", || folder.join("data/postmaster.pid").exists().then_some(()));
    postgres.pause().await.unwrap();
    processes[2].pause().await.unwrap();
    postgres.resume().await.unwrap();
    postgres.kill().await.unwrap();
    postgres.start().await.unwrap();
    processes[1].kill().await.unwrap();
    estate.close().await.unwrap();
}

/// One process that does not end with its harness.
async fn deaf(home: &Path) {
    let estate = Estate::open_in(&home.join("base")).unwrap();
    let launch = shell(&estate, "deaf", "trap '' TERM; echo pid $$; while :; do sleep 0.05; done");
    let process = Process::new(launch.on_harness_death(Signal::SIGTERM).log_to(home.join("deaf.log")));
    process.start().await.unwrap();
    process.exited().await.unwrap();
}

/// Sweeps until no run is alive: a child that was being forked when its harness was killed holds the run's lock until
/// it dies of that, a moment later.
async fn sweep_all(base: &Path) {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let sweep = sweep_in(base).await.unwrap();
        assert!(sweep.failed.is_empty(), "{:?}", sweep.failed);
        if sweep.alive == 0 {
            return;
        }
        assert!(Instant::now() < deadline, "a run of a dead harness counts as alive");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn runs_in(base: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(base) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

#[tokio::test]
async fn nothing_is_left_of_a_harness_killed_at_any_moment_once_it_is_swept() {
    let home = home();
    let base = home.path().join("base");
    for round in 0..25 {
        let mut harness = second_harness(home.path(), "busy");
        // At random, and so somewhere else each time the tests run; what is claimed holds for every moment.
        let moment = Duration::from_millis(rand::random_range(0..1500));
        tokio::time::sleep(moment).await;
        harness.kill().unwrap();
        harness.wait().unwrap();
        sweep_all(&base).await;
        let left = processes_naming(base.to_str().unwrap());
        assert!(left.is_empty(), "round {round}, killed after {moment:?}, processes {left:?}");
        assert_eq!(runs_in(&base), Vec::<PathBuf>::new(), "round {round}, killed after {moment:?}");
    }
    let log = fs::read_to_string(home.path().join("second.log")).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}

#[tokio::test]
async fn a_look_at_dead_runs_touches_nothing_and_a_sweep_ends_even_the_deaf() {
    let home = home();
    let base = home.path().join("base");
    let mut harness = second_harness(home.path(), "deaf");
    let pid = logged(&home.path().join("deaf.log"), "pid");
    harness.kill().unwrap();
    harness.wait().unwrap();

    let dead = dead_runs_in(&base).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert!(dead[0].processes.iter().any(|left| left.pid.to_string() == pid && left.program.is_some()));
    assert!(lives(&pid) && dead[0].folder.exists());

    let sweep = sweep_in(&base).await.unwrap();
    assert_eq!((sweep.removed.len(), sweep.failed.len(), sweep.alive), (1, 0, 0));
    assert!(!lives(&pid) && !dead[0].folder.exists());
}

#[tokio::test]
async fn a_sweep_does_not_touch_a_run_that_is_alive() {
    let home = home();
    let base = home.path().join("base");
    let estate = Estate::open_in(&base).unwrap();
    let process = Process::new(shell(&estate, "server", "exec sleep 1000"));
    process.start().await.unwrap();
    let sweep = sweep_in(&base).await.unwrap();
    assert_eq!((sweep.removed.len(), sweep.alive), (0, 1));
    assert_eq!(process.state(), State::Running);
    assert!(dead_runs_in(&base).await.unwrap().is_empty());
    estate.close().await.unwrap();
    // It is over with the run; who waits for it hears of that a moment later.
    process.exited().await.unwrap();
    assert_eq!(runs_in(&base), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_process_that_got_the_number_of_a_dead_one_is_not_killed() {
    let home = home();
    let base = home.path().join("base");
    // Somebody else's process: the program of the run, its number in the list, but started at another time.
    let mut bystander = Command::new("/bin/sleep").arg("1000").current_dir("/").spawn().unwrap();
    let estate = Estate::open_in(&base).unwrap();
    let run = estate.path().to_owned();
    let process = Process::new(Launch::new("server", "/bin/sleep", &run).arg("1000").owned_by(estate.owner()));
    process.start().await.unwrap();
    let own = process.pid().unwrap();
    let list = fs::read_to_string(run.join("owned.jsonl")).unwrap();
    estate.close().await.unwrap();

    let mut line: serde_json::Value = serde_json::from_str(list.lines().last().unwrap()).unwrap();
    let listed = &mut line["started"]["process"];
    assert_eq!(listed["pid"], own);
    listed["pid"] = bystander.id().into();
    // Clock ticks are long: two processes may well have started in the same one.
    listed["started"] = 1.into();
    fs::create_dir(&run).unwrap();
    fs::write(run.join("owned.jsonl"), line.to_string()).unwrap();
    let sweep = sweep_in(&base).await.unwrap();
    assert_eq!((sweep.removed.len(), sweep.removed[0].processes.len()), (1, 0));
    assert!(lives(&bystander.id().to_string()));
    bystander.kill().unwrap();
    bystander.wait().unwrap();
}

#[tokio::test]
async fn a_dropped_estate_leaves_nothing_either() {
    let home = home();
    let base = home.path().join("base");
    let estate = Estate::open_in(&base).unwrap();
    let process = Process::new(shell(&estate, "server", "setsid sleep 1000 & echo ready; wait"));
    process.start().await.unwrap();
    logged(process.log(), "ready");
    drop(estate);
    assert_eq!(processes_naming(base.to_str().unwrap()), Vec::<String>::new());
    assert_eq!(runs_in(&base), Vec::<PathBuf>::new());
}

#[test]
fn other_users_may_pass_a_run_and_enter_no_server_of_it() {
    let home = home();
    let base = home.path().join("base");
    let estate = Estate::open_in(&base).unwrap();
    let server = estate.folder("vault", None).unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&base), mode(estate.path()), mode(&server)), (0o711, 0o711, 0o700));
    assert_eq!(mode(&estate.path().join("owned.jsonl")), 0o600);
}

#[test]
fn a_link_in_place_of_the_base_folder_is_refused() {
    let home = home();
    let base = home.path().join("base");
    fs::create_dir(home.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(home.path().join("elsewhere"), &base).unwrap();
    assert!(matches!(Estate::open_in(&base), Err(EstateError::NotOurs { .. })));
}

#[tokio::test]
async fn a_sweep_where_no_run_ever_was_finds_nothing() {
    let home = home();
    let sweep = sweep_in(&home.path().join("never")).await.unwrap();
    assert_eq!((sweep.removed.len(), sweep.failed.len(), sweep.alive), (0, 0, 0));
}
