//! Each toxic judged on a clock of its own, without sockets.

use std::sync::Arc;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::link::chain::Chain;
use crate::link::stats::Counters;
use crate::link::toxic::ToxicId;

const SECOND: Duration = Duration::from_secs(1);
const CHANCE: Chance = Chance { seed: 7, connection: 0, fault: 0 };

/// A chain with a clock of its own, and what has come out of it.
struct Bench {
    chain: Chain,
    start: Instant,
    now: Instant,
    counters: Arc<Counters>,
    added: u64,
}

#[derive(Debug, PartialEq, Eq)]
enum Out {
    Bytes(Vec<u8>),
    End,
    Close,
    Reset,
}

fn bytes(text: &str) -> Out {
    Out::Bytes(text.as_bytes().to_vec())
}

impl Bench {
    fn new() -> Self {
        let (counters, now) = (Arc::<Counters>::default(), Instant::now());
        Self { chain: Chain::new(Arc::clone(&counters)), start: now, now, counters, added: 0 }
    }

    fn with(toxic: &Toxic) -> Self {
        let mut bench = Self::new();
        bench.add(toxic);
        bench
    }

    fn add(&mut self, toxic: &Toxic) -> ToxicId {
        self.add_stage(stage(toxic, Chance { fault: self.added, ..CHANCE }, Way::Up))
    }

    fn add_stage(&mut self, stage: Box<dyn Stage>) -> ToxicId {
        let id = ToxicId { proxy: 0, number: self.added };
        self.added += 1;
        self.chain.add(id, stage, self.now);
        id
    }

    fn remove(&mut self, id: ToxicId) {
        self.chain.remove(id, self.now);
    }

    fn send(&mut self, text: &str) {
        self.chain.feed(Chunk::Bytes(text.as_bytes().to_vec()), self.now);
    }

    fn send_end(&mut self) {
        self.chain.feed(Chunk::End, self.now);
    }

    fn at(&mut self, since_start: Duration) -> &mut Self {
        self.now = self.start + since_start;
        self
    }

    /// All that comes out by now.
    fn out(&mut self) -> Vec<Out> {
        let mut out = Vec::new();
        loop {
            while let Some(chunk) = self.chain.out().pop_front() {
                out.push(match chunk {
                    Chunk::Bytes(bytes) => Out::Bytes(bytes),
                    Chunk::End => Out::End,
                    Chunk::Close => Out::Close,
                    Chunk::Reset => Out::Reset,
                });
            }
            if !self.chain.advance(self.now) {
                return out;
            }
        }
    }

    /// Goes through time, from due to due, until nothing is left, and gives each chunk with its time.
    fn run_out(&mut self) -> Vec<(Duration, Out)> {
        let mut all = Vec::new();
        loop {
            let now = self.now - self.start;
            all.extend(self.out().into_iter().map(|out| (now, out)));
            let Some(due) = self.chain.next_due(self.now) else { return all };
            self.now = due;
        }
    }
}

#[test]
fn latency_delays_data_and_the_end_alike() {
    let mut bench = Bench::with(&Toxic::Latency { latency: SECOND, jitter: Duration::ZERO });
    bench.send("a");
    bench.at(SECOND / 2).send_end();
    assert_eq!(bench.at(Duration::from_nanos(999_999_999)).out(), []);
    assert_eq!(bench.run_out(), [(SECOND, bytes("a")), (SECOND * 3 / 2, Out::End)]);
}

#[test]
fn jitter_stays_in_its_bounds_and_never_reorders() {
    let jitter = SECOND / 2;
    let mut bench = Bench::with(&Toxic::Latency { latency: SECOND, jitter });
    let sent = ["a", "b", "c", "d", "e", "f", "g", "h"];
    for text in sent {
        bench.send(text);
    }
    let arrived = bench.run_out();
    assert_eq!(arrived.iter().map(|(_, out)| out).collect::<Vec<_>>(), sent.map(bytes).each_ref());
    assert!(arrived.iter().all(|(at, _)| (SECOND / 2..=SECOND * 3 / 2).contains(at)));
}

#[test]
fn jitter_differs_between_connections() {
    let toxic = Toxic::Latency { latency: SECOND, jitter: SECOND / 2 };
    let first_arrival = |connection| {
        let mut bench = Bench::new();
        bench.add_stage(stage(&toxic, Chance { connection, ..CHANCE }, Way::Up));
        bench.send("a");
        bench.run_out()[0].0
    };
    assert!((1..8).any(|connection| first_arrival(connection) != first_arrival(0)));
}

