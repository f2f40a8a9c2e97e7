//! What can go wrong on a link: Toxiproxy's toxics, under its names, with times as durations.

use std::fmt;
use std::time::Duration;

use jiff::fmt::serde::unsigned_duration::friendly::compact::{optional as optional_duration, required as duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which way the bytes go that a toxic acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    Downstream,
    /// Both, each on its own: a latency then counts once on the way there and once on the way back.
    Both,
}

impl Direction {
    /// Whether a toxic with this direction acts on what goes `way`.
    pub(crate) fn covers(self, way: Way) -> bool {
        matches!((self, way), (Self::Both, _) | (Self::Upstream, Way::Up) | (Self::Downstream, Way::Down))
    }
}

/// One of the two streams of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Client to server.
    Up,
    /// Server to client.
    Down,
}

/// One thing that goes wrong on a link, as Toxiproxy's toxic of the same name does it. Durations are written with
/// units (`250ms`). Where Toxiproxy's code and documentation differ, the documentation is followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Toxic {
    /// Everything, the closing too, arrives later by `latency`, give or take `jitter`, and in its order.
    Latency {
        /// How much later.
        #[serde(with = "duration")]
        #[schemars(with = "String")]
        latency: Duration,
        /// The most that one chunk's delay differs from `latency`, either way.
        #[serde(with = "duration", default)]
        #[schemars(with = "String")]
        jitter: Duration,
    },
    /// No more than so many bytes per second pass. What waits is kept, and the sender is slowed down.
    Bandwidth {
        /// The rate; with 0 nothing passes, and nothing is lost.
        bytes_per_second: u64,
    },
    /// The end of the stream arrives later; data does not.
    SlowClose {
        /// How much later.
        #[serde(with = "duration")]
        #[schemars(with = "String")]
        delay: Duration,
    },
    /// Data is thrown away, and the connection is closed when the time is up, or the toxic removed, or the sender done.
    Timeout {
        /// Counts from when the toxic meets the connection. `None`: until it is removed.
        #[serde(default, with = "optional_duration", skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<String>")]
        timeout: Option<Duration>,
    },
    /// The first data, or the end of the stream, is answered with a TCP reset to both ends instead of being passed on.
    ResetPeer {
        /// How long after that first data.
        #[serde(with = "duration", default)]
        #[schemars(with = "String")]
        after: Duration,
    },
    /// Data arrives in small pieces.
    Slicer {
        /// Size of a piece, in bytes, on average.
        average: usize,
        /// The most that a piece's size differs from the average, in bytes; less than `average`.
        #[serde(default)]
        variation: usize,
        /// The pause after each piece.
        #[serde(with = "duration", default)]
        #[schemars(with = "String")]
        delay: Duration,
    },
    /// The connection is closed once so many bytes have passed.
    LimitData {
        /// Bytes that still pass, counted for each connection from when the toxic meets it.
        bytes: u64,
    },
}

impl Toxic {
    /// Toxiproxy's name for this kind.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Bandwidth { .. } => "bandwidth",
            Self::SlowClose { .. } => "slow_close",
            Self::Timeout { .. } => "timeout",
            Self::ResetPeer { .. } => "reset_peer",
            Self::Slicer { .. } => "slicer",
            Self::LimitData { .. } => "limit_data",
        }
    }
}

/// Names one fault on one proxy, to remove it by. No two are alike within a process, whichever proxy gave them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ToxicId {
    /// Which proxy of this process.
    pub(crate) proxy: u64,
    /// Which of that proxy's faults, in the order of their adding.
    pub(crate) number: u64,
}

impl fmt::Display for ToxicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.proxy, self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toxics_are_written_under_toxiproxys_names_with_units() {
        let latency = Toxic::Latency { latency: Duration::from_millis(250), jitter: Duration::ZERO };
        let text = serde_json::to_string(&latency).unwrap();
        assert_eq!(text, r#"{"latency":{"latency":"250ms","jitter":"0s"}}"#);
        assert_eq!(serde_json::from_str::<Toxic>(&text).unwrap(), latency);
        let forever: Toxic = serde_json::from_str(r#"{"timeout":{}}"#).unwrap();
        assert_eq!(forever, Toxic::Timeout { timeout: None });
        assert_eq!(serde_json::to_string(&Direction::Both).unwrap(), r#""both""#);
    }

    #[test]
    fn a_toxics_name_is_the_key_it_is_written_under() {
        let all = [
            Toxic::Latency { latency: Duration::ZERO, jitter: Duration::ZERO },
            Toxic::Bandwidth { bytes_per_second: 1 },
            Toxic::SlowClose { delay: Duration::ZERO },
            Toxic::Timeout { timeout: Some(Duration::from_secs(90)) },
            Toxic::ResetPeer { after: Duration::ZERO },
            Toxic::Slicer { average: 2, variation: 1, delay: Duration::ZERO },
            Toxic::LimitData { bytes: 1 },
        ];
        for toxic in all {
            let written = serde_json::to_value(&toxic).unwrap();
            assert!(written.get(toxic.name()).is_some(), "{written} has no key {}", toxic.name());
        }
    }

    #[test]
    fn a_misspelt_parameter_is_refused() {
        let parsed = serde_json::from_str::<Toxic>(r#"{"latency":{"latency":"1s","jiter":"1s"}}"#);
        assert!(parsed.unwrap_err().to_string().contains("jiter"));
    }
}
