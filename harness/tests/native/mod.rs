//! What the tests of native processes share: looking at /proc and at logs from outside.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests, in a module that each test file has to itself"
)]

pub mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::fetch::Fetcher;
use leaseproof_harness::provider::native::find::Places;

/// How long a test waits for what must happen before it fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Waits until the look gives something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not happen in {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for a whole line `<word> <value>` in the log and gives the value.
pub fn logged(log: &Path, word: &str) -> String {
    wait_for(&format!("a line with {word}"), || {
        let text = fs::read_to_string(log).ok()?;
        let (whole_lines, _) = text.rsplit_once('\n')?;
        let line = whole_lines.lines().rev().find_map(|line| line.strip_prefix(word))?;
        Some(line.trim().to_owned())
    })
}

/// The state letter of a process, or `None` when it is gone.
pub fn state_of(pid: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim().chars().next()
}

/// Whether it runs or is stopped, and is no zombie.
pub fn lives(pid: &str) -> bool {
    state_of(pid).is_some_and(|state| state != 'Z')
}

/// Living processes whose environment, folder or command line names this text.
pub fn processes_naming(text: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    pids.filter(|pid| pid.chars().all(|digit| digit.is_ascii_digit()) && *pid != own && lives(pid))
        .filter(|pid| {
            let holds = |file| {
                let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                String::from_utf8_lossy(&bytes).contains(text)
            };
            let cwd = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            holds("environ") || holds("cmdline") || cwd.to_string_lossy().contains(text)
        })
        .collect()
}

/// The folder of PostgreSQL's programs: this machine's, or fetched as a run fetches it.
pub fn postgres() -> PathBuf {
    let provide = || async {
        let fetcher = Fetcher::new(Places::here(Cache::usual().unwrap()));
        let found = fetcher.provide(&"postgres".parse().unwrap(), None, &|_| {}).await.unwrap();
        found.program.parent().unwrap().to_owned()
    };
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // A thread of its own: some callers are within a runtime, where another cannot wait.
    std::thread::spawn(move || runtime().block_on(provide())).join().unwrap()
}
