//! Mutants of clusters, snapshots and metrics.

use hyper::body::Bytes;

use super::{CREDS, LOOKUP, RENEW, done, issued, refused};
use crate::mutant::{Call, Mutant, Reply, Turns, get, mutant, nothing, post};

const HEALTH: &str = "sys/health";
const METRICS: &str = "sys/metrics";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a token is lost with its leader", "HA-01", "expected success, but refused")
            .on(get(CREDS).turns(Turns::From(1)).answer(|_| nobody()))
            .shows_in(&["ha/leader_killed"]),
        mutant("a cluster that lost its leader gets no other", "HA-01", "health status 429")
            .on(get(HEALTH).answered(|reply| reply.status == 200).turns(Turns::From(3)).rewrite(standby))
            .shows_in(&["ha/leader_killed"]),
        mutant("a new leader does not know a lease", "HA-02", "lease_not_found")
            .on(post(RENEW).answer(|_| Reply::refusal(400, "lease not found")))
            .shows_in(&["ha/leader_killed"]),
        mutant("a lease outlives its end under a new leader", "HA-02", "orphan")
            .statement("DROP ROLE", nothing)
            .shows_in(&["ha/expiry_under_a_new_leader"]),
        mutant("a standby knows no tokens", "HA-03", "expected success, but refused")
            .on(get(CREDS).answer(|_| nobody()))
            .shows_in(&["ha/standby_forwards"]),
        mutant("a server that another unseals runs on when it is sealed", "SEAL-07", "health status 200")
            .on(get(HEALTH).answered(|reply| reply.status == 503).turns(Turns::From(1)).rewrite(active))
            .shows_in(&["seal/unsealed_by_another_after_a_seal"]),
        mutant("a standby hands out what no leader issued", "HA-03", "refused: authentication")
            .on(get(CREDS).rewrite(issued))
            .shows_in(&["ha/standby_forwards"]),
        mutant("a node without a majority issues", "HA-04", "expected status 500, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued))
            .shows_in(&["ha/quorum_lost"]),
        mutant("a node that joined anew serves nobody", "HA-05", "expected success, but refused")
            .on(get(CREDS).turns(Turns::From(1)).answer(|_| nobody()))
            .shows_in(&["ha/node_replaced"]),
        mutant("a restored snapshot lacks a lease of its day", "HA-07", "invalid_lease")
            .on(post(LOOKUP).answered(done).rewrite(|_, reply| *reply = Reply::refusal(400, "invalid lease")))
            .shows_in(&["snapshots/revoked_comes_back"]),
        mutant("the metrics count a lease too many", "METRIC-01", "it is 4")
            .on(get(METRICS).answered(done).rewrite(|_, reply| {
                let text = String::from_utf8_lossy(&reply.raw)
                    .replace("vault_expire_num_leases 3", "vault_expire_num_leases 4");
                reply.raw = text.into();
            }))
            .shows_in(&["metrics/leases_are_counted"]),
        mutant("anybody may read the metrics", "METRIC-01", "expected a refusal")
            .on(get(METRICS).answered(refused).rewrite(|_, reply| {
                *reply = Reply { raw: Bytes::from_static(b"vault_core_unsealed 1\n"), ..Reply::empty(200) };
            }))
            .shows_in(&["metrics/leases_are_counted"]),
    ]
}

fn nobody() -> Reply {
    Reply::refusal(403, "permission denied")
}

fn active(_: &Call, reply: &mut Reply) {
    reply.status = 200;
}

fn standby(_: &Call, reply: &mut Reply) {
    reply.status = 429;
}
