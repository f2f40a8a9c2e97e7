//! Exploring: random operations under random faults, drawn from a seed and run as scenarios, until something differs from
//! what the model says. A difference is made as small as it goes, run again and again, and written down as a scenario.

mod run;
mod shrink;
mod tally;

pub use run::{Done, ExploreError, Explorer, Found, Order, Plant, Tell, run};
pub use shrink::{Shrunk, shrink};
pub use tally::Tally;
