//! Faults on Vault itself: seal, step-down, tokens, policies, mounts, roles.
//! Source: developer.hashicorp.com/vault/api-docs/system

use serde_json::{Value, json};

use super::{Effect, FaultError, must, shows, until_shows};
use crate::engine::{approle, database};
use crate::event::Part;
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::{Method, Node};
use crate::scenario::one::Broken;
use crate::scenario::word::{Name, Ref};
use crate::scenario::{Connection, Role};
use crate::service::vault::BRIEF;
use crate::stack::VaultNode;
use crate::world::{Missing, World};

/// What undoes a fault on Vault.
#[derive(Debug)]
pub(super) enum Undo {
    Unseal(Node),
    UntilActive,
    Policy { client: Name, holds: Ref },
    Tune { path: String, body: Value },
    Role { path: String, body: Value },
}

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    match broken {
        Broken::Seal(_) => {
            let node = sealable(world).await?;
            ask_to_seal(world, node).await?;
            let seen = until_sealed(node).await?;
            Ok(effect(Undo::Unseal(node.name), Part::Vault, format!("{}{seen}", was(world, node))))
        }
        Broken::StepDown(_) => step_down(world).await,
        Broken::RevokeToken(on) => revoke_token(world, &on.of).await,
        Broken::ExpireToken(on) => expire_token(world, &on.of).await,
        Broken::NarrowPolicy(on) => narrow_policy(world, &on.of).await,
        Broken::TuneMount(on) => {
            let seconds = |length: Option<crate::scenario::mark::Marked<crate::scenario::word::Length>>| {
                length.map(|length| database::seconds(length.0))
            };
            tune(world, &on.mount, seconds(on.default_lease_ttl), seconds(on.max_lease_ttl)).await
        }
        Broken::ChangeRole(on) => {
            let (path, role, connection) = role(world, &on.role)?;
            let mut changed = role.clone();
            changed.default_ttl = on.default_ttl.map(|ttl| ttl.0).or(changed.default_ttl);
            changed.max_ttl = on.max_ttl.map(|ttl| ttl.0).or(changed.max_ttl);
            if let Some(statements) = &on.revocation_statements {
                changed.revocation_statements = Some(statements.iter().map(|s| s.value.clone()).collect());
            }
            let undo = Undo::Role { path: path.clone(), body: whole(role, connection) };
            put_role(world, &path, whole(&changed, connection)).await?;
            let seen = format!("{path} reads back as written");
            Ok(effect(undo, Part::Role(on.role.to_string()), seen))
        }
        Broken::DeleteRole(on) => {
            let (path, role, connection) = role(world, &on.role)?;
            let undo = Undo::Role { path: path.clone(), body: whole(role, connection) };
            let vault = world.stack.vault.root();
            must(&path, vault.act(Method::Delete, &path, None).await.outcome)?;
            let vault = &vault;
            let (mount, name) = (on.role.mount.as_str(), on.role.name.as_str());
            let seen = until_shows("a role that is not there", || async move {
                shows(&vault.creds(mount, name, None).await.outcome, |refusal| refusal.cause == Cause::UnknownRole)
            })
            .await?;
            Ok(effect(undo, Part::Role(on.role.to_string()), seen))
        }
        other => Err(FaultError::Refused { what: other.to_string(), why: "it is no fault of Vault".to_owned() }),
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let server = &world.stack.vault;
    let vault = server.root();
    match undo {
        Undo::Unseal(name) => {
            if let Some(node) = server.nodes.iter().find(|node| node.name == name) {
                if server.keys.is_empty() {
                    // What unseals by itself does so when it starts, and only then.
                    node.machine.stop().await?;
                    server.start_node(node).await?;
                }
                node.unseal(&server.keys).await?;
                node.until_serving().await?;
            }
            server.until_active().await?;
            Ok("it is unsealed and active".to_owned())
        }
        Undo::UntilActive => {
            server.until_active().await?;
            Ok("it is active".to_owned())
        }
        Undo::Policy { client, holds } => {
            let name = approle::policy_name(client.as_str());
            must(&name, approle::write_policy(&vault, &name, &[holds]).await.outcome)?;
            Ok("the policy is as it was".to_owned())
        }
        Undo::Tune { path, body } => {
            must(&path, vault.act(Method::Post, &path, Some(body)).await.outcome)?;
            Ok("the mount is as it was".to_owned())
        }
        Undo::Role { path, body } => {
            put_role(world, &path, body).await?;
            Ok("the role is as it was".to_owned())
        }
    }
}

