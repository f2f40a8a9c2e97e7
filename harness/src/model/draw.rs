//! Sequences of operations, drawn with proptest: the same seed and number give the same sequence.

use std::fmt::Write as _;

use proptest::prelude::{Just, Strategy};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use proptest::{collection, option, prop_oneof};

use super::fault::Fault;
use super::operation::{Operation, Revocation, Role, StaticRole, TokenEnd};
use crate::scenario::Dbms;

/// How much may happen in one sequence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The database of the stack.
    pub dbms: Dbms,
    /// The faults that may begin.
    pub faults: Vec<Fault>,
    /// How many of them may be in force at once.
    pub at_once: usize,
    /// How many operations a sequence has at most.
    pub longest: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { dbms: Dbms::Postgres, faults: Fault::ALL.to_vec(), at_once: 1, longest: 24 }
    }
}

impl Bounds {
    /// What `leaseproof explore` is to be told so that it draws within them.
    pub fn options(&self) -> String {
        let mut words = String::new();
        if self.dbms != Dbms::Postgres {
            let _ = write!(words, " --stack {}", self.dbms);
        }
        if self.faults.is_empty() {
            words.push_str(" --faults none");
        } else if self.faults != Fault::ALL {
            let names: Vec<&str> = self.faults.iter().map(|fault| fault.name()).collect();
            let _ = write!(words, " --faults {}", names.join(","));
        }
        if self.at_once > 1 {
            let _ = write!(words, " --at-once {}", self.at_once);
        }
        words
    }
}

/// A drawn sequence, with what proptest knows of it: it can be made simpler.
pub type Drawn = Box<dyn ValueTree<Value = Vec<Operation>>>;

/// Draws a sequence: one of many for a seed.
///
/// # Errors
///
/// The words of proptest when it cannot draw; the strategies here reject nothing.
pub fn draw(bounds: &Bounds, seed: u64, number: u64) -> Result<Drawn, String> {
    let mut bytes = [0_u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    // Nothing of what is drawn is kept in a file: the seed is enough.
    let config = Config { failure_persistence: None, ..Config::default() };
    let tree = operations(bounds).new_tree(&mut TestRunner::new_with_rng(config, random));
    tree.map(|tree| Box::new(tree) as Drawn).map_err(|why| why.to_string())
}

/// Any sequence. What makes one simpler is to take operations out, one at a time.
pub fn operations(bounds: &Bounds) -> impl Strategy<Value = Vec<Operation>> + use<> {
    let quiet = quiet().boxed();
    let one = if bounds.faults.is_empty() || bounds.at_once == 0 {
        quiet
    } else {
        let breaks = proptest::sample::select(bounds.faults.clone()).prop_map(Operation::Break);
        prop_oneof![6 => quiet, 1 => breaks.boxed(), 1 => Just(Operation::Mend).boxed()].boxed()
    };
    collection::vec(one.no_shrink(), 1..=bounds.longest.max(1))
}

/// Any operation but a fault.
fn quiet() -> impl Strategy<Value = Operation> {
    let role = || proptest::sample::select(Role::ALL.to_vec());
    let static_role = || proptest::sample::select(StaticRole::ALL.to_vec());
    let back = || 0_usize..4;
    let increment = option::of(2_u64..=5);
    let how = prop_oneof![
        3 => Just(Revocation::Waiting),
        2 => Just(Revocation::Queued),
        1 => Just(Revocation::Forced),
    ];
    let token_end = proptest::sample::select(vec![TokenEnd::Itself, TokenEnd::Accessor, TokenEnd::Orphaning]);
    // Boxed, each: a sequence of unboxed alternatives takes more stack than a thread has.
    prop_oneof![
        6 => (role(), option::weighted(0.4, back()))
            .prop_map(|(role, token)| Operation::Issue { role, token })
            .boxed(),
        4 => (back(), increment).prop_map(|(lease, increment)| Operation::Renew { lease, increment }).boxed(),
        4 => (back(), how).prop_map(|(lease, how)| Operation::Revoke { lease, how }).boxed(),
        1 => role().prop_map(Operation::RevokeRole).boxed(),
        3 => (option::weighted(0.5, back()), proptest::bool::weighted(0.3))
            .prop_map(|(parent, is_brief)| Operation::Token { parent, is_brief })
            .boxed(),
        1 => back().prop_map(Operation::RenewToken).boxed(),
        2 => (back(), token_end).prop_map(|(token, how)| Operation::EndToken { token, how }).boxed(),
        1 => Just(Operation::RotateRoot).boxed(),
        2 => static_role().prop_map(Operation::ReadStatic).boxed(),
        2 => static_role().prop_map(Operation::RotateStatic).boxed(),
        3 => (1_u64..=3).prop_map(Operation::Wait).boxed(),
        2 => back().prop_map(Operation::WaitForEnd).boxed(),
    ]
}
