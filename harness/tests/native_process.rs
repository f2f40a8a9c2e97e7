//! Processes are kept as promised: shown by real programs, seen from /proc.
#![expect(clippy::unwrap_used, reason = "helpers of a test are not seen as tests by clippy")]

mod native;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use leaseproof_harness::provider::native::launch::Launch;
use leaseproof_harness::provider::native::process::{Process, ProcessError, State, Stopped};
use leaseproof_harness::secret::Secret;
use native::{lives, logged, state_of, wait_for};
use tempfile::TempDir;

const GRACE: Duration = Duration::from_secs(10);

fn shell(folder: &TempDir, script: &str) -> Process {
    Process::new(Launch::new("shell", "/bin/sh", folder.path()).arg("-c").arg(script))
}

/// A parent with a child in its group and one in a session of its own, as a PostgreSQL backend is.
const TREE: &str = "sleep 1000 & echo near $!; setsid sleep 1000 & echo far $!; echo ready; wait";

async fn tree(folder: &TempDir) -> (Process, [String; 3]) {
    let process = shell(folder, TREE);
    process.start().await.unwrap();
    logged(process.log(), "ready");
    let pids = [process.pid().unwrap().to_string(), logged(process.log(), "near"), logged(process.log(), "far")];
    (process, pids)
}

#[tokio::test]
async fn a_process_that_ends_says_how_and_its_log_is_kept_from_others() {
    let folder = tempfile::tempdir().unwrap();
    let process = shell(&folder, "echo out; echo err >&2; exit 3");
    assert_eq!(process.state(), State::NotStarted);
    process.start().await.unwrap();
    let exit = process.exited().await.unwrap();
    assert_eq!(exit.status.unwrap().code(), Some(3));
    assert_eq!(process.state(), State::Exited(exit));
    assert_eq!(std::fs::read_to_string(process.log()).unwrap(), "out\nerr\n");
    assert_eq!(process.log().metadata().unwrap().permissions().mode() & 0o027, 0);
}

#[tokio::test]
async fn a_server_gets_none_of_our_environment_but_the_little_it_needs() {
    let folder = tempfile::tempdir().unwrap();
    let launch = Launch::new("env", "/usr/bin/env", folder.path()).secret_env("GIVEN", Secret::new("value"));
    let process = Process::new(launch);
    process.start().await.unwrap();
    process.exited().await.unwrap();
    let log = std::fs::read_to_string(process.log()).unwrap();
    let mut names: Vec<&str> = log.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    names.retain(|name| !["PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ"].contains(name));
    names.sort_unstable();
    assert_eq!(names, ["GIVEN", "LEASEPROOF_PROCESS"]);
}

#[test]
fn a_launch_prints_no_value_of_its_environment() {
    let launch = Launch::new("x", "/bin/true", "/tmp").secret_env("TOKEN", Secret::new("hunter2-hunter2"));
    assert!(!format!("{launch:?}").contains("hunter2"));
}

#[tokio::test]
async fn a_pause_stops_every_descendant_and_a_resume_lets_every_one_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let (process, pids) = tree(&folder).await;
    process.pause().await.unwrap();
    assert_eq!(process.state(), State::Paused);
    assert_eq!(pids.each_ref().map(|pid| state_of(pid)), [Some('T'); 3]);
    process.resume().await.unwrap();
    assert_eq!(process.state(), State::Running);
    assert!(pids.iter().all(|pid| state_of(pid).is_some_and(|state| state != 'T')));
    process.kill().await.unwrap();
}

#[tokio::test]
async fn a_kill_returns_when_every_descendant_is_gone_even_when_paused() {
    let folder = tempfile::tempdir().unwrap();
    let (process, pids) = tree(&folder).await;
    process.pause().await.unwrap();
    process.kill().await.unwrap();
    assert!(!pids.iter().any(|pid| lives(pid)));
    assert!(matches!(process.state(), State::Exited(_)));
    process.kill().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_forks_all_the_time_is_paused_and_killed_whole() {
    let folder = tempfile::tempdir().unwrap();
    let process = shell(&folder, "echo ready; while :; do setsid sleep 0.01 & setsid sleep 0.02 & wait; done");
    process.start().await.unwrap();
    logged(process.log(), "ready");
    for _ in 0..5 {
        process.pause().await.unwrap();
        let moving = || {
            let named = native::processes_naming(folder.path().to_str().unwrap());
            named.into_iter().filter(|pid| state_of(pid) != Some('T')).collect::<Vec<_>>()
        };
        assert_eq!(moving(), Vec::<String>::new());
        process.resume().await.unwrap();
    }
    process.kill().await.unwrap();
    assert_eq!(native::processes_naming(folder.path().to_str().unwrap()), Vec::<String>::new());
}

#[tokio::test]
async fn who_lost_its_parent_and_its_environment_is_still_killed() {
    let folder = tempfile::tempdir().unwrap();
    let process =
        shell(&folder, "env -i setsid /bin/sh -c 'echo orphan $$; while :; do sleep 1000; done' & sleep 1000");
    process.start().await.unwrap();
    let orphan = logged(process.log(), "orphan");
    // From outside, so that the family is not looked at while the parent lives.
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.pid().unwrap()), nix::sys::signal::SIGKILL).unwrap();
    process.exited().await.unwrap();
    assert!(lives(&orphan));
    process.kill().await.unwrap();
    assert!(!lives(&orphan));
}

