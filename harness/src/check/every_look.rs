//! Every kind of look on histories made by hand: held, violated and inconclusive, and what must not change that.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use crate::event::{Entry, Event, LeaseState, LedgerRead, Principal, Reply, StaticPassword, TokenAct, TokenState};
use crate::outcome::{Cause, Outcome, Silence, Verdict};
use crate::plan::PlannedStep;
use crate::scenario::file::Method;
use crate::tape::{ONE_OF_EACH, Tape, issued, last_step, refused, reply, shifted, shut_out, unknown, widen};
use crate::time::Moment;

const IN: Outcome<()> = Outcome::Ok(());

/// A plan whose last step is the expectation; before it stands whatever it may name, and a revocation where nobody would
/// believe without one that the credential is gone.
fn expecting(expect: &str) -> PlannedStep {
    let ends = ["gone: true", "refused: authentication", "exists: false"].iter().any(|end| expect.contains(end));
    let revoke = if ends { "  - revoke: { lease: cred }\n" } else { "" };
    last_step(&format!(
        "{ONE_OF_EACH}  - open: {{ session: s, with: cred }}\n  - read: {{ static_role: database/reporting, as: kept }}\n\
         {revoke}  - expect: {{ {expect} }}\n"
    ))
}

/// The history of a step whose one look saw this, a second after the credential was issued for five minutes.
fn looked(step: &PlannedStep, seen: Event) -> Vec<Entry> {
    let mut tape = Tape::default();
    tape.operator((0, 10), "4.1", issued("cred", 300));
    let made = Event::Token { token: "t".to_owned(), act: TokenAct::Made, outcome: token(600) };
    tape.operator((20, 30), "4.2", made);
    tape.operator((40, 50), "4.4", static_read(Some("kept"), "first", Some(IN)));
    let title = String::new();
    tape.harness(
        (900, 900),
        Event::StepBegan { number: step.number.clone(), title, line: 1, fragment: None, ends: None },
    );
    tape.operator((1_000, 1_010), &step.number, seen);
    tape.entries()
}

pub(super) fn verdict(step: &PlannedStep, history: &[Entry]) -> Verdict {
    super::step(step, history).expect("it is a step that judges").verdict
}

fn lease(ttl: i64, renewable: bool) -> Event {
    Event::LeaseRead { credential: "cred".to_owned(), outcome: reply(200, LeaseState { ttl, renewable }) }
}

fn lease_refused(cause: Cause) -> Event {
    Event::LeaseRead { credential: "cred".to_owned(), outcome: refused(cause, "400") }
}

fn leases(count: u32) -> Event {
    Event::LeasesListed { role: "database/app".to_owned(), outcome: reply(200, count) }
}

fn login(outcome: Outcome<()>) -> Event {
    Event::Login { credential: "cred".to_owned(), outcome }
}

fn user(outcome: Outcome<Option<Principal>>) -> Event {
    Event::PrincipalRead { credential: "cred".to_owned(), outcome }
}

fn until(ms: u64) -> Outcome<Option<Principal>> {
    Outcome::Ok(Some(Principal { valid_until: Some(Moment::from_millis(ms)), can_login: true, hosts: Vec::new() }))
}

fn session(answers: Outcome<()>, reads_table: Outcome<()>) -> Event {
    Event::SessionUsed { session: "s".to_owned(), answers, reads_table }
}

fn token(ttl: u64) -> Outcome<Reply<TokenState>> {
    reply(200, TokenState { ttl, renewable: true })
}

fn token_read(outcome: Outcome<Reply<TokenState>>) -> Event {
    Event::Token { token: "t".to_owned(), act: TokenAct::Read, outcome }
}

fn static_read(kept_as: Option<&str>, fingerprint: &str, login: Option<Outcome<()>>) -> Event {
    let body = StaticPassword { username: "reporting".to_owned(), fingerprint: fingerprint.to_owned(), ttl: 1_800 };
    let kept_as = kept_as.map(str::to_owned);
    Event::StaticRead {
        role: "database/reporting".to_owned(),
        kept_as,
        outcome: reply(200, body),
        login,
        rotated_meanwhile: None,
    }
}

