//! What is wrong with a scenario file, where, and what to write instead; drawn like a compiler's messages.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use serde::Serialize;

use super::mark::Place;

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

    /// The whole drawing: message, place, the lines of the file, and help. Ends without a newline.
    pub fn render(&self, path: &Path, source: &str, style: Style) -> String {
        let renderer = match style {
            Style::Plain => Renderer::plain(),
            Style::Coloured => Renderer::styled(),
        };
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let path = path.display().to_string();
        let mut group = level.primary_title(self.message.as_str()).element_for(self, &path, source);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// The lines from the first to the last place that is spoken of. Handing over only these keeps a large file cheap.
    fn window<'s>(&self, source: &'s str) -> Option<Window<'s>> {
        if source.is_empty() {
            return None;
        }
        let spans = std::iter::once(self.at).chain(self.related.iter().map(|r| r.at)).map(|at| span(source, at));
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

/// A title becomes a group, with the file's lines where there are any and the file's name where there are none.
trait Drawn<'a> {
    fn element_for(self, diagnostic: &'a Diagnostic, path: &'a str, source: &'a str) -> Group<'a>;
}

impl<'a> Drawn<'a> for annotate_snippets::Title<'a> {
    fn element_for(self, diagnostic: &'a Diagnostic, path: &'a str, source: &'a str) -> Group<'a> {
        let Some(window) = diagnostic.window(source) else {
            return self.element(Origin::path(path));
        };
        let shifted = |at: Place| {
            let span = span(source, at);
            span.start - window.offset..span.end - window.offset
        };
        let mut primary = AnnotationKind::Primary.span(shifted(diagnostic.at));
        if !diagnostic.label.is_empty() {
            primary = primary.label(diagnostic.label.as_str());
        }
        let mut snippet = Snippet::source(window.text).path(path).line_start(window.line).annotation(primary);
        for related in &diagnostic.related {
            snippet =
                snippet.annotation(AnnotationKind::Context.span(shifted(related.at)).label(related.label.as_str()));
        }
        self.element(snippet)
    }
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
