//! Servers as containers of a Docker engine, each scenario's on a network of their own: marked, so that nothing of them is
//! left behind, and published on loopback ports that stay the same over a restart.

mod aws;
mod cluster;
#[cfg(test)]
mod compose_tests;
pub mod container;
mod database;
pub mod disk;
pub mod engine;
pub mod image;
pub mod mark;
mod network;
mod raft;
mod sealer;
mod toxiproxy;
mod up;
mod vault;

pub use up::{Docker, DockerError};
