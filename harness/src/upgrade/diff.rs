//! What differs in the answers of two versions though both kept their promises. An answer differs only when every repeat
//! on the one side is unlike every repeat on the other; what also varies on one side alone is noise.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Severity;
use super::voice;
use crate::check::answer::is_trouble;
use crate::event::{Entry, Event, TokenAct};
use crate::outcome::{Outcome, Refusal};
use crate::shape::Shape;

/// A call of a step.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    /// The number of the step in the plan; empty before the first.
    pub step: String,
    /// What was asked: `GET sys/mounts`, `a credential of database/app`.
    pub what: String,
}

/// What a call was answered at last: a step that looks several times is over when the answer is the one it wants.
#[derive(Debug, Clone)]
pub struct Answer {
    /// What the step does.
    pub title: String,
    /// Its line in the file.
    pub line: usize,
    /// What Vault's answer is made of.
    pub shape: Option<Shape>,
    /// Why it was refused, by Vault or by the target.
    pub refusal: Option<Refusal>,
}

/// All answers of a run, by call. A call that was not answered at last is not among them.
pub type Answers = BTreeMap<Call, Answer>;

/// A difference of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The call.
    pub call: Call,
    /// What the step does.
    pub title: String,
    /// Its line in the file.
    pub line: usize,
    /// How much it matters.
    pub severity: Severity,
    /// What differs, in a sentence.
    pub what: String,
    /// How it is on the version that runs now.
    pub from: String,
    /// How it is on the other.
    pub to: String,
}

/// Reads the answers out of a history.
pub fn answers(history: &[Entry]) -> Answers {
    let mut steps: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    let mut answers = Answers::new();
    for entry in history {
        if let Event::StepBegan { number, title, line, .. } = &entry.event {
            steps.insert(number, (title, *line));
        }
        let Some((what, outcome)) = asked(&entry.event) else { continue };
        // What clients and probes do has no step, and no order that two runs share.
        let Some(step) = entry.step.clone() else { continue };
        let (title, line) = steps.get(step.as_str()).copied().unwrap_or_default();
        let call = Call { step, what };
        // A standby, a quota, a failure inside of the server: it was not the answer to what was asked.
        let troubled = outcome.refusal().is_some_and(|refusal| is_trouble(refusal.cause));
        if troubled || matches!(outcome, Outcome::Unknown(_)) {
            answers.remove(&call);
            continue;
        }
        let refusal = outcome.refusal().cloned();
        let shape = entry.shape.as_deref().cloned();
        answers.insert(call, Answer { title: title.to_owned(), line, shape, refusal });
    }
    answers
}

/// What was asked in an event, in words that are the same in every run, and what came of it.
fn asked(event: &Event) -> Option<(String, Outcome<()>)> {
    Some(match event {
        Event::Issued { role, outcome, .. } => (format!("a credential of {role}"), outcome.done()),
        Event::Renewed { outcome, .. } => ("the renewal of a lease".to_owned(), outcome.done()),
        Event::Revoked { force: true, outcome, .. } => ("a forced revocation".to_owned(), outcome.done()),
        Event::Revoked { outcome, .. } => ("a revocation".to_owned(), outcome.done()),
        Event::LeaseRead { outcome, .. } => ("the lookup of a lease".to_owned(), outcome.done()),
        Event::LeasesListed { outcome, .. } => ("the list of a role's leases".to_owned(), outcome.done()),
        Event::IrrevocableListed { outcome, .. } => ("the list of irrevocable leases".to_owned(), outcome.done()),
        Event::Token { act, outcome, .. } => {
            let what = match act {
                TokenAct::Made => "a new token",
                TokenAct::Renewed => "the renewal of a token",
                TokenAct::Read => "a token's lookup of itself",
            };
            (what.to_owned(), outcome.done())
        }
        Event::StaticRead { outcome, .. } => ("a static role's password".to_owned(), outcome.done()),
        Event::Rotated { root, outcome, .. } => {
            let what = if *root { "the rotation of a root password" } else { "the rotation of a static role" };
            (what.to_owned(), outcome.done())
        }
        Event::Health { outcome, .. } => ("GET sys/health".to_owned(), outcome.done()),
        Event::Api { method, path, outcome, .. } => (format!("{method} {path}"), outcome.done()),
        Event::Login { outcome, .. } => ("a login at the target".to_owned(), outcome.done()),
        _ => return None,
    })
}

