//! Faults of audit devices and of disks. Whether the server bears them is what scenarios are about, so they are seen at the
//! disk or the socket, and healed there.

use std::time::Duration;

use serde_json::json;

use super::{Effect, FaultError};
use crate::event::Part;
use crate::outcome::Outcome;
use crate::scenario::file::{FillDisk, Method};
use crate::scenario::one::Broken;
use crate::scenario::word::Name;
use crate::stack::audit::{AuditDevice, AuditKind, Receiver, Reception};
use crate::stack::disk::{Disk, DiskError};
use crate::wait::Looks;
use crate::world::{Missing, World};

/// What undoes a fault of an audit device or a disk.
#[derive(Debug)]
pub(super) enum Undo {
    Free(Option<Name>),
    Listen(Name),
}

/// How long requests may go on until nothing more fits into the buffers before somebody who hangs.
const FILLS: Duration = Duration::from_secs(90);
/// So many bytes are stored at once.
const STORED: usize = 32 << 10;
/// A request that is not answered in this time waits for a device: with healthy ones it takes milliseconds.
const HELD: Duration = Duration::from_secs(3);

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    match broken {
        Broken::FillDisk(fill) => fill_disk(world, fill).await,
        Broken::HangAudit(on) => {
            let receiver = receiver(world, &on.of)?;
            receiver.set(Reception::Hangs);
            let seen = until_blocked(world).await?;
            Ok(effect(Undo::Listen(on.of.value.clone()), seen))
        }
        Broken::DropAudit(on) => {
            let receiver = receiver(world, &on.of)?;
            receiver.set(Reception::Gone);
            until_reachable(receiver, false).await?;
            Ok(effect(Undo::Listen(on.of.value.clone()), "connections are refused".to_owned()))
        }
        other => {
            let why = "it is no fault of an audit device".to_owned();
            Err(FaultError::Refused { what: other.to_string(), why })
        }
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    match undo {
        Undo::Free(audit) => {
            disk(world, audit.as_ref())?.free().await?;
            Ok("there is room on the disk".to_owned())
        }
        Undo::Listen(name) => {
            let receiver = receiver(world, &name)?;
            receiver.set(Reception::Listens);
            until_reachable(receiver, true).await?;
            Ok("connections are taken".to_owned())
        }
    }
}

fn effect(undo: Undo, seen: String) -> Effect {
    Effect { undo: super::Undo::Audit(undo), disturbs: vec![Part::Vault], seen }
}

async fn fill_disk(world: &World, fill: &FillDisk) -> Result<Effect, FaultError> {
    let audit = fill.audit.as_deref();
    let disk = disk(world, audit)?;
    disk.fill().await?;
    // The last page of a file that is there already has room for a little more.
    let seen = match audit {
        Some(name) => until_nothing_more_is_taken(world, device(world, name)?).await?,
        None => until_nothing_more_is_stored(world).await?,
    };
    Ok(effect(Undo::Free(audit.cloned()), seen))
}

/// Makes requests until a device takes nothing of one any more.
async fn until_nothing_more_is_taken(world: &World, device: &AuditDevice) -> Result<String, FaultError> {
    let mut looks = Looks::within(FILLS);
    let mut last = String::new();
    while looks.again().await {
        let before = device.size().await.ok();
        let outcome = request(world).await;
        if before == device.size().await.ok() {
            return Ok(format!("nothing more can be written to the disk; a request: {outcome}"));
        }
        last = outcome.to_string();
    }
    Err(FaultError::Unseen { what: "a device that takes nothing".to_owned(), last })
}

/// Has the server store things until it cannot: what its files already hold of the disk it can still use.
async fn until_nothing_more_is_stored(world: &World) -> Result<String, FaultError> {
    let vault = world.stack.vault.root().within(HELD);
    let began = tokio::time::Instant::now();
    let mut stored: u32 = 0;
    while began.elapsed() < FILLS {
        let path = format!("cubbyhole/leaseproof/{stored}");
        let body = json!({ "filler": "x".repeat(STORED) });
        match vault.act(Method::Post, &path, Some(body)).await.outcome {
            Outcome::Ok(_) => stored += 1,
            no => return Ok(format!("nothing more can be stored: {no}")),
        }
    }
    let last = format!("{stored} things were stored");
    Err(FaultError::Unseen { what: "a disk under storage that is full".to_owned(), last })
}

/// Makes requests until one waits for the device.
async fn until_blocked(world: &World) -> Result<String, FaultError> {
    let mut looks = Looks::within(FILLS);
    let mut made = 0;
    while looks.again().await {
        let outcome = request(world).await;
        made += 1;
        if !matches!(outcome, Outcome::Ok(())) {
            return Ok(format!("of {made} requests the last was not answered in time: {outcome}"));
        }
    }
    Err(FaultError::Unseen { what: "a request that waits".to_owned(), last: format!("{made} were answered") })
}

/// Any request that makes an entry.
async fn request(world: &World) -> Outcome<()> {
    world.stack.vault.root().within(HELD).lookup_self().await.outcome.done()
}

async fn until_reachable(receiver: &Receiver, wanted: bool) -> Result<(), FaultError> {
    let what = if wanted { "a listener" } else { "a port at which nobody listens" };
    let look = || async {
        let reached = tokio::net::TcpStream::connect(receiver.address()).await;
        if reached.is_ok() == wanted { Ok(String::new()) } else { Err(format!("{reached:?}")) }
    };
    super::until_shows(what, look).await.map(drop)
}

impl From<DiskError> for FaultError {
    fn from(error: DiskError) -> Self {
        Self::Refused { what: "the disk".to_owned(), why: error.to_string() }
    }
}

fn disk<'a>(world: &'a World, audit: Option<&Name>) -> Result<&'a Disk, FaultError> {
    let (disk, name) = match audit {
        Some(name) => (device(world, name)?.disk(), name.to_string()),
        None => (world.stack.disk.as_ref(), "vault".to_owned()),
    };
    Ok(disk.ok_or(Missing { kind: "disk", name })?)
}

fn receiver<'a>(world: &'a World, name: &Name) -> Result<&'a Receiver, FaultError> {
    match &device(world, name)?.kind {
        AuditKind::Socket(receiver) => Ok(receiver),
        AuditKind::File { .. } => Err(Missing { kind: "socket", name: name.to_string() }.into()),
    }
}

fn device<'a>(world: &'a World, name: &Name) -> Result<&'a AuditDevice, Missing> {
    let found = world.stack.audit.iter().find(|device| device.name == *name);
    found.ok_or_else(|| Missing { kind: "audit device", name: name.to_string() })
}
