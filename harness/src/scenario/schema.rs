//! The JSON Schema of scenario files, which gives completion and checks in editors.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::ScenarioFile;
use crate::guarantee::catalogue;

/// Mappings in which exactly one of several keys stands, and the keys that may stand beside it.
const CHOICES: [(&str, &[&str]); 11] = [
    ("Step", &["during", "within", "for_at_least", "cites", "deviates"]),
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
];

/// The schema, as pretty-printed JSON with a newline at its end.
pub fn schema() -> String {
    let generator = SchemaSettings::draft07().into_generator();
    let mut schema = generator.into_root_schema_for::<ScenarioFile>().to_value();
    post_process(&mut schema);
    // Printing a `Value` cannot fail: its keys are texts.
    format!("{schema:#}\n")
}

fn post_process(schema: &mut Value) {
    let Some(root) = schema.as_object_mut() else { return };
    root.insert("title".to_owned(), json!("leaseproof scenario"));
    if let Some(definitions) = root.get_mut("definitions").and_then(Value::as_object_mut) {
        for (name, beside) in CHOICES {
            if let Some(definition) = definitions.get_mut(name) {
                one_of(definition, beside);
            }
        }
    }
    let ids: Vec<&str> = catalogue().iter().map(|guarantee| guarantee.id.as_str()).collect();
    let described: Vec<String> = catalogue().iter().map(|g| format!("{}: {}", g.id, g.promise)).collect();
    // `enumDescriptions` is what editors show beside each choice; other readers of the schema pass over it.
    let id = json!({ "type": "string", "enum": ids, "enumDescriptions": described });
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

    #[test]
    fn the_committed_schema_is_the_one_that_the_types_give() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/scenario.schema.json");
        if std::env::var_os("LEASEPROOF_BLESS").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, schema()).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == schema(), "scenarios/scenario.schema.json is out of date: LEASEPROOF_BLESS=1 cargo test");
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
    }
}
