//! From files to scenarios: finding them, reading them, and saying all that is wrong with each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::decode::{decode, decode_rest};
use super::diagnostic::{Diagnostic, Style};
use super::file::ScenarioFile;
use super::fragment::{self, Disk, Shelf, Whole};
use super::mark::Place;
use super::node::{self, Key, Kind, Node};
use super::source::Sources;
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
    /// The texts of the file and of its fragments, for drawing them.
    pub sources: Sources,
    /// The files of all fragments that it uses, those too that are not there.
    pub fragments: BTreeSet<PathBuf>,
}

impl Loaded {
    /// Whether the file cannot be run.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Every diagnostic drawn, with an empty line between two; empty when there is none.
    pub fn render(&self, style: Style) -> String {
        let drawn: Vec<String> = self.diagnostics.iter().map(|d| d.draw(&self.sources, style)).collect();
        drawn.join("\n\n")
    }
}

/// Loads a scenario from a file's bytes. `path` is only named, never read; the fragments that it uses are read from the disk.
pub fn load(path: &Path, bytes: &[u8]) -> Loaded {
    load_with(path, bytes, &Disk)
}

/// Loads a scenario whose fragments lie elsewhere.
pub fn load_with(path: &Path, bytes: &[u8], shelf: &dyn Shelf) -> Loaded {
    let sources = Sources::of_file(path, node::shown(bytes));
    let tree = node::read(bytes);
    let mut loaded = Loaded { scenario: None, diagnostics: tree.found, sources, fragments: BTreeSet::new() };
    if let Some(root) = tree.root {
        match fragment_at(&root) {
            Some(at) => loaded.diagnostics.push(not_alone(at)),
            None => loaded.rest(&root, shelf),
        }
    }
    loaded.diagnostics = in_order(loaded.diagnostics, &loaded.sources);
    loaded
}

impl Loaded {
    /// What is to be found behind the tree of the file.
    fn rest(&mut self, root: &Node, from: &dyn Shelf) {
        let own = self.sources.clone();
        let (scenario, mut whole) = with_room(|| judged(root.clone(), own.clone(), from));
        self.diagnostics.append(&mut whole.found);
        (self.sources, self.fragments) = (whole.sources, whole.fragments);
        self.scenario = scenario.filter(|_| !self.has_errors());
    }
}

/// What a tree means, with its fragments.
fn judged(root: Node, own: Sources, shelf: &dyn Shelf) -> (Option<Scenario>, Whole) {
    let mut whole = fragment::bring(root, own, shelf);
    let Some(root) = whole.root.take() else { return (None, whole) };
    let decoded = decode_rest::<ScenarioFile>(root, stand_in, std::mem::take(&mut whole.lost));
    whole.found.extend(decoded.found);
    let Some(file) = decoded.value else { return (None, whole) };
    let (scenario, found) = resolve::resolve(&file, &whole.sources, &decoded.lost);
    whole.found.extend(found);
    (scenario, whole)
}

/// Does something that calls itself for each level of a tree. serde's frames are large in a build without optimising, and a
/// thread of tests or of tokio has 2 MiB for them.
fn with_room<T: Send>(work: impl Fn() -> T + Sync) -> T {
    const ROOM: usize = 32 << 20; // of addresses; the system gives memory only for what is touched
    std::thread::scope(|scope| match std::thread::Builder::new().stack_size(ROOM).spawn_scoped(scope, &work) {
        Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        // A machine that gives no thread may still have the room here.
        Err(_) => work(),
    })
}

/// Where a file says that it is a fragment.
fn fragment_at(root: &Node) -> Option<Place> {
    let Kind::Mapping(entries) = &root.kind else { return None };
    entries.iter().find(|(key, _)| key.text == "fragment").map(|(key, _)| key.at)
}

fn not_alone(at: Place) -> Diagnostic {
    Diagnostic::error(at, "this file is a fragment, which cannot run alone")
        .label("says that it is one")
        .help("name the scenarios that use it, or their folder: what is wrong in it is shown there")
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

/// In the order of the file, each once, and not more than a person reads. What a fragment brings stands where it is used.
fn in_order(mut all: Vec<Diagnostic>, sources: &Sources) -> Vec<Diagnostic> {
    let order = |d: &Diagnostic| (sources.in_own(d.at).start, d.at.text, d.at.start, d.at.end);
    all.sort_by_key(order);
    all.dedup();
    // What is wrong in a fragment is wrong wherever it is used; once will do.
    let mut seen = BTreeSet::new();
    all.retain(|d| {
        let text = sources.text(d.at);
        text.brought.is_none() || seen.insert((text.path.clone(), d.at.start, d.message.clone()))
    });
    if all.len() > MOST_SHOWN {
        // Errors first: what is left out must not turn a bad file into a good one.
        all.sort_by_key(|d| !d.is_error());
        let rest = all.len() - MOST_SHOWN;
        all.truncate(MOST_SHOWN);
        all.sort_by_key(order);
        if let Some(last) = all.last_mut() {
            let more = format!("{rest} more are not shown: mend these first");
            last.help = Some(last.help.take().map_or(more.clone(), |help| format!("{help}\n{more}")));
        }
    }
    all
}
