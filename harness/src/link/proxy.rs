//! A link: one listening address, one server behind it, and the faults between them.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use super::armed::{Armed, Coming};
use super::chain::Stage;
use super::connection::{Connection, set_reset_on_close};
use super::listening::{Listening, Told};
use super::port::Port;
use super::stage::{self, Chance};
use super::stats::{Counters, Stats};
use super::talk::{Protocol, Watch};
use super::toxic::{Direction, Toxic, ToxicId, Way};

/// What can go wrong with a link itself.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; free that address, or let the link choose its port (port 0)")]
    Listen {
        /// The address wanted.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The fault to be removed is not there.
    #[error("the link on {address} has no fault {id}; remove each fault once, on the link that it was added to")]
    NoSuchFault {
        /// The link's address.
        address: SocketAddr,
        /// The fault asked for.
        id: ToxicId,
    },
    /// A Toxiproxy server did not do what it was asked for.
    #[error("the Toxiproxy server on {api} was asked for {what}: {why}")]
    Toxiproxy {
        /// Its API.
        api: SocketAddr,
        /// What was asked.
        what: String,
        /// What came of it.
        why: String,
    },
    /// A fault that Toxiproxy has no words for.
    #[error("Toxiproxy cannot have the fault {toxic} so: {why}, or run with `--proxy in-process`")]
    Inexpressible {
        /// Its kind.
        toxic: &'static str,
        /// Why not, and what to write.
        why: String,
    },
}

/// The number of a new proxy; no two are alike within a process.
pub(crate) fn next_proxy() -> u64 {
    static PROXIES: AtomicU64 = AtomicU64::new(0);
    PROXIES.fetch_add(1, Ordering::Relaxed)
}

/// How long the proxy accepts nobody after the system could not give it a socket.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// An in-process TCP proxy with Toxiproxy's toxics.
///
/// When a call that brings a fault has returned, the fault holds for every connection, old or new, and for every byte
/// that has not left the proxy. "Left" means handed to the kernel: what a slow reader has not fetched from its own
/// socket by then it can still fetch.
///
/// Dropping it closes the address and all connections at once.
pub struct Proxy {
    id: u64,
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    seed: u64,
    state: Mutex<State>,
    /// Its own lock, since connections read it while they hold theirs.
    upstream: Arc<Mutex<SocketAddr>>,
    counters: Arc<Counters>,
}

/// A proxy's own hand, for whoever brings it connections or tells it where they go; it keeps no proxy alive.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

/// Whoever holds this knows all connections: accepting is done under it, too.
struct State {
    /// `None` once the proxy is dropped, and for one without an address.
    port: Option<Port>,
    /// Whether an address of somebody else's brings the connections.
    behind_a_door: bool,
    /// Whether connections that a door brings are turned away.
    down: bool,
    acceptor: Option<Waker>,
    connections: BTreeMap<u64, Arc<Connection>>,
    next_connection: u64,
    faults: Vec<(ToxicId, Fault)>,
    next_fault: u64,
}

enum Fault {
    Toxic(Toxic, Direction),
    Cut,
    Reset,
    Armed(Arc<Armed>),
    /// No fault at all: it only hears.
    Listening(Listening),
}

impl Fault {
    fn stage(&self, chance: Chance, way: Way) -> Option<Box<dyn Stage>> {
        match self {
            Self::Toxic(toxic, direction) => direction.covers(way).then(|| stage::stage(toxic, chance, way)),
            Self::Cut => Some(stage::cut()),
            Self::Reset | Self::Armed(_) | Self::Listening(_) => None,
        }
    }
}

#[expect(clippy::unused_async, reason = "faults are awaited wherever they are injected; other proxies are processes")]
impl Proxy {
    /// Listens on `listen` (port 0: any free one) and passes connections on to `upstream`. Whatever the toxics leave
    /// to chance follows from `seed`, the connection's number and the toxic's. Needs a tokio runtime.
    pub async fn start(listen: SocketAddr, upstream: SocketAddr, seed: u64) -> Result<Self, LinkError> {
        let port = Port::open(listen).map_err(|source| LinkError::Listen { address: listen, source })?;
        let address = port.address();
        let proxy = Self::new(Some(port), address, upstream, seed);
        tokio::spawn(Arc::clone(&proxy.shared).accept());
        Ok(proxy)
    }

