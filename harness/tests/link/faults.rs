//! Down, reset and cut: three ways not to answer, each told from the others by any client.

use std::io;

use leaseproof_harness::link::{Direction, Toxic};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Rig, assert_closed, assert_exchanges, assert_reset, assert_silent, say};

#[tokio::test]
async fn down_refuses_new_connections_and_closes_old_ones() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.disable().await;
    assert_eq!(rig.proxy.connections(), 0);
    let refused = TcpStream::connect(rig.proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    assert_closed(&mut client).await;
    assert_closed(&mut server).await;
}

#[tokio::test]
async fn a_link_that_is_down_keeps_its_port_and_comes_up_on_it() {
    let rig = Rig::new().await;
    let address = rig.proxy.address();
    for _ in 0..20 {
        let _left_open = rig.pair().await;
        rig.proxy.disable().await;
        rig.proxy.disable().await;
        assert_eq!(TcpListener::bind(address).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        rig.proxy.enable().await.unwrap();
        rig.proxy.enable().await.unwrap();
        assert_eq!(rig.proxy.address(), address);
        let (mut client, mut server) = rig.pair().await;
        assert_exchanges(&mut client, &mut server).await;
    }
}

#[tokio::test]
async fn a_reset_resets_both_ends_of_old_connections_and_turns_new_ones_away() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    assert_exchanges(&mut client, &mut server).await;
    let id = rig.proxy.reset().await;
    assert_eq!(rig.proxy.connections(), 0);
    assert_reset(&mut client).await;
    assert_reset(&mut server).await;
    // The kernel completes the handshake by itself, so the reset may come in it or right after it.
    match TcpStream::connect(rig.proxy.address()).await {
        Ok(mut client) => assert_reset(&mut client).await,
        Err(e) => assert_eq!(e.kind(), io::ErrorKind::ConnectionReset),
    }
    rig.counted(|stats| stats.turned_away == 1).await;
    rig.proxy.remove(id).await.unwrap();
    let (mut client, mut server) = rig.pair().await;
    assert_exchanges(&mut client, &mut server).await;
    assert_eq!(rig.proxy.stats().accepted, 2);
}

#[tokio::test]
async fn a_cut_is_silence_both_ways() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.cut().await;
    say(&mut client, "up").await;
    say(&mut server, "down").await;
    rig.counted(|stats| stats.bytes_lost == 6).await;
    assert_silent(&mut client).await;
    assert_silent(&mut server).await;
    assert_eq!(rig.proxy.connections(), 1);
}

#[tokio::test]
async fn a_cut_hides_that_an_end_has_gone() {
    let rig = Rig::new().await;
    let (client, mut server) = rig.pair().await;
    let (mut other_client, other_server) = rig.pair().await;
    let id = rig.proxy.cut().await;
    drop(client);
    other_server.set_zero_linger().unwrap();
    drop(other_server);
    // Silence also gives the kernel the time to bring both ends here, so that the cut has them to lose.
    assert_silent(&mut server).await;
    assert_silent(&mut other_client).await;
    rig.proxy.remove(id).await.unwrap();
    assert_reset(&mut server).await;
    assert_reset(&mut other_client).await;
}

#[tokio::test]
async fn after_a_cut_connections_that_lost_bytes_are_reset_and_others_go_on() {
    let rig = Rig::new().await;
    let (mut hurt_client, mut hurt_server) = rig.pair().await;
    let (mut client, mut server) = rig.pair().await;
    let id = rig.proxy.cut().await;
    say(&mut hurt_server, "lost").await;
    rig.counted(|stats| stats.bytes_lost == 4).await;
    rig.proxy.remove(id).await.unwrap();
    assert_eq!(rig.proxy.connections(), 1, "the connection with a hole outlived the cut");
    assert_reset(&mut hurt_client).await;
    assert_reset(&mut hurt_server).await;
    assert_exchanges(&mut client, &mut server).await;
}

#[tokio::test]
async fn a_connection_made_during_a_cut_does_not_reach_the_server_before_it_heals() {
    let rig = Rig::new().await;
    let id = rig.proxy.cut().await;
    let mut quiet = rig.connect().await;
    let mut talking = rig.connect().await;
    say(&mut talking, "lost").await;
    rig.counted(|stats| stats.accepted == 2 && stats.bytes_lost == 4).await;
    assert_silent(&mut talking).await;
    // The listener behind the link would have it in its queue.
    let called = tokio::time::timeout(crate::support::SILENCE, rig.server.accept()).await;
    assert!(called.is_err(), "the server was called through a cut");
    rig.proxy.remove(id).await.unwrap();
    assert_reset(&mut talking).await;
    let mut server = rig.accept().await;
    assert_exchanges(&mut quiet, &mut server).await;
}

#[tokio::test]
async fn a_cut_swallows_what_a_latency_still_holds() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let year = std::time::Duration::from_secs(365 * 24 * 3600);
    let latency = rig.proxy.add(Toxic::Latency { latency: year, jitter: year / 2 }, Direction::Both).await;
    say(&mut client, "on the way").await;
    rig.proxy.cut().await;
    rig.proxy.remove(latency).await.unwrap();
    rig.counted(|stats| stats.bytes_lost == 10).await;
    assert_silent(&mut server).await;
}

#[tokio::test]
async fn a_reset_does_not_get_through_a_cut() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let cut = rig.proxy.cut().await;
    let reset = rig.proxy.reset().await;
    let mut late = rig.connect().await;
    for end in [&mut client, &mut server, &mut late] {
        assert_silent(end).await;
    }
    rig.proxy.remove(reset).await.unwrap();
    rig.proxy.remove(cut).await.unwrap();
    for end in [&mut client, &mut server, &mut late] {
        assert_reset(end).await;
    }
}

#[tokio::test]
async fn a_client_that_floods_a_cut_link_is_never_held_up() {
    let rig = Rig::new().await;
    let (mut client, _server) = rig.pair().await;
    rig.proxy.cut().await;
    let block = vec![0; 1 << 20];
    for _ in 0..64 {
        crate::support::soon(client.write_all(&block)).await.unwrap();
    }
    rig.counted(|stats| stats.bytes_lost == 64 << 20).await;
    assert_eq!(rig.proxy.stats().bytes_up, 0);
}
