//! leaseproof's library.

pub mod provider;
pub mod secret;
pub mod time;
