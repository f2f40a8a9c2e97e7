//! Fragments: what `use` stands for takes its place in the tree, before anything is decoded, and every key and value keeps
//! the place where it was written. So all that is checked of a scenario is checked of its fragments too.

mod called;
mod merge;
mod parameter;
mod shelf;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::called::Called;
pub use self::shelf::{Disk, Shelf, is_fragment};
use super::decode::{Lost, decode};
use super::diagnostic::Diagnostic;
use super::file::FragmentFile;
use super::hint::list_of;
use super::mark::Place;
use super::node::{self, DEEPEST, Key, Kind, MOST_NODES, Node};
use super::source::{Brought, Sources, Text};

/// Fragments that use fragments that use fragments: deeper than this nobody finds through them.
const DEEPEST_USE: usize = 8;
/// More `use`s than this are one that multiplies.
const MOST_USES: usize = 200;
/// What a fragment that is used at the top of a file may hold.
const SETUP: [&str; 6] = ["stack", "engines", "auth", "policies", "clients", "always"];
/// What one that is used as a step may hold.
const STEPS: &str = "steps";

/// A scenario's tree with all that its fragments bring.
pub(super) struct Whole {
    /// The tree; none when it is no tree that anybody should walk.
    pub(super) root: Option<Node>,
    pub(super) found: Vec<Diagnostic>,
    pub(super) lost: Lost,
    pub(super) sources: Sources,
    /// Every fragment that was looked for, there or not.
    pub(super) fragments: BTreeSet<PathBuf>,
}

/// Puts what the fragments hold into the tree of a scenario.
pub(super) fn bring(mut root: Node, sources: Sources, shelf: &dyn Shelf) -> Whole {
    let (found, lost, fragments) = (Vec::new(), Lost::default(), BTreeSet::new());
    let mut bringer = Bringer { shelf, sources, found, lost, fragments, uses: 0, nodes: 0 };
    bringer.setup(&mut root, &[]);
    let owner = root.at;
    if let Some(steps) = value_mut(&mut root, STEPS) {
        bringer.steps(steps, owner, &[]);
    }
    let Bringer { sources, mut found, lost, fragments, .. } = bringer;
    // The file alone was measured when it was read; with its fragments it may reach deeper.
    let too_deep = too_deep(&root, 0);
    found.extend(too_deep.map(|at| *node::too_deep(at)));
    Whole { root: Some(root).filter(|_| too_deep.is_none()), found, lost, sources, fragments }
}

fn too_deep(node: &Node, depth: usize) -> Option<Place> {
    if depth > DEEPEST {
        return Some(node.at);
    }
    match &node.kind {
        Kind::Scalar { .. } => None,
        Kind::Sequence(elements) => elements.iter().find_map(|element| too_deep(element, depth + 1)),
        Kind::Mapping(entries) => entries.iter().find_map(|(_, value)| too_deep(value, depth + 1)),
    }
}

struct Bringer<'s> {
    shelf: &'s dyn Shelf,
    sources: Sources,
    found: Vec<Diagnostic>,
    lost: Lost,
    fragments: BTreeSet<PathBuf>,
    uses: usize,
    nodes: usize,
}

/// As what a fragment is used.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Setup,
    Steps,
}

