//! Servers as plain processes of this machine: their programs found or fetched, their ports kept over a restart, and
//! nothing of them left behind.

pub mod port;
