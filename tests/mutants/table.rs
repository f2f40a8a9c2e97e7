//! The table of mutants and the scenarios that caught them.

use std::fmt::Write as _;

/// What came of one mutant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Row {
    /// The promise; empty for a control.
    pub(crate) breaks: &'static str,
    pub(crate) mutant: &'static str,
    /// The scenario that caught it.
    pub(crate) by: Option<String>,
    /// What the verdict said.
    pub(crate) says: String,
}

/// Draws it as Markdown, so that it can be pasted into a page.
pub(crate) fn draw(rows: &[Row]) -> String {
    let mut table = "\n| promise | mutant | caught by | because |\n|---|---|---|---|\n".to_owned();
    for Row { breaks, mutant, by, says } in rows {
        let promise = if breaks.is_empty() { "(control)" } else { breaks };
        let by = match by {
            Some(file) => file.as_str(),
            None if breaks.is_empty() => "—",
            None => "**SURVIVES**",
        };
        let _ = writeln!(table, "| {promise} | {mutant} | {by} | {} |", says.replace('|', "\\|"));
    }
    let planted = rows.iter().filter(|row| !row.breaks.is_empty());
    let caught = planted.clone().filter(|row| row.by.is_some()).count();
    let _ = writeln!(table, "\n{caught} of {} mutants caught", planted.count());
    table
}
