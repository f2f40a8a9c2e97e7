//! summary.md: one page for a build server's step summary and for people in a hurry. Failures come first.

use std::fmt::Write as _;

use super::comparison::Comparison;
use super::record::{Record, ScenarioRecord, ScenarioResult};
use super::{complaint, words};
use crate::outcome::Verdict;

/// The record as Markdown.
pub(super) fn render(record: &Record) -> String {
    let mut text = format!("## leaseproof: {}\n\n", words::counts(record));
    let _ = writeln!(
        text,
        "Run {} · started {} · took {} · seed {} · leaseproof {} · {}\n",
        code(&record.run),
        plain(&record.started),
        words::took(record.took_ms),
        record.seed,
        plain(&record.leaseproof),
        plain(&record.provider),
    );
    secrets(&mut text, record);
    table(&mut text, record);
    side_by_side(&mut text, record);
    for scenario in words::worst_first(record) {
        if scenario.result != ScenarioResult::Held && scenario.result != ScenarioResult::Skipped {
            failure(&mut text, scenario);
        }
    }
    deviations(&mut text, record);
    let _ = write!(text, "\n### Run all of it again\n\n{}", block(&record.rerun));
    text
}

fn secrets(text: &mut String, record: &Record) {
    let scan = &record.secrets;
    if scan.is_clean() && scan.files == 0 {
        text.push_str("The run's output was not searched for secrets.\n\n");
        return;
    }
    if scan.is_clean() {
        let _ = writeln!(text, "Searched {} files for {} known secrets: none found.\n", scan.files, scan.known);
        return;
    }
    if !scan.found_in.is_empty() {
        let files: Vec<_> = scan.found_in.iter().map(|f| code(f)).collect();
        let _ = writeln!(text, "> ❌ **A secret was found in {}.** Do not publish this folder.\n", files.join(", "));
    }
    if !scan.unsearched.is_empty() {
        let files: Vec<_> = scan.unsearched.iter().map(|f| code(f)).collect();
        let _ = writeln!(text, "> ⚠️ **Not searched for secrets:** {}\n", files.join(", "));
    }
}

fn table(text: &mut String, record: &Record) {
    if record.scenarios.is_empty() {
        return;
    }
    text.push_str("| Verdict | Scenario | Server | Time |\n|---|---|---|--:|\n");
    for scenario in words::worst_first(record) {
        let _ = write!(text, "| {} {}", mark(scenario.result), scenario.result);
        let _ = write!(text, " | {}", plain(&scenario.name));
        if scenario.result == ScenarioResult::Skipped {
            let _ = write!(text, "<br>{}", plain(&scenario.reason));
        }
        let _ = writeln!(text, " | {} | {} |", plain(&scenario.server), words::took(scenario.took_ms));
    }
}

/// What several servers made of the same scenarios.
fn side_by_side(text: &mut String, record: &Record) {
    let Some(comparison) = Comparison::of(record) else { return };
    let _ = write!(text, "\n### Side by side: {}\n\n| Scenario |", plain(&comparison.verdict()));
    for server in &comparison.servers {
        let _ = write!(text, " {} |", plain(server));
    }
    let _ = writeln!(text, "\n|---|{}", "---|".repeat(comparison.servers.len()));
    for (name, cells) in &comparison.rows {
        let _ = write!(text, "| {} |", plain(name));
        for cell in cells {
            let word = cell.map_or_else(|| "did not run".to_owned(), |cell| format!("{} {cell}", mark(cell)));
            let _ = write!(text, " {word} |");
        }
        text.push('\n');
    }
}

/// Where servers did not do what is documented, and were known not to.
fn deviations(text: &mut String, record: &Record) {
    let known = words::deviations(record);
    if known.is_empty() {
        return;
    }
    text.push_str("\n### Known deviations from the documentation\n\n");
    for (server, id, really) in known {
        let _ = writeln!(text, "- {} deviates from **{}**: {}", plain(server), plain(id), plain(really));
    }
}

