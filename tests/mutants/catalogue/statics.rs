//! Mutants of static roles.

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::json;

use super::{no_content, refused};
use crate::mutant::{Deed, Mutant, Reply, Turns, delete, get, mutant, nothing, post};

const READ: &str = "database/static-creds/*";
const ROLE: &str = "database/static-roles/*";
const ROTATE: &str = "database/rotate-role/*";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a static role that is made does not rotate", "DBSTATIC-01", "the login was accepted")
            .statement("PASSWORD", nothing),
        mutant("a rotation does not change the password", "DBSTATIC-02", "the same password as second")
            .on(post(ROTATE).answer(|_| Reply::empty(204)))
            .shows_in(&["static_roles/rotation_in_time"]),
        mutant("a rotation changes the password in Vault alone", "DBSTATIC-02", "refused: authentication")
            .statement("PASSWORD", nothing)
            .shows_in(&["static_roles/rotation_in_time"]),
        mutant("a rotation changes the password twice", "DBSTATIC-02", "refused: authentication")
            .on(post(ROTATE).after(Duration::ZERO, |_, _| vec![by_hand()]))
            .shows_in(&["static_roles/rotation_in_time"]),
        mutant("a rotation answers before it is done", "DBSTATIC-02", "the same password as second")
            .on(post(ROTATE).instead(|backdoor, _| {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(3)).await;
                    backdoor.act(vec![rotate()]).await;
                });
                std::future::ready(Reply::empty(204)).boxed()
            }))
            .shows_in(&["static_roles/rotation_in_time"]),
        mutant("an outage changes the password that is answered", "DBSTATIC-03", "another password than last").on(get(
            READ,
        )
        .turns(Turns::From(1))
        .rewrite(|_, reply| reply.body["data"]["password"] = json!("no password of anybody"))),
        mutant("an overdue rotation shows time left", "DBSTATIC-03", "ttl 5s")
            .on(get(READ).rewrite(|_, reply| reply.body["data"]["ttl"] = json!(5))),
        mutant(
            "a rotation in an outage answers 204",
            "DBSTATIC-04",
            "expected a refusal and status 500, but done (204)",
        )
        .on(post(ROTATE).answered(refused).rewrite(no_content))
        .shows_in(&["static_roles/on_demand_in_an_outage"]),
        mutant("a rotation that was cut short is never taken up", "DBSTATIC-05", "authentication")
            .statement("PASSWORD", nothing)
            .shows_in(&["windows/static_rotation_before_sent_killed"]),
        mutant("a sealed server rotates", "DBSTATIC-06", "refused: authentication")
            .on(post("sys/seal").after(Duration::from_secs(1), |_, _| vec![by_hand()])),
        mutant(
            "a static role is rotated though not due",
            "DBSTATIC-07",
            "another password than served; its password logs in",
        )
        .on(get(READ).before(|_| vec![rotate()])),
        mutant(
            "a rotation does not repair what was changed by hand",
            "DBSTATIC-07",
            "its password is refused: authentication",
        )
        .statement("PASSWORD", nothing),
        mutant(
            "a second static role on one user is refused",
            "DBSTATIC-08",
            "expected success and status 204, but refused: invalid_request",
        )
        .on(post("database/static-roles/second").answer(|_| Reply::refusal(400, "username is taken"))),
        mutant("a rotation leaves the other role's password good", "DBSTATIC-08", "its password logs in")
            .statement("PASSWORD", nothing),
        mutant("a deleted static role takes its user", "DBSTATIC-09", "refused: authentication")
            .on(delete(ROLE).after(Duration::ZERO, |_, _| vec![Deed::Sql("DROP ROLE reporting".to_owned())])),
        mutant("a period of four seconds is taken", "DBSTATIC-10", "expected status 400, but done (204)").on(post(
            "database/static-roles/hasty",
        )
        .answered(refused)
        .rewrite(no_content)),
        mutant("a refused static role is stored", "DBSTATIC-10", "expected status 404, but done (200)").on(get(
            "database/static-roles/hasty",
        )
        .answered(refused)
        .rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "data": { "username": "reporting" } }));
        })),
        mutant("a time of the schedule comes and nothing is rotated", "DBSTATIC-12", "the same password as first")
            .on(get(READ).stale())
            .shows_in(&["static_roles/rotated_by_schedule"])
            .on_hashicorp(),
        mutant("a schedule rotates in Vault alone", "DBSTATIC-12", "its password is refused: authentication")
            .statements(Turns::From(1), "PASSWORD", nothing)
            .shows_in(&["static_roles/rotated_by_schedule"])
            .on_hashicorp(),
    ]
}

/// What a DBA does.
fn by_hand() -> Deed {
    Deed::Sql("ALTER ROLE reporting PASSWORD 'changed by nobody'".to_owned())
}

fn rotate() -> Deed {
    Deed::Api("POST", "database/rotate-role/reporting".to_owned(), json!({}))
}
