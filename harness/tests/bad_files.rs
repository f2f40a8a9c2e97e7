//! One test per file: every `tests/bad/NAME.yaml` must draw exactly `NAME.stderr`, every `tests/good/*.yaml` must load
//! (its warnings, if any, stand in `NAME.stderr`). `LEASEPROOF_BLESS=1` writes the expected drawings anew.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use leaseproof_harness::scenario::fragment::{Disk, Shelf};
use leaseproof_harness::scenario::{self, Style};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (folder, is_bad) in [("bad", true), ("good", false)] {
        let files = scenarios(&folder_of(folder));
        assert!(!files.is_empty(), "tests/{folder} holds no scenario: the tests are not where they should be");
        trials.extend(files.into_iter().map(|file| {
            let name = format!("{folder}/{}", file.file_name().unwrap_or_default().to_string_lossy());
            Trial::test(name.clone(), move || check(&name, &file, is_bad))
        }));
        trials.push(Trial::test(format!("every drawing in {folder} has its scenario"), move || orphans(folder)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn folder_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests").join(name)
}

fn scenarios(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
}

/// Fragments are named as the scenarios are, and lie where these tests find those.
struct Tests;

impl Shelf for Tests {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Disk.read(&folder_of("").join(path))
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        Disk.names(&folder_of("").join(folder))
    }
}

fn orphans(folder: &str) -> Result<(), Failed> {
    for entry in fs::read_dir(folder_of(folder))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "stderr") && !path.with_extension("yaml").exists() {
            return Err(format!("{} has no scenario beside it: remove it", path.display()).into());
        }
    }
    Ok(())
}

fn check(name: &str, file: &Path, is_bad: bool) -> Result<(), Failed> {
    let loaded = scenario::load_with(Path::new(name), &fs::read(file)?, &Tests);
    if is_bad && !loaded.has_errors() {
        return Err("loads without an error, and stands among the bad files".into());
    }
    let mut drawn = loaded.render(Style::Plain);
    if !drawn.is_empty() {
        drawn.push('\n');
    }
    if loaded.has_errors() != loaded.scenario.is_none() {
        return Err("a scenario must be there exactly when there is no error".into());
    }
    if !is_bad && loaded.has_errors() {
        return Err(format!("must load, and does not:\n{drawn}").into());
    }
    compare(&file.with_extension("stderr"), &drawn)
}

fn compare(path: &Path, drawn: &str) -> Result<(), Failed> {
    if std::env::var_os("LEASEPROOF_BLESS").is_some() {
        if drawn.is_empty() {
            // Absent already, for most.
            let _ = fs::remove_file(path);
        } else {
            fs::write(path, drawn)?;
        }
        return Ok(());
    }
    let expected = if path.exists() { fs::read_to_string(path)? } else { String::new() };
    if expected == drawn {
        return Ok(());
    }
    let mut message = String::new();
    write!(message, "expected:\n{expected}\ndrawn:\n{drawn}\nIf this is right, bless it: LEASEPROOF_BLESS=1")?;
    Err(message.into())
}
