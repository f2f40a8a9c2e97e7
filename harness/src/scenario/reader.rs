//! A serde `Deserializer` over the tree. It reads each scalar by the type that is asked for, and every error carries
//! the place and the way to what is wrong.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::mark::{MARKED, Place};
use super::node::{Key, Kind, Node};
use super::plain::{Plain, plain};
use super::wrong::{Fault, Wrong};

/// Reads one node.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'n> {
    node: &'n Node,
}

impl<'n> Reader<'n> {
    pub(crate) fn new(node: &'n Node) -> Self {
        Self { node }
    }

    /// The scalar's text, and whether it was quoted.
    fn scalar(self) -> Option<(&'n str, bool)> {
        match &self.node.kind {
            Kind::Scalar { text, quoted } => Some((text, *quoted)),
            Kind::Mapping(_) | Kind::Sequence(_) => None,
        }
    }

    fn number<T: std::str::FromStr>(self, least: impl fmt::Display, most: impl fmt::Display) -> Result<T, Wrong> {
        self.scalar()
            .filter(|(text, quoted)| !quoted && text.bytes().all(|b| b.is_ascii_digit() || b == b'-'))
            .and_then(|(text, _)| text.parse().ok())
            .ok_or_else(|| Wrong::typed(format!("a whole number from {least} to {most}"), self.node))
    }

    /// Names what was found in an error that a visitor raised without knowing the node.
    fn typed_by<T>(self, result: Result<T, Wrong>) -> Result<T, Wrong> {
        result.map_err(|mut wrong| {
            let here = wrong.path.is_empty();
            if let Fault::Type { found, .. } = &mut wrong.fault
                && found.is_empty()
                && here
            {
                *found = self.node.describe();
            }
            wrong
        })
    }
}