#[tokio::test]
async fn a_stop_asks_first_and_kills_what_does_not_listen() {
    let folder = tempfile::tempdir().unwrap();
    let polite = shell(&folder, "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    polite.start().await.unwrap();
    logged(polite.log(), "ready");
    polite.pause().await.unwrap();
    let Stopped::Politely(exit) = polite.stop(GRACE).await.unwrap() else { panic!("it was not asked") };
    assert_eq!(exit.status.unwrap().code(), Some(7));
    assert_eq!(polite.stop(GRACE).await.unwrap(), Stopped::AlreadyGone);

    let deaf = tempfile::tempdir().unwrap();
    let deaf = shell(&deaf, "trap '' TERM; echo ready; while :; do sleep 0.01; done");
    deaf.start().await.unwrap();
    logged(deaf.log(), "ready");
    assert_eq!(deaf.stop(Duration::from_millis(50)).await.unwrap(), Stopped::Killed);
}

#[tokio::test]
async fn a_killed_process_starts_again_with_the_same_log_and_not_twice() {
    let folder = tempfile::tempdir().unwrap();
    let process = shell(&folder, "echo pid $$; exec sleep 1000");
    process.start().await.unwrap();
    let first = logged(process.log(), "pid");
    assert!(matches!(process.start().await, Err(ProcessError::AlreadyRunning { .. })));
    process.kill().await.unwrap();
    process.start().await.unwrap();
    wait_for("a second start", || (logged(process.log(), "pid") != first).then_some(()));
    assert_eq!(logged(process.log(), "pid"), process.pid().unwrap().to_string());
    process.kill().await.unwrap();
}

#[tokio::test]
async fn what_does_not_run_cannot_be_paused() {
    let folder = tempfile::tempdir().unwrap();
    let process = shell(&folder, "exit 0");
    assert!(matches!(process.pause().await, Err(ProcessError::NotRunning { .. })));
    process.start().await.unwrap();
    process.exited().await.unwrap();
    assert!(matches!(process.pause().await, Err(ProcessError::NotRunning { .. })));
    assert!(matches!(process.resume().await, Err(ProcessError::NotRunning { .. })));
}

#[tokio::test]
async fn a_dropped_process_leaves_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (process, pids) = tree(&folder).await;
    drop(process);
    wait_for("the end of all", || (!pids.iter().any(|pid| lives(pid))).then_some(()));
}

#[test]
fn a_server_outlives_the_runtime_and_the_thread_that_started_it() {
    let folder = tempfile::tempdir().unwrap();
    let start = || async {
        let process = shell(&folder, "echo ready; exec sleep 1000");
        process.start().await.unwrap();
        logged(process.log(), "ready");
        process
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let process = std::thread::scope(|scope| scope.spawn(|| runtime().block_on(start())).join().unwrap());
    // The death signal, were it sent, has been sent by now: the thread is joined.
    assert_eq!(process.state(), State::Running);
    runtime().block_on(process.kill()).unwrap();
}

#[tokio::test]
async fn a_program_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::new(Launch::new("vault", "/no/such/bao", folder.path()));
    let error = process.start().await.unwrap_err().to_string();
    assert!(error.contains("cannot start vault (/no/such/bao)") && error.contains("does not exist"), "{error}");
    assert_eq!(process.state(), State::NotStarted);
}

#[tokio::test]
async fn a_program_that_another_user_cannot_reach_says_where_the_way_ends() {
    let Some(nobody) = leaseproof_harness::provider::native::user::User::unprivileged() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let program = folder.path().join("true");
    std::fs::copy("/bin/true", &program).unwrap();
    let process = Process::new(
        Launch::new("postgres", &program, Path::new("/tmp")).run_as(Some(nobody)).log_to(folder.path().join("log")),
    );
    let error = process.start().await.unwrap_err().to_string();
    assert!(error.contains("as nobody") && error.contains("may not pass"), "{error}");
}
