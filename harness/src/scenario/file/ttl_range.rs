//! A TTL that is expected: one value, or bounds.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::scenario::word::SignedLength;

/// A TTL: one value (`ttl: 0s`), or bounds (`ttl: {at_least: 50s, at_most: 1m}`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TtlRange {
    /// Not less than this.
    pub at_least: Option<SignedLength>,
    /// Not more than this.
    pub at_most: Option<SignedLength>,
}

impl<'de> Deserialize<'de> for TtlRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TtlRangeVisitor)
    }
}

struct TtlRangeVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    #[serde(default)]
    at_least: Option<SignedLength>,
    #[serde(default)]
    at_most: Option<SignedLength>,
}

impl<'de> serde::de::Visitor<'de> for TtlRangeVisitor {
    type Value = TtlRange;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as 0s, or {at_least: 50s, at_most: 1m}")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<TtlRange, E> {
        let exactly: SignedLength = text.parse().map_err(E::custom)?;
        Ok(TtlRange { at_least: Some(exactly), at_most: Some(exactly) })
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<TtlRange, E> {
        // Always an error, and the one that says how to write a duration.
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<TtlRange, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<TtlRange, A::Error> {
        let bounds = Bounds::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
        Ok(TtlRange { at_least: bounds.at_least, at_most: bounds.at_most })
    }
}

impl JsonSchema for TtlRange {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TtlRange".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let length = generator.subschema_for::<SignedLength>();
        schemars::json_schema!({
            "description": "A TTL: one value, or bounds.",
            "oneOf": [
                length,
                {
                    "type": "object",
                    "properties": {
                        "at_least": generator.subschema_for::<SignedLength>(),
                        "at_most": generator.subschema_for::<SignedLength>()
                    },
                    "additionalProperties": false,
                    "minProperties": 1
                }
            ]
        })
    }
}
