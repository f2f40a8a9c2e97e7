//! One thing that is wrong in a tree, on its way from where it was met to the message about it.

use std::fmt;

use serde::de;

use super::mark::Place;
use super::node::{Key, Node};

/// One thing that is wrong in a tree. Boxed: every read returns a result, and most hold none of this.
#[derive(Debug)]
pub(crate) struct Wrong(Box<Details>);

/// What is wrong, where, and on the way to what.
#[derive(Debug)]
pub(crate) struct Details {
    pub(crate) fault: Fault,
    pub(crate) at: Option<Place>,
    /// The key that holds it.
    pub(crate) subject: Option<String>,
    /// Whether it is an element of the list that the key holds, and not the key's own value.
    pub(crate) element: bool,
    /// The way from the root to what must be cut out, last index first.
    pub(crate) path: Vec<usize>,
}

/// What is wrong.
#[derive(Debug)]
pub(crate) enum Fault {
    UnknownKey { key: String, known: &'static [&'static str] },
    UnknownWord { word: String, known: &'static [&'static str] },
    Missing { field: &'static str },
    Type { expected: String, found: String, help: Option<String> },
    Word(String),
}

impl std::ops::Deref for Wrong {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.0
    }
}

impl std::ops::DerefMut for Wrong {
    fn deref_mut(&mut self) -> &mut Details {
        &mut self.0
    }
}

impl Wrong {
    pub(crate) fn new(fault: Fault) -> Self {
        Self(Box::new(Details { fault, at: None, subject: None, element: false, path: Vec::new() }))
    }

    pub(crate) fn typed(expected: impl Into<String>, node: &Node) -> Self {
        Self::new(Fault::Type { expected: expected.into(), found: node.describe(), help: None })
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        if let Fault::Type { help, .. } = &mut self.fault {
            *help = Some(text.into());
        }
        self
    }

    /// The same, seen from the collection that holds `child`. What is empty or missing is shown at its key.
    pub(crate) fn inside(mut self, index: usize, key: Option<&Key>, child: &Node) -> Self {
        let at_key = child.is_null() || matches!(self.fault, Fault::Missing { .. });
        self.at = self.at.or_else(|| Some(key.filter(|_| at_key).map_or(child.at, |key| key.at)));
        self.element |= self.subject.is_none() && key.is_none();
        if self.subject.is_none() {
            self.subject = key.map(|key| key.text.clone());
        }
        self.path.push(index);
        self
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

impl std::error::Error for Wrong {}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Fault::Word(message.to_string()))
    }

    fn invalid_type(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        // What was found is known better where the node is at hand: see `Reader::typed_by`.
        Self::new(Fault::Type { expected: expected.to_string(), found: String::new(), help: None })
    }

    fn unknown_variant(variant: &str, known: &'static [&'static str]) -> Self {
        Self::new(Fault::UnknownWord { word: variant.to_owned(), known })
    }

    fn unknown_field(field: &str, known: &'static [&'static str]) -> Self {
        Self::new(Fault::UnknownKey { key: field.to_owned(), known })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(Fault::Missing { field })
    }
}
