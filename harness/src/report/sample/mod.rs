//! A hand-made record with every result, for the tests of all projections. Its first history looks like a real one: a
//! database outage over a revocation, then a killed Vault.

pub(super) mod tape;

use std::time::Duration;

use super::record::{
    Difference, DifferenceKind, FaultRecord, GuaranteeRecord, InvariantRecord, PhaseRecord, RECORD_VERSION, Record,
    ScenarioRecord, ScenarioResult, SecretScan, StepRecord,
};
use crate::event::{Part, Phase};
use crate::outcome::{Judgement, Verdict};
use crate::scenario::file::Endpoint;
use crate::time::Moment;

/// What `write` leaves in the folder, in the order of names.
pub(super) const PROJECTIONS: [&str; 5] = ["junit.xml", "metrics.txt", "record.json", "report.html", "summary.md"];

const SOURCE: &str = "\
# yaml-language-server: $schema=../scenario.schema.json
name: A database outage delays revocation and never loses it
guarantees: [LEASE-03, LEASE-07]
stack:
  vault: {}
  postgres: {}
engines:
  database:
    postgres:
      roles: { app: { default_ttl: 30s, max_ttl: 5m } }
clients:
  web: { holds: database/app, renews_at: 2/3 }
steps:
  - issue: { role: database/app, as: cred }
  - fault: { down: { from: vault, to: postgres } }
    during:
      - revoke: { lease: cred, sync: false }
      - expect: { lease: { of: cred, ttl: 0s, renewable: false } }
      - expect: { login: { with: cred, accepted: true } }
  - expect: { login: { with: cred, refused: authentication } }
    within: 20s
  - fault: { kill: vault }
    for: 4s
always:
  - credential_gap: { client: web, at_most: 2s }
";

/// A record with every result, on two servers.
pub(super) fn record() -> Record {
    let scenarios = vec![
        held(),
        violated(),
        other(
            ScenarioResult::Inconclusive,
            "A sealed server keeps its leases",
            "the probe was silent for 12.000s, so nothing is known of the lease's end",
        ),
        other(
            ScenarioResult::Broken,
            "A standby takes over and loses no lease",
            "openbao 2.7.2 exited with status 1 before it was ready: storage migration check error",
        ),
        other(
            ScenarioResult::Interrupted,
            "Many clients outlive a slow database",
            "interrupted by Ctrl-C in phase steps",
        ),
        other(
            ScenarioResult::Skipped,
            "Vault's AWS users die with their lease",
            "the stack needs aws, and no LocalStack or Moto was found: run `leaseproof doctor`",
        ),
    ];
    Record {
        version: RECORD_VERSION,
        run: "20261121-091500-7f3a".to_owned(),
        leaseproof: "0.1.0".to_owned(),
        started: "2026-11-21T09:15:00Z".to_owned(),
        took_ms: 96_400,
        seed: 42,
        rerun: "leaseproof run scenarios --vault openbao:2.7.2 --vault vault:1.21.0 --seed 42".to_owned(),
        provider: "native: no docker daemon answers".to_owned(),
        scenarios,
        secrets: SecretScan { known: 31, files: 24, found_in: Vec::new(), unsearched: Vec::new() },
    }
}

fn scenario(name: &str, server: &str, result: ScenarioResult, reason: &str) -> ScenarioRecord {
    let slug: String = name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let product = server.split(' ').next().unwrap();
    let file = format!("scenarios/lease/{slug}.yaml");
    ScenarioRecord {
        name: name.to_owned(),
        about: None,
        rerun: format!("leaseproof run {file} --vault {} --seed 42", server.replace(' ', ":")),
        source: SOURCE.to_owned(),
        server: server.to_owned(),
        provider: "native".to_owned(),
        products: vec![server.to_owned(), "postgresql 15.18".to_owned()],
        fragments: Vec::new(),
        result,
        reason: reason.to_owned(),
        seed: 42,
        folder: format!("{slug}-{product}"),
        file,
        started: "2026-11-21T09:15:01.5Z".to_owned(),
        took_ms: 48_200,
        guarantees: Vec::new(),
        phases: Vec::new(),
        steps: Vec::new(),
        faults: Vec::new(),
        always: Vec::new(),
        differences: Vec::new(),
    }
}

fn guarantee(id: &str, promise: &str, judgement: Judgement) -> GuaranteeRecord {
    let source = "https://openbao.org/docs/concepts/lease/".to_owned();
    GuaranteeRecord { id: id.to_owned(), promise: promise.to_owned(), source, judgement, deviation: None }
}

fn step(number: &str, title: &str, line: usize, ms: (u64, u64), judgement: Judgement) -> StepRecord {
    let (from, to) = (Moment::from_millis(ms.0), Moment::from_millis(ms.1));
    StepRecord { number: number.to_owned(), title: title.to_owned(), line, fragment: None, from, to, judgement }
}

