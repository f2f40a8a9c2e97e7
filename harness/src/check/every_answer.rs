//! Every kind of answer to a step on histories made by hand: held, violated and inconclusive, and what must not change that.

use std::collections::BTreeMap;

use rstest::rstest;

use super::every_look::{stays_so, verdict};
use crate::event::{Entry, Event, FieldRead, Lease, Renewal, Reply, StaticPassword, TokenAct, TokenState};
use crate::outcome::{Cause, Outcome, Refusal, Silence, Verdict};
use crate::plan::PlannedStep;
use crate::scenario::file::{Method, Server};
use crate::tape::{ONE_OF_EACH, Tape, issued, last_step, refused, renewed, reply, revoked, shut_out, unknown};

/// Where the answer stands in the history, and what was before it.
const ANSWER: usize = 3;

/// This step, after all that it may name.
fn planned(step: &str) -> PlannedStep {
    last_step(&format!("{ONE_OF_EACH}  - expect: {{ login: {{ with: cred, accepted: true }} }}\n  - {step}\n"))
}

/// A lease of five minutes and a token of ten, and a second later this answer.
fn answered(step: &PlannedStep, answer: Event) -> Vec<Entry> {
    let mut tape = Tape::default();
    tape.operator((0, 10), "4.1", issued("cred", 300));
    tape.operator((20, 30), "4.2", token("t", TokenAct::Made, reply(200, TokenState { ttl: 600, renewable: true })));
    let number = step.number.clone();
    tape.harness((900, 900), Event::StepBegan { number, title: String::new(), line: 1, fragment: None, ends: None });
    tape.operator((1_000, 1_010), &step.number, answer);
    tape.entries()
}

fn token(name: &str, act: TokenAct, outcome: Outcome<Reply<TokenState>>) -> Event {
    Event::Token { token: name.to_owned(), act, outcome }
}

fn alive(ttl: u64) -> Outcome<Reply<TokenState>> {
    reply(200, TokenState { ttl, renewable: true })
}

fn silence<T>() -> Outcome<T> {
    unknown(Silence::Deadline, "no answer within 5s")
}

fn no<T>(cause: Cause, code: &str, target_code: Option<&str>) -> Outcome<T> {
    let message = "failed to renew: past the max TTL".to_owned();
    Outcome::Refused(Refusal { cause, code: code.to_owned(), message, target_code: target_code.map(str::to_owned) })
}

fn revoke(outcome: Outcome<Reply<()>>) -> Event {
    match revoked("cred", None, 204) {
        Event::Revoked { what, sync, force, .. } => Event::Revoked { what, sync, force, outcome },
        other => other,
    }
}

fn issue(outcome: Outcome<Reply<Lease>>) -> Event {
    match issued("more", 300) {
        Event::Issued { credential, role, token, .. } => Event::Issued { credential, role, token, outcome },
        other => other,
    }
}

/// An issue that was answered, and whether its lease can be renewed.
fn lease(renewable: bool) -> Event {
    let (lease_id, username) = ("database/creds/app/more".to_owned(), "v-root-app-more".to_owned());
    issue(reply(200, Lease { lease_id, username, ttl: 300, renewable }))
}

fn renew(outcome: Outcome<Reply<Renewal>>) -> Event {
    Event::Renewed { credential: "cred".to_owned(), increment: None, outcome }
}

fn renewal(id: &str, warnings: &[&str], data: bool) -> Event {
    let body = Renewal { lease_id: format!("database/creds/app/{id}"), ttl: 300, renewable: true, data };
    let warnings = warnings.iter().map(|warning| (*warning).to_owned()).collect();
    renew(Outcome::Ok(Reply { status: 200, warnings, body }))
}

fn static_read(outcome: Outcome<Reply<StaticPassword>>) -> Event {
    let (role, kept_as) = ("database/reporting".to_owned(), Some("kept".to_owned()));
    Event::StaticRead { role, kept_as, outcome, login: None, rotated_meanwhile: None }
}

