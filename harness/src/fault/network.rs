//! Faults on links: down, cut, reset, and Toxiproxy's toxics. Each is in force when the link says so: no connection slips
//! past it; then it is looked at from outside, over the link itself.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};

use super::{Effect, FaultError, until_shows};
use crate::event::Part;
use crate::link::{Direction, Link, Toxic, ToxicId};
use crate::scenario::file::{Endpoint, Node, Partition, Way};
use crate::scenario::mark::Marked;
use crate::scenario::one::Broken;
use crate::world::{Missing, World};

/// What undoes a fault on a link.
#[derive(Debug)]
pub(super) struct Undo(Vec<OnLink>);

impl Undo {
    /// What undoes it on one link.
    pub(super) fn one(from: Endpoint, to: Endpoint, what: What) -> Self {
        Self(vec![OnLink { from, to, what }])
    }
}

/// What undoes it on one link.
#[derive(Debug)]
struct OnLink {
    from: Endpoint,
    to: Endpoint,
    what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Enable,
    Remove(ToxicId),
}

/// How long a silent link is listened to before it is called silent. A link without fault answers in a millisecond.
const SILENCE: Duration = Duration::from_millis(400);

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    if let Broken::Partition(partition) = broken {
        return self::partition(world, partition).await;
    }
    let (from, to) = ends(broken).ok_or_else(|| missing("link"))?;
    let (from, to) = (named(world, from).await?, named(world, to).await?);
    let link = link(world, from, to)?;
    let what = match broken {
        Broken::Down(_) => {
            link.disable().await?;
            What::Enable
        }
        Broken::Cut(_) => What::Remove(link.cut().await?),
        Broken::Reset(_) => What::Remove(link.reset().await?),
        toxic => {
            let (toxic, way) = read_toxic(toxic).ok_or_else(|| missing("toxic"))?;
            What::Remove(link.add(toxic, direction(way)).await?)
        }
    };
    let seen = see(link, to, broken).await?;
    let undo = super::Undo::Network(Undo(vec![OnLink { from, to, what }]));
    Ok(Effect { undo, disturbs: vec![Part::Link { from, to }], seen })
}

/// Cuts every link between two sides, both ways.
async fn partition(world: &World, partition: &Partition) -> Result<Effect, FaultError> {
    let mut side = Vec::new();
    for wanted in &partition.nodes {
        side.push(super::node(world, **wanted).await?.name);
    }
    let all = &world.stack.vault.nodes;
    let leader = world.stack.vault.find(Node::Leader).await.map(|node| node.name);
    let (here, there): (Vec<Node>, Vec<Node>) = all.iter().map(|node| node.name).partition(|name| side.contains(name));
    let mut undo = Vec::new();
    for one in &here {
        for other in &there {
            for (from, to) in [(*one, *other), (*other, *one)] {
                let (from, to) = (Endpoint::from(from), Endpoint::from(to));
                let cut = link(world, from, to)?.cut().await?;
                undo.push(OnLink { from, to, what: What::Remove(cut) });
            }
        }
    }
    for on in &undo {
        let link = link(world, on.from, on.to)?;
        let look = || async move { expect(&ask(link, on.to).await, |met| matches!(met, Met::Silence)) };
        until_shows("silence", look).await?;
    }
    // Whoever is on a side without a majority is out; if the leader is, all of Vault is disturbed until another leads.
    let out = |side: &[Node]| side.len() * 2 <= all.len();
    let mut disturbs = Vec::new();
    for side in [&here, &there].into_iter().filter(|side| out(side)) {
        disturbs.extend(side.iter().map(|node| Part::Node(*node)));
        if leader.is_none_or(|leader| side.contains(&leader)) {
            disturbs.push(Part::Vault);
        }
    }
    let names = |side: &[Node]| side.iter().map(Node::to_string).collect::<Vec<_>>().join(", ");
    let led = leader.map_or_else(|| "nobody led".to_owned(), |leader| format!("{leader} led"));
    let seen = format!("{led}; between {} and {} nothing passes", names(&here), names(&there));
    Ok(Effect { undo: super::Undo::Network(Undo(undo)), disturbs, seen })
}

