//! The audit devices of a running stack: files, and listeners at the other ends of sockets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncReadExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::disk::{self, Disk};
use crate::provider::native::port::Port;
use crate::scenario::word::Name;
use crate::wait::Looks;

/// As little as the kernel lets wait for somebody who does not read, so that a hang is felt after some dozens of entries
/// and not after thousands: small segments, a small buffer, one connection that waits.
const SEGMENT: u32 = 536;
const BUFFER: usize = 2048;
const BACKLOG: i32 = 1;
/// How long something may be in the way of listening on a port that is ours.
const IN_THE_WAY: Duration = Duration::from_secs(10);

/// An audit device.
#[derive(Debug)]
pub struct AuditDevice {
    /// Its name, and its path below `sys/audit/`.
    pub name: Name,
    /// Where its entries go.
    pub kind: AuditKind,
}

/// Where a device's entries go.
#[derive(Debug)]
pub enum AuditKind {
    /// To a file, on each node its own.
    File {
        /// What the server is told: in a cluster a path that begins at each node's own folder.
        path: PathBuf,
        /// The file of each node, in the order of the nodes.
        files: Vec<AuditFile>,
    },
    /// Over a socket to this process.
    Socket(Receiver),
}

/// The file of one node.
#[derive(Debug)]
pub struct AuditFile {
    /// Where it is: on this machine, or in the container that holds its disk.
    pub path: PathBuf,
    /// The disk of its own that it lies on.
    pub disk: Option<Disk>,
}

impl AuditFile {
    /// What stands in it.
    pub async fn read(&self) -> io::Result<Vec<u8>> {
        match &self.disk {
            Some(disk) => disk.read(&self.path).await,
            None => tokio::fs::read(&self.path).await,
        }
    }

    /// How long it is.
    pub async fn size(&self) -> io::Result<u64> {
        self.size_at(&self.path).await
    }

    /// Moves it away and has a folder lie in its place; `false` when there is no file yet.
    pub async fn block(&self) -> io::Result<bool> {
        match &self.disk {
            Some(disk) => disk.block(&self.path, &self.aside()).await,
            None => disk::block(&self.path, &self.aside()),
        }
    }

    /// Puts it back, if it was moved away.
    pub async fn unblock(&self) -> io::Result<()> {
        match &self.disk {
            Some(disk) => disk.unblock(&self.path, &self.aside()).await,
            None => disk::unblock(&self.path, &self.aside()),
        }
    }

    /// How long it is where it was moved to.
    pub async fn size_aside(&self) -> io::Result<u64> {
        self.size_at(&self.aside()).await
    }

    async fn size_at(&self, path: &Path) -> io::Result<u64> {
        match &self.disk {
            Some(disk) => disk.size(path).await,
            None => Ok(tokio::fs::metadata(path).await?.len()),
        }
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("aside")
    }
}

impl AuditDevice {
    /// All that it has taken, as text; of a cluster what each of its nodes has.
    pub async fn taken(&self) -> io::Result<String> {
        match &self.kind {
            AuditKind::File { files, .. } => {
                let mut all = Vec::new();
                let mut missing = None;
                for file in files {
                    match file.read().await {
                        Ok(bytes) => all.extend(bytes),
                        // A node that was never active has written none.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => missing = Some(error),
                        Err(error) => return Err(error),
                    }
                }
                match missing {
                    Some(error) if all.is_empty() => Err(error),
                    _ => Ok(String::from_utf8_lossy(&all).into_owned()),
                }
            }
            AuditKind::Socket(receiver) => Ok(receiver.taken()),
        }
    }

    /// How much it has taken.
    pub async fn size(&self) -> io::Result<u64> {
        self.taken().await.map(|taken| taken.len() as u64)
    }

    /// Its files, of a device that has some.
    pub fn files(&self) -> &[AuditFile] {
        match &self.kind {
            AuditKind::File { files, .. } => files,
            AuditKind::Socket(_) => &[],
        }
    }

    /// The disks of their own that its files lie on.
    pub fn disks(&self) -> impl Iterator<Item = &Disk> {
        self.files().iter().filter_map(|file| file.disk.as_ref())
    }
}

