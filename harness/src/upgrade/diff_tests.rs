//! What is a difference of two versions, and what is noise.

use std::slice::from_ref;

use serde_json::{Value, json};

use super::*;
use crate::outcome::Cause;

fn answer(status: u16, body: &Value) -> Answer {
    Answer { title: "api GET sys/x".to_owned(), line: 7, shape: Some(Shape::of(status, body)), refusal: None }
}

fn refused(status: u16, cause: Cause, message: &str) -> Answer {
    let refusal = Refusal { cause, code: status.to_string(), message: message.to_owned(), target_code: None };
    Answer { refusal: Some(refusal), ..answer(status, &json!({})) }
}

fn run(answer: Answer) -> Answers {
    [(Call { step: "4.1".to_owned(), what: "GET sys/x".to_owned() }, answer)].into()
}

fn told(from: &[Answer], to: &[Answer]) -> Vec<(Severity, String)> {
    let runs = |answers: &[Answer]| answers.iter().cloned().map(run).collect::<Vec<_>>();
    differences(&runs(from), &runs(to)).into_iter().map(|d| (d.severity, d.what)).collect()
}

#[test]
fn answers_that_are_alike_but_for_what_they_say_do_not_differ() {
    let from = answer(200, &json!({ "data": { "id": "a", "ttl": 3590, "on": true } }));
    let to = answer(200, &json!({ "data": { "id": "b", "ttl": 3600, "on": true } }));
    assert_eq!(told(&[from], &[to]), []);
}

#[test]
fn what_worked_and_is_refused_breaks_and_the_other_way_round_is_notable() {
    let (works, fails) = (answer(200, &json!({})), refused(404, Cause::NotFound, "unsupported path"));
    let another = "GET sys/x answers another status".to_owned();
    assert_eq!(told(from_ref(&works), from_ref(&fails)), [(Severity::Breaking, another.clone())]);
    assert_eq!(told(&[fails], &[works]), [(Severity::Notable, another)]);
}

#[test]
fn a_field_that_is_gone_breaks_and_a_new_one_is_minor() {
    let (with, without) =
        (answer(200, &json!({ "data": { "a": "x", "b": 1 } })), answer(200, &json!({ "data": { "b": 1 } })));
    assert_eq!(told(from_ref(&with), from_ref(&without))[0].0, Severity::Breaking);
    assert_eq!(told(&[without], &[with]), [(Severity::Minor, "GET sys/x has a new field data.a".to_owned())]);
}

#[test]
fn a_field_that_was_always_empty_is_missed_by_nobody() {
    let from = answer(200, &json!({ "mount_type": null, "b": true }));
    assert_eq!(told(&[from], &[answer(200, &json!({ "b": true }))])[0].0, Severity::Minor);
}

#[test]
fn what_stands_around_every_answer_is_one_change_and_what_is_said_twice_is_told_once() {
    let from = answer(200, &json!({ "mount_type": "kv", "data": { "nodes": true }, "nodes": true }));
    let to = answer(200, &json!({ "data": {} }));
    let told = told(&[from], &[to]);
    let told: Vec<&str> =
        told.iter().map(|(_, what)| what.as_str()).filter(|what| !what.ends_with("field data")).collect();
    assert_eq!(told, ["answers have no field mount_type any more", "GET sys/x has no field nodes any more"]);
}

#[test]
fn a_default_that_is_another_one_is_notable_and_a_ttl_that_runs_out_is_not() {
    let ttl = |ttl: u64| answer(200, &json!({ "auth": { "lease_duration": ttl } }));
    assert_eq!(told(&[ttl(2_764_800)], &[ttl(3_600)])[0].0, Severity::Notable);
    assert_eq!(told(&[ttl(300)], &[ttl(276)]), []);
    let overdue = |ttl: i64| answer(200, &json!({ "data": { "ttl": ttl } }));
    assert_eq!(told(&[overdue(-2)], &[overdue(-90)]), []);
    let bits = |bits: u64| answer(200, &json!({ "data": { "key_bits": bits } }));
    assert_eq!(told(&[bits(2_048)], &[bits(256)]).len(), 1);
    let uses = |uses: u64| answer(200, &json!({ "data": { "secret_id_num_uses": uses } }));
    assert_eq!(told(&[uses(2)], &[uses(3)]).len(), 1);
}

#[test]
fn what_varies_on_one_side_alone_is_noise() {
    let on = |on: bool| answer(200, &json!({ "on": on }));
    assert_eq!(told(&[on(true), on(false)], &[on(true), on(true)]), []);
    let status = |status| answer(status, &json!({}));
    assert_eq!(told(&[status(200), status(204)], &[status(204), status(204)]), []);
}

#[test]
fn a_new_warning_is_told_only_when_every_repeat_has_it() {
    let warns = |texts: &[&str]| answer(200, &json!({ "warnings": texts }));
    assert_eq!(
        told(&[warns(&[])], &[warns(&["this is deprecated"])]),
        [(Severity::Notable, "GET sys/x warns".to_owned())]
    );
    assert_eq!(told(&[warns(&[]), warns(&[])], &[warns(&["this is deprecated"]), warns(&[])]), []);
    assert_eq!(told(&[warns(&["ttl of 5s is above"])], &[warns(&["ttl of 7s is above"])]), []);
}

#[test]
fn a_refusal_in_other_words_is_minor_and_for_another_cause_notable() {
    let from = refused(400, Cause::InvalidRequest, "no such role a1");
    assert_eq!(told(from_ref(&from), &[refused(400, Cause::InvalidRequest, "no such role b2")]), []);
    let other_words = refused(400, Cause::InvalidRequest, "role is missing");
    assert_eq!(told(from_ref(&from), &[other_words])[0].0, Severity::Minor);
    assert_eq!(told(&[from], &[refused(400, Cause::UnknownRole, "no such role a1")])[0].0, Severity::Notable);
}

#[test]
fn the_codes_with_which_a_target_refuses_are_its_own_affair_and_whether_it_refuses_is_not() {
    let login = |code: Option<&str>| Answer {
        shape: None,
        refusal: code.map(|code| Refusal {
            cause: Cause::Authentication,
            code: code.to_owned(),
            message: format!("no entry, {code}"),
            target_code: None,
        }),
        ..answer(200, &json!({}))
    };
    assert_eq!(told(&[login(Some("28000"))], &[login(Some("28P01"))]), []);
    assert_eq!(told(&[login(None)], &[login(Some("28P01"))])[0].0, Severity::Breaking);
}

#[test]
fn a_call_that_was_not_answered_in_every_repeat_is_not_compared() {
    let from = vec![run(answer(200, &json!({}))), Answers::new()];
    let to = vec![run(refused(404, Cause::NotFound, "unsupported path"))];
    assert_eq!(differences(&from, &to), []);
    assert_eq!(differences(&from[..1], &[]), []);
}

#[test]
fn a_field_that_was_cut_off_a_long_answer_is_not_missing() {
    let long = |first: usize| {
        let fields = (first..first + 500).map(|number| (format!("f{number:04}"), json!(true)));
        answer(200, &Value::Object(fields.collect()))
    };
    assert_eq!(told(&[long(0)], &[long(1)]), []);
    let short = answer(200, &json!({ "f0000": true, "f0001": true }));
    assert_eq!(told(&[short], &[answer(200, &json!({ "f0000": true }))]).len(), 1);
}
