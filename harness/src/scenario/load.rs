//! From files to scenarios: finding them, reading them, and saying all that is wrong with each.

use std::path::Path;
use std::sync::Arc;

use super::decode::decode;
use super::diagnostic::{Diagnostic, Style};
use super::file::ScenarioFile;
use super::mark::Place;
use super::node::{self, Key, Kind, Node};
use super::{Scenario, resolve};

/// More diagnostics than this help nobody.
const MOST_SHOWN: usize = 50;

/// What came of loading one file: a scenario, or at least one error.
#[derive(Debug)]
pub struct Loaded {
    /// The scenario, when nothing that was found is an error.
    pub scenario: Option<Scenario>,
    /// Errors and warnings, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The file's text, for drawing them.
    pub source: Arc<str>,
}

impl Loaded {
    /// Whether the file cannot be run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Every diagnostic drawn, with an empty line between two; empty when there is none.
    pub fn render(&self, path: &Path, style: Style) -> String {
        let drawn: Vec<String> = self.diagnostics.iter().map(|d| d.render(path, &self.source, style)).collect();
        drawn.join("\n\n")
    }
}

/// Loads a scenario from a file's bytes. `path` is only named, never read.
pub fn load(path: &Path, bytes: &[u8]) -> Loaded {
    let source: Arc<str> =
        if bytes.len() > node::LARGEST_FILE { "".into() } else { String::from_utf8_lossy(bytes).into() };
    let tree = node::read(bytes);
    let mut diagnostics = tree.found;
    let mut scenario = None;
    if let Some(root) = tree.root {
        let refused = !diagnostics.is_empty();
        let decoded = decode::<ScenarioFile>(root, stand_in);
        diagnostics.extend(decoded.found);
        if let Some(file) = decoded.value {
            let (resolved, found) = resolve::resolve(&file, path, &source, &decoded.lost);
            diagnostics.extend(found);
            scenario = resolved.filter(|_| !refused);
        }
    }
    Loaded { scenario, diagnostics: in_order(diagnostics), source }
}

/// Loads a scenario from text that stands in Rust.
pub fn parse(text: &str) -> Loaded {
    load(Path::new("scenario.yaml"), text.as_bytes())
}

/// Decodes any YAML of leaseproof's own in the way in which scenarios are decoded.
pub(crate) fn decode_text<T: serde::de::DeserializeOwned>(text: &str) -> (Option<T>, Vec<Diagnostic>) {
    let mut tree = node::read(text.as_bytes());
    let decoded = tree.root.map(|root| decode::<T>(root, |_| None));
    let value = decoded.and_then(|decoded| {
        tree.found.extend(decoded.found);
        decoded.value
    });
    (value, tree.found)
}

/// What takes the place of a missing key at the top of a file, so that the rest can be judged.
fn stand_in(field: &str) -> Option<Kind> {
    let at = Place::default();
    match field {
        "name" => Some(Kind::Scalar { text: String::new(), quoted: true }),
        "steps" => Some(Kind::Sequence(Vec::new())),
        "stack" => {
            let vault = (Key { at, text: "vault".to_owned() }, Node { at, kind: Kind::Mapping(Vec::new()) });
            Some(Kind::Mapping(vec![vault]))
        }
        _ => None,
    }
}

/// In the order of the file, each once, and not more than a person reads.
fn in_order(mut all: Vec<Diagnostic>) -> Vec<Diagnostic> {
    all.sort_by_key(|d| (d.at.start, d.at.end));
    all.dedup();
    if all.len() > MOST_SHOWN {
        // Errors first: what is left out must not turn a bad file into a good one.
        all.sort_by_key(|d| !d.is_error());
        let rest = all.len() - MOST_SHOWN;
        all.truncate(MOST_SHOWN);
        all.sort_by_key(|d| (d.at.start, d.at.end));
        if let Some(last) = all.last_mut() {
            let more = format!("{rest} more are not shown: mend these first");
            last.help = Some(last.help.take().map_or(more.clone(), |help| format!("{help}\n{more}")));
        }
    }
    all
}
