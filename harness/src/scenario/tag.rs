//! Tags: scenarios that a run leaves out unless they are asked for, such as those that take minutes.

use std::collections::BTreeSet;

use super::Scenario;

/// The tags that a run asks for. A scenario with tags runs only when one of them is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// All of them.
    All,
    /// These.
    These(BTreeSet<String>),
}

impl Default for Tags {
    fn default() -> Self {
        Self::These(BTreeSet::new())
    }
}

impl Tags {
    /// Whether a scenario runs.
    pub fn ask_for(&self, scenario: &Scenario) -> bool {
        match self {
            Self::All => true,
            Self::These(tags) => {
                scenario.tags.is_empty() || scenario.tags.iter().any(|tag| tags.contains(tag.as_str()))
            }
        }
    }
}

impl Scenario {
    /// Its tags in words: `slow`.
    pub fn tag_words(&self) -> String {
        self.tags.iter().map(super::word::Name::as_str).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(tags: &[&str]) -> Scenario {
        let text = include_str!("../../../tests/good/natural_expiry.yaml");
        let mut scenario = super::super::parse(text).scenario.unwrap();
        scenario.tags = tags.iter().map(|tag| tag.parse().unwrap()).collect();
        scenario
    }

    #[test]
    fn a_scenario_with_tags_runs_only_when_one_of_them_is_asked_for() {
        let none = Tags::default();
        let slow = Tags::These(["slow".to_owned()].into());
        assert!(none.ask_for(&scenario(&[])) && slow.ask_for(&scenario(&[])));
        assert!(!none.ask_for(&scenario(&["slow"])));
        assert!(slow.ask_for(&scenario(&["huge", "slow"])));
        assert!(!slow.ask_for(&scenario(&["huge"])));
        assert!(Tags::All.ask_for(&scenario(&["huge"])));
    }
}