fn password() -> Outcome<Reply<StaticPassword>> {
    reply(200, StaticPassword { username: "reporting".to_owned(), fingerprint: "x".to_owned(), ttl: 1_800 })
}

fn rotated(outcome: Outcome<Reply<()>>) -> Event {
    Event::Rotated { what: "database/reporting".to_owned(), root: false, outcome }
}

fn api(outcome: Outcome<Reply<()>>) -> Event {
    Event::api(Method::Get, "sys/mounts".to_owned(), outcome)
}

/// An answer with this in the field `data.x`, and without what was to be kept of it.
fn api_field(value: u32, not_kept: &[&str]) -> Event {
    let read = FieldRead { present: true, value: Some(value.into()), ..FieldRead::default() };
    let not_kept = not_kept.iter().map(|name| (*name).to_owned()).collect();
    let fields = BTreeMap::from([("data.x".to_owned(), read)]);
    Event::Api { method: Method::Get, path: "sys/mounts".to_owned(), outcome: reply(200, ()), fields, not_kept }
}

fn opened(outcome: Outcome<()>) -> Event {
    Event::SessionOpened { session: "s".to_owned(), credential: "cred".to_owned(), outcome }
}

fn sql(outcome: Outcome<Option<String>>) -> Event {
    Event::Sql { statement: "SELECT 1".to_owned(), outcome }
}

#[rstest]
#[case::success("revoke: { lease: cred }", revoke(reply(204, ())), revoke(refused(Cause::TargetUnreachable, "400")), revoke(refused(Cause::Internal, "500")))]
#[case::status("revoke: { lease: cred, answers: { status: 202 } }", revoke(reply(202, ())), revoke(reply(204, ())), revoke(silence()))]
#[case::refused("revoke: { lease: cred, answers: { refused: target_unreachable } }", revoke(refused(Cause::TargetUnreachable, "400")), revoke(reply(204, ())), revoke(refused(Cause::RateLimited, "429")))]
#[case::another_cause(
    "revoke: { lease: cred, answers: { refused: target_unreachable } }",
    revoke(refused(Cause::TargetUnreachable, "400")),
    revoke(refused(Cause::TargetRefused, "400")),
    revoke(refused(Cause::Standby, "429"))
)]
#[case::lost("revoke: { lease: cred, answers: { lost: {} } }", revoke(silence()), revoke(reply(204, ())), revoke(refused(Cause::Internal, "500")))]
#[case::target_code(
    "issue: { role: database/app, answers: { status: 500, target_code: 28P01 } }",
    issue(no(Cause::TargetRefused, "500", Some("28P01"))),
    issue(no(Cause::TargetRefused, "500", Some("28000"))),
    issue(silence())
)]
#[case::served(
    "issue: { role: database/app, answers: { served: true } }",
    lease(true),
    issue(refused(Cause::Internal, "500")),
    issue(silence())
)]
#[case::renewable(
    "issue: { role: database/app, answers: { renewable: true } }",
    lease(true),
    lease(false),
    issue(refused(Cause::RateLimited, "429"))
)]
#[case::error(
    "renew: { lease: cred, answers: { status: 400, error: past the max } }",
    renew(no(Cause::InvalidRequest, "400", None)),
    renew(refused(Cause::InvalidRequest, "400")),
    renew(silence())
)]
#[case::warning("renew: { lease: cred, answers: { warning: exceeded } }", renewal("cred", &["TTL of 1h exceeded the maximum"], false), renewal("cred", &[], false), renew(silence()))]
#[case::ttl(
    "renew: { lease: cred, answers: { ttl: { at_most: 5m } } }",
    renewed("cred", 300),
    renewed("cred", 3_000),
    renew(refused(Cause::Standby, "429"))
)]
#[case::data("renew: { lease: cred, answers: { data: false } }", renewal("cred", &[], false), renewal("cred", &[], true), renew(silence()))]
#[case::same_lease("renew: { lease: cred }", renewed("cred", 300), renewal("another", &[], false), renew(silence()))]
#[case::token_made(
    "token: { as: u, ttl: 10m }",
    token("u", TokenAct::Made, alive(600)),
    token("u", TokenAct::Made, refused(Cause::InvalidRequest, "400")),
    token("u", TokenAct::Made, silence())
)]
#[case::token_renewed(
    "renew: { token: t }",
    token("t", TokenAct::Renewed, alive(600)),
    token("t", TokenAct::Renewed, refused(Cause::PermissionDenied, "403")),
    token("t", TokenAct::Renewed, silence())
)]
#[case::read(
    "read: { static_role: database/reporting, as: kept }",
    static_read(password()),
    static_read(refused(Cause::UnknownRole, "400")),
    static_read(refused(Cause::Internal, "500"))
)]
#[case::rotate("rotate: { static_role: database/reporting }", rotated(reply(204, ())), rotated(refused(Cause::TargetUnreachable, "500")), rotated(silence()))]
#[case::field("api: { path: sys/mounts, answers: { fields: { data.x: 1 } } }", api_field(1, &[]), api_field(2, &[]), api(silence()))]
#[case::keeps("api: { path: sys/mounts, keeps: { x: data.x } }", api_field(1, &[]), api_field(1, &["x"]), api(refused(Cause::RateLimited, "429")))]
#[case::open("open: { session: s, with: cred }", opened(Outcome::Ok(())), opened(shut_out()), opened(silence()))]
#[case::sql("sql: { run: SELECT 1, returns: '1' }", sql(Outcome::Ok(Some("1".to_owned()))), sql(Outcome::Ok(Some("2".to_owned()))), sql(silence()))]
fn an_answer_is_held_violated_or_says_nothing_and_stays_so(
    #[case] text: &str,
    #[case] so: Event,
    #[case] not_so: Event,
    #[case] blind: Event,
) {
    let step = planned(text);
    let lost_is_so = text.contains("lost");
    for (answer, expected) in [(so, Verdict::Held), (not_so, Verdict::Violated), (blind, Verdict::Inconclusive)] {
        let history = answered(&step, answer);
        assert_eq!(verdict(&step, &history), expected, "{text}");
        let mut unanswered = history.clone();
        unanswered.remove(ANSWER);
        assert_eq!(verdict(&step, &unanswered), Verdict::Inconclusive, "{text}: without the call");
        if !lost_is_so {
            unanswered = history.clone();
            lose(&mut unanswered[ANSWER]);
            assert_eq!(verdict(&step, &unanswered), Verdict::Inconclusive, "{text}: without an answer");
        }
        stays_so(&step, &history, expected);
    }
}

