//! What an audit device has taken, read where it lies.

use serde_json::{Value, json};

use crate::event::{Actor, AuditRead, Event};
use crate::outcome::{Outcome, Silence, Unknown};
use crate::scenario::file::{AuditEntry, ExpectAudit, Method};
use crate::scenario::word::Name;
use crate::service::vault::{BRIEF, Vault};
use crate::stack::audit::entries;
use crate::time::Interval;
use crate::world::{Missing, World};

/// Below this the server answers what an HMAC is. It makes entries in which that HMAC stands, whatever else does.
const HASH: &str = "sys/audit-hash/";
/// What a device is tested with: a request that nobody makes, and that is never answered.
const TEST: &str = "sys/audit/test";

/// Reads all that a device has taken, and writes what stands in it.
pub(super) async fn audit(world: &World, who: &Actor, step: &str, expected: &ExpectAudit) -> Result<(), Missing> {
    let name = expected.of.value.clone();
    let device = world.stack.audit.iter().find(|device| device.name == name);
    let device = device.ok_or_else(|| Missing { kind: "audit device", name: name.to_string() })?;
    let sent = world.history.now();
    let hash = match &expected.hashed {
        Some(credential) => {
            let held = super::held(world, credential.as_str())?;
            Some(hash_of(&world.stack.vault.root(), &name, held.login.password.expose()).await)
        }
        None => None,
    };
    let wanted = [&expected.has, &expected.lacks].map(|entry| entry.as_deref());
    let leases = wanted.map(|entry| entry.and_then(|entry| entry.lease_of.as_deref()));
    let [has_lease, lacks_lease] = leases.map(|of| of.map(|of| super::held(world, of.as_str())).transpose());
    let leases = [has_lease?, lacks_lease?].map(|held| held.map(|held| held.lease_id));
    let outcome = match (device.taken().await, hash) {
        (_, Some(Err(unknown))) => Outcome::Unknown(unknown),
        (Err(error), _) => Outcome::Unknown(Unknown { why: Silence::Garbled, detail: error.to_string() }),
        (Ok(text), hash) => {
            let hash = hash.and_then(Result::ok);
            let found = |entry: &Value, which: usize| {
                wanted[which].is_some_and(|wanted| is_so(wanted, leases[which].as_deref(), entry))
            };
            let all: Vec<Value> = entries(&text).into_iter().filter(|entry| !is_of_itself(entry)).collect();
            let secrets = world.history.secrets();
            Outcome::Ok(AuditRead {
                entries: all.len(),
                in_clear: text.lines().filter(|line| secrets.found_in(line)).count(),
                unanswered: unanswered(&all),
                hashed: hash.map(|hash| all.iter().any(|entry| entry.to_string().contains(&format!("\"{hash}\"")))),
                has: all.iter().filter(|entry| found(entry, 0)).count(),
                lacks: all.iter().filter(|entry| found(entry, 1)).count(),
            })
        }
    };
    let at = Interval::new(sent, world.history.now());
    world.write(who, Some(step), at, Event::AuditRead { device: name.to_string(), outcome });
    Ok(())
}

async fn hash_of(vault: &Vault, device: &Name, input: &str) -> Result<String, Unknown> {
    let body = json!({ "input": input });
    let seen = vault.within(BRIEF).call(Method::Post, &format!("{HASH}{device}"), Some(body)).await;
    match seen.outcome {
        Outcome::Ok(reply) => Ok(reply.body["data"]["hash"].as_str().unwrap_or_default().to_owned()),
        Outcome::Unknown(unknown) => Err(unknown),
        Outcome::Refused(refusal) => Err(Unknown { why: Silence::Garbled, detail: refusal.to_string() }),
    }
}

/// Whether it is an entry of these questions, or of the test that a device is put to when it is enabled.
fn is_of_itself(entry: &Value) -> bool {
    entry["request"]["path"].as_str().is_some_and(|path| path.starts_with(HASH) || path == TEST)
}

/// Requests without a response of the same ID.
fn unanswered(entries: &[Value]) -> usize {
    let ids = |kind| entries.iter().filter(move |entry| entry["type"] == kind).map(|entry| &entry["request"]["id"]);
    let answered: Vec<&Value> = ids("response").collect();
    ids("request").filter(|id| !answered.contains(id)).count()
}

/// Whether an entry is such a one.
fn is_so(wanted: &AuditEntry, lease: Option<&str>, entry: &Value) -> bool {
    let (request, error) = (&entry["request"], &entry["error"]);
    let is = |value: &Value, wanted: &Option<crate::scenario::mark::Marked<String>>| {
        wanted.as_ref().is_none_or(|wanted| value.as_str() == Some(wanted.as_str()))
    };
    let says = |part: &str| error.as_str().is_some_and(|error| error.contains(part));
    is(&entry["type"], &wanted.kind)
        && is(&request["path"], &wanted.path)
        && is(&request["operation"], &wanted.operation)
        && wanted.error.as_ref().is_none_or(|part| says(part))
        && lease.is_none_or(|lease| entry.to_string().contains(lease))
}
