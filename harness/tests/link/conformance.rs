//! The in-process proxy held against the real Toxiproxy server: the same toxics, both ways, on new and on open
//! connections, and what the two ends of a connection see of them. Bytes, their order and the kind of the end have to be
//! the same. Of times only the least is held against the toxic's own: how much longer it took says how busy the machine is.
//!
//! What Toxiproxy is known to do otherwise (`link/toxiproxy/mod.rs` lists it) is left out of the table, with the reason
//! where it is left out.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use leaseproof_harness::link::{Direction, Link, Proxy, Remote, Toxic, Toxiproxy};
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::Estate;
use leaseproof_harness::provider::native::fetch::{FetchError, Fetcher};
use leaseproof_harness::provider::native::find::Places;
use leaseproof_harness::provider::native::launch::Launch;
use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::provider::native::process::Process;
use leaseproof_harness::testing::REQUIRE_ALL_VARIABLE;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{any_port, pattern, soon};

/// Silence for so long is silence. Too short a time would take a slow machine for a silent link.
const SILENCE: Duration = Duration::from_secs(2);
const LENGTH: usize = 2_000;

/// A real server, with what has to live as long as it.
struct Server {
    api: Toxiproxy,
    process: Process,
    estate: Estate,
    _port: Port,
    _folder: tempfile::TempDir,
}

