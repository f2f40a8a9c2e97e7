//! `leaseproof explore`: random operations under random faults, held against the model of what is documented.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use leaseproof_harness::explore::{self, Done, ExploreError, Order, Tally, Tell};
use leaseproof_harness::model::draw::Bounds;
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::report::HTML_FILE;
use leaseproof_harness::report::record::{Record, ScenarioResult};
use leaseproof_harness::scenario::Dbms;
use leaseproof_harness::suite::{self, Exit, Settings};
use tokio_util::sync::CancellationToken;

use super::run::{failure, stop_on_signals};
use crate::args::{Explore, Faults, Format};
use crate::console::{self, Console};
use crate::exit::{self, Failure};
use crate::out;

/// How many operations are tried when nobody says otherwise.
const STEPS: usize = 200;
/// For how long a difference is made smaller.
const SHRINK_FOR: Duration = Duration::from_secs(300);
/// Between two lines that say how far it is, where none is drawn over.
const PROGRESS: Duration = Duration::from_secs(10);

pub(super) async fn run(args: Explore) -> Result<Exit, Failure> {
    let format = args.format;
    let (order, settings) = order(args);
    let console = Console::new(format);
    console.say(&format_args!("seed {}", order.seed));
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone(), console.clone()).map_err(Failure::environment)?;
    let ended = explore::run(order, settings, listener(&console), tell(&console), stop.clone()).await;
    console.close();
    let done = match ended {
        Ok(done) => done,
        Err(error) if stop.is_cancelled() => return Err(Failure::Told(Exit::Interrupted, error.into())),
        Err(ExploreError::Suite(error)) => return Err(failure(error)),
        Err(error) => return Err(Failure::environment(error)),
    };
    let exit = exit_of(&done.record, stop.is_cancelled());
    let told = match format {
        Format::Json => out::line(&console::summary(&done.record, &done.folder, exit)),
        Format::Text => out::text(&end(&done, exit)),
    };
    // The run and its reports are whole though nobody reads this: the exit code stays what it is.
    told.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    Ok(exit)
}

fn order(args: Explore) -> (Order, Settings) {
    // 53 bits: every reader of JSON keeps them.
    let seed = args.seed.unwrap_or_else(|| rand::random::<u64>() >> 11);
    let command = command(&args);
    let Faults(faults) = args.faults;
    let order = Order {
        seed,
        steps: args.steps.or(args.time.is_none().then_some(STEPS)),
        time: args.time.map(|time| time.0),
        jobs: args.jobs,
        bounds: Bounds { dbms: args.stack, faults, at_once: args.at_once, ..Bounds::default() },
        shrink_for: SHRINK_FOR,
    };
    let settings = Settings {
        providers: vec![Choice::from(args.provider)],
        images: args.image.into_iter().collect(),
        vaults: vec![args.vault],
        postgres: args.databases.postgres,
        postgres_bin: args.databases.postgres_bin_dir,
        mysql: (args.stack == Dbms::Mysql).then_some(args.databases.mysql),
        toxiproxy: None,
        seed,
        keep: false,
        reports: args.report_dir,
        command,
    };
    (order, settings)
}

