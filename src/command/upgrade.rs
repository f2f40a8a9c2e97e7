//! `leaseproof upgrade`: tries an upgrade on real servers and says whether to go.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use leaseproof_harness::provider::docker::image::Images;
use leaseproof_harness::suite::{self, Exit, Order, Settings};
use leaseproof_harness::upgrade::change::{Change, Severity};
use leaseproof_harness::upgrade::page;
use leaseproof_harness::upgrade::report::{Answer, Report};
use leaseproof_harness::upgrade::run::{self as trial, UpgradeError};
use tokio_util::sync::CancellationToken;

use super::run::{failure, stop_on_signals};
use crate::args::{Format, Upgrade};
use crate::console::{self, Console};
use crate::exit::{self, Failure};
use crate::files::Files;
use crate::out;

/// So many changes of each kind are told at the end; the page has all of them.
const TOLD: usize = 8;

pub(super) async fn run(args: Upgrade) -> Result<Exit, Failure> {
    if args.from == args.to {
        return Err(Failure::usage(UpgradeError::Same(args.from.to_string())));
    }
    let files = Files::read(&args.paths, &args.filter)?;
    files.draw();
    let scenarios = files.valid()?;
    let command = command(&args);
    let format = args.format;
    let settings = Settings {
        providers: vec![args.runs_on],
        images: Images::default(),
        vaults: vec![args.from, args.to],
        postgres: args.databases.postgres,
        postgres_bin: args.databases.postgres_bin_dir,
        mysql: scenarios.iter().any(|scenario| scenario.stack.mysql.is_some()).then_some(args.databases.mysql),
        toxiproxy: None,
        // 53 bits: every reader of JSON keeps them.
        seed: args.seed.unwrap_or_else(|| rand::random::<u64>() >> 11),
        keep: false,
        reports: args.report_dir,
        command,
    };
    let console = Console::new(format);
    console.say(&format_args!("seed {}", settings.seed));
    let stop = CancellationToken::new();
    stop_on_signals(stop.clone(), console.clone()).map_err(Failure::environment)?;
    let order = Order { scenarios, jobs: args.jobs, repeat: args.repeat, settings };
    let ended = trial::run(order, args.rollback, console::listener(&console), stop.clone()).await;
    console.close();
    let done = match ended {
        Ok(done) => done,
        Err(error) if stop.is_cancelled() => return Err(Failure::Told(Exit::Interrupted, error.into())),
        Err(UpgradeError::Suite(error)) => return Err(failure(error)),
        Err(error @ UpgradeError::Same(_)) => return Err(Failure::usage(error)),
    };
    let exit = exit_of(&done);
    let told = match format {
        Format::Json => serde_json::to_string(&done.report).map_err(io::Error::other).and_then(|json| out::line(&json)),
        Format::Text => out::text(&end(&done.report, &done.folder, exit)),
    };
    // The run and its reports are whole though nobody reads this: the exit code stays what it is.
    told.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })?;
    Ok(exit)
}

fn exit_of(done: &trial::Done) -> Exit {
    match done.report.answer {
        // A secret in the output is a broken promise of our own.
        _ if !done.record.secrets.is_clean() => Exit::Violated,
        Answer::NoGo => Exit::Violated,
        _ if !done.is_whole => Exit::Interrupted,
        Answer::Go | Answer::GoWithChanges => Exit::Held,
        Answer::Inconclusive => Exit::Inconclusive,
    }
}

/// The command that tries the same again, without its seed.
fn command(args: &Upgrade) -> String {
    let mut words = vec!["leaseproof".to_owned(), "upgrade".to_owned()];
    words.extend(args.paths.iter().map(|path| path.display().to_string()));
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    option("from", args.from.to_string());
    option("to", args.to.to_string());
    for filter in &args.filter {
        option("filter", filter.clone());
    }
    option("postgres", args.databases.postgres.to_string());
    option("mysql", args.databases.mysql.to_string());
    if let Some(folder) = &args.databases.postgres_bin_dir {
        option("postgres-bin-dir", folder.display().to_string());
    }
    option("repeat", args.repeat.to_string());
    if args.rollback {
        words.push("--rollback".to_owned());
    }
    words.iter().map(|word| suite::quoted(word)).collect::<Vec<_>>().join(" ")
}

fn end(report: &Report, folder: &Path, exit: Exit) -> String {
    let mut text = format!("\n{}: {} → {}\n{}\n", report.answer, report.from, report.to, report.because);
    for severity in [Severity::Blocker, Severity::Breaking, Severity::Notable, Severity::Minor] {
        let changes: Vec<&Change> = report.changes.iter().filter(|change| change.severity == severity).collect();
        for change in changes.iter().take(TOLD) {
            let _ = writeln!(
                text,
                "\n{severity}: {}\n  now:  {}\n  then: {}",
                change.what,
                cut(&change.from),
                cut(&change.to)
            );
            if let Some(evidence) = change.evidence.first() {
                let more = change.evidence.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                let _ = writeln!(text, "  seen: {}{more}", evidence.place);
            }
        }
        if changes.len() > TOLD {
            let _ = writeln!(text, "\n{} more {severity} changes", changes.len() - TOLD);
        }
    }
    for line in &report.left_behind {
        let _ = writeln!(text, "\nleft by a rollback: {}", cut(line));
    }
    for line in &report.run_again {
        let _ = writeln!(text, "\nrun once more: {}", cut(line));
    }
    for line in &report.undecided {
        let _ = writeln!(text, "\nnot decided: {line}");
    }
    let _ = writeln!(text, "\nreports: {}", folder.join(page::HTML_FILE).display());
    let _ = writeln!(text, "{} (exit code {})", report.answer, exit::number(exit));
    text
}

/// A long text as far as a line of a terminal goes.
fn cut(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    let head: String = text.chars().take(MOST).collect();
    format!("{head}…")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Args, Command};

    fn parsed(line: &str) -> Upgrade {
        match Args::try_parse_from(line.split(' ')).unwrap().command {
            Command::Upgrade(args) => *args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_command_of_a_trial_asks_for_the_same_when_it_is_given_again() {
        let line = "leaseproof upgrade a b.yaml --from openbao:2.6.1 --to openbao:2.7.2 --filter x --postgres postgres:16 --mysql mysql --repeat 2 --rollback";
        assert_eq!(command(&parsed(line)), line);
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ü".repeat(200)).chars().count(), 161);
    }
}
