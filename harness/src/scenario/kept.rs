//! Values that a step keeps, and where later steps name them: `{{serial}}`. There is nothing more to this language.

use serde_json::{Map, Value};

/// Words that Vault's own statements and templates use in the same brackets; they are sent as they stand.
pub const VAULTS_OWN: [&str; 6] = ["name", "username", "password", "expiration", "hostname", "uuid"];

/// The names between double braces in a text, each with the bytes that it takes. Vault's own words are not among them, nor
/// what is no name at all: a Go template, a quoted text.
pub fn names(text: &str) -> impl Iterator<Item = (std::ops::Range<usize>, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let open = from + text.get(from..)?.find("{{")?;
            let close = open + 2 + text[open + 2..].find("}}")?;
            from = open + 2;
            let name = text[open + 2..close].trim();
            if is_name(name) && !VAULTS_OWN.contains(&name) {
                from = close + 2;
                return Some((open..close + 2, name));
            }
        }
    })
}

fn is_name(text: &str) -> bool {
    text.parse::<super::word::Name>().is_ok()
}

/// The name that a text consists of, if it is nothing else.
pub fn whole(text: &str) -> Option<&str> {
    let mut all = names(text);
    all.next().filter(|(at, _)| *at == (0..text.len())).map(|(_, name)| name)
}

/// The text with every name replaced by its value; `Err` is a name that has none.
pub fn text<'t>(text: &'t str, value: &impl Fn(&str) -> Option<Value>) -> Result<String, &'t str> {
    let (mut filled, mut from) = (String::new(), 0);
    for (at, name) in names(text) {
        filled.push_str(&text[from..at.start]);
        match value(name).ok_or(name)? {
            Value::String(value) => filled.push_str(&value),
            other => filled.push_str(&other.to_string()),
        }
        from = at.end;
    }
    filled.push_str(&text[from..]);
    Ok(filled)
}

/// A body with every name replaced. A text that is one name and nothing else becomes the value as it was kept: a number
/// stays a number.
pub fn body(body: &Value, value: &impl Fn(&str) -> Option<Value>) -> Result<Value, String> {
    Ok(match body {
        Value::String(string) => match whole(string) {
            Some(name) => value(name).ok_or(name)?,
            None => Value::String(text(string, value)?),
        },
        Value::Array(all) => Value::Array(all.iter().map(|one| self::body(one, value)).collect::<Result<_, _>>()?),
        Value::Object(all) => Value::Object(object(all, value)?),
        other => other.clone(),
    })
}

fn object(all: &Map<String, Value>, value: &impl Fn(&str) -> Option<Value>) -> Result<Map<String, Value>, String> {
    all.iter().map(|(key, one)| Ok((key.clone(), body(one, value)?))).collect()
}

/// Every text in a body.
pub fn texts<'b>(body: &'b Value, each: &mut impl FnMut(&'b str)) {
    match body {
        Value::String(text) => each(text),
        Value::Array(all) => all.iter().for_each(|one| texts(one, each)),
        Value::Object(all) => all.values().for_each(|one| texts(one, each)),
        _ => {}
    }
}

/// The part of an answer that lies that way: `data.keys`, `data.versions.1`, `data.keys.0`.
pub fn part<'v>(answer: &'v Value, way: &str) -> Option<&'v Value> {
    let found = way.split('.').try_fold(answer, |at, step| match at {
        Value::Object(all) => all.get(step),
        Value::Array(all) => all.get(step.parse::<usize>().ok()?),
        _ => None,
    });
    found.filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kept(name: &str) -> Option<Value> {
        match name {
            "serial" => Some(json!("1a:2b")),
            "version" => Some(json!(3)),
            _ => None,
        }
    }

    #[test]
    fn a_name_is_replaced_in_text_and_a_value_keeps_its_type_when_it_stands_alone() {
        assert_eq!(text("pki/cert/{{serial}}?v={{ version }}", &kept), Ok("pki/cert/1a:2b?v=3".to_owned()));
        let filled = body(&json!({ "cas": "{{version}}", "all": ["v{{version}}"], "n": 1 }), &kept);
        assert_eq!(filled, Ok(json!({ "cas": 3, "all": ["v3"], "n": 1 })));
    }

    #[test]
    fn the_words_of_vaults_own_templates_stay_as_they_are() {
        let sql = "CREATE ROLE \"{{name}}\" VALID UNTIL '{{expiration}}' {{random 20}} {{identity.entity.id}} {{}}";
        assert_eq!(text(sql, &kept), Ok(sql.to_owned()));
        assert_eq!(names(sql).count(), 0);
    }

    #[test]
    fn a_name_without_a_value_is_named() {
        assert_eq!(text("a{{nothing}}", &kept), Err("nothing"));
        assert_eq!(body(&json!(["{{nothing}}"]), &kept), Err("nothing".to_owned()));
    }

    #[test]
    fn a_way_leads_through_mappings_and_lists_and_null_is_nothing() {
        let answer = json!({ "data": { "keys": ["a", "b"], "none": null } });
        assert_eq!(part(&answer, "data.keys.1"), Some(&json!("b")));
        assert_eq!(part(&answer, "data.none"), None);
        assert_eq!(part(&answer, "data.keys.x"), None);
    }
}
