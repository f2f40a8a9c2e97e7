//! The JSON Schema of scenario files, which gives completion and checks in editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::{FragmentFile, ScenarioFile};
use crate::guarantee::catalogue;

/// Mappings in which exactly one of several keys stands, and the keys that may stand beside it.
const CHOICES: [(&str, &[&str]); 12] = [
    ("Step", &["with", "during", "within", "for_at_least", "cites", "deviates"]),
    ("Expect", &[]),
    ("Fault", &[]),
    ("Always", &["cites"]),
    ("Renew", &["increment", "answers", "node"]),
    ("Revoke", &["sync", "force", "answers"]),
    ("Rotate", &["answers"]),
    ("Repair", &["answers"]),
    ("Race", &["api", "callers", "others"]),
    ("Wait", &["plus"]),
    ("ExpectLogin", &["with"]),
    (
        "Consumer",
        &[
            "folder",
            "files",
            "environment",
            "may_issue",
            "auth",
            "token_ttl",
            "token_max_ttl",
            "holds",
            "looks_every",
            "restart",
            "logs",
            "secret_files",
        ],
    ),
];

/// The schema, as pretty-printed JSON with a newline at its end.
pub fn schema() -> String {
    let mut schema = described();
    describe_uses(&mut schema);
    // Printing a `Value` cannot fail: its keys are texts.
    format!("{schema:#}\n")
}

/// The schema of fragments, in which `${name}` may stand for any single value.
pub fn fragment() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<FragmentFile>().to_value();
    post_process(&mut schema, "leaseproof fragment");
    // What it adds to a stack need not be a whole one.
    if let Some(stack) = schema.pointer_mut("/definitions/Stack").and_then(Value::as_object_mut) {
        stack.remove("required");
    }
    describe_uses(&mut schema);
    allow_parameters(&mut schema);
    format!("{schema:#}\n")
}

/// Lets `${name}` stand wherever a single value of a certain kind would.
fn allow_parameters(schema: &mut Value) {
    if is_single(schema) {
        let description = schema.as_object_mut().and_then(|kind| kind.remove("description"));
        let parameter = json!({ "type": "string", "pattern": r"\$\{" });
        *schema = json!({ "anyOf": [schema.take(), parameter] });
        if let (Some(description), Some(object)) = (description, schema.as_object_mut()) {
            object.insert("description".to_owned(), description);
        }
        return;
    }
    let Some(object) = schema.as_object_mut() else { return };
    for (key, below) in object.iter_mut() {
        match (key.as_str(), below) {
            ("properties" | "definitions", Value::Object(named)) => named.values_mut().for_each(allow_parameters),
            ("anyOf" | "allOf" | "oneOf", Value::Array(all)) => all.iter_mut().for_each(allow_parameters),
            ("items" | "additionalProperties" | "propertyNames", below) => allow_parameters(below),
            _ => {}
        }
    }
}

/// Whether a schema is that of a single value which is not any text.
fn is_single(schema: &Value) -> bool {
    let is_text = schema["type"] == "string";
    let is_choice = |key: &str| schema.get(key).is_some();
    matches!(schema["type"].as_str(), Some("integer" | "number" | "boolean"))
        || is_text && ["pattern", "enum", "oneOf", "const"].into_iter().any(is_choice)
        || schema["oneOf"].as_array().is_some_and(|all| all.iter().all(|one| one.get("const").is_some()))
}

/// The schema with what is said of each key and of what the key takes.
pub(crate) fn described() -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<ScenarioFile>().to_value();
    post_process(&mut schema, "leaseproof scenario");
    if let Some(root) = schema.as_object_mut() {
        // A fragment may bring the stack.
        root.insert("required".to_owned(), json!(["name", "steps"]));
        root.insert("anyOf".to_owned(), json!([{ "required": ["stack"] }, { "required": ["use"] }]));
    }
    schema
}

/// Says everything where it is used. Of what is said of a key and of its kind an editor shows the latter alone: "a name" for
/// every name. So a kind's description goes to the places that have none of their own.
fn describe_uses(schema: &mut Value) {
    let mut of_kinds = Map::new();
    for (name, definition) in schema.get_mut("definitions").and_then(Value::as_object_mut).into_iter().flatten() {
        if let Some(description) = definition.as_object_mut().and_then(|kind| kind.remove("description")) {
            of_kinds.insert(format!("#/definitions/{name}"), description);
        }
    }
    describe_below(schema, &of_kinds);
}

