//! The words of scenario files, in the families in which they stand there, with what the schema says of them.

use std::fmt::Write as _;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Explanation, List, example};
use crate::scenario::{Scenario, schema};

/// Words that stand in the same place of a file.
pub(super) struct Family {
    /// How one asks for it.
    pub(super) name: &'static str,
    /// What its words are.
    pub(super) about: &'static str,
    /// Its definition in the schema; empty for the file itself.
    definition: &'static str,
}

const fn family(name: &'static str, definition: &'static str, about: &'static str) -> Family {
    Family { name, about, definition }
}

/// Every family, from the top of a file to its leaves.
pub(super) const FAMILIES: &[Family] = &[
    family("scenario", "", "the keys at the top of a file"),
    family("stack", "Stack", "the servers to start"),
    family("vault", "Vault", "how the secrets server is set up"),
    family("engine", "Engines", "the secrets engines"),
    family("database", "Database", "the database engine"),
    family("connection", "Connection", "a connection of the database engine"),
    family("role", "Role", "a dynamic role"),
    family("static_role", "StaticRole", "a static role"),
    family("mount", "Mount", "an engine that needs no server of its own"),
    family("auth", "Auth", "the auth methods"),
    family("client", "Client", "an application that holds a credential"),
    family("consumer", "Consumer", "a program of your own that is judged"),
    family("step", "Step", "what happens"),
    family("fault", "Fault", "what breaks"),
    family("expect", "Expect", "what must be so"),
    family("always", "Always", "what must hold throughout"),
    family("answer", "Answer", "what a call must be answered"),
    family("field", "Said", "what a field of an answer must be"),
    family("cause", "Cause", "why a server refuses"),
];

/// How deep the keys of a word's keys are shown.
const DEPTH: usize = 3;

/// The schema, read for its words.
pub(super) struct Words {
    schema: Value,
}

impl Words {
    pub(super) fn of_the_schema() -> Self {
        Self { schema: schema::described() }
    }

    /// The words of a family.
    pub(super) fn keys(&self, family: &Family) -> impl Iterator<Item = &str> {
        let definition = self.definition(family.definition);
        let properties = properties(definition).into_iter().flat_map(|all| all.keys().map(String::as_str));
        let values = values(definition).map(|(word, _)| word);
        properties.chain(values)
    }

    pub(super) fn has(&self, family: &Family, word: &str) -> bool {
        self.keys(family).any(|key| key == word)
    }

