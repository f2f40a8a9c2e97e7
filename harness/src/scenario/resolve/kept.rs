//! Kept values: each name in double braces must be kept by an earlier step, and what is kept must be of use.

use serde_json::Value;

use super::super::diagnostic::Diagnostic;
use super::super::file::{Api, Field, Race};
use super::super::kept::{VAULTS_OWN, names, texts};
use super::super::mark::{Marked, Place};
use super::super::word::Name;
use super::Resolver;
use super::choice::place;
use super::names::Kind;
use super::step::Call;

/// More callers than this only show how many connections this machine can open.
const MOST_CALLERS: u32 = 100;

impl Resolver<'_> {
    /// Reports every name in the text for which no earlier step keeps a value.
    pub(super) fn kept_in(&mut self, text: &str, at: Place) {
        for (_, name) in names(text) {
            let Ok(name) = name.parse::<Name>() else { continue };
            self.name(Kind::Value, &Marked { value: name, at });
        }
    }

    fn kept_in_body(&mut self, body: &Value, at: Place) {
        let mut all = Vec::new();
        texts(body, &mut |text| all.push(text));
        for text in all {
            self.kept_in(text, at);
        }
    }

    /// The kept values that a call uses and keeps.
    pub(super) fn kept_by(&mut self, api: &Marked<Api>) {
        self.kept_in(&api.path, api.path.at);
        if let Some(body) = &api.body {
            self.kept_in_body(&Value::Object(body.0.clone()), api.at);
        }
        for (name, way) in api.keeps.iter() {
            if VAULTS_OWN.contains(&name.as_str()) {
                self.error(
                    Diagnostic::error(name.at, format!("`{}` cannot be the name of a kept value", name.value))
                        .label("a word of Vault's own statements")
                        .help(format!("Vault puts its own value for {{{{{}}}}}: choose another name", name.value)),
                );
            }
            self.way(way);
        }
        for (way, field) in api.answers.iter().flat_map(|answers| answers.fields.iter()) {
            self.way(way);
            self.field(field);
        }
    }

    fn way(&mut self, way: &Marked<String>) {
        if way.value.split('.').any(|step| step.trim().is_empty()) {
            self.error(
                Diagnostic::error(way.at, format!("`{}` leads to no field", super::super::node::brief(way)))
                    .label("not the way to a field")
                    .help("write the keys of the body one after the other, with dots: data.serial_number"),
            );
        }
    }

    fn field(&mut self, field: &Marked<Field>) {
        if field.is_empty() && !self.lost.wounded(field.at) {
            self.error(
                Diagnostic::error(field.at, "nothing is said of this field, so it could not fail")
                    .label("asserts nothing")
                    .help("write the value that it must be, or say {present: true}"),
            );
        }
        if let (Some(least), Some(most)) = (field.at_least, field.at_most)
            && least > most
        {
            self.error(
                Diagnostic::error(field.at, format!("a field cannot be at least {least} and at most {most}"))
                    .label("no value lies between")
                    .help("swap the two bounds"),
            );
        }
        let said_of_value = Field { present: None, ..field.value.clone() };
        if field.present == Some(false) && !said_of_value.is_empty() {
            self.error(
                Diagnostic::error(field.at, "a field that is not there has no value")
                    .label("`present: false`, and more")
                    .help("keep `present: false` alone"),
            );
        }
        for value in field.values() {
            self.kept_in_body(value, field.at);
        }
        if let Some(part) = &field.contains {
            self.kept_in(part, field.at);
        }
    }

    pub(super) fn race(&mut self, race: &Marked<Race>) {
        self.api(&race.api);
        let callers = race.callers;
        let given = super::choice::given!(race; accepted, accepted_at_most);
        super::choice::exactly_one("`race`", race.at, &given, self.lost, &mut self.found);
        if !(2..=MOST_CALLERS).contains(&callers.value) {
            self.error(
                Diagnostic::error(callers.at, format!("`callers` cannot be {}", callers.value))
                    .label(format!("from 2 to {MOST_CALLERS}"))
                    .help("one caller alone is an `api` step"),
            );
        }
        if let Some(accepted) = race.accepted.or(race.accepted_at_most).filter(|n| n.value > callers.value) {
            self.error(
                Diagnostic::error(accepted.at, format!("{} of {} cannot be accepted", accepted.value, callers.value))
                    .label("more than there are callers")
                    .see(callers.at, "the callers"),
            );
        }
        if let Some(answers) = race.api.answers.as_ref().filter(|answers| answers.speaks_of_refusal()) {
            self.error(
                Diagnostic::error(answers.at, "in a race, `api` says what those are answered who are accepted")
                    .label("speaks of a refusal")
                    .help("say under `others` how everybody else is refused"),
            );
        }
        if let Some(others) = &race.others {
            self.check_answer(others, Call::Api);
            if !others.speaks_of_refusal() && !self.lost.wounded(others.at) {
                self.error(
                    Diagnostic::error(others.at, "`others` says how they are refused, and this is no refusal")
                        .label("speaks of a success")
                        .help("say a status of 400 or more, a cause or an error"),
                );
            }
        }
    }

    /// An expectation looks again and again, so what it would keep would be another value each time.
    pub(super) fn keeps_nothing(&mut self, api: &Marked<Api>) {
        let first = api.keeps.iter().next().map(|(name, _)| name.at);
        if let Some(at) = first.or(place(api.keeps_token.as_ref())) {
            self.error(
                Diagnostic::error(at, "an `expect` keeps nothing: it looks again and again")
                    .label("not in an `expect`")
                    .help("keep it with an `api` step of its own"),
            );
        }
    }
}
