//! leaseproof's library.

pub mod link;
pub mod secret;
pub mod time;