/// The end by its name, where a scenario calls a node by what it is.
async fn named(world: &World, end: Endpoint) -> Result<Endpoint, FaultError> {
    match end.node() {
        Some(node) => Ok(super::node(world, node).await?.name.into()),
        None => Ok(end),
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let mut seen = String::new();
    for on in undo.0 {
        let link = link(world, on.from, on.to)?;
        match on.what {
            What::Enable => link.enable().await?,
            What::Remove(id) => link.remove(id).await?,
        }
        // Only that the link takes connections again: whether the server behind it answers is another fault's matter.
        seen = until_shows("an open link", || async move {
            link.connect().await.map(|_| "the link takes connections".to_owned()).map_err(|e| e.to_string())
        })
        .await?;
    }
    Ok(seen)
}

pub(super) fn link(world: &World, from: Endpoint, to: Endpoint) -> Result<&Link, FaultError> {
    world.stack.links.get(from, to).ok_or_else(|| missing(&format!("{from}→{to}")))
}

fn missing(name: &str) -> FaultError {
    Missing { kind: "link", name: name.to_owned() }.into()
}

fn ends(broken: &Broken<'_>) -> Option<(Endpoint, Endpoint)> {
    let ends = |from: Marked<Endpoint>, to: Marked<Endpoint>| Some((from.value, to.value));
    match broken {
        Broken::Down(on) | Broken::Cut(on) | Broken::Reset(on) => ends(on.from, on.to),
        Broken::Latency(t) => ends(t.from, t.to),
        Broken::Bandwidth(t) => ends(t.from, t.to),
        Broken::SlowClose(t) => ends(t.from, t.to),
        Broken::Timeout(t) => ends(t.from, t.to),
        Broken::Slicer(t) => ends(t.from, t.to),
        Broken::LimitData(t) => ends(t.from, t.to),
        _ => None,
    }
}

fn read_toxic(broken: &Broken<'_>) -> Option<(Toxic, Way)> {
    let way = |way: Option<Marked<Way>>| way.map(|way| way.value).unwrap_or_default();
    let bytes = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Some(match broken {
        Broken::Latency(t) => {
            let jitter = t.jitter.map_or(Duration::ZERO, |jitter| jitter.0);
            (Toxic::Latency { latency: t.latency.0, jitter }, way(t.way))
        }
        Broken::Bandwidth(t) => (Toxic::Bandwidth { bytes_per_second: *t.bytes_per_second }, way(t.way)),
        Broken::SlowClose(t) => (Toxic::SlowClose { delay: t.delay.0 }, way(t.way)),
        Broken::Timeout(t) => (Toxic::Timeout { timeout: Some(t.after.0) }, way(t.way)),
        Broken::Slicer(t) => {
            let variation = t.variation_bytes.map_or(0, |v| bytes(*v));
            let delay = t.delay.map_or(Duration::ZERO, |delay| delay.0);
            (Toxic::Slicer { average: bytes(*t.average_bytes), variation, delay }, way(t.way))
        }
        Broken::LimitData(t) => (Toxic::LimitData { bytes: *t.bytes }, way(t.way)),
        _ => return None,
    })
}

const fn direction(way: Way) -> Direction {
    match way {
        Way::Upstream => Direction::Upstream,
        Way::Downstream => Direction::Downstream,
        Way::Both => Direction::Both,
    }
}

/// Sees a fault's effect from outside: what a client of the link meets.
async fn see(link: &Link, to: Endpoint, broken: &Broken<'_>) -> Result<String, FaultError> {
    match broken {
        Broken::Down(_) => {
            // A link within a cluster shares its address with others, so that it cannot refuse: it resets.
            let refuses = |met: &Met| matches!(met, Met::Refused) || (!link.has_address() && matches!(met, Met::Reset));
            let look = || async move { expect(&ask(link, to).await, refuses) };
            until_shows("a refused connection", look).await
        }
        Broken::Cut(_) => {
            let look = || async move { expect(&ask(link, to).await, |met| matches!(met, Met::Silence)) };
            until_shows("silence", look).await
        }
        Broken::Reset(_) => {
            let look = || async move { expect(&ask(link, to).await, |met| matches!(met, Met::Reset)) };
            until_shows("a reset connection", look).await
        }
        Broken::Latency(toxic) => {
            let least = toxic.latency.0.saturating_sub(toxic.jitter.map_or(Duration::ZERO, |jitter| jitter.0));
            let patience = toxic.latency.0 * 4 + SILENCE;
            let began = Instant::now();
            let met = timeout(patience, answer(link, to)).await.unwrap_or(Met::Silence);
            let took = began.elapsed();
            if took >= least {
                Ok(format!("an answer took {} ms ({met})", took.as_millis()))
            } else {
                let seen = format!("an answer came after {} ms ({met})", took.as_millis());
                Err(FaultError::Unseen { what: "a late answer".to_owned(), last: seen })
            }
        }
        // What the others do depends on what passes; the link applies them to every byte from now on.
        _ => Ok("the link passes every byte through it".to_owned()),
    }
}

/// What a client meets on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Met {
    Answer,
    Closed,
    Refused,
    Reset,
    Silence,
    Other(String),
}

impl std::fmt::Display for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Answer => "an answer",
            Self::Closed => "a closed connection",
            Self::Refused => "connection refused",
            Self::Reset => "connection reset",
            Self::Silence => "silence",
            Self::Other(text) => text,
        })
    }
}

fn expect(met: &Met, is_it: impl FnOnce(&Met) -> bool) -> Result<String, String> {
    if is_it(met) { Ok(format!("a new connection met {met}")) } else { Err(format!("a new connection met {met}")) }
}

async fn ask(link: &Link, to: Endpoint) -> Met {
    timeout(SILENCE, answer(link, to)).await.unwrap_or(Met::Silence)
}

/// Asks something harmless and waits for the first byte of the answer: PostgreSQL's question for TLS, a login at MySQL that
/// says nothing, or an HTTP request.
async fn answer(link: &Link, to: Endpoint) -> Met {
    let question: &[u8] = match to {
        Endpoint::Postgres => &[0, 0, 0, 8, 4, 210, 22, 47],
        Endpoint::Mysql => &[1, 0, 0, 1, 0],
        Endpoint::Aws => b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        _ => b"GET /v1/sys/seal-status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    };
    let met = async {
        let mut stream = link.connect().await?;
        if to == Endpoint::Mysql {
            // It speaks first: a packet of three bytes of length, a number, and so many bytes.
            let mut head = [0; 4];
            stream.read_exact(&mut head).await?;
            let mut greeting = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16];
            stream.read_exact(&mut greeting).await?;
        }
        stream.write_all(question).await?;
        let mut byte = [0; 1];
        Ok(if stream.read(&mut byte).await? == 0 { Met::Closed } else { Met::Answer })
    };
    met.await.unwrap_or_else(|error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Met::Closed,
        io::ErrorKind::ConnectionRefused => Met::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Met::Reset,
        _ => Met::Other(error.to_string()),
    })
}