/// Takes an answer away: the call was made, and nobody knows what came of it.
fn lose(entry: &mut Entry) {
    match &mut entry.event {
        Event::Issued { outcome, .. } => *outcome = silence(),
        Event::Renewed { outcome, .. } => *outcome = silence(),
        Event::Token { outcome, .. } => *outcome = silence(),
        Event::StaticRead { outcome, .. } => *outcome = silence(),
        Event::Revoked { outcome, .. } | Event::Rotated { outcome, .. } | Event::Api { outcome, .. } => {
            *outcome = silence();
        }
        Event::SessionOpened { outcome, .. } => *outcome = silence(),
        Event::Sql { outcome, .. } => *outcome = silence(),
        other => panic!("{other:?} is no answer"),
    }
}

/// A server that came up, or did not: there is no third.
#[test]
fn a_start_is_held_when_it_does_as_demanded() {
    let step = planned("start: { server: vault, comes_up: false }");
    let started =
        |came_up| Event::Started { server: Server::Vault, node: None, came_up, seen: "it was seen".to_owned() };
    assert_eq!(verdict(&step, &answered(&step, started(false))), Verdict::Held);
    assert_eq!(verdict(&step, &answered(&step, started(true))), Verdict::Violated);
    let mut fewer = answered(&step, started(true));
    fewer.remove(ANSWER);
    assert_eq!(verdict(&step, &fewer), Verdict::Inconclusive);
}
