//! Mutants of leases and of the hierarchy of TTLs.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::{CREDS, LOOKUP, RENEW, REVOKE, done, every_user, immortal, no_content, no_warning, refused, renewed};
use crate::mutant::{Deed, Mutant, Reply, Turns, delete, get, mutant, nothing, post};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("an expired lease leaves a login that goes on working", "LEASE-01", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .statement("VALID UNTIL", immortal)
            .shows_in(&["quickstart/expiry"]),
        mutant("an expired lease is still looked up", "LEASE-01", "the lease is there, ttl 1s, renewable true")
            .on(post(LOOKUP).answered(refused).rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "data": { "ttl": 1, "renewable": true } }));
            }))
            .shows_in(&["quickstart/expiry"]),
        mutant("a revoke answers 204 and does nothing", "LEASE-02", "the user is there")
            .on(post(REVOKE).answer(|_| Reply::empty(204)))
            .shows_in(&["leases/revoke_is_done_when_answered"]),
        mutant("a revoke removes the lease and leaves the user", "LEASE-02", "the user is there")
            .statement("DROP ROLE", nothing)
            .shows_in(&["leases/revoke_is_done_when_answered"]),
        mutant("a revoke answers before the user is gone", "LEASE-02", "the user is there")
            .on(post(REVOKE).request(|call| call.body["sync"] = json!(false)))
            .on(post(REVOKE).rewrite(no_content))
            .statement("DROP ROLE", |statement| format!("SELECT pg_sleep(2); {statement}"))
            .shows_in(&["leases/revoke_is_done_when_answered"]),
        mutant(
            "a second revoke of the same lease is refused",
            "LEASE-02",
            "expected success and status 204, but refused: lease_not_found",
        )
        .on(post(REVOKE).turns(Turns::Only(2)).answer(|_| Reply::refusal(400, "lease not found")))
        .shows_in(&["leases/revoke_is_done_when_answered"]),
        mutant("a lease that expires in an outage is forgotten", "LEASE-03", "refused: invalid_lease")
            .on(post(LOOKUP).answered(|reply| reply.body["data"]["ttl"].as_i64() < Some(0)).rewrite(|_, reply| {
                *reply = Reply::refusal(400, "invalid lease");
            }))
            .shows_in(&["leases/expiry_in_an_outage"]),
        mutant("a lookup shows a stale TTL", "LEASE-03", "the lease is there")
            .on(post(LOOKUP).answered(done).stale())
            .shows_in(&["leases/expiry_in_an_outage"]),
        mutant("a lease that cannot be revoked is forgotten", "LEASE-04", "refused: invalid_lease")
            .on(post(LOOKUP).answered(|reply| reply.body["data"]["ttl"].as_i64() < Some(0)).rewrite(|_, reply| {
                *reply = Reply::refusal(400, "invalid lease");
            }))
            .shows_in(&["leases/irrevocable"]),
        mutant("a synchronous revoke that was refused is queued all the same", "LEASE-06", "renewable false")
            .on(post(REVOKE).when(|call| call.body["sync"] == true).turns(Turns::Only(0)).request(|call| {
                call.body["sync"] = json!(false);
            }))
            .on(post(REVOKE).answered(|reply| reply.status == 202).rewrite(|_, reply| {
                *reply = Reply::refusal(400, "failed to revoke: dial tcp: connect: connection refused");
            })),
        mutant(
            "a synchronous revoke in an outage answers 204",
            "LEASE-06",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(REVOKE).answered(refused).rewrite(no_content)),
        mutant("an asynchronous revoke is accepted and forgotten", "LEASE-07", "renewable true")
            .on(post(REVOKE).when(|call| call.body["sync"] == false).answer(|_| Reply::empty(202)))
            .shows_in(&["quickstart/outage_delays_revocation"]),
        mutant(
            "a lease on its way out can be renewed",
            "LEASE-07",
            "expected a refusal and status 400, but done (200)",
        )
        .on(post(RENEW).answered(refused).rewrite(renewed))
        .shows_in(&["quickstart/outage_delays_revocation"]),
        mutant("revoke-force forgets nothing", "LEASE-08", "the lease is there")
            .on(post("sys/leases/revoke-force/*").answer(|_| Reply::empty(204)))
            .shows_in(&["leases/revoke_force_leaves_an_orphan"]),
        mutant("revoke-force does not try the target", "LEASE-08", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .shows_in(&["leases/revoke_force_tries_the_target_first"]),
        mutant("a prefix revoke skips one lease", "LEASE-09", "expected status 404, but done (200)")
            .on(post("sys/leases/revoke-prefix/*").instead(|backdoor, call| {
                async move {
                    let prefix = call.path.trim_start_matches("sys/leases/revoke-prefix/").to_owned();
                    let listed = backdoor.root().list_leases(&prefix).await.outcome;
                    let leases = listed.ok().map(|reply| reply.body.clone()).unwrap_or_default();
                    for lease in leases.iter().skip(1) {
                        let deed = Deed::Api("POST", REVOKE.to_owned(), json!({ "lease_id": lease, "sync": true }));
                        backdoor.act(vec![deed]).await;
                    }
                    Reply::empty(204)
                }
                .boxed()
            }))
            .shows_in(&["leases/revoke_prefix"]),
        mutant("a prefix revoke leaves one user", "LEASE-09", "the login was accepted or the user is there")
            .statements(Turns::Only(0), "DROP ROLE", nothing)
            .shows_in(&["leases/revoke_prefix"]),
        mutant(
            "a prefix revoke that failed for one lease answers 204",
            "LEASE-09",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post("sys/leases/revoke-prefix/*").answered(refused).rewrite(no_content))
        .shows_in(&["leases/revoke_prefix_with_an_obstacle"]),
        mutant("a renewal changes the lease's ID", "LEASE-10", "expected the ID of the lease to stay")
            .on(post(RENEW).answered(done).rewrite(|_, reply| {
                reply.body["lease_id"] = json!("database/creds/app/another");
            }))
            .shows_in(&["quickstart/renewal_and_its_cap"]),
        mutant("a renewal hands out a password", "LEASE-10", "expected data: false, but done (200)")
            .on(post(RENEW).answered(done).rewrite(|_, reply| {
                reply.body["data"] = json!({ "username": "v-other", "password": "no password of anybody" });
            }))
            .shows_in(&["quickstart/renewal_and_its_cap"]),
        mutant("a renewal reaches Vault alone and not the target", "LEASE-10", "after the lease's end")
            .statement("ALTER ROLE", nothing)
            .shows_in(&["quickstart/renewal_and_its_cap"]),
        mutant("a renewal changes the password at the target", "LEASE-10", "refused: authentication")
            .on(post(RENEW)
                .answered(done)
                .after(Duration::ZERO, |_, _| vec![every_user("ALTER ROLE %1$I PASSWORD 'changed'")]))
            .shows_in(&["quickstart/renewal_and_its_cap"]),
        mutant("a credential dies early", "LEASE-10", "refused: authentication")
            .on(post(RENEW).answered(done).after(Duration::ZERO, |_, _| vec![every_user("ALTER ROLE %1$I NOLOGIN")]))
            .shows_in(&["leases/renewal_by_an_application"]),
        mutant("a renewal ignores its increment", "LEASE-11", "expected ttl 5s, not 300s, but done (200)")
            .on(post(RENEW).request(|call| call.body["increment"] = Value::Null)),
        mutant("a renewal exceeds the maximum", "LEASE-12", "expected ttl at most 8s, not 3600s")
            .on(post(RENEW).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(3600)))
            .shows_in(&["leases/replacement_at_the_maximum"]),
        mutant(
            "a renewal is cut at the maximum without a warning",
            "LEASE-12",
            "expected a warning with “exceeded the effective max_ttl”, but done (200)",
        )
        .on(post(RENEW).answered(done).rewrite(no_warning))
        .shows_in(&["leases/replacement_at_the_maximum"]),
        mutant("a lease past its maximum is renewed", "LEASE-12", "expected a refusal and status 400, but done (200)")
            .on(post(RENEW).answered(refused).rewrite(renewed))
            .shows_in(&["leases/replacement_at_the_maximum"]),
        mutant(
            "a lease older than the new maximum is renewed",
            "LEASE-13",
            "expected a refusal and status 400, but done (200)",
        )
        .on(post(RENEW).answered(refused).rewrite(renewed)),
        mutant("a lowered maximum cuts the lease", "LEASE-13", "the lease is there, ttl 2s, renewable true").on(post(
            LOOKUP,
        )
        .answered(done)
        .rewrite(|_, reply| reply.body["data"]["ttl"] = json!(2))),
        mutant("a lease of a deleted role is renewed", "LEASE-14", "expected a refusal and status 400, but done (200)")
            .on(post(RENEW).answered(refused).rewrite(renewed))
            .shows_in(&["leases/role_deleted"]),
        mutant("a lease of a deleted role is revoked in Vault alone", "LEASE-14", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .shows_in(&["leases/role_deleted"]),
        mutant(
            "a lease of a deleted connection is revoked",
            "LEASE-14",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(REVOKE).answered(refused).rewrite(no_content))
        .shows_in(&["leases/connection_deleted"]),
        mutant(
            "an engine is disabled though its users could not be dropped",
            "LEASE-15",
            "expected status 400, but done (204)",
        )
        .on(delete("sys/mounts/database").answered(refused).rewrite(no_content)),
        mutant("a disabled engine leaves its users", "LEASE-15", "the login was accepted")
            .statement("DROP ROLE", nothing),
        mutant("an unknown lease is renewed", "LEASE-16", "expected a refusal and status 400, but done (200)")
            .on(post(RENEW).answered(refused).rewrite(renewed)),
        mutant(
            "an unknown lease cannot be revoked",
            "LEASE-16",
            "expected success and status 204, but refused: lease_not_found",
        )
        .on(post(REVOKE)
            .when(|call| call.body["lease_id"] == "database/creds/app/never-was")
            .answer(|_| Reply::refusal(400, "lease not found"))),
        mutant("anybody may list leases", "LEASE-16", "expected a refusal and status 403, but done (200)").on(get(
            "sys/leases/lookup/*",
        )
        .answered(|reply| reply.status == 403)
        .rewrite(|_, reply| *reply = Reply::with(200, json!({ "data": { "keys": ["x"] } })))),
        mutant("a mount's maximum does not cap its roles", "TTL-01", "expected ttl 2m, not 1200s")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(1200))),
        mutant("a mount's maximum does not cap renewals", "TTL-01", "expected ttl at most 2m, not 900s").on(post(
            RENEW,
        )
        .answered(done)
        .rewrite(|_, reply| reply.body["lease_duration"] = json!(900))),
        mutant("the system's maximum beats that of a mount", "TTL-02", "lease_duration")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(2_764_800))),
        mutant("a role without TTLs gets an hour", "TTL-03", "expected ttl 32d, not 3600s, but done (200)").on(get(
            CREDS,
        )
        .answered(done)
        .rewrite(|_, reply| reply.body["lease_duration"] = json!(3600))),
        mutant("a default above the maximum wins", "TTL-04", "expected ttl 1m, not 600s")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(600))),
        mutant("a mount is tuned to a default above its maximum", "TTL-04", "expected status 400, but done (204)")
            .on(post("sys/mounts/database/tune").answered(refused).rewrite(no_content)),
        mutant(
            "a TTL in the request is ignored without a warning",
            "TTL-05",
            "expected a warning with “ignored these unrecognized parameters”, but done (200)",
        )
        .on(get(CREDS).answered(done).rewrite(no_warning)),
        mutant(
            "a TTL in the request is honoured by later requests",
            "TTL-05",
            "expected ttl 5m, not 10s, but done (200)",
        )
        .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(10))),
    ]
}
