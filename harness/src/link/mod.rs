//! The link between two services: a TCP proxy with a stable address and Toxiproxy's toxics, in this process or a real
//! Toxiproxy server's (`toxiproxy`). A conformance test holds one against the other.
//!
//! Three ways for a server not to answer must never be taken for one another, so each looks to a client as it does in
//! the world: [`Proxy::disable`] refuses the connection, [`Proxy::reset`] resets it, [`Proxy::cut`] is silence.
//!
//! Each connection has one lock. Its task reads, passes the bytes through the stages and writes under that lock, and a
//! fault is put in place under it; the list of connections has a lock of its own, under which they are accepted. So
//! there is no moment at which a byte or a connection is past a fault that is already there. One direction is a chain of
//! stages over chunks (`chain.rs`); a new kind of fault is one more stage (`stage.rs`).

mod armed;
mod chain;
mod connection;
mod door;
#[expect(clippy::module_inception, reason = "the file holds the link itself, the folder all that it is made of")]
mod link;
mod listening;
mod port;
mod proxy;
mod stage;
mod stats;
mod stream;
mod talk;
mod toxic;
mod toxiproxy;

pub use armed::Coming;
pub use door::Door;
pub use link::Link;
pub use listening::Told;
pub use proxy::{Handle, LinkError, Proxy};
pub use stats::Stats;
pub use talk::{Moment, Overheard, Protocol, Watch};
pub use toxic::{Direction, Toxic, ToxicId};
pub use toxiproxy::{Remote, Toxiproxy};
