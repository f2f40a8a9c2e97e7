//! What is a difference of two descriptions, and what only looks like one.

use serde_json::json;

use super::*;
use Standing::{Absent, OtherEdition, Served};

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
    let described = |api: &Value| Described { surface: read(api), ..Described::default() };
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
            (Severity::Notable, "POST /sys/seal is described no more".to_owned()),
            (Severity::Minor, "GET /sys/seal is new".to_owned()),
            (Severity::Breaking, "the field old is described no more".to_owned()),
        ]
    );
}

#[test]
fn operations_of_one_area_that_went_away_together_are_one_change_that_names_each() {
    let paths =
        json!({ "/sys/mfa/a": { "get": {} }, "/sys/mfa/b/{name}": { "post": {} }, "/sys/seal": { "post": {} } });
    let api = |paths: &Value| Described { surface: read(&json!({ "paths": paths })), ..Described::default() };
    let found = differences(&api(&paths), &api(&json!({})), "again");
    let told: Vec<&str> = found.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(told, ["2 operations below /sys/mfa are described no more", "POST /sys/seal is described no more"]);
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
            (Severity::Notable, "the field bits is described with another default".to_owned()),
            (Severity::Notable, "the field ou is called deprecated".to_owned()),
        ]
    );
}

#[test]
fn an_engine_that_is_gone_is_told_as_that_and_not_by_its_endpoints() {
    let one = |built_in: &[&str], paths: Value| Described {
        surface: read(&json!({ "paths": paths })),
        built_in: built_in.iter().map(|name| (*name).to_owned()).collect(),
        tried: BTreeMap::new(),
    };
    let from = one(&["auth method ldap"], json!({ "/auth/ldap/login": { "post": {} }, "/sys/seal": { "post": {} } }));
    let found = differences(&from, &one(&[], json!({ "/sys/seal": { "post": {} } })), "again");
    let told: Vec<&str> = found.iter().map(|change| change.what.as_str()).collect();
    assert_eq!(told, ["the auth method ldap is not built in any more"]);
}

#[test]
fn what_another_edition_has_breaks_nobody_and_what_is_served_all_the_same_neither() {
    let all = json!({ "/sys/a": { "get": {} }, "/sys/b": { "get": {} }, "/sys/c": { "get": {} } });
    let described = |paths: &Value, tried: [Standing; 3]| Described {
        surface: read(&json!({ "paths": paths })),
        built_in: BTreeSet::new(),
        tried: ["GET /sys/a", "GET /sys/b", "GET /sys/c"].map(str::to_owned).into_iter().zip(tried).collect(),
    };
    let from = described(&all, [OtherEdition, Served, Served]);
    let to = described(&json!({}), [Absent, Absent, Served]);
    assert_eq!(of_one(&from, &to), ["GET /sys/a", "GET /sys/b", "GET /sys/c"]);
    let told = |from, to| {
        let found = differences(from, to, "again");
        found.into_iter().map(|change| (change.severity, change.what)).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&from, &to),
        [
            (Severity::Breaking, "GET /sys/b is there no more".to_owned()),
            (Severity::Minor, "GET /sys/a is described no more".to_owned()),
            (Severity::Minor, "GET /sys/c is described no more".to_owned()),
        ]
    );
    assert_eq!(
        told(&to, &from),
        [
            (Severity::Minor, "GET /sys/b is new".to_owned()),
            (Severity::Minor, "GET /sys/a is described now".to_owned()),
        ]
    );
}

#[test]
fn a_field_that_another_operation_on_its_path_takes_is_not_gone() {
    let api = |gets: &Value| {
        let mut api = description(&json!({ "ttl": {} }));
        api["paths"]["/pki/roles/{name}"]["get"] = json!({ "parameters": gets });
        api
    };
    let (more, less) = (api(&json!([{ "name": "ttl", "in": "query" }])), api(&json!([])));
    assert_eq!(told(&more, &less), []);
    assert_eq!(told(&less, &more), []);
}

#[test]
fn a_default_that_is_nothing_is_none() {
    let one =
        description(&json!({ "names": { "default": [] }, "on": { "default": false }, "text": { "default": "" } }));
    assert_eq!(told(&one, &description(&json!({ "names": {}, "on": {}, "text": {} }))), []);
}

#[test]
fn a_field_that_may_stand_in_the_path_is_not_gone() {
    let api = |field: &Value| {
        let body = json!({ "content": { "application/json": { "schema": { "properties": field } } } });
        let paths =
            json!({ "/sys/tools/hash": { "post": { "requestBody": body } }, "/sys/tools/hash/{urlalgorithm}": {} });
        let mut api = json!({ "paths": paths });
        api["paths"]["/sys/tools/hash/{urlalgorithm}"]["post"] = json!({});
        api
    };
    assert_eq!(told(&api(&json!({ "urlalgorithm": {} })), &api(&json!({}))), []);
}