/// What differs between the repeats on one version and those on another. Only calls that every repeat on both sides made
/// are compared; both sides need one.
pub fn differences(from: &[Answers], to: &[Answers]) -> Vec<Difference> {
    let Some(first) = from.first().filter(|_| !to.is_empty()) else { return Vec::new() };
    let mut found = Vec::new();
    for (call, answer) in first {
        let of = |runs: &[Answers]| runs.iter().map(|run| run.get(call).cloned()).collect::<Option<Vec<_>>>();
        let (Some(from), Some(to)) = (of(from), of(to)) else { continue };
        let mut put = |severity, what: String, from: String, to: String| {
            let (call, title, line) = (call.clone(), answer.title.clone(), answer.line);
            found.push(Difference { call, title, line, severity, what, from, to });
        };
        // What is asked of a path does not make another path of it.
        let what = call.what.split('?').next().unwrap_or_default();
        compare(what, &from, &to, &mut put);
    }
    found
}

type Put<'a> = dyn FnMut(Severity, String, String, String) + 'a;

fn compare(what: &str, from: &[Answer], to: &[Answer], put: &mut Put<'_>) {
    let refused = |answers: &[Answer]| values(answers, |a| a.refusal.is_some());
    if let Some((was, is)) = unlike(&values(from, status), &values(to, status)) {
        let severity = if !refused(from).contains(&true) && !refused(to).contains(&false) {
            Severity::Breaking
        } else {
            Severity::Notable
        };
        put(severity, format!("{what} answers another status"), was, is);
    }
    if let Some((was, is)) = unlike(&values(from, cause), &values(to, cause)) {
        put(Severity::Notable, format!("{what} is refused for another cause"), was, is);
    } else if let Some((was, is)) = unlike(&values(from, words), &values(to, words)) {
        put(Severity::Minor, format!("{what} is refused in other words"), was, is);
    }
    // The fields of a success and those of a refusal have nothing in common.
    if refused(from) == refused(to) {
        warnings(what, from, to, put);
        fields(what, from, to, put);
    }
}

fn status(answer: &Answer) -> String {
    match (&answer.shape, &answer.refusal) {
        (Some(shape), _) => shape.status.to_string(),
        // The target's own: which of its codes for "no" it takes depends on what it noticed first.
        (None, Some(_)) => "refused".to_owned(),
        (None, None) => "accepted".to_owned(),
    }
}

fn cause(answer: &Answer) -> String {
    answer.refusal.as_ref().map(|refusal| refusal.cause.to_string()).unwrap_or_default()
}

fn words(answer: &Answer) -> String {
    let vaults = answer.refusal.as_ref().filter(|_| answer.shape.is_some());
    vaults.map(|refusal| voice::plain(&refusal.message)).unwrap_or_default()
}

fn values<T: Ord>(answers: &[Answer], value: impl Fn(&Answer) -> T) -> BTreeSet<T> {
    answers.iter().map(value).collect()
}

/// Both sides in words, when they have nothing in common and neither is silent.
fn unlike(from: &BTreeSet<String>, to: &BTreeSet<String>) -> Option<(String, String)> {
    let silent = |side: &BTreeSet<String>| side.iter().any(String::is_empty);
    (from.is_disjoint(to) && !silent(from) && !silent(to)).then(|| (either(from), either(to)))
}

fn either(values: &BTreeSet<String>) -> String {
    values.iter().map(String::as_str).collect::<Vec<_>>().join(" or ")
}

fn warnings(what: &str, from: &[Answer], to: &[Answer], put: &mut Put<'_>) {
    let of = |answer: &Answer| -> BTreeSet<String> {
        answer.shape.iter().flat_map(|shape| &shape.warnings).map(|warning| voice::plain(warning)).collect()
    };
    let (from, to): (Vec<_>, Vec<_>) = (from.iter().map(of).collect(), to.iter().map(of).collect());
    let always_and_never = |here: &[BTreeSet<String>], there: &[BTreeSet<String>]| -> Vec<String> {
        let always = here[0].iter().filter(|warning| here.iter().all(|run| run.contains(*warning)));
        always.filter(|warning| !there.iter().any(|run| run.contains(*warning))).cloned().collect()
    };
    for warning in always_and_never(&to, &from) {
        put(Severity::Notable, format!("{what} warns"), "no such warning".to_owned(), warning);
    }
    for warning in always_and_never(&from, &to) {
        put(Severity::Minor, format!("{what} does not warn any more"), warning, "no such warning".to_owned());
    }
}

