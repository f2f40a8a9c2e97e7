//! A scenario's own call of Vault's API: kept values filled in, the answer's fields read, and what is to be kept, kept.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::book::Token;
use crate::event::{Actor, Event, FieldRead, Reply, TokenAct, TokenState};
use crate::outcome::Outcome;
use crate::scenario::file::{Api, Field, Race};
use crate::scenario::kept;
use crate::secret::Secret;
use crate::service::Seen;
use crate::service::vault::{Answer, Vault, outcome_of};
use crate::world::{Missing, World};

/// Names of fields whose values are secrets in any answer; a value that was not expected there is not shown.
const SECRET: [&str; 12] = [
    "password",
    "secret_id",
    "client_token",
    "token",
    "accessor",
    "private_key",
    "key",
    "plaintext",
    "secret_access_key",
    "secret_key",
    "security_token",
    "id",
];
/// A longer value is no reading for people, and may be anything.
const LONGEST_SHOWN: usize = 80;
/// What stands for a value that is not shown.
const ANOTHER: &str = "[another value]";

/// Makes the call once, and writes what came of it.
pub async fn api(world: &World, who: &Actor, step: Option<&str>, api: &Api) -> Result<(), Missing> {
    let call = Call::of(world, step, api).await?;
    let seen = call.make().await;
    call.conclude(who, step, seen);
    Ok(())
}

/// Makes the call from several callers at the same moment.
pub async fn race(world: &World, who: &Actor, step: Option<&str>, race: &Race) -> Result<(), Missing> {
    let call = Call::of(world, step, &race.api).await?;
    let callers = (0..race.callers.value).map(|_| call.make());
    for seen in futures_util::future::join_all(callers).await {
        call.conclude(who, step, seen);
    }
    Ok(())
}

/// A call with everything filled in.
struct Call<'a> {
    world: &'a World,
    api: &'a Api,
    vault: Vault,
    path: String,
    body: Option<Value>,
}

impl<'a> Call<'a> {
    async fn of(world: &'a World, step: Option<&str>, api: &'a Api) -> Result<Self, Missing> {
        let value = |name: &str| world.book.value(name);
        let missing = |name: String| Missing { kind: "kept value", name };
        let path = kept::text(&api.path, &value).map_err(|name| missing(name.to_owned()))?;
        let body = api.body.as_ref().map(|body| kept::body(&Value::Object(body.0.clone()), &value));
        let body = body.transpose().map_err(missing)?;
        let vault = world.vault_at(step, api.node.as_deref().copied(), api.token.as_deref()).await?;
        let vault = match api.wrap_ttl {
            Some(ttl) => vault.wrapping(ttl.0),
            None => vault,
        };
        Ok(Self { world, api, vault, path, body })
    }

    async fn make(&self) -> Seen<Answer> {
        let method = self.api.method.as_deref().copied().unwrap_or_default();
        self.vault.answer(method, &self.path, self.body.clone()).await
    }

    /// Keeps what is to be kept, and writes the call down.
    fn conclude(&self, who: &Actor, step: Option<&str>, seen: Seen<Answer>) {
        let Seen { at, outcome, shape } = seen;
        let (mut fields, mut not_kept) = (BTreeMap::new(), Vec::new());
        if let Outcome::Ok(answer) = &outcome {
            not_kept = self.keep(answer);
            self.keep_token(who, step, at, answer);
            for (way, field) in self.api.answers.iter().flat_map(|answers| answers.fields.iter()) {
                fields.insert(way.value.clone(), self.read(way, field, kept::part(&answer.body, way)));
            }
        }
        let outcome = match outcome {
            Outcome::Ok(answer) => {
                outcome_of(answer).map(|reply| Reply { status: reply.status, warnings: reply.warnings, body: () })
            }
            Outcome::Refused(refusal) => Outcome::Refused(refusal),
            Outcome::Unknown(unknown) => Outcome::Unknown(unknown),
        };
        let method = self.api.method.as_deref().copied().unwrap_or_default();
        // The path as the file has it: what is filled in may be secret.
        let path = self.api.path.value.clone();
        let event = Event::Api { method, path, outcome, fields, not_kept };
        self.world.history.write_answer(at, who.clone(), step.map(str::to_owned), event, shape);
    }

    /// Keeps parts of the answer; gives the names for which there was none.
    fn keep(&self, answer: &Answer) -> Vec<String> {
        let mut without = Vec::new();
        // In a race, only those who are accepted have something to keep.
        let is_good = answer.status < 400;
        for (name, way) in self.api.keeps.iter() {
            match kept::part(&answer.body, way) {
                Some(value) => {
                    self.learn(value);
                    self.world.book.keep_value(name.as_str(), value.clone());
                }
                None if is_good => without.push(name.to_string()),
                None => {}
            }
        }
        if let Some(name) = self.api.keeps_token.as_ref().filter(|_| is_good && token_in(&answer.body).is_none()) {
            without.push(name.to_string());
        }
        without
    }

