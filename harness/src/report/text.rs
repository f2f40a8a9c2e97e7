//! The record as text for terminals and test output: a table of verdicts, and each failure in full.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Renderer, Snippet};

use super::comparison::Comparison;
use super::complaint::{self, Complaint};
use super::record::{Record, ScenarioRecord, ScenarioResult};
use super::words;
use crate::event::FragmentLine;
use crate::outcome::Verdict;
use crate::scenario::Style;

/// How many of a log's last lines are shown.
const LOG_LINES: usize = 5;
/// How much of a log's end is read for them.
const LOG_BYTES: u64 = 16 * 1024;

/// The counts in words, the worst first: `1 violated, 5 held`.
pub fn counts(record: &Record) -> String {
    words::counts(record)
}

/// A duration of so many milliseconds as a person says it: `850 ms`, `12.3 s`, `2 min 5 s`.
pub fn took(ms: u64) -> String {
    words::took(ms)
}

/// A result's word, as wide as the widest so that columns stand below each other, coloured if asked for.
pub fn result(result: ScenarioResult, style: Style) -> String {
    painted(&format!("{:WORD_WIDTH$}", result.to_string()), result, style)
}

fn painted(word: &str, result: ScenarioResult, style: Style) -> String {
    match style {
        Style::Plain => word.to_owned(),
        Style::Coloured => format!("\x1b[1;{}m{word}\x1b[0m", colour(result)),
    }
}

/// As wide as `inconclusive`.
const WORD_WIDTH: usize = 12;

/// As wide as any duration.
const TOOK_WIDTH: usize = 10;

/// What of a name is shown however narrow the terminal is.
const LEAST_NAME: usize = 20;

fn colour(result: ScenarioResult) -> u8 {
    match result {
        ScenarioResult::Held => 32,
        ScenarioResult::Skipped => 36,
        ScenarioResult::Inconclusive | ScenarioResult::Interrupted => 33,
        ScenarioResult::Broken => 35,
        ScenarioResult::Violated => 31,
    }
}

/// The text in at most `width` characters, with a sign where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The end of a run: the table, every failure in full, what became of secrets, and the counts. In a terminal of so many
/// columns the names in the table give way; elsewhere they are whole.
pub fn end(record: &Record, folder: &Path, style: Style, columns: Option<usize>) -> String {
    let mut text = table(record, style, columns);
    if let Some(comparison) = Comparison::of(record) {
        let _ = write!(text, "\n{}", side_by_side(&comparison, style, columns));
    }
    for scenario in words::worst_first(record) {
        if !matches!(scenario.result, ScenarioResult::Held | ScenarioResult::Skipped) {
            let _ = write!(text, "\n{}", failure(scenario, folder, style));
        }
    }
    for (server, id, really) in words::deviations(record) {
        let _ = writeln!(text, "\n{server} deviates from {id}, as known: {}", plain(really));
    }
    for file in &record.secrets.found_in {
        let _ = writeln!(text, "\nA secret was found in {file}. Do not publish this folder.");
    }
    for file in &record.secrets.unsearched {
        let _ = writeln!(text, "\nNot searched for secrets: {file}");
    }
    let _ = writeln!(text, "\n{} in {} · seed {}", counts(record), took(record.took_ms), record.seed);
    text
}

/// One line for each scenario on each server, the worst first.
fn table(record: &Record, style: Style, columns: Option<usize>) -> String {
    let scenarios = words::worst_first(record);
    let widest = |of: fn(&ScenarioRecord) -> &str| scenarios.iter().map(|s| of(s).chars().count()).max().unwrap_or(0);
    let (names, servers) = (widest(|s| &s.name), widest(|s| &s.server));
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(WORD_WIDTH + servers + TOOK_WIDTH + 6));
    let names = names.min(room.max(LEAST_NAME));
    let mut text = String::new();
    for scenario in scenarios {
        let ScenarioRecord { name, server, took_ms, .. } = scenario;
        let (word, name) = (result(scenario.result, style), cut(name, names));
        let _ = writeln!(text, "{word}  {name:names$}  {server:servers$}  {:>TOOK_WIDTH$}", took(*took_ms));
        if scenario.result == ScenarioResult::Skipped {
            let _ = writeln!(text, "{:WORD_WIDTH$}  {}", "", plain(&scenario.reason));
        }
    }
    text
}

