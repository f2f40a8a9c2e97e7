//! Faults on processes: stop, kill, pause, restart.

use std::time::Duration;

use super::{Effect, FaultError, until_shows};
use crate::event::{Actor, Event, Part};
use crate::outcome::{Outcome, Silence};
use crate::scenario::Dbms;
use crate::scenario::file::Server;
use crate::scenario::one::Broken;
use crate::service::vault::Vault;
use crate::stack::Machine;
use crate::time::Moment;
use crate::world::World;

/// What undoes a fault on a process.
#[derive(Debug)]
pub(super) enum Undo {
    Start(Server),
    Resume(Server),
}

/// A paused server is called silent when it does not answer for so long; a running one does in a millisecond.
const SILENCE: Duration = Duration::from_millis(500);

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    if let Broken::Upgrade(_) = broken {
        return upgrade(world).await;
    }
    let server = match broken {
        Broken::Stop(on) | Broken::Pause(on) | Broken::Restart(on) => *on.server,
        Broken::Kill(on) => *on.server,
        other => {
            let why = "it is no fault of a process".to_owned();
            return Err(FaultError::Refused { what: other.to_string(), why });
        }
    };
    let machine = machine(world, server)?;
    let mut undo = super::Undo::Process(Undo::Start(server));
    let seen = match broken {
        Broken::Stop(_) => {
            machine.stop().await?;
            until_unreachable(world, server).await?
        }
        Broken::Kill(_) => {
            machine.kill().await?;
            until_unreachable(world, server).await?
        }
        Broken::Pause(_) => {
            machine.pause().await?;
            undo = super::Undo::Process(Undo::Resume(server));
            until_silent(world, server).await?
        }
        _ => {
            machine.stop().await?;
            start_again(world, server).await?;
            undo = super::Undo::Nothing;
            "it was down and is back".to_owned()
        }
    };
    Ok(Effect { undo, disturbs: vec![Part::from(server)], seen })
}

/// Stops Vault in good order and starts what follows on the same data; the same program, where nothing follows.
async fn upgrade(world: &World) -> Result<Effect, FaultError> {
    let vault = &world.stack.vault;
    vault.machine.stop().await?;
    let stopped = until_unreachable(world, Server::Vault).await?;
    let product = vault.move_on();
    let clock = world.history.clock();
    let began = clock.now();
    vault.machine.start().await?;
    vault.until_answering().await?;
    let answering = clock.now();
    vault.unseal().await?;
    vault.until_active().await?;
    let active = clock.now();
    world.history.note(Actor::Harness, Event::Running { server: Server::Vault, product: product.clone() });
    let millis = |from: Moment, to: Moment| to.since(from).as_millis();
    let seen = format!(
        "{stopped}; {product} answers {} ms after its start, and is active {} ms after its first answer",
        millis(began, answering),
        millis(answering, active)
    );
    Ok(Effect { undo: super::Undo::Momentary, disturbs: vec![Part::Vault], seen })
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    match undo {
        Undo::Start(server) => start_again(world, server).await?,
        Undo::Resume(server) => {
            machine(world, server)?.resume().await?;
            match Dbms::of(server) {
                None => world.stack.vault.until_active().await?,
                Some(dbms) => world.database(dbms)?.until_ready().await?,
            }
        }
    }
    Ok("it answers".to_owned())
}

pub(super) fn machine(world: &World, server: Server) -> Result<&Machine, FaultError> {
    Ok(match Dbms::of(server) {
        None => &world.stack.vault.machine,
        Some(dbms) => &world.database(dbms)?.machine,
    })
}

async fn start_again(world: &World, server: Server) -> Result<(), FaultError> {
    match Dbms::of(server) {
        None => world.stack.vault.start_again().await?,
        Some(dbms) => world.database(dbms)?.start_again().await?,
    }
    Ok(())
}

async fn until_unreachable(world: &World, server: Server) -> Result<String, FaultError> {
    until_shows("a server that cannot be reached", || async move {
        match silence(world, server).await {
            Ok(Some((Silence::Unreachable, seen))) => Ok(seen),
            Ok(Some((_, seen))) => Err(seen),
            Ok(None) => Err("it answered".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

async fn until_silent(world: &World, server: Server) -> Result<String, FaultError> {
    until_shows("a server that does not answer", || async move {
        match silence(world, server).await {
            Ok(Some((Silence::Deadline, seen))) => Ok(seen),
            Ok(Some((_, seen))) => Err(seen),
            Ok(None) => Err("it answered".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    })
    .await
}

/// How a server keeps silent; `None` when it answers.
async fn silence(world: &World, server: Server) -> Result<Option<(Silence, String)>, FaultError> {
    let outcome = match Dbms::of(server) {
        None => {
            let vault: Vault = world.stack.vault.direct.within(SILENCE);
            vault.health().await.outcome.map(|_| ())
        }
        Some(dbms) => {
            let database = world.database(dbms)?;
            database.direct.within(SILENCE).login(&database.admin).await.outcome
        }
    };
    Ok(match outcome {
        Outcome::Unknown(unknown) => Some((unknown.why, unknown.to_string())),
        Outcome::Ok(()) | Outcome::Refused(_) => None,
    })
}