    fn learn(&self, value: &Value) {
        kept::texts(value, &mut |text| {
            // What the scenario's file says is no secret, and a report quotes it.
            if !self.world.plan.scenario.sources.contain(text) {
                self.world.history.secrets().learn(Secret::new(text));
            }
        });
    }

    fn keep_token(&self, who: &Actor, step: Option<&str>, at: crate::time::Interval, answer: &Answer) {
        let (Some(name), Some((token, state))) = (&self.api.keeps_token, token_in(&answer.body)) else { return };
        for secret in [&token.token, &token.accessor] {
            self.world.history.secrets().learn(secret.clone());
        }
        self.world.book.keep_token(name.as_str(), token);
        let outcome = Outcome::Ok(Reply { status: answer.status, warnings: Vec::new(), body: state });
        let event = Event::Token { token: name.to_string(), act: TokenAct::Made, outcome };
        self.world.write(who, step, at, event);
    }

    /// What is to be known of a field to judge it, and no more: kept values by their names, and nothing that may be secret.
    fn read(&self, way: &str, field: &Field, value: Option<&Value>) -> FieldRead {
        let Some(value) = value else { return FieldRead::default() };
        let names = |demand: &Value| {
            let mut names = Vec::new();
            kept::texts(demand, &mut |text| names.extend(kept::whole(text).map(str::to_owned)));
            names
        };
        let mut mentioned: Vec<String> = field.values().flat_map(names).collect();
        mentioned.extend(field.contains.iter().filter_map(|part| kept::whole(part)).map(str::to_owned));
        let by_name = |value: &Value| {
            let is = |name: &&String| self.world.book.value(name).is_some_and(|kept| same(&kept, value));
            mentioned.iter().find(is).map(|name| json!(format!("{{{{{name}}}}}")))
        };
        let is_literal = |value: &Value| field.values().any(|demand| demand == value);
        let compared = field.equals.is_some()
            || field.differs_from.is_some()
            || field.at_least.is_some()
            || field.at_most.is_some();
        let last = way.rsplit('.').next().unwrap_or(way);
        let hidden = !mentioned.is_empty() || SECRET.contains(&last);
        let shown = |value: &Value| {
            let plain = || if is_literal(value) || !hidden { shortened(value) } else { json!(ANOTHER) };
            by_name(value).unwrap_or_else(plain)
        };
        let members = match value {
            Value::Array(all) => Some(all.iter().map(&shown).collect::<Vec<_>>()),
            Value::Object(all) => Some(all.keys().map(|key| shown(&json!(key))).collect()),
            _ => None,
        };
        let asked = field.has.is_some() || field.lacks.is_some();
        FieldRead {
            present: true,
            value: compared.then(|| shown(value)),
            count: members.as_ref().map(|all| all.len() as u64),
            members: members.filter(|_| asked),
            contains: field.contains.as_ref().map(|part| {
                let part = kept::text(part, &|name| self.world.book.value(name)).unwrap_or_default();
                value.as_str().map_or_else(|| value.to_string(), str::to_owned).contains(&part)
            }),
        }
    }
}

/// A text of digits and the number are the same: some of Vault's fields are the one, some the other.
fn same(kept: &Value, value: &Value) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    kept == value || (!kept.is_object() && !kept.is_array() && text(kept) == text(value))
}

fn shortened(value: &Value) -> Value {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() > LONGEST_SHOWN || value.is_object() || value.is_array() {
        let start: String = text.chars().take(LONGEST_SHOWN).collect();
        return json!(format!("{start}…"));
    }
    value.clone()
}

/// The token in an answer: that of a login or of a new token, or the one that unwraps the answer.
fn token_in(body: &Value) -> Option<(Token, TokenState)> {
    let (part, token, ttl) = match (&body["auth"], &body["wrap_info"]) {
        (auth @ Value::Object(_), _) => (auth, "client_token", "lease_duration"),
        (_, wrap @ Value::Object(_)) => (wrap, "token", "ttl"),
        _ => return None,
    };
    let secret = |key: &str| part[key].as_str().map(Secret::new);
    let state = TokenState {
        ttl: part[ttl].as_u64().unwrap_or_default(),
        renewable: part["renewable"].as_bool().unwrap_or_default(),
    };
    // A batch token has no accessor.
    Some((Token { token: secret(token)?, accessor: secret("accessor").unwrap_or_else(|| Secret::new("")) }, state))
}
