//! What happens on a link: Toxiproxy's toxics, under its names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Endpoint, When};
use crate::scenario::mark::Marked;
use crate::scenario::word::Length;

/// Which way a toxic works: `upstream` from `from` to `to`, `downstream` back, or `both`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Requests.
    Upstream,
    /// Answers.
    #[default]
    Downstream,
    /// Both ways.
    Both,
}

/// A link of the stack.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnLink {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// The moment for which the fault waits; at once when left out.
    #[serde(default)]
    pub when: Option<Marked<When>>,
}

/// Everything takes longer.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Latency {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How much longer.
    pub latency: Marked<Length>,
    /// More or less than that by at most so much, drawn from the seed; 0s when left out.
    #[serde(default)]
    pub jitter: Option<Marked<Length>>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// A slow line.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bandwidth {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// Bytes a second.
    pub bytes_per_second: Marked<u64>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Connections stay half open before they close.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlowClose {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How long.
    pub delay: Marked<Length>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Data stops, and the connection is closed after a time.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timeout {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// When the connection is closed.
    pub after: Marked<Length>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// Data comes in small pieces.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slicer {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// Average size of a piece, in bytes.
    pub average_bytes: Marked<u32>,
    /// Larger or smaller by at most so many bytes; 0 when left out.
    #[serde(default)]
    pub variation_bytes: Option<Marked<u32>>,
    /// Pause between two pieces; 0s when left out.
    #[serde(default)]
    pub delay: Option<Marked<Length>>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}

/// The connection is closed after so many bytes.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitData {
    /// Who opens the connections.
    pub from: Marked<Endpoint>,
    /// Who accepts them.
    pub to: Marked<Endpoint>,
    /// How many bytes.
    pub bytes: Marked<u64>,
    /// `downstream` when left out.
    #[serde(default)]
    pub way: Option<Marked<Way>>,
}