/// The command that tries the same again, without its seed.
fn command(args: &Explore) -> String {
    let mut words = vec!["leaseproof".to_owned(), "explore".to_owned()];
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    if let Some(steps) = args.steps {
        option("steps", steps.to_string());
    }
    if let Some(time) = args.time {
        option("for", time.to_string());
    }
    let Faults(faults) = args.faults.clone();
    let bounds = Bounds { dbms: args.stack, faults, at_once: args.at_once, ..Bounds::default() };
    words.extend(bounds.options().split_whitespace().map(str::to_owned));
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    option("vault", args.vault.to_string());
    match args.stack {
        Dbms::Postgres => option("postgres", args.databases.postgres.to_string()),
        Dbms::Mysql => option("mysql", args.databases.mysql.to_string()),
    }
    if let Some(folder) = &args.databases.postgres_bin_dir {
        option("postgres-bin-dir", folder.display().to_string());
    }
    for image in &args.image {
        option("image", image.to_string());
    }
    if Choice::from(args.provider) != Choice::Auto {
        option("provider", Choice::from(args.provider).to_string());
    }
    words.iter().map(|word| suite::quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Sequences come and go by the hundred: only what did not hold is worth a line of its own.
fn listener(console: &Arc<Console>) -> suite::OnEvent {
    let console = console.clone();
    Arc::new(move |event| console.show_failures(&event))
}

/// Shows the figures: on the line that is drawn over, or now and then on one of their own.
fn tell(console: &Arc<Console>) -> Tell {
    let console = console.clone();
    let last: Mutex<Option<Instant>> = Mutex::default();
    Arc::new(move |tally: &Tally, words: Option<&str>| {
        if let Some(words) = words {
            console.say(&words);
            return;
        }
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if console.is_drawn_over() || last.is_none_or(|last| last.elapsed() >= PROGRESS) {
            *last = Some(Instant::now());
            console.count(&tally.line());
        }
    })
}

fn exit_of(record: &Record, was_stopped: bool) -> Exit {
    let has_run = record.scenarios.iter().any(|one| one.result != ScenarioResult::Skipped);
    match Exit::of(record, false) {
        Exit::Violated => Exit::Violated,
        // A run of nothing has shown nothing.
        Exit::Held if !has_run && !record.scenarios.is_empty() => Exit::Environment,
        _ if was_stopped => Exit::Interrupted,
        exit => exit,
    }
}

fn end(done: &Done, exit: Exit) -> String {
    let mut end = format!("\n{}", done.tally.text());
    for record in &done.record.scenarios {
        let is_of_note = match record.result {
            ScenarioResult::Held => false,
            // One line below says more.
            ScenarioResult::Violated => done.found.is_none(),
            _ => true,
        };
        if is_of_note {
            let _ = writeln!(end, "{}: {}: {}", record.result, record.name, record.reason);
        }
    }
    if let Some(found) = &done.found {
        let (before, after) = found.operations;
        let (times, of) = found.rate;
        let _ = writeln!(end, "\na difference: {}", found.reason);
        let tried = if found.tried == 0 { String::new() } else { format!(" after {} smaller ones ran", found.tried) };
        let _ = writeln!(end, "{after} of {before} operations are left{tried}; they differ in {times} of {of} runs:");
        let _ = writeln!(end, "\n{}", found.text.trim_end());
        let _ = writeln!(end, "\nagain: leaseproof run {}", suite::quoted(&found.file.display().to_string()));
    }
    if !done.record.secrets.is_clean() {
        let _ = writeln!(end, "secrets were found in the reports: {}", done.record.secrets.found_in.join(", "));
    }
    let _ = writeln!(end, "reports: {}", done.folder.join(HTML_FILE).display());
    let _ = writeln!(end, "{} (exit code {})", exit::word(exit), exit::number(exit));
    end
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn parsed(line: &str) -> Explore {
        match Args::try_parse_from(line.split(' ')).unwrap().command {
            Command::Explore(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_of_an_exploration_asks_for_the_same_when_it_is_given_again() {
        let line = "leaseproof explore --steps 50 --for 10m --faults seal,cut --at-once 2 --vault openbao:2.7.2 --postgres postgres:16 --provider native";
        assert_eq!(command(&parsed(line)), line);
        let line = "leaseproof explore --stack mysql --faults seal --vault openbao:2.7.2 --mysql mariadb --image mysql=my/mysql:9 --provider docker";
        assert_eq!(command(&parsed(line)), line);
        // Said out loud, since the environment may say something else where nothing is said.
        let line = "leaseproof explore --faults none --vault openbao:2.7.2 --postgres postgres";
        assert_eq!(command(&parsed(&format!("{line} --provider auto"))), line);
    }

    #[test]
    fn without_a_number_of_steps_it_ends_after_some_or_with_the_time() {
        assert_eq!(order(parsed("leaseproof explore")).0.steps, Some(STEPS));
        assert_eq!(order(parsed("leaseproof explore --for 1m")).0.steps, None);
        assert_eq!(order(parsed("leaseproof explore --for 1m --steps 7")).0.steps, Some(7));
    }
}