#[test]
fn latency_holds_a_bounded_amount() {
    let mut bench = Bench::with(&Toxic::Latency { latency: SECOND, jitter: Duration::ZERO });
    let mut sent = 0;
    while bench.chain.has_room() {
        bench.send(&"x".repeat(16 * 1024));
        sent += 16 * 1024;
    }
    assert_eq!(sent, HELD_BYTES);
}

#[test]
fn bandwidth_lets_each_byte_through_when_its_turn_has_come() {
    let mut bench = Bench::with(&Toxic::Bandwidth { bytes_per_second: 20 });
    bench.send("abcd");
    assert_eq!(bench.run_out(), [(SECOND / 10, bytes("ab")), (SECOND / 5, bytes("cd"))]);
}

#[test]
fn no_bandwidth_at_all_keeps_the_data_until_the_toxic_goes() {
    let mut bench = Bench::new();
    let id = bench.add(&Toxic::Bandwidth { bytes_per_second: 0 });
    bench.send("kept");
    assert!(!bench.chain.has_room());
    assert_eq!(bench.at(SECOND * 3600).out(), []);
    bench.remove(id);
    assert_eq!(bench.out(), [bytes("kept")]);
}

#[test]
fn slow_close_delays_the_end_only() {
    let mut bench = Bench::with(&Toxic::SlowClose { delay: SECOND });
    bench.send("a");
    assert_eq!(bench.out(), [bytes("a")]);
    bench.send_end();
    assert_eq!(bench.run_out(), [(SECOND, Out::End)]);
}

#[test]
fn a_timeout_swallows_and_then_closes() {
    let mut bench = Bench::with(&Toxic::Timeout { timeout: Some(SECOND) });
    bench.send("gone");
    assert_eq!(bench.run_out(), [(SECOND, Out::Close)]);
    assert_eq!(bench.counters.read().bytes_lost, 4);
}

#[test]
fn a_timeout_without_end_closes_when_it_is_removed() {
    let mut bench = Bench::new();
    let id = bench.add(&Toxic::Timeout { timeout: None });
    bench.send("gone");
    assert_eq!(bench.run_out(), []);
    bench.remove(id);
    assert_eq!(bench.out(), [Out::Close]);
}

#[test]
fn reset_peer_counts_from_the_first_data_and_passes_none() {
    let mut bench = Bench::with(&Toxic::ResetPeer { after: SECOND });
    assert_eq!(bench.at(SECOND * 5).out(), []);
    bench.send("a");
    bench.at(SECOND * 11 / 2).send("b");
    assert_eq!(bench.run_out(), [(SECOND * 6, Out::Reset)]);
}

#[test]
fn a_reset_peer_removed_early_still_resets_what_it_has_swallowed_from() {
    let mut bench = Bench::new();
    let id = bench.add(&Toxic::ResetPeer { after: SECOND });
    bench.send("a");
    bench.remove(id);
    assert_eq!(bench.out(), [Out::Reset]);
}

#[rstest]
#[case::within_a_chunk(4, &["abc", "def"], vec![bytes("abc"), bytes("d"), Out::Close])]
#[case::at_a_chunks_end(3, &["abc", "def"], vec![bytes("abc"), Out::Close])]
#[case::nothing_at_all(0, &["abc"], vec![Out::Close])]
fn limit_data_lets_exactly_so_many_bytes_through(#[case] limit: u64, #[case] sent: &[&str], #[case] out: Vec<Out>) {
    let mut bench = Bench::with(&Toxic::LimitData { bytes: limit });
    for text in sent {
        bench.send(text);
    }
    assert_eq!(bench.out(), out);
}

#[test]
fn a_healed_cut_resets_a_stream_with_a_hole_and_no_other() {
    for (sent, after) in [(Some("lost"), vec![Out::Reset]), (None, vec![])] {
        let mut bench = Bench::new();
        let id = bench.add_stage(cut());
        if let Some(text) = sent {
            bench.send(text);
        }
        assert_eq!(bench.out(), []);
        bench.remove(id);
        assert_eq!(bench.out(), after);
    }
}

#[test]
fn a_second_cut_hides_what_the_first_has_done() {
    let mut bench = Bench::new();
    let (first, second) = (bench.add_stage(cut()), bench.add_stage(cut()));
    bench.send("lost");
    bench.remove(first);
    assert_eq!(bench.out(), []);
    bench.remove(second);
    assert_eq!(bench.out(), [Out::Reset]);
}