    /// A proxy without an address: whoever has its [`Handle`] brings it connections that came in at `door`.
    pub fn behind(door: SocketAddr, upstream: SocketAddr, seed: u64) -> Self {
        Self::new(None, door, upstream, seed)
    }

    fn new(port: Option<Port>, address: SocketAddr, upstream: SocketAddr, seed: u64) -> Self {
        let state = State {
            behind_a_door: port.is_none(),
            down: false,
            port,
            acceptor: None,
            connections: BTreeMap::new(),
            next_connection: 0,
            faults: Vec::new(),
            next_fault: 0,
        };
        let shared = Arc::new(Shared {
            seed,
            state: Mutex::new(state),
            upstream: Arc::new(Mutex::new(upstream)),
            counters: Arc::default(),
        });
        Self { id: next_proxy(), address, shared }
    }

    /// A hand of it.
    pub fn handle(&self) -> Handle {
        Handle { shared: Arc::clone(&self.shared) }
    }

    /// Whether it has an address of its own.
    pub fn has_address(&self) -> bool {
        !self.shared.lock().behind_a_door
    }

    /// Where clients connect: the same for the proxy's life.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Names another server for the connections that are made from now on.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        self.handle().set_upstream(upstream);
    }

    /// A new connection over this link, as one of its clients makes it.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        if self.has_address() {
            return TcpStream::connect(self.address).await;
        }
        let door = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let (client, brought) = tokio::join!(TcpStream::connect(door.local_addr()?), door.accept());
        self.handle().take(brought?.0);
        client
    }

    /// Adds a toxic behind those that are there. Once this returns, every byte passes it, on every connection; also
    /// what another toxic still holds.
    pub async fn add(&self, toxic: Toxic, direction: Direction) -> ToxicId {
        self.inject(Fault::Toxic(toxic, direction))
    }

    /// Lets packets vanish, both ways: open connections stay open and silent, new ones are taken on and never answered,
    /// and the server hears nothing, not even of a client that leaves. [`Proxy::remove`] heals it: then connections that
    /// lost something are reset, and the others go on.
    pub async fn cut(&self) -> ToxicId {
        self.inject(Fault::Cut)
    }

    /// Resets every open connection, at both ends, before this returns, and every new one until it is removed. A
    /// connection under a cut gets its reset when the cut heals.
    pub async fn reset(&self) -> ToxicId {
        self.inject(Fault::Reset)
    }

    /// Waits for a moment in what is said on the link. When it comes, nothing passes any more on any connection, as under
    /// a cut, from the byte on that must not pass; whoever waits for it then does what is to be done.
    pub async fn arm(&self, watch: Watch) -> (ToxicId, Coming) {
        let (armed, coming) = Armed::new(watch);
        (self.inject(Fault::Armed(armed)), coming)
    }

    /// Tells what is said on connections that are made from now on; all of it passes as before.
    pub fn listen(&self, protocol: Protocol, told: Told) {
        self.inject(Fault::Listening(Listening::new(protocol, told)));
    }

    /// Takes a toxic, a cut or a reset away. What the kernel has brought here by now still meets it; what it held goes on
    /// at once. A toxic that throws data away closes or resets the connections it has touched, and a cut has reset them
    /// when this returns, so that no stream goes on with a hole.
    pub async fn remove(&self, id: ToxicId) -> Result<(), LinkError> {
        let mut state = self.shared.lock();
        let Some(place) = state.faults.iter().position(|(other, _)| *other == id) else {
            return Err(LinkError::NoSuchFault { address: self.address, id });
        };
        // Connections that the kernel has taken on meanwhile belong under the fault, too.
        while let Some(client) = state.port.as_ref().and_then(Port::accept_now) {
            self.shared.admit(&mut state, client);
        }
        state.faults.remove(place);
        state.connections.values().for_each(|connection| connection.remove(id));
        state.forget_closed();
        Ok(())
    }

    /// Down: once this returns, connections are refused and all that were open are closed, those under a cut too. They
    /// end as when a process ends: in order, or with a reset where bytes were left unread. The port stays this proxy's.
    pub async fn disable(&self) {
        let mut state = self.shared.lock();
        if let Some(port) = &mut state.port {
            port.refuse();
        }
        state.down = true;
        state.close_all();
    }

    /// Up again, on the same port; nothing changes if it is up.
    pub async fn enable(&self) -> Result<(), LinkError> {
        let mut state = self.shared.lock();
        let listening = state.port.as_mut().map_or(Ok(()), Port::listen);
        listening.map_err(|source| LinkError::Listen { address: self.address, source })?;
        state.down = false;
        state.wake_acceptor();
        Ok(())
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// What has passed so far.
    pub fn stats(&self) -> Stats {
        self.shared.counters.read()
    }

    fn inject(&self, fault: Fault) -> ToxicId {
        let mut state = self.shared.lock();
        let id = ToxicId { proxy: self.id, number: state.next_fault };
        state.next_fault += 1;
        for (number, connection) in &state.connections {
            self.shared.afflict(connection, *number, id, &fault, false);
        }
        if matches!(fault, Fault::Reset) {
            state.forget_closed();
        }
        state.faults.push((id, fault));
        id
    }
}

