//! `leaseproof config`: each value that a run would take, and where it comes from.

use std::ffi::OsStr;
use std::fmt::Write as _;

use clap::ArgMatches;
use clap::parser::ValueSource;
use leaseproof_harness::suite::Exit;
use serde_json::json;

use crate::args;
use crate::args::Format;
use crate::config::{Config, FILE, KEYS, Key};
use crate::exit::Failure;
use crate::out;

/// A value, and where it comes from.
struct Line {
    key: &'static str,
    values: Vec<String>,
    from: String,
}

pub(super) fn run(args: &args::Config, config: &Config) -> Result<Exit, Failure> {
    // The same arguments once more: what they came to does not say where each comes from.
    let matches = config.command().get_matches();
    let Some((_, matches)) = matches.subcommand() else { return Ok(Exit::Usage) };
    let lines: Vec<Line> = KEYS.iter().map(|key| line(key, matches, config)).collect();
    match args.run.format {
        Format::Text => out::text(&text(&lines, config))?,
        Format::Json => {
            let values =
                lines.iter().map(|line| (line.key.to_owned(), json!({ "values": line.values, "from": line.from })));
            let values: serde_json::Map<String, serde_json::Value> = values.collect();
            out::line(&format_args!("{:#}", json!({ "file": config.path, "values": values })))?;
        }
    }
    Ok(Exit::Held)
}

fn line(key: &'static Key, matches: &ArgMatches, config: &Config) -> Line {
    let raw = matches.get_raw(key.argument).into_iter().flatten();
    let values = raw.map(OsStr::to_string_lossy).map(String::from).collect();
    let from = match matches.value_source(key.argument) {
        Some(ValueSource::CommandLine) => key.option.unwrap_or("the command line").to_owned(),
        Some(ValueSource::EnvVariable) => key.environment.unwrap_or("the environment").to_owned(),
        _ => config.place_of(key).unwrap_or_else(|| "default".to_owned()),
    };
    Line { key: key.name, values, from }
}

fn text(lines: &[Line], config: &Config) -> String {
    let said = |line: &Line| match line.key {
        "seed" if line.values.is_empty() => "a new one for each run".to_owned(),
        _ if line.values.is_empty() => "none".to_owned(),
        _ => line.values.join(", "),
    };
    let widest = |of: &dyn Fn(&Line) -> usize| lines.iter().map(of).max().unwrap_or(0);
    let (keys, values) = (widest(&|line| line.key.len()), widest(&|line| said(line).chars().count()));
    let mut text = match &config.path {
        Some(path) => format!("file: {}\n", path.display()),
        None => format!("there is no {FILE} here or above\n"),
    };
    for line in lines {
        let _ = writeln!(text, "{:keys$}  {:values$}  {}", line.key, said(line), line.from);
    }
    text
}
