//! Exactly the shape of a scenario file. What a person writes stands here and nowhere else; doc comments become the
//! descriptions that editors show, so they are written for SREs.

mod always;
mod expect;
mod fault;
mod node;
mod operate;
mod stack;
mod step;
mod ttl_range;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::always::*;
pub use self::expect::*;
pub use self::fault::*;
pub use self::node::*;
pub use self::operate::*;
pub use self::stack::*;
pub use self::step::*;
pub use self::ttl_range::*;
use super::mark::{Marked, Named};

/// One scenario: a stack of real servers, what is configured on it, what happens, and what must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScenarioFile {
    /// One sentence that states the fact which this scenario shows.
    pub name: Marked<String>,
    /// Why it matters and what may surprise, for the reader of the report.
    #[serde(default)]
    pub about: Option<Marked<String>>,
    /// The documented promises that this scenario judges, by ID (`leaseproof coverage` lists them).
    #[serde(default)]
    pub guarantees: Vec<Marked<String>>,
    /// The servers to start.
    pub stack: Marked<Stack>,
    /// What is mounted and configured before the first step.
    #[serde(default)]
    pub engines: Engines,
    /// Applications that hold and use a credential all the time.
    #[serde(default)]
    pub clients: Named<Client>,
    /// What happens, in order.
    pub steps: Vec<Marked<Step>>,
    /// What must hold during the whole run.
    #[serde(default)]
    pub always: Vec<Marked<Always>>,
}
