//! Nothing slips past a fault: talkers on many connections, old and new, while faults come and go.
//!
//! Every frame is a number of its own, drawn before it is sent. A frame drawn after a fault's call had returned must not
//! have arrived when its healing is called. What the kernel still carries then may arrive later, as a packet would;
//! but each frame also has its place on its connection, and none may arrive there after one that is missing.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use leaseproof_harness::link::{Direction, Proxy, Toxic, ToxicId};
use rstest::rstest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::{any_port, soon};

const CLIENTS: u64 = 12;
const ROUNDS: usize = 25;
/// Frames that must have been tried under a fault before it is healed, and arrived after it.
const FRAMES: usize = 30;
/// A talker waits so long for an answer before it says the next thing, or gives up.
const PATIENCE: Duration = Duration::from_millis(1);

/// What all talkers have said and heard.
#[derive(Default)]
struct Ledger {
    next: AtomicU64,
    written: Mutex<Vec<u64>>,
    heard: Mutex<HashSet<u64>>,
    /// Connections that were refused, reset or closed.
    failed: AtomicUsize,
    changed: Notify,
}

impl Ledger {
    fn draw(&self) -> u64 {
        self.next.fetch_add(1, Ordering::SeqCst)
    }

    fn wrote(&self, frame: u64) {
        self.written.lock().unwrap().push(frame);
        self.changed.notify_one();
    }

    fn hear(&self, frame: u64) {
        assert!(self.heard.lock().unwrap().insert(frame), "frame {frame} has arrived twice");
        self.changed.notify_one();
    }

    fn fail(&self) {
        self.failed.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_one();
    }

    fn written_from(&self, first: u64) -> usize {
        self.written.lock().unwrap().iter().filter(|frame| **frame >= first).count()
    }

    fn heard_from(&self, first: u64) -> Vec<u64> {
        self.heard.lock().unwrap().iter().copied().filter(|frame| *frame >= first).collect()
    }

    /// Only the test itself waits, so that no change goes to another waiter.
    async fn until(&self, come: impl Fn(&Self) -> bool) {
        soon(async {
            while !come(self) {
                self.changed.notified().await;
            }
        })
        .await;
    }
}

/// Says up to `limit` frames, each when the one before was answered or patience is over, and hears all there is.
async fn talk(stream: TcpStream, ledger: &Ledger, limit: u64) -> std::io::Result<()> {
    let (mut reader, mut writer) = stream.into_split();
    let answered = Notify::new();
    let listen = async {
        for place in 0.. {
            ledger.hear(reader.read_u64().await?);
            assert_eq!(reader.read_u64().await?, place, "a stream goes on with a hole");
            answered.notify_one();
        }
        Ok(())
    };
    let speak = async {
        for place in 0..limit {
            let frame = ledger.draw();
            writer.write_all(&[frame.to_be_bytes(), place.to_be_bytes()].concat()).await?;
            ledger.wrote(frame);
            let _ = tokio::time::timeout(PATIENCE, answered.notified()).await;
        }
        Ok(())
    };
    tokio::select! { end = listen => end, end = speak => end }
}

async fn client(address: SocketAddr, ledger: Arc<Ledger>, connections_last: u64) {
    loop {
        let end = match TcpStream::connect(address).await {
            Ok(stream) => talk(stream, &ledger, connections_last).await,
            Err(e) => Err(e),
        };
        if end.is_err() {
            ledger.fail();
        }
        tokio::task::yield_now().await;
    }
}