/// A column for each server.
fn side_by_side(comparison: &Comparison<'_>, style: Style, columns: Option<usize>) -> String {
    let widths: Vec<usize> = comparison.servers.iter().map(|server| server.chars().count().max(WORD_WIDTH)).collect();
    let taken = widths.iter().map(|width| width + 2).sum();
    let room = columns.map_or(usize::MAX, |columns| columns.saturating_sub(taken)).max(LEAST_NAME);
    let mut text = String::new();
    for (server, width) in comparison.servers.iter().zip(&widths) {
        let _ = write!(text, "{server:width$}  ");
    }
    text.push_str("scenario\n");
    for (name, cells) in &comparison.rows {
        for (cell, width) in cells.iter().zip(&widths) {
            let word = cell.map_or_else(|| format!("{:WORD_WIDTH$}", "did not run"), |cell| result(cell, style));
            let _ = write!(text, "{word}{:rest$}  ", "", rest = width - WORD_WIDTH);
        }
        let _ = writeln!(text, "{}", cut(&plain(name), room));
    }
    let _ = writeln!(text, "\n{}", comparison.verdict());
    text
}

/// Everything that a person needs to understand one scenario that did not hold: why, where in its file, what was seen,
/// the faults around it, the ends of the servers' logs, and the command that runs just this again.
///
/// `folder` is the run's folder, in which the scenario's logs are looked for.
pub fn failure(scenario: &ScenarioRecord, folder: &Path, style: Style) -> String {
    let mut text = format!("{}: {}\n", painted(&scenario.result.to_string(), scenario.result, style), scenario.name);
    let _ = writeln!(text, "  {}", plain(&scenario.reason));
    let products = if scenario.products.is_empty() { scenario.server.clone() } else { scenario.products.join(", ") };
    let _ = writeln!(text, "  on {products} · seed {} · {}\n", scenario.seed, scenario.file);
    let mut said: Vec<&str> = Vec::new();
    for complaint in complaint::of(scenario) {
        let because = complaint.judgement.because.as_str();
        let is_new = !said.contains(&because);
        said.push(because);
        let _ = writeln!(text, "{}\n", drawing(scenario, &complaint, is_new, style));
    }
    for promise in scenario.guarantees.iter().filter(|promise| promise.judgement.verdict != Verdict::Held) {
        let _ = writeln!(text, "  documented: {} in {}", promise.id, promise.source);
    }
    for difference in &scenario.differences {
        let _ = writeln!(text, "  {}: {}: {}", difference.kind, plain(&difference.what), plain(&difference.detail));
    }
    for fault in &scenario.faults {
        let _ = writeln!(text, "  fault {}: {}", fault.fault, plain(&words::window(fault)));
    }
    logs(&mut text, &folder.join(&scenario.folder).join("logs"));
    let _ = writeln!(text, "  again: {}", scenario.rerun);
    text
}

/// A complaint with the line of the file that it is about, as a compiler draws it.
fn drawing(scenario: &ScenarioRecord, complaint: &Complaint<'_>, is_new: bool, style: Style) -> String {
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    let verdict = complaint.judgement.verdict;
    let level = if verdict == Verdict::Violated { Level::ERROR } else { Level::WARNING };
    let (name, about) = (verdict.to_string(), plain(&complaint.about));
    let because = plain(&complaint.judgement.because);
    let evidence = format!("{} of history.jsonl", words::seqs(&complaint.judgement.evidence));
    let mut group = level.with_name(name.as_str()).primary_title(about.as_str()).elements(Vec::<Element<'_>>::new());
    if let Some(FragmentLine { file, line }) = complaint.fragment
        && let Some(fragment) = scenario.fragments.iter().find(|fragment| fragment.file == *file)
    {
        group = group.elements(quoted(file, &fragment.source, *line, ""));
        group = group.elements(quoted(&scenario.file, &scenario.source, complaint.line, "used here"));
    } else {
        group = group.elements(quoted(&scenario.file, &scenario.source, complaint.line, ""));
    }
    if is_new {
        group = group.element(Level::NOTE.with_name("because").message(because.as_str()));
    }
    if !complaint.judgement.evidence.is_empty() {
        group = group.element(Level::NOTE.with_name("evidence").message(evidence.as_str()));
    }
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

/// A line of a file with a caret below it; without a word for it, it is what the complaint is about.
fn quoted<'r>(file: &'r str, source: &'r str, number: usize, word: &'r str) -> Option<Snippet<'r, Annotation<'r>>> {
    let line = number.checked_sub(1).and_then(|index| source.lines().nth(index));
    let line = line.filter(|line| !line.trim().is_empty())?;
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let span = start..line.trim_end().len().max(start);
    let caret = if word.is_empty() {
        AnnotationKind::Primary.span(span)
    } else {
        AnnotationKind::Context.span(span).label(word)
    };
    Some(Snippet::source(line).path(file).line_start(number).annotation(caret))
}

/// The last lines of each server's log. A log that cannot be read says so: its absence is part of the story.
fn logs(text: &mut String, folder: &Path) {
    for path in log_files(folder) {
        let _ = writeln!(text, "  the end of {}:", path.display());
        match last_lines(&path) {
            Ok(lines) => {
                for line in lines {
                    let _ = writeln!(text, "    {line}");
                }
            }
            Err(error) => {
                let _ = writeln!(text, "    (cannot be read: {error})");
            }
        }
    }
}

pub(super) fn log_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    files.sort();
    files
}

