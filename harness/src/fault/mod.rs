//! Faults. Each is injected, seen from outside to have taken effect before the next step starts, and gives a value that
//! must be healed; healing is awaited, and seen as well. One file for each family.

mod armed;
mod audit;
mod aws;
mod cluster;
mod database;
mod network;
mod process;
mod rollback;
mod upgrade;
mod vault;

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Actor, CutBy, Event, Part};
use crate::outcome::{Outcome, Refusal, Silence, Unknown};
use crate::provider::docker::container::ContainerError;
use crate::scenario::file::Node;
use crate::scenario::one::Broken;
use crate::stack::{StackError, VaultNode};
use crate::time::Interval;
use crate::world::{Missing, World};

/// How long a fault may take to show, and its healing too.
const SHOWS: Duration = Duration::from_secs(15);

/// A fault that could not be injected, or whose effect or healing did not show.
#[derive(Debug, thiserror::Error)]
pub enum FaultError {
    /// A server or link.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// A link.
    #[error(transparent)]
    Link(#[from] crate::link::LinkError),
    /// A name that leads nowhere.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// A server refused what makes the fault.
    #[error("{what}: {why}")]
    Refused {
        /// What was asked.
        what: String,
        /// What was answered.
        why: String,
    },
    /// The moment for which it waited did not come.
    #[error(
        "the fault “{title}” waited for its moment, which never came: no step brought it about, or the expression matches nothing that is said"
    )]
    NeverCame {
        /// The fault, in words.
        title: String,
    },
    /// It did not show.
    #[error("{what} did not show in time: {last}")]
    Unseen {
        /// The effect.
        what: String,
        /// What was seen instead.
        last: String,
    },
}

impl FaultError {
    /// What it was that went wrong: an engine that starts no container, or somebody else on a server's port, says nothing of
    /// that server.
    pub fn cut_by(&self) -> CutBy {
        match self {
            Self::Stack(StackError::Container(ContainerError::Start { .. }) | StackError::PortTaken { .. }) => {
                CutBy::Environment
            }
            _ => CutBy::Fault,
        }
    }
}

/// A fault that lasts. It must be healed; dropping it leaves its effect to the stack's own end.
#[derive(Debug)]
#[must_use = "a fault must be healed"]
pub struct Injected {
    /// Its number in the run.
    pub fault: u32,
    undo: Undo,
}

/// What a fault leaves to be undone, by family.
#[derive(Debug)]
enum Undo {
    Nothing,
    /// It is over already.
    Momentary,
    Armed(armed::Undo),
    Network(network::Undo),
    Process(process::Undo),
    Vault(vault::Undo),
    Database(database::Undo),
    Aws(aws::Undo),
    Audit(audit::Undo),
}

/// What injecting gives: how to undo it, what it disturbs, and how its effect was seen.
struct Effect {
    undo: Undo,
    disturbs: Vec<Part>,
    seen: String,
}

/// Injects a fault and writes it down once its effect has been seen.
pub async fn inject(world: &Arc<World>, fault: u32, step: &str, broken: &Broken<'_>) -> Result<Injected, FaultError> {
    let sent = world.history.now();
    let effect = match armed::moment(broken) {
        Some(when) => armed::inject(world, broken, when).await,
        None => inject_now(world, broken).await,
    };
    let Effect { undo, disturbs, seen } = effect?;
    let at = Interval::new(sent, world.history.now());
    let title = broken.to_string();
    world.write(&Actor::Harness, Some(step), at, Event::FaultInjected { fault, title, disturbs, seen });
    Ok(Injected { fault, undo })
}