impl Handle {
    /// Brings it a connection. While the proxy is down, or gone, it is reset.
    pub fn take(&self, client: TcpStream) {
        let mut state = self.shared.lock();
        if state.down {
            self.shared.counters.turned_away();
            return set_reset_on_close(&client);
        }
        self.shared.admit(&mut state, client);
    }

    /// Names another server for the connections that are made from now on.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        *self.shared.upstream.lock().unwrap_or_else(PoisonError::into_inner) = upstream;
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy").field("address", &self.address).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.port = None;
        state.down = true;
        state.close_all();
        state.wake_acceptor();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts connections until the proxy is dropped.
    async fn accept(self: Arc<Self>) {
        while poll_fn(|cx| self.poll_accept(cx)).await.is_err() {
            // No socket to be had: out of file descriptors, most likely. The kernel does not say when there is one.
            tokio::time::sleep(ACCEPT_PAUSE).await;
        }
    }

    /// Ready when the proxy is dropped, or with what keeps it from accepting.
    fn poll_accept(self: &Arc<Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.lock();
        state.acceptor = Some(cx.waker().clone());
        loop {
            let Some(port) = &state.port else { return Poll::Ready(Ok(())) };
            let Some(listener) = port.listener() else { return Poll::Pending };
            match ready!(listener.poll_accept(cx)) {
                Ok((client, _)) => self.admit(&mut state, client),
                // That one had gone before it was its turn.
                Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(e) => return Poll::Ready(Err(e)),
            }
        }
    }

    /// Takes a client on, under all faults there are.
    fn admit(self: &Arc<Self>, state: &mut State, client: TcpStream) {
        let resets = state.faults.iter().any(|(_, fault)| matches!(fault, Fault::Reset));
        let cut = state.faults.iter().any(|(_, fault)| matches!(fault, Fault::Cut));
        if resets && !cut {
            self.counters.turned_away();
            return set_reset_on_close(&client);
        }
        self.counters.accepted();
        let number = state.next_connection;
        state.next_connection += 1;
        let connection = Connection::new(client, Arc::clone(&self.upstream), Arc::clone(&self.counters));
        let connection = Arc::new(connection);
        for (id, fault) in state.faults.iter().filter(|(_, fault)| !matches!(fault, Fault::Reset)) {
            self.afflict(&connection, number, *id, fault, true);
        }
        if resets {
            connection.reset();
        }
        state.connections.insert(number, Arc::clone(&connection));
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            connection.run().await;
            shared.lock().connections.remove(&number);
        });
    }

    /// Puts a fault on a connection; a `fresh` one has just been accepted.
    fn afflict(&self, connection: &Connection, number: u64, id: ToxicId, fault: &Fault, fresh: bool) {
        match fault {
            Fault::Reset => return connection.reset(),
            Fault::Armed(armed) => return connection.add(id, armed.stages(fresh)),
            // Of a connection that is in the middle of its talk nothing would be understood.
            Fault::Listening(listening) if fresh => return connection.add(id, listening.stages()),
            Fault::Listening(_) => return,
            Fault::Toxic(..) | Fault::Cut => {}
        }
        let chance = Chance { seed: self.seed, connection: number, fault: id.number };
        connection.add(id, |way| fault.stage(chance, way));
    }
}

impl State {
    fn close_all(&mut self) {
        for connection in std::mem::take(&mut self.connections).into_values() {
            connection.close();
        }
    }

    fn forget_closed(&mut self) {
        self.connections.retain(|_, connection| !connection.is_closed());
    }

    fn wake_acceptor(&mut self) {
        if let Some(waker) = self.acceptor.take() {
            waker.wake();
        }
    }
}
