//! A disk that is full when the reports are to be written: the verdict is told all the same, the record is saved where there is
//! room, and the exit code says that the environment broke. The disk is a tmpfs in a mount namespace that goes with the run.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Mounts a small disk, leaves so many bytes of it free, and runs the rest of the words with it as working folder.
const ON_SMALL_DISK: &str = r#"set -e
mount -t tmpfs -o size=1m leaseproof "$1"
head -c $((1048576 - $2)) /dev/zero > "$1/filler"
cp "$3" "$1/scenario.yaml"; cd "$1"; shift 3; "$@" && code=0 || code=$?
rm filler; mkdir -p "$OUT"; cp -r reports "$OUT/" 2>/dev/null || true
exit "$code""#;

const SCENARIO: &str = "\
name: A server answers
stack: { vault: {} }
steps:
  - api: { path: sys/seal-status, answers: { status: STATUS } }
";

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    /// Runs a scenario that expects this status, with so many bytes left on the disk of its reports.
    fn run(&self, status: u16, left: usize) -> Option<Output> {
        let scenario = self.path("scenario.yaml");
        std::fs::write(&scenario, SCENARIO.replace("STATUS", &status.to_string())).unwrap();
        for folder in ["disk", "tmp"] {
            std::fs::create_dir_all(self.path(folder)).unwrap();
        }
        if !can_mount() {
            let why = "NOT TESTED: a full disk: this user can have no mount namespace";
            assert!(std::env::var_os("LEASEPROOF_REQUIRE_ALL").is_none(), "{why}");
            let _ = writeln!(std::io::stderr(), "!! {why}");
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(namespaces()).args(["sh", "-c", ON_SMALL_DISK, "sh"]);
        unshare.arg(self.path("disk")).arg(left.to_string()).arg(&scenario);
        unshare.arg(env!("CARGO_BIN_EXE_leaseproof")).args(["run", "scenario.yaml", "--provider", "native"]);
        unshare.args(["--report-dir", "reports"]);
        unshare.env("LEASEPROOF_HOME", self.path("home")).env("OUT", self.path("out")).env("TMPDIR", self.path("tmp"));
        Some(unshare.stdin(Stdio::null()).output().unwrap())
    }

    /// The records that were saved elsewhere.
    fn rescued(&self) -> Vec<std::path::PathBuf> {
        let below = std::fs::read_dir(self.path("tmp")).unwrap().map(|entry| entry.unwrap().path());
        below.map(|folder| folder.join("record.json")).filter(|record| record.is_file()).collect()
    }
}

fn namespaces() -> &'static [&'static str] {
    if nix::unistd::Uid::effective().is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] }
}

fn can_mount() -> bool {
    let tried =
        Command::new("unshare").args(namespaces()).args(["mount", "-t", "tmpfs", "leaseproof", "/mnt"]).output();
    tried.is_ok_and(|output| output.status.success())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn render(folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leaseproof")).arg("report").arg(folder).output().unwrap()
}

#[test]
fn reports_that_find_no_room_lose_no_verdict_and_the_record_is_saved_elsewhere() {
    let bench = Bench::new();
    // Room for the plan and the history, and none for a page.
    let Some(output) = bench.run(200, 24 * 1024) else { return };
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(3), "{told}\n{said}");
    assert!(told.contains("held") && told.contains("A server answers"), "{told}\n{said}");
    assert!(said.contains("No space left on device") && said.contains("make room"), "{said}");
    let history = walk(&bench.path("out"), "history.jsonl");
    assert!(history.contains("step_ended"), "what was written stays: {history}");
    let kept = walk(&bench.path("out"), "record.json");
    let rescued = bench.rescued();
    assert!(!kept.is_empty() || rescued.len() == 1, "{said}");
    if let Some(record) = rescued.first() {
        let rendered = render(record.parent().unwrap());
        assert!(rendered.status.success(), "{}", text(&rendered.stderr));
        assert!(said.contains("the record is saved in"), "{said}");
    }
}

#[test]
fn a_broken_promise_stays_broken_though_not_even_its_history_finds_room() {
    let bench = Bench::new();
    let Some(output) = bench.run(418, 8 * 1024) else { return };
    let (told, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{told}\n{said}");
    assert!(told.contains("violated"), "{told}\n{said}");
    assert!(said.contains("No space left on device"), "{told}\n{said}");
    assert_eq!(bench.rescued().len(), 1, "{said}");
}

/// The text of the first file of that name below a folder; empty when there is none.
fn walk(folder: &Path, name: &str) -> String {
    for entry in std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let path = entry.path();
        let found = if path.is_dir() { walk(&path, name) } else { String::new() };
        if !found.is_empty() {
            return found;
        }
        if path.file_name().is_some_and(|file| file == name) {
            return std::fs::read_to_string(&path).unwrap_or_default();
        }
    }
    String::new()
}
