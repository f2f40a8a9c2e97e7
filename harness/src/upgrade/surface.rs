//! What the two servers say of their own API (`sys/internal/specs/openapi`), and how that differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{Change, Evidence, Leg, Severity};
use super::knock::Standing;

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
    /// How it takes operations that only one of two servers describes.
    pub tried: BTreeMap<String, Standing>,
}

/// What a path can be asked for.
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "PATCH"];

/// Defaults that say nothing.
const NOTHING: [&str; 6] = ["null", "false", "0", "\"\"", "[]", "{}"];

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
            let method = method.to_uppercase();
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let mut fields = shared.clone();
            fields.extend(parameters(&operation["parameters"]));
            let is_ambiguous = schema_of(operation).is_some_and(|name| ambiguous.contains(name));
            if !is_ambiguous {
                fields.extend(body(description, operation));
            }
            let deprecated = operation["deprecated"].as_bool().unwrap_or_default();
            let name = format!("{method} {path}");
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
        // What is not sent is nothing, false, empty or 0 anyway, whether that is said or not.
        default: Some(schema["default"].to_string()).filter(|default| !NOTHING.contains(&default.as_str())),
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
    for (what, names) in told(missing(&from.surface, &to.surface, &gone), [from, to]) {
        match what {
            Missing::Truly => {
                let ways = ["described, and served when it was tried", "not described, and refused when it was tried"];
                found.operations(Severity::Breaking, &names, "there no more", ways);
            }
            Missing::Untried => {
                found.operations(Severity::Notable, &names, "described no more", ["described", "not described"]);
            }
            Missing::NeverServed => {
                let ways = ["described, and refused as another edition's", "not described"];
                found.operations(Severity::Minor, &names, "described no more", ways);
            }
            Missing::Served => {
                let ways = ["described", "not described, and served all the same"];
                found.operations(Severity::Minor, &names, "described no more", ways);
            }
        }
    }
    for (what, names) in told(missing(&to.surface, &from.surface, &new), [to, from]) {
        match what {
            Missing::Truly | Missing::Untried => {
                found.operations(Severity::Minor, &names, "new", ["not described", "described"]);
            }
            Missing::NeverServed => {
                let ways = ["not described", "described, and refused as another edition's"];
                found.operations(Severity::Minor, &names, "described now", ways);
            }
            // It was there before, and it is there.
            Missing::Served => {}
        }
    }
    // A server that describes operations which it refuses does so with fields too, and those cannot be tried one by one.
    let says_too_much = from.tried.values().any(|standing| *standing == Standing::OtherEdition);
    let of_fields = if says_too_much { Severity::Notable } else { Severity::Breaking };
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
            } else if !is_taken(&to.surface, name, field) {
                let what = format!("the field {field} is described no more");
                found.put(of_fields, what, ["described", "not described"], name);
            }
        }
        let is_new = |field: &&String| !was.fields.contains_key(*field) && !is_taken(&from.surface, name, field);
        for field in is.fields.keys().filter(is_new) {
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

/// Whether a field is described for any operation on the same path. A server takes it for all of them; one leaves out of the
/// description of a read what a write takes, another does not. The same goes for what may stand in the path behind it.
fn is_taken(surface: &Surface, operation: &str, field: &str) -> bool {
    let path = path_of(operation);
    let here = METHODS.iter().filter_map(|method| surface.get(&format!("{method} {path}")));
    let is_behind = |other: &str| {
        let rest = other.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
        rest.is_some_and(|rest| rest.contains(&format!("{{{field}}}")))
    };
    here.flat_map(|operation| operation.fields.keys()).any(|known| known == field)
        || surface.keys().any(|operation| is_behind(path_of(operation)))
}

fn path_of(operation: &str) -> &str {
    operation.split_once(' ').map_or(operation, |(_, path)| path)
}

/// What is true of an operation that only one of two servers describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Missing {
    /// One does it, and the other knows no such thing.
    Truly,
    /// It was not tried, or what came of it says nothing.
    Untried,
    /// The one that describes it has it not either.
    NeverServed,
    /// The other does it, whatever it says.
    Served,
}

/// Operations that are missing on one server, by what is true of them. `here` describes them, `there` does not.
fn told<'a>(names: Vec<&'a String>, [here, there]: [&Described; 2]) -> Vec<(Missing, Vec<&'a String>)> {
    let mut told: BTreeMap<Missing, Vec<&String>> = BTreeMap::new();
    for name in names {
        let what = match (here.tried.get(name), there.tried.get(name)) {
            (_, Some(Standing::Served)) => Missing::Served,
            (Some(Standing::OtherEdition), _) => Missing::NeverServed,
            (Some(Standing::Served), Some(_)) => Missing::Truly,
            _ => Missing::Untried,
        };
        told.entry(what).or_default().push(name);
    }
    told.into_iter().collect()
}

/// The operations that only one of two servers describes, but for those of engines that it alone has.
pub fn of_one(from: &Described, to: &Described) -> Vec<String> {
    let alone = |here: &Described, there: &Described| {
        let engines: Vec<&String> = here.built_in.difference(&there.built_in).collect();
        missing(&here.surface, &there.surface, &engines).into_iter().cloned().collect::<Vec<_>>()
    };
    let mut all = alone(from, to);
    all.extend(alone(to, from));
    all
}

/// Operations by what they belong to: an engine, or a part of the system's own API. Between two products hundreds differ, and
/// a list of hundreds is not read.
fn by_area<'a>(names: &[&'a String]) -> BTreeMap<&'a str, Vec<&'a str>> {
    let mut areas: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        let path = path_of(name);
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

    /// Operations that only one of the servers describes.
    fn operations(&mut self, severity: Severity, names: &[&String], what: &str, ways: [&str; 2]) {
        for (area, names) in by_area(names) {
            let what = match names[..] {
                [name] => format!("{name} is {what}"),
                _ => format!("{} operations below {area} are {what}", names.len()),
            };
            self.all(severity, what, ways, &names);
        }
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
            let what = format!("the field {field} is described with another type");
            self.put(Severity::Notable, what, [&was.kind, &is.kind], operation);
        }
        if was.default != is.default {
            let said = |field: &Field| field.default.clone().unwrap_or_else(|| "no default".to_owned());
            let what = format!("the field {field} is described with another default");
            self.put(Severity::Notable, what, [&said(was), &said(is)], operation);
        }
        if is.deprecated && !was.deprecated {
            let what = format!("the field {field} is called deprecated");
            self.put(Severity::Notable, what, ["it is not", "it is"], operation);
        }
    }
}

#[cfg(test)]
#[path = "surface_tests.rs"]
mod tests;
