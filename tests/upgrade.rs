//! What may not happen before an upgrade, on real servers: `capture` writes nothing to the server that it reads, and what
//! cannot be tried is said and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use leaseproof_harness::capture::{self, CaptureError, read};
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::fetch::Fetcher;
use leaseproof_harness::provider::native::find::Places;
use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::scenario::{self, file::Method};
use leaseproof_harness::secret::Secret;
use leaseproof_harness::testing::{self, Options, Running};
use leaseproof_harness::upgrade::report::{Answer, Report};
use serde_json::{Value, json};

/// A server with a little of everything that is captured, and a log of all that is asked of it.
const LIVE: &str = r"
name: A live server
stack: { vault: { audit: { log: { file: {} } } }, postgres: {} }
engines:
  database:
    postgres:
      roles: { app: { default_ttl: 5m, max_ttl: 10m }, 'report-2': { default_ttl: 1m, max_ttl: 1h } }
      static_roles: { nightly: { rotation_period: 24h } }
  kv: {}
auth: { approle: { roles: { app: { token_ttl: 1m } } } }
policies: { reader: { kv/data/*: [read] } }
steps: [{ expect: { health: { status: 200 } } }]
";

async fn running() -> Running {
    let scenario = scenario::parse(LIVE).scenario.unwrap();
    testing::stack(scenario, &Options::from_env().unwrap()).await.unwrap()
}

fn address(running: &Running) -> String {
    format!("http://{}", running.world.stack.vault.direct.address())
}

/// The requests that the audit log has from some byte on.
async fn requests(running: &Running, from: u64) -> Vec<Value> {
    let text = running.world.stack.audit[0].taken().await.unwrap();
    let entries =
        text[usize::try_from(from).unwrap()..].lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter(|entry| entry["type"] == "request").collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn capture_only_reads_as_the_live_servers_own_audit_log_shows() {
    let running = running().await;
    let token = running.world.stack.vault.root_token.clone();
    let before = running.world.stack.audit[0].size().await.unwrap();
    let live = read::read(&address(&running), &token).await.unwrap();
    let seen = requests(&running, before).await;

    let operations: Vec<&str> = seen.iter().map(|entry| entry["request"]["operation"].as_str().unwrap()).collect();
    assert!(operations.iter().all(|operation| ["read", "list"].contains(operation)), "{seen:#?}");
    assert!(seen.iter().all(|entry| entry["request"]["data"].is_null()), "a body was sent: {seen:#?}");
    // All that it says that it asked, and no more; health and seal status are not audited.
    let asked = live.calls.iter().filter(|call| !call.what.contains("sys/seal-status")).count();
    assert_eq!(seen.len(), asked, "{:#?}", live.calls);
    // No path that hands out a secret, which some do on a read.
    let paths: Vec<&str> = seen.iter().map(|entry| entry["request"]["path"].as_str().unwrap()).collect();
    let secret = ["/creds/", "/static-creds/", "/data/", "secret-id", "sys/rotate", "sys/generate-root"];
    assert!(paths.iter().all(|path| secret.iter().all(|secret| !path.contains(secret))), "{paths:#?}");
    // It did read: a log that stays empty would pass everything above.
    for path in
        ["database/roles/report-2", "database/static-roles/nightly", "auth/approle/role/app", "sys/policies/acl/reader"]
    {
        assert!(paths.contains(&path), "{path} was not read: {paths:#?}");
    }
    assert!(capture::files(&live).iter().any(|file| file.text.contains("report-2")));
    running.down().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_without_rights_a_dead_token_and_a_sealed_server_say_what_they_are() {
    let running = running().await;
    let vault = running.world.stack.vault.root();
    let made = vault.new_token("auth/token/create", json!({ "policies": ["default"] })).await.outcome;
    let powerless = &made.ok().unwrap().body.token;
    let address = address(&running);
    let refused = read::read(&address, powerless).await.unwrap_err();
    assert!(matches!(&refused, CaptureError::Nothing { why, .. } if why.contains("GET sys/mounts")), "{refused}");
    let dead = read::read(&address, &Secret::new("s.thisisnotoken")).await.unwrap_err();
    assert!(matches!(dead, CaptureError::Token { .. }), "{dead}");
    // Some rights are better than none: what is missing is told, and the rest goes on.
    let policy = json!({ "policy": r#"path "sys/mounts" { capabilities = ["read"] }"# });
    assert!(vault.call(Method::Post, "sys/policies/acl/mounts", Some(policy)).await.outcome.ok().is_some());
    let made = vault.new_token("auth/token/create", json!({ "policies": ["default", "mounts"] })).await.outcome;
    let live = read::read(&address, &made.ok().unwrap().body.token).await.unwrap();
    assert!(live.engines.iter().any(|(mount, _)| mount == "kv"));
    assert!(
        live.calls.iter().any(|call| call.what == "LIST database/roles" && call.refused.is_some()),
        "{:#?}",
        live.calls
    );

    assert!(vault.call(Method::Post, "sys/seal", None).await.outcome.ok().is_some());
    let sealed = read::read(&address, &running.world.stack.vault.root_token).await.unwrap_err();
    assert!(matches!(sealed, CaptureError::NotServing { state: "sealed", .. }), "{sealed}");
    running.down().await.unwrap();
    let gone = read::read(&address, &Secret::new("s.x")).await.unwrap_err();
    assert!(matches!(gone, CaptureError::Unreachable { .. }), "{gone}");
}

fn upgrade(folder: &Path, from: &str, to: &str, more: &[&str]) -> Output {
    fs::write(folder.join("one.yaml"), SCENARIO).unwrap();
    Command::new(env!("CARGO_BIN_EXE_leaseproof"))
        .args(["upgrade", "one.yaml", "--from", from, "--to", to, "--repeat", "1", "--report-dir", "reports"])
        .args(more)
        .current_dir(folder)
        // Else a file of the developer's own, in a folder above.
        .env_remove("LEASEPROOF_REPORT_DIR")
        .output()
        .unwrap()
}

const SCENARIO: &str = "
name: A lease lives on
stack: { vault: { storage: raft }, postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: 5m, max_ttl: 10m } } } } }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { upgrade: {} }
  - renew: { lease: cred, answers: { status: 200, ttl: 5m } }
  - expect: { login: { with: cred, accepted: true } }
";

#[test]
fn the_same_version_twice_is_an_error_of_usage_that_starts_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = upgrade(folder.path(), "openbao:2.7.2", "openbao:2.7.2", &[]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("are the same") && told.contains("--from"), "{told}");
    assert!(!folder.path().join("reports").exists());
}

#[test]
fn a_version_that_cannot_be_had_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let output = upgrade(folder.path(), "openbao:2.7.2", "openbao:0.0.1", &[]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("0.0.1"), "{told}");
    let runs = fs::read_dir(folder.path().join("reports")).map(Iterator::count).unwrap_or_default();
    assert_eq!(runs, 0, "a run that never began left a folder");
}

/// A server that starts on data of its own alone, as one does whose storage has another format, unless something is so.
const CHOOSY: &str = r#"#!/bin/sh
if [ "$1" = server ]; then
  for argument; do case "$argument" in -config=*) file="${argument#-config=}"; esac; done
  data=$(sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' "$file" | head -n 1)
  if [ -e "$data/raft/raft.db" ] && [ ! -e "$data/choosy" ] && UNLESS; then
    echo 'x [ERROR] core: the storage is of a version that this server does not know' >&2
    exit 1
  fi
  : > "$data/choosy"
  exec "PROGRAM" "$@"
fi
"PROGRAM" "$@" | sed 's/2\.[0-9]*\.[0-9]*/9.9.9/'
"#;

/// Tries an upgrade to that server; gives what came of it.
async fn upgrade_to_choosy(folder: &Path, unless: &str, more: &[&str]) -> (Option<i32>, Report) {
    let fetcher = Fetcher::new(Places::here(Cache::usual().unwrap()));
    let wanted: Part = "openbao".parse().unwrap();
    let found = fetcher.provide(&wanted, None, &|_| {}).await.unwrap();
    let choosy = folder.join("bao");
    let script = CHOOSY.replace("PROGRAM", &found.program.display().to_string()).replace("UNLESS", unless);
    fs::write(&choosy, script).unwrap();
    fs::set_permissions(&choosy, fs::Permissions::from_mode(0o755)).unwrap();
    let output = upgrade(folder, &wanted.to_string(), &choosy.display().to_string(), more);
    let run = fs::read_dir(folder.join("reports")).unwrap().next().unwrap().unwrap().path();
    let report = serde_json::from_slice(&fs::read(run.join("upgrade.json")).unwrap()).unwrap();
    (output.status.code(), report)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_the_new_version_refuses_are_a_no_go_and_a_rollback_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let (code, report) = upgrade_to_choosy(folder.path(), "true", &["--rollback"]).await;
    assert_eq!((code, report.answer), (Some(1), Answer::NoGo), "{report:#?}");
    let blocker = &report.changes[0];
    assert!(blocker.what.contains("does not serve on the data"), "{blocker:#?}");
    assert!(blocker.to.contains("of a version that this server does not know"), "{blocker:#?}");
    let legs: Vec<String> = report.scenarios[0].legs.iter().map(|leg| format!("{} {}", leg.leg, leg.result)).collect();
    assert_eq!(legs, ["from held", "to held", "through inconclusive", "rollback held"], "{report:#?}");
    assert!(report.run_again[0].ends_with("once more: inconclusive"), "{:#?}", report.run_again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_once_as_on_a_busy_machine_is_run_once_more_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    // The folder can be made once.
    let once = format!("mkdir '{}'", folder.path().join("refused").display());
    let (code, report) = upgrade_to_choosy(folder.path(), &once, &[]).await;
    assert_eq!(code, Some(0), "{report:#?}");
    assert_eq!(report.run_again.len(), 1, "{report:#?}");
    let told = &report.run_again[0];
    assert!(told.contains("through leg: inconclusive at first") && told.ends_with("once more: held"), "{told}");
    assert!(report.undecided.is_empty(), "{report:#?}");
}
