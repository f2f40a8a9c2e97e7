//! A test written in Rust: a fixture brings up a stack, the test acts on it, and nothing is left of it afterwards.

#![expect(clippy::unwrap_used, reason = "what fails in the fixture fails the test that asked for it")]

use leaseproof_harness::outcome::Cause;
use leaseproof_harness::scenario::{self, Dbms, file::Method};
use leaseproof_harness::secret::Secret;
use leaseproof_harness::service::database::Login;
use leaseproof_harness::testing::{self, Options, Running};

#[rstest::fixture]
async fn running() -> Running {
    let scenario = scenario::parse(include_str!("good/natural_expiry.yaml")).scenario.unwrap();
    testing::stack(scenario, &Options::from_env().unwrap()).await.unwrap()
}

#[rstest::rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fixture_gives_a_stack_on_which_a_revoked_credential_is_refused(#[future(awt)] running: Running) {
    let vault = running.world.stack.vault.root();
    let postgres = &running.world.database(Dbms::Postgres).unwrap().direct;
    let issued = vault.call(Method::Get, "database/creds/app", None).await.outcome;
    let body = issued.ok().unwrap().body.clone();
    let text = |pointer: &str| body.pointer(pointer).and_then(|value| value.as_str()).unwrap().to_owned();
    let login = Login { username: text("/data/username"), password: Secret::new(text("/data/password")) };
    assert!(postgres.login(&login).await.outcome.ok().is_some());

    let lease = serde_json::json!({ "lease_id": text("/lease_id"), "sync": true });
    let revoked = vault.call(Method::Post, "sys/leases/revoke", Some(lease)).await.outcome;
    assert!(revoked.ok().is_some(), "{revoked}");
    let refused = postgres.login(&login).await.outcome;
    assert_eq!(refused.refusal().unwrap().cause, Cause::Authentication);

    let log = running.world.stack.vault.nodes[0].machine.log().await;
    assert!(log.exists());
    running.down().await.unwrap();
    assert!(!log.exists(), "the stack's folder goes with it");
}
