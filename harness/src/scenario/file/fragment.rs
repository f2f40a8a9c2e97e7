//! Fragments, the pieces that scenarios share, and how a scenario uses one. `use` and `with` never reach serde: what they
//! stand for takes their place in the tree before (`scenario/fragment`). They stand here for editors and "did you mean".

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Always, Auth, Client, Engines, Policy, Stack, Step};
use crate::scenario::mark::{Marked, Named};

/// A fragment: either steps, which stand where a step uses it, or servers and what is configured on them, which are added to
/// the scenario that uses it at its top. `${name}` in it stands for the parameter of that name.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FragmentFile {
    /// One sentence: what it brings. A file with this key at its top is a fragment, and no scenario.
    pub fragment: Marked<String>,
    /// What a scenario may say with `with`, by name; `${name}` stands for it, as a whole value or within a text.
    #[serde(default)]
    pub parameters: Named<Marked<Parameter>>,
    /// Other fragments that this one uses.
    #[serde(default, rename = "use")]
    #[schemars(with = "Option<Uses>")]
    pub uses: Option<Taken>,
    /// With `use`: its parameters, by name.
    #[serde(default)]
    #[schemars(with = "Option<Given>")]
    pub with: Option<Taken>,
    /// Servers that are added to the scenario's.
    #[serde(default)]
    pub stack: Option<Stack>,
    /// What is mounted and configured before the first step.
    #[serde(default)]
    pub engines: Option<Engines>,
    /// The auth methods that are enabled before the first step, beside tokens.
    #[serde(default)]
    pub auth: Option<Auth>,
    /// The policies that are written before the first step, by name.
    #[serde(default)]
    pub policies: Option<Named<Policy>>,
    /// Applications that hold and use a credential all the time.
    #[serde(default)]
    pub clients: Option<Named<Client>>,
    /// What must hold during the whole run; added to what the scenario says.
    #[serde(default)]
    pub always: Option<Vec<Marked<Always>>>,
    /// What happens where a step uses this fragment, in order. Nothing but `parameters` stands beside it.
    #[serde(default)]
    pub steps: Option<Vec<Marked<Step>>>,
}

/// What stands in a file and never reaches serde. It says so if it ever does, instead of being passed over.
#[derive(Debug, Clone, Copy)]
pub struct Taken;

impl<'de> Deserialize<'de> for Taken {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("no fragment can be used here: `use` stands at the top of a file, and among its steps"))
    }
}

/// Something that whoever uses a fragment may say.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What it is for.
    #[serde(default)]
    pub about: Option<Marked<String>>,
    /// What may be given; anything that fits where it stands when left out.
    #[serde(default)]
    pub is: Option<Marked<ParameterKind>>,
    /// What it is when nothing is given. Left out: it must be given.
    #[serde(default)]
    pub default: Option<Marked<serde_json::Value>>,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterKind {
    /// A length of time with its unit: `90s`.
    Duration,
    /// The name of something in the scenario: `cred`.
    Name,
    /// A role, static role or connection below its mount: `database/app`.
    Reference,
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// What `use` takes at the top of a file: one fragment, or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Uses {
    /// The path of a fragment, from the folder of this file on.
    One(String),
    /// Several fragments, each with its own parameters.
    Several(Vec<Use>),
}

/// One of several fragments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The path of a fragment, from the folder of this file on.
    #[serde(rename = "use")]
    pub fragment: String,
    /// Its parameters, by name.
    #[serde(default)]
    pub with: Option<Given>,
}

/// Values by the names of the parameters for which they are given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Given(pub serde_json::Map<String, serde_json::Value>);
