//! Examples: the shortest piece of a scenario in which a word stands.

use std::sync::Arc;

use regex::Regex;

use super::Example;
use crate::scenario::mark::Place;
use crate::scenario::{Action, Scenario, Step};

/// Longer pieces show too much beside the word.
const MOST_LINES: usize = 14;

/// A piece of a scenario, from one of its lines on.
struct Piece<'a> {
    scenario: &'a Scenario,
    line: usize,
    text: String,
}

/// The shortest piece in which a word of a family stands.
pub(super) fn of(family: &str, word: &str, scenarios: &[Arc<Scenario>]) -> Option<Example> {
    let pieces = scenarios.iter().flat_map(|scenario| pieces(scenario, family, word));
    let best = pieces.min_by_key(|piece| {
        // The scenarios that a newcomer has seen come first.
        let is_known = piece.scenario.path.starts_with("scenarios/quickstart");
        (piece.text.lines().count() > MOST_LINES, !is_known, piece.text.len())
    })?;
    let place = format!("{}:{}", best.scenario.path.display(), best.line);
    Some(Example { place, text: best.text })
}

fn pieces<'a>(scenario: &'a Scenario, family: &str, word: &str) -> Vec<Piece<'a>> {
    let mut steps = Vec::new();
    walk(&scenario.steps, &mut steps);
    let of_steps = |is_it: &dyn Fn(&Step) -> bool| -> Vec<Place> {
        // An example is a piece of the scenario's own file; what a fragment brings stands elsewhere.
        steps.iter().filter(|step| is_it(step) && step.at.text == 0).map(|step| step.at).collect()
    };
    let places = match family {
        "fault" => of_steps(
            &|step| matches!(&step.action, Action::Fault(fault, _) if fault.one().is_some_and(|it| it.kind() == word)),
        ),
        "expect" => of_steps(
            &|step| matches!(&step.action, Action::Expect(expect, _) if expect.one().is_some_and(|it| it.kind() == word)),
        ),
        "always" => {
            let all = scenario.always.iter();
            all.filter(|it| {
                it.what.one().is_some_and(|one| one.kind() == word) || (word == "cites" && !it.cites.is_empty())
            })
            .map(|it| it.at)
            .filter(|at| at.text == 0)
            .collect()
        }
        "step" if ["use", "with"].contains(&word) => uses(scenario),
        "step" => of_steps(&|_| true),
        "answer" | "cause" | "field" => of_steps(&|step| !matches!(step.action, Action::Fault(..))),
        _ => return top_level(scenario, family, word),
    };
    let pattern = match family {
        "step" => format!(r"(?m)^(- |  ){word}:"),
        "answer" => format!(r"answers:.*\b{word}:"),
        "cause" => format!(r"\brefused: {word}\b"),
        "field" => format!(r"fields:(.|\n)*\b{word}:"),
        _ => format!(r"\b{word}:"),
    };
    matching(scenario, places.into_iter().map(|at| (at.line, item(&scenario.source, at.line))), &pattern)
}

/// Where the scenario's own file uses a fragment.
fn uses(scenario: &Scenario) -> Vec<Place> {
    scenario.sources.iter().filter_map(|text| text.brought.as_ref()).map(|by| by.at).filter(|at| at.text == 0).collect()
}

/// Where a block of the file's top level holds a word.
fn top_level<'a>(scenario: &'a Scenario, family: &str, word: &str) -> Vec<Piece<'a>> {
    let key = match family {
        "scenario" => word,
        "stack" | "vault" => "stack",
        "auth" => "auth",
        "client" => "clients",
        "consumer" => "consumers",
        _ => "engines",
    };
    let begins = format!("{key}:");
    let Some(index) = scenario.source.lines().position(|line| line.starts_with(&begins)) else { return Vec::new() };
    let block = item(&scenario.source, index + 1);
    matching(scenario, std::iter::once((index + 1, block)), &format!(r"\b{word}:"))
}

fn matching<'a>(
    scenario: &'a Scenario,
    pieces: impl Iterator<Item = (usize, String)>,
    pattern: &str,
) -> Vec<Piece<'a>> {
    // A word of the schema has no letter that a pattern would read otherwise.
    let Ok(pattern) = Regex::new(pattern) else { return Vec::new() };
    pieces.filter(|(_, text)| pattern.is_match(text)).map(|(line, text)| Piece { scenario, line, text }).collect()
}

fn walk<'a>(steps: &'a [Step], all: &mut Vec<&'a Step>) {
    for step in steps {
        all.push(step);
        if let Action::Fault(_, Some(during)) = &step.action {
            walk(during, all);
        }
    }
}

/// The lines of an item: the one at which it begins, and all that are further in. Without the space before it.
fn item(source: &str, line: usize) -> String {
    let mut lines = source.lines().skip(line.saturating_sub(1));
    let Some(first) = lines.next() else { return String::new() };
    let indent = |line: &str| line.len() - line.trim_start().len();
    let before = indent(first);
    let rest = lines.take_while(|line| line.trim().is_empty() || indent(line) > before);
    let all: Vec<&str> =
        std::iter::once(first).chain(rest).map(|line| line.get(before..).unwrap_or_default()).collect();
    all.join("\n").trim_end().to_owned()
}
