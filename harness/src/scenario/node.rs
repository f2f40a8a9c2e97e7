//! YAML text as a tree in which every key and every value knows its place. The only file that knows the parser.

use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::diagnostic::Diagnostic;
use super::mark::Place;

/// Larger files are not read: no scenario that a person can follow comes near.
pub(crate) const LARGEST_FILE: usize = 1024 * 1024;
/// Deeper nesting is not read.
pub(super) const DEEPEST: usize = 40;
/// More keys and values are not read.
pub(super) const MOST_NODES: usize = 50_000;

/// A value and its place. A block mapping's place is its first key; no place reaches past the end of its line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Place,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    /// Text. Unquoted text may mean a number, a boolean or nothing; who reads it decides.
    Scalar { text: String, quoted: bool },
    /// Keys and values in the order of the file; no key stands twice.
    Mapping(Vec<(Key, Node)>),
    /// Elements in order.
    Sequence(Vec<Node>),
}

/// A key and its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) at: Place,
    pub(crate) text: String,
}

impl Node {
    /// Whether nothing stands here: `key:` or `key: null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Scalar { text, quoted: false } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Visits the place of every key and value.
    pub(crate) fn each_place(&mut self, visit: &mut impl FnMut(&mut Place)) {
        visit(&mut self.at);
        match &mut self.kind {
            Kind::Scalar { .. } => {}
            Kind::Sequence(elements) => elements.iter_mut().for_each(|element| element.each_place(visit)),
            Kind::Mapping(entries) => {
                for (key, value) in entries {
                    visit(&mut key.at);
                    value.each_place(visit);
                }
            }
        }
    }

    /// What this is, in words, for messages.
    pub(crate) fn describe(&self) -> String {
        match &self.kind {
            Kind::Mapping(_) => "a mapping".to_owned(),
            Kind::Sequence(_) => "a list".to_owned(),
            Kind::Scalar { .. } if self.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("`{}`", brief(text)),
        }
    }
}

/// A text as it may stand in a message: short, on one line, without control characters.
pub(crate) fn brief(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut short: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    short = short.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(LONGEST).is_some() {
        short.push('…');
    }
    short
}

/// What came of reading: a tree unless the text is no YAML that may stand here, and everything wrong with it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: Option<Node>,
    pub(crate) found: Vec<Diagnostic>,
}

/// Reads a file's bytes.
pub(crate) fn read(bytes: &[u8]) -> Tree {
    let mut found = Vec::new();
    let root = match text_of(bytes).and_then(|text| tree(text, &mut found)) {
        Ok(root) => Some(root),
        Err(fatal) => {
            found.push(*fatal);
            None
        }
    };
    Tree { root, found }
}

/// The text of a file, for drawing; nothing of one that is too large to be read.
pub(crate) fn shown(bytes: &[u8]) -> std::sync::Arc<str> {
    if bytes.len() > LARGEST_FILE { "".into() } else { String::from_utf8_lossy(bytes).into() }
}

/// Reads the bytes of another file than the scenario's own: every place says in which text it lies.
pub(crate) fn read_another(bytes: &[u8], text: u32) -> Tree {
    let mut tree = read(bytes);
    if let Some(root) = &mut tree.root {
        root.each_place(&mut |at| at.text = text);
    }
    for diagnostic in &mut tree.found {
        diagnostic.at.text = text;
        diagnostic.related.iter_mut().for_each(|related| related.at.text = text);
    }
    tree
}

/// Boxed: a diagnostic is large, and the way without one should stay cheap.
type Fatal = Box<Diagnostic>;

fn text_of(bytes: &[u8]) -> Result<&str, Fatal> {
    if bytes.len() > LARGEST_FILE {
        let size = bytes.len();
        return Err(Diagnostic::error(START, format!("the file is too large: {size} bytes, and 1 MiB is the limit"))
            .help("split it into several scenarios")
            .into());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let at = place_of_byte(bytes, error.valid_up_to());
        Diagnostic::error(at, "the file is not UTF-8 text")
            .label("the first byte that is no UTF-8")
            .help("save it as UTF-8; a scenario is plain text")
            .into()
    })
}

const START: Place = Place { text: 0, line: 1, column: 1, start: 0, end: 0 };

