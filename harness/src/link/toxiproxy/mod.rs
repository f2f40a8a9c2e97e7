//! Links over a real Toxiproxy server: the same faults as the in-process proxy's, by the program that coined their names.
//!
//! Proxies are made, read, enabled and disabled with the crate `toxiproxy_rust`, which blocks and so stays off the async
//! threads. Toxics go over Toxiproxy's HTTP API, with that crate's own `ToxicPack` as the body: its `with_…` calls take a
//! refusal for success, panic when the server is gone, name a toxic after its type (so that two of one type collide), and
//! know no `reset_peer`. For the same reason every change it makes is read back.
//!
//! What Toxiproxy cannot do as the in-process proxy does, and so differs here:
//! - It knows no half-closed connection: the end of one stream closes the other, too.
//! - It passes a reset on as an orderly close.
//! - *cut* is `timeout` without end, both ways: new connections still reach the server, a closing passes, and the healing
//!   closes what the cut had met.
//! - *reset* is `reset_peer`, both ways: a new connection is reset at its first byte, not at its door. Connections that are
//!   open are closed, since Toxiproxy resets only those that begin under the toxic; while that is done the address refuses.
//! - `bandwidth` counts in whole kilobytes per second, times in whole milliseconds, and the wait of `timeout` begins again
//!   with each chunk.
//! - Chance (jitter, the sizes of slices) follows no seed: 2.12.0 has a flag for one, and makes no use of it.
//!
//! Each single change is made under the locks of the server: once its answer is here, new connections begin under it, and
//! open ones have it. A fault both ways is two such changes, and is in force when the second has been answered.

mod remote;
mod server;
mod spell;

pub use remote::Remote;
pub use server::Toxiproxy;
