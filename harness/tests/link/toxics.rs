//! Each toxic as a client and a server meet it.

use std::io;
use std::time::{Duration, Instant};

use leaseproof_harness::link::{Direction, LinkError, Toxic};
use proptest::prelude::*;
use tokio::io::AsyncWriteExt as _;

use crate::support::{
    Rig, assert_closed, assert_exchanges, assert_reset, assert_silent, hear, pattern, rest, say, soon,
};

const SHORT: Duration = Duration::from_millis(120);

#[tokio::test]
async fn latency_counts_once_in_each_direction() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let id = rig.proxy.add(Toxic::Latency { latency: SHORT, jitter: Duration::ZERO }, Direction::Both).await;
    let asked = Instant::now();
    say(&mut client, "question").await;
    hear(&mut server, "question").await;
    assert!(asked.elapsed() >= SHORT);
    say(&mut server, "answer").await;
    hear(&mut client, "answer").await;
    assert!(asked.elapsed() >= SHORT * 2);
    rig.proxy.remove(id).await.unwrap();
    assert_exchanges(&mut client, &mut server).await;
}

#[tokio::test]
async fn removing_a_latency_lets_go_what_it_holds() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let year = Duration::from_secs(365 * 24 * 3600);
    let id = rig.proxy.add(Toxic::Latency { latency: year, jitter: Duration::ZERO }, Direction::Upstream).await;
    say(&mut client, "held").await;
    assert_silent(&mut server).await;
    rig.proxy.remove(id).await.unwrap();
    hear(&mut server, "held").await;
}

#[tokio::test]
async fn a_toxic_on_one_direction_leaves_the_other_alone() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    rig.proxy.add(Toxic::Timeout { timeout: None }, Direction::Downstream).await;
    say(&mut client, "passes").await;
    hear(&mut server, "passes").await;
    say(&mut server, "vanishes").await;
    rig.counted(|stats| stats.bytes_lost == 8).await;
    assert_silent(&mut client).await;
}

