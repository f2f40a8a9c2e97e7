//! How a service is put on this machine: as a native process or in a container.

pub mod native;
