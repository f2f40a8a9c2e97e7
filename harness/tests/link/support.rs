//! A server to stand behind the link, and what tests do with its connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use leaseproof_harness::link::{Proxy, Stats};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Long enough that only a hanging link takes longer; nothing waits for it when all is well.
pub(crate) const HANGS: Duration = Duration::from_secs(20);
/// How long silence is listened to. Too short a time could only let a bad link pass, not fail a good one.
pub(crate) const SILENCE: Duration = Duration::from_millis(150);

pub(crate) fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A link and the listener behind it.
pub(crate) struct Rig {
    pub(crate) proxy: Proxy,
    pub(crate) server: TcpListener,
}

impl Rig {
    pub(crate) async fn new() -> Self {
        let server = TcpListener::bind(any_port()).await.unwrap();
        let proxy = Proxy::start(any_port(), server.local_addr().unwrap(), 7).await.unwrap();
        Self { proxy, server }
    }

    /// A client's connection, not yet known to have reached the server.
    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.unwrap()
    }

    /// Both ends of a connection over the link.
    pub(crate) async fn pair(&self) -> (TcpStream, TcpStream) {
        let client = self.connect().await;
        (client, self.accept().await)
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        soon(self.server.accept()).await.unwrap().0
    }

    /// Waits until the link has counted what is wanted.
    pub(crate) async fn counted(&self, wanted: impl Fn(Stats) -> bool) {
        soon(async {
            while !wanted(self.proxy.stats()) {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// Awaits what is to happen, and fails rather than hang.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(HANGS, what).await.expect("nothing happened")
}

pub(crate) async fn say(stream: &mut TcpStream, text: &str) {
    soon(stream.write_all(text.as_bytes())).await.unwrap();
}

/// Reads exactly the text, or fails.
pub(crate) async fn hear(stream: &mut TcpStream, text: &str) {
    let mut buffer = vec![0; text.len()];
    soon(stream.read_exact(&mut buffer)).await.unwrap();
    assert_eq!(String::from_utf8(buffer).unwrap(), text);
}

/// Reads to the end, in order or not, and gives what came and how it ended.
pub(crate) async fn rest(stream: &mut TcpStream) -> (Vec<u8>, Result<(), io::ErrorKind>) {
    let mut all = Vec::new();
    let end = soon(stream.read_to_end(&mut all)).await;
    (all, end.map(drop).map_err(|e| e.kind()))
}

pub(crate) async fn assert_closed(stream: &mut TcpStream) {
    assert_eq!(rest(stream).await, (vec![], Ok(())));
}

pub(crate) async fn assert_reset(stream: &mut TcpStream) {
    assert_eq!(rest(stream).await, (vec![], Err(io::ErrorKind::ConnectionReset)));
}

/// Nothing comes, no end either.
pub(crate) async fn assert_silent(stream: &mut TcpStream) {
    let mut buffer = [0; 64];
    let heard = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await;
    assert!(heard.is_err(), "not silence but {heard:?}");
}

pub(crate) async fn assert_exchanges(client: &mut TcpStream, server: &mut TcpStream) {
    say(client, "question").await;
    hear(server, "question").await;
    say(server, "answer").await;
    hear(client, "answer").await;
}

/// So many bytes, none of which can be taken for its neighbour.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}
