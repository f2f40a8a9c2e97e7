//! GitHub Actions: remarks at lines of files, and the page of a job.

use std::fs::OpenOptions;
use std::io::{self, Write as _};

use leaseproof_harness::report::annotation::{Annotation, Weight, annotations};
use leaseproof_harness::report::record::Record;
use leaseproof_harness::report::summary;
use leaseproof_harness::scenario::Diagnostic;

/// GitHub shows ten of a kind for each step; a log of hundreds helps nobody.
const MOST: usize = 30;
/// GitHub takes no more of a page.
const LARGEST_PAGE: usize = 1024 * 1024;

/// Whether this is a job of GitHub Actions.
pub(crate) fn is_here() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// The remarks of a run, a line each.
pub(crate) fn remarks(record: &Record) -> Vec<String> {
    annotations(record).iter().take(MOST).map(remark).collect()
}

fn remark(it: &Annotation) -> String {
    let command = match it.weight {
        Weight::Error => "error",
        Weight::Warning => "warning",
    };
    let line = if it.line > 0 { format!(",line={}", it.line) } else { String::new() };
    format!("::{command} file={}{line},title={}::{}", property(&it.file), property(&it.title), message(&it.message))
}

/// What is wrong with a scenario file, as a remark.
pub(crate) fn diagnostic(file: &str, it: &Diagnostic) -> String {
    let help = it.help.as_ref().map_or_else(String::new, |help| format!("\n{help}"));
    let text = message(&format!("{}{help}", it.message));
    format!("::{} file={},line={},col={}::{text}", it.severity, property(file), it.at.line, it.at.column)
}

/// Adds the summary of a run to the job's page, where GitHub names one.
pub(crate) fn add_summary(record: &Record) -> io::Result<()> {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return Ok(()) };
    let mut page = OpenOptions::new().append(true).create(true).open(path)?;
    let room = LARGEST_PAGE.saturating_sub(usize::try_from(page.metadata()?.len()).unwrap_or(LARGEST_PAGE));
    page.write_all(cut(&summary(record), room).as_bytes())
}

/// As much of a page as there is room for, in whole lines.
fn cut(text: &str, room: usize) -> String {
    const REST: &str = "\n\nThe rest stands in summary.md of the report.\n";
    if text.len() <= room {
        return text.to_owned();
    }
    let most = room.saturating_sub(REST.len());
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').unwrap_or(0);
    if end == 0 { String::new() } else { format!("{}{REST}", &text[..end]) }
}

/// A message as GitHub's commands want it.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command: commas and colons would end it.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_is_one_line_in_which_nothing_ends_it_early() {
        let it = Annotation {
            weight: Weight::Error,
            file: "a,b:c.yaml".to_owned(),
            line: 7,
            title: "violated: 100%".to_owned(),
            message: "expected\nseen: 50%".to_owned(),
        };
        let line = remark(&it);
        assert_eq!(line, "::error file=a%2Cb%3Ac.yaml,line=7,title=violated%3A 100%25::expected%0Aseen: 50%25");
        let whole = Annotation { weight: Weight::Warning, line: 0, ..it };
        assert!(remark(&whole).starts_with("::warning file=a%2Cb%3Ac.yaml,title="), "{}", remark(&whole));
    }

    #[test]
    fn a_page_without_room_ends_at_a_line_and_says_where_the_rest_is() {
        let text = "one ü\ntwo\n".repeat(50);
        let page = cut(&text, 200);
        assert!(page.len() <= 200 && page.contains("summary.md") && page.starts_with("one ü\ntwo\n"), "{page}");
        assert_eq!(cut(&text, 10_000), text);
        assert_eq!(cut(&text, 0), "");
    }
}
