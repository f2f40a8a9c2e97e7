//! What the two servers say of their own API (`sys/internal/specs/openapi`), and how that differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{Change, Evidence, Leg, Severity};

/// Where a server describes its API.
pub const PATH: &str = "sys/internal/specs/openapi";

/// An API: every operation (`POST /pki/issue/{role}`) with its fields.
pub type Surface = BTreeMap<String, Operation>;

/// What a server says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Described {
    /// Its API.
    pub surface: Surface,
    /// The engines and methods that it has built in: `secrets engine pki`, `auth method approle`.
    pub built_in: BTreeSet<String>,
}

/// How engines are named among what is built in.
pub const ENGINE: &str = "secrets engine ";
/// How auth methods are.
pub const METHOD: &str = "auth method ";

/// One operation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operation {
    /// Its parameters and the fields of its body, each with its type and default.
    pub fields: BTreeMap<String, Field>,
    /// Whether it is called deprecated.
    pub deprecated: bool,
    /// Whether its body is described by what describes that of another operation: then it is not known.
    pub is_ambiguous: bool,
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
    let ambiguous = ambiguous(description);
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        // One and the same, whether a list is asked for with a slash at its end or without.
        let path = path.trim_end_matches('/');
        let shared = parameters(&item["parameters"]);
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !["get", "post", "put", "delete", "patch"].contains(&method.as_str()) {
                continue;
            }
            let mut fields = shared.clone();
            fields.extend(parameters(&operation["parameters"]));
            let is_ambiguous = schema_of(operation).is_some_and(|name| ambiguous.contains(name));
            if !is_ambiguous {
                fields.extend(body(description, operation));
            }
            let deprecated = operation["deprecated"].as_bool().unwrap_or_default();
            let name = format!("{} {path}", method.to_uppercase());
            let known: &mut Operation = surface.entry(name).or_default();
            known.fields.extend(fields);
            known.deprecated |= deprecated;
            known.is_ambiguous |= is_ambiguous;
        }
    }
    surface
}

fn parameters(list: &Value) -> BTreeMap<String, Field> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|parameter| Some((parameter["name"].as_str()?.to_owned(), field(&parameter["schema"])))).collect()
}

/// Schemas that operations on several paths have in common. A server names them by itself, and where two come out alike one
/// is written over the other: then nobody can say which of the operations it describes.
fn ambiguous(description: &Value) -> BTreeSet<&str> {
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, item) in description["paths"].as_object().into_iter().flatten() {
        for operation in item.as_object().into_iter().flat_map(serde_json::Map::values) {
            if let Some(name) = schema_of(operation) {
                paths.entry(name).or_default().insert(path.trim_end_matches('/'));
            }
        }
    }
    paths.into_iter().filter(|(_, paths)| paths.len() > 1).map(|(name, _)| name).collect()
}

/// What an operation takes as its body.
fn taken(operation: &Value) -> &Value {
    let content = operation["requestBody"]["content"].as_object();
    content.and_then(|content| content.values().next()).map_or(&Value::Null, |kind| &kind["schema"])
}

/// The name of the schema of that.
fn schema_of(operation: &Value) -> Option<&str> {
    taken(operation)["$ref"].as_str().and_then(|name| name.rsplit('/').next())
}

fn body(description: &Value, operation: &Value) -> BTreeMap<String, Field> {
    let schema = schema_of(operation).map_or(taken(operation), |name| &description["components"]["schemas"][name]);
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties.map(|(name, schema)| (name.clone(), field(schema))).collect()
}

fn field(schema: &Value) -> Field {
    Field {
        kind: match schema["format"].as_str() {
            // Both are taken as a text and as a number, whatever they are called.
            Some("duration" | "seconds") => "duration".to_owned(),
            _ => schema["type"].as_str().unwrap_or_default().to_owned(),
        },
        default: (!schema["default"].is_null()).then(|| schema["default"].to_string()),
        deprecated: schema["deprecated"].as_bool().unwrap_or_default(),
    }
}

