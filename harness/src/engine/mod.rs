//! The secrets engines and auth methods: how each is mounted and written, as the scenario says.

pub mod approle;
pub mod audit;
pub mod aws;
pub mod database;
pub mod mount;

use std::collections::BTreeMap;

use approle::AppRole;

use crate::event::{Actor, Entry, Event, Reply, Revocation};
use crate::outcome::Outcome;
use crate::scenario::Scenario;
use crate::scenario::file::{Endpoint, Method};
use crate::scenario::word::{Name, Ref};
use crate::secret::Secret;
use crate::service::Seen;
use crate::service::database::{Login, ROOT};
use crate::stack::Stack;
use crate::world::World;
use crate::{look, operator};

/// A setting that Vault did not take before the first step. The environment is at fault, or the scenario's own SQL.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot set up {what}: {why}")]
pub struct SetupError {
    /// What was being written.
    pub what: String,
    /// What Vault answered.
    pub why: String,
}

/// Goes on only if Vault did it.
pub(crate) fn must<T>(what: &str, seen: Seen<Reply<T>>) -> Result<T, SetupError> {
    match seen.outcome {
        Outcome::Ok(reply) => Ok(reply.body),
        no => Err(SetupError { what: what.to_owned(), why: no.to_string() }),
    }
}

/// Writes everything that the scenario has Vault know before the first step; gives what each client logs in with.
pub async fn set_up(stack: &Stack, scenario: &Scenario) -> Result<BTreeMap<String, AppRole>, SetupError> {
    let vault = stack.vault.root();
    // First, so that they take all that follows.
    audit::enable(&vault, &stack.audit).await?;
    if let Some(engine) = &scenario.database {
        database::mount(&vault, engine).await?;
        for connection in &engine.connections {
            let Some(server) = stack.database(connection.dbms) else { continue };
            let root = Login { username: ROOT.to_owned(), password: server.root_password() };
            for role in &connection.static_roles {
                // Made by Vault's own user, who then may change its password: on PostgreSQL 16 nobody else's CREATEROLE may.
                let sql = server.direct.words().create_user(role.username.as_str(), &Secret::random());
                if let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = server.direct.run(&root, &sql).await.outcome {
                    let what = format!("the user of static role {}", role.name);
                    return Err(SetupError { what, why: no.to_string() });
                }
            }
            let link = stack.links.get(Endpoint::Vault, connection.dbms.endpoint());
            let target = link.map_or_else(|| server.direct.address(), |link| link.address().to_string());
            database::connect(&vault, &engine.mount, connection, &target, &root.password).await?;
        }
    }
    if let (Some(engine), Some(server)) = (&scenario.aws, &stack.aws) {
        aws::set_up(stack, engine, server).await?;
    }
    for (name, policy) in &scenario.policies {
        mount::write_policy(&vault, name, policy).await?;
    }
    for mount in &scenario.mounts {
        mount::set_up(&vault, mount).await?;
    }
    let mut approles = BTreeMap::new();
    let is_mounted = scenario.mounts.iter().any(|mount| mount.path == approle::PATH);
    let is_wanted = !scenario.clients.is_empty() || !scenario.consumers.is_empty();
    if is_wanted && !is_mounted {
        approle::mount(&vault).await?;
    }
    for client in &scenario.clients {
        approles.insert(client.name.to_string(), approle::set_up(&vault, client).await?);
    }
    Ok(approles)
}

/// Tries a role as the baseline does: issue, log in, revoke, and refused from then on. The words say what did not work.
pub async fn try_role(world: &World, mount: &Name, role: &Name) -> Result<(), String> {
    let who = &Actor::Harness;
    let of = Ref { mount: mount.clone(), name: role.clone() };
    let name = format!("baseline {role}");
    let vault = world.stack.vault.root();
    let wanted = operator::Wanted { role: &of, ttl: None, token: None };
    let issued = operator::issue(world, who, None, &vault, &name, wanted).await;
    let issued = issued.map_err(|missing| missing.to_string())?;
    let Outcome::Ok(credential) = issued else { return Err(format!("role {of} issues nothing: {issued}")) };
    if world.login_tells(&name) {
        look::log_in(world, who, None, &name).await.map_err(|missing| missing.to_string())?;
        let came_to = |entry: &Entry| match &entry.event {
            Event::Login { credential, outcome } if *credential == name => Some(outcome.clone()),
            _ => None,
        };
        let outcome = world.history.read(|entries| entries.iter().rev().find_map(came_to));
        if !matches!(outcome, Some(Outcome::Ok(()))) {
            let outcome = outcome.map(|outcome| outcome.to_string()).unwrap_or_default();
            return Err(format!("a new credential of {of} does not log in: {outcome}"));
        }
    }
    let body = serde_json::json!({ "lease_id": credential.lease_id });
    let seen = vault.act(Method::Post, "sys/leases/revoke", Some(body)).await;
    let outcome = seen.outcome.clone();
    let what = Revocation::Lease(name.clone());
    world.seen(who, None, seen, |outcome| Event::Revoked { what, sync: None, force: false, outcome });
    // What cannot be revoked may be what the scenario is about; it is seen again when its steps say so.
    match outcome {
        Outcome::Ok(_) | Outcome::Refused(_) => Ok(()),
        Outcome::Unknown(unknown) => Err(format!("a revocation of {of}: {unknown}")),
    }
}
