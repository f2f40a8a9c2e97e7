//! Parts of a run that is spread over machines.

use std::fmt;
use std::str::FromStr;

/// One of several parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// Which, from 1.
    index: usize,
    /// Of how many.
    of: usize,
}

impl Shard {
    /// Every n-th, beginning with the i-th: neighbours in a folder take about as long as each other.
    pub(crate) fn take<T>(self, all: Vec<T>) -> Vec<T> {
        all.into_iter().skip(self.index - 1).step_by(self.of).collect()
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "write which part of how many, from 1, as in 1/4".to_owned();
        let (index, of) = text.split_once('/').ok_or_else(wrong)?;
        let (index, of) = (index.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
        if index == 0 || index > of { Err(wrong()) } else { Ok(Self { index, of }) }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shards_of_a_run_have_every_scenario_once() {
        let shards = ["1/3", "2/3", "3/3"].map(|text| text.parse::<Shard>().unwrap());
        let mut all: Vec<u32> = shards.into_iter().flat_map(|shard| shard.take((0..10).collect())).collect();
        all.sort_unstable();
        assert_eq!(all, (0..10).collect::<Vec<_>>());
    }

    #[rstest::rstest]
    #[case("0/4")]
    #[case("5/4")]
    #[case("1")]
    #[case("a/b")]
    #[case("1/0")]
    fn a_shard_that_is_none_is_refused(#[case] text: &str) {
        assert!(text.parse::<Shard>().unwrap_err().contains("as in 1/4"));
    }
}
