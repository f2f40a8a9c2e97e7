//! leaseproof's library.

pub mod check;
pub mod engine;
pub mod event;
pub mod history;
pub mod link;
pub mod outcome;
pub mod plan;
pub mod provider;
pub mod report;
pub mod scenario;
pub mod secret;
pub mod service;
pub mod stack;
pub mod time;
pub mod wait;
