//! From the tree to Rust types by serde, with the exact place of every error, and all errors of a file at once: what
//! is wrong is noted and cut out, and the rest is decoded again.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;

use super::diagnostic::Diagnostic;
use super::hint::{did_you_mean, list_of};
use super::mark::Place;
use super::node::{Kind, Node, brief};
use super::reader::Reader;
use super::wrong::{Fault, Wrong};

/// After so many errors the rest of a file is not looked at.
const MOST_ERRORS: usize = 50;

/// What came of decoding.
pub(crate) struct Decoded<T> {
    /// The value; when errors were found, without the parts that are wrong.
    pub(crate) value: Option<T>,
    /// Every error.
    pub(crate) found: Vec<Diagnostic>,
    /// What was cut out.
    pub(crate) lost: Lost,
}

/// What was cut out of a file, so that one mistake is not reported again as its own consequence.
#[derive(Debug, Default)]
pub(crate) struct Lost {
    /// Where a collection begins (in which text, in bytes), and the keys that it has lost or that were meant by what it lost.
    wounds: BTreeMap<(u32, usize), BTreeSet<String>>,
    /// All keys and texts in what was cut out: a name among them may have been declared there.
    words: BTreeSet<String>,
    /// Whether a name was to be given by something that is not even a word: then no name is surely unknown.
    nameless: bool,
    /// Whether a fragment is missing: then nobody knows what it would have declared.
    unknown: bool,
}

/// What tells a collection from all others.
fn start(at: Place) -> (u32, usize) {
    (at.text, at.start)
}

impl Lost {
    /// Notes that a collection lacks what a fragment would have brought: perhaps these keys.
    pub(crate) fn fragment(&mut self, into: Place, keys: &[&str]) {
        self.unknown = true;
        self.wounds.entry(start(into)).or_default().extend(keys.iter().map(|&key| key.to_owned()));
    }

    /// Whether nothing was cut out.
    pub(crate) fn nothing(&self) -> bool {
        self.wounds.is_empty()
    }

    /// Whether the collection that begins there has lost something.
    pub(crate) fn wounded(&self, at: Place) -> bool {
        self.wounds.contains_key(&start(at))
    }

    /// Whether this word stood in something that was cut out, or may have been meant by it.
    pub(crate) fn word(&self, word: &str) -> bool {
        self.unknown || self.words.contains(word)
    }

    /// Whether something of that name may have been declared in what was cut out.
    pub(crate) fn name(&self, name: &str) -> bool {
        self.nameless || self.word(name)
    }

    fn note(&mut self, collection: &Node, key: Option<&str>, meant: Option<String>, cut: &Node) {
        let names = |key: &str| matches!(key, "as" | "session" | "keeps" | "keeps_token");
        self.nameless |= (key.is_some_and(names) || meant.as_deref().is_some_and(names))
            && (cut.is_null() || !matches!(cut.kind, Kind::Scalar { .. }));
        self.words.extend(meant.clone());
        let wounds = self.wounds.entry(start(collection.at)).or_default();
        wounds.extend(meant);
        if let Some(key) = key {
            wounds.insert(key.to_owned());
            self.words.insert(key.to_owned());
        }
        self.learn(cut);
    }

    fn learn(&mut self, node: &Node) {
        match &node.kind {
            Kind::Scalar { text, .. } => {
                self.words.insert(text.clone());
            }
            Kind::Sequence(elements) => elements.iter().for_each(|element| self.learn(element)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    self.words.insert(key.text.clone());
                    self.learn(value);
                }
            }
        }
    }
}

/// Decodes a tree from which nothing was lost before. `stand_in` gives what takes the place of a missing key of the root,
/// so that the rest can be judged.
pub(crate) fn decode<T: DeserializeOwned>(root: Node, stand_in: impl Fn(&str) -> Option<Kind>) -> Decoded<T> {
    decode_rest(root, stand_in, Lost::default())
}

/// Decodes what is left of a tree.
pub(crate) fn decode_rest<T: DeserializeOwned>(
    mut root: Node,
    stand_in: impl Fn(&str) -> Option<Kind>,
    mut lost: Lost,
) -> Decoded<T> {
    let mut found = Vec::new();
    let value = loop {
        match T::deserialize(Reader::new(&root)) {
            Ok(value) => break Some(value),
            Err(wrong) => {
                if !wrong.follows_from(&root, &lost) {
                    found.push(wrong.diagnostic(&root));
                }
                if found.len() >= MOST_ERRORS || !cut(&mut root, &wrong, &mut lost, &stand_in) {
                    break None;
                }
            }
        }
    };
    Decoded { value, found, lost }
}

/// Cuts out what is wrong; `false` when nothing would be left.
fn cut(root: &mut Node, wrong: &Wrong, lost: &mut Lost, stand_in: &impl Fn(&str) -> Option<Kind>) -> bool {
    let Some((index, way)) = wrong.path.split_first() else {
        return replace_missing(root, wrong, lost, stand_in);
    };
    let Some(parent) = follow_mut(root, way) else { return false };
    let meant = wrong.meant();
    let whole = parent.clone_shallow();
    match &mut parent.kind {
        Kind::Mapping(entries) if *index < entries.len() => {
            let (key, value) = entries.remove(*index);
            lost.note(&whole, Some(&key.text), meant, &value);
            true
        }
        Kind::Sequence(elements) if *index < elements.len() => {
            let element = elements.remove(*index);
            lost.note(&whole, None, None, &element);
            true
        }
        _ => false,
    }
}

