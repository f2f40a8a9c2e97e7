//! The texts that a scenario was read from: its own file, and each fragment once for every place that uses it, so that a
//! place tells not only where something stands but also on whose behalf.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mark::Place;

/// The texts of a scenario, the one of its own file first.
#[derive(Debug, Clone)]
pub struct Sources {
    texts: Arc<Vec<Text>>,
}

/// One text.
#[derive(Debug, Clone)]
pub struct Text {
    /// The file that it stands in, as it is shown.
    pub path: PathBuf,
    /// What stands there.
    pub source: Arc<str>,
    /// What brought it in; none for the scenario's own file.
    pub brought: Option<Brought>,
}

/// What brought a text into a scenario: a place in another text of it.
#[derive(Debug, Clone)]
pub struct Brought {
    /// Where.
    pub at: Place,
    /// In which way, in words for that place.
    pub how: String,
}

impl Sources {
    /// A scenario that stands in one file.
    pub fn of_file(path: &Path, source: impl Into<Arc<str>>) -> Self {
        let own = Text { path: path.to_owned(), source: source.into(), brought: None };
        Self { texts: Arc::new(vec![own]) }
    }

    /// The number of a text that was added.
    pub(super) fn add(&mut self, text: Text) -> u32 {
        let texts = Arc::make_mut(&mut self.texts);
        texts.push(text);
        u32::try_from(texts.len() - 1).unwrap_or(u32::MAX)
    }

    /// The scenario's own file.
    pub fn own(&self) -> &Text {
        &self.texts[0]
    }

    /// The text in which a place lies.
    pub fn text(&self, at: Place) -> &Text {
        self.texts.get(at.text as usize).unwrap_or_else(|| self.own())
    }

    /// All texts, each as often as it was brought in.
    pub fn iter(&self) -> impl Iterator<Item = &Text> {
        self.texts.iter()
    }

    /// The fragments, each once.
    pub fn fragments(&self) -> impl Iterator<Item = &Text> {
        let mut seen = BTreeSet::from([self.own().path.clone()]);
        self.texts.iter().filter(move |text| seen.insert(text.path.clone()))
    }

    /// The places that brought in the text of a place, the nearest first; the last lies in the scenario's own file.
    pub fn way(&self, at: Place) -> impl Iterator<Item = &Brought> {
        std::iter::successors(self.text(at).brought.as_ref(), |brought| self.text(brought.at).brought.as_ref())
    }

    /// Where something stands in the scenario's own file: the place itself, or that of the `use` which brought it in.
    pub fn in_own(&self, at: Place) -> Place {
        self.way(at).last().map_or(at, |brought| brought.at)
    }

    /// Where something stands in a fragment; none when it stands in the scenario's own file.
    pub fn in_fragment(&self, at: Place) -> Option<(&Text, usize)> {
        let text = self.text(at);
        (text.brought.is_some() && text.path != self.own().path).then_some((text, at.line))
    }

    /// Whether any of the texts has this in it.
    pub fn contain(&self, words: &str) -> bool {
        self.texts.iter().any(|text| text.source.contains(words))
    }
}
