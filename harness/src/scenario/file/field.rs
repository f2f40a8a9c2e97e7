//! What an answer must hold, field by field.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// What a field of an answer must be: one value (`state: active`), or what is said of it
/// (`ttl: {at_least: 1, at_most: 60}`, `keys: {has: [a], lacks: [b]}`). Everything that is said must be so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Field {
    /// It is just this.
    pub equals: Option<Value>,
    /// It is there, and not null; or it is not.
    pub present: Option<bool>,
    /// A number, or a text of digits, that is not less than this.
    pub at_least: Option<i64>,
    /// A number, or a text of digits, that is not more than this.
    pub at_most: Option<i64>,
    /// A text with this part.
    pub contains: Option<String>,
    /// It is there, and something else than this.
    pub differs_from: Option<Value>,
    /// A list with all of these, or a mapping with these keys.
    pub has: Option<Vec<Value>>,
    /// A list with none of these, or a mapping without these keys.
    pub lacks: Option<Vec<Value>>,
    /// A list, or a mapping, of so many.
    pub count: Option<u64>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Said {
    /// It is just this.
    #[serde(default)]
    equals: Option<Value>,
    /// It is there, and not null; or it is not.
    #[serde(default)]
    present: Option<bool>,
    /// A number, or a text of digits, that is not less than this.
    #[serde(default)]
    at_least: Option<i64>,
    /// A number, or a text of digits, that is not more than this.
    #[serde(default)]
    at_most: Option<i64>,
    /// A text with this part.
    #[serde(default)]
    contains: Option<String>,
    /// It is there, and something else than this.
    #[serde(default)]
    differs_from: Option<Value>,
    /// A list with all of these, or a mapping with these keys.
    #[serde(default)]
    has: Option<Vec<Value>>,
    /// A list with none of these, or a mapping without these keys.
    #[serde(default)]
    lacks: Option<Vec<Value>>,
    /// A list, or a mapping, of so many.
    #[serde(default)]
    count: Option<u64>,
}

impl Field {
    fn just(value: Value) -> Self {
        Self { equals: Some(value), ..Self::default() }
    }

    /// Every value of it in which a kept value can be named.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let one = self.equals.iter().chain(&self.differs_from);
        one.chain(self.has.iter().flatten()).chain(self.lacks.iter().flatten())
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> serde::de::Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value, or what is said of the field, such as {at_least: 1} or {present: false}")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::just(text.into()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field, E> {
        Ok(Field::just(value.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
        Ok(Field::just(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Field, E> {
        Ok(Field::just(number.into()))
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Field, A::Error> {
        let said = Said::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        let Said { equals, present, at_least, at_most, contains, differs_from, has, lacks, count } = said;
        Ok(Field { equals, present, at_least, at_most, contains, differs_from, has, lacks, count })
    }
}

impl JsonSchema for Field {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Field".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a field must be: one value, or what is said of it.",
            "oneOf": [
                { "type": ["string", "number", "boolean"] },
                generator.subschema_for::<Said>()
            ]
        })
    }
}