macro_rules! read_number {
    ($($method:ident $visit:ident $type:ty),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            visitor.$visit(self.number::<$type>(<$type>::MIN, <$type>::MAX)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Wrong;

    /// Free-form values: the body of an API call. Words that YAML readers disagree on are refused.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Some((text, quoted)) = self.scalar() else {
            let result = match &self.node.kind {
                Kind::Mapping(entries) => visitor.visit_map(Entries::new(entries)),
                Kind::Sequence(elements) => visitor.visit_seq(Elements { elements, next: 0 }),
                Kind::Scalar { .. } => visitor.visit_unit(),
            };
            return self.typed_by(result);
        };
        let result = match plain(text) {
            _ if quoted => visitor.visit_str(text),
            Plain::Null => visitor.visit_unit(),
            Plain::Bool(value) => visitor.visit_bool(value),
            Plain::Signed(value) => visitor.visit_i64(value),
            Plain::Unsigned(value) => visitor.visit_u64(value),
            Plain::Float(value) => visitor.visit_f64(value),
            Plain::Text => visitor.visit_str(text),
            Plain::Ambiguous => {
                let disagree = format!("YAML readers disagree on `{text}`");
                let help = "write `true`, `false` or a plain number, or put quotes around it";
                return Err(de::Error::custom(format!("{disagree}: {help}")));
            }
        };
        self.typed_by(result)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.scalar() {
            Some(("true", false)) => visitor.visit_bool(true),
            Some(("false", false)) => visitor.visit_bool(false),
            _ => Err(Wrong::typed("`true` or `false`", self.node)),
        }
    }

    read_number!(
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64
    );

    /// A word (a duration, a name, a fraction): its type judges the text, whatever it looks like.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match self.scalar() {
            Some((text, _)) if !self.node.is_null() => visitor.visit_str(text),
            _ => Err(Wrong::typed("a single value", self.node)),
        }
    }

    /// Text. What looks like a number, a boolean or nothing needs quotes, so that nobody reads it as one.
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let Some((text, quoted)) = self.scalar() else { return Err(Wrong::typed("text", self.node)) };
        match plain(text) {
            Plain::Text | Plain::Ambiguous => visitor.visit_str(text),
            _ if quoted => visitor.visit_str(text),
            Plain::Null => Err(Wrong::typed("text", self.node)),
            Plain::Bool(_) => Err(Wrong::typed("text", self.node).help(format!("quote it: \"{text}\""))),
            Plain::Signed(_) | Plain::Unsigned(_) | Plain::Float(_) => {
                Err(Wrong::typed("text", self.node).help(format!("a number is text only in quotes: \"{text}\"")))
            }
        }
    }

    /// A key that is given is meant: `key:` with nothing behind it is an error, not an absent key.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == MARKED {
            return visitor.visit_seq(Pair { place: Some(self.node.at), value: Some(self) });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.kind {
            Kind::Sequence(elements) => visitor.visit_seq(Elements { elements, next: 0 }),
            _ => {
                Err(Wrong::typed("a list", self.node).help("a list is written as [a, b] or with `- ` before each line"))
            }
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.kind {
            Kind::Sequence(elements) if elements.len() == length => visitor.visit_seq(Elements { elements, next: 0 }),
            Kind::Sequence(elements) => Err(Wrong::new(Fault::Type {
                expected: format!("a list of {length}"),
                found: format!("one of {}", elements.len()),
                help: None,
            })),
            _ => Err(Wrong::typed(format!("a list of {length}"), self.node)),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        match &self.node.kind {
            Kind::Mapping(entries) => visitor.visit_map(Entries::new(entries)),
            _ if self.node.is_null() => Err(Wrong::typed("a mapping", self.node).help("write {} for an empty one")),
            _ => Err(Wrong::typed("a mapping", self.node)
                .help("a mapping is written as {key: value}, or with one key on each line below")),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        match self.scalar() {
            Some((text, _)) if !self.node.is_null() => visitor.visit_enum(Word(text)),
            _ => Err(Wrong::typed("one word", self.node).help(format!("one of {}", super::hint::list_of(known)))),
        }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char bytes byte_buf unit unit_struct tuple_struct identifier ignored_any
    }
}

/// The place, then the value: what a `Marked` asks for.
struct Pair<D> {
    place: Option<Place>,
    value: Option<D>,
}

impl<'de, D: Deserializer<'de, Error = Wrong>> SeqAccess<'de> for Pair<D> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        if let Some(at) = self.place.take() {
            // The number of a text is small: it counts what a scenario uses.
            let text = at.text as usize;
            let fields =
                [("text", text), ("line", at.line), ("column", at.column), ("start", at.start), ("end", at.end)];
            return seed.deserialize(MapDeserializer::new(fields.into_iter())).map(Some);
        }
        self.value.take().map(|value| seed.deserialize(value)).transpose()
    }
}

struct Elements<'n> {
    elements: &'n [Node],
    next: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Wrong> {
        let Some(element) = self.elements.get(self.next) else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader::new(element)).map(Some).map_err(|wrong| wrong.inside(index, None, element))
    }
}

struct Entries<'n> {
    entries: &'n [(Key, Node)],
    next: usize,
}

impl<'n> Entries<'n> {
    fn new(entries: &'n [(Key, Node)]) -> Self {
        Self { entries, next: 0 }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Wrong> {
        let Some((key, _)) = self.entries.get(self.next) else { return Ok(None) };
        seed.deserialize(KeyReader(key)).map(Some).map_err(|mut wrong| {
            wrong.at = Some(key.at);
            wrong.path.push(self.next);
            wrong
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let (key, value) = &self.entries[self.next];
        let index = self.next;
        self.next += 1;
        seed.deserialize(Reader::new(value)).map_err(|wrong| wrong.inside(index, Some(key), value))
    }
}

/// Reads a key: always as its text.
#[derive(Clone, Copy)]
struct KeyReader<'n>(&'n Key);

impl<'de> Deserializer<'de> for KeyReader<'_> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_str(&self.0.text)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Wrong> {
        if name == MARKED {
            return visitor.visit_seq(Pair { place: Some(self.0.at), value: Some(self) });
        }
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A word that names a unit variant.
struct Word<'n>(&'n str);

impl<'de> EnumAccess<'de> for Word<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let name = de::value::StrDeserializer::new(self.0);
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Wrong> {
        Err(de::Error::custom("a word alone cannot stand here"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Wrong> {
        Err(de::Error::custom("a word alone cannot stand here"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Wrong> {
        Err(de::Error::custom("a word alone cannot stand here"))
    }
}
