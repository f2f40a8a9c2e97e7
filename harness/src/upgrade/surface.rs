//! What the two servers say of their own API (`sys/internal/specs/openapi`), and how that differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{Change, Evidence, Leg, Severity};

/// Where a server describes its API.
pub const PATH: &str = "sys/internal/specs/openapi";

/// An API: every operation (`POST /pki/issue/{role}`) with its fields.
pub type Surface = BTreeMap<String, Operation>;

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its parameters and the fields of its body, each with its type and default.
    pub fields: BTreeMap<String, Field>,
    /// Whether it is called deprecated.
    pub deprecated: bool,
}

/// A field that can be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Field {
    /// `string`, `integer`, …
    pub kind: String,
    /// What it is when it is not sent, if the description says so.
    pub default: Option<String>,
    /// Whether it is called deprecated.
    pub deprecated: bool,
}

/// Reads a description.
pub fn read(description: &Value) -> Surface {
    let mut surface = Surface::new();
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        let shared = parameters(&item["parameters"]);
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !["get", "post", "put", "delete", "patch"].contains(&method.as_str()) {
                continue;
            }
            let mut fields = shared.clone();
            fields.extend(parameters(&operation["parameters"]));
            fields.extend(body(description, operation));
            let deprecated = operation["deprecated"].as_bool().unwrap_or_default();
            surface.insert(format!("{} {path}", method.to_uppercase()), Operation { fields, deprecated });
        }
    }
    surface
}

fn parameters(list: &Value) -> BTreeMap<String, Field> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|parameter| Some((parameter["name"].as_str()?.to_owned(), field(&parameter["schema"])))).collect()
}

fn body(description: &Value, operation: &Value) -> BTreeMap<String, Field> {
    let content = operation["requestBody"]["content"].as_object();
    let schema = content.and_then(|content| content.values().next()).map_or(&Value::Null, |kind| &kind["schema"]);
    let named = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next());
    let schema = named.map_or(schema, |name| &description["components"]["schemas"][name]);
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), field(schema))).collect()
}

fn field(schema: &Value) -> Field {
    Field {
        kind: schema["type"].as_str().unwrap_or_default().to_owned(),
        default: (!schema["default"].is_null()).then(|| schema["default"].to_string()),
        deprecated: schema["deprecated"].as_bool().unwrap_or_default(),
    }
}

/// What differs between two descriptions.
pub fn differences(from: &Surface, to: &Surface, evidence: &Evidence) -> Vec<Change> {
    let mut found = Found { evidence: evidence.clone(), changes: Vec::new() };
    found.list(Severity::Breaking, "the API has endpoints no more", missing(from, to), true);
    found.list(Severity::Minor, "the API has new endpoints", missing(to, from), false);
    for (name, was) in from {
        let Some(is) = to.get(name) else { continue };
        let fields = |one: &Operation, other: &Operation| -> Vec<String> {
            one.fields.keys().filter(|field| !other.fields.contains_key(*field)).cloned().collect()
        };
        found.list(Severity::Breaking, &format!("{name} takes fields no more"), fields(was, is), true);
        found.list(Severity::Minor, &format!("{name} takes new fields"), fields(is, was), false);
        if is.deprecated && !was.deprecated {
            found.put(Severity::Notable, format!("{name} is called deprecated"), "it is not", "it is");
        }
        for (field, was) in &was.fields {
            if let Some(is) = is.fields.get(field) {
                found.field(name, field, was, is);
            }
        }
    }
    found.changes
}

fn missing(here: &Surface, there: &Surface) -> Vec<String> {
    let there: BTreeSet<&String> = there.keys().collect();
    here.keys().filter(|name| !there.contains(name)).cloned().collect()
}

struct Found {
    evidence: Evidence,
    changes: Vec<Change>,
}

impl Found {
    fn put(&mut self, severity: Severity, what: String, from: &str, to: &str) {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.changes.push(Change {
            severity,
            what,
            from,
            to,
            promises: Vec::new(),
            evidence: vec![self.evidence.clone()],
        });
    }

    fn list(&mut self, severity: Severity, what: &str, names: Vec<String>, gone: bool) {
        if names.is_empty() {
            return;
        }
        let names = names.join(", ");
        let (from, to) = if gone { (names.as_str(), "not described") } else { ("not described", names.as_str()) };
        self.put(severity, what.to_owned(), from, to);
    }

    fn field(&mut self, operation: &str, field: &str, was: &Field, is: &Field) {
        if was.kind != is.kind {
            self.put(Severity::Notable, format!("{operation} takes another type for {field}"), &was.kind, &is.kind);
        }
        if was.default != is.default {
            let said = |field: &Field| field.default.clone().unwrap_or_else(|| "no default".to_owned());
            self.put(Severity::Notable, format!("{operation} has another default for {field}"), &said(was), &said(is));
        }
        if is.deprecated && !was.deprecated {
            self.put(Severity::Notable, format!("{operation} calls {field} deprecated"), "it does not", "it does");
        }
    }
}

/// Where the descriptions were seen.
pub fn evidence(again: String) -> Evidence {
    Evidence {
        scenario: "the servers' own description of their API".to_owned(),
        place: format!("GET {PATH}"),
        step: String::new(),
        title: "read as root, with every engine and auth method mounted that both have built in".to_owned(),
        leg: Leg::To,
        runs: Vec::new(),
        again,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn description(role: &Value) -> Value {
        json!({
            "paths": {
                "/pki/roles/{name}": {
                    "parameters": [{ "name": "name", "schema": { "type": "string" } }],
                    "post": { "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Role" } } } } },
                },
                "/sys/seal": { "post": {} },
            },
            "components": { "schemas": { "Role": { "properties": role } } },
        })
    }

    fn told(from: &Value, to: &Value) -> Vec<(Severity, String)> {
        let found = differences(&read(from), &read(to), &evidence("again".to_owned()));
        found.into_iter().map(|change| (change.severity, change.what)).collect()
    }

    #[test]
    fn a_description_is_like_itself() {
        let one = description(&json!({ "ttl": { "type": "integer", "default": 5 } }));
        assert_eq!(told(&one, &one), []);
        let surface = read(&one);
        assert_eq!(surface["POST /pki/roles/{name}"].fields.keys().collect::<Vec<_>>(), ["name", "ttl"]);
    }

    #[test]
    fn endpoints_and_fields_that_went_away_break_and_new_ones_are_minor() {
        let from = description(&json!({ "ttl": { "type": "integer" }, "old": {} }));
        let mut to = description(&json!({ "ttl": { "type": "integer" } }));
        to["paths"]["/sys/seal"] = json!({ "get": {} });
        assert_eq!(
            told(&from, &to),
            [
                (Severity::Breaking, "the API has endpoints no more".to_owned()),
                (Severity::Minor, "the API has new endpoints".to_owned()),
                (Severity::Breaking, "POST /pki/roles/{name} takes fields no more".to_owned()),
            ]
        );
    }

    #[test]
    fn another_default_and_a_new_deprecation_are_notable() {
        let from = description(&json!({ "bits": { "type": "integer", "default": 2048 }, "ou": {} }));
        let to = description(&json!({ "bits": { "type": "integer", "default": 256 }, "ou": { "deprecated": true } }));
        assert_eq!(
            told(&from, &to),
            [
                (Severity::Notable, "POST /pki/roles/{name} has another default for bits".to_owned()),
                (Severity::Notable, "POST /pki/roles/{name} calls ou deprecated".to_owned()),
            ]
        );
    }
}