impl Bringer<'_> {
    /// Adds to a file's top what the fragments hold that it uses there.
    fn setup(&mut self, file: &mut Node, way: &[PathBuf]) {
        let owner = file.at;
        let Kind::Mapping(entries) = &mut file.kind else { return };
        for called in called::at_top(entries, &mut self.found) {
            match called.and_then(|called| self.fragment(&called, Part::Setup, way)) {
                Some(parts) => merge::into(entries, parts, &mut self.found),
                None => self.lost.fragment(owner, &SETUP),
            }
        }
    }

    /// Puts a fragment's steps in the place of each step that uses one.
    fn steps(&mut self, list: &mut Node, owner: Place, way: &[PathBuf]) {
        let Kind::Sequence(steps) = &mut list.kind else { return };
        let mut all = Vec::with_capacity(steps.len());
        for mut step in std::mem::take(steps) {
            let at = step.at;
            if let Some(during) = value_mut(&mut step, "during") {
                self.steps(during, at, way);
            }
            match called::as_step(&mut step, &mut self.found) {
                called::Step::Verb => all.push(step),
                called::Step::Wrong => self.lost.fragment(owner, &[]),
                called::Step::Uses(called) => match self.used_steps(&called, owner, way) {
                    Some(steps) => all.extend(steps),
                    None => self.lost.fragment(owner, &[]),
                },
            }
        }
        *steps = all;
    }

    fn used_steps(&mut self, called: &Called, owner: Place, way: &[PathBuf]) -> Option<Vec<Node>> {
        let parts = self.fragment(called, Part::Steps, way)?;
        let (_, mut steps) = parts.into_iter().find(|(key, _)| key.text == STEPS)?;
        let mut way = way.to_vec();
        way.push(self.path_of(called));
        self.steps(&mut steps, owner, &way);
        if let Kind::Sequence(steps) = steps.kind {
            return Some(steps);
        }
        let found = steps.describe();
        self.found.push(
            Diagnostic::error(steps.at, format!("`steps` must be a list, not {found}"))
                .label("expected a list")
                .help("a list is written with `- ` before each step"),
        );
        None
    }

    /// What a fragment holds, with its parameters filled in and its own fragments brought.
    fn fragment(&mut self, called: &Called, part: Part, way: &[PathBuf]) -> Option<Vec<(Key, Node)>> {
        let path = self.path_of(called);
        let error = self.refused(called, &path, way);
        if let Some(error) = error {
            self.found.push(error);
            return None;
        }
        self.uses += 1;
        self.fragments.insert(path.clone());
        let root = self.read(called, &path)?;
        let at = root.at;
        let mut parts = self.opened(called, root)?;
        if let Some(error) = misused(called, part, &parts) {
            self.found.push(error);
            return None;
        }
        let mut whole = Node { at, kind: Kind::Mapping(std::mem::take(&mut parts)) };
        if part == Part::Setup {
            let mut way = way.to_vec();
            way.push(path);
            self.setup(&mut whole, &way);
        }
        match whole.kind {
            Kind::Mapping(parts) => Some(parts),
            _ => None,
        }
    }

    /// Where the fragment lies: its path begins at the folder of the file that names it.
    fn path_of(&self, called: &Called) -> PathBuf {
        let user = &self.sources.text(called.at).path;
        shelf::clean(&user.parent().unwrap_or(Path::new("")).join(&called.path))
    }

    /// Why a fragment cannot be used here, as far as that is known without looking at it.
    fn refused(&self, called: &Called, path: &Path, way: &[PathBuf]) -> Option<Diagnostic> {
        if Path::new(&called.path).is_absolute() || called.path.contains("://") {
            return Some(
                Diagnostic::error(called.at, "the path of a fragment begins at the folder of this file")
                    .label("not a relative path")
                    .help("write it as ../fragments/NAME.yaml, so that it is found on every machine"),
            );
        }
        if let Some(first) = way.iter().position(|file| file == path) {
            let mut round: Vec<String> = way[first..].iter().map(|file| file.display().to_string()).collect();
            round.push(path.display().to_string());
            return Some(
                Diagnostic::error(called.at, format!("the fragment {} uses itself", path.display()))
                    .label("used here again")
                    .help(format!("the way round: {}", round.join(" uses "))),
            );
        }
        if way.len() >= DEEPEST_USE {
            return Some(
                Diagnostic::error(called.at, format!("fragments use each other more than {DEEPEST_USE} deep"))
                    .label("not looked into")
                    .help("let the scenario use what lies deep by itself"),
            );
        }
        (self.uses >= MOST_USES).then(|| {
            Diagnostic::error(called.at, format!("the scenario uses more than {MOST_USES} fragments"))
                .label("reading ends here")
                .help("look for a fragment that uses another many times, which does so too")
        })
    }

    /// The tree of a fragment's file.
    fn read(&mut self, called: &Called, path: &Path) -> Option<Node> {
        let bytes = match self.shelf.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.found.push(shelf::unreadable(called, path, &error, self.shelf));
                return None;
            }
        };
        let source = node::shown(&bytes);
        let brought = Brought { at: called.at, how: "used here".to_owned() };
        let text = self.sources.add(Text { path: path.to_owned(), source, brought: Some(brought) });
        let tree = node::read_another(&bytes, text);
        let is_whole = tree.found.is_empty();
        self.found.extend(tree.found);
        let mut root = tree.root.filter(|_| is_whole)?;
        root.each_place(&mut |_| self.nodes += 1);
        if self.nodes > MOST_NODES {
            self.found.push(
                Diagnostic::error(called.at, format!("the fragments hold more than {MOST_NODES} keys and values"))
                    .label("reading ends here")
                    .help("split the scenario into several"),
            );
            return None;
        }
        Some(root)
    }

    /// What a fragment holds, without its head and with its parameters filled in.
    fn opened(&mut self, called: &Called, root: Node) -> Option<Vec<(Key, Node)>> {
        let at = root.at;
        let entries = match root.kind {
            Kind::Mapping(entries) if entries.iter().any(|(key, _)| key.text == "fragment") => entries,
            _ => {
                self.found.push(no_fragment(called));
                return None;
            }
        };
        let is_part = |key: &str| SETUP.contains(&key) || [STEPS, called::USE, called::WITH].contains(&key);
        let (mut parts, head): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(key, _)| is_part(&key.text));
        let declared = parameter::defaults(&head);
        let decoded = decode::<FragmentFile>(Node { at, kind: Kind::Mapping(head) }, |_| None);
        let is_whole = decoded.found.is_empty();
        // The decoder knows the top of a file as a scenario's.
        let of_fragment = |text: &str| text.replace("a scenario", "a fragment");
        self.found.extend(decoded.found.into_iter().map(|it| Diagnostic {
            message: of_fragment(&it.message),
            label: of_fragment(&it.label),
            ..it
        }));
        let file = decoded.value.filter(|_| is_whole)?;
        let values = parameter::values(called, &file, declared, &mut self.found)?;
        parameter::Fill::new(&values, &mut self.sources, &mut self.found).parts(&mut parts).then_some(parts)
    }
}

