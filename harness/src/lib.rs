//! leaseproof's library.

pub mod secret;
pub mod time;
