//! Parameters of a fragment: what is said of them, what they are when nothing is said, and `${name}`, which stands for one as
//! a whole value, within a text, or as a key.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::super::decode::decode;
use super::super::diagnostic::Diagnostic;
use super::super::file::{FragmentFile, Parameter, ParameterKind};
use super::super::hint::{did_you_mean, list_of};
use super::super::mark::{Marked, Named, Place};
use super::super::node::{Key, Kind, Node, brief};
use super::super::source::{Brought, Sources, Text};
use super::super::word::{Length, Name, Ref};
use super::called::Called;

/// Each parameter's value.
pub(super) type Values = BTreeMap<String, Node>;

/// What each parameter is when nothing is said, as a tree: what it becomes is decided where it stands.
pub(super) fn defaults(head: &[(Key, Node)]) -> Values {
    let below = |entries: &[(Key, Node)], wanted: &str| {
        entries.iter().find(|(key, _)| key.text == wanted).map(|(_, value)| value.clone())
    };
    let Some(Node { kind: Kind::Mapping(parameters), .. }) = below(head, "parameters") else { return Values::new() };
    let default = |(key, value): (Key, Node)| match value.kind {
        Kind::Mapping(entries) => below(&entries, "default").map(|default| (key.text, default)),
        _ => None,
    };
    parameters.into_iter().filter_map(default).collect()
}

/// The value of every parameter; none when one is missing or wrong, which is reported.
pub(super) fn values(
    called: &Called,
    file: &FragmentFile,
    mut values: Values,
    found: &mut Vec<Diagnostic>,
) -> Option<Values> {
    let before = found.len();
    let declared = &file.parameters;
    for (name, parameter) in declared.iter() {
        if let Some(default) = values.get(name.as_str()) {
            found.extend(unfit(name.as_str(), parameter, default));
        }
    }
    for (key, value) in &called.with {
        let Some(parameter) = declared.get(&key.text) else {
            found.push(unknown(key, file));
            continue;
        };
        if value.is_null() {
            found.push(
                Diagnostic::error(key.at, format!("`{}` has no value", brief(&key.text)))
                    .label("nothing is given")
                    .see(parameter.at, "the parameter"),
            );
            continue;
        }
        found.extend(unfit(&key.text, parameter, value));
        values.insert(key.text.clone(), value.clone());
    }
    let given = |name: &str| values.contains_key(name) || called.with.iter().any(|(key, _)| key.text == name);
    for (name, _) in declared.iter().filter(|(name, _)| !given(name.as_str())) {
        found.push(
            Diagnostic::error(called.at, format!("this fragment needs `{}`", name.value))
                .label("not given")
                .see(name.at, "has no default")
                .help(format!("say it beside `use`: with: {{{}: …}}", name.value)),
        );
    }
    (found.len() == before).then_some(values)
}

fn unknown(key: &Key, file: &FragmentFile) -> Diagnostic {
    let names: Vec<&str> = file.parameters.iter().map(|(name, _)| name.as_str()).collect();
    let help = match did_you_mean(&key.text, names.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if names.is_empty() => "it takes none: leave `with` out".to_owned(),
        None => format!("its parameters are {}", list_of(&names)),
    };
    Diagnostic::error(key.at, format!("this fragment has no parameter `{}`", brief(&key.text)))
        .label("not a parameter of it")
        .see(file.fragment.at, "the fragment")
        .help(help)
}

/// What is wrong with a value, when the parameter says what it is.
fn unfit(name: &str, parameter: &Marked<Parameter>, value: &Node) -> Vec<Diagnostic> {
    let Some(is) = parameter.is else { return Vec::new() };
    let found = match is.value {
        ParameterKind::Duration => read_as::<Length>(name, value),
        ParameterKind::Name => read_as::<Name>(name, value),
        ParameterKind::Reference => read_as::<Ref>(name, value),
        ParameterKind::Text => read_as::<String>(name, value),
        ParameterKind::Number => read_as::<i64>(name, value),
        ParameterKind::Boolean => read_as::<bool>(name, value),
    };
    let seen = |error: Diagnostic| error.see(is.at, "what it must be");
    found.into_iter().map(seen).collect()
}

/// Reads a value under its name, so that an error speaks of it.
fn read_as<T: DeserializeOwned>(name: &str, value: &Node) -> Vec<Diagnostic> {
    let entry = (Key { at: value.at, text: name.to_owned() }, value.clone());
    decode::<Named<T>>(Node { at: value.at, kind: Kind::Mapping(vec![entry]) }, |_| None).found
}

/// Fills in the parameters of one fragment.
pub(super) struct Fill<'f> {
    values: &'f Values,
    sources: &'f mut Sources,
    found: &'f mut Vec<Diagnostic>,
    used: BTreeSet<String>,
}

