//! `leaseproof run`: runs scenarios on real servers and says what came of them.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;

use leaseproof_harness::provider::native::fetch::FetchError;
use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::report::record::Record;
use leaseproof_harness::report::{self, HTML_FILE, ReportError, text};
use leaseproof_harness::scenario::{Scenario, Tags};
use leaseproof_harness::suite::{self, Exit, Order, Settings, SuiteError};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::args::{Format, Proxy, Run};
use crate::console::{self, Console, github};
use crate::exit::{self, Failure};
use crate::files::Files;
use crate::out;

pub(super) async fn run(args: Run) -> Result<Exit, Failure> {
    once(args, CancellationToken::new()).await
}

/// Runs what is asked for; `stop`, or a signal, ends it early.
pub(super) async fn once(args: Run, stop: CancellationToken) -> Result<Exit, Failure> {
    let files = Files::read(&args.paths, &args.filter)?;
    files.draw();
    let (asked, left_out): (Vec<_>, Vec<_>) =
        files.valid()?.into_iter().partition(|scenario| asks_for(&args, scenario));
    for scenario in &left_out {
        let (path, tags) = (scenario.path.display(), scenario.tag_words());
        out::tell(&format_args!("left out: {path} (tagged {tags}; name its file, or say --all-tags, to run it)"));
    }
    if asked.is_empty() {
        // A run of nothing has shown nothing.
        let why = "every scenario is left out for its tags; ask for them with --tag or --all-tags";
        return Err(Failure::usage(anyhow::anyhow!(why)));
    }
    let scenarios = part_of(&args, asked);
    if scenarios.is_empty() {
        out::line(&"this shard has no scenario: there are fewer than shards")?;
        return Ok(Exit::Held);
    }
    let (format, require_all, reports) = (args.format, args.require_all, args.report_dir.clone());
    let order = order(args, scenarios);
    let servers = order.settings.vaults.len() * order.settings.providers.len();
    let expected = order.scenarios.len() * servers * order.repeat as usize;
    let console = Console::new(format);
    console.say(&format_args!("seed {}", order.settings.seed));
    let listening = stop_on_signals(stop.clone(), console.clone()).map_err(Failure::environment)?;
    let ended = suite::run(order, console::listener(&console), stop.clone()).await;
    listening.abort();
    console.close();
    let (record, unwritten) = match ended {
        Ok(record) => (record, None),
        Err(SuiteError::Unwritten { record, source }) => (*record, Some(source)),
        Err(error) if stop.is_cancelled() => return Err(Failure::Told(Exit::Interrupted, error.into())),
        Err(error) => return Err(failure(error)),
    };
    // What had not begun when the run was stopped stands in no record.
    let is_whole = record.scenarios.len() >= expected;
    let exit = match Exit::of(&record, require_all) {
        Exit::Violated => Exit::Violated,
        exit if is_whole => exit,
        _ => Exit::Interrupted,
    };
    // A run that held and cannot show it is a failure of the environment; what is worse stays what it is.
    let exit = match exit {
        Exit::Violated | Exit::Interrupted => exit,
        _ if unwritten.is_some() => Exit::Environment,
        _ => exit,
    };
    let folder = reports.join(&record.run);
    tell_end(&record, &folder, expected, exit, format)?;
    if github::is_here() {
        tell_github(&record, format)?;
    }
    if let Some(error) = unwritten {
        tell_unwritten(error, &record, &folder);
    }
    Ok(exit)
}

/// Says which reports are missing, and saves the record where there is room for it.
fn tell_unwritten(error: ReportError, record: &Record, folder: &Path) {
    exit::say(
        &anyhow::Error::new(error).context("what came of the run stands above, and not all of it is written down"),
    );
    if report::read(folder).is_ok_and(|kept| kept == *record) {
        let again = suite::quoted(&folder.display().to_string());
        return out::tell(&format_args!(
            "the record is whole; `leaseproof report {again}` writes the rest once there is room"
        ));
    }
    match report::rescue(record) {
        Ok(folder) => {
            let again = suite::quoted(&folder.display().to_string());
            out::tell(&format_args!(
                "the record is saved in {again} instead: `leaseproof report {again}` writes the rest"
            ));
        }
        Err(error) => exit::say(&anyhow::Error::new(error).context("the record cannot be saved elsewhere either")),
    }
}

/// Whether a scenario's tags are asked for, or its very file.
fn asks_for(args: &Run, scenario: &Scenario) -> bool {
    let tags = if args.all_tags { Tags::All } else { Tags::These(args.tag.iter().cloned().collect()) };
    tags.ask_for(scenario) || args.paths.contains(&scenario.path)
}

fn part_of(args: &Run, scenarios: Vec<Arc<Scenario>>) -> Vec<Arc<Scenario>> {
    match args.shard {
        Some(shard) => shard.take(scenarios),
        None => scenarios,
    }
}

fn order(args: Run, scenarios: Vec<Arc<Scenario>>) -> Order {
    let command = command(&args);
    let servers = args.servers;
    let vaults = match servers.vault_bin {
        Some(program) => vec![Part::VaultBinary(program)],
        None => servers.vault,
    };
    let mut providers: Vec<Choice> = servers.provider.into_iter().map(Choice::from).collect();
    providers.dedup();
    let settings = Settings {
        providers,
        images: servers.image.into_iter().collect(),
        vaults,
        postgres: servers.databases.postgres,
        postgres_bin: servers.databases.postgres_bin_dir,
        mysql: scenarios.iter().any(|scenario| scenario.stack.mysql.is_some()).then_some(servers.databases.mysql),
        toxiproxy: (servers.proxy == Proxy::Toxiproxy).then(Part::toxiproxy),
        // 53 bits: every reader of JSON keeps them.
        seed: args.seed.unwrap_or_else(|| rand::random::<u64>() >> 11),
        keep: args.keep,
        reports: args.report_dir,
        command,
    };
    Order { scenarios, jobs: args.jobs, repeat: args.repeat, settings }
}

