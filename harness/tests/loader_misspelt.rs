//! Every key of every good file, misspelt, and every value of a wrong kind: one error, where it stands, and nothing that only follows from it.
#![expect(clippy::expect_used, reason = "a test that cannot read its files has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use leaseproof_harness::scenario::{self, Diagnostic, Style, schema};

fn good() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/good");
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("tests/good is there") {
        let path = entry.expect("tests/good can be listed").path();
        if path.extension().is_some_and(|e| e == "yaml") {
            files.push((path.display().to_string(), std::fs::read_to_string(&path).expect("a good file can be read")));
        }
    }
    files.sort();
    assert!(!files.is_empty());
    files
}

/// All keys that the schema knows.
fn known_keys() -> BTreeSet<String> {
    fn collect(value: &serde_json::Value, keys: &mut BTreeSet<String>) {
        if let Some(properties) = value.get("properties").and_then(|p| p.as_object()) {
            keys.extend(properties.keys().cloned());
        }
        match value {
            serde_json::Value::Object(object) => object.values().for_each(|v| collect(v, keys)),
            serde_json::Value::Array(values) => values.iter().for_each(|v| collect(v, keys)),
            _ => {}
        }
    }
    let mut keys = BTreeSet::new();
    collect(&serde_json::from_str(&schema::schema()).expect("the schema is JSON"), &mut keys);
    assert!(keys.len() > 100);
    keys
}

/// Where the known keys of a text stand. Free-form bodies and remarks hold none.
fn keys_in(text: &str, known: &BTreeSet<String>) -> Vec<(usize, String)> {
    let (mut found, mut line_start) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let end = line.find("body:").map_or(line.len(), |body| body + "body:".len());
        let part = if line.trim_start().starts_with('#') { "" } else { &line[..end] };
        let mut from = 0;
        while let Some(colon) = part[from..].find(':').map(|at| at + from) {
            let word_start =
                part[..colon].rfind(|c: char| !(c.is_ascii_lowercase() || c == '_')).map_or(0, |at| at + 1);
            let word = &part[word_start..colon];
            if known.contains(word) {
                found.push((line_start + word_start, word.to_owned()));
            }
            from = colon + 1;
        }
        line_start += line.len();
    }
    found
}

fn errors(text: &str) -> Vec<Diagnostic> {
    let loaded = scenario::load(Path::new("any.yaml"), text.as_bytes());
    loaded.diagnostics.into_iter().filter(Diagnostic::is_error).collect()
}

fn drawn(found: &[Diagnostic], text: &str) -> String {
    found.iter().map(|d| d.render(Path::new("any.yaml"), text, Style::Plain)).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_misspelt_key_is_one_error_where_it_stands() {
    let known = known_keys();
    let mut tried = 0;
    for (file, text) in good() {
        for (at, key) in keys_in(&text, &known) {
            let mut misspelt = text.clone();
            misspelt.insert(at + key.len(), 'q');
            let found = errors(&misspelt);
            assert!(
                found.len() == 1 && found[0].at.start == at && found[0].message == format!("unknown key `{key}q`"),
                "{file}: `{key}` at byte {at}:\n{}",
                drawn(&found, &misspelt)
            );
            let help = found[0].help.as_deref().unwrap_or_default();
            assert!(help.contains(&format!("`{key}`")), "{file}: `{key}`: {help}");
            tried += 1;
        }
    }
    assert!(tried > 200, "only {tried} keys were found: the test does not look where it should");
}

#[test]
fn a_value_of_the_wrong_kind_is_one_error_at_that_value() {
    let known = known_keys();
    let mut tried = 0;
    for (file, text) in good() {
        for (at, key) in keys_in(&text, &known) {
            // A list in a mapping of the same line is wrong everywhere but where a list belongs.
            let colon = at + key.len();
            let Some(value) = text[colon + 1..].strip_prefix(' ') else { continue };
            let plain = value.find([',', ' ', '}', '\n']).unwrap_or(value.len());
            let value = &value[..plain];
            if value.is_empty() || !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_".contains(&b)) {
                continue;
            }
            let rest = &text[colon + 2 + plain..];
            if rest.starts_with(' ') && !rest.starts_with(" }") {
                continue;
            }
            let spoiled = format!("{}[[]]{rest}", &text[..colon + 2]);
            let found = errors(&spoiled);
            assert!(
                found.len() == 1 && found[0].at.start == colon + 2,
                "{file}: `{key}: [[]]`:\n{}",
                drawn(&found, &spoiled)
            );
            tried += 1;
        }
    }
    assert!(tried > 150, "only {tried} values were found: the test does not look where it should");
}