fn static_refused(cause: Cause) -> Event {
    let role = "database/reporting".to_owned();
    Event::StaticRead { role, kept_as: None, outcome: refused(cause, "400"), login: None, rotated_meanwhile: None }
}

fn health(outcome: Outcome<u16>) -> Event {
    Event::Health { node: None, outcome }
}

fn api(outcome: Outcome<Reply<()>>) -> Event {
    let path = "sys/mounts".to_owned();
    Event::Api { method: Method::Get, path, outcome, fields: BTreeMap::new(), not_kept: Vec::new() }
}

fn sql(outcome: Outcome<Option<String>>) -> Event {
    Event::Sql { statement: "SELECT 1".to_owned(), outcome }
}

fn ledgers(leases: &[&str], principals: &[&str]) -> Event {
    let list = |names: &[&str]| Outcome::Ok(names.iter().map(|name| (*name).to_owned()).collect());
    Event::Ledger(LedgerRead { leases: list(leases), principals: list(principals) })
}

fn silence<T>() -> Outcome<T> {
    unknown(Silence::Deadline, "no answer within 5s")
}

const LEASE: &str = "database/creds/app/cred";
const USER: &str = "v-root-app-cred";

#[rstest]
// A lease: what any other refusal says is said of Vault or of the token, and not of the lease.
#[case::lease_there(
    "lease: { of: cred, gone: false }",
    lease(299, true),
    lease_refused(Cause::InvalidLease),
    lease_refused(Cause::PermissionDenied)
)]
#[case::lease_gone(
    "lease: { of: cred, gone: true }",
    lease_refused(Cause::InvalidLease),
    lease(299, true),
    lease_refused(Cause::Sealed)
)]
#[case::lease_ttl(
    "lease: { of: cred, ttl: { at_least: 4m } }",
    lease(299, true),
    lease(20, true),
    lease_refused(Cause::Internal)
)]
#[case::lease_renewable(
    "lease: { of: cred, renewable: true }",
    lease(299, true),
    lease(299, false),
    lease_refused(Cause::Sealed)
)]
#[case::leases("leases: { of: database/app, count: 1 }", leases(1), leases(2), Event::LeasesListed { role: "database/app".to_owned(), outcome: refused(Cause::Sealed, "503") })]
// A login: an outage is no refusal.
#[case::accepted(
    "login: { with: cred, accepted: true }",
    login(IN),
    login(shut_out()),
    login(refused(Cause::Unavailable, "57P03"))
)]
#[case::refused("login: { with: cred, refused: authentication }", login(shut_out()), login(IN), login(silence()))]
#[case::refused_otherwise(
    "login: { with: cred, refused: authentication }",
    login(shut_out()),
    login(refused(Cause::Privilege, "42501")),
    login(refused(Cause::TooManyConnections, "53300"))
)]
#[case::principal(
    "principal: { of: cred, exists: false }",
    user(Outcome::Ok(None)),
    user(until(305_000)),
    user(silence())
)]
#[case::valid_until(
    "principal: { of: cred, exists: true, valid_after_lease_end: { at_least: 4s, at_most: 6s } }",
    user(until(305_000)),
    user(until(400_000)),
    user(silence())
)]
// A session: a connection that is gone is dead, and of the table it says nothing.
#[case::session(
    "session: { of: s, alive: true, reads_table: false }",
    session(IN, refused(Cause::Privilege, "42501")),
    session(IN, IN),
    session(IN, silence())
)]
#[case::dead(
    "session: { of: s, alive: false }",
    session(unknown(Silence::Lost, "closed"), silence()),
    session(IN, IN),
    session(silence(), silence())
)]
#[case::token_alive(
    "token: { of: t, alive: true }",
    token_read(token(500)),
    token_read(refused(Cause::PermissionDenied, "403")),
    token_read(refused(Cause::Sealed, "503"))
)]
#[case::token_dead(
    "token: { of: t, alive: false }",
    token_read(refused(Cause::PermissionDenied, "403")),
    token_read(token(500)),
    token_read(silence())
)]
#[case::token_ttl(
    "token: { of: t, alive: true, ttl: { at_most: 10m } }",
    token_read(token(500)),
    token_read(token(700)),
    token_read(silence())
)]
// A static role: what it answers, and whether that logs in.
#[case::logs_in(
    "static_role: { of: database/reporting, logs_in: true }",
    static_read(None, "x", Some(IN)),
    static_read(None, "x", Some(shut_out())),
    static_read(None, "x", Some(silence()))
)]
#[case::same(
    "static_role: { of: database/reporting, same_as: kept }",
    static_read(None, "first", None),
    static_read(None, "second", None),
    static_refused(Cause::RateLimited)
)]
#[case::changed(
    "static_role: { of: database/reporting, changed_since: kept }",
    static_read(None, "second", None),
    static_read(None, "first", None),
    static_refused(Cause::Internal)
)]
#[case::static_ttl(
    "static_role: { of: database/reporting, ttl: { at_most: 1h } }",
    static_read(None, "x", None),
    static_refused(Cause::UnknownRole),
    static_refused(Cause::Standby)
)]
#[case::health("health: { status: 200 }", health(Outcome::Ok(200)), health(Outcome::Ok(503)), health(silence()))]
#[case::api("api: { path: sys/mounts, answers: { status: 200 } }", api(reply(200, ())), api(reply(204, ())), api(refused(Cause::Internal, "500")))]
#[case::api_refused("api: { path: sys/mounts, answers: { status: 403 } }", api(refused(Cause::PermissionDenied, "403")), api(reply(200, ())), api(silence()))]
#[case::sql("sql: { run: SELECT 1, returns: '1' }", sql(Outcome::Ok(Some("1".to_owned()))), sql(Outcome::Ok(Some("2".to_owned()))), sql(refused(Cause::Unavailable, "57P03")))]
#[case::sql_refused(
    "sql: { run: SELECT 1, refused: privilege }",
    sql(refused(Cause::Privilege, "42501")),
    sql(Outcome::Ok(None)),
    sql(silence())
)]
#[case::reconciled("ledger: reconciled", ledgers(&[LEASE], &[USER]), ledgers(&[], &[USER]), Event::Ledger(LedgerRead { leases: silence(), principals: Outcome::Ok(vec![]) }))]
#[case::orphans("ledger: orphans", ledgers(&[], &[USER]), ledgers(&[LEASE], &[USER]), Event::Ledger(LedgerRead { leases: Outcome::Ok(vec![]), principals: silence() }))]
#[case::early_deaths("ledger: early_deaths", ledgers(&[LEASE], &[]), ledgers(&[LEASE], &[USER]), Event::Ledger(LedgerRead { leases: silence(), principals: silence() }))]
fn a_look_says_held_violated_or_that_it_saw_nothing(
    #[case] expect: &str,
    #[case] so: Event,
    #[case] not_so: Event,
    #[case] blind: Event,
) {
    let step = expecting(expect);
    for (seen, expected) in [(so, Verdict::Held), (not_so, Verdict::Violated), (blind, Verdict::Inconclusive)] {
        let history = looked(&step, seen);
        assert_eq!(verdict(&step, &history), expected, "{expect}");
        stays_so(&step, &history, expected);
    }
}

/// What must not change the verdict on a step, or not for the worse: other times, less exact ones, an observation less.
pub(super) fn stays_so(step: &PlannedStep, history: &[Entry], expected: Verdict) {
    proptest!(ProptestConfig::with_cases(64), |(by in 0_u64..1_000_000, which in 0..history.len())| {
        let by = Duration::from_millis(by);
        prop_assert_eq!(verdict(step, &shifted(history, by)), expected);
        let mut wider = history.to_vec();
        widen(&mut wider[which], by);
        if expected != Verdict::Violated {
            prop_assert_ne!(verdict(step, &wider), Verdict::Violated);
        }
        let mut fewer = history.to_vec();
        let gone = fewer.remove(which);
        // Without its beginning there is no step.
        if expected != Verdict::Held && !matches!(gone.event, Event::StepBegan { .. }) {
            prop_assert_ne!(verdict(step, &fewer), Verdict::Held);
        }
    });
}