/// What a receiver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reception {
    /// It takes connections and reads.
    Listens,
    /// It neither takes connections nor reads.
    Hangs,
    /// Nobody is there.
    Gone,
}

/// Who listens at the other end of a socket.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    /// It stays ours while nobody listens there.
    _port: Port,
    state: watch::Sender<Reception>,
    taken: Arc<Mutex<Vec<u8>>>,
    _serving: JoinSet<()>,
}

impl Receiver {
    /// Listens on this port, at an address of this machine.
    pub async fn listen(port: Port, at: IpAddr) -> io::Result<Self> {
        let address = SocketAddr::new(at, port.number());
        let listener = listening_soon(address).await?;
        let (state, states) = watch::channel(Reception::Listens);
        let taken = Arc::<Mutex<Vec<u8>>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(address, listener, states, Arc::clone(&taken)));
        Ok(Self { address, _port: port, state, taken, _serving: serving })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Does that from now on.
    pub fn set(&self, state: Reception) {
        self.state.send_replace(state);
    }

    fn taken(&self) -> String {
        let taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&taken).into_owned()
    }
}

/// Takes connections while it is to.
async fn serve(
    address: SocketAddr,
    listener: TcpListener,
    mut states: watch::Receiver<Reception>,
    taken: Arc<Mutex<Vec<u8>>>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let state = *states.borrow_and_update();
        if state == Reception::Gone {
            listener = None;
            connections.shutdown().await;
        } else if listener.is_none() {
            listener = listening_soon(address).await.ok();
        }
        let changed = match (&listener, state) {
            (Some(listener), Reception::Listens) => tokio::select! {
                changed = states.changed() => changed,
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        connections.spawn(read(stream, states.clone(), Arc::clone(&taken)));
                    }
                    Ok(())
                }
            },
            // It was in the way for longer than anybody expects: once more.
            (None, Reception::Listens) => Ok(()),
            _ => states.changed().await,
        };
        if changed.is_err() {
            return;
        }
    }
}

/// Reads a connection while it is to.
async fn read(mut stream: TcpStream, mut states: watch::Receiver<Reception>, taken: Arc<Mutex<Vec<u8>>>) {
    let mut buffer = [0; 4096];
    loop {
        let hangs = *states.borrow_and_update() != Reception::Listens;
        let read = tokio::select! {
            changed = states.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            read = stream.read(&mut buffer), if !hangs => read,
        };
        match read {
            Ok(0) | Err(_) => return,
            Ok(count) => taken.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..count]),
        }
    }
}

/// Listens as soon as nothing is in the way. The port is claimed, so that can only be what is left of old connections, or a
/// process that is just being forked and holds a copy of whatever had the port open; neither lasts.
async fn listening_soon(address: SocketAddr) -> io::Result<TcpListener> {
    let mut looks = Looks::within(IN_THE_WAY);
    loop {
        match listening(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && looks.again().await => {}
            done => return done,
        }
    }
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_recv_buffer_size(BUFFER)?;
    socket.set_tcp_mss(SEGMENT)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// The entries of a text that a device took. A full disk leaves a torn one, and what follows begins on its line.
pub fn entries(text: &str) -> Vec<serde_json::Value> {
    // The products differ in which field is the first. What begins within a whole entry is a part of it, and has no type.
    let whole = |line: &str| {
        let mut starts = line.match_indices("{\"").map(|(start, _)| start);
        let read = |start: usize| serde_json::from_str::<serde_json::Value>(&line[start..]).ok();
        starts.find_map(|start| read(start).filter(|entry| entry["type"].is_string()))
    };
    text.lines().filter_map(whole).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_behind_a_torn_one_is_read() {
        let text =
            "{\"time\":\"1\",\"type\":\"request\"}\n{\"time\":\"2\",\"ty{\"time\":\"3\",\"type\":\"response\"}\n";
        let times: Vec<_> = entries(text).iter().map(|entry| entry["time"].to_string()).collect();
        assert_eq!(times, ["\"1\"", "\"3\""]);
    }

    #[test]
    fn an_entry_whose_first_field_is_another_is_read() {
        let text = "{\"auth\":{\"token_type\":\"service\"},\"time\":\"1\",\"type\":\"request\"}\n";
        assert_eq!(entries(text).len(), 1);
    }
}