/// The command that runs the same again, without its seed: everything that decides what runs, and nothing of how it is
/// shown.
fn command(args: &Run) -> String {
    let mut words = vec!["leaseproof".to_owned(), "run".to_owned()];
    words.extend(args.paths.iter().map(|path| path.display().to_string()));
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    for filter in &args.filter {
        option("filter", filter.clone());
    }
    for tag in &args.tag {
        option("tag", tag.clone());
    }
    for (name, value) in args.servers.options() {
        option(name, value);
    }
    if args.repeat > 1 {
        option("repeat", args.repeat.to_string());
    }
    if let Some(shard) = args.shard {
        option("shard", shard.to_string());
    }
    if args.all_tags {
        words.push("--all-tags".to_owned());
    }
    words.iter().map(|word| suite::quoted(word)).collect::<Vec<_>>().join(" ")
}

pub(super) fn failure(error: SuiteError) -> Failure {
    match error {
        // A program named on the command line is a matter of the command line.
        SuiteError::Fetch(FetchError::Given(error)) => Failure::usage(error),
        error => Failure::environment(error),
    }
}

fn tell_end(record: &Record, folder: &Path, expected: usize, exit: Exit, format: Format) -> Result<(), Failure> {
    let told = match format {
        Format::Json => out::line(&console::summary(record, folder, exit)),
        Format::Text => out::text(&end(record, folder, expected, exit)),
    };
    // The run and its reports are whole though nobody reads this: the exit code stays what it is.
    told.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error.into()) })
}

/// Remarks at the lines of the scenarios, and the summary on the job's page.
fn tell_github(record: &Record, format: Format) -> Result<(), Failure> {
    for remark in github::remarks(record) {
        match format {
            // Its runner reads both streams, a reader of JSON lines only one.
            Format::Json => out::tell(&remark),
            Format::Text => out::line(&remark)?,
        }
    }
    if let Err(error) = github::add_summary(record) {
        out::tell(&format_args!("warning: the summary is not on the job's page: {error}"));
    }
    Ok(())
}

fn end(record: &Record, folder: &Path, expected: usize, exit: Exit) -> String {
    let mut end = format!("\n{}", text::end(record, folder, out::style(), out::columns()));
    if record.scenarios.len() < expected {
        let _ = writeln!(end, "{} of {expected} runs had not begun", expected - record.scenarios.len());
    }
    let page = folder.join(HTML_FILE);
    if page.is_file() {
        let _ = writeln!(end, "reports: {}", page.display());
    }
    let _ = writeln!(end, "{} (exit code {})", exit::word(exit), exit::number(exit));
    end
}

/// The first signal stops the run in good order, the second at once.
pub(super) fn stop_on_signals(stop: CancellationToken, console: Arc<Console>) -> io::Result<JoinHandle<()>> {
    let mut signals = Signals::listen()?;
    Ok(tokio::spawn(async move {
        signals.next().await;
        console.tell(&"stopping: healing faults and taking servers down; press Ctrl-C again to leave at once");
        stop.cancel();
        signals.next().await;
        console.close();
        #[expect(clippy::exit, reason = "asked to leave at once; the servers die with us by the parent-death signal")]
        std::process::exit(i32::from(exit::number(Exit::Interrupted)));
    }))
}

/// The signals by which a person, a build server or a closing terminal asks for the end.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn parsed(line: &str) -> Run {
        match Args::try_parse_from(line.split(' ')).unwrap().command {
            Command::Run(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_of_a_run_asks_for_the_same_when_it_is_given_again() {
        let line = "leaseproof run a b.yaml --filter x --vault openbao:2.7.2 --vault vault --postgres postgres:16 --mysql mysql --provider docker --proxy toxiproxy --repeat 3 --shard 1/2";
        assert_eq!(command(&parsed(line)), line);
        assert_eq!(
            command(&parsed(&command(&parsed("leaseproof run --jobs 2 --keep")))),
            command(&parsed("leaseproof run"))
        );
    }

    #[test]
    fn a_word_that_a_shell_would_change_is_quoted() {
        assert_eq!(suite::quoted("scenarios/a.yaml"), "scenarios/a.yaml");
        assert_eq!(suite::quoted("it's here"), r"'it'\''s here'");
        assert_eq!(suite::quoted(""), "''");
    }

    #[test]
    fn a_program_that_is_given_takes_the_place_of_named_servers() {
        let order = order(parsed("leaseproof run --vault openbao:2.6.1 --vault-bin ./bao"), Vec::new());
        assert_eq!(order.settings.vaults, [Part::VaultBinary("./bao".into())]);
    }

    #[test]
    fn a_seed_that_is_given_is_the_seed() {
        assert_eq!(order(parsed("leaseproof run --seed 7"), Vec::new()).settings.seed, 7);
        assert!(order(parsed("leaseproof run"), Vec::new()).settings.seed < 1 << 53);
    }
}
