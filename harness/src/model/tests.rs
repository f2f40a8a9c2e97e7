//! The model held against itself, and what it writes against the loader.

use std::time::Duration;

use proptest::prelude::*;

use super::draw::{Bounds, draw, operations};
use super::fault::Fault;
use super::operation::{Kind, Operation, Revocation, Role, TokenEnd};
use super::script::Script;
use super::state::{Answer, Model};
use super::truth::Truth;
use crate::outcome::Cause;
use crate::scenario;
use crate::time::{Interval, Moment};

fn at(millis: u64) -> Interval {
    Interval::new(Moment::from_millis(millis), Moment::from_millis(millis + 10))
}

fn script(operations: &[Operation], bounds: &Bounds) -> Script {
    Script::write("A sequence", "It was drawn.", operations, bounds)
}

const ISSUE: Operation = Operation::Issue { role: Role::App, token: None };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn every_sequence_is_written_as_a_scenario_without_a_mistake(
        operations in operations(&Bounds { at_once: 3, ..Bounds::default() }),
        at_once in 0_usize..=3,
    ) {
        let script = script(&operations, &Bounds { at_once, ..Bounds::default() });
        let loaded = scenario::parse(&script.text);
        let drawn = loaded.render(std::path::Path::new("drawn.yaml"), scenario::Style::Plain);
        prop_assert!(loaded.scenario.is_some() && loaded.diagnostics.is_empty(), "{}\n{}", drawn, script.text);
        // The marks are on the lines of their steps.
        let lines: Vec<&str> = script.text.lines().collect();
        for mark in &script.marks {
            let line = lines[mark.line - 1].trim_start();
            let is_fault = line.starts_with("- fault:");
            prop_assert!(line.starts_with("- ") && is_fault == (mark.path.kind == Kind::Fault), "{}", line);
        }
    }
}

#[test]
fn print_one() {
    let b = Bounds { at_once: 2, ..Bounds::default() };
    for n in 0..120 {
        let ops = draw(&b, 8, n).unwrap().current();
        let s = script(&ops, &b);
        std::fs::create_dir_all("/tmp/lp-model/drawn").unwrap();
        std::fs::write(format!("/tmp/lp-model/drawn/s{n:03}.yaml"), &s.text.replace("name: 'A sequence'", &format!("name: 'Sequence {n}'"))).unwrap();
    }
}
