//! A small model of what is documented of leases, tokens and roles: what an answer must be, and what must be true of each
//! lease and token at a time that is known as an interval. It knows no server and no tokio. [`draw`] draws sequences of
//! operations with proptest, and [`script`] writes one as a scenario that expects what the model says after each operation.

mod compare;
pub mod draw;
pub mod fault;
pub mod lease;
pub mod operation;
mod path;
pub mod script;
pub mod state;
pub mod static_role;
#[cfg(test)]
mod tests;
pub mod truth;
mod writer;

pub use path::Path;

/// The promise by which something is so: `LEASE-01`.
pub type Cited = &'static str;
