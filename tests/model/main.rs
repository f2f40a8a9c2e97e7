//! Random sequences of operations on real servers, held against the model after each operation. Healthy servers never
//! differ; planted bugs do, are made small, and what is printed of them is violated by whoever has the bug.
//!
//! The seed is always the same and is printed; `LEASEPROOF_SEED` names another. Without more, it ends after less than a
//! minute; `LEASEPROOF_MODEL_STEPS=5000` tries that many operations, however long it takes.

#![expect(clippy::unwrap_used, reason = "what fails in a helper fails the test that asked for it")]
#![expect(
    clippy::print_stdout,
    reason = "the seed, the figures and what was found are what one asks a failed test for"
)]

#[path = "../mutants/mutant.rs"]
#[allow(dead_code, reason = "the mutants of tests/mutants need all of it")]
mod mutant;
#[path = "../mutants/mysql.rs"]
mod mysql;
#[path = "../mutants/planted.rs"]
#[allow(dead_code, reason = "the mutants of tests/mutants need all of it")]
mod planted;
#[path = "../mutants/postgres.rs"]
mod postgres;
#[path = "../mutants/vault.rs"]
mod vault;

use std::sync::Arc;
use std::time::Duration;

use leaseproof_harness::explore::{Explorer, Found, Order, Plant, Tally, Tell};
use leaseproof_harness::model::draw::Bounds;
use leaseproof_harness::model::fault::Fault;
use leaseproof_harness::outcome::Verdict;
use leaseproof_harness::provider::docker::image::Images;
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::report::record::{ScenarioRecord, ScenarioResult};
use leaseproof_harness::scenario::{self, Dbms};
use leaseproof_harness::suite::{Settings, Suite};
use leaseproof_harness::testing::Options;
use tokio_util::sync::CancellationToken;

use crate::mutant::{Mutant, Reply, mutant, post};
use crate::planted::Planted;

/// The seed when nobody names one.
const SEED: u64 = 7;
/// Names how many operations are tried; then there is no limit of time.
const STEPS_VARIABLE: &str = "LEASEPROOF_MODEL_STEPS";
/// After how long nothing new begins, when nobody says how much is to be tried.
const TIME: Duration = Duration::from_secs(25);
/// How many sequences run at once: they mostly wait.
const JOBS: usize = 6;
/// How often the printed scenario runs on the mutant.
const TRIES: usize = 3;

async fn suite(options: &Options, seed: u64) -> Suite {
    let settings = Settings {
        // What is planted is in this process, and so must be what it stands between.
        providers: vec![Choice::Native],
        images: Images::default(),
        toxiproxy: None,
        mysql: Some(options.mysql.clone()),
        vaults: options.vaults[..1].to_vec(),
        postgres: options.postgres.clone(),
        postgres_bin: options.postgres_bin.clone(),
        seed,
        keep: false,
        reports: options.reports.join("model"),
        command: "cargo test --test model".to_owned(),
    };
    Suite::open(settings, Arc::new(|_| {}), CancellationToken::new()).await.unwrap()
}

fn order(seed: u64, steps: Option<usize>, faults: &[Fault], dbms: Dbms) -> Order {
    let bounds = Bounds { dbms, faults: faults.to_vec(), ..Bounds::default() };
    let time = steps.is_none().then_some(TIME);
    Order { seed, steps, time, jobs: JOBS, bounds, shrink_for: Duration::from_secs(240) }
}

