//! From the text of a leaseproof.toml to its settings, or to everything that is wrong with it.

use std::ops::Range;
use std::path::Path;

use leaseproof_harness::scenario::mark::Place;
use leaseproof_harness::scenario::{Diagnostic, did_you_mean};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Setting;
use super::key::{KEYS, Key, Takes};

/// Reads a file's text. `folder` is the file's own, from which its paths are seen.
pub(super) fn read(text: &str, folder: &Path) -> Result<Vec<Setting>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let drawn = errors.iter().map(|error| {
            let at = place(text, &error.span().unwrap_or_default());
            Diagnostic::error(at, format!("this is no TOML: {}", error.message()))
        });
        return Err(drawn.collect());
    }
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let (mut settings, mut found) = (Vec::new(), Vec::new());
    for (name, value) in entries {
        let at = place(text, &name.span());
        let Some(key) = KEYS.iter().find(|key| key.name == name.get_ref()) else {
            found.push(unknown(name.get_ref(), at));
            continue;
        };
        match values(key, value, text, folder) {
            Ok(values) => settings.push(Setting { key, values, at: place(text, &value.span()) }),
            Err(wrong) => found.extend(wrong),
        }
    }
    if found.is_empty() { Ok(settings) } else { Err(found) }
}

fn unknown(name: &str, at: Place) -> Diagnostic {
    let known = KEYS.iter().map(|key| key.name);
    let help = match did_you_mean(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the keys are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    Diagnostic::error(at, format!("there is no key `{name}`")).help(help)
}

/// A key's values as the command line would have them, or what is wrong with each.
fn values(key: &Key, value: &Spanned<DeValue<'_>>, text: &str, folder: &Path) -> Result<Vec<String>, Vec<Diagnostic>> {
    let wrong = |span: &Range<usize>, found: &str| {
        let what = match key.takes {
            Takes::Text | Takes::Path => "a text",
            Takes::Texts | Takes::Paths => "a text, or a list of texts",
            Takes::Number => "a number",
            Takes::Table => "a table, such as { postgres = \"my/postgres:17\" }",
        };
        vec![Diagnostic::error(place(text, span), format!("`{}` takes {what}", key.name)).label(found.to_owned())]
    };
    let several = matches!(key.takes, Takes::Texts | Takes::Paths);
    let mut raw: Vec<(Range<usize>, String)> = Vec::new();
    match value.get_ref() {
        DeValue::String(one) if !matches!(key.takes, Takes::Number | Takes::Table) => {
            raw.push((value.span(), one.to_string()));
        }
        DeValue::Integer(number) if key.takes == Takes::Number && number.radix() == 10 => {
            raw.push((value.span(), number.as_str().to_owned()));
        }
        DeValue::Array(all) if several => {
            for one in all {
                let DeValue::String(word) = one.get_ref() else {
                    return Err(wrong(&one.span(), one.get_ref().type_str()));
                };
                raw.push((one.span(), word.to_string()));
            }
        }
        DeValue::Table(table) if key.takes == Takes::Table => {
            for (name, one) in table {
                let DeValue::String(word) = one.get_ref() else {
                    return Err(wrong(&one.span(), one.get_ref().type_str()));
                };
                raw.push((name.span().start..one.span().end, format!("{}={word}", name.get_ref())));
            }
        }
        other => return Err(wrong(&value.span(), other.type_str())),
    }
    let mut found = Vec::new();
    for (span, value) in &raw {
        if let Err(help) = (key.check)(value) {
            let message = format!("`{value}` is nothing that `{}` takes", key.name);
            found.push(Diagnostic::error(place(text, span), message).help(help));
        }
    }
    if !found.is_empty() {
        return Err(found);
    }
    let seen_from = |value: String| match key.takes {
        Takes::Path | Takes::Paths => folder.join(value).display().to_string(),
        _ => value,
    };
    Ok(raw.into_iter().map(|(_, value)| seen_from(value)).collect())
}

/// A range of bytes as a place.
fn place(text: &str, span: &Range<usize>) -> Place {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { text: 0, line, column, start: span.start, end: span.end }
}

#[cfg(test)]
mod tests {
    use leaseproof_harness::scenario::Style;

    use super::*;

    fn drawn(text: &str) -> String {
        let found = read(text, Path::new("")).unwrap_err();
        let draw = |d: &Diagnostic| d.render(Path::new("leaseproof.toml"), text, Style::Plain);
        found.iter().map(draw).collect::<Vec<_>>().join("\n")
    }

    #[rstest::rstest]
    #[case("seed = 7\njob = 3\n", &["leaseproof.toml:2:1", "no key `job`", "did you mean `jobs`?"])]
    #[case("jobs = \"many\"\n", &["leaseproof.toml:1:8", "`jobs` takes a number"])]
    #[case("jobs = 0\n", &["leaseproof.toml:1:8", "a number from 1 on"])]
    #[case("seed = -1\n", &["leaseproof.toml:1:8", "a number from 0 on"])]
    #[case("vault = [\"openbao\", \"postgres:16\"]\n", &["leaseproof.toml:1:21", "that is a database; name it with"])]
    #[case("provider = \"dokcer\"\n", &["leaseproof.toml:1:12", "auto, native or docker"])]
    #[case("images = { postgers = \"x\" }\n", &["leaseproof.toml:1:12", "SERVICE=IMAGE"])]
    #[case("jobs = \n", &["leaseproof.toml:1:", "this is no TOML"])]
    #[case("jobs = 1\njobs = 2\n", &["leaseproof.toml:2:1", "this is no TOML"])]
    #[case("[run]\njobs = 2\n", &["leaseproof.toml:1:2", "no key `run`"])]
    fn what_is_wrong_is_drawn_where_it_stands(#[case] text: &str, #[case] parts: &[&str]) {
        let drawn = drawn(text);
        for part in parts {
            assert!(drawn.contains(part), "{part}:\n{drawn}");
        }
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let drawn = drawn("job = 3\nprovider = 4\nimages = []\n");
        assert_eq!(drawn.matches("leaseproof.toml:").count(), 3, "{drawn}");
    }

    #[test]
    fn paths_are_seen_from_the_folder_of_the_file() {
        let settings = read("report_dir = \"out\"\nscenarios = [\"a\", \"/b\"]\n", Path::new("../..")).unwrap();
        assert_eq!(settings[0].values, ["../../out"]);
        assert_eq!(settings[1].values, ["../../a", "/b"]);
    }
}
