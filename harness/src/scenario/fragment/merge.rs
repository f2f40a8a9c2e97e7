//! What a fragment brings, added to what stands there. Nothing is overwritten: what stands in both places is an error,
//! since nobody who reads only one of the two would know which holds.

use super::super::diagnostic::Diagnostic;
use super::super::node::{Key, Kind, Node, brief};

/// The one list to which a fragment adds.
const ALWAYS: &str = "always";

/// Adds the parts of a fragment to the top of a file.
pub(super) fn into(file: &mut Vec<(Key, Node)>, parts: Vec<(Key, Node)>, found: &mut Vec<Diagnostic>) {
    for (key, part) in parts {
        let there = file.iter_mut().find(|(other, _)| other.text == key.text);
        match (there, part.kind) {
            (Some((_, Node { kind: Kind::Sequence(all), .. })), Kind::Sequence(more)) if key.text == ALWAYS => {
                all.extend(more);
            }
            (_, kind) => add(file, key, Node { at: part.at, kind }, found),
        }
    }
}

fn add(entries: &mut Vec<(Key, Node)>, key: Key, value: Node, found: &mut Vec<Diagnostic>) {
    let Some((first, there)) = entries.iter_mut().find(|(other, _)| other.text == key.text) else {
        entries.push((key, value));
        return;
    };
    match (&mut there.kind, value.kind) {
        (Kind::Mapping(there), Kind::Mapping(more)) => {
            for (key, value) in more {
                add(there, key, value, found);
            }
        }
        _ => found.push(
            Diagnostic::error(key.at, format!("`{}` is said twice, here and in what uses this", brief(&key.text)))
                .label("brought by the fragment")
                .see(first.at, "stands here already")
                .help("leave it out in one of the two, or make it a parameter of the fragment"),
        ),
    }
}