fn replace_missing(root: &mut Node, wrong: &Wrong, lost: &mut Lost, stand_in: &impl Fn(&str) -> Option<Kind>) -> bool {
    let (Fault::Missing { field }, at) = (&wrong.fault, root.at) else { return false };
    let whole = root.clone_shallow();
    let (Some(kind), Kind::Mapping(entries)) = (stand_in(field), &mut root.kind) else { return false };
    let value = Node { at, kind };
    lost.note(&whole, Some(field), None, &value);
    entries.push((super::node::Key { at, text: (*field).to_owned() }, value));
    true
}

fn follow_mut<'n>(root: &'n mut Node, way: &[usize]) -> Option<&'n mut Node> {
    way.iter().rev().try_fold(root, |node, index| match &mut node.kind {
        Kind::Mapping(entries) => entries.get_mut(*index).map(|(_, value)| value),
        Kind::Sequence(elements) => elements.get_mut(*index),
        Kind::Scalar { .. } => None,
    })
}

fn follow<'n>(root: &'n Node, way: &[usize]) -> Option<&'n Node> {
    way.iter().rev().try_fold(root, |node, index| match &node.kind {
        Kind::Mapping(entries) => entries.get(*index).map(|(_, value)| value),
        Kind::Sequence(elements) => elements.get(*index),
        Kind::Scalar { .. } => None,
    })
}

impl Node {
    /// The place alone: enough to note a wound.
    fn clone_shallow(&self) -> Node {
        Node { at: self.at, kind: Kind::Sequence(Vec::new()) }
    }
}

impl Wrong {
    /// The key that was probably meant by an unknown one.
    fn meant(&self) -> Option<String> {
        match &self.fault {
            Fault::UnknownKey { key, known } => did_you_mean(key, known.iter().copied()).map(str::to_owned),
            _ => None,
        }
    }

    /// Whether a key is missing only because it was cut out before.
    fn follows_from(&self, root: &Node, lost: &Lost) -> bool {
        let Fault::Missing { field } = &self.fault else { return false };
        follow(root, &self.path)
            .and_then(|mapping| lost.wounds.get(&start(mapping.at)))
            .is_some_and(|wounds| wounds.contains(*field))
    }

    fn diagnostic(&self, root: &Node) -> Diagnostic {
        let at = self.at.unwrap_or(root.at);
        let of = |what: &str| match (&self.subject, self.element) {
            (None, _) => what.to_owned(),
            (Some(key), true) if key == "steps" || key == "during" => "a step".to_owned(),
            (Some(key), true) => format!("an entry of `{}`", brief(key)),
            (Some(key), false) => format!("`{}`", brief(key)),
        };
        match &self.fault {
            Fault::UnknownKey { key, known } => Diagnostic::error(at, format!("unknown key `{}`", brief(key)))
                .label(format!("not a key of {}", of("a scenario")))
                .maybe_help(Some(known_words(key, known, "the keys that may stand here are"))),
            Fault::UnknownWord { word, known } => {
                Diagnostic::error(at, format!("{} cannot be `{}`", of("this"), brief(word)))
                    .label("not a word that is known here")
                    .maybe_help(Some(known_words(word, known, "the words that may stand here are")))
            }
            Fault::Missing { field } => Diagnostic::error(at, format!("{} needs `{field}`", of("a scenario")))
                .label(format!("`{field}` is missing here")),
            Fault::Type { expected, found, help } if found == "nothing" => {
                Diagnostic::error(at, format!("{} has no value", of("this")))
                    .label(format!("expected {expected}"))
                    .maybe_help(help.clone())
            }
            Fault::Type { expected, found, help } => {
                Diagnostic::error(at, format!("{} must be {expected}, not {found}", of("a scenario")))
                    .label(format!("expected {expected}"))
                    .maybe_help(help.clone())
            }
            Fault::Word(message) => word_diagnostic(at, &of("this"), message),
        }
    }
}

/// A word's own error reads `what is wrong: how to write it`; the second half is the help.
fn word_diagnostic(at: Place, of: &str, message: &str) -> Diagnostic {
    match message.split_once(": ") {
        Some((wrong, help)) => Diagnostic::error(at, format!("{of}: {wrong}")).label("cannot be read").help(help),
        None => Diagnostic::error(at, format!("{of}: {message}")).label("cannot be read"),
    }
}

fn known_words(word: &str, known: &[&'static str], introduction: &str) -> String {
    const FEW: usize = 8;
    let list = list_of(known);
    let all = if list.len() > 60 { format!("{introduction}\n{list}") } else { format!("{introduction} {list}") };
    match did_you_mean(word, known.iter().copied()) {
        Some(meant) if known.len() > FEW => format!("did you mean `{meant}`?"),
        Some(meant) => format!("did you mean `{meant}`? {all}"),
        None => all,
    }
}
