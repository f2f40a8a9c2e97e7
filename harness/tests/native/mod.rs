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

/// The folder of PostgreSQL's programs on this machine, or `None` with a word about it.
pub fn postgres() -> Option<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists())
        .collect();
    folders.sort();
    folders.pop()
}