fn fields(what: &str, from: &[Answer], to: &[Answer], put: &mut Put<'_>) {
    let all: BTreeSet<&String> = from.iter().chain(to).flat_map(|a| &a.shape).flat_map(|s| s.fields.keys()).collect();
    let has = format!("{what} has");
    let is_cut = from.iter().chain(to).flat_map(|answer| &answer.shape).any(|shape| shape.is_cut);
    for &field in &all {
        // The system's own API says much of it twice.
        if field.strip_prefix("data.").is_some_and(|field| all.iter().any(|other| other.as_str() == field)) {
            continue;
        }
        let of = |side: &[Answer]| -> Vec<Option<String>> {
            side.iter().map(|answer| answer.shape.as_ref().and_then(|shape| shape.fields.get(field).cloned())).collect()
        };
        let (was, is) = (of(from), of(to));
        let whole = |side: &[Option<String>]| side.iter().cloned().collect::<Option<BTreeSet<String>>>();
        let none = |side: &[Option<String>]| side.iter().all(Option::is_none);
        match (whole(&was), whole(&is)) {
            (Some(was), None) if none(&is) && !is_cut => {
                // What was always empty is missed by nobody.
                let empty = was.iter().all(|value| value == "null" || value.starts_with("empty"));
                let severity = if empty { Severity::Minor } else { Severity::Breaking };
                // What every answer has around it is one change, not one for each call.
                let says = if ENVELOPE.contains(&field.as_str()) { "answers have" } else { has.as_str() };
                put(
                    severity,
                    format!("{says} no field {field} any more"),
                    of_any(field, &was),
                    "no such field".to_owned(),
                );
            }
            (None, Some(is)) if none(&was) && !is_cut => {
                let says = if ENVELOPE.contains(&field.as_str()) { "answers have" } else { has.as_str() };
                put(
                    Severity::Minor,
                    format!("{says} a new field {field}"),
                    "no such field".to_owned(),
                    of_any(field, &is),
                );
            }
            (Some(was), Some(is)) if differ(field, &was, &is) => {
                put(Severity::Notable, format!("{what} answers another {field}"), either(&was), either(&is));
            }
            _ => {}
        }
    }
}

/// What stands in answers of every kind, around what was asked for.
const ENVELOPE: [&str; 5] = ["mount_type", "lease_id", "lease_duration", "renewable", "request_id"];

/// Values of a field; of one that every answer has, whatever they are.
fn of_any(field: &str, values: &BTreeSet<String>) -> String {
    if ENVELOPE.contains(&field) { "in every answer".to_owned() } else { either(values) }
}

/// What a TTL that is running out may have lost on a slow machine, in seconds.
const SLOW: f64 = 30.0;

/// Whether two sets of values of a field have nothing in common. Of times, a little more or less is the machine's doing, and
/// how long something is overdue says nothing.
fn differ(field: &str, was: &BTreeSet<String>, is: &BTreeSet<String>) -> bool {
    let is_time = ["ttl", "duration", "period"].iter().any(|end| field.ends_with(end));
    let numbers = |side: &BTreeSet<String>| side.iter().map(|v| v.parse::<f64>().ok()).collect::<Option<Vec<_>>>();
    let (true, Some(was_n), Some(is_n)) = (is_time, numbers(was), numbers(is)) else { return was.is_disjoint(is) };
    let low = |side: &[f64]| side.iter().copied().fold(f64::INFINITY, f64::min).max(0.0);
    let high = |side: &[f64]| side.iter().copied().fold(f64::NEG_INFINITY, f64::max).max(0.0);
    let gap = (low(&is_n) - high(&was_n)).max(low(&was_n) - high(&is_n));
    let slack = (high(&was_n).max(high(&is_n)) * 0.1).max(SLOW);
    gap > slack
}

#[cfg(test)]
#[path = "diff_tests.rs"]
mod tests;
