//! Faults on processes and containers: stop, kill, pause, disconnect, restart; of a server, or of one node of a Vault cluster.

use std::time::Duration;

use futures_util::future::{join_all, try_join_all};

use super::{Effect, FaultError, node, until_shows};
use crate::event::Part;
use crate::outcome::{Outcome, Silence};
use crate::scenario::Dbms;
use crate::scenario::file::{Node, Server};
use crate::scenario::one::Broken;
use crate::stack::{Machine, VaultNode, VaultServer};
use crate::world::World;

/// What undoes a fault on a process.
#[derive(Debug)]
pub(super) enum Undo {
    Start(Target),
    Resume(Target),
    Connect(Target),
}

/// A server, or one node of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    Database(Dbms),
    Vault,
    Transit,
    Node(Node),
    Aws,
}

/// A paused server is called silent when it does not answer for so long; a running one does in a millisecond.
const SILENCE: Duration = Duration::from_millis(500);
pub(super) const UNREACHABLE: &str = "a server that cannot be reached";

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    let (server, wanted) = match broken {
        Broken::Stop(on) | Broken::Pause(on) | Broken::Disconnect(on) | Broken::Restart(on) => {
            (*on.server, on.node.map(|node| *node))
        }
        Broken::Kill(on) => (*on.server, on.node.map(|node| *node)),
        other => {
            let why = "it is no fault of a process".to_owned();
            return Err(FaultError::Refused { what: other.to_string(), why });
        }
    };
    let (target, disturbs) = target(world, server, wanted).await?;
    let machines = machines(world, target)?;
    let mut undo = super::Undo::Process(Undo::Start(target));
    let seen = match broken {
        Broken::Stop(_) => {
            try_join_all(machines.iter().map(|machine| machine.stop())).await?;
            until(world, target, Silence::Unreachable, UNREACHABLE).await?
        }
        Broken::Kill(_) => {
            try_join_all(machines.iter().map(|machine| machine.kill())).await?;
            until(world, target, Silence::Unreachable, UNREACHABLE).await?
        }
        Broken::Pause(_) => {
            try_join_all(machines.iter().map(|machine| machine.pause())).await?;
            undo = super::Undo::Process(Undo::Resume(target));
            until(world, target, Silence::Deadline, "a server that does not answer").await?
        }
        Broken::Disconnect(_) => {
            try_join_all(machines.iter().map(|machine| machine.disconnect())).await?;
            undo = super::Undo::Process(Undo::Connect(target));
            until(world, target, Silence::Unreachable, UNREACHABLE).await?
        }
        _ => {
            try_join_all(machines.iter().map(|machine| machine.stop())).await?;
            start_again(world, target).await?;
            undo = super::Undo::Nothing;
            "it was down and is back".to_owned()
        }
    };
    Ok(Effect { undo, disturbs, seen: told(wanted, target, seen) })
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    match undo {
        Undo::Start(target) => start_again(world, target).await?,
        Undo::Resume(target) => {
            try_join_all(machines(world, target)?.iter().map(|machine| machine.resume())).await?;
            until_serving(world, target).await?;
        }
        Undo::Connect(target) => {
            try_join_all(machines(world, target)?.iter().map(|machine| machine.connect())).await?;
            until_serving(world, target).await?;
        }
    }
    Ok("it answers".to_owned())
}

/// Waits until one that ran all the time serves again.
async fn until_serving(world: &World, target: Target) -> Result<(), FaultError> {
    match target {
        Target::Vault => world.stack.vault.until_active().await?,
        Target::Transit => transit(world)?.until_active().await?,
        Target::Node(name) => named(world, name)?.until_serving().await?,
        Target::Database(dbms) => world.database(dbms)?.until_ready().await?,
        Target::Aws => world.aws()?.until_ready().await?,
    }
    Ok(())
}

/// Who is meant, by name, and what its loss disturbs: that of a leader or of a lone server disturbs all of Vault.
pub(super) async fn target(
    world: &World,
    server: Server,
    wanted: Option<Node>,
) -> Result<(Target, Vec<Part>), FaultError> {
    let Some(wanted) = wanted else {
        return Ok(match server {
            Server::Vault => (Target::Vault, vec![Part::Vault]),
            Server::Transit => (Target::Transit, vec![Part::Transit]),
            Server::Postgres => (Target::Database(Dbms::Postgres), vec![Part::from(server)]),
            Server::Mysql => (Target::Database(Dbms::Mysql), vec![Part::from(server)]),
            Server::Aws => (Target::Aws, vec![Part::from(server)]),
        });
    };
    let found = node(world, wanted).await?;
    let leads = found.health().await == Some(200);
    let mut disturbs = vec![Part::Node(found.name)];
    if leads {
        disturbs.push(Part::Vault);
    }
    Ok((Target::Node(found.name), disturbs))
}