fn effect(undo: Undo, disturbs: Part, seen: String) -> Effect {
    Effect { undo: super::Undo::Vault(undo), disturbs: vec![disturbs], seen }
}

/// Only the active node can be sealed; in a cluster another then leads.
pub(super) async fn sealable(world: &World) -> Result<&VaultNode, FaultError> {
    super::node(world, Node::Leader).await
}

/// Answered when the node is through with what was under way, which it ends.
pub(super) async fn ask_to_seal(world: &World, node: &VaultNode) -> Result<(), FaultError> {
    let vault = world.stack.vault.root().elsewhere(&node.direct);
    must("sys/seal", vault.act(Method::Post, "sys/seal", None).await.outcome)?;
    Ok(())
}

/// While it seals itself OpenBao refuses everything, and Vault answers nothing until what was under way has ended.
pub(super) async fn until_sealing(node: &VaultNode) -> Result<String, FaultError> {
    let vault = &node.direct.within(BRIEF);
    until_shows("a Vault that seals itself", || async move {
        match vault.health().await.outcome {
            Outcome::Ok(200) => Err("health status 200".to_owned()),
            other => Ok(other.to_string()),
        }
    })
    .await
}

pub(super) async fn until_sealed(node: &VaultNode) -> Result<String, FaultError> {
    let vault = &node.direct.within(BRIEF);
    until_shows("a sealed Vault", || async move {
        match vault.health().await.outcome {
            Outcome::Ok(503) => Ok("health status 503".to_owned()),
            Outcome::Ok(status) => Err(format!("health status {status}")),
            no => Err(no.to_string()),
        }
    })
    .await
}

async fn step_down(world: &World) -> Result<Effect, FaultError> {
    let node = super::node(world, Node::Leader).await?;
    let vault = world.stack.vault.root().elsewhere(&node.direct);
    must("sys/step-down", vault.act(Method::Post, "sys/step-down", None).await.outcome)?;
    let vault = &node.direct.within(BRIEF);
    let seen = until_shows("a node that is not active", || async move {
        match vault.health().await.outcome {
            Outcome::Ok(200) => Err("health status 200".to_owned()),
            Outcome::Ok(status) => Ok(format!("health status {status}")),
            no => Err(no.to_string()),
        }
    })
    .await?;
    Ok(effect(Undo::UntilActive, Part::Vault, format!("{}{seen}", was(world, node))))
}

/// Who led, where there is a choice.
fn was(world: &World, node: &VaultNode) -> String {
    if world.stack.vault.nodes.len() > 1 { format!("{} was the leader: ", node.name) } else { String::new() }
}

async fn revoke_token(world: &World, client: &Name) -> Result<Effect, FaultError> {
    let token = token_of(world, client)?;
    let body = json!({ "token": token.token.expose() });
    let vault = world.stack.vault.root();
    must("auth/token/revoke", vault.act(Method::Post, "auth/token/revoke", Some(body)).await.outcome)?;
    let seen = until_dead(world, &token).await?;
    let disturbs = vec![Part::Client(client.to_string())];
    Ok(Effect { undo: super::Undo::Nothing, disturbs, seen })
}

async fn expire_token(world: &World, client: &Name) -> Result<Effect, FaultError> {
    let token = token_of(world, client)?;
    // Renewing counts from now, so a short increment shortens.
    let body = json!({ "token": token.token.expose(), "increment": "1s" });
    let vault = world.stack.vault.root();
    must("auth/token/renew", vault.act(Method::Post, "auth/token/renew", Some(body)).await.outcome)?;
    let seen = until_dead(world, &token).await?;
    let disturbs = vec![Part::Client(client.to_string())];
    Ok(Effect { undo: super::Undo::Nothing, disturbs, seen })
}

async fn until_dead(world: &World, token: &crate::book::Token) -> Result<String, FaultError> {
    let vault = &world.stack.vault.direct.with_token(&token.token);
    until_shows("a token that is refused", || async move {
        shows(&vault.lookup_self().await.outcome, |refusal| refusal.cause == Cause::PermissionDenied)
    })
    .await
}