#[test]
fn a_stage_added_later_meets_what_the_chain_still_holds() {
    let mut bench = Bench::new();
    bench.send("not yet written");
    let slow = bench.add(&Toxic::Latency { latency: SECOND, jitter: Duration::ZERO });
    bench.add_stage(cut());
    bench.remove(slow);
    assert_eq!(bench.run_out(), []);
    assert_eq!(bench.counters.read().bytes_lost, 15);
}

#[test]
fn chance_follows_from_seed_and_connection() {
    let pieces = |chance: Chance| {
        let toxic = Toxic::Slicer { average: 20, variation: 10, delay: Duration::ZERO };
        let mut bench = Bench::new();
        bench.add_stage(stage(&toxic, chance, Way::Up));
        bench.send(&"x".repeat(4096));
        bench.out()
    };
    assert_eq!(pieces(CHANCE), pieces(CHANCE));
    assert_ne!(pieces(CHANCE), pieces(Chance { connection: 1, ..CHANCE }));
    assert_ne!(pieces(CHANCE), pieces(Chance { seed: 8, ..CHANCE }));
}

fn harmless() -> impl Strategy<Value = Toxic> {
    let millis = || (0_u64..50).prop_map(Duration::from_millis);
    prop_oneof![
        (millis(), millis()).prop_map(|(latency, jitter)| Toxic::Latency { latency, jitter }),
        (1_u64..100_000).prop_map(|bytes_per_second| Toxic::Bandwidth { bytes_per_second }),
        (0_usize..300, 0_usize..300, millis()).prop_map(|(average, variation, delay)| Toxic::Slicer {
            average,
            variation,
            delay
        }),
        millis().prop_map(|delay| Toxic::SlowClose { delay }),
    ]
}

#[derive(Debug, Clone)]
enum Act {
    Send(usize),
    Add(Toxic),
    Remove(prop::sample::Index),
    Wait(Duration),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1_usize..5000).prop_map(Act::Send),
        1 => harmless().prop_map(Act::Add),
        1 => any::<prop::sample::Index>().prop_map(Act::Remove),
        4 => (0_u64..60).prop_map(|ms| Act::Wait(Duration::from_millis(ms))),
    ]
}

proptest! {
    #[test]
    fn bytes_arrive_unchanged_and_in_order_whatever_toxics_come_and_go(acts in prop::collection::vec(act(), 1..60)) {
        let mut bench = Bench::new();
        let (mut sent, mut arrived, mut there) = (Vec::new(), Vec::new(), Vec::new());
        for act in acts {
            match act {
                Act::Send(count) if bench.chain.has_room() => {
                    let chunk: Vec<u8> = (0..=250).cycle().skip(sent.len() % 251).take(count).collect();
                    sent.extend_from_slice(&chunk);
                    bench.chain.feed(Chunk::Bytes(chunk), bench.now);
                }
                Act::Add(toxic) => there.push(bench.add(&toxic)),
                Act::Remove(which) if !there.is_empty() => {
                    let id = there.swap_remove(which.index(there.len()));
                    bench.remove(id);
                }
                Act::Wait(time) => {
                    bench.now += time;
                    arrived.extend(bench.out());
                }
                Act::Send(_) | Act::Remove(_) => {}
            }
        }
        bench.send_end();
        arrived.extend(bench.run_out().into_iter().map(|(_, out)| out));
        prop_assert_eq!(arrived.pop(), Some(Out::End));
        let arrived: Vec<u8> = arrived.into_iter().flat_map(|out| match out {
            Out::Bytes(bytes) => bytes,
            other => panic!("{other:?} out of nowhere"),
        }).collect();
        prop_assert_eq!(arrived, sent);
    }

    #[test]
    fn slices_differ_from_the_average_by_no_more_than_allowed(
        average in 2_usize..300, variation in 0_usize..300, length in 1_usize..5000,
    ) {
        let variation = variation.min(average - 1);
        let mut bench = Bench::with(&Toxic::Slicer { average, variation, delay: Duration::ZERO });
        bench.send(&"x".repeat(length));
        for (_, out) in bench.run_out() {
            let Out::Bytes(piece) = out else { panic!("{out:?} is no piece") };
            prop_assert!(!piece.is_empty() && piece.len() <= average + variation);
        }
    }
}
