//! An upgrade: Vault is stopped in good order, and what follows is started on its data. In a cluster node by node, as both
//! products ask for: the followers first, the leader last and after it has stepped down.
//! Source: developer.hashicorp.com/vault/docs/upgrading, openbao.org/docs/guides/upgrading

use std::time::Duration;

use futures_util::future::join_all;

use super::process::{self, Target, UNREACHABLE};
use super::{Effect, FaultError, must, rollback, until_shows};
use crate::event::{Actor, Event, Part};
use crate::outcome::{Outcome, Silence};
use crate::scenario::file::{Method, Node, Server};
use crate::service::vault::{BRIEF, Vault};
use crate::stack::{STANDBY, StackError, VaultNode, VaultServer};
use crate::time::Moment;
use crate::wait;
use crate::world::World;

/// How long a node that is back may take to have what the others have, and another to lead after a step-down.
const SETTLES: Duration = Duration::from_secs(60);

pub(super) async fn inject(world: &World, wanted: Option<Node>) -> Result<Effect, FaultError> {
    let next = world.stack.vault.next();
    let Some((next, back)) = next.as_ref().and_then(|next| Some((next, next.back.as_ref()?))) else {
        return forward(world, wanted).await;
    };
    let saved = rollback::save(world).await?;
    let went = match forward(world, wanted).await {
        Ok(effect) => {
            rollback::issue_meanwhile(world).await?;
            effect.seen
        }
        // Whoever has to go back has the best of reasons.
        Err(error) => {
            format!("{} did not come to serve: {}", next.product, error.to_string().lines().next().unwrap_or_default())
        }
    };
    let seen = rollback::roll_back(world, saved, next, back).await?;
    Ok(effect(vec![Part::Vault], format!("{went}; {seen}")))
}

async fn forward(world: &World, wanted: Option<Node>) -> Result<Effect, FaultError> {
    let vault = &world.stack.vault;
    if let [only] = vault.nodes.as_slice() {
        let seen = on_the_data(world, only).await?;
        return Ok(effect(vec![Part::Vault], seen));
    }
    let mut disturbs = Vec::new();
    let mut told = Vec::new();
    if let Some(wanted) = wanted {
        let node = named(vault, wanted).await?;
        told.push(one(world, node, &mut disturbs).await?);
    } else {
        while let Some(node) = next(vault).await? {
            told.push(one(world, node, &mut disturbs).await?);
        }
    }
    if told.is_empty() {
        return Err(nothing_left("every node of the cluster"));
    }
    Ok(effect(disturbs, told.join("; ")))
}

fn effect(disturbs: Vec<Part>, seen: String) -> Effect {
    Effect { undo: super::Undo::Momentary, disturbs, seen }
}

fn nothing_left(what: &str) -> FaultError {
    FaultError::Refused { what: format!("to upgrade {what}"), why: "it is upgraded already".to_owned() }
}

/// The node that is meant and not upgraded yet.
async fn named(vault: &VaultServer, wanted: Node) -> Result<&VaultNode, FaultError> {
    let found = match wanted {
        Node::Leader => waiting(vault, |status| status == 200).await?,
        Node::Follower => waiting(vault, |status| STANDBY.contains(&status)).await?,
        named => named.index().and_then(|place| vault.nodes.get(place)),
    };
    found.filter(|node| !node.has_moved()).ok_or_else(|| nothing_left(&wanted.to_string()))
}

/// Who is upgraded next: a follower while there is one. Who leads may change under way, so this is asked each time.
async fn next(vault: &VaultServer) -> Result<Option<&VaultNode>, FaultError> {
    if vault.nodes.iter().all(VaultNode::has_moved) {
        return Ok(None);
    }
    let follower = waiting(vault, |status| STANDBY.contains(&status)).await?;
    Ok(follower.or_else(|| vault.nodes.iter().find(|node| !node.has_moved())))
}

/// The first node with such a health that is not upgraded yet, once every node serves: before that nobody can be spared.
async fn waiting(vault: &VaultServer, is_it: impl Fn(u16) -> bool) -> Result<Option<&VaultNode>, FaultError> {
    let look = || async {
        let health = join_all(vault.nodes.iter().map(VaultNode::health)).await;
        let leads = health.iter().filter(|status| **status == Some(200)).count();
        let follow = health.iter().flatten().filter(|status| STANDBY.contains(status)).count();
        if leads == 1 && leads + follow == vault.nodes.len() { Ok(health) } else { Err(format!("{health:?}")) }
    };
    let health = wait::until(SETTLES, look).await.map_err(|last| unseen("a leader with all its followers", last))?;
    let of = vault.nodes.iter().zip(health);
    Ok(of.filter(|(node, status)| !node.has_moved() && status.is_some_and(&is_it)).map(|(node, _)| node).next())
}

fn unseen(what: &str, last: String) -> FaultError {
    FaultError::Unseen { what: what.to_owned(), last }
}

