//! Mutants of MySQL and MariaDB as the target.

use std::time::Duration;

use serde_json::json;

use super::{CREDS, REVOKE, done, no_content, refused};
use crate::mutant::{Deed, Mutant, Reply, get, mutant, post};

/// What Vault answers who would take the rights of a user that is not there.
const NOT_THERE: &str = "failed to revoke entry: resp: (*logical.Response)(nil) err: Error 1269 (HY000): Can't revoke all \
                         privileges for one or more of the requested users";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a revoke leaves the MySQL user", "MYSQL-01", "the login was accepted")
            .statement("DROP USER", |_| "DO 0".to_owned())
            .shows_in(&["mysql/own_user_and_name"]),
        mutant("a MySQL user ends while Vault is sealed", "MYSQL-02", "it returned 0 or refused: authentication")
            .on(post("sys/seal").after(Duration::from_secs(1), |_, _| vec![drop_users()]))
            .shows_in(&["mysql/sealed_vault"]),
        mutant("a revocation ends MySQL's open sessions", "MYSQL-03", "alive")
            .on(post(REVOKE).after(Duration::ZERO, |_, _| vec![kill_oldest_session()])),
        mutant("a failed creation leaves no MySQL user", "MYSQL-04", "it returned 0")
            .on(get("database/creds/broken").after(Duration::ZERO, |_, _| vec![drop_users()])),
        mutant(
            "a revocation that MySQL refused answers 204",
            "MYSQL-05",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(REVOKE).answered(refused).rewrite(no_content))
        .shows_in(&["mysql/host_pattern_refused"]),
        mutant("a user that is not there cannot be revoked", "MYSQL-07", "was not known to deviate from MYSQL-07")
            .on(post(REVOKE).answer(|_| Reply::refusal(400, NOT_THERE)))
            .shows_in(&["mysql/user_dropped_by_hand"]),
        mutant("a user's name is longer than MySQL takes", "MYSQL-06", "it returned 0")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["data"]["username"] = json!("v-".repeat(20)))),
    ]
}

/// Removes every user that Vault made.
fn drop_users() -> Deed {
    prepared(
        "SELECT concat('DROP USER ', group_concat(quote(user), '@', quote(host))) FROM mysql.user WHERE user LIKE 'v-%'",
    )
}

/// Ends the session of such a user that has been open longest.
fn kill_oldest_session() -> Deed {
    prepared("SELECT concat('KILL ', min(id)) FROM information_schema.processlist WHERE user LIKE 'v-%'")
}

/// Runs the statement that a query makes.
fn prepared(query: &str) -> Deed {
    Deed::Sql(format!("SET @made = ({query}); PREPARE made FROM @made; EXECUTE made; DEALLOCATE PREPARE made"))
}