fn value_mut<'n>(mapping: &'n mut Node, wanted: &str) -> Option<&'n mut Node> {
    let Kind::Mapping(entries) = &mut mapping.kind else { return None };
    entries.iter_mut().find(|(key, _)| key.text == wanted).map(|(_, value)| value)
}

fn no_fragment(called: &Called) -> Diagnostic {
    Diagnostic::error(called.at, format!("`{}` is no fragment", node::brief(&called.path)))
        .label("no `fragment` stands at the top of that file")
        .help("a fragment begins with `fragment:` and one sentence that says what it brings")
}

/// What is wrong with using such a fragment there.
fn misused(called: &Called, part: Part, parts: &[(Key, Node)]) -> Option<Diagnostic> {
    let holds = |is_it: &dyn Fn(&str) -> bool| parts.iter().find(|(key, _)| is_it(&key.text)).map(|(key, _)| key);
    let steps = holds(&|key| key == STEPS);
    let other = holds(&|key| key != STEPS);
    let error = |message: &str| Diagnostic::error(called.at, message.to_owned());
    match (steps, other) {
        (None, None) => Some(
            error("this fragment brings nothing")
                .label("nothing in it")
                .help(format!("it holds either `{STEPS}`, or some of {}", list_of(&SETUP))),
        ),
        (Some(steps), Some(other)) => Some(
            Diagnostic::error(other.at, format!("a fragment with `{STEPS}` cannot have `{}` too", other.text))
                .label("happens before the first step")
                .see(steps.at, "happen where the fragment is used")
                .help("make two fragments of it: one for the top of a scenario, one for its steps"),
        ),
        (Some(steps), None) if part == Part::Setup => Some(
            error("a fragment with `steps` is used as a step")
                .label("used at the top of the file")
                .see(steps.at, "its steps")
                .help(format!("write `- use: {}` among the steps, where they are to happen", called.path)),
        ),
        (None, Some(other)) if part == Part::Steps => Some(
            error(&format!("a fragment with `{}` is used at the top of the file", other.text))
                .label("used as a step")
                .see(other.at, "happens before the first step")
                .help(format!("write `use: {}` at the top of the file", called.path)),
        ),
        _ => None,
    }
}