/// The place of a byte before which all is UTF-8.
fn place_of_byte(bytes: &[u8], start: usize) -> Place {
    let before = String::from_utf8_lossy(&bytes[..start]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    Place { text: 0, line, column, start, end: start + 1 }
}

fn tree(text: &str, found: &mut Vec<Diagnostic>) -> Result<Node, Fatal> {
    let options = granit_parser::options! {
        disallow_directives: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        emit_comments: false,
    };
    let mut builder = Builder { text, open: Vec::new(), root: None, nodes: 0, documents: 0, found };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|error| syntax(text, &error, builder.open.last()))?;
        builder.take(event, &span)?;
    }
    match builder.root {
        Some(root) if !(root.is_null() && root.at.start == root.at.end) => Ok(root),
        _ => Err(Diagnostic::error(START, "the file is empty")
            .help("a scenario needs at least `name`, `stack` and `steps`")
            .into()),
    }
}

fn syntax(text: &str, error: &ScanError, open: Option<&Open>) -> Fatal {
    let marker = error.marker();
    let start = offset(text, marker.byte_offset());
    let at = Place { text: 0, line: marker.line(), column: marker.col() + 1, start, end: start };
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        // The parser looks ahead and may meet its own limit before ours.
        return too_deep(at);
    }
    let mut diagnostic = Diagnostic::error(at, format!("this is not YAML: {}", error.info())).label("here");
    if let Some(open) = open.filter(|open| !open.block) {
        diagnostic = diagnostic.see(open.at, "opened here, and perhaps not closed");
    }
    let help = if error.info().contains("quoted scalar") {
        Some("look for a quote that is not closed, here or on a line before")
    } else {
        syntax_help(text, start)
    };
    diagnostic.maybe_help(help.map(str::to_owned)).into()
}

/// What is most often behind a syntax error at a place.
fn syntax_help(text: &str, start: usize) -> Option<&'static str> {
    let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let indentation = &line[..line.len() - line.trim_start().len()];
    if indentation.contains('\t') || text[start..].starts_with('\t') {
        return Some("YAML is indented with spaces, never with tabs");
    }
    if line.starts_with('%') {
        return Some("leave this line out: a scenario needs no YAML directives");
    }
    let before = text[line_start..start].trim_end();
    if line.contains("${") && line.replace("${", "").contains(['{', '[']) {
        return Some("within brackets, what stands for a parameter needs quotes: \"${name}\"");
    }
    if before.ends_with(['*', '&']) || text[start..].starts_with(['*', '&', '@', '`', '%']) {
        return Some("a text that begins with * & @ % or ` needs quotes around it");
    }
    if text[start..].starts_with(": ") || line.matches(": ").count() > 1 && !line.contains('{') {
        return Some("a text in which a colon and a space stand needs quotes around it");
    }
    None
}

/// A collection whose end has not come yet.
struct Open {
    at: Place,
    block: bool,
    content: Content,
}

enum Content {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<(Key, Node)>, seen: HashMap<String, Place>, key: Pending },
}

/// What a mapping waits for.
enum Pending {
    Key,
    Value(Key),
    /// The value of a key that was refused: it is read and dropped.
    Dropped,
}

struct Builder<'s, 'f> {
    text: &'s str,
    open: Vec<Open>,
    root: Option<Node>,
    nodes: usize,
    documents: usize,
    found: &'f mut Vec<Diagnostic>,
}

impl Builder<'_, '_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Result<(), Fatal> {
        let at = self.place(span);
        match event {
            Event::DocumentStart(..) => self.document(at)?,
            Event::Anchor(..) => return Err(anchor(at)),
            Event::Alias(_) | Event::UnresolvedAlias(_) => return Err(alias(at)),
            Event::Scalar(text, style, _, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                self.count(at)?;
                let quoted = style != ScalarStyle::Plain;
                self.put(Node { at, kind: Kind::Scalar { text: text.into_owned(), quoted } });
            }
            Event::SequenceStart(style, _, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                self.begin(at, style, Content::Sequence(Vec::new()))?;
            }
            Event::MappingStart(style, _, tag) => {
                self.refuse_tag(tag.is_some(), span)?;
                let content = Content::Mapping { entries: Vec::new(), seen: HashMap::new(), key: Pending::Key };
                self.begin(at, style, content)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => {}
        }
        Ok(())
    }

