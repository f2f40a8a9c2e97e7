//! Where a fragment is called for: `use` with `with` beside it, taken out of the tree.

use super::super::diagnostic::Diagnostic;
use super::super::mark::Place;
use super::super::node::{Key, Kind, Node, brief};

pub(super) const USE: &str = "use";
pub(super) const WITH: &str = "with";

/// A fragment that is called for.
pub(super) struct Called {
    /// Its path, as it was written.
    pub(super) path: String,
    /// Where that stands.
    pub(super) at: Place,
    /// What is said of its parameters.
    pub(super) with: Vec<(Key, Node)>,
}

/// What a step is.
pub(super) enum Step {
    /// One with a verb of its own, or at least none that uses a fragment.
    Verb,
    /// One that stands for a fragment's.
    Uses(Called),
    /// One that uses a fragment in a way that was reported.
    Wrong,
}

/// The fragments that are used at the top of a file; none in the place of each that was reported to be wrong.
pub(super) fn at_top(entries: &mut Vec<(Key, Node)>, found: &mut Vec<Diagnostic>) -> Vec<Option<Called>> {
    let with = take(entries, WITH);
    let Some((use_key, value)) = take(entries, USE) else {
        return if nothing_beside(with, found) { Vec::new() } else { vec![None] };
    };
    let Kind::Sequence(elements) = value.kind else {
        return vec![one((use_key, value), with, found)];
    };
    if let Some((key, _)) = with {
        found.push(
            Diagnostic::error(key.at, "`with` cannot say to which of several fragments it belongs")
                .label("beside a list of fragments")
                .help("put it into the list: {use: PATH, with: {NAME: VALUE}}"),
        );
        return vec![None];
    }
    elements.into_iter().map(|element| entry(element, found)).collect()
}

/// One entry of a list of fragments.
fn entry(mut element: Node, found: &mut Vec<Diagnostic>) -> Option<Called> {
    let at = element.at;
    match as_step(&mut element, found) {
        Step::Uses(called) => Some(called),
        Step::Wrong => None,
        Step::Verb => {
            found.push(
                Diagnostic::error(at, format!("an entry of `use` must be a fragment, not {}", element.describe()))
                    .label("names no fragment")
                    .help("write it as {use: PATH} or {use: PATH, with: {NAME: VALUE}}"),
            );
            None
        }
    }
}

/// What a step says of fragments.
pub(super) fn as_step(step: &mut Node, found: &mut Vec<Diagnostic>) -> Step {
    let Kind::Mapping(entries) = &mut step.kind else { return Step::Verb };
    let with = take(entries, WITH);
    let Some(path) = take(entries, USE) else {
        return if nothing_beside(with, found) { Step::Verb } else { Step::Wrong };
    };
    if let Some((other, _)) = entries.first() {
        found.push(
            Diagnostic::error(other.at, format!("`{}` cannot stand beside `use`", brief(&other.text)))
                .label("not here")
                .see(path.0.at, "stands for the fragment's own steps")
                .help("make two steps of it, each with its own `- `"),
        );
        return Step::Wrong;
    }
    one(path, with, found).map_or(Step::Wrong, Step::Uses)
}

fn one((use_key, path): (Key, Node), with: Option<(Key, Node)>, found: &mut Vec<Diagnostic>) -> Option<Called> {
    let text = match &path.kind {
        Kind::Scalar { text, .. } if !path.is_null() && !text.trim().is_empty() => text.clone(),
        _ => {
            let at = if path.is_null() { use_key.at } else { path.at };
            found.push(
                Diagnostic::error(at, format!("`use` must be the path of a fragment, not {}", path.describe()))
                    .label("expected a path")
                    .help("write it from the folder of this file on: ../fragments/NAME.yaml"),
            );
            return None;
        }
    };
    let with = match with {
        None => Vec::new(),
        Some((_, Node { kind: Kind::Mapping(entries), .. })) => entries,
        Some((key, other)) => {
            let at = if other.is_null() { key.at } else { other.at };
            found.push(
                Diagnostic::error(at, format!("`with` must be a mapping, not {}", other.describe()))
                    .label("expected the parameters by name")
                    .help("write it as {NAME: VALUE}"),
            );
            return None;
        }
    };
    Some(Called { path: text, at: path.at, with })
}

/// Whether `with` stands where it belongs; else it is reported.
fn nothing_beside(with: Option<(Key, Node)>, found: &mut Vec<Diagnostic>) -> bool {
    let Some((key, _)) = with else { return true };
    found.push(
        Diagnostic::error(key.at, "`with` stands beside `use`, and there is none")
            .label("parameters of no fragment")
            .help("the two go together: use: PATH, with: {NAME: VALUE}"),
    );
    false
}

fn take(entries: &mut Vec<(Key, Node)>, wanted: &str) -> Option<(Key, Node)> {
    let index = entries.iter().position(|(key, _)| key.text == wanted)?;
    Some(entries.remove(index))
}
