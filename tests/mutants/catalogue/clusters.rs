//! Mutants of clusters, snapshots, seals that another server opens, and metrics.

use hyper::body::Bytes;
use serde_json::json;

use super::{CREDS, LOOKUP, RENEW, done, hide, issued, refused};
use crate::mutant::{Call, Mutant, Reply, Turns, get, mutant, nothing, post};

const HEALTH: &str = "sys/health";
const AUTOPILOT: &str = "sys/storage/raft/autopilot/state";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a new leader knows no token", "HA-01", "permission_denied")
            .on(get(CREDS).turns(Turns::From(1)).answer(unknown))
            .shows_in(&["ha/leader_killed"]),
        mutant("a cluster that lost its leader gets no other", "HA-01", "health status 429")
            .on(get(HEALTH)
                .answered(|reply| reply.status == 200)
                .turns(Turns::From(3))
                .rewrite(|_, reply| reply.status = 429))
            .shows_in(&["ha/leader_killed"]),
        mutant("a lease is lost with its leader", "HA-02", "lease_not_found")
            .on(post(RENEW).answer(|_| Reply::refusal(400, "lease not found")))
            .shows_in(&["ha/leader_killed"]),
        mutant("a lease outlives its end under a new leader", "HA-02", "orphan")
            .statement("DROP ROLE", nothing)
            .shows_in(&["ha/expiry_under_a_new_leader"]),
        mutant("a standby hands out what no leader issued", "HA-03", "refused: authentication")
            .on(get(CREDS).rewrite(issued))
            .shows_in(&["ha/standby_forwards"]),
        mutant("a standby forwards nothing", "HA-03", "permission_denied")
            .on(get(CREDS).answer(unknown))
            .shows_in(&["ha/standby_forwards"]),
        mutant("a minority issues", "HA-04", "expected status 500, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued)),
        mutant("a node that joined anew serves nobody", "HA-05", "permission_denied")
            .on(get(CREDS).turns(Turns::From(1)).answer(unknown)),
        mutant("autopilot does not notice a dead node", "HA-06", "data.healthy").on(get(AUTOPILOT).stale()),
        mutant("autopilot does not notice that a node is back", "HA-06", "data.healthy").on(get(AUTOPILOT)
            .turns(Turns::From(1))
            .rewrite(|_, reply| {
                reply.body["data"]["healthy"] = json!(false);
                reply.body["data"]["failure_tolerance"] = json!(0);
            })),
        mutant("what was revoked since a snapshot stays revoked", "HA-07", "refused: invalid_lease")
            .on(post(LOOKUP).answer(|_| Reply::refusal(400, "invalid lease")))
            .shows_in(&["snapshots/revoked_comes_back"]),
        mutant("a server that could store nothing has lost a lease", "STORAGE-01", "lease_not_found")
            .on(post(RENEW).answered(done).rewrite(|_, reply| *reply = Reply::refusal(400, "lease not found"))),
        mutant("a server that could store nothing never revokes what ended", "STORAGE-01", "the login was accepted")
            .statement("DROP ROLE", nothing),
        mutant("a server is unsealed before what unseals it is back", "SEAL-07", "health status 200")
            .on(get(HEALTH)
                .answered(|reply| reply.status == 503)
                // The first is what the fault waits for.
                .turns(Turns::From(1))
                .rewrite(|_, reply| reply.status = 200))
            .shows_in(&["seal/unsealed_by_another_after_a_seal"]),
        mutant("a server that lost what unseals it renews nothing", "SEAL-07", "lease_not_found")
            .on(post(RENEW).answered(done).rewrite(|_, reply| *reply = Reply::refusal(400, "lease not found")))
            .shows_in(&["seal/unsealer_lost_while_running"]),
        mutant("leases are not counted", "METRIC-01", "it is 0")
            .on(get("sys/metrics").rewrite(|_, reply| hide(reply, "vault_expire_num_leases")))
            .shows_in(&["metrics/leases_are_counted"]),
        mutant("anybody may read the metrics", "METRIC-01", "expected a refusal")
            .on(get("sys/metrics").answered(refused).rewrite(|_, reply| {
                *reply = Reply { raw: Bytes::from_static(b"vault_core_unsealed 1\n"), ..Reply::empty(200) };
            }))
            .shows_in(&["metrics/leases_are_counted"]),
        mutant("failures of the database are not counted", "METRIC-01", "it is 0")
            .on(get("sys/metrics").rewrite(|_, reply| hide(reply, "vault_database_DeleteUser_error")))
            .shows_in(&["metrics/failures_are_counted"]),
    ]
}

fn unknown(_: &Call) -> Reply {
    Reply::refusal(403, "permission denied")
}
