//! Mutants of tokens.

use serde_json::{Value, json};

use super::{CREDS, done, issued, refused};
use crate::mutant::{Deed, Mutant, Reply, Turns, get, mutant, nothing, post};

const LOOKUP_SELF: &str = "auth/token/lookup-self";
const RENEW_SELF: &str = "auth/token/renew-self";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a child token survives its parent", "TOKEN-01", "the token is alive")
            .on(post("auth/token/revoke").request(|call| call.path = String::from("auth/token/revoke-orphan")))
            .shows_in(&["quickstart/token_tree"]),
        mutant("a token's accessor ends nothing", "TOKEN-01", "the token is alive")
            .on(post("auth/token/revoke-accessor").answer(|_| Reply::empty(204)))
            .shows_in(&["tokens/accessor_ends_the_tree"]),
        mutant("a revoked token answers for itself", "TOKEN-01", "the token is alive, ttl 500s")
            .on(get(LOOKUP_SELF).answered(refused).rewrite(alive))
            .shows_in(&["quickstart/token_tree"]),
        mutant("a lease outlives the token that took it", "TOKEN-02", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .shows_in(&["tokens/token_ends_before_its_lease"]),
        mutant("a token that was revoked in an outage stays good", "TOKEN-03", "the token is alive")
            .on(post("auth/token/revoke").answer(|_| Reply::empty(204))),
        mutant(
            "a token cannot be revoked in an outage",
            "TOKEN-03",
            "expected success and status 204, but refused: target_unreachable",
        )
        .on(post("auth/token/revoke").answered(done).rewrite(|_, reply| {
            *reply = Reply::refusal(400, "failed to revoke: dial tcp: connect: connection refused");
        })),
        mutant("an explicit maximum does not cut a token", "TOKEN-04", "expected ttl at most 11s, not 12s").on(post(
            RENEW_SELF,
        )
        .answered(done)
        .rewrite(|_, reply| reply.body["auth"]["lease_duration"] = json!(12))),
        mutant("a periodic token runs down", "TOKEN-04", "expected ttl 12s, not 5s, but done (200)").on(post(
            RENEW_SELF,
        )
        .answered(done)
        .rewrite(|_, reply| reply.body["auth"]["lease_duration"] = json!(5))),
        mutant("a batch token is renewed", "TOKEN-05", "expected a refusal and status 400, but done (200)").on(post(
            RENEW_SELF,
        )
        .answered(refused)
        .rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "auth": { "lease_duration": 300, "renewable": true } }));
        })),
        mutant("a lease outlasts its batch token", "TOKEN-05", "expected ttl at most 8s, not 300s, but done (200)")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(300))),
        mutant("a token's last use takes a lease", "TOKEN-06", "expected a refusal and status 400, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued)),
        mutant("a refused last use leaves a user", "TOKEN-06", "it returned 1").on(get(CREDS)
            .answered(refused)
            .after(std::time::Duration::ZERO, |_, _| vec![Deed::Sql("CREATE ROLE \"v-token-left\" LOGIN".to_owned())])),
        mutant("revoke-orphan takes the children", "TOKEN-07", "refused: permission_denied")
            .on(post("auth/token/revoke-orphan").request(|call| call.path = String::from("auth/token/revoke"))),
        mutant("revoke-orphan leaves the token's own leases", "TOKEN-07", "the login was accepted")
            .statement("DROP ROLE", nothing),
        mutant("a token without the right is served", "TOKEN-08", "expected a refusal and status 403, but done (200)")
            .on(get(CREDS).answered(|reply| reply.status == 403).rewrite(issued))
            .shows_in(&["tokens/policy_narrowed"]),
        mutant("a token that has expired answers for itself", "TOKEN-08", "the token is alive")
            .on(get(LOOKUP_SELF).answered(refused).turns(Turns::From(1)).rewrite(alive))
            .shows_in(&["tokens/codes_of_refusal"]),
        mutant("a token without the right may list leases", "TOKEN-09", "expected status 403, but done (200)").on(get(
            "sys/leases/lookup/*",
        )
        .answered(|reply| reply.status == 403)
        .rewrite(|_, reply| *reply = Reply::with(200, json!({ "data": { "keys": ["x"] } })))),
    ]
}

/// Says that the token is good.
fn alive(_: &crate::mutant::Call, reply: &mut Reply) {
    let data: Value = json!({ "ttl": 500, "renewable": true });
    *reply = Reply::with(200, json!({ "data": data }));
}