fn last_lines(path: &Path) -> io::Result<Vec<String>> {
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    Ok(lines[lines.len().saturating_sub(LOG_LINES)..].iter().map(|line| plain(line)).collect())
}

/// In one line, and without the control characters with which a server's words could steer a terminal.
fn plain(text: &str) -> String {
    text.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::FragmentRecord;
    use super::super::sample;
    use super::*;

    #[test]
    fn in_a_terminal_no_line_of_the_table_is_wider_than_it_is_and_only_names_give_way() {
        let whole = table(&sample::record(), Style::Plain, None);
        assert_eq!(table(&sample::record(), Style::Plain, Some(500)), whole);
        let narrow = table(&sample::record(), Style::Plain, Some(80));
        assert!(narrow.contains('…'), "{narrow}");
        for (line, whole) in narrow.lines().zip(whole.lines()).filter(|(line, _)| !line.starts_with(' ')) {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line.split_whitespace().next(), whole.split_whitespace().next());
            assert_eq!(line.split_whitespace().last(), whole.split_whitespace().last());
        }
    }

    #[test]
    fn the_end_of_a_run_has_the_worst_first_and_every_failure_in_full() {
        let folder = tempfile::tempdir().unwrap();
        insta::assert_snapshot!(end(&sample::record(), folder.path(), Style::Plain, None));
    }

    #[test]
    fn a_failure_quotes_the_last_lines_of_each_log_and_no_control_character_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let scenario = sample::violated();
        let logs = folder.path().join(&scenario.folder).join("logs");
        fs::create_dir_all(&logs).unwrap();
        let lines: Vec<String> = (1..=9).map(|n| format!("line {n} \x1b[31mred")).collect();
        fs::write(logs.join("vault.log"), lines.join("\n")).unwrap();
        fs::write(logs.join("notes.txt"), "no log").unwrap();
        let text = failure(&scenario, folder.path(), Style::Plain);
        let quoted: Vec<&str> = text.lines().map(str::trim).filter(|line| line.starts_with("line ")).collect();
        assert_eq!(quoted, (5..=9).map(|n| format!("line {n}  [31mred")).collect::<Vec<_>>());
        assert!(text.contains("vault.log") && !text.contains("no log") && !text.contains('\x1b'), "{text}");
    }

    #[test]
    fn a_failure_names_the_line_of_the_file_and_puts_a_caret_under_it() {
        let text = failure(&sample::violated(), Path::new("nowhere"), Style::Plain);
        assert!(text.contains("never_loses_it.yaml:20:5"), "{text}");
        assert!(text.contains("20 |   - expect: { login: { with: cred, refused: authentication } }"), "{text}");
        assert!(text.contains("|     ^^^^^^"), "{text}");
    }

    #[test]
    fn a_failure_in_a_fragment_is_drawn_at_its_line_and_at_the_one_that_uses_it() {
        let mut scenario = sample::violated();
        let file = "scenarios/fragments/login.yaml".to_owned();
        let source =
            "fragment: A login\nsteps:\n  - expect: { login: { with: cred, refused: authentication } }\n".to_owned();
        scenario.fragments = vec![FragmentRecord { file: file.clone(), source }];
        for step in &mut scenario.steps {
            step.fragment = Some(FragmentLine { file: file.clone(), line: 3 });
        }
        let text = failure(&scenario, Path::new("nowhere"), Style::Plain);
        for part in ["scenarios/fragments/login.yaml:3:5", "never_loses_it.yaml:20:5", "used here"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_verdict_is_a_word_with_colours_and_without() {
        assert_eq!(result(ScenarioResult::Violated, Style::Plain).trim(), "violated");
        let coloured = result(ScenarioResult::Violated, Style::Coloured);
        assert!(coloured.contains("violated") && coloured.starts_with("\x1b[1;31m") && coloured.ends_with("\x1b[0m"));
    }
}
