//! The list of processes a run owns, kept in its folder so that a later run can find what a killed one left.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::family::{Family, Identity};

/// The variable that every process of a run carries: the run's folder. It covers the moment between a process's birth
/// and its line in the list.
pub const RUN_MARKER: &str = "LEASEPROOF_RUN";

const FILE: &str = "owned.jsonl";

/// A line of the list.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// Written before the fork: how to recognise what may come of it.
    Starting { name: String, program: PathBuf },
    /// Written right after it.
    Started { name: String, program: PathBuf, process: Identity, boot: String },
}

/// A share in a run's list of processes: whatever is started with it is found and killed when the run ends, or by a
/// later sweep when the run could not end. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Owner(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    lines: File,
}

impl Owner {
    /// Starts the list in a run's folder.
    pub(super) fn create(folder: &Path) -> io::Result<Self> {
        let lines = OpenOptions::new().append(true).create(true).mode(0o600).open(folder.join(FILE))?;
        Ok(Self(Arc::new(Shared { folder: folder.into(), lines })))
    }

    /// The marker's value.
    pub(super) fn run_folder(&self) -> &Path {
        &self.0.folder
    }

    pub(super) fn starting(&self, name: &str, program: &Path) -> io::Result<()> {
        self.write(&Line::Starting { name: name.into(), program: program.into() })
    }

    pub(super) fn started(&self, name: &str, program: &Path, process: Identity) -> io::Result<()> {
        self.write(&Line::Started { name: name.into(), program: program.into(), process, boot: boot() })
    }

    fn write(&self, line: &Line) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        // One write per line, so that lines of several threads do not mix and a kill leaves at most the last one torn.
        (&self.0.lines).write_all(&text)
    }
}

/// Everyone who belongs to the run of this folder.
pub(super) fn family(folder: &Path) -> Family {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.into());
    let mut family = Family { markers: vec![marker(&folder)], folder: folder.clone(), ..Family::default() };
    let text = fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    let now = boot();
    // A torn last line is no line: its process carries the marker.
    for line in text.lines().filter_map(|line| serde_json::from_str(line).ok()) {
        match line {
            Line::Starting { program, .. } => drop(family.programs.insert(program)),
            Line::Started { program, process, boot, .. } => {
                family.programs.insert(program);
                // Numbers and ticks mean nothing after a reboot.
                if boot == now {
                    family.known.insert(process);
                }
            }
        }
    }
    family
}

/// The environment entry that marks a process as the run's.
pub(super) fn marker(run_folder: &Path) -> String {
    format!("{RUN_MARKER}={}", run_folder.display())
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_a_torn_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::create(folder.path()).unwrap();
        let process = Identity { pid: 4_000_000, started: 77 };
        owner.starting("vault", Path::new("/bin/bao")).unwrap();
        owner.started("vault", Path::new("/bin/bao"), process).unwrap();
        (&owner.0.lines).write_all(b"{\"started\":{\"name\":\"to").unwrap();
        let family = family(folder.path());
        assert_eq!(family.known.into_iter().collect::<Vec<_>>(), [process]);
        assert_eq!(family.programs.into_iter().collect::<Vec<_>>(), [Path::new("/bin/bao")]);
    }

    #[test]
    fn a_process_of_an_earlier_boot_is_not_known() {
        let folder = tempfile::tempdir().unwrap();
        let line = Line::Started {
            name: "vault".into(),
            program: "/bin/bao".into(),
            process: Identity { pid: 4_000_000, started: 77 },
            boot: "another".into(),
        };
        fs::write(folder.path().join(FILE), serde_json::to_string(&line).unwrap()).unwrap();
        assert!(family(folder.path()).known.is_empty());
    }
}
