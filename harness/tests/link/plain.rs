//! A link without faults is as good as none.

use leaseproof_harness::link::{LinkError, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{
    Rig, SILENCE, any_port, assert_closed, assert_exchanges, assert_reset, hear, pattern, rest, say, soon,
};

#[tokio::test]
async fn bytes_pass_both_ways_and_are_counted() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    assert_exchanges(&mut client, &mut server).await;
    let stats = rig.proxy.stats();
    assert_eq!((stats.accepted, stats.bytes_up, stats.bytes_down, stats.bytes_lost), (1, 8, 6, 0));
    assert_eq!(rig.proxy.connections(), 1);
}

#[tokio::test]
async fn megabytes_pass_both_ways_at_once() {
    let rig = Rig::new().await;
    let (client, server) = rig.pair().await;
    let data = pattern(8 << 20);
    let both = [client, server].map(|stream| {
        let (mut reader, mut writer) = stream.into_split();
        let data = data.clone();
        tokio::spawn(async move {
            let write = async {
                writer.write_all(&data).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let mut got = Vec::new();
            let (read, ()) = tokio::join!(reader.read_to_end(&mut got), write);
            read.unwrap();
            assert!(got == data, "the bytes are not the same");
        })
    });
    for side in both {
        soon(side).await.unwrap();
    }
}

#[tokio::test]
async fn a_half_closed_connection_still_carries_the_answer() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    say(&mut client, "last words").await;
    client.shutdown().await.unwrap();
    assert_eq!(rest(&mut server).await, (b"last words".to_vec(), Ok(())));
    say(&mut server, "noted").await;
    hear(&mut client, "noted").await;
    drop(server);
    assert_closed(&mut client).await;
    soon(async {
        while rig.proxy.connections() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_by_one_end_reaches_the_other_as_a_reset() {
    let rig = Rig::new().await;
    let (mut client, server) = rig.pair().await;
    server.set_zero_linger().unwrap();
    drop(server);
    assert_reset(&mut client).await;
    let (client, mut server) = rig.pair().await;
    client.set_zero_linger().unwrap();
    drop(client);
    assert_reset(&mut server).await;
}

#[tokio::test]
async fn a_server_that_is_not_there_closes_the_connection() {
    let rig = Rig::new().await;
    let nobody = TcpListener::bind(any_port()).await.unwrap().local_addr().unwrap();
    rig.proxy.set_upstream(nobody);
    let mut client = rig.connect().await;
    assert_closed(&mut client).await;
    assert_eq!(rig.proxy.stats().unreachable, 1);
}

#[tokio::test]
async fn another_upstream_gets_the_next_connections_only() {
    let rig = Rig::new().await;
    let (mut old_client, mut old_server) = rig.pair().await;
    let other = TcpListener::bind(any_port()).await.unwrap();
    rig.proxy.set_upstream(other.local_addr().unwrap());
    let mut client = rig.connect().await;
    let (mut server, _) = soon(other.accept()).await.unwrap();
    assert_exchanges(&mut client, &mut server).await;
    assert_exchanges(&mut old_client, &mut old_server).await;
}

#[tokio::test]
async fn a_server_that_does_not_read_slows_the_client_down_and_loses_nothing() {
    const FAR_TOO_MUCH: usize = 256 << 20;
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let block = pattern(251 * 256);
    let mut sent = 0;
    // The kernel's buffers take some; the link must not take the rest.
    while sent < FAR_TOO_MUCH
        && let Ok(written) = tokio::time::timeout(SILENCE * 2, client.write(&block[sent % 251..])).await
    {
        sent += written.unwrap();
    }
    assert!(sent < FAR_TOO_MUCH, "the link has swallowed it all");
    client.shutdown().await.unwrap();
    let (got, end) = rest(&mut server).await;
    assert_eq!((got.len(), end), (sent, Ok(())));
    assert!(got == pattern(sent), "the bytes are not the same");
}

#[tokio::test]
async fn a_dropped_proxy_closes_everything_and_gives_its_port_back() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let Rig { proxy, server: _listener } = rig;
    let address = proxy.address();
    drop(proxy);
    assert!(TcpStream::connect(address).await.is_err());
    assert_closed(&mut client).await;
    assert_closed(&mut server).await;
    TcpListener::bind(address).await.unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let rig = Rig::new().await;
    let taken = rig.server.local_addr().unwrap();
    let Err(error) = Proxy::start(taken, any_port(), 0).await else { panic!("two on one port") };
    assert!(matches!(error, LinkError::Listen { address, .. } if address == taken));
    assert!(error.to_string().contains(&taken.to_string()));
}
