//! `leaseproof soak`: runs scenarios on healthy servers while the machine is loaded and leaseproof itself is stopped again
//! and again, and counts who was accused. The run is a process of its own, so that it can be stopped like any other.

mod load;
mod quota;
mod tally;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use leaseproof_harness::provider::native::estate::HOME_VARIABLE;
use leaseproof_harness::provider::native::launch::Launch;
use leaseproof_harness::provider::native::process::Process;
use leaseproof_harness::report::record::{Record, ScenarioResult};
use leaseproof_harness::suite::Exit;
use nix::sys::signal::Signal;

use crate::args::Soak;
use crate::command::run::Signals;
use crate::exit::{self, Failure};
use crate::files::{Files, counted};
use crate::out;
use load::Loads;
use tally::Tally;

/// How often an inconclusive scenario is run once more.
const RETRIES: u32 = 2;
/// Between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(15);
/// How long a run that is stopped may take to heal its faults and take its servers down.
const GRACE: Duration = Duration::from_secs(90);
/// What a run writes its record into, in a folder of its own.
const RECORD: &str = "record.json";

pub(super) async fn run(args: Soak) -> Result<Exit, Failure> {
    let files = Files::read(&args.paths, &args.filter)?;
    files.draw();
    let paths: Vec<PathBuf> = files.valid()?.iter().map(|scenario| scenario.path.clone()).collect();
    let folder = make_folder(&args.report_dir).map_err(Failure::environment)?;
    let runs = paths.len() * args.repeat as usize;
    let loads = Loads::start(&args.load).map_err(Failure::environment)?;
    out::line(&format_args!(
        "{} under {loads}; everything is written to {}",
        counted(runs, "scenario run"),
        folder.display()
    ))?;
    let mut signals = Signals::listen().map_err(Failure::environment)?;
    let mut tally = Tally::default();
    let mut again = paths;
    for round in 0..=RETRIES {
        let repeat = if round == 0 { args.repeat } else { 1 };
        let place = folder.join(format!("round-{round}"));
        let child = child(&args, &again, repeat, &place, loads.home())?;
        let Some(record) = attend(&child, &loads, &mut signals, &place).await? else { return Ok(Exit::Interrupted) };
        again = tally.add(round, &record);
        if again.is_empty() {
            break;
        }
    }
    let ended = loads.stop();
    out::text(&tally.text(&ended))?;
    let exit = tally.exit();
    out::line(&format_args!("{} (exit code {})", exit::word(exit), exit::number(exit)))?;
    Ok(exit)
}

/// The run, as a process that is yet to be started.
fn child(args: &Soak, paths: &[PathBuf], repeat: u32, place: &Path, home: Option<&Path>) -> Result<Process, Failure> {
    fs::create_dir_all(place).map_err(Failure::environment)?;
    let program = std::env::current_exe().map_err(Failure::environment)?;
    let here = std::env::current_dir().map_err(Failure::environment)?;
    let mut words: Vec<OsString> = vec!["run".into()];
    words.extend(paths.iter().map(|path| here.join(path).into_os_string()));
    let mut option = |name: &str, value: OsString| words.extend([name.into(), value]);
    option("--repeat", repeat.to_string().into());
    option("--jobs", args.jobs.to_string().into());
    option("--format", "json".into());
    option("--report-dir", here.join(place).into());
    for (name, value) in args.servers.options() {
        // The run has a working folder of its own.
        let value = if name.contains("bin") { here.join(value).into_os_string() } else { value.into() };
        option(&format!("--{name}"), value);
    }
    if let Some(seed) = args.seed {
        option("--seed", seed.to_string().into());
    }
    let mut launch = Launch::new("soak", program, place)
        .args(words)
        .log_to(place.join("run.log"))
        // It takes its servers with it, and so must have the time to.
        .on_harness_death(Signal::SIGTERM)
        .polite_signal(Signal::SIGINT);
    // A server's environment is empty; a run needs to know where its home and its cache are.
    for (name, value) in std::env::vars() {
        launch = launch.env(name, value);
    }
    if let (Some(home), Err(_)) = (home, std::env::var(HOME_VARIABLE)) {
        launch = launch.env(HOME_VARIABLE, home.display().to_string());
    }
    Ok(Process::new(launch))
}

/// Waits for the end of the run while it is disturbed, and tells how far it is. `None` when somebody stopped it.
async fn attend(
    child: &Process,
    loads: &Loads,
    signals: &mut Signals,
    place: &Path,
) -> Result<Option<Record>, Failure> {
    child.start().await.map_err(Failure::environment)?;
    let pid = child.pid().ok_or_else(|| Failure::environment(anyhow::anyhow!("the run ended at once")))?;
    loads.limit(pid).map_err(Failure::environment)?;
    let began = Instant::now();
    loop {
        tokio::select! {
            ended = child.exited() => {
                ended.map_err(Failure::environment)?;
                break;
            }
            () = loads.stall(pid) => {}
            () = signals.next() => {
                out::tell(&"stopping the run");
                load::let_go(pid);
                child.stop(GRACE).await.map_err(Failure::environment)?;
                return Ok(None);
            }
            () = tokio::time::sleep_until((began + PROGRESS * (1 + elapsed(began))).into()) => {
                out::line(&tally::progress(child.log()))?;
            }
        }
    }
    read_record(place).map(Some).map_err(|error| {
        Failure::environment(error.context(format!("the run has left no record; see {}", child.log().display())))
    })
}

/// How many times of progress have passed.
fn elapsed(began: Instant) -> u32 {
    u32::try_from(began.elapsed().as_secs() / PROGRESS.as_secs()).unwrap_or(u32::MAX)
}

fn read_record(place: &Path) -> anyhow::Result<Record> {
    let mut records = Vec::new();
    for entry in fs::read_dir(place)? {
        let path = entry?.path().join(RECORD);
        if path.is_file() {
            records.push(path);
        }
    }
    let [path] = records.as_slice() else { anyhow::bail!("{} holds {} records", place.display(), records.len()) };
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// A folder of its own below the report folder.
fn make_folder(reports: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(reports)?;
    for number in 1_u32.. {
        let folder = reports.join(format!("soak-{number:03}"));
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => return made.map(|()| folder),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether a result says that a healthy server broke a promise.
fn accuses(result: ScenarioResult) -> bool {
    result == ScenarioResult::Violated
}
