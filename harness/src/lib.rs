//! leaseproof's library.

pub mod engine;
pub mod event;
pub mod history;
pub mod link;
pub mod outcome;
pub mod provider;
pub mod report;
pub mod scenario;
pub mod secret;
pub mod service;
pub mod time;
