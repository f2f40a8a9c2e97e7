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
    /// How many of them must be accepted.
    pub accepted: Marked<u32>,
    /// What all the others must be answered; any refusal when left out.
    #[serde(default)]
    pub others: Option<Marked<Answer>>,
}
