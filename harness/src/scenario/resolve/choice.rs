//! Mappings in which exactly one of several keys may stand: a step's verb, a fault's kind, what is revoked.

use super::super::decode::Lost;
use super::super::diagnostic::Diagnostic;
use super::super::hint::list_of;
use super::super::mark::{Marked, Place};

/// A key that may stand in a mapping, and the place of its value when it does.
pub(super) type Given = (&'static str, Option<Place>);

/// Where an optional value stands.
pub(super) fn place<T>(value: Option<&Marked<T>>) -> Option<Place> {
    value.map(|value| value.at)
}

/// Lists keys with the places of their values: `given!(renew; lease, token)`.
macro_rules! given {
    ($of:expr; $($field:ident),* $(,)?) => {
        [$((stringify!($field), $crate::scenario::resolve::choice::place($of.$field.as_ref()))),*]
    };
}
pub(super) use given;

/// The one key that stands; reports none and several. A mapping that lost something by an error is not judged.
pub(super) fn exactly_one(
    what: &str,
    at: Place,
    given: &[Given],
    lost: &Lost,
    found: &mut Vec<Diagnostic>,
) -> Option<&'static str> {
    let mut standing = given.iter().filter_map(|(key, at)| at.map(|at| (*key, at)));
    let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
    let Some((first, first_at)) = standing.next() else {
        if !lost.wounded(at) {
            found.push(
                Diagnostic::error(at, format!("{what} needs one of its keys"))
                    .label("none of them stands here")
                    .help(format!("exactly one of {}", list_of(&keys))),
            );
        }
        return None;
    };
    let rest: Vec<_> = standing.collect();
    let Some((second, second_at)) = rest.first().copied() else { return Some(first) };
    let mut error =
        Diagnostic::error(second_at, format!("`{first}` and `{second}` cannot stand in one {}", noun_only(what)))
            .label(format!("`{second}`"))
            .see(first_at, format!("`{first}`"))
            .help(match what {
                "a step" => "make two steps of it, each with its own `- `".to_owned(),
                _ => format!("exactly one of {} may stand here", list_of(&keys)),
            });
    for (key, at) in &rest[1..] {
        error = error.see(*at, format!("`{key}`"));
    }
    found.push(error);
    None
}

/// Reports a mapping that says nothing.
pub(super) fn at_least_one(what: &str, at: Place, given: &[Given], lost: &Lost, found: &mut Vec<Diagnostic>) {
    if given.iter().any(|(_, at)| at.is_some()) || lost.wounded(at) {
        return;
    }
    let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
    found.push(
        Diagnostic::error(at, format!("{what} asserts nothing, so it could not fail"))
            .label("nothing is asserted here")
            .help(format!("say at least one of {}", list_of(&keys))),
    );
}

fn noun_only(what: &str) -> &str {
    what.strip_prefix("a ").or_else(|| what.strip_prefix("an ")).unwrap_or(what)
}
