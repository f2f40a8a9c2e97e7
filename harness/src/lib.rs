#![doc = include_str!("../README.md")]

pub mod between;
pub mod book;
pub mod call;
pub mod capture;
pub mod check;
pub mod client;
pub mod coverage;
pub mod engine;
pub mod event;
pub mod fault;
pub mod guarantee;
pub mod history;
pub mod hold;
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
pub mod shape;
pub mod stack;
pub mod stall;
pub mod suite;
#[cfg(test)]
mod tape;
pub mod testing;
pub mod time;
pub mod upgrade;
pub mod wait;
pub mod world;