/// Upgrades one node of a cluster, and waits until it has caught up, so that the next one can be spared.
async fn one(world: &World, node: &VaultNode, disturbs: &mut Vec<Part>) -> Result<String, FaultError> {
    let vault = &world.stack.vault;
    disturbs.push(Part::Node(node.name));
    let mut seen = String::new();
    if node.health().await == Some(200) {
        disturbs.push(Part::Vault);
        seen = step_down(vault, node).await?;
    }
    let started = on_the_data(world, node).await?;
    let caught_up = until_caught_up(vault, node).await?;
    Ok(format!("{}{seen}: {started}; {caught_up}", node.name))
}

/// Has the leader step down, so that it is a follower as the others were.
async fn step_down(vault: &VaultServer, node: &VaultNode) -> Result<String, FaultError> {
    let root = vault.root().elsewhere(&node.direct);
    must("sys/step-down", root.act(Method::Post, "sys/step-down", None).await.outcome)?;
    let others = || vault.nodes.iter().filter(|other| other.name != node.name);
    let look = || async {
        let health = join_all(others().map(|other| async { (other.name, other.health().await) })).await;
        let leader = health.iter().find(|(_, status)| *status == Some(200)).map(|(name, _)| *name);
        leader.ok_or_else(|| "no other node leads".to_owned())
    };
    let leader = match wait::until(SETTLES, look).await {
        Ok(leader) => leader,
        Err(last) => return Err(leaderless(others(), last).await),
    };
    // Whoever asks next asks the new leader.
    vault.until_active().await?;
    Ok(format!(", which led and stepped down for {leader}"))
}

/// Why nobody leads: the log of a node that might is all that tells.
async fn leaderless(mut others: impl Iterator<Item = &VaultNode>, last: String) -> FaultError {
    let log = match others.next() {
        Some(node) => node.machine.last_log_lines().await,
        None => String::new(),
    };
    FaultError::Stack(StackError::Silent { server: Server::Vault, limit: SETTLES, last, log })
}

/// Stops a node in good order and starts what follows on its data; the same program, where nothing follows.
async fn on_the_data(world: &World, node: &VaultNode) -> Result<String, FaultError> {
    let vault = &world.stack.vault;
    let is_alone = vault.nodes.len() == 1;
    let target = if is_alone { Target::Vault } else { Target::Node(node.name) };
    node.machine.stop().await?;
    let stopped = process::until(world, target, Silence::Unreachable, UNREACHABLE).await?;
    let product = vault.move_on(node);
    let clock = world.history.clock();
    let began = clock.now();
    node.machine.start().await?;
    node.until_answering().await?;
    let answering = clock.now();
    node.unseal(&vault.keys).await?;
    node.until_serving().await?;
    if is_alone {
        vault.until_active().await?;
    }
    let serving = clock.now();
    // A cluster runs the new version when all of it does.
    if vault.nodes.iter().all(VaultNode::has_moved) {
        world.history.note(Actor::Harness, Event::Running { server: Server::Vault, product: product.clone() });
    }
    let millis = |from: Moment, to: Moment| to.since(from).as_millis();
    let serves = if is_alone { "is active" } else { "serves" };
    Ok(format!(
        "{stopped}; {product}, by its own account {}, answers {} ms after its start, and {serves} {} ms after its first answer",
        version(&node.direct).await,
        millis(began, answering),
        millis(answering, serving)
    ))
}

/// What a node says that it is.
async fn version(vault: &Vault) -> String {
    match vault.within(BRIEF).call(Method::Get, "sys/seal-status", None).await.outcome {
        Outcome::Ok(reply) => reply.body["version"].as_str().unwrap_or("of no version").to_owned(),
        no => no.to_string(),
    }
}

/// Waits until a node knows who leads and has applied all that the leader had committed when this was asked.
async fn until_caught_up(vault: &VaultServer, node: &VaultNode) -> Result<String, FaultError> {
    let committed = until_shows("what the leader has committed", || async {
        index(&vault.direct, "raft_committed_index").await.map(|index| index.to_string())
    });
    let committed: u64 = committed.await?.parse().unwrap_or_default();
    let look = || async {
        match index(&node.direct, "raft_applied_index").await? {
            applied if applied >= committed => Ok(applied),
            applied => Err(format!("it has applied {applied} of {committed} entries")),
        }
    };
    let applied = wait::until(SETTLES, look).await.map_err(|last| unseen("a node that has caught up", last))?;
    Ok(format!("it has caught up with the leader ({applied} of {committed} entries)"))
}

/// An index of the raft log, of a node that knows who leads.
async fn index(vault: &Vault, field: &str) -> Result<u64, String> {
    let reply = vault.within(BRIEF).call(Method::Get, "sys/leader", None).await.outcome.said()?;
    if reply.body["leader_cluster_address"].as_str().is_none_or(str::is_empty) {
        return Err("it knows no leader".to_owned());
    }
    reply.body[field].as_u64().ok_or_else(|| format!("it says no {field}"))
}
