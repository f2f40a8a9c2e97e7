#![doc = include_str!("../README.md")]

pub mod book;
pub mod call;
pub mod check;
pub mod client;
pub mod engine;
pub mod event;
pub mod fault;
pub mod front;
pub mod guarantee;
pub mod history;
pub mod link;
pub mod look;
pub mod operator;
pub mod outcome;
pub mod plan;
pub mod probe;
pub mod provider;
pub mod report;
pub mod runner;
pub mod scenario;
pub mod secret;
pub mod service;
pub mod stack;
pub mod suite;
#[cfg(test)]
mod tape;
pub mod testing;
pub mod time;
pub mod wait;
pub mod world;