#[tokio::test]
async fn bandwidth_takes_its_time() {
    let rig = Rig::new().await;
    rig.proxy.add(Toxic::Bandwidth { bytes_per_second: 10_000 }, Direction::Downstream).await;
    let (mut client, mut server) = rig.pair().await;
    let text = "x".repeat(2_000);
    let sent = Instant::now();
    say(&mut server, &text).await;
    hear(&mut client, &text).await;
    assert!(sent.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn slow_close_holds_the_end_back() {
    let rig = Rig::new().await;
    rig.proxy.add(Toxic::SlowClose { delay: SHORT }, Direction::Upstream).await;
    let (mut client, mut server) = rig.pair().await;
    let closed = Instant::now();
    client.shutdown().await.unwrap();
    assert_closed(&mut server).await;
    assert!(closed.elapsed() >= SHORT);
}

#[tokio::test]
async fn a_timeout_closes_both_ends_in_time_and_passes_nothing() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let added = Instant::now();
    rig.proxy.add(Toxic::Timeout { timeout: Some(SHORT) }, Direction::Upstream).await;
    say(&mut client, "vanishes").await;
    assert_closed(&mut client).await;
    assert!(added.elapsed() >= SHORT);
    assert_closed(&mut server).await;
}

#[tokio::test]
async fn a_timeout_without_end_closes_what_it_has_met_when_it_is_removed() {
    let rig = Rig::new().await;
    let (mut client, mut server) = rig.pair().await;
    let id = rig.proxy.add(Toxic::Timeout { timeout: None }, Direction::Both).await;
    say(&mut client, "vanishes").await;
    assert_silent(&mut server).await;
    rig.proxy.remove(id).await.unwrap();
    assert_closed(&mut server).await;
    assert_closed(&mut client).await;
    let (mut client, mut server) = rig.pair().await;
    assert_exchanges(&mut client, &mut server).await;
}

#[tokio::test]
async fn reset_peer_resets_both_ends_some_time_after_the_first_data() {
    let rig = Rig::new().await;
    rig.proxy.add(Toxic::ResetPeer { after: SHORT }, Direction::Upstream).await;
    let (mut client, mut server) = rig.pair().await;
    assert_silent(&mut client).await;
    let said = Instant::now();
    say(&mut client, "question").await;
    assert_reset(&mut client).await;
    assert!(said.elapsed() >= SHORT);
    assert_reset(&mut server).await;
}

#[tokio::test]
async fn the_slicer_pauses_after_each_piece() {
    let rig = Rig::new().await;
    let delay = Duration::from_millis(10);
    rig.proxy.add(Toxic::Slicer { average: 10, variation: 0, delay }, Direction::Upstream).await;
    let (mut client, mut server) = rig.pair().await;
    let sent = Instant::now();
    say(&mut client, &"x".repeat(100)).await;
    hear(&mut server, &"x".repeat(100)).await;
    // Pieces of at most ten bytes: at least ten of them, and nine pauses between.
    assert!(sent.elapsed() >= delay * 9);
}

#[tokio::test]
async fn limit_data_closes_after_exactly_so_many_bytes() {
    let rig = Rig::new().await;
    rig.proxy.add(Toxic::LimitData { bytes: 10 }, Direction::Downstream).await;
    let (mut client, mut server) = rig.pair().await;
    say(&mut server, "0123456789abcdef").await;
    assert_eq!(rest(&mut client).await, (b"0123456789".to_vec(), Ok(())));
    assert_closed(&mut server).await;
}

#[tokio::test]
async fn a_fault_is_removed_once_and_only_where_it_was_added() {
    let (rig, other) = (Rig::new().await, Rig::new().await);
    let id = rig.proxy.add(Toxic::LimitData { bytes: 10 }, Direction::Both).await;
    other.proxy.add(Toxic::LimitData { bytes: 10 }, Direction::Both).await;
    let elsewhere = other.proxy.remove(id).await;
    assert!(matches!(elsewhere, Err(LinkError::NoSuchFault { address, .. }) if address == other.proxy.address()));
    rig.proxy.remove(id).await.unwrap();
    assert!(rig.proxy.remove(id).await.is_err());
}

#[tokio::test]
async fn a_year_of_latency_or_more_is_no_problem() {
    let rig = Rig::new().await;
    let toxic = Toxic::Latency { latency: Duration::MAX, jitter: Duration::MAX };
    let id = rig.proxy.add(toxic, Direction::Both).await;
    let (mut client, mut server) = rig.pair().await;
    say(&mut client, "held").await;
    rig.proxy.remove(id).await.unwrap();
    hear(&mut server, "held").await;
}

fn harmless() -> impl Strategy<Value = Toxic> {
    let millis = || (0_u64..5).prop_map(Duration::from_millis);
    prop_oneof![
        (millis(), millis()).prop_map(|(latency, jitter)| Toxic::Latency { latency, jitter }),
        (500_000_u64..5_000_000).prop_map(|bytes_per_second| Toxic::Bandwidth { bytes_per_second }),
        (500_usize..3000, 0_usize..500).prop_map(|(average, variation)| Toxic::Slicer {
            average,
            variation,
            delay: Duration::from_micros(100),
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn bytes_arrive_unchanged_over_sockets_whatever_toxics_come_and_go(
        toxics in prop::collection::vec((harmless(), any::<bool>()), 1..5),
        length in 1_usize..60_000,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sent = pattern(length);
        let (got, end) = runtime.block_on(async {
            let rig = Rig::new().await;
            let (mut client, mut server) = rig.pair().await;
            let data = sent.clone();
            let writer = tokio::spawn(async move {
                client.write_all(&data).await.unwrap();
                client.shutdown().await.unwrap();
                client
            });
            for (toxic, goes) in toxics {
                let id = rig.proxy.add(toxic, Direction::Both).await;
                if goes {
                    tokio::task::yield_now().await;
                    rig.proxy.remove(id).await.unwrap();
                }
            }
            let rest = rest(&mut server).await;
            let _client = soon(writer).await.unwrap();
            rest
        });
        prop_assert_eq!(end, Ok::<(), io::ErrorKind>(()));
        prop_assert!(got == sent, "{} of {} bytes, or others", got.len(), sent.len());
    }
}
