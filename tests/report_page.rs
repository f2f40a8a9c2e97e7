//! report.html in a real headless Chromium: the checks of tests/browser, each a test here, on the report of a real run, on
//! one full of markup, and on one of 200 scenarios and 100,000 events. Where there is no browser they are ignored, and
//! say why; LEASEPROOF_REQUIRE_BROWSER=1 makes that a failure. LEASEPROOF_BLESS=1 takes the documentation's pictures anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "browser/page.rs"]
mod page;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use serde_json::Value;

/// What each check came to: nothing, or what was wrong.
type Results = Result<HashMap<String, Option<String>>, String>;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match checks() {
        Ok(names) => trials(names, only(&arguments)),
        Err(why) => vec![Trial::ignorable_test("report.html in a headless Chromium", move || lacking(&why))],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The one check that is asked for, where one is: a runner that gives each test a process, as nextest does, would otherwise
/// make all checks in each of them.
fn only(arguments: &Arguments) -> Option<String> {
    arguments.exact.then(|| arguments.filter.clone()).flatten()
}

/// One test for each check. They share one browser, which the first of them to run starts.
fn trials(names: Vec<String>, only: Option<String>) -> Vec<Trial> {
    let results: Arc<OnceLock<Results>> = Arc::default();
    let only = only.map(Arc::from);
    let trial = |name: String| {
        let (results, only): (_, Option<Arc<str>>) = (Arc::clone(&results), only.clone());
        Trial::test(name.clone(), move || match results.get_or_init(|| run(only.as_deref())) {
            Err(why) => Err(Failed::from(why)),
            Ok(results) => match results.get(&name) {
                Some(None) => Ok(()),
                Some(Some(error)) => Err(Failed::from(error)),
                None => Err(Failed::from("the browser ended before this check")),
            },
        })
    };
    let mut trials: Vec<Trial> = names.into_iter().map(trial).collect();
    if std::env::var_os("LEASEPROOF_BLESS").is_some() {
        trials.push(Trial::test("the pictures of the documentation are taken", || pictures().map_err(Failed::from)));
    }
    trials
}

fn lacking(why: &str) -> Result<Completion, Failed> {
    let why = format!("not tested: {why}");
    if std::env::var("LEASEPROOF_REQUIRE_BROWSER").as_deref() == Ok("1") {
        return Err(Failed::from(why));
    }
    Ok(Completion::ignored_with(why))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

fn node(arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new("node");
    command.args(arguments).current_dir(folder()).stdin(Stdio::null());
    command
}

/// The names of the checks, or what is missing to make them.
fn checks() -> Result<Vec<String>, String> {
    if !folder().join("node_modules/puppeteer-core").is_dir() {
        return Err("the browser's driver is not installed: run `npm ci` in tests/browser".to_owned());
    }
    let listed = node(&["run.js".as_ref(), "--list".as_ref()]).output();
    let listed = listed.map_err(|error| format!("node cannot be started ({error}): install the package `nodejs`"))?;
    if !listed.status.success() {
        return Err(String::from_utf8_lossy(&listed.stderr).into_owned());
    }
    Ok(told(&listed.stdout).map(|(name, _)| name).collect())
}

/// The lines of run.js: a name, and what was wrong.
fn told(output: &[u8]) -> impl Iterator<Item = (String, Option<String>)> {
    let lines: Vec<Value> =
        output.split(|byte| *byte == b'\n').filter_map(|l| serde_json::from_slice(l).ok()).collect();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    lines.into_iter().filter_map(move |line| Some((text(&line["name"])?, text(&line["error"]))))
}

/// Makes the reports and looks at them, with one check or all.
fn run(only: Option<&str>) -> Results {
    // Named, the folder is kept, for people to look at.
    let look = std::env::var_os("LEASEPROOF_LOOK").map(PathBuf::from);
    let temporary = tempfile::tempdir().map_err(|error| error.to_string())?;
    let pages = look.as_deref().unwrap_or(temporary.path());
    page::all(pages)?;
    let mut command = node(&["run.js".as_ref(), pages.as_os_str()]);
    let output = command.args(only).output().map_err(|error| error.to_string())?;
    let results = told(&output.stdout).collect();
    if !output.status.success() {
        return Err(format!("the browser could not be used: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(results)
}

fn pictures() -> Result<(), String> {
    let pages = tempfile::tempdir().map_err(|error| error.to_string())?;
    page::real(&pages.path().join("real"))?;
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample/pictures");
    let output = node(&["pictures.js".as_ref(), pages.path().as_os_str(), target.as_os_str()]).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