async fn serve(listener: TcpListener, ledger: Arc<Ledger>) {
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let ledger = Arc::clone(&ledger);
        connections.spawn(async move { talk(stream, &ledger, u64::MAX).await });
        while let Some(end) = connections.try_join_next() {
            drop(end.unwrap());
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Down,
    Reset,
    Cut,
    Timeout,
}

impl Fault {
    async fn inject(self, proxy: &Proxy) -> Option<ToxicId> {
        match self {
            Self::Down => {
                proxy.disable().await;
                None
            }
            Self::Reset => Some(proxy.reset().await),
            Self::Cut => Some(proxy.cut().await),
            Self::Timeout => Some(proxy.add(Toxic::Timeout { timeout: None }, Direction::Both).await),
        }
    }

    async fn heal(id: Option<ToxicId>, proxy: &Proxy) {
        match id {
            Some(id) => proxy.remove(id).await.unwrap(),
            None => proxy.enable().await.unwrap(),
        }
    }
}

#[rstest]
#[case::down(&[Fault::Down])]
#[case::reset(&[Fault::Reset])]
#[case::cut(&[Fault::Cut])]
#[case::timeout(&[Fault::Timeout])]
#[case::all_in_turn(&[Fault::Cut, Fault::Down, Fault::Timeout, Fault::Reset])]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_byte_sent_under_a_fault_arrives(#[case] faults: &[Fault]) {
    let ledger = Arc::<Ledger>::default();
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let proxy = Proxy::start(any_port(), listener.local_addr().unwrap(), 7).await.unwrap();
    let mut talkers = JoinSet::new();
    talkers.spawn(serve(listener, Arc::clone(&ledger)));
    for number in 0..CLIENTS {
        // Some connections are nearly always new, some old.
        talkers.spawn(client(proxy.address(), Arc::clone(&ledger), 1 + number * 8));
    }
    for fault in faults.iter().cycle().take(ROUNDS) {
        let first = ledger.next.load(Ordering::SeqCst);
        ledger.until(|ledger| ledger.heard_from(first).len() >= FRAMES).await;

        let id = fault.inject(&proxy).await;
        let first = ledger.next.load(Ordering::SeqCst);
        let failed = ledger.failed.load(Ordering::SeqCst);
        let tried = |ledger: &Ledger| ledger.written_from(first) + ledger.failed.load(Ordering::SeqCst) - failed;
        ledger.until(|ledger| tried(ledger) >= FRAMES).await;
        if matches!(fault, Fault::Cut | Fault::Timeout) {
            assert!(ledger.written_from(first) > 0, "nobody said a thing under {fault:?}");
        }
        let slipped = ledger.heard_from(first);
        assert!(slipped.is_empty(), "frames slipped through {fault:?}: {slipped:?}");

        Fault::heal(id, &proxy).await;
    }
    let first = ledger.next.load(Ordering::SeqCst);
    ledger.until(|ledger| ledger.heard_from(first).len() >= FRAMES).await;
    // No talker ends by itself: one that has ended has found a fault in what it heard.
    if let Some(end) = talkers.try_join_next() {
        end.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_byte_sent_under_a_latency_arrives_early() {
    const LATENCY: Duration = Duration::from_millis(40);
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let proxy = Proxy::start(any_port(), listener.local_addr().unwrap(), 7).await.unwrap();
    let start = tokio::time::Instant::now();
    let since_start = move || u64::try_from(start.elapsed().as_nanos()).unwrap();
    // The server writes down when each frame, which is the time of its sending, arrives.
    let arrivals = Arc::<(Mutex<Vec<(u64, u64)>>, Notify)>::default();
    let mut talkers = JoinSet::new();
    let arrived = Arc::clone(&arrivals);
    talkers.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let arrived = Arc::clone(&arrived);
            connections.spawn(async move {
                while let Ok(sent) = stream.read_u64().await {
                    arrived.0.lock().unwrap().push((sent, since_start()));
                    arrived.1.notify_one();
                }
            });
        }
    });
    for number in 0..CLIENTS {
        let address = proxy.address();
        talkers.spawn(async move {
            loop {
                let mut stream = TcpStream::connect(address).await.unwrap();
                for _ in 0..=number * 4 {
                    stream.write_u64(since_start()).await.unwrap();
                    // Not as fast as it can: the frames held are to be few.
                    tokio::time::sleep(PATIENCE).await;
                }
            }
        });
    }
    let toxic = Toxic::Latency { latency: LATENCY, jitter: Duration::ZERO };
    let mut windows = Vec::new();
    for _ in 0..ROUNDS {
        let id = proxy.add(toxic.clone(), Direction::Upstream).await;
        let from = since_start();
        let count = || arrivals.0.lock().unwrap().iter().filter(|(sent, _)| *sent >= from).count();
        soon(async {
            while count() < FRAMES {
                arrivals.1.notified().await;
            }
        })
        .await;
        windows.push((from, since_start()));
        proxy.remove(id).await.unwrap();
    }
    talkers.abort_all();
    let latency = u64::try_from(LATENCY.as_nanos()).unwrap();
    let mut judged = 0;
    for &(sent, came) in arrivals.0.lock().unwrap().iter() {
        // What is still held when the toxic goes is let go at once, so only arrivals within the window are judged.
        if windows.iter().any(|&(from, to)| from <= sent && came < to && sent < to) {
            judged += 1;
            assert!(came >= sent + latency, "sent at {sent}, arrived at {came}: early");
        }
    }
    assert!(judged >= ROUNDS * FRAMES, "too few frames to judge: {judged}");
}
