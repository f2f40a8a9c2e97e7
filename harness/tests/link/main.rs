//! The link over real sockets. Times are judged by order and by lower bounds only.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of this is a test; helpers are not marked as such")]

mod armed;
mod atomicity;
mod conformance;
mod faults;
mod plain;
mod support;
mod toxics;