fn describe_below(value: &mut Value, of_kinds: &Map<String, Value>) {
    match value {
        Value::Object(object) => {
            let kind = object.get("$ref").and_then(Value::as_str).and_then(|kind| of_kinds.get(kind)).cloned();
            if let Some(description) = kind {
                // Draft 7 reads nothing beside `$ref`.
                let all = json!([Value::Object(std::mem::take(object))]);
                object.insert("allOf".to_owned(), all);
                object.insert("description".to_owned(), description);
                return;
            }
            for (key, below) in object.iter_mut() {
                match key.as_str() {
                    // A choice among kinds is described as a whole, and the name of a key not at all.
                    "oneOf" | "anyOf" => {
                        let choices = below.as_array_mut().into_iter().flatten();
                        choices.filter(|choice| choice.get("$ref").is_none()).for_each(|c| describe_below(c, of_kinds));
                    }
                    "allOf" | "propertyNames" => {}
                    _ => describe_below(below, of_kinds),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|below| describe_below(below, of_kinds)),
        _ => {}
    }
}

fn post_process(schema: &mut Value, title: &str) {
    let Some(root) = schema.as_object_mut() else { return };
    root.insert("title".to_owned(), json!(title));
    if let Some(definitions) = root.get_mut("definitions").and_then(Value::as_object_mut) {
        for (name, beside) in CHOICES {
            if let Some(definition) = definitions.get_mut(name) {
                one_of(definition, beside);
            }
        }
    }
    // An editor shows the description of the one that stands there, and the link where it knows Markdown.
    let ids = catalogue().iter().map(|guarantee| {
        let promise = &guarantee.promise;
        let linked = format!("{promise} [Documentation]({})", guarantee.source.url());
        json!({ "const": guarantee.id, "description": promise, "markdownDescription": linked })
    });
    let id = json!({ "type": "string", "oneOf": ids.collect::<Vec<_>>() });
    if let Some(definitions) = root.get_mut("definitions").and_then(Value::as_object_mut) {
        definitions.insert("GuaranteeId".to_owned(), id);
    }
    name_ids(schema);
    strip_null(schema);
}

/// Every list under `guarantees` or `cites` is one of IDs.
fn name_ids(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            for (key, value) in object.iter_mut() {
                if matches!(key.as_str(), "guarantees" | "cites" | "deviates")
                    && let Some(list) = value.as_object_mut().filter(|list| list.contains_key("items"))
                {
                    list.insert("items".to_owned(), json!({ "$ref": "#/definitions/GuaranteeId" }));
                    list.insert("uniqueItems".to_owned(), json!(true));
                }
                name_ids(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(name_ids),
        _ => {}
    }
}

/// Exactly one of the keys that are not in `beside`.
fn one_of(definition: &mut Value, beside: &[&str]) {
    let Some(object) = definition.as_object_mut() else { return };
    let keys: Vec<String> = object
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().filter(|key| !beside.contains(&key.as_str())).cloned().collect())
        .unwrap_or_default();
    let choices: Vec<Value> = keys.iter().map(|key| json!({ "required": [key] })).collect();
    object.insert("oneOf".to_owned(), Value::Array(choices));
    object.insert("minProperties".to_owned(), json!(1));
}

/// A key that may be left out may not be null: the loader refuses `key:` with nothing behind it.
fn strip_null(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            strip_null_here(object);
            object.values_mut().for_each(strip_null);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_null),
        _ => {}
    }
}

fn strip_null_here(object: &mut Map<String, Value>) {
    if let Some(types) = object.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(mut choices)) = object.remove("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&json!("null")));
        if let [only] = choices.as_slice() {
            // Draft 7 reads nothing beside `$ref`, so a description needs `allOf` around it.
            object.insert("allOf".to_owned(), json!([only]));
        } else {
            object.insert("anyOf".to_owned(), Value::Array(choices));
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("scenario.schema.json", schema())]
    #[case("fragment.schema.json", fragment())]
    fn the_committed_schema_is_the_one_that_the_types_give(#[case] file: &str, #[case] given: String) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").join(file);
        if std::env::var_os("LEASEPROOF_BLESS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &given).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == given, "scenarios/{file} is out of date: LEASEPROOF_BLESS=1 cargo test");
    }

    #[test]
    fn in_a_fragment_a_parameter_may_stand_for_any_single_value() {
        let schema: Value = serde_json::from_str(&fragment()).unwrap();
        let duration = &schema["definitions"]["Duration"]["anyOf"];
        assert_eq!((&duration[0]["type"], &duration[1]["pattern"]), (&json!("string"), &json!(r"\$\{")));
        let nodes = &schema["definitions"]["Vault"]["properties"]["nodes"];
        assert_eq!(nodes["anyOf"][0]["type"], "integer", "{nodes}");
        assert!(nodes["description"].is_string(), "{nodes}");
        assert!(schema["definitions"]["Stack"].get("required").is_none());
    }

    #[test]
    fn every_choice_of_the_schema_is_a_mapping_of_the_file() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        for (name, beside) in CHOICES {
            let definition = &schema["definitions"][name];
            let all = definition["properties"].as_object().unwrap_or_else(|| panic!("{name} is no mapping")).len();
            assert_eq!(definition["oneOf"].as_array().unwrap().len() + beside.len(), all, "{name}");
        }
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert!(schema.get("$id").is_none());
        let guarantees = &schema["properties"]["guarantees"]["items"]["$ref"];
        assert_eq!(guarantees, "#/definitions/GuaranteeId");
        let first = &schema["definitions"]["GuaranteeId"]["oneOf"][0];
        assert_eq!(first["const"], "LEASE-01");
        assert!(first["markdownDescription"].as_str().unwrap().contains("](https://"), "{first}");
    }

    #[test]
    fn what_a_key_is_for_is_said_at_the_key_and_nowhere_else() {
        let schema: Value = serde_json::from_str(&schema()).unwrap();
        for (name, definition) in schema["definitions"].as_object().unwrap() {
            assert!(definition.get("description").is_none(), "{name} would hide what its keys say");
            for (key, property) in definition["properties"].as_object().into_iter().flatten() {
                assert!(property["description"].is_string(), "{name}.{key} says nothing");
            }
        }
        let first = &schema["properties"]["steps"]["items"];
        assert!(first["description"].as_str().unwrap().starts_with("One thing that happens"), "{first}");
    }
}
