//! Mutants of seal and health.

use serde_json::json;

use super::{LOOKUP, RENEW, issued, refused};
use crate::mutant::{Mutant, Reply, Turns, get, mutant, nothing, post};

const HEALTH: &str = "sys/health";
const LOOKUP_SELF: &str = "auth/token/lookup-self";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("an active server's health code says standby", "SEAL-01", "health status 429")
            .on(get(HEALTH).answered(|reply| reply.status == 200).rewrite(|_, reply| reply.status = 429))
            .shows_in(&["upgrade/health_and_seal_status"]),
        mutant("a sealed server's health code says active", "SEAL-01", "health status 200").on(get(HEALTH)
            .answered(|reply| reply.status == 503)
            // The first is what the fault waits for.
            .turns(Turns::From(1))
            .rewrite(|_, reply| reply.status = 200)),
        mutant("a sealed server issues", "SEAL-02", "expected a refusal and status 503, but done (200)").on(get(
            "database/creds/*",
        )
        .answered(|reply| reply.status == 503)
        .rewrite(issued)),
        mutant("a sealed server serves reads", "SEAL-02", "expected a refusal and status 503, but done (200)").on(get(
            LOOKUP_SELF,
        )
        .answered(|reply| reply.status == 503)
        .rewrite(|_, reply| *reply = Reply::with(200, json!({ "data": { "ttl": 100, "renewable": true } })))),
        mutant("a lease that ended under a seal is never revoked", "SEAL-03", "the user is there")
            .statement("DROP ROLE", nothing)
            .shows_in(&["quickstart/sealed_backstop"]),
        mutant("a seal stops the clock of leases", "SEAL-04", "the lease is there, ttl 120s, renewable true")
            .on(post(LOOKUP).rewrite(|_, reply| reply.body["data"]["ttl"] = json!(120))),
        mutant("a token whose time ended under a seal is good", "SEAL-04", "the token is alive, ttl 4s").on(get(
            LOOKUP_SELF,
        )
        .answered(refused)
        .rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "data": { "ttl": 4, "renewable": true } }));
        })),
        mutant("the same key share twice counts twice", "SEAL-06", "progress")
            .on(post("sys/unseal").turns(Turns::Only(1)).rewrite(|_, reply| reply.body["progress"] = json!(2))),
        mutant("a killed server forgets its leases", "SEAL-05", "lease_not_found")
            .on(post(RENEW).answer(|_| Reply::refusal(400, "lease not found")))
            .shows_in(&["seal/killed_with_leases_out"]),
        mutant("a killed server leaves what is overdue", "SEAL-05", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .shows_in(&["seal/killed_with_leases_out"]),
    ]
}
