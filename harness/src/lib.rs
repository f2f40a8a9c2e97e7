//! leaseproof's library.

pub mod guarantee;
pub mod outcome;
pub mod scenario;
pub mod secret;
pub mod time;
