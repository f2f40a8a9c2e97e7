//! What is wrong with a scenario file, where, and what to write instead; drawn like a compiler's messages.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::mark::Place;
use super::source::{Sources, Text};

/// How much a [`Diagnostic`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be run.
    Error,
    /// The file can be run; something in it may surprise.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// Another place that a diagnostic speaks of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where.
    pub at: Place,
    /// What stands there.
    pub label: String,
}

/// One thing that is wrong with, or surprising about, a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Where.
    pub at: Place,
    /// One sentence: what is wrong.
    pub message: String,
    /// A few words for the place itself; empty when the message says it all.
    pub label: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(at: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, at, message)
    }

    /// A warning at a place.
    pub fn warning(at: Place, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, at, message)
    }

    fn new(severity: Severity, at: Place, message: impl Into<String>) -> Self {
        Self { severity, at, message: message.into(), label: String::new(), help: None, related: Vec::new() }
    }

    /// With a few words for the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With what to do about it, if that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// With another place that matters.
    #[must_use]
    pub fn see(mut self, at: Place, label: impl Into<String>) -> Self {
        self.related.push(Related { at, label: label.into() });
        self
    }

    /// Whether the file cannot be run because of this.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// One line, as editors read it: `file:line:column: error: message`.
    pub fn line(&self, path: &Path) -> String {
        format!("{}:{}: {}: {}", path.display(), self.at, self.severity, self.message)
    }

    /// The whole drawing for a text that stands in one file. Ends without a newline.
    pub fn render(&self, path: &Path, source: &str, style: Style) -> String {
        self.draw(&Sources::of_file(path, source), style)
    }

    /// The whole drawing: message, place, the lines of the file, what brought a fragment in, and help. Ends without a newline.
    pub fn draw(&self, sources: &Sources, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let drawings = self.drawings(sources);
        let mut group = level.primary_title(self.message.as_str()).elements(Vec::<Element<'_>>::new());
        for drawing in &drawings {
            group = drawing.add_to(group);
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// Every place that is spoken of, gathered by the file in which it lies; that of the diagnostic itself first.
    fn drawings<'s>(&'s self, sources: &'s Sources) -> Vec<Drawing<'s>> {
        let mut drawings: Vec<Drawing<'s>> = Vec::new();
        let mut add = |at: Place, label: &'s str, kind: AnnotationKind| {
            let text = sources.text(at);
            let mark = Mark { span: span(&text.source, at), label, kind };
            match drawings.iter_mut().find(|drawing| drawing.text.path == text.path) {
                Some(drawing) if drawing.marks.contains(&mark) => {}
                Some(drawing) => drawing.marks.push(mark),
                None => drawings.push(Drawing { path: text.path.display().to_string(), text, marks: vec![mark] }),
            }
        };
        add(self.at, &self.label, AnnotationKind::Primary);
        for related in &self.related {
            add(related.at, &related.label, AnnotationKind::Context);
        }
        for at in std::iter::once(self.at).chain(self.related.iter().map(|related| related.at)) {
            let ways = sources.way(at).filter(|brought| brought.at != self.at);
            ways.for_each(|brought| add(brought.at, &brought.how, AnnotationKind::Context));
        }
        drawings
    }
}

/// What is drawn of one file.
struct Drawing<'s> {
    path: String,
    text: &'s Text,
    marks: Vec<Mark<'s>>,
}

/// A place in a file, in bytes, and what is said of it.
#[derive(PartialEq)]
struct Mark<'s> {
    span: Range<usize>,
    label: &'s str,
    kind: AnnotationKind,
}

impl Drawing<'_> {
    /// The file's lines where there are any, and the file's name where there are none.
    fn add_to<'s>(&'s self, group: Group<'s>) -> Group<'s> {
        let Some(window) = self.window() else { return group.element(Origin::path(self.path.as_str())) };
        let mut snippet = Snippet::source(window.text).path(self.path.as_str()).line_start(window.line);
        for mark in &self.marks {
            let shifted = mark.span.start - window.offset..mark.span.end - window.offset;
            let annotation = mark.kind.span(shifted);
            snippet = snippet.annotation(if mark.label.is_empty() { annotation } else { annotation.label(mark.label) });
        }
        group.element(snippet)
    }

    /// The lines from the first to the last place that is spoken of. Handing over only these keeps a large file cheap.
    fn window(&self) -> Option<Window<'_>> {
        let source = &*self.text.source;
        if source.is_empty() {
            return None;
        }
        let spans = self.marks.iter().map(|mark| &mark.span);
        let (start, end) = spans.fold((usize::MAX, 0), |(start, end), s| (start.min(s.start), end.max(s.end)));
        let from = source[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let to = source[end..].find('\n').map_or(source.len(), |newline| end + newline);
        let line = source[..from].bytes().filter(|b| *b == b'\n').count() + 1;
        Some(Window { text: &source[from..to], offset: from, line })
    }
}

/// Whether a drawing carries terminal colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With ANSI colours.
    Coloured,
}

struct Window<'s> {
    text: &'s str,
    offset: usize,
    line: usize,
}

/// The bytes of a place, made to lie within the text and between its characters.
fn span(source: &str, at: Place) -> Range<usize> {
    let within = |mut byte: usize| {
        byte = byte.min(source.len());
        while !source.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    };
    let start = within(at.start);
    start..within(at.end).max(start)
}
