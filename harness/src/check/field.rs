//! Whether a field of an answer is what a step demands.

use serde_json::Value;

use crate::event::FieldRead;
use crate::scenario::file::Field;

impl Field {
    /// What is not as demanded, in words; nothing when all of it is.
    pub(super) fn wrong(&self, way: &str, read: Option<&FieldRead>) -> Vec<String> {
        let absent = FieldRead::default();
        let read = read.unwrap_or(&absent);
        if !read.present {
            return if self.present == Some(false) { Vec::new() } else { vec![format!("{way}, which is not there")] };
        }
        let mut wrong = Vec::new();
        if self.present == Some(false) {
            wrong.push(format!("no {way}"));
        }
        self.wrong_value(way, read.value.as_ref().unwrap_or(&Value::Null), &mut wrong);
        if let Some(part) = self.contains.as_ref().filter(|_| read.contains != Some(true)) {
            wrong.push(format!("{way} with “{part}” in it"));
        }
        if let Some(count) = self.count.filter(|count| read.count != Some(*count)) {
            let seen = read.count.map_or_else(|| "no list".to_owned(), |seen| seen.to_string());
            wrong.push(format!("{count} in {way}, not {seen}"));
        }
        let members = read.members.as_deref().unwrap_or_default();
        let lists = |value: &Value| members.iter().any(|member| equal(member, value));
        for value in self.has.iter().flatten().filter(|value| !lists(value)) {
            wrong.push(format!("{} in {way}, which has {}", plain(value), Value::from(members)));
        }
        for value in self.lacks.iter().flatten().filter(|value| lists(value)) {
            wrong.push(format!("no {} in {way}", plain(value)));
        }
        if self.lacks.is_some() && read.members.is_none() {
            wrong.push(format!("a list or mapping in {way}"));
        }
        wrong
    }

    fn wrong_value(&self, way: &str, value: &Value, wrong: &mut Vec<String>) {
        let seen = plain(value);
        if let Some(demand) = self.equals.as_ref().filter(|demand| !equal(value, demand)) {
            wrong.push(format!("{way} {}, not {seen}", plain(demand)));
        }
        if let Some(demand) = self.differs_from.as_ref().filter(|demand| equal(value, demand)) {
            wrong.push(format!("{way} other than {}", plain(demand)));
        }
        let number = number(value);
        if let Some(least) = self.at_least.filter(|least| number.is_none_or(|number| number < *least)) {
            wrong.push(format!("{way} at least {least}, not {seen}"));
        }
        if let Some(most) = self.at_most.filter(|most| number.is_none_or(|number| number > *most)) {
            wrong.push(format!("{way} at most {most}, not {seen}"));
        }
    }
}

/// Numbers are equal by value: JSON writes one as 3 and as 3.0.
fn equal(seen: &Value, demand: &Value) -> bool {
    let same = |a: f64, b: f64| (a - b).abs() < f64::EPSILON;
    seen == demand || seen.as_f64().zip(demand.as_f64()).is_some_and(|(a, b)| same(a, b))
}

/// A number in whole units, also one that is written as text; a fraction counts as what it is cut to.
fn number(value: &Value) -> Option<i64> {
    let cut = |number: f64| format!("{:.0}", number.trunc()).parse().ok();
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64().or_else(|| other.as_f64().and_then(cut)),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> FieldRead {
        FieldRead { present: true, value: Some(value), ..FieldRead::default() }
    }

    fn field(text: &str) -> Field {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_field_that_is_not_there_meets_no_demand_but_its_absence() {
        for demand in
            ["1", r#"{"lacks": ["a"]}"#, r#"{"differs_from": "x"}"#, r#"{"at_most": 5}"#, r#"{"present": true}"#]
        {
            assert_eq!(field(demand).wrong("data.x", None).len(), 1, "{demand}");
        }
        assert!(field(r#"{"present": false}"#).wrong("data.x", None).is_empty());
        assert_eq!(field(r#"{"present": false}"#).wrong("data.x", Some(&read(json!(1)))).len(), 1);
    }

    #[test]
    fn values_are_compared_by_what_they_are() {
        assert!(field("3").wrong("v", Some(&read(json!(3)))).is_empty());
        assert!(!field("3").wrong("v", Some(&read(json!(4)))).is_empty());
        assert!(!field("\"3\"").wrong("v", Some(&read(json!(3)))).is_empty(), "text is no number");
        assert!(field(r#"{"at_least": 3, "at_most": 5}"#).wrong("v", Some(&read(json!("4")))).is_empty());
        assert!(!field(r#"{"at_least": 3}"#).wrong("v", Some(&read(json!("many")))).is_empty());
    }

    #[test]
    fn members_are_looked_for_and_counted() {
        let read = FieldRead {
            present: true,
            members: Some(vec![json!("a"), json!("{{b}}")]),
            count: Some(2),
            ..FieldRead::default()
        };
        assert!(field(r#"{"has": ["a", "{{b}}"], "lacks": ["c"], "count": 2}"#).wrong("keys", Some(&read)).is_empty());
        assert_eq!(field(r#"{"has": ["c"], "lacks": ["a"], "count": 3}"#).wrong("keys", Some(&read)).len(), 3);
    }
}