/// Explores to the end; the records are those of all runs that count.
async fn explore(suite: &Suite, order: Order, plant: Option<Plant>) -> (Option<Found>, Vec<ScenarioRecord>, Tally) {
    let tell: Tell = Arc::new(|_, _| {});
    let explorer = Explorer::new(suite, order, tell, CancellationToken::new(), plant);
    let found = explorer.explore().await.unwrap();
    let (records, tally) = explorer.into_parts();
    (found, records, tally)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_servers_do_what_the_model_says() {
    healthy_servers_agree(Dbms::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_servers_with_mysql_do_what_the_model_says() {
    healthy_servers_agree(Dbms::Mysql).await;
}

async fn healthy_servers_agree(dbms: Dbms) {
    let options = Options::from_env().unwrap();
    let seed = if options.seed == 0 { SEED } else { options.seed };
    let steps = std::env::var(STEPS_VARIABLE).ok().map(|steps| steps.parse().unwrap());
    println!("seed {seed}");
    let suite = suite(&options, seed).await;
    let (found, records, tally) = explore(&suite, order(seed, steps, &Fault::ALL, dbms), None).await;
    println!("{}", tally.text());
    let record = suite.close(records).await.unwrap();
    assert!(record.secrets.is_clean(), "{:?}", record.secrets);
    if let Some(found) = found {
        panic!("{}, in {} of {} runs of\n{}", found.reason, found.rate.0, found.rate.1, found.text);
    }
    let skipped = record.scenarios.iter().find(|record| record.result == ScenarioResult::Skipped);
    if let Some(skipped) = skipped.filter(|_| !options.require_all) {
        println!("not tried: {}", skipped.reason);
        return;
    }
    let broken = record.scenarios.iter().find(|record| record.result == ScenarioResult::Broken);
    assert!(broken.is_none(), "{broken:?}");
    assert!(tally.results(ScenarioResult::Held) > 0, "nothing was seen to hold:\n{}", tally.text());
}

/// Plants a bug, lets it be found, and runs what is printed on the same bug and on a healthy server.
async fn hunt(bug: fn() -> Mutant, faults: &[Fault], at_most: usize) {
    let options = Options::from_env().unwrap();
    let suite = suite(&options, SEED).await;
    let plant: Plant = Arc::new(move || Box::new(Planted::new(&bug())));
    let (found, _, tally) = explore(&suite, order(SEED, Some(2_000), faults, Dbms::Postgres), Some(plant)).await;
    let found = found.unwrap_or_else(|| panic!("“{}” was not found:\n{}", bug().name, tally.text()));
    println!("{}\n{} of {} runs differ\n{}", found.reason, found.rate.0, found.rate.1, found.text);
    let (before, after) = found.operations;
    assert!(after <= at_most, "{after} of {before} operations are left:\n{}", found.text);
    assert!(found.rate.0 > 0, "it was not seen again:\n{}", found.text);

    let loaded = scenario::load(&found.file, &std::fs::read(&found.file).unwrap());
    let printed = Arc::new(loaded.scenario.unwrap());
    let mut accused = Vec::new();
    for run in 0..TRIES {
        let planted = Planted::new(&bug());
        accused.push(suite.run_behind(1_000_000 + run, &printed, 0, Some(&planted)).await);
        if accused.last().is_some_and(|record| record.result == ScenarioResult::Violated) {
            break;
        }
    }
    let last = accused.last().unwrap();
    assert_eq!(last.result, ScenarioResult::Violated, "{}", last.reason);
    let promise = last.guarantees.iter().find(|guarantee| guarantee.id == bug().breaks).unwrap();
    assert_eq!(promise.judgement.verdict, Verdict::Violated, "{}", promise.judgement.because);
    let healthy = suite.run_one(2_000_000, &printed, 0).await;
    assert_ne!(healthy.result, ScenarioResult::Violated, "{}", healthy.reason);
    accused.push(healthy);
    assert!(suite.close(accused).await.unwrap().secrets.is_clean());
}

fn revoke_does_nothing() -> Mutant {
    let revoke = post("sys/leases/revoke").when(|call| call.body["sync"] == true);
    mutant("a revoke answers 204 and does nothing", "LEASE-02", "").on(revoke.answer(|_| Reply::empty(204)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_that_does_nothing_is_found_and_comes_down_to_an_issue_and_a_revocation() {
    hunt(revoke_does_nothing, &[], 2).await;
}

fn outage_is_kept_secret() -> Mutant {
    let failed = post("sys/leases/revoke").answered(|reply| reply.status == 400);
    mutant("a revoke in an outage answers 204", "LEASE-06", "")
        .on(failed.rewrite(|_, reply| *reply = Reply::empty(204)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bug_that_shows_only_under_a_fault_comes_down_to_an_issue_the_fault_and_a_revocation() {
    hunt(outage_is_kept_secret, &[Fault::Down, Fault::DatabaseStop], 3).await;
}
