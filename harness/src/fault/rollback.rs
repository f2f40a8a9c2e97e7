//! A rollback of an upgrade: a snapshot is saved before it; after it, what followed is ended with all its data, what ran
//! before is started anew with the same keys, and the snapshot is restored. What was issued meanwhile is forgotten.
//! Source: developer.hashicorp.com/vault/docs/upgrading (back up, and restore to go back)

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::process::{self, Target, UNREACHABLE};
use super::{FaultError, must};
use crate::event::{Actor, Event};
use crate::look;
use crate::operator::{self, Wanted};
use crate::outcome::Silence;
use crate::provider::native::template::CopyError;
use crate::scenario::file::{Method, Server};
use crate::scenario::word::Ref;
use crate::secret::Secret;
use crate::stack::{Back, Next, VaultNode};
use crate::time::{Interval, Moment};
use crate::wait;
use crate::world::World;

/// How long a restored server may take to be what the snapshot says.
const RESTORES: Duration = Duration::from_secs(60);
const PATH: &str = "sys/storage/raft/snapshot";

/// What is saved before an upgrade.
pub(super) struct Saved {
    snapshot: Vec<u8>,
    /// When it began to be: what is issued from then on may be missing.
    since: Moment,
    /// A token that only the snapshot knows: once it is known again, the snapshot is what Vault has.
    mark: Secret,
}

/// Saves what a rollback restores.
pub(super) async fn save(world: &World) -> Result<Saved, FaultError> {
    let root = world.stack.vault.root();
    let body = json!({ "ttl": "1h", "policies": ["default"] });
    let mark = must("a token", root.new_token("auth/token/create", body).await.outcome)?;
    let mark = world.history.secrets().learn(mark.body.token);
    let since = world.history.now();
    let snapshot = must(PATH, root.fetch(PATH).await.outcome)?.body;
    Ok(Saved { snapshot, since, mark })
}

/// Takes a credential of every dynamic role, as applications do while nobody knows yet that there will be a rollback.
pub(super) async fn issue_meanwhile(world: &World) -> Result<(), FaultError> {
    let scenario = &world.plan.scenario;
    let database = scenario.database.iter().flat_map(|engine| {
        let mount = &engine.mount;
        engine.roles().map(move |(_, role)| Ref { mount: mount.clone(), name: role.name.clone() })
    });
    let aws = scenario.aws.iter().flat_map(|engine| {
        engine.roles.iter().map(|role| Ref { mount: engine.mount.clone(), name: role.name.clone() })
    });
    let roles: Vec<Ref> = database.chain(aws).collect();
    for role in roles {
        let name = format!("meanwhile {}", role.name);
        let wanted = Wanted { role: &role, ttl: None, token: None };
        // A role that issues nothing now is the scenario's own matter; what it answered is in the history.
        let issued = operator::issue(world, &Actor::Harness, None, &world.stack.vault.root(), &name, wanted).await?;
        if issued.ok().is_some() {
            look::log_in(world, &Actor::Harness, None, &name).await?;
        }
    }
    Ok(())
}

/// Brings back what ran before.
pub(super) async fn roll_back(world: &World, saved: Saved, next: &Next, back: &Back) -> Result<String, FaultError> {
    let vault = &world.stack.vault;
    let sent = world.history.now();
    for stopped in join_all(vault.nodes.iter().map(|node| node.machine.stop())).await {
        stopped?;
    }
    process::until(world, Target::Vault, Silence::Unreachable, UNREACHABLE).await?;
    for node in &vault.nodes {
        renew(node, back).await?;
    }
    vault.start_again().await?;
    let Saved { snapshot, since, mark } = saved;
    let path = format!("{PATH}-force");
    must(&path, vault.root().post_bytes(&path, snapshot).await.outcome)?;
    let marked = vault.direct.with_token(&mark);
    let known = || async { marked.lookup_self().await.outcome.said().map(drop) };
    let unseen = |what: &str, last| FaultError::Unseen { what: what.to_owned(), last };
    wait::until(RESTORES, known).await.map_err(|last| unseen("what the snapshot knows", last))?;
    for node in &vault.nodes {
        node.until_serving().await?;
    }
    vault.until_active().await?;
    must("the mark's end", marked.act(Method::Post, "auth/token/revoke-self", None).await.outcome)?;
    let at = Interval::new(sent, world.history.now());
    world.write(&Actor::Harness, None, at, Event::RolledBack { since, from: next.product.clone() });
    let product = back.product.clone();
    world.history.note(Actor::Harness, Event::Running { server: Server::Vault, product: product.clone() });
    Ok(format!("rolled back: {product} was started anew, and has what the snapshot from before has"))
}

/// Gives a node the folder of a server that was just initialised, and the program that ran before.
async fn renew(node: &VaultNode, back: &Back) -> Result<(), FaultError> {
    node.machine.lose_disk(&node.data).await?;
    let refused = |why: String| FaultError::Refused { what: "to make the node's folder anew".to_owned(), why };
    let copied = async {
        tokio::fs::remove_dir(&node.data).await.map_err(|error| error.to_string())?;
        back.fresh.copy_to(&node.data, None).await.map_err(|error: CopyError| error.to_string())?;
        if let Some(peers) = &back.peers {
            let file = node.data.join("raft/peers.json");
            tokio::fs::write(file, peers).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    copied.await.map_err(refused)?;
    if let Some(process) = node.machine.process() {
        process.replace_program(back.program.clone());
    }
    Ok(())
}