/// What differs between two descriptions.
pub fn differences(from: &Described, to: &Described, again: &str) -> Vec<Change> {
    let mut found = Found { again, changes: Vec::new() };
    let gone: Vec<&String> = from.built_in.difference(&to.built_in).collect();
    for engine in &gone {
        found.tried(Severity::Breaking, engine, "is not built in any more", ["built in", "refused"]);
    }
    let new: Vec<&String> = to.built_in.difference(&from.built_in).collect();
    for engine in &new {
        found.tried(Severity::Minor, engine, "is built in", ["refused", "built in"]);
    }
    for (area, names) in by_area(missing(&from.surface, &to.surface, &gone)) {
        let what = match names[..] {
            [name] => format!("{name} is there no more"),
            _ => format!("{} operations below {area} are there no more", names.len()),
        };
        found.all(Severity::Breaking, what, ["described", "not described"], &names);
    }
    for (area, names) in by_area(missing(&to.surface, &from.surface, &new)) {
        let what = match names[..] {
            [name] => format!("{name} is new"),
            _ => format!("{} operations below {area} are new", names.len()),
        };
        found.all(Severity::Minor, what, ["not described", "described"], &names);
    }
    for (name, was) in &from.surface {
        let Some(is) = to.surface.get(name) else { continue };
        if is.deprecated && !was.deprecated {
            found.put(Severity::Notable, format!("{name} is called deprecated"), ["it is not", "it is"], name);
        }
        if was.is_ambiguous || is.is_ambiguous {
            continue;
        }
        for (field, was) in &was.fields {
            if let Some(is) = is.fields.get(field) {
                found.field(name, field, was, is);
            } else {
                let what = format!("the field {field} is taken no more");
                found.put(Severity::Breaking, what, ["described", "not described"], name);
            }
        }
        for field in is.fields.keys().filter(|field| !was.fields.contains_key(*field)) {
            let what = format!("there is a new field {field}");
            found.put(Severity::Minor, what, ["not described", "described"], name);
        }
    }
    found.changes
}

/// The operations of one that the other has not; those of engines that are gone altogether are told as that.
fn missing<'a>(here: &'a Surface, there: &Surface, engines: &[&String]) -> Vec<&'a String> {
    let of_engine = |name: &str| engines.iter().any(|engine| name.contains(&below(engine)));
    here.keys().filter(|name| !there.contains_key(*name) && !of_engine(name)).collect()
}

/// Operations by what they belong to: an engine, or a part of the system's own API. Between two products hundreds differ, and
/// a list of hundreds is not read.
fn by_area(names: Vec<&String>) -> BTreeMap<&str, Vec<&str>> {
    let mut areas: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        let path = name.split_once(' ').map_or(name.as_str(), |(_, path)| path);
        let depth = if path.starts_with("/sys/") || path.starts_with("/auth/") { 2 } else { 1 };
        let end = path.match_indices('/').nth(depth).map_or(path.len(), |(end, _)| end);
        areas.entry(&path[..end]).or_default().push(name);
    }
    areas
}

/// Where an engine or method is mounted for its description: ` /ldap/`, ` /auth/ldap/`.
fn below(engine: &str) -> String {
    match engine.strip_prefix(METHOD) {
        Some(method) => format!(" /auth/{method}/"),
        None => format!(" /{}/", engine.trim_start_matches(ENGINE)),
    }
}

/// Differences as they are found, each with the operation that shows it.
struct Found<'a> {
    again: &'a str,
    changes: Vec<Change>,
}