/// A piece of a text.
enum Piece<'t> {
    Text(&'t str),
    Parameter(&'t str),
}

impl<'f> Fill<'f> {
    pub(super) fn new(values: &'f Values, sources: &'f mut Sources, found: &'f mut Vec<Diagnostic>) -> Self {
        Self { values, sources, found, used: BTreeSet::new() }
    }

    /// Fills in everything that a fragment holds; `false` when something is wrong, which is reported.
    pub(super) fn parts(mut self, parts: &mut [(Key, Node)]) -> bool {
        let before = self.found.len();
        for (_, part) in parts {
            self.node(part);
        }
        let is_good = self.found.len() == before;
        if is_good {
            let unused = self.values.iter().filter(|(name, _)| !self.used.contains(*name));
            let warn = |(name, value): (&String, &Node)| {
                Diagnostic::warning(value.at, format!("the parameter `{name}` stands nowhere in its fragment"))
                    .label("changes nothing")
                    .help(format!("write ${{{name}}} where it is meant, or leave it out"))
            };
            self.found.extend(unused.map(warn));
        }
        is_good
    }

    fn node(&mut self, node: &mut Node) {
        match &mut node.kind {
            Kind::Scalar { text, .. } if text.contains("${") => self.scalar(node),
            Kind::Scalar { .. } => {}
            Kind::Sequence(elements) => elements.iter_mut().for_each(|element| self.node(element)),
            Kind::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    if key.text.contains("${")
                        && let Some(text) = self.text(&key.text, key.at)
                    {
                        key.text = text;
                    }
                    self.node(value);
                }
                self.twice(entries);
            }
        }
    }

    /// Keys that are one only when they are filled in.
    fn twice(&mut self, entries: &[(Key, Node)]) {
        for (index, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..index].iter().find(|(other, _)| other.text == key.text) {
                self.found.push(
                    Diagnostic::error(key.at, format!("the key `{}` stands here twice", brief(&key.text)))
                        .label("the second time")
                        .see(first.at, "the first time")
                        .help("give different values to the parameters"),
                );
            }
        }
    }

    fn scalar(&mut self, node: &mut Node) {
        let Kind::Scalar { text, quoted } = &node.kind else { return };
        let (text, quoted) = (text.clone(), *quoted);
        let pieces = match pieces(&text) {
            Ok(pieces) => pieces,
            Err(problem) => return self.found.push(problem.diagnostic(node.at)),
        };
        if let [Piece::Parameter(name)] = pieces.as_slice() {
            if let Some(value) = self.value(name, node.at) {
                *node = self.whole(name, value, node.at);
            }
        } else if let Some(text) = self.text(&text, node.at) {
            node.kind = Kind::Scalar { text, quoted };
        }
    }

    /// A value that stands for itself: it keeps the place where it was given, and tells where it went.
    fn whole(&mut self, name: &str, mut value: Node, at: Place) -> Node {
        let from = value.at;
        let text = self.sources.text(from);
        let brought = Brought { at, how: format!("stands here for ${{{name}}}") };
        let text = Text { path: text.path.clone(), source: text.source.clone(), brought: Some(brought) };
        let text = self.sources.add(text);
        value.each_place(&mut |at| {
            if at.text == from.text {
                at.text = text;
            }
        });
        value
    }

    fn value(&mut self, name: &str, at: Place) -> Option<Node> {
        if let Some(value) = self.values.get(name) {
            self.used.insert(name.to_owned());
            return Some(value.clone());
        }
        let names: Vec<&str> = self.values.keys().map(String::as_str).collect();
        let help = match did_you_mean(name, names.iter().copied()) {
            Some(meant) => format!("did you mean ${{{meant}}}?"),
            None if names.is_empty() => format!("declare it: parameters: {{{name}: {{}}}}"),
            None => format!("its parameters are {}; $${{…}} stands for itself", list_of(&names)),
        };
        self.found.push(
            Diagnostic::error(at, format!("${{{name}}} is no parameter of this fragment"))
                .label("not declared")
                .help(help),
        );
        None
    }

    /// A text with its parameters filled in.
    fn text(&mut self, text: &str, at: Place) -> Option<String> {
        let pieces = match pieces(text) {
            Ok(pieces) => pieces,
            Err(problem) => {
                self.found.push(problem.diagnostic(at));
                return None;
            }
        };
        let mut filled = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Parameter(name) => {
                    let value = self.value(name, at)?;
                    let Kind::Scalar { text, .. } = &value.kind else {
                        self.found.push(
                            Diagnostic::error(at, format!("{} cannot stand within a text", value.describe()))
                                .label(format!("${{{name}}} is one"))
                                .see(value.at, "given here")
                                .help("let it stand alone, or give a single value"),
                        );
                        return None;
                    };
                    filled.push_str(text);
                }
            }
        }
        Some(filled)
    }
}

/// Something between `${` and `}` that is no name.
struct NoName(String);

impl NoName {
    fn diagnostic(&self, at: Place) -> Diagnostic {
        Diagnostic::error(at, format!("`{}` names no parameter", brief(&self.0)))
            .label("begins with ${")
            .help("a parameter is written ${name}; $${ stands for ${ itself")
    }
}

/// A text taken apart. `$${` stands for `${`.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, NoName> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some(open) = rest.find("${") {
        if rest[..open].ends_with('$') {
            // The dollar before it is the mark that this one is meant as it stands.
            pieces.push(Piece::Text(&rest[..open - 1]));
            pieces.push(Piece::Text("${"));
            rest = &rest[open + 2..];
            continue;
        }
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let name = rest[open + 2..].split('}').next().unwrap_or_default();
        let end = open + 2 + name.len() + 1;
        if end > rest.len() || name.parse::<Name>().is_err() {
            return Err(NoName(rest[open..end.min(rest.len())].to_owned()));
        }
        pieces.push(Piece::Parameter(name));
        rest = &rest[end..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}
