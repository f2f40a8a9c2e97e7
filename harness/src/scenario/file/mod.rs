//! Exactly the shape of a scenario file. What a person writes stands here and nowhere else; doc comments become the
//! descriptions that editors show, so they are written for SREs.

mod always;
mod audit;
mod aws;
mod certificate;
mod consumer;
mod endpoint;
mod expect;
mod fault;
mod field;
mod fragment;
mod mount;
mod node;
mod operate;
mod race;
mod stack;
mod step;
mod toxic;
mod ttl_range;
mod when;

use schemars::JsonSchema;
use serde::Deserialize;

pub use self::always::*;
pub use self::audit::*;
pub use self::aws::*;
pub use self::certificate::*;
pub use self::consumer::*;
pub use self::endpoint::*;
pub use self::expect::*;
pub use self::fault::*;
pub use self::field::*;
pub use self::fragment::*;
pub use self::mount::*;
pub use self::node::*;
pub use self::operate::*;
pub use self::race::*;
pub use self::stack::*;
pub use self::step::*;
pub use self::toxic::*;
pub use self::ttl_range::*;
pub use self::when::*;
use super::mark::{Marked, Named};
use super::word::Name;

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
    /// Words by which a run takes or leaves it out. `slow`: left out unless asked for with `--tag slow`, `--all-tags`, or
    /// by naming the file.
    #[serde(default)]
    pub tags: Vec<Marked<Name>>,
    /// Fragments whose servers, engines, policies, clients and rules are added to this file's.
    #[serde(default, rename = "use")]
    #[schemars(with = "Option<Uses>")]
    pub uses: Option<Taken>,
    /// With `use`: the fragment's parameters, by name.
    #[serde(default)]
    #[schemars(with = "Option<Given>")]
    pub with: Option<Taken>,
    /// The servers to start.
    pub stack: Marked<Stack>,
    /// What is mounted and configured before the first step.
    #[serde(default)]
    pub engines: Engines,
    /// The auth methods that are enabled before the first step, beside tokens.
    #[serde(default)]
    pub auth: Auth,
    /// The policies that are written before the first step, by name.
    #[serde(default)]
    pub policies: Named<Policy>,
    /// Applications that hold and use a credential all the time.
    #[serde(default)]
    pub clients: Named<Client>,
    /// Programs of your own that are started with the scenario and judged from outside.
    #[serde(default)]
    pub consumers: Named<Consumer>,
    /// What happens, in order.
    pub steps: Vec<Marked<Step>>,
    /// What must hold during the whole run.
    #[serde(default)]
    pub always: Vec<Marked<Always>>,
}
