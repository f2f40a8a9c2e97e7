//! Before an upgrade: every scenario on the version that runs now, on the one that is to come, and through the change from
//! one to the other; what differs, and whether to go. Everything but [`run`] is pure: runs in, an answer out.

pub mod answer;
pub mod change;
mod describe;
pub mod diff;
pub mod knock;
pub mod pace;
pub mod page;
pub mod report;
pub mod retry;
pub mod route;
pub mod run;
pub mod surface;
mod voice;
mod walk;

pub use report::Report;
