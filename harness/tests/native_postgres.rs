//! A real PostgreSQL, whose backends leave the postmaster's process group, is paused, killed and restarted whole.
#![expect(clippy::unwrap_used, reason = "helpers of a test are not seen as tests by clippy")]

mod native;

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::Estate;
use leaseproof_harness::provider::native::launch::Signal;
use leaseproof_harness::provider::native::port::Port;
use leaseproof_harness::provider::native::process::{Process, Stopped};
use native::server::{initialised, server};
use tokio_postgres::{Client, NoTls};

const GRACE: Duration = Duration::from_secs(20);

async fn connect(address: SocketAddr) -> Result<Client, tokio_postgres::Error> {
    let text = format!("host=127.0.0.1 port={} user=root dbname=postgres", address.port());
    let (client, connection) = tokio_postgres::connect(&text, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn connected(process: &Process, address: SocketAddr) -> Client {
    let attempts = async {
        loop {
            if let Ok(client) = connect(address).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        client = attempts => client,
        exit = process.exited() => panic!("{:?}: {}", exit, fs::read_to_string(process.log()).unwrap()),
        () = tokio::time::sleep(GRACE) => panic!("no connection in {GRACE:?}"),
    }
}

async fn backend(client: &Client) -> String {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get::<_, i32>(0).to_string()
}

// The busy session needs a worker of its own while the test waits for it to show.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_is_paused_resumed_killed_and_restarted_with_all_its_backends() {
    let programs = native::postgres();
    let temporary = tempfile::tempdir_in("/tmp").unwrap();
    // The temporary folder itself is closed to the server's user.
    fs::set_permissions(temporary.path(), Permissions::from_mode(0o711)).unwrap();
    let base = temporary.path().join("home");
    let estate = Estate::open_in(&base).unwrap();
    let folder = initialised(&estate, &Cache::at(temporary.path().join("cache")), &programs).await;
    let port = Port::claim().unwrap();
    let process = server(&estate, &programs, &folder, &port);
    process.start().await.unwrap();
    let client = connected(&process, port.address()).await;
    let session = backend(&client).await;
    let leader = process.pid().unwrap().to_string();
    assert_ne!(session, leader);

    process.pause().await.unwrap();
    assert_eq!((native::state_of(&leader), native::state_of(&session)), (Some('T'), Some('T')));
    let query = client.query_one("SELECT 1", &[]);
    tokio::pin!(query);
    assert!(tokio::time::timeout(Duration::from_millis(200), &mut query).await.is_err());
    assert!(tokio::time::timeout(Duration::from_millis(200), connect(port.address())).await.is_err());

    process.resume().await.unwrap();
    assert_eq!(query.await.unwrap().get::<_, i32>(0), 1);

    // Busy in a loop that never looks whether the postmaster lives.
    let busy = connected(&process, port.address()).await;
    let busy_session = backend(&busy).await;
    let spin = tokio::spawn(async move { busy.batch_execute("DO $$ BEGIN LOOP END LOOP; END $$").await });
    native::wait_for("a busy backend", || (native::state_of(&busy_session) == Some('R')).then_some(()));
    process.kill().await.unwrap();
    assert!(!native::lives(&leader) && !native::lives(&session) && !native::lives(&busy_session));
    assert!(spin.await.unwrap().is_err());
    assert_eq!(native::processes_naming(folder.to_str().unwrap()), Vec::<String>::new());

    process.start().await.unwrap();
    let client = connected(&process, port.address()).await;
    backend(&client).await;
    assert!(matches!(process.stop(GRACE).await.unwrap(), Stopped::Politely(exit) if exit.status.unwrap().success()));

    // What outlives its own postmaster is found by a later start, though its environment is overwritten.
    process.start().await.unwrap();
    let client = connected(&process, port.address()).await;
    let orphan = backend(&client).await;
    tokio::spawn(async move { client.batch_execute("DO $$ BEGIN LOOP END LOOP; END $$").await });
    let leader = nix::unistd::Pid::from_raw(process.pid().unwrap());
    native::wait_for("a busy backend", || (native::state_of(&orphan) == Some('R')).then_some(()));
    nix::sys::signal::kill(leader, Signal::SIGKILL).unwrap();
    process.exited().await.unwrap();
    assert!(native::lives(&orphan));
    process.start().await.unwrap();
    assert!(!native::lives(&orphan));
    connected(&process, port.address()).await;

    // A killed server's shared memory is nobody's, and the machine has only some thousand segments.
    let pid_file = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let segment = pid_file.lines().nth(6).unwrap().split_whitespace().nth(1).unwrap().to_owned();
    assert!(segments().contains(&segment));
    estate.close().await.unwrap();
    assert!(!segments().contains(&segment));
    assert_eq!(native::processes_naming(base.to_str().unwrap()), Vec::<String>::new());
    assert_eq!(fs::read_dir(&base).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count(), 0);
}

/// The numbers of the machine's System V shared memory segments.
fn segments() -> Vec<String> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap();
    table.lines().skip(1).map(|row| row.split_whitespace().nth(1).unwrap().to_owned()).collect()
}