    /// The families that have a word.
    pub(super) fn meanings(&self, word: &str) -> Vec<&'static Family> {
        FAMILIES.iter().filter(|family| self.has(family, word)).collect()
    }

    /// Whether a word of one family takes the words of another.
    pub(super) fn leads(&self, from: &Family, word: &str, to: &Family) -> bool {
        let property = properties(self.definition(from.definition)).and_then(|all| all.get(word));
        property.and_then(name_of).is_some_and(|name| name == to.definition)
    }

    /// A family with all its words.
    pub(super) fn family(&self, family: &Family) -> Explanation {
        let definition = self.definition(family.definition);
        let mut entries: Vec<(String, String)> = Vec::new();
        for (word, property) in properties(definition).into_iter().flatten() {
            entries.push((word.clone(), self.about(property)));
        }
        entries.extend(values(definition).map(|(word, about)| (word.to_owned(), about)));
        Explanation {
            title: family.name.to_owned(),
            about: text(definition).into_iter().collect(),
            lists: vec![List { heading: "Words".to_owned(), entries }],
            example: None,
        }
    }

    /// A word of a family, which has it.
    pub(super) fn word(&self, family: &Family, word: &str, scenarios: &[Arc<Scenario>]) -> Explanation {
        let definition = self.definition(family.definition);
        let (mut about, mut lists) = (Vec::new(), Vec::new());
        if let Some(property) = properties(definition).and_then(|all| all.get(word)) {
            let said = self.about(property);
            let shape = self.shape(property);
            // A definition often says the same as the word that refers to it, and more.
            let more = text(shape).unwrap_or_default();
            let says_it_too = more.starts_with(said.trim_end_matches('.'));
            about.extend([said].into_iter().filter(|_| !says_it_too));
            about.push(more);
            about.extend(kind(property, shape).map(|kind| format!("Takes {kind}.")));
            let choices: Vec<_> = values(shape).map(|(word, about)| (word.to_owned(), about)).collect();
            lists.push(List { heading: "One of".to_owned(), entries: choices });
            let mut keys = Vec::new();
            self.keys_below(shape, "", DEPTH, &mut keys);
            lists.push(List { heading: "Keys".to_owned(), entries: keys });
        }
        about.extend(values(definition).filter(|(value, _)| *value == word).map(|(_, about)| about));
        lists.retain(|list| !list.entries.is_empty());
        Explanation {
            title: format!("{} {word}", family.name),
            about,
            lists,
            example: example::of(family.name, word, scenarios),
        }
    }

    /// The keys of a mapping, and those of the mappings in it that are no family of their own.
    fn keys_below(&self, shape: &Value, before: &str, depth: usize, keys: &mut Vec<(String, String)>) {
        let needed = |key: &str| {
            let required = shape.get("required").and_then(Value::as_array);
            required.is_some_and(|required| required.iter().any(|word| word == key))
        };
        for (key, property) in properties(shape).into_iter().flatten() {
            let below = self.shape(property);
            let mut about = self.about(property);
            let reference = name_of(property).and_then(|name| FAMILIES.iter().find(|f| f.definition == name));
            if let Some(family) = reference {
                let _ = write!(about, " See `explain {}`.", family.name);
            } else if let Some(kind) = kind(property, below) {
                let _ = write!(about, " [{kind}]");
            }
            if needed(key) {
                about.push_str(" [required]");
            }
            let name = format!("{before}{key}");
            keys.push((name.clone(), about));
            if reference.is_none() && depth > 1 {
                self.keys_below(below, &format!("{name}."), depth - 1, keys);
            }
        }
    }

    /// What is said of a property: by itself, else by what it refers to.
    fn about(&self, property: &Value) -> String {
        text(property).or_else(|| text(self.shape(property))).unwrap_or_default()
    }

    /// What a property is: the definition that it refers to, directly, as a list's items or as a mapping's values.
    fn shape<'a>(&'a self, property: &'a Value) -> &'a Value {
        name_of(property).map_or(property, |name| self.definition(name))
    }

    fn definition(&self, name: &str) -> &Value {
        if name.is_empty() { &self.schema } else { &self.schema["definitions"][name] }
    }
}

/// The name of the definition to which a property refers.
fn name_of(property: &Value) -> Option<&str> {
    let places = [
        property.get("$ref"),
        property.pointer("/allOf/0/$ref"),
        property.pointer("/items/$ref"),
        property.pointer("/additionalProperties/$ref"),
    ];
    places.into_iter().flatten().find_map(Value::as_str).and_then(|path| path.strip_prefix("#/definitions/"))
}

fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    definition.get("properties").and_then(Value::as_object)
}

/// The words among which one is chosen, each with what is said of it.
fn values(definition: &Value) -> impl Iterator<Item = (&str, String)> {
    let choices = definition.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    choices.filter_map(|choice| Some((choice.get("const")?.as_str()?, text(choice).unwrap_or_default())))
}

/// A description as running text.
fn text(value: &Value) -> Option<String> {
    let text = value.get("description")?.as_str()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// What kind of value is written, where its name does not say it.
fn kind(property: &Value, shape: &Value) -> Option<String> {
    let examples = shape.get("examples").and_then(Value::as_array);
    if let Some(examples) = examples {
        let all: Vec<&str> = examples.iter().filter_map(Value::as_str).collect();
        return Some(format!("such as {}", all.join(", ")));
    }
    let words: Vec<&str> = values(shape).map(|(word, _)| word).collect();
    if !words.is_empty() {
        return Some(words.join(" | "));
    }
    let word = match property.get("type").and_then(Value::as_str)? {
        "boolean" => "true | false",
        "integer" | "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => return None,
    };
    Some(word.to_owned())
}
