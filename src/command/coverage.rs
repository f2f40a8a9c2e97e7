//! `leaseproof coverage`: which promises have a scenario that judges them, on which servers and under which faults, and what
//! stands behind each row of the guides.

use std::fmt::Write as _;

use leaseproof_harness::coverage::{Coverage, CoveredRow, Promise};
use leaseproof_harness::suite::Exit;
use serde_json::json;

use crate::args::{Coverage as Args, TableFormat};
use crate::exit::Failure;
use crate::files::Files;
use crate::out;

pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let coverage = Coverage::of(&Files::scenarios(&args.paths, &[])?);
    out::text(&match args.format {
        TableFormat::Text => text(&coverage),
        TableFormat::Json => format!("{:#}\n", json!(coverage)),
        TableFormat::Markdown => markdown(&coverage),
        TableFormat::Html => html(&coverage),
    })?;
    Ok(Exit::Held)
}

/// What stands where the scenarios would, when there is none.
fn instead(promise: &Promise) -> String {
    promise.guarantee.untested.as_ref().map_or_else(|| "no scenario".to_owned(), |why| format!("not testable: {why}"))
}

fn instead_of_row(row: &CoveredRow) -> String {
    row.row.untested.as_ref().map_or_else(|| "no scenario".to_owned(), |why| format!("not testable: {why}"))
}

fn text(coverage: &Coverage) -> String {
    let mut text = String::new();
    let mut section = "";
    for promise in &coverage.promises {
        let guarantee = &promise.guarantee;
        if guarantee.section != section {
            section = &guarantee.section;
            let _ = writeln!(text, "{section}");
        }
        let _ = writeln!(text, "  {}  {}", guarantee.id, guarantee.promise);
        for judging in &promise.scenarios {
            let faults: Vec<&str> = judging.faults.iter().map(String::as_str).collect();
            let faults = if faults.is_empty() { String::new() } else { format!("  ({})", faults.join(", ")) };
            let _ = writeln!(text, "      {}{faults}", judging.file);
        }
        if promise.scenarios.is_empty() {
            let _ = writeln!(text, "      {}", instead(promise));
        }
    }
    format!("{text}\n{}", counts(coverage))
}

fn counts(coverage: &Coverage) -> String {
    let all = coverage.promises.len();
    let cited = coverage.promises.iter().filter(|promise| !promise.scenarios.is_empty()).count();
    let open = coverage.open();
    let untestable = all - cited - open.len();
    let mut text = format!("{cited} of {all} promises have a scenario; {untestable} cannot be tested");
    let _ = match open.len() {
        0 => writeln!(text, "; none is open"),
        count => writeln!(text, "; {count} have none: {}", open.join(", ")),
    };
    let rows: Vec<&CoveredRow> = coverage.guides.iter().flat_map(|guide| &guide.rows).collect();
    let exercised = rows.iter().filter(|row| !row.scenarios.is_empty()).count();
    let _ = writeln!(text, "{exercised} of {} rows of the guides are exercised", rows.len());
    text
}

/// A table: its head, and its rows.
struct Table {
    title: String,
    head: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// What stands in a cell.
enum Cell {
    Text(String),
    Link {
        text: String,
        url: String,
    },
    /// Files and the like, one a line.
    Words(Vec<String>),
}

fn tables(coverage: &Coverage) -> Vec<Table> {
    let mut tables = vec![Table {
        title: "Promises".to_owned(),
        head: vec!["Promise", "What is promised", "OpenBao", "Vault", "Scenarios", "Under faults"],
        rows: coverage.promises.iter().map(promise).collect(),
    }];
    tables.extend(coverage.guides.iter().map(|guide| Table {
        title: format!("Guide: {}", guide.guide),
        head: vec!["What the guide says", "Where it is wrong", "Promises", "Scenarios"],
        rows: guide.rows.iter().map(row).collect(),
    }));
    tables
}

fn promise(promise: &Promise) -> Vec<Cell> {
    let guarantee = &promise.guarantee;
    let files: Vec<String> = promise.scenarios.iter().map(|judging| judging.file.clone()).collect();
    let faults: std::collections::BTreeSet<String> =
        promise.scenarios.iter().flat_map(|judging| judging.faults.clone()).collect();
    vec![
        Cell::Link { text: guarantee.id.clone(), url: promise.url.clone() },
        Cell::Text(guarantee.promise.clone()),
        Cell::Text(promise.on("openbao")),
        Cell::Text(promise.on("vault")),
        if files.is_empty() { Cell::Text(instead(promise)) } else { Cell::Words(files) },
        Cell::Words(faults.into_iter().collect()),
    ]
}

fn row(row: &CoveredRow) -> Vec<Cell> {
    let files: Vec<String> = row.scenarios.iter().cloned().collect();
    vec![
        Cell::Text(row.row.says.clone()),
        Cell::Text(row.row.wrong.clone().unwrap_or_default()),
        Cell::Text(row.row.promises.join(", ")),
        if files.is_empty() { Cell::Text(instead_of_row(row)) } else { Cell::Words(files) },
    ]
}

fn markdown(coverage: &Coverage) -> String {
    let plain = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => plain(text),
        Cell::Link { text, url } => format!("[{text}]({url})"),
        Cell::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join("<br>"),
    };
    let mut text = String::new();
    for table in tables(coverage) {
        let _ = writeln!(text, "## {}\n\n| {} |", table.title, table.head.join(" | "));
        let _ = writeln!(text, "|{}", "---|".repeat(table.head.len()));
        for row in &table.rows {
            let _ = writeln!(text, "| {} |", row.iter().map(cell).collect::<Vec<_>>().join(" | "));
        }
        text.push('\n');
    }
    format!("{text}{}", counts(coverage))
}

fn html(coverage: &Coverage) -> String {
    let cell = |cell: &Cell| match cell {
        Cell::Text(text) => escaped(text),
        Cell::Link { text, url } => format!("<a href=\"{}\" rel=\"noreferrer\">{}</a>", escaped(url), escaped(text)),
        Cell::Words(words) => {
            words.iter().map(|word| format!("<code>{}</code>", escaped(word))).collect::<Vec<_>>().join("<br>")
        }
    };
    let mut text = HTML_HEAD.to_owned();
    let _ = writeln!(text, "<h1>What is covered</h1>\n<p>{}</p>", escaped(&counts(coverage)).replace('\n', "<br>"));
    for table in tables(coverage) {
        let head: String = table.head.iter().fold(String::new(), |all, word| all + &format!("<th>{word}</th>"));
        let _ = writeln!(text, "<h2>{}</h2>\n<table>\n<tr>{head}</tr>", escaped(&table.title));
        for row in &table.rows {
            let cells = row.iter().fold(String::new(), |all, one| all + &format!("<td>{}</td>", cell(one)));
            let _ = writeln!(text, "<tr>{cells}</tr>");
        }
        text.push_str("</table>\n");
    }
    text + "</html>\n"
}

const HTML_HEAD: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>leaseproof: what is covered</title>
<style>body{font:15px/1.4 system-ui,sans-serif;margin:2em;color-scheme:light dark}table{border-collapse:collapse}
td,th{border:1px solid #8888;padding:.3em .6em;text-align:left;vertical-align:top}code{font-size:.9em}</style>
";

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
