//! `leaseproof diff`: what changed from one run to another.

use std::fmt::Write as _;

use leaseproof_harness::report::diff::{self, Diff, Timing};
use leaseproof_harness::report::{self, text::took};
use leaseproof_harness::suite::Exit;

use crate::args::{Diff as Args, DiffFormat};
use crate::exit::Failure;
use crate::files::counted;
use crate::out;

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let read = |folder| report::read(folder).map_err(Failure::usage);
    let diff = diff::diff(&read(&args.before)?, &read(&args.after)?);
    match args.format {
        DiffFormat::Text => out::text(&text(&diff))?,
        DiffFormat::Json => {
            let json = serde_json::to_value(&diff).map_err(Failure::environment)?;
            out::line(&format_args!("{json:#}"))?;
        }
        DiffFormat::Markdown => out::text(&markdown(&diff))?,
    }
    Ok(if diff.is_worse() { Exit::Violated } else { Exit::Held })
}

fn text(diff: &Diff) -> String {
    let mut text = format!("{} → {}\n", diff.before, diff.after);
    for it in &diff.verdicts {
        let worse = if it.after > it.before { "worse" } else { "better" };
        let _ = writeln!(text, "\n{worse}: {}\n  {} → {}", it.scenario, it.before, it.after);
        if it.after > it.before {
            let _ = writeln!(text, "  {}\n  again: {}", it.reason.trim(), it.rerun);
        }
    }
    for (word, names) in [("did not run", &diff.gone), ("new", &diff.new)] {
        for name in names {
            let _ = writeln!(text, "\n{word}: {name}");
        }
    }
    if !diff.guarantees.is_empty() {
        text.push_str("\npromises\n");
    }
    for it in &diff.guarantees {
        let _ = writeln!(text, "  {}: {} → {}", it.guarantee, it.before, it.after);
    }
    if !diff.timings.is_empty() {
        text.push_str("\ntimes\n");
    }
    for it in &diff.timings {
        let _ = writeln!(text, "  {}: {}", it.scenario, times(it));
    }
    let _ = writeln!(text, "\n{}", sentence(diff));
    text
}

fn times(timing: &Timing) -> String {
    format!("{} → {} (× {:.2})", took(timing.before_ms), took(timing.after_ms), timing.ratio)
}

fn sentence(diff: &Diff) -> String {
    let word = match (diff.is_same(), diff.is_worse()) {
        (true, _) => "no verdict changed",
        (false, true) => "worse",
        (false, false) => "nothing is worse",
    };
    let total = diff.total.as_ref().map_or_else(String::new, |total| format!(", in all {}", times(total)));
    format!("{word}: {} compared{total}", counted(diff.compared, "scenario"))
}

fn markdown(diff: &Diff) -> String {
    let plain = |text: &str| text.replace('|', "\\|").replace('<', "&lt;").replace('\n', " ");
    let mut text = format!("## {} → {}\n\n{}\n", plain(&diff.before), plain(&diff.after), sentence(diff));
    let mut table = |head: &str, rows: Vec<[String; 3]>| {
        if rows.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n| {head} | before | after |\n|---|---|---|");
        for [name, before, after] in rows {
            let _ = writeln!(text, "| {} | {before} | {after} |", plain(&name));
        }
    };
    let verdicts = diff.verdicts.iter().map(|it| [it.scenario.clone(), it.before.to_string(), it.after.to_string()]);
    let absent = || "did not run".to_owned();
    let gone = diff.gone.iter().map(|name| [name.clone(), "ran".to_owned(), absent()]);
    let new = diff.new.iter().map(|name| [name.clone(), absent(), "ran".to_owned()]);
    table("Scenario", verdicts.chain(gone).chain(new).collect());
    let guarantees = diff.guarantees.iter();
    table(
        "Promise",
        guarantees.map(|it| [it.guarantee.clone(), it.before.to_string(), it.after.to_string()]).collect(),
    );
    let timings = diff
        .timings
        .iter()
        .map(|it| [it.scenario.clone(), took(it.before_ms), format!("{} (× {:.2})", took(it.after_ms), it.ratio)]);
    table("Time", timings.collect());
    text
}