fn held() -> ScenarioRecord {
    let reason = "both promises were kept through 1 fault";
    let mut held = scenario("A revoked credential stops working at once", "vault 1.21.0", ScenarioResult::Held, reason);
    held.took_ms = 12_345;
    held.about = Some("Incident response rests on this.".to_owned());
    let kept = Judgement::held("after the revocation every login was refused: authentication", vec![3, 4]);
    held.guarantees =
        vec![guarantee("LEASE-02", "A revoked lease's user is gone when the call returns.", kept.clone())];
    held.steps = vec![step("1", "issue database/app as cred", 14, (900, 980), kept)];
    held
}

fn other(result: ScenarioResult, name: &str, reason: &str) -> ScenarioRecord {
    let mut scenario = scenario(name, "openbao 2.7.2", result, reason);
    if result == ScenarioResult::Skipped {
        scenario.took_ms = 0;
    }
    if result == ScenarioResult::Inconclusive {
        let open = Judgement::inconclusive(reason, vec![7]);
        scenario.guarantees =
            vec![guarantee("SEAL-01", "A sealed server answers 503 and keeps its leases.", open.clone())];
        scenario.steps = vec![step("2.1", "expect cred's lease to end", 20, (3_000, 15_000), open)];
    }
    scenario
}

/// The scenario to which [`tape::history`] belongs.
pub(super) fn violated() -> ScenarioRecord {
    let name = "A database outage delays revocation and never loses it";
    let reason = "20.000s after the outage the login with cred was still accepted; documented: refused: authentication";
    let mut violated = scenario(name, "openbao 2.7.2", ScenarioResult::Violated, reason);
    violated.about = Some("A CI job revokes and exits; nobody is there to try again.".to_owned());
    let wrong = Judgement::violated(
        "expected a login with cred to be refused: authentication within 20s; seen: accepted, last at 35.020s",
        vec![],
    );
    let fine = |because: &str| Judgement::held(because, vec![]);
    violated.steps = vec![
        step("1", "issue database/app as cred", 14, (950, 1_010), fine("issued with a TTL of 30s")),
        step("2", "cut vault→postgres", 15, (3_000, 15_060), fine("the fault was seen and healed")),
        step("2.1", "revoke cred's lease, sync=false", 17, (4_000, 4_020), fine("accepted: 202")),
        step("2.2", "expect cred's lease to have ttl 0s", 18, (4_100, 4_110), fine("ttl 0, not renewable")),
        step("2.3", "expect a login with cred to be accepted", 19, (5_000, 5_020), fine("accepted")),
        step(
            "3",
            "expect a login with cred to be refused: authentication, within 20s",
            20,
            (15_060, 35_060),
            wrong.clone(),
        ),
        step("4", "kill vault for 4s", 22, (36_000, 40_900), fine("the fault was seen and healed")),
    ];
    violated.guarantees = vec![
        guarantee("LEASE-03", "A lease whose revocation fails is kept and tried again until it succeeds.", wrong),
        guarantee("LEASE-07", "An asynchronous revocation answers at once and is done later.", fine("202 at 4.020s")),
    ];
    violated.always = vec![InvariantRecord {
        title: "client web is never without a working credential for more than 2s".to_owned(),
        line: 25,
        fragment: None,
        judgement: fine("longest gap 1.500s"),
    }];
    violated.phases = PHASES.iter().map(|&(phase, ms)| PhaseRecord { phase, from: Moment::from_millis(ms) }).collect();
    violated.faults = vec![
        fault(
            1,
            "cut vault→postgres",
            &[Part::Link { from: Endpoint::Vault, to: Endpoint::Postgres }],
            (3_000, 3_040, 15_060),
        ),
        fault(2, "kill vault", &[Part::Vault], (36_000, 36_030, 40_900)),
    ];
    violated.differences = vec![Difference {
        kind: DifferenceKind::Zombie,
        what: "v-root-app-8sK2-1732180501".to_owned(),
        detail: "Vault has no lease for it and it still logs in".to_owned(),
    }];
    violated
}

/// When each phase of the violated scenario begins, in milliseconds.
pub(super) const PHASES: [(Phase, u64); 9] = [
    (Phase::Plan, 0),
    (Phase::StackUp, 20),
    (Phase::Baseline, 620),
    (Phase::Steps, 940),
    (Phase::Heal, 40_950),
    (Phase::Recover, 41_000),
    (Phase::FinalReads, 46_200),
    (Phase::Logs, 47_000),
    (Phase::Down, 47_200),
];

fn fault(fault: u32, title: &str, disturbs: &[Part], ms: (u64, u64, u64)) -> FaultRecord {
    FaultRecord {
        fault,
        title: title.to_owned(),
        disturbs: disturbs.to_vec(),
        from: Moment::from_millis(ms.0),
        in_effect: Moment::from_millis(ms.1),
        to: Some(Moment::START.plus(Duration::from_millis(ms.2))),
        seen: "a probe was refused".to_owned(),
        healed: "a probe was answered".to_owned(),
    }
}

#[test]
fn the_sample_has_every_result() {
    let record = record();
    for result in super::words::WORST_FIRST {
        assert_eq!(super::words::count(&record, result), 1, "{result}");
    }
    assert_eq!(violated().guarantees[0].judgement.verdict, Verdict::Violated);
}
