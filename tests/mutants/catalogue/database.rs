//! Mutants of the database engine's dynamic roles and of its root rotation.

use std::time::Duration;

use serde_json::json;

use super::{CREDS, LOOKUP, RENEW, REVOKE, done, immortal, issued, no_content, refused, renewed};
use crate::mutant::{Call, Deed, Mutant, Reply, get, mutant, nothing, post};

const CONFIG: &str = "database/config/postgres";
const RESET: &str = "database/reset/postgres";
const ROTATE_ROOT: &str = "database/rotate-root/postgres";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a credential has more rights than its role", "DB-01", "done, and not refused")
            .statement("GRANT SELECT", |statement| statement.replacen("GRANT SELECT", "GRANT ALL", 1))
            .shows_in(&["database/own_user_and_grants"]),
        mutant("a credential cannot log in at once", "DB-01", "refused: authentication")
            .statement("CREATE ROLE", |statement| statement.replacen("WITH LOGIN", "WITH NOLOGIN", 1))
            .shows_in(&["database/own_user_and_grants"]),
        mutant("a user has no end of its own", "DB-02", "the user has no VALID UNTIL")
            .statement("VALID UNTIL", immortal)
            .shows_in(&["quickstart/sealed_backstop"]),
        mutant("a revocation ends open sessions", "DB-03", "alive: unknown").on(post(REVOKE).after(
            Duration::ZERO,
            |_, _| {
                vec![Deed::Sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE backend_type = 'client backend' AND usesysid NOT IN (SELECT oid FROM pg_roles)"
                        .to_owned(),
                )]
            },
        )),
        mutant("an open session keeps its rights", "DB-03", "reads the table: yes").on(post(REVOKE)
            .after(Duration::ZERO, |_, _| vec![Deed::Sql("GRANT SELECT ON public.items TO PUBLIC".to_owned())])),
        mutant(
            "a credential is issued that no database knows",
            "DB-04",
            "expected a refusal and status 500, but done (200)",
        )
        .on(get(CREDS).answered(refused).rewrite(issued))
        .shows_in(&["database/unreachable"]),
        mutant("a failed issue leaves a lease", "DB-04", "2 leases")
            .on(get("sys/leases/lookup/*").answered(done).rewrite(another_lease))
            .shows_in(&["database/unreachable"]),
        mutant("a database that hangs hides the leases", "DB-05", "0 leases")
            .on(get("sys/leases/lookup/*").answer(|_| Reply::with(404, json!({ "errors": [] })))),
        mutant("a renewal succeeds without the database", "DB-06", "expected a refusal and status 400, but done (200)")
            .on(post(RENEW).answered(refused).rewrite(renewed))
            .shows_in(&["database/unreachable"]),
        mutant("a failed renewal shortens the lease", "DB-06", "the lease is there, ttl 20s, renewable true")
            .on(post(LOOKUP).answered(done).rewrite(|_, reply| reply.body["data"]["ttl"] = json!(20)))
            .shows_in(&["database/unreachable"]),
        mutant(
            "a connection with a wrong password is stored",
            "DB-07",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(CONFIG).answered(refused).rewrite(no_content)),
        mutant("a role that is not allowed issues", "DB-08", "expected a refusal and status 500, but done (200)")
            .on(get(CREDS).answered(|reply| reply.status == 500).rewrite(issued))
            .shows_in(&["database/not_an_allowed_role"]),
        mutant(
            "an unknown role is not found",
            "DB-08",
            "expected status 400, but refused: unknown_role (404 unknown role: nobody)",
        )
        .on(get("database/creds/nobody").answered(refused).rewrite(|_, reply| reply.status = 404))
        .shows_in(&["database/not_an_allowed_role"]),
        mutant(
            "a revocation without the privilege answers 204",
            "DB-09",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(REVOKE).answered(refused).rewrite(no_content))
        .shows_in(&["database/privilege_lost"]),
        mutant(
            "a privilege that is back stays without effect",
            "DB-09",
            "expected success, but refused: target_refused",
        )
        .on(post("database/rotate-role/*").answered(done).rewrite(|_, reply| {
            *reply = Reply::refusal(500, "permission denied to alter role (SQLSTATE 42501)");
        }))
        .shows_in(&["database/privilege_lost"]),
        mutant(
            "a renewal succeeds though Vault cannot log in",
            "DB-10",
            "expected a refusal and status 400, but done (200)",
        )
        .on(post(RENEW).answered(refused).rewrite(renewed)),
        mutant(
            "a new root password in the configuration is not taken",
            "DB-10",
            "expected success, but refused: target_refused",
        )
        .on(post(CONFIG).answer(|_| Reply::empty(204))),
        mutant("a reset that cannot log in answers 204", "DB-11", "expected a refusal and status 500, but done (204)")
            .on(post(RESET).answered(refused).rewrite(no_content)),
        mutant("a failed creation leaves a user", "DB-12", "it returned 1").on(get("database/creds/broken")
            .after(Duration::ZERO, |_, _| vec![Deed::Sql("CREATE ROLE \"v-root-left\" LOGIN".to_owned())])),
        mutant("a revocation that failed answers 204", "DB-13", "expected a refusal and status 400, but done (204)")
            .on(post(REVOKE).answered(refused).rewrite(no_content)),
        mutant(
            "a role's own revocation statements do nothing",
            "DB-13",
            "expected a refusal and status 400, but done (204)",
        )
        .statement("REASSIGN OWNED", nothing)
        .statement("DROP OWNED", nothing)
        .statement("DROP ROLE", nothing),
        mutant(
            "a locked login is told with another code",
            "DB-14",
            "expected target code 28000, but refused: target_refused",
        )
        .on(get(CREDS).answered(refused).rewrite(|_, reply| {
            let text = reply.body.to_string().replace("28000", "28P01");
            reply.body = serde_json::from_str(&text).unwrap_or_default();
        }))
        .shows_in(&["database/root_cannot_log_in"]),
        mutant("an unknown field is taken for another", "DB-15", "expected ttl 32d, not 3600s, but done (200)").on(
            post("database/roles/app")
                .when(|call| call.body["ttl"] == "1h")
                .request(|call| call.body = json!({ "db_name": "postgres", "default_ttl": "1h" })),
        ),
        mutant(
            "rotate-root keeps the old password good",
            "DBROOT-01",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(ROTATE_ROOT).answer(|_| Reply::empty(204))),
        mutant("rotate-root locks Vault out", "DBROOT-01", "expected success, but refused: target_refused").on(post(
            ROTATE_ROOT,
        )
        .after(Duration::ZERO, |_, _| {
            vec![
                Deed::Sql("ALTER ROLE vault_root PASSWORD 'known to nobody'".to_owned()),
                Deed::Sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'vault_root'".to_owned(),
                ),
            ]
        })),
        mutant("Vault has locked itself out in a crash", "DBROOT-03", "target_refused")
            .on(get(CREDS).answered(done).rewrite(|_, reply| {
                let why = "failed to connect: FATAL: password authentication failed (SQLSTATE 28P01)";
                *reply = Reply::refusal(500, why);
            }))
            .shows_in(&["windows/root_rotation_before_sent_killed"]),
        mutant("Vault has locked itself out while the line was silent", "DBROOT-07", "target_refused")
            .on(get(CREDS).answered(done).rewrite(|_, reply| {
                let why = "failed to connect: FATAL: password authentication failed (SQLSTATE 28P01)";
                *reply = Reply::refusal(500, why);
            }))
            .shows_in(&["windows/root_rotation_before_sent_cut"]),
        mutant("rotate-root over a silent line answers 204", "DBROOT-07", "expected status 500, but done (204)")
            .on(post(ROTATE_ROOT).answered(refused).rewrite(no_content))
            .shows_in(&["windows/root_rotation_before_sent_cut"]),
        mutant("a rotation leaves another connection's password good", "DBROOT-04", "done (204)").on(post(
            "database/reset/two",
        )
        .answered(refused)
        .rewrite(no_content)),
        mutant("a clear password stands in the database's log", "DB-16", "it returned t").on(get(CREDS).after(
            Duration::ZERO,
            |_, reply| {
                let password = reply.body["data"]["password"].as_str().unwrap_or_default();
                vec![Deed::Sql(format!("CREATE ROLE leaked PASSWORD '{password}'"))]
            },
        )),
        mutant("a kind of credential that nobody knows is taken", "DB-17", "done (204)").on(post(
            "database/roles/nonsense",
        )
        .answered(refused)
        .rewrite(no_content)),
        mutant("a configuration shows its password", "DB-18", "password").on(get(CONFIG).rewrite(|_, reply| {
            reply.body["data"]["connection_details"]["password"] = json!("shown");
        })),
        mutant(
            "rotate-root answers 204 in an outage",
            "DBROOT-02",
            "expected a refusal and status 500, but done (204)",
        )
        .on(post(ROTATE_ROOT).answered(refused).rewrite(no_content)),
        mutant(
            "leases cannot be renewed after rotate-root",
            "DBROOT-05",
            "expected success, but refused: lease_not_found",
        )
        .on(post(RENEW).answered(done).rewrite(|_, reply| *reply = Reply::refusal(400, "lease not found"))),
        mutant("leases are revoked in Vault alone after rotate-root", "DBROOT-05", "the login was accepted")
            .statement("DROP ROLE", nothing),
        mutant(
            "a root user without CREATEROLE cannot rotate its password",
            "DBROOT-06",
            "expected success and status 204, but refused: target_refused",
        )
        .on(post(ROTATE_ROOT).answered(done).rewrite(|_, reply| {
            *reply = Reply::refusal(500, "permission denied to alter role (SQLSTATE 42501)");
        })),
    ]
}

/// One more lease in the list.
fn another_lease(_: &Call, reply: &mut Reply) {
    if let Some(keys) = reply.body["data"]["keys"].as_array_mut() {
        keys.push(json!("left-behind"));
    }
}