async fn inject_now(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    match broken {
        Broken::Down(_)
        | Broken::Cut(_)
        | Broken::Reset(_)
        | Broken::Latency(_)
        | Broken::Bandwidth(_)
        | Broken::SlowClose(_)
        | Broken::Timeout(_)
        | Broken::Slicer(_)
        | Broken::LimitData(_)
        | Broken::Partition(_) => network::inject(world, broken).await,
        Broken::Stop(_) | Broken::Kill(_) | Broken::Pause(_) | Broken::Disconnect(_) | Broken::Restart(_) => {
            process::inject(world, broken).await
        }
        Broken::Upgrade(on) => upgrade::inject(world, on.node.map(|node| *node)).await,
        Broken::Replace(on) => cluster::replace(world, *on.node).await,
        Broken::Seal(_)
        | Broken::StepDown(_)
        | Broken::RevokeToken(_)
        | Broken::ExpireToken(_)
        | Broken::NarrowPolicy(_)
        | Broken::TuneMount(_)
        | Broken::ChangeRole(_)
        | Broken::DeleteRole(_) => vault::inject(world, broken).await,
        Broken::ChangeRootPassword(_)
        | Broken::LockRoot(_)
        | Broken::RevokePrivilege(_)
        | Broken::TerminateSessions(_)
        | Broken::ExhaustConnections(_)
        | Broken::DropUser(_)
        | Broken::OwnObjects(_) => database::inject(world, broken).await,
        Broken::FillDisk(_)
        | Broken::HangAudit(_)
        | Broken::DropAudit(_)
        | Broken::BlockAudit(_)
        | Broken::DisableAudit(_) => audit::inject(world, broken).await,
        Broken::Throttle(_)
        | Broken::FailRequests(_)
        | Broken::DeleteRootKey(_)
        | Broken::SecondRootKey(_)
        | Broken::DeleteUser(_) => aws::inject(world, broken).await,
    }
}

impl Injected {
    /// Whether its effect is over as soon as it was seen, so that nothing is excused from then on.
    pub fn is_momentary(&self) -> bool {
        matches!(self.undo, Undo::Momentary)
    }

    /// Heals it and writes down how that was seen.
    pub async fn heal(self, world: &World) -> Result<(), FaultError> {
        let sent = world.history.now();
        let healed = match self.undo {
            Undo::Nothing | Undo::Momentary => Ok("nothing to undo".to_owned()),
            Undo::Armed(undo) => armed::heal(world, undo).await,
            Undo::Network(undo) => network::heal(world, undo).await,
            Undo::Process(undo) => process::heal(world, undo).await,
            Undo::Vault(undo) => vault::heal(world, undo).await,
            Undo::Database(undo) => database::heal(world, undo).await,
            Undo::Aws(undo) => aws::heal(world, undo).await,
            Undo::Audit(undo) => audit::heal(world, undo).await,
        };
        let at = Interval::new(sent, world.history.now());
        let (outcome, result) = match healed {
            Ok(seen) => (Outcome::Ok(seen), Ok(())),
            Err(error) => (Outcome::Unknown(Unknown { why: Silence::Garbled, detail: error.to_string() }), Err(error)),
        };
        world.write(&Actor::Harness, None, at, Event::FaultHealed { fault: self.fault, outcome });
        result
    }
}

/// The node that is meant, looked for until there is one: after a change of leader there is none for a while.
async fn node(world: &World, node: Node) -> Result<&VaultNode, FaultError> {
    let mut looks = crate::wait::Looks::within(SHOWS);
    while looks.again().await {
        if let Some(found) = world.stack.vault.find(node).await {
            return Ok(found);
        }
    }
    Err(FaultError::Unseen { what: format!("a {node}"), last: "no node of the cluster is one".to_owned() })
}

/// Goes on only if the server did it.
fn must<T>(what: &str, outcome: Outcome<T>) -> Result<T, FaultError> {
    match outcome {
        Outcome::Ok(value) => Ok(value),
        no => Err(FaultError::Refused { what: what.to_owned(), why: no.to_string() }),
    }
}

/// Whether a refusal is the one that shows an effect; anything else is told as what was seen.
fn shows<T>(outcome: &Outcome<T>, is_it: impl FnOnce(&Refusal) -> bool) -> Result<String, String> {
    match outcome {
        Outcome::Refused(refusal) if is_it(refusal) => Ok(outcome.to_string()),
        other => Err(other.to_string()),
    }
}

/// Looks until an effect shows, at most for [`SHOWS`].
async fn until_shows<F>(what: &str, look: impl FnMut() -> F) -> Result<String, FaultError>
where
    F: Future<Output = Result<String, String>>,
{
    let unseen = |last| FaultError::Unseen { what: what.to_owned(), last };
    crate::wait::until(SHOWS, look).await.map_err(unseen)
}
