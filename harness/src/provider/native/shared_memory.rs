//! System V shared memory that a killed PostgreSQL leaves: one small segment each, out of the few thousand that a whole
//! machine has, and no end of any process gives it back.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// In a data folder: what the server that runs there holds. It stays there when the server is killed, and goes with the
/// segment when it ends in good order.
const PID_FILE: &str = "postmaster.pid";
/// Which of its lines names the segment, by key and number.
const SEGMENT_LINE: usize = 6;
/// How deep below a run's folder a data folder lies: scenario, server, data.
const DEPTH: usize = 3;

/// A segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    key: i64,
    id: i64,
}

/// Gives back the segments of the PostgreSQL servers whose data lies in this folder. To be called when they are dead:
/// one that somebody still uses is left alone.
pub(super) fn release_below(folder: &Path) {
    let mut held = Vec::new();
    collect(folder, DEPTH, &mut held);
    if held.is_empty() {
        return;
    }
    let unused = unused();
    let mut ipcrm = Command::new("ipcrm");
    for segment in held.iter().filter(|segment| unused.contains(segment)) {
        ipcrm.arg("--shmem-id").arg(segment.id.to_string());
    }
    if ipcrm.get_args().len() > 0 {
        // The next start in this folder, if any, would give them back as well; there is nobody to tell.
        let _ = ipcrm.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn collect(folder: &Path, depth: usize, held: &mut Vec<Segment>) {
    if let Some(segment) = fs::read_to_string(folder.join(PID_FILE)).ok().as_deref().and_then(of_pid_file) {
        held.push(segment);
        return;
    }
    if depth == 0 {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&entry.path(), depth - 1, held);
        }
    }
}

fn of_pid_file(text: &str) -> Option<Segment> {
    let mut words = text.lines().nth(SEGMENT_LINE)?.split_whitespace();
    Some(Segment { key: words.next()?.parse().ok()?, id: words.next()?.parse().ok()? })
}

/// The segments of this machine that no process has attached.
fn unused() -> Vec<Segment> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    table.lines().skip(1).filter_map(unused_of_row).collect()
}

fn unused_of_row(row: &str) -> Option<Segment> {
    let columns: Vec<i64> = row.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    // key shmid perms size cpid lpid nattch …
    match columns[..] {
        [key, id, _, _, _, _, 0, ..] => Some(Segment { key, id }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pid_file_names_its_segment() {
        let text = "1908\n/tmp/data\n1795261997\n40321\n/tmp\n127.0.0.1\n 11067402    262144\nready   \n";
        assert_eq!(of_pid_file(text), Some(Segment { key: 11_067_402, id: 262_144 }));
        assert_eq!(of_pid_file("1908\n/tmp/data\n"), None);
    }

    #[test]
    fn only_a_segment_that_nobody_has_attached_is_unused() {
        let row = |attached: u8| format!(" 11067402 262144 600 56 1908 1956 {attached} 65534 65534 0 0 0 0 0 4096 0");
        assert_eq!(unused_of_row(&row(0)), Some(Segment { key: 11_067_402, id: 262_144 }));
        assert_eq!(unused_of_row(&row(1)), None);
        assert_eq!(unused_of_row("key shmid perms"), None);
    }
}
