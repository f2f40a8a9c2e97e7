//! The mutants, by the sections of the catalogue of promises, and the controls.

mod audit;
mod aws;
mod clusters;
mod controls;
mod database;
mod engines;
mod guides;
mod leases;
mod mysql;
mod seal;
mod statics;
mod tokens;

use serde_json::{Value, json};

use crate::mutant::{Call, Deed, Mutant, Reply};

pub(crate) use controls::controls;

/// All mutants that break a promise.
pub(crate) fn mutants() -> Vec<Mutant> {
    let all = [
        aws::mutants(),
        mysql::mutants(),
        audit::mutants(),
        clusters::mutants(),
        engines::mutants(),
        guides::mutants(),
        statics::mutants(),
        database::mutants(),
        seal::mutants(),
        tokens::mutants(),
        leases::mutants(),
    ];
    all.into_iter().flatten().collect()
}

// What several declarations use.

const CREDS: &str = "database/creds/*";
const LOOKUP: &str = "sys/leases/lookup";
const RENEW: &str = "sys/leases/renew";
const REVOKE: &str = "sys/leases/revoke";

fn refused(reply: &Reply) -> bool {
    reply.status >= 400
}

fn done(reply: &Reply) -> bool {
    reply.status < 300
}

/// A body that says success of a renewal, whatever was said before.
fn renewed(call: &Call, reply: &mut Reply) {
    let body = json!({
        "lease_id": call.body["lease_id"], "lease_duration": 300, "renewable": true, "data": null, "warnings": null,
    });
    *reply = Reply::with(200, body);
}

/// A body that says success of an issue, with a lease and a user that are nowhere.
fn issued(_: &Call, reply: &mut Reply) {
    let body = json!({
        "lease_id": "database/creds/app/made-up", "lease_duration": 300, "renewable": true, "warnings": null,
        "data": { "username": "v-made-up", "password": "no password of anybody" },
    });
    *reply = Reply::with(200, body);
}

fn no_content(_: &Call, reply: &mut Reply) {
    *reply = Reply::empty(204);
}

fn no_warning(_: &Call, reply: &mut Reply) {
    reply.body["warnings"] = Value::Null;
}

/// A deed for every user that Vault made; `%1$I` stands for its name.
fn every_user(statement: &str) -> Deed {
    Deed::Sql(format!(
        "DO $$ DECLARE name text; BEGIN \
         FOR name IN SELECT rolname FROM pg_roles WHERE rolname LIKE 'v-%' LOOP \
         EXECUTE format('{}', name); END LOOP; END $$",
        statement.replace('\'', "''")
    ))
}

/// A statement that gives a user an end of its own gives it none.
fn immortal(statement: &str) -> String {
    match statement.split_once("VALID UNTIL") {
        Some((before, _)) => format!("{before} VALID UNTIL 'infinity'"),
        None => statement.to_owned(),
    }
}

/// Metrics in which one counts nothing.
fn hide(reply: &mut Reply, name: &str) {
    let text = String::from_utf8_lossy(&reply.raw);
    let lines = text.lines().map(|line| match line.rsplit_once(' ') {
        Some((what, _)) if what.split('{').next() == Some(name) => format!("{what} 0"),
        _ => line.to_owned(),
    });
    reply.raw = lines.collect::<Vec<_>>().join("\n").into();
}