impl Server {
    /// `None`, told loudly, on a machine that has no Go to build it with; with LEASEPROOF_REQUIRE_ALL set that is a failure.
    #[expect(clippy::print_stderr, reason = "a test that did not run says so")]
    async fn start() -> Option<Self> {
        let fetcher = Fetcher::new(Places::here(Cache::usual().unwrap()));
        let program = match fetcher.provide(&Part::toxiproxy(), None, &|_| {}).await {
            Ok(found) => found.program,
            Err(lack @ (FetchError::NoGo { .. } | FetchError::Client { .. })) => {
                assert!(std::env::var_os(REQUIRE_ALL_VARIABLE).is_none(), "cannot run here: {lack}");
                eprintln!("NOT RUN, there is no Toxiproxy server to hold the in-process proxy against: {lack}");
                return None;
            }
            Err(error) => panic!("{error}"),
        };
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let estate = Estate::open_in(&folder.path().join("home")).unwrap();
        let port = Port::claim().unwrap();
        let launch = Launch::new("toxiproxy", program, estate.folder("toxiproxy", None).unwrap())
            .args(["-host", "127.0.0.1", "-port", &port.number().to_string()])
            .owned_by(estate.owner());
        let process = Process::new(launch);
        process.start().await.unwrap();
        let api = Toxiproxy::at(port.address()).await.unwrap();
        soon(async {
            while api.version().await.is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        Some(Self { api, process, estate, _port: port, _folder: folder })
    }

    async fn end(self) {
        self.process.kill().await.unwrap();
        self.estate.close().await.unwrap();
    }
}

/// How a connection ended for one end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In order.
    Fin,
    /// By a reset.
    Rst,
    /// Not at all.
    Open,
}

/// What the two ends of a connection met.
#[derive(Debug, PartialEq, Eq)]
struct Met {
    heard: Vec<u8>,
    listener: End,
    /// The end that the speaker met without closing anything itself.
    speaker: End,
}

/// Reads until the end, or until there has been silence.
async fn listen(stream: &mut TcpStream, enough: usize) -> (Vec<u8>, End) {
    let mut heard = Vec::new();
    let mut buffer = [0; 4096];
    while heard.len() < enough {
        match tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await {
            Err(_) => return (heard, End::Open),
            Ok(Ok(0)) => return (heard, End::Fin),
            Ok(Ok(count)) => heard.extend(&buffer[..count]),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionReset => return (heard, End::Rst),
            Ok(Err(error)) => panic!("{error}"),
        }
    }
    (heard, End::Open)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    New,
    Open,
}

/// One end says a pattern and closes once the other has heard it, or has heard what it will.
async fn say_under(
    link: &Link,
    behind: &TcpListener,
    toxic: &Toxic,
    direction: Direction,
    age: Age,
) -> (Met, Duration) {
    let mut id = None;
    if age == Age::New {
        id = Some(link.add(toxic.clone(), direction).await.unwrap());
    }
    let client = soon(TcpStream::connect(link.address())).await.unwrap();
    let server = soon(behind.accept()).await.unwrap().0;
    let upstream = direction == Direction::Upstream;
    let (mut speaker, mut listener) = if upstream { (client, server) } else { (server, client) };
    if age == Age::Open {
        // So that the connection is known to be open from end to end.
        soon(speaker.write_all(b"!")).await.unwrap();
        assert_eq!(soon(listener.read_u8()).await.unwrap(), b'!');
        id = Some(link.add(toxic.clone(), direction).await.unwrap());
    }
    let said = Instant::now();
    soon(speaker.write_all(&pattern(LENGTH))).await.unwrap();
    let (mut heard, mut ended) = listen(&mut listener, LENGTH).await;
    let mut took = said.elapsed();
    let met = if ended == End::Open && heard.len() == LENGTH {
        drop(speaker);
        let (more, end) = listen(&mut listener, usize::MAX).await;
        heard.extend(more);
        ended = end;
        took = said.elapsed();
        End::Open
    } else {
        listen(&mut speaker, usize::MAX).await.1
    };
    link.remove(id.unwrap()).await.unwrap();
    (Met { heard, listener: ended, speaker: met }, took)
}

/// The toxics, each with the least time that its listener has to wait for the last it hears.
fn table() -> Vec<(Toxic, Duration)> {
    let millis = Duration::from_millis;
    vec![
        (Toxic::Latency { latency: millis(200), jitter: Duration::ZERO }, millis(200)),
        (Toxic::Latency { latency: millis(200), jitter: millis(50) }, millis(150)),
        // The first tenth of a second's worth is let through at once by neither.
        (Toxic::Bandwidth { bytes_per_second: 8_000 }, millis(200)),
        (Toxic::SlowClose { delay: millis(300) }, millis(300)),
        (Toxic::Timeout { timeout: Some(millis(400)) }, millis(300)),
        (Toxic::Timeout { timeout: None }, Duration::ZERO),
        (Toxic::ResetPeer { after: Duration::ZERO }, Duration::ZERO),
        (Toxic::ResetPeer { after: millis(200) }, millis(200)),
        (Toxic::Slicer { average: 200, variation: 0, delay: millis(5) }, millis(35)),
        (Toxic::Slicer { average: 200, variation: 50, delay: Duration::ZERO }, Duration::ZERO),
        (Toxic::LimitData { bytes: 700 }, Duration::ZERO),
        (Toxic::LimitData { bytes: 0 }, Duration::ZERO),
        (Toxic::LimitData { bytes: 1_000_000 }, Duration::ZERO),
    ]
}

async fn both(server: &Server, name: &str, upstream: SocketAddr) -> [(&'static str, Link); 2] {
    let in_process = Proxy::start(any_port(), upstream, 7).await.unwrap();
    let port = Port::claim().unwrap();
    let real = Remote::start(&server.api, name, port.address(), upstream).await.unwrap();
    [("in-process", Link::InProcess(in_process)), ("Toxiproxy", Link::Toxiproxy(real))]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_toxic_is_to_both_ends_what_it_is_on_a_real_toxiproxy_server() {
    let Some(server) = Server::start().await else { return };
    let behind = TcpListener::bind(any_port()).await.unwrap();
    let links = both(&server, "toxics", behind.local_addr().unwrap()).await;
    for (toxic, least) in table() {
        for direction in [Direction::Upstream, Direction::Downstream] {
            for age in [Age::New, Age::Open] {
                // The real one resets only what begins under the toxic, and closes the rest in order.
                if matches!(toxic, Toxic::ResetPeer { .. }) && age == Age::Open {
                    continue;
                }
                let mut met = Vec::new();
                for (which, link) in &links {
                    let (seen, took) = say_under(link, &behind, &toxic, direction, age).await;
                    assert!(took >= least, "{which}: {toxic:?} {direction:?} {age:?} took only {took:?}");
                    met.push(seen);
                }
                assert_eq!(met[0], met[1], "{toxic:?} {direction:?} {age:?}: in-process, then Toxiproxy");
            }
        }
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_real_server_is_known_to_do_otherwise_it_does_otherwise() {
    let Some(server) = Server::start().await else { return };
    let behind = TcpListener::bind(any_port()).await.unwrap();
    let links = both(&server, "differences", behind.local_addr().unwrap()).await;
    let mut open = Vec::new();
    let mut half = Vec::new();
    for (_, link) in &links {
        let reset = Toxic::ResetPeer { after: Duration::ZERO };
        open.push(say_under(link, &behind, &reset, Direction::Upstream, Age::Open).await.0.speaker);
        // A client that has said its last, and would still listen.
        let mut client = soon(TcpStream::connect(link.address())).await.unwrap();
        let mut far = soon(behind.accept()).await.unwrap().0;
        client.shutdown().await.unwrap();
        assert_eq!(listen(&mut far, 1).await.1, End::Fin);
        let _ = far.write_all(b"late").await;
        half.push(listen(&mut client, 4).await.0);
    }
    // An open connection is reset in process, and closed in order by the real server; a half-closed one is known to one.
    assert_eq!(open, [End::Rst, End::Fin]);
    assert_eq!(half, [b"late".to_vec(), Vec::new()]);
    server.end().await;
}

/// What a new client meets that asks something.
async fn ask(address: SocketAddr) -> Result<End, io::ErrorKind> {
    let mut client = match TcpStream::connect(address).await {
        Ok(client) => client,
        Err(error) => return Err(error.kind()),
    };
    // A reset may come before it.
    let _ = client.write_all(b"question").await;
    Ok(listen(&mut client, 1).await.1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn down_cut_and_reset_are_to_a_new_client_what_they_are_on_a_real_toxiproxy_server() {
    let Some(server) = Server::start().await else { return };
    let behind = TcpListener::bind(any_port()).await.unwrap();
    for (which, link) in both(&server, "faults", behind.local_addr().unwrap()).await {
        let mut open = TcpStream::connect(link.address()).await.unwrap();
        let mut far = soon(behind.accept()).await.unwrap().0;
        link.disable().await.unwrap();
        assert_eq!(ask(link.address()).await, Err(io::ErrorKind::ConnectionRefused), "{which}");
        assert_eq!(listen(&mut open, 1).await.1, End::Fin, "{which}");
        assert_eq!(listen(&mut far, 1).await.1, End::Fin, "{which}");
        link.enable().await.unwrap();

        let id = link.cut().await.unwrap();
        assert_eq!(ask(link.address()).await, Ok(End::Open), "{which}");
        link.remove(id).await.unwrap();

        let id = link.reset().await.unwrap();
        let met = ask(link.address()).await;
        assert!(matches!(met, Ok(End::Rst) | Err(io::ErrorKind::ConnectionReset)), "{which}: {met:?}");
        link.remove(id).await.unwrap();

        let mut healed = TcpStream::connect(link.address()).await.unwrap();
        healed.write_all(b"answered").await.unwrap();
        soon(async {
            // Those of before, which the real one let through to the server, are closed without a word.
            loop {
                let mut said = Vec::new();
                let mut stream = behind.accept().await.unwrap().0;
                let reading = stream.read_buf(&mut said).await;
                if reading.is_ok() && said == b"answered" {
                    break;
                }
            }
        })
        .await;
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_connection_slips_past_a_fault_of_a_real_toxiproxy_server() {
    const TALKERS: usize = 8;
    let Some(server) = Server::start().await else { return };
    let behind = TcpListener::bind(any_port()).await.unwrap();
    let [_, (_, link)] = both(&server, "slips", behind.local_addr().unwrap()).await;
    let heard = std::sync::Arc::new(std::sync::Mutex::new(std::collections::HashSet::new()));
    let mut tasks = tokio::task::JoinSet::new();
    let note = heard.clone();
    tasks.spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (mut stream, _) = behind.accept().await.unwrap();
            let note = note.clone();
            connections.spawn(async move {
                while let Ok(number) = stream.read_u64().await {
                    note.lock().unwrap().insert(number);
                }
            });
        }
    });
    let next = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    for _ in 0..TALKERS {
        let (address, next) = (link.address(), next.clone());
        tasks.spawn(async move {
            loop {
                // A new connection each time: the moment of its beginning is what a fault could miss.
                if let Ok(mut stream) = TcpStream::connect(address).await {
                    for _ in 0..2 {
                        let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        let _ = stream.write_u64(number).await;
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
    }
    let number = || next.load(std::sync::atomic::Ordering::SeqCst);
    let heard_from = |first| heard.lock().unwrap().iter().filter(|number| **number >= first).count();
    for round in 0..12 {
        let first = number();
        soon(async {
            while heard_from(first) < 20 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        let id = if round % 2 == 0 { link.cut().await.unwrap() } else { link.reset().await.unwrap() };
        let first = number();
        soon(async {
            while number() < first + 40 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
        assert_eq!(heard_from(first), 0, "said under a fault and heard all the same, in round {round}");
        link.remove(id).await.unwrap();
    }
    tasks.shutdown().await;
    server.end().await;
}
