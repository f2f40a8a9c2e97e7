//! One call made by several callers at once.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Answer, Api};
use crate::scenario::mark::Marked;

/// One call of Vault's API, made by several callers at the same moment.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Race {
    /// The call. Its `answers` say what those who are accepted must be answered.
    pub api: Marked<Api>,
    /// How many make it.
    pub callers: Marked<u32>,
    /// How many of them must be accepted: just so many.
    #[serde(default)]
    pub accepted: Option<Marked<u32>>,
    /// How many of them may be accepted at most, where some may be refused for getting in each other's way.
    #[serde(default)]
    pub accepted_at_most: Option<Marked<u32>>,
    /// What all the others must be answered; any refusal when left out.
    #[serde(default)]
    pub others: Option<Marked<Answer>>,
}
