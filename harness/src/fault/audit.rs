//! Faults of audit devices and of disks. Whether the server bears them is what scenarios are about, so they are seen at the
//! disk or the socket, and healed there.

use std::io;
use std::time::Duration;

use serde_json::json;

use super::{Effect, FaultError, must, node, until_shows};
use crate::engine::audit::enable_one;
use crate::event::Part;
use crate::outcome::Outcome;
use crate::scenario::file::{FillDisk, Method};
use crate::scenario::one::Broken;
use crate::scenario::word::Name;
use crate::stack::audit::{AuditDevice, AuditFile, AuditKind, Receiver, Reception};
use crate::stack::disk::{Disk, DiskError};
use crate::wait::Looks;
use crate::world::{Missing, World};

/// What undoes a fault of an audit device or a disk.
#[derive(Debug)]
pub(super) enum Undo {
    /// The disk of storage.
    Free,
    /// The disks of an audit device; that of one node, if one is named.
    FreeAudit(Name, Option<usize>),
    Listen(Name),
    Unblock(Name),
    Enable(Name),
}

/// How long requests may go on until nothing more fits into the buffers before somebody who hangs.
const FILLS: Duration = Duration::from_secs(90);
const ROOM: &str = "there is room on the disk";
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
        Broken::BlockAudit(on) => block(world, &on.of).await,
        Broken::DisableAudit(on) => disable(world, &on.of).await,
        other => {
            let why = "it is no fault of an audit device".to_owned();
            Err(FaultError::Refused { what: other.to_string(), why })
        }
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    match undo {
        Undo::Free => {
            storage_disk(world)?.free().await?;
            Ok(ROOM.to_owned())
        }
        Undo::FreeAudit(name, node) => {
            for disk in disks(device(world, &name)?, node)? {
                disk.free().await?;
            }
            Ok(ROOM.to_owned())
        }
        Undo::Unblock(name) => unblock(world, &name).await,
        Undo::Enable(name) => {
            let device = device(world, &name)?;
            must("enabling it again", enable_one(&world.stack.vault.root(), device).await.outcome)?;
            let look =
                || async { is_enabled(world, &name).await?.then(String::new).ok_or_else(|| "it is not".to_owned()) };
            until_shows("a device that is enabled", look).await?;
            Ok("it is enabled".to_owned())
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
    let Some(name) = fill.audit.as_deref() else {
        storage_disk(world)?.fill(0).await?;
        return Ok(effect(Undo::Free, until_nothing_more_is_stored(world).await?));
    };
    let device = device(world, name)?;
    let index = match fill.node {
        Some(wanted) => node(world, *wanted).await?.name.index(),
        None => None,
    };
    let leaves = fill.leaves.map_or(0, |leaves| *leaves);
    for disk in disks(device, index)? {
        disk.fill(leaves).await?;
    }
    if leaves > 0 {
        let seen = format!("it was full to the last byte, of which {leaves} were given back");
        return Ok(effect(Undo::FreeAudit(name.clone(), index), seen));
    }
    // The last page of a file that is there already has room for a little more.
    let files = one_or_all(device.files(), index);
    let seen = until_nothing_more_is_taken(world, || async { Ok(sizes(files).await) }).await?;
    Ok(effect(Undo::FreeAudit(name.clone(), index), format!("nothing more can be written to the disk; {seen}")))
}

/// Something else comes to lie where the file was, and the server opens it anew.
async fn block(world: &World, name: &Name) -> Result<Effect, FaultError> {
    let mut blocked = Vec::new();
    for file in device(world, name)?.files() {
        if in_the_way(file.block().await, file)? {
            blocked.push(file);
        }
    }
    hang_up(world).await?;
    let sizes = || async {
        let mut sum = 0;
        for file in &blocked {
            sum += in_the_way(file.size_aside().await, file)?;
        }
        Ok(sum)
    };
    let seen = until_nothing_more_is_taken(world, sizes).await?;
    Ok(effect(Undo::Unblock(name.clone()), format!("nothing more is written to the file that was moved away; {seen}")))
}

async fn unblock(world: &World, name: &Name) -> Result<String, FaultError> {
    let device = device(world, name)?;
    for file in device.files() {
        in_the_way(file.unblock().await, file)?;
    }
    hang_up(world).await?;
    let look = || async {
        let before = device.size().await.unwrap_or_default();
        let outcome = request(world).await;
        let after = device.size().await.unwrap_or_default();
        if after > before { Ok("its file is written to".to_owned()) } else { Err(format!("a request: {outcome}")) }
    };
    until_shows("a file that is written to", look).await
}

/// Every node that runs opens its logs anew.
async fn hang_up(world: &World) -> Result<(), FaultError> {
    for node in &world.stack.vault.nodes {
        node.machine.hang_up().await?;
    }
    Ok(())
}

fn in_the_way<T>(done: io::Result<T>, file: &AuditFile) -> Result<T, FaultError> {
    done.map_err(|error| FaultError::Refused { what: file.path.display().to_string(), why: error.to_string() })
}

async fn disable(world: &World, name: &Name) -> Result<Effect, FaultError> {
    let path = format!("sys/audit/{name}");
    // A device that hangs holds this request up too, and longer than most.
    must("disabling it", world.stack.vault.root().act(Method::Delete, &path, None).await.outcome)?;
    let look =
        || async { (!is_enabled(world, name).await?).then(String::new).ok_or_else(|| "it is listed".to_owned()) };
    until_shows("a device that is not enabled", look).await?;
    Ok(effect(Undo::Enable(name.clone()), "it is not listed any more".to_owned()))
}

/// Whether the server lists a device; the words say why it does not tell.
async fn is_enabled(world: &World, name: &Name) -> Result<bool, String> {
    let outcome = world.stack.vault.root().call(Method::Get, "sys/audit", None).await.outcome;
    match outcome {
        Outcome::Ok(reply) => Ok(!reply.body["data"][format!("{name}/")].is_null()),
        no => Err(no.to_string()),
    }
}

/// How much stands in all of these. One that is not there yet holds nothing.
async fn sizes(files: &[AuditFile]) -> u64 {
    let mut sum = 0;
    for file in files {
        sum += file.size().await.unwrap_or_default();
    }
    sum
}

/// Makes requests until what was written stays as long as it is.
async fn until_nothing_more_is_taken<S: Future<Output = Result<u64, FaultError>>>(
    world: &World,
    size: impl Fn() -> S,
) -> Result<String, FaultError> {
    let mut looks = Looks::within(FILLS);
    let mut last = String::new();
    while looks.again().await {
        let before = size().await?;
        let outcome = request(world).await;
        if before == size().await? {
            return Ok(format!("a request: {outcome}"));
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
    until_shows(what, look).await.map(drop)
}

impl From<DiskError> for FaultError {
    fn from(error: DiskError) -> Self {
        Self::Refused { what: "the disk".to_owned(), why: error.to_string() }
    }
}

fn storage_disk(world: &World) -> Result<&Disk, FaultError> {
    Ok(world.stack.disk.as_ref().ok_or(Missing { kind: "disk", name: "vault".to_owned() })?)
}

/// That of one node, or those of all.
fn one_or_all(files: &[AuditFile], node: Option<usize>) -> &[AuditFile] {
    node.map_or(files, |index| files.get(index..=index).unwrap_or_default())
}

/// The disks of a device's files.
fn disks(device: &AuditDevice, node: Option<usize>) -> Result<Vec<&Disk>, FaultError> {
    let disks: Vec<&Disk> = one_or_all(device.files(), node).iter().filter_map(|file| file.disk.as_ref()).collect();
    if disks.is_empty() { Err(Missing { kind: "disk", name: device.name.to_string() }.into()) } else { Ok(disks) }
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
