//! Mutants of what guides and runbooks do: repeated revocations, roles written again, agents, logins of jobs.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CREDS, LOOKUP, REVOKE, done, every_user, issued, no_content, no_warning, refused};
use crate::mutant::{Mutant, Reply, Turns, get, mutant, post, put};

pub(super) fn mutants() -> Vec<Mutant> {
    [revocations(), settings(), programs()].into_iter().flatten().collect()
}

fn revocations() -> Vec<Mutant> {
    vec![
        mutant("a repeated revocation is no attempt", "LEASE-04", "it is 1")
            .on(post(REVOKE).turns(Turns::From(1)).answer(|_| Reply::empty(202)))
            .shows_in(&["leases/repeating_it_uses_up_attempts"]),
        mutant("an irrevocable lease is called revoked, and its user stays", "LEASE-05", "the login was accepted")
            .on(post(REVOKE).turns(Turns::From(6)).answer(|_| Reply::empty(204)))
            .shows_in(&["leases/repeating_it_uses_up_attempts"]),
        mutant("a lease is given up after a restart", "LEASE-03", "the login was accepted")
            .on(post(REVOKE).turns(Turns::From(6)).answer(|_| Reply::empty(204)))
            .shows_in(&["leases/attempts_counted_anew_after_a_restart"]),
        mutant("a user is called revoked who could not be dropped", "LEASE-06", "but done (204)")
            .on(post(REVOKE).answered(refused).rewrite(no_content))
            .shows_in(&["leases/one_foreign_table_blocks_all"]),
        mutant("a wrapped credential is one lease", "WRAP-03", "data.keys")
            .on(get("sys/leases/lookup/*").answered(done).rewrite(|_, reply| reply.body["data"]["keys"] = json!(["x"])))
            .shows_in(&["wrapping/two_leases_of_a_wrapped_credential"]),
        mutant("the lease of a one-time password is short", "TTL-03", "data.ttl")
            .on(post(LOOKUP).rewrite(|_, reply| reply.body["data"]["ttl"] = json!(60)))
            .shows_in(&["ssh/lease_of_a_used_password"]),
    ]
}

fn settings() -> Vec<Mutant> {
    vec![
        mutant("a write of a role clears what it leaves out", "DB-15", "but done (204)")
            .on(post("database/roles/app")
                .turns(Turns::Only(0))
                .request(|call| call.body["revocation_statements"] = json!([])))
            .shows_in(&["traps/statements_that_stay"]),
        mutant("a password in the URL is taken without a word", "DB-18", "expected a warning")
            .on(post("database/config/inline").rewrite(no_warning))
            .shows_in(&["traps/warning_of_an_ignored_url"]),
        mutant("a quota that is lowered lets credentials through", "QUOTA-01", "but done (200)")
            .on(get(CREDS).answered(|reply| reply.status == 429).rewrite(issued))
            .shows_in(&["quotas/lowered_under_load"]),
        mutant("a root key is rotated without the unsealer", "SEAL-08", "but done (204)")
            .on(post("sys/rotate/root").answered(refused).rewrite(no_content)),
        mutant("a schedule's window may be short", "DBSTATIC-11", "but done (204)").on(post(
            "database/static-roles/hasty",
        )
        .answered(refused)
        .rewrite(no_content)),
        mutant("a session of STS has no token", "AWS-13", "data.security_token")
            .on(get("aws/creds/app").rewrite(|_, reply| reply.body["data"]["security_token"] = Value::Null)),
    ]
}

fn programs() -> Vec<Mutant> {
    vec![
        // The agent goes by what it is told, and is back long before two thirds of what it should have been told.
        mutant("an agent renews far too soon", "AGENT-01", "it was made")
            .on(put("sys/leases/renew").answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(5)))
            .shows_in(&["consumers/agent_renews_in_time"]),
        mutant("an agent takes certificates far too soon", "AGENT-01", "it was made")
            .on(put("pki/issue/web").answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(5)))
            .shows_in(&["consumers/agent_renews_in_time"]),
        mutant("what an agent rendered is dead once Vault is sealed", "AGENT-03", "refused")
            .on(put("sys/seal").after(Duration::ZERO, |_, _| vec![every_user("DROP OWNED BY %1$I; DROP ROLE %1$I")]))
            .on(post("sys/seal").after(Duration::ZERO, |_, _| vec![every_user("DROP OWNED BY %1$I; DROP ROLE %1$I")]))
            .shows_in(&["consumers/agent_outlasts_an_outage"]),
        mutant("a JWT for somebody else logs in", "JWT-01", "but done (200)").on(post("auth/jwt/login")
            .answered(refused)
            .rewrite(|_, reply| {
                let auth = json!({ "client_token": "made up", "accessor": "made up", "lease_duration": 60 });
                *reply = Reply::with(200, json!({ "auth": auth }));
            })),
    ]
}
