//! Servers as plain processes of this machine: their programs found or fetched, their ports kept over a restart, and
//! nothing of them left behind.

mod apt;
pub(super) mod audit;
pub(super) mod aws;
pub mod built;
pub mod cache;
mod claim;
pub(super) mod cluster;
mod database;
mod dialer;
pub mod disk;
pub mod estate;
mod family;
pub mod fetch;
pub mod find;
mod forker;
pub mod launch;
pub mod ledger;
pub(super) mod lines;
mod mysql;
pub mod part;
pub mod port;
mod postgres;
mod private;
pub mod process;
pub(super) mod sealer;
mod shared_memory;
pub mod survey;
pub mod template;
pub mod turn;
mod up;
pub mod user;
pub(super) mod vault_keys;

pub use up::{Native, name_of};
pub(super) use up::{alone, http, next_of};
