//! The shape of an answer: its status, its fields and its warnings, without what it says. Two servers that answer alike
//! have the same shape; a secret has none.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// More fields than this say nothing to a reader, and a description of a whole API has hundreds of thousands.
const MOST_FIELDS: usize = 400;
/// Deeper than this, answers hold what somebody stored in them.
const DEEPEST: usize = 6;
/// Of a list of objects, so many are looked at.
const LIST_HEAD: usize = 20;

/// What stands for the values of a field that differ from one member of a list to another.
const SEVERAL: &str = "several";

/// Texts that are one of a few words of the server's own, and so may be told. Any other text is only told to be one.
const WORDS: [&str; 15] = [
    "type",
    "token_type",
    "key_type",
    "mount_type",
    "seal_type",
    "recovery_seal_type",
    "storage_type",
    "plugin_type",
    "leaf_not_after_behavior",
    "revocation_signature_algorithm",
    "usage",
    "state",
    "rotation_statements",
    "credential_type",
    "password_authentication",
];

/// How keys end whose numbers are settings and times of the server's. Any other number might be somebody's secret.
const NUMBERS: [&str; 11] =
    ["ttl", "duration", "period", "uses", "bits", "threshold", "shares", "limit", "max", "max_path_length", "quota"];

/// Keys below which other keys are names and identifiers, not fields.
const NAMES_BELOW: [&str; 3] = ["key_info", "issuer_info", "metadata"];

/// What an answer is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shape {
    /// The HTTP status.
    pub status: u16,
    /// Every field by its path (`data.ttl`): a setting or a truth value as it is, else what kind of value it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Whether it has more fields than are told here: of one that is not, nobody can say that it is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_cut: bool,
    /// What it warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

impl Shape {
    /// The shape of a body that came with this status.
    pub fn of(status: u16, body: &Value) -> Self {
        let mut fields = BTreeMap::new();
        if let Value::Object(body) = body {
            for (key, value) in body {
                if key != "warnings" && key != "errors" {
                    fill(&mut fields, key, key, value, 1);
                }
            }
        }
        let warnings = body["warnings"].as_array().into_iter().flatten();
        let is_cut = fields.len() > MOST_FIELDS;
        Self { status, fields, is_cut, warnings: warnings.filter_map(Value::as_str).map(str::to_owned).collect() }
    }
}

fn fill(fields: &mut BTreeMap<String, String>, path: &str, key: &str, value: &Value, depth: usize) {
    if fields.len() > MOST_FIELDS {
        return;
    }
    match value {
        Value::Object(inner) if !inner.is_empty() && depth < DEEPEST && !NAMES_BELOW.contains(&key) => {
            for (key, value) in inner {
                fill(fields, &format!("{path}.{key}"), key, value, depth + 1);
            }
        }
        Value::Array(items) if depth < DEEPEST && items.iter().any(Value::is_object) => {
            for item in items.iter().take(LIST_HEAD).filter_map(Value::as_object) {
                let mut of_item = BTreeMap::new();
                for (key, value) in item {
                    fill(&mut of_item, &format!("{path}[].{key}"), key, value, depth + 1);
                }
                for (field, value) in of_item {
                    let known = fields.entry(field).or_insert_with(|| value.clone());
                    // Which of a list's members comes last says nothing.
                    if *known != value {
                        SEVERAL.clone_into(known);
                    }
                }
            }
        }
        _ => {
            fields.insert(path.to_owned(), kind(key, value));
        }
    }
}

/// What a value is, in a word; what it says only where that cannot be a secret.
fn kind(key: &str, value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) if NUMBERS.iter().any(|end| key.ends_with(end)) => number.to_string(),
        Value::Number(_) => "number".to_owned(),
        Value::String(text) if text.is_empty() => "empty text".to_owned(),
        Value::String(text) if WORDS.contains(&key) && text.len() <= 80 => format!("“{text}”"),
        Value::String(_) => "text".to_owned(),
        Value::Array(items) if items.is_empty() => "empty list".to_owned(),
        Value::Array(_) => "list".to_owned(),
        Value::Object(_) => "object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_shape_has_fields_and_numbers_and_no_text_that_is_not_the_servers_own_word() {
        let body = json!({
            "lease_id": "database/creds/app/xyz",
            "lease_duration": 60,
            "renewable": true,
            "data": { "username": "v-app", "password": "hunter2-hunter2", "pin": 4711, "type": "service", "keys": ["a", "b"] },
            "auth": null,
            "warnings": ["ttl is above the maximum"],
        });
        let shape = Shape::of(200, &body);
        let field = |path: &str| shape.fields.get(path).map(String::as_str);
        assert_eq!(field("lease_duration"), Some("60"));
        assert_eq!(field("data.password"), Some("text"));
        assert_eq!(field("data.type"), Some("“service”"));
        assert_eq!(field("data.keys"), Some("list"));
        assert_eq!(field("auth"), Some("null"));
        assert_eq!(shape.warnings, ["ttl is above the maximum"]);
        let all = serde_json::to_string(&shape).unwrap();
        assert!(!all.contains("hunter2") && !all.contains("4711"), "{all}");
    }

    #[test]
    fn names_and_identifiers_that_stand_as_keys_are_no_fields() {
        let shape = Shape::of(200, &json!({ "data": { "key_info": { "s.accessor-of-a-secret-id": { "ttl": 1 } } } }));
        assert_eq!(shape.fields.keys().collect::<Vec<_>>(), ["data.key_info"]);
    }

    #[test]
    fn a_list_of_objects_has_the_fields_of_all_of_them() {
        let shape = Shape::of(200, &json!({ "data": { "leases": [{ "id": "x" }, { "error": "y", "count": 2 }] } }));
        assert_eq!(
            shape.fields.keys().collect::<Vec<_>>(),
            ["data.leases[].count", "data.leases[].error", "data.leases[].id"]
        );
    }
}
