//! Servers as plain processes of this machine: their programs found or fetched, their ports kept over a restart, and
//! nothing of them left behind.

pub mod estate;
mod family;
mod forker;
pub mod launch;
pub mod ledger;
pub mod port;
pub mod process;
mod up;
pub mod user;

pub use up::{Native, PostgresProgram, VaultProgram};
