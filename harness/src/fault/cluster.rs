//! Faults on who belongs to a Vault cluster.
//! Source: developer.hashicorp.com/vault/api-docs/system/storage/raft

use std::time::Duration;

use serde_json::json;

use super::{Effect, FaultError, must};
use crate::event::Part;
use crate::scenario::file::{Method, Node};
use crate::wait;
use crate::world::World;

/// A node that has joined is made a voter after ten seconds, and has to be brought up to date before.
const JOINS: Duration = Duration::from_secs(90);

/// Kills a node, removes it from the cluster, wipes it, and has it join anew.
pub(super) async fn replace(world: &World, wanted: Node) -> Result<Effect, FaultError> {
    let node = super::node(world, wanted).await?;
    let led = node.health().await == Some(200);
    node.machine.kill().await?;
    world.stack.vault.until_active().await?;
    let leader = super::node(world, Node::Leader).await?;
    let vault = world.stack.vault.root();
    let path = "sys/storage/raft/remove-peer";
    let body = json!({ "server_id": node.name });
    must(path, vault.act(Method::Post, path, Some(body)).await.outcome)?;
    wipe(node).await?;
    node.machine.start().await?;
    node.until_answering().await?;
    let body = json!({ "leader_api_addr": format!("http://{}", leader.linked.address()) });
    let path = "sys/storage/raft/join";
    must(path, node.direct.act(Method::Post, path, Some(body)).await.outcome)?;
    node.unseal(&world.stack.vault.keys).await?;
    node.until_serving().await?;
    until_voter(world, node.name).await?;
    let mut disturbs = vec![Part::Node(node.name)];
    if led {
        disturbs.push(Part::Vault);
    }
    let seen = format!("{} was removed, wiped and has joined: it is a voter again", node.name);
    Ok(Effect { undo: super::Undo::Nothing, disturbs, seen })
}

/// Empties the node's folder, as if it had a new disk.
pub(super) async fn wipe(node: &crate::stack::VaultNode) -> Result<(), FaultError> {
    let data = node.data.clone();
    let wiped = tokio::task::spawn_blocking(move || {
        std::fs::remove_dir_all(&data)?;
        std::fs::create_dir(&data)
    });
    let refused = |why: String| FaultError::Refused { what: "to wipe the node's folder".to_owned(), why };
    match wiped.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(refused(error.to_string())),
        Err(error) => Err(refused(error.to_string())),
    }
}

async fn until_voter(world: &World, name: Node) -> Result<(), FaultError> {
    let look = || async {
        let seen = world.stack.vault.root().call(Method::Get, "sys/storage/raft/configuration", None).await;
        let reply = seen.outcome.said()?;
        let servers = reply.body["data"]["config"]["servers"].as_array().cloned().unwrap_or_default();
        let found = servers.into_iter().find(|server| server["node_id"] == json!(name));
        match found.map(|server| server["voter"] == json!(true)) {
            Some(true) => Ok(()),
            Some(false) => Err(format!("{name} has no vote yet")),
            None => Err(format!("{name} is no member")),
        }
    };
    wait::until(JOINS, look).await.map_err(|last| FaultError::Unseen { what: "a voter".to_owned(), last })
}