fn failure(text: &mut String, scenario: &ScenarioRecord) {
    let _ = write!(text, "\n### {} {}: {}\n\n", mark(scenario.result), scenario.result, plain(&scenario.name));
    let _ = writeln!(text, "{}\n", plain(&scenario.reason));
    let products: Vec<_> = scenario.products.iter().map(|p| plain(p)).collect();
    let _ = writeln!(text, "On {} · seed {} · {}\n", products.join(", "), scenario.seed, code(&scenario.file));
    for complaint in complaint::of(scenario) {
        let _ = write!(text, "- **{}**", plain(&complaint.about));
        if complaint.line > 0 {
            let _ = write!(text, " at {}", code(&words::places(scenario, complaint.line, complaint.fragment)));
        }
        if let Some((_, line)) = words::said(scenario, complaint.line, complaint.fragment) {
            let _ = write!(text, "<br>{}", code(line));
        }
        let _ = write!(text, "<br>{}: {}", complaint.judgement.verdict, plain(&complaint.judgement.because));
        if !complaint.judgement.evidence.is_empty() {
            let _ = write!(text, " ({})", words::seqs(&complaint.judgement.evidence));
        }
        text.push('\n');
    }
    for difference in &scenario.differences {
        let _ = writeln!(text, "- **{}** {}: {}", difference.kind, code(&difference.what), plain(&difference.detail));
    }
    promises(text, scenario);
    for fault in &scenario.faults {
        let _ = writeln!(text, "- Fault {}: {}", fault.fault, plain(&words::window(fault)));
    }
    let _ = write!(text, "\n{}", block(&scenario.rerun));
}

/// Where the broken promises are documented.
fn promises(text: &mut String, scenario: &ScenarioRecord) {
    for guarantee in scenario.guarantees.iter().filter(|g| g.judgement.verdict != Verdict::Held) {
        match words::address(&guarantee.source) {
            Some(page) => {
                let _ = writeln!(text, "- Documented: [{}]({page})", plain(&guarantee.id));
            }
            None => {
                let _ = writeln!(text, "- Documented: {} in {}", plain(&guarantee.id), plain(&guarantee.source));
            }
        }
    }
}

/// Colour-blind readers and terminals without emoji have the word beside it.
fn mark(result: ScenarioResult) -> &'static str {
    match result {
        ScenarioResult::Held => "✅",
        ScenarioResult::Skipped => "⏭️",
        ScenarioResult::Inconclusive => "❔",
        ScenarioResult::Broken => "🔧",
        ScenarioResult::Interrupted => "✋",
        ScenarioResult::Violated => "❌",
    }
}

/// A text of which Markdown makes nothing but that text, in one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '$' => plain.extend(['\\', c]),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// A text as code, in one line. HTML rather than backticks: it holds in table cells, and with backticks inside.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// A block of code, behind a fence that is longer than any inside.
fn block(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{text}\n{fence}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn failures_come_first_and_say_how_to_run_them_again() {
        insta::assert_snapshot!(render(&sample::record()));
    }

    #[test]
    fn a_secret_that_was_found_is_said_before_the_table() {
        let mut record = sample::record();
        record.secrets.found_in = vec!["lease/history.jsonl".to_owned()];
        record.secrets.unsearched = vec!["lease/logs/vault.log: permission denied".to_owned()];
        let text = render(&record);
        let (found, table) = (text.find("A secret was found").unwrap(), text.find("| Verdict |").unwrap());
        assert!(found < table && text.contains("Not searched for secrets"), "{text}");
    }

    #[test]
    fn names_make_no_markup_and_no_new_cells() {
        let mut record = sample::record();
        record.scenarios[0].name = "a | b <script>\n`x` [y](javascript:z)".to_owned();
        let text = render(&record);
        assert!(text.contains(r"a \| b &lt;script&gt; \`x\` \[y\](javascript:z)"), "{text}");
    }

    #[test]
    fn a_fence_is_longer_than_any_inside() {
        assert_eq!(block("a ``` b"), "````sh\na ``` b\n````\n");
    }
}