impl Found<'_> {
    fn put(&mut self, severity: Severity, what: String, ways: [&str; 2], operation: &str) {
        self.all(severity, what, ways, &[operation]);
    }

    /// What was tried, not read: an engine or method was mounted.
    fn tried(&mut self, severity: Severity, engine: &str, what: &str, [from, to]: [&str; 2]) {
        let operation = if engine.starts_with(METHOD) { "POST /sys/auth/{path}" } else { "POST /sys/mounts/{path}" };
        let evidence = vec![self.evidence("a server of each version", operation, "mounted once".to_owned())];
        let (what, from, to) = (format!("the {engine} {what}"), from.to_owned(), to.to_owned());
        self.changes.push(Change { severity, what, from, to, promises: Vec::new(), evidence });
    }

    fn evidence(&self, scenario: &str, operation: &str, title: String) -> Evidence {
        Evidence {
            scenario: scenario.to_owned(),
            place: operation.to_owned(),
            step: String::new(),
            title,
            leg: Leg::To,
            runs: Vec::new(),
            again: self.again.to_owned(),
        }
    }

    fn all(&mut self, severity: Severity, what: String, [from, to]: [&str; 2], operations: &[&str]) {
        let described = |operation: &&str| {
            let title = format!("as GET {PATH} describes it");
            self.evidence("the servers' own description of their API", operation, title)
        };
        let evidence = operations.iter().map(described).collect();
        let (from, to) = (from.to_owned(), to.to_owned());
        self.changes.push(Change { severity, what, from, to, promises: Vec::new(), evidence });
    }

    fn field(&mut self, operation: &str, field: &str, was: &Field, is: &Field) {
        if was.kind != is.kind {
            let what = format!("the field {field} is of another type");
            self.put(Severity::Notable, what, [&was.kind, &is.kind], operation);
        }
        if was.default != is.default {
            let said = |field: &Field| field.default.clone().unwrap_or_else(|| "no default".to_owned());
            let what = format!("the field {field} has another default");
            self.put(Severity::Notable, what, [&said(was), &said(is)], operation);
        }
        if is.deprecated && !was.deprecated {
            let what = format!("the field {field} is called deprecated");
            self.put(Severity::Notable, what, ["it is not", "it is"], operation);
        }
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
        let described = |api: &Value| Described { surface: read(api), built_in: BTreeSet::new() };
        let found = differences(&described(from), &described(to), "again");
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
                (Severity::Breaking, "POST /sys/seal is there no more".to_owned()),
                (Severity::Minor, "GET /sys/seal is new".to_owned()),
                (Severity::Breaking, "the field old is taken no more".to_owned()),
            ]
        );
    }

    #[test]
    fn operations_of_one_area_that_went_away_together_are_one_change_that_names_each() {
        let paths =
            json!({ "/sys/mfa/a": { "get": {} }, "/sys/mfa/b/{name}": { "post": {} }, "/sys/seal": { "post": {} } });
        let api = |paths: &Value| Described { surface: read(&json!({ "paths": paths })), built_in: BTreeSet::new() };
        let found = differences(&api(&paths), &api(&json!({})), "again");
        let told: Vec<&str> = found.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(told, ["2 operations below /sys/mfa are there no more", "POST /sys/seal is there no more"]);
        let places: Vec<&str> = found[0].evidence.iter().map(|evidence| evidence.place.as_str()).collect();
        assert_eq!(places, ["GET /sys/mfa/a", "POST /sys/mfa/b/{name}"]);
    }

    #[test]
    fn a_slash_at_the_end_and_the_name_of_a_duration_are_no_difference() {
        let api = |path: &str, ttl: &Value| {
            let body = json!({ "content": { "application/json": { "schema": { "properties": { "ttl": ttl } } } } });
            let mut api = json!({ "paths": {} });
            api["paths"][path] = json!({ "get": {}, "post": { "requestBody": body } });
            api
        };
        let from = api("/auth/approle/role/", &json!({ "type": "string", "format": "duration" }));
        let to = api("/auth/approle/role", &json!({ "type": "integer", "format": "seconds" }));
        assert_eq!(told(&from, &to), []);
    }

    #[test]
    fn a_body_that_is_described_by_another_operations_schema_is_not_compared() {
        let mut to = description(&json!({ "cel_program": { "type": "object" } }));
        to["paths"]["/pki/cel/roles/{name}"] = to["paths"]["/pki/roles/{name}"].clone();
        let from = description(&json!({ "ttl": { "type": "integer" } }));
        assert_eq!(told(&from, &to), [(Severity::Minor, "POST /pki/cel/roles/{name} is new".to_owned())]);
        assert!(read(&to)["POST /pki/roles/{name}"].is_ambiguous);
    }

    #[test]
    fn another_default_and_a_new_deprecation_are_notable() {
        let from = description(&json!({ "bits": { "type": "integer", "default": 2048 }, "ou": {} }));
        let to = description(&json!({ "bits": { "type": "integer", "default": 256 }, "ou": { "deprecated": true } }));
        assert_eq!(
            told(&from, &to),
            [
                (Severity::Notable, "the field bits has another default".to_owned()),
                (Severity::Notable, "the field ou is called deprecated".to_owned()),
            ]
        );
    }

    #[test]
    fn an_engine_that_is_gone_is_told_as_that_and_not_by_its_endpoints() {
        let one = |built_in: &[&str], paths: Value| Described {
            surface: read(&json!({ "paths": paths })),
            built_in: built_in.iter().map(|name| (*name).to_owned()).collect(),
        };
        let from =
            one(&["auth method ldap"], json!({ "/auth/ldap/login": { "post": {} }, "/sys/seal": { "post": {} } }));
        let found = differences(&from, &one(&[], json!({ "/sys/seal": { "post": {} } })), "again");
        let told: Vec<&str> = found.iter().map(|change| change.what.as_str()).collect();
        assert_eq!(told, ["the auth method ldap is not built in any more"]);
    }
}