    fn document(&mut self, at: Place) -> Result<(), Fatal> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Diagnostic::error(at, "the file holds more than one YAML document")
                .label("a second document begins here")
                .help("one file is one scenario: put the second into a file of its own")
                .into());
        }
        Ok(())
    }

    fn refuse_tag(&self, tagged: bool, span: &Span) -> Result<(), Fatal> {
        if !tagged {
            return Ok(());
        }
        let at = span.tag_span().map_or_else(|| self.place(span), |tag| self.place(&tag));
        Err(Diagnostic::error(at, "YAML tags are not supported")
            .label("a tag")
            .help("leave it out: every key has one type, and quotes make text of anything")
            .into())
    }

    fn count(&mut self, at: Place) -> Result<(), Fatal> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(Diagnostic::error(at, format!("the file holds more than {MOST_NODES} keys and values"))
                .label("reading ends here")
                .help("split it into several scenarios")
                .into());
        }
        Ok(())
    }

    fn begin(&mut self, at: Place, style: StructureStyle, content: Content) -> Result<(), Fatal> {
        self.count(at)?;
        if self.open.len() >= DEEPEST {
            return Err(too_deep(at));
        }
        self.open.push(Open { at, block: matches!(style, StructureStyle::Block), content });
        Ok(())
    }

    fn end(&mut self, span: &Span) {
        let Some(open) = self.open.pop() else { return };
        let mut at = open.at;
        if !open.block {
            at.end = self.line_end(at.start, offset(self.text, span.end.byte_offset()));
        }
        let kind = match open.content {
            Content::Sequence(elements) => Kind::Sequence(elements),
            Content::Mapping { entries, .. } => {
                if let (true, Some((first, _))) = (open.block, entries.first()) {
                    // The first key that was kept; a refused one before it leaves the start where it was.
                    at.end = if first.at.start == at.start { first.at.end } else { at.start + 1 };
                }
                Kind::Mapping(entries)
            }
        };
        self.put(Node { at, kind });
    }

    /// A node is finished: it becomes the root, an element, a key, or the value of the key before it.
    fn put(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return;
        };
        match &mut open.content {
            Content::Sequence(elements) => elements.push(node),
            Content::Mapping { entries, seen, key } => match std::mem::replace(key, Pending::Key) {
                Pending::Value(key) => entries.push((key, node)),
                Pending::Dropped => {}
                Pending::Key => match key_of(node, seen) {
                    Ok(good) => *key = Pending::Value(good),
                    Err(diagnostic) => {
                        self.found.push(*diagnostic);
                        *key = Pending::Dropped;
                    }
                },
            },
        }
    }

    fn place(&self, span: &Span) -> Place {
        let start = offset(self.text, span.start.byte_offset());
        let end = self.line_end(start, offset(self.text, span.end.byte_offset()));
        Place { text: 0, line: span.start.line(), column: span.start.col() + 1, start, end }
    }

    /// `end`, or the end of the line of `start` when that comes first.
    fn line_end(&self, start: usize, end: usize) -> usize {
        let end = end.max(start);
        self.text.get(start..end).and_then(|text| text.find(['\n', '\r'])).map_or(end, |newline| start + newline)
    }
}

fn offset(text: &str, byte: Option<usize>) -> usize {
    byte.unwrap_or(text.len()).min(text.len())
}

fn key_of(node: Node, seen: &mut HashMap<String, Place>) -> Result<Key, Fatal> {
    let at = node.at;
    if node.is_null() {
        return Err(Diagnostic::error(at, "a key is missing before this colon").into());
    }
    let Kind::Scalar { text, quoted } = node.kind else {
        return Err(Diagnostic::error(at, "a key must be a word, not a mapping or a list").label("not a word").into());
    };
    if text == "<<" && !quoted {
        return Err(Diagnostic::error(at, "YAML merge keys are not supported")
            .label("a merge key")
            .help("write out what it would bring in")
            .into());
    }
    if let Some(first) = seen.get(&text) {
        return Err(Diagnostic::error(at, format!("the key `{}` stands here twice", brief(&text)))
            .label("the second time")
            .see(*first, "the first time")
            .help("keep one of the two")
            .into());
    }
    seen.insert(text.clone(), at);
    Ok(Key { at, text })
}

pub(super) fn too_deep(at: Place) -> Fatal {
    Diagnostic::error(at, format!("nested deeper than {DEEPEST} levels"))
        .label("reading ends here")
        .help("no key of a scenario lies that deep: look for brackets that are not closed")
        .into()
}

fn anchor(at: Place) -> Fatal {
    Diagnostic::error(at, "YAML anchors are not supported")
        .label("an anchor")
        .help("write out what it stands for in each place")
        .into()
}

fn alias(at: Place) -> Fatal {
    Diagnostic::error(at, "YAML aliases are not supported")
        .label("an alias")
        .help("write out what it stands for; a text that begins with `*` needs quotes")
        .into()
}