/// What was seen, and who it was that a scenario calls by what it is.
fn told(wanted: Option<Node>, target: Target, seen: String) -> String {
    match (wanted, target) {
        (Some(wanted), Target::Node(name)) if wanted != name => format!("{name} was the {wanted}: {seen}"),
        _ => seen,
    }
}

fn named(world: &World, name: Node) -> Result<&VaultNode, FaultError> {
    let found = world.stack.vault.nodes.iter().find(|node| node.name == name);
    Ok(found.ok_or_else(|| crate::world::Missing { kind: "node", name: name.to_string() })?)
}

fn transit(world: &World) -> Result<&VaultServer, FaultError> {
    let transit = world.stack.transit.as_ref();
    Ok(transit.ok_or_else(|| crate::world::Missing { kind: "server", name: "transit".to_owned() })?)
}

/// Kills all that is meant.
pub(super) async fn kill(world: &World, target: Target) -> Result<(), FaultError> {
    try_join_all(machines(world, target)?.iter().map(|machine| machine.kill())).await?;
    Ok(())
}

fn machines(world: &World, target: Target) -> Result<Vec<&Machine>, FaultError> {
    Ok(match target {
        Target::Vault => world.stack.vault.nodes.iter().map(|node| &node.machine).collect(),
        Target::Transit => transit(world)?.nodes.iter().map(|node| &node.machine).collect(),
        Target::Node(name) => vec![&named(world, name)?.machine],
        Target::Database(dbms) => vec![&world.database(dbms)?.machine],
        Target::Aws => vec![&world.aws()?.machine],
    })
}

async fn start_again(world: &World, target: Target) -> Result<(), FaultError> {
    match target {
        Target::Vault => world.stack.vault.start_again().await?,
        Target::Transit => transit(world)?.start_again().await?,
        Target::Node(name) => world.stack.vault.start_node(named(world, name)?).await?,
        Target::Database(dbms) => world.database(dbms)?.start_again().await?,
        // Refused when the scenario is read: it keeps all that it knows in memory.
        Target::Aws => {
            let what = "a start of the stand-in for AWS".to_owned();
            return Err(FaultError::Refused { what, why: "it has forgotten everything".to_owned() });
        }
    }
    Ok(())
}

/// Waits until all that is meant keeps silent in this way.
pub(super) async fn until(world: &World, target: Target, wanted: Silence, what: &str) -> Result<String, FaultError> {
    until_shows(what, || async move {
        let silences = silences(world, target).await.map_err(|error| error.to_string())?;
        let mut last = String::new();
        for silence in silences {
            match silence {
                Some((why, seen)) if why == wanted => last = seen,
                Some((_, seen)) => return Err(seen),
                None => return Err("it answered".to_owned()),
            }
        }
        Ok(last)
    })
    .await
}

/// How a server, or each of its nodes, keeps silent; `None` when it answers.
async fn silences(world: &World, target: Target) -> Result<Vec<Option<(Silence, String)>>, FaultError> {
    let health = |node: &VaultNode| {
        let vault = node.direct.within(SILENCE);
        async move { vault.health().await.outcome.map(|_| ()) }
    };
    let outcomes = match target {
        Target::Vault => join_all(world.stack.vault.nodes.iter().map(health)).await,
        Target::Transit => join_all(transit(world)?.nodes.iter().map(health)).await,
        Target::Node(name) => vec![health(named(world, name)?).await],
        Target::Database(dbms) => {
            let database = world.database(dbms)?;
            vec![database.direct.within(SILENCE).login(&database.admin).await.outcome]
        }
        Target::Aws => {
            let aws = world.aws()?;
            vec![aws.direct.within(SILENCE).login(&aws.admin).await.outcome]
        }
    };
    let silence = |outcome| match outcome {
        Outcome::Unknown(unknown) => Some((unknown.why, unknown.to_string())),
        Outcome::Ok(()) | Outcome::Refused(_) => None,
    };
    Ok(outcomes.into_iter().map(silence).collect())
}
