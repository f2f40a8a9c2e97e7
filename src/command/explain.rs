//! `leaseproof explain`: what a promise or a word of scenario files means.

use std::fmt::Write as _;

use leaseproof_harness::explain::{self, Explanation, List};
use leaseproof_harness::suite::Exit;

use crate::args::Explain;
use crate::exit::Failure;
use crate::out;
use crate::shipped;

/// Longer lines are no easier to read.
const WIDEST: usize = 100;
/// Terms that are longer stand on a line of their own.
const TERM: usize = 24;

pub(super) fn run(args: &Explain) -> Result<Exit, Failure> {
    let found = explain::explain(&args.topic, &shipped::scenarios()).map_err(Failure::usage)?;
    let texts: Vec<String> = found.iter().map(text).collect();
    out::text(&texts.join("\n"))?;
    Ok(Exit::Held)
}

fn text(explanation: &Explanation) -> String {
    let mut text = format!("{}\n", explanation.title);
    for paragraph in explanation.about.iter().filter(|paragraph| !paragraph.is_empty()) {
        let _ = writeln!(text, "\n{}", wrapped(paragraph, 2));
    }
    for list in &explanation.lists {
        let _ = write!(text, "\n  {}:\n{}", list.heading, entries(list));
    }
    if let Some(example) = &explanation.example {
        let _ = writeln!(text, "\n  Example, from {}:", example.place);
        for line in example.text.lines() {
            let _ = writeln!(text, "{}", format!("    {line}").trim_end());
        }
    }
    text
}

fn entries(list: &List) -> String {
    let mut text = String::new();
    let column = list.entries.iter().map(|(term, _)| term.chars().count()).filter(|width| *width <= TERM).max();
    let column = column.unwrap_or(0);
    for (term, words) in &list.entries {
        if words.is_empty() {
            let _ = writeln!(text, "    - {}", wrapped(term, 6).trim_start());
        } else if term.chars().count() > column {
            let _ = writeln!(text, "    {term}\n{}", wrapped(words, 8));
        } else {
            let words = wrapped(words, column + 6);
            let _ = writeln!(text, "    {term:column$}  {}", words.trim_start());
        }
    }
    text
}

/// A text in lines of the terminal's width, each behind so much space.
fn wrapped(text: &str, indent: usize) -> String {
    let width = terminal_size::terminal_size().map_or(WIDEST, |(width, _)| usize::from(width.0).min(WIDEST));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.len() - 1;
        let used = lines[line].chars().count();
        if used > 0 && indent + used + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if used > 0 {
                lines[line].push(' ');
            }
            lines[line].push_str(word);
        }
    }
    lines.iter().map(|line| format!("{:indent$}{line}", "")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_all_its_words_in_lines_that_fit() {
        let text = "word ".repeat(60);
        let lines = wrapped(&text, 6);
        assert_eq!(lines.split_whitespace().count(), 60);
        assert!(lines.lines().all(|line| line.len() <= WIDEST && line.starts_with("      word")), "{lines}");
    }
}