async fn narrow_policy(world: &World, client: &Name) -> Result<Effect, FaultError> {
    let found = world.plan.clients.iter().find(|planned| planned.client.name == *client);
    let holds = found.ok_or_else(|| Missing { kind: "client", name: client.to_string() })?.client.holds.clone();
    let name = approle::policy_name(client.as_str());
    let vault = world.stack.vault.root();
    must(&name, approle::write_policy(&vault, &name, &[]).await.outcome)?;
    let token = token_of(world, client)?;
    let path = format!("{}/creds/{}", holds.mount, holds.name);
    let vault = &vault;
    let body = json!({ "token": token.token.expose(), "path": path });
    let body = &body;
    let seen = until_shows("a token that may not", || async move {
        match vault.call(Method::Post, "sys/capabilities", Some(body.clone())).await.outcome {
            Outcome::Ok(reply) if reply.body["data"]["capabilities"] == json!(["deny"]) => {
                Ok("its capabilities are [deny]".to_owned())
            }
            Outcome::Ok(reply) => Err(format!("its capabilities are {}", reply.body["data"]["capabilities"])),
            no => Err(no.to_string()),
        }
    })
    .await?;
    let undo = Undo::Policy { client: client.clone(), holds };
    Ok(effect(undo, Part::Client(client.to_string()), seen))
}

async fn tune(
    world: &World,
    mount: &Name,
    default_ttl: Option<String>,
    max_ttl: Option<String>,
) -> Result<Effect, FaultError> {
    let path = format!("sys/mounts/{mount}/tune");
    let vault = world.stack.vault.root();
    let before = must(&path, vault.call(Method::Get, &path, None).await.outcome)?.body;
    let old = json!({
        "default_lease_ttl": format!("{}s", before["data"]["default_lease_ttl"]),
        "max_lease_ttl": format!("{}s", before["data"]["max_lease_ttl"]),
    });
    let mut body = json!({});
    for (key, value) in [("default_lease_ttl", default_ttl), ("max_lease_ttl", max_ttl)] {
        if let Some(value) = value {
            body[key] = json!(value);
        }
    }
    must(&path, vault.act(Method::Post, &path, Some(body)).await.outcome)?;
    let after = must(&path, vault.call(Method::Get, &path, None).await.outcome)?.body;
    let seen = format!("default {}s, max {}s", after["data"]["default_lease_ttl"], after["data"]["max_lease_ttl"]);
    Ok(effect(Undo::Tune { path, body: old }, Part::Role(mount.to_string()), seen))
}

fn role<'w>(world: &'w World, of: &Ref) -> Result<(String, &'w Role, &'w Connection), FaultError> {
    let missing = || Missing { kind: "role", name: of.to_string() };
    let engine = world.plan.scenario.database.as_ref().ok_or_else(missing)?;
    let connection = engine.dbms_of(of).and_then(|dbms| engine.connection_to(dbms)).ok_or_else(missing)?;
    let role = connection.roles.iter().find(|role| role.name == of.name).ok_or_else(missing)?;
    Ok((format!("{}/roles/{}", of.mount, of.name), role, connection))
}

/// A role's body with every field, so that writing it also takes back what another write has set: POST merges.
fn whole(role: &Role, connection: &Connection) -> Value {
    let mut body = database::role_body(role, connection);
    for (key, empty) in [
        ("revocation_statements", json!([])),
        ("renew_statements", json!([])),
        ("default_ttl", json!("0s")),
        ("max_ttl", json!("0s")),
    ] {
        if body[key].is_null() {
            body[key] = empty;
        }
    }
    body
}

async fn put_role(world: &World, path: &str, body: Value) -> Result<(), FaultError> {
    let vault = world.stack.vault.root();
    must(path, vault.act(Method::Post, path, Some(body.clone())).await.outcome)?;
    let read = must(path, vault.call(Method::Get, path, None).await.outcome)?.body;
    for key in ["default_ttl", "max_ttl"] {
        let wanted = body[key].as_str().map(|text| text.trim_end_matches('s').to_owned());
        if wanted.as_deref() != Some(read["data"][key].to_string().as_str()) {
            let last = format!("{key} reads back as {}", read["data"][key]);
            return Err(FaultError::Unseen { what: format!("{path} as written"), last });
        }
    }
    Ok(())
}

fn token_of(world: &World, client: &Name) -> Result<crate::book::Token, FaultError> {
    let token = world.book.token(client.as_str());
    Ok(token.ok_or_else(|| Missing { kind: "token", name: client.to_string() })?)
}
