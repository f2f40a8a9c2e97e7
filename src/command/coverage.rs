//! `leaseproof coverage`: which promises have a scenario that judges them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use leaseproof_harness::guarantee::{Guarantee, catalogue};
use leaseproof_harness::scenario::{Action, Scenario, Step};
use leaseproof_harness::suite::Exit;
use serde_json::{Value, json};

use crate::args::{Coverage, TableFormat};
use crate::exit::Failure;
use crate::files::Files;
use crate::out;

pub(super) fn run(args: &Coverage) -> Result<Exit, Failure> {
    let scenarios = Files::scenarios(&args.paths, &[])?;
    let citing = citing(&scenarios);
    let rows: Vec<Row> = catalogue().iter().map(|promise| Row::of(promise, &citing)).collect();
    out::text(&match args.format {
        TableFormat::Text => text(&rows),
        TableFormat::Json => format!("{:#}\n", rows.iter().map(Row::machine).collect::<Value>()),
        TableFormat::Markdown => markdown(&rows),
    })?;
    Ok(Exit::Held)
}

/// The files that cite each promise, as a whole or in one step.
fn citing(scenarios: &[Arc<Scenario>]) -> BTreeMap<&str, BTreeSet<String>> {
    let mut citing: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for scenario in scenarios {
        let mut ids: Vec<&String> = scenario.guarantees.iter().collect();
        ids.extend(scenario.always.iter().flat_map(|invariant| &invariant.cites));
        cited_by(&scenario.steps, &mut ids);
        for id in ids {
            citing.entry(id).or_default().insert(scenario.path.display().to_string());
        }
    }
    citing
}

fn cited_by<'a>(steps: &'a [Step], ids: &mut Vec<&'a String>) {
    for step in steps {
        ids.extend(&step.cites);
        if let Action::Fault(_, Some(during)) = &step.action {
            cited_by(during, ids);
        }
    }
}

/// A promise and the scenarios that cite it.
struct Row<'a> {
    promise: &'a Guarantee,
    files: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn of(promise: &'a Guarantee, citing: &'a BTreeMap<&str, BTreeSet<String>>) -> Self {
        let files = citing.get(promise.id.as_str()).into_iter().flatten().map(String::as_str).collect();
        Self { promise, files }
    }

    fn is_open(&self) -> bool {
        self.files.is_empty() && self.promise.untested.is_none()
    }

    /// What stands where the scenarios would, when there is none.
    fn instead(&self) -> String {
        self.promise.untested.as_ref().map_or_else(|| "no scenario".to_owned(), |why| format!("not testable: {why}"))
    }

    fn machine(&self) -> Value {
        let Guarantee { id, section, promise, source, untested, .. } = self.promise;
        json!({
            "id": id, "section": section, "promise": promise, "source": source.url(),
            "scenarios": self.files, "untested": untested,
        })
    }
}

fn text(rows: &[Row<'_>]) -> String {
    let mut text = String::new();
    let mut section = "";
    for row in rows {
        if row.promise.section != section {
            section = &row.promise.section;
            let _ = writeln!(text, "{section}");
        }
        let _ = writeln!(text, "  {}  {}", row.promise.id, row.promise.promise);
        for file in &row.files {
            let _ = writeln!(text, "      {file}");
        }
        if row.files.is_empty() {
            let _ = writeln!(text, "      {}", row.instead());
        }
    }
    text.push('\n');
    text.push_str(&counts(rows));
    text
}

fn counts(rows: &[Row<'_>]) -> String {
    let cited = rows.iter().filter(|row| !row.files.is_empty()).count();
    let open: Vec<&str> = rows.iter().filter(|row| row.is_open()).map(|row| row.promise.id.as_str()).collect();
    let untestable = rows.len() - cited - open.len();
    let mut text = format!("{cited} of {} promises have a scenario; {untestable} cannot be tested", rows.len());
    let _ = match open.len() {
        0 => writeln!(text, "; none is open"),
        count => writeln!(text, "; {count} have none: {}", open.join(", ")),
    };
    text
}

fn markdown(rows: &[Row<'_>]) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('<', "&lt;");
    let mut text = "| Promise | What is promised | Scenarios |\n|---|---|---|\n".to_owned();
    for row in rows {
        let Guarantee { id, promise, source, .. } = row.promise;
        let files = match row.files.as_slice() {
            [] => cell(&row.instead()),
            files => files.iter().map(|file| format!("`{file}`")).collect::<Vec<_>>().join("<br>"),
        };
        let _ = writeln!(text, "| [{id}]({}) | {} | {files} |", source.url(), cell(promise));
    }
    format!("{text}\n{}", counts(rows))
}
