//! One connection over the proxy: two sockets, two streams, and one lock that every change of its fate takes.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Sleep;

use super::chain::{Chunk, Stage};
use super::stats::Counters;
use super::stream::{Progress, Stream};
use super::toxic::{ToxicId, Way};

type Dial = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

/// The far end.
enum Server {
    /// Nobody has been called yet; under a cut nobody is.
    Uncalled,
    /// The call is under way.
    Dialing(Dial),
    /// Connected.
    Open(TcpStream),
    /// Could not be reached.
    Unreachable,
}

/// Both sockets. Dropping them closes them.
struct Ends {
    client: TcpStream,
    server: Server,
}

impl Ends {
    fn server(&self) -> Option<&TcpStream> {
        if let Server::Open(server) = &self.server { Some(server) } else { None }
    }
}

/// What a connection is made of. Whoever holds its lock sees it between two steps, never within one.
struct Core {
    /// `None` once it is closed.
    ends: Option<Ends>,
    up: Stream,
    down: Stream,
    timer: Option<Pin<Box<Sleep>>>,
    waker: Option<Waker>,
}

/// A connection that the proxy has accepted.
pub(crate) struct Connection {
    core: Mutex<Core>,
    upstream: Arc<Mutex<SocketAddr>>,
    counters: Arc<Counters>,
}

impl Connection {
    /// Takes on a client. Nothing moves before [`Connection::run`] is polled, so faults can be added first.
    pub(crate) fn new(client: TcpStream, upstream: Arc<Mutex<SocketAddr>>, counters: Arc<Counters>) -> Self {
        // A link adds no waiting of its own. That it fails on a client already gone is found out by reading.
        let _ = client.set_nodelay(true);
        let core = Core {
            ends: Some(Ends { client, server: Server::Uncalled }),
            up: Stream::new(Way::Up, Arc::clone(&counters)),
            down: Stream::new(Way::Down, Arc::clone(&counters)),
            timer: None,
            waker: None,
        };
        Self { core: Mutex::new(core), upstream, counters }
    }

    /// Passes bytes until both directions have ended or the connection is closed.
    pub(crate) async fn run(&self) {
        poll_fn(|cx| {
            let mut core = self.lock();
            let done = core.poll(cx, &self.upstream, &self.counters);
            if done.is_ready() {
                core.close();
            }
            done
        })
        .await;
    }

    /// Puts a stage at the end of each direction for which `stage` gives one.
    pub(crate) fn add(&self, id: ToxicId, stage: impl Fn(Way) -> Option<Box<dyn Stage>>) {
        let mut core = self.lock();
        let Core { up, down, .. } = &mut *core;
        for stream in [up, down] {
            if let Some(stage) = stage(stream.way()) {
                stream.add(id, stage);
            }
        }
        core.wake();
    }

    /// Takes a fault's stages out. Should that leave a hole, the connection has been reset when this returns.
    pub(crate) fn remove(&self, id: ToxicId) {
        let mut core = self.lock();
        let Core { ends, up, down, .. } = &mut *core;
        up.remove(id, ends.as_ref().map(|ends| &ends.client));
        down.remove(id, ends.as_ref().and_then(Ends::server));
        if up.is_doomed() || down.is_doomed() {
            core.reset();
        }
        core.wake();
    }

    /// Closes both ends now.
    pub(crate) fn close(&self) {
        self.lock().close();
    }

    /// Resets both ends now; under a cut, once it heals, since a cut lets no reset through either.
    pub(crate) fn reset(&self) {
        let mut core = self.lock();
        if core.up.severed() {
            core.up.feed(Chunk::Reset);
        } else {
            core.reset();
        }
    }

    /// Whether it is closed at both ends.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().ends.is_none()
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Core {
    fn poll(&mut self, cx: &mut Context<'_>, upstream: &Mutex<SocketAddr>, counters: &Counters) -> Poll<()> {
        self.waker = Some(cx.waker().clone());
        loop {
            let Some(ends) = &self.ends else { return Poll::Ready(()) };
            let up = self.up.poll(cx, Some(&ends.client), ends.server());
            let down = self.down.poll(cx, ends.server(), Some(&ends.client));
            match (up, down) {
                (Progress::Reset, _) | (_, Progress::Reset) => self.reset(),
                (Progress::Close, _) | (_, Progress::Close) | (Progress::Ended, Progress::Ended) => self.close(),
                (Progress::Broken, _) => self.down.break_source(),
                (_, Progress::Broken) => self.up.break_source(),
                _ if self.poll_server(cx, upstream, counters).is_ready() || self.poll_timer(cx).is_ready() => {}
                _ => return Poll::Pending,
            }
        }
    }

    /// Gets the connection to the server further; ready when it did.
    fn poll_server(&mut self, cx: &mut Context<'_>, upstream: &Mutex<SocketAddr>, counters: &Counters) -> Poll<()> {
        let Some(ends) = &mut self.ends else { return Poll::Pending };
        match &mut ends.server {
            Server::Uncalled if !self.up.severed() => {
                let address = *upstream.lock().unwrap_or_else(PoisonError::into_inner);
                ends.server = Server::Dialing(Box::pin(TcpStream::connect(address)));
                Poll::Ready(())
            }
            Server::Dialing(dial) => dial.as_mut().poll(cx).map(|dialed| match dialed {
                Ok(server) => {
                    // As for the client.
                    let _ = server.set_nodelay(true);
                    ends.server = Server::Open(server);
                }
                Err(e) => {
                    ends.server = Server::Unreachable;
                    // Along the chain like all that comes from that side: a cut hides this, too.
                    if e.kind() == io::ErrorKind::ConnectionReset {
                        // It was there, and has reset the connection before we could look.
                        self.down.feed(Chunk::Reset);
                    } else {
                        counters.unreachable();
                        self.down.feed(Chunk::Close);
                    }
                }
            }),
            Server::Uncalled | Server::Open(_) | Server::Unreachable => Poll::Pending,
        }
    }

    /// Waits for the next time that one of the streams has set; ready when it has come.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(due) = [self.up.next_due(), self.down.next_due()].into_iter().flatten().min() else {
            self.timer = None;
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() != due {
            timer.as_mut().reset(due);
        }
        timer.as_mut().poll(cx)
    }

    fn close(&mut self) {
        self.ends = None;
        self.timer = None;
        self.wake();
    }

    fn reset(&mut self) {
        if let Some(ends) = &self.ends {
            for socket in [Some(&ends.client), ends.server()].into_iter().flatten() {
                set_reset_on_close(socket);
            }
        }
        self.close();
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Makes dropping this socket a real reset, also of what is still unsent.
pub(crate) fn set_reset_on_close(socket: &TcpStream) {
    // It can fail only for what is no open TCP socket, and this one is.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}
