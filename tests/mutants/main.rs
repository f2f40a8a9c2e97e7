//! Planted faults: each mutant makes a healthy server break one documented promise, and a scenario that cites the promise
//! must say so. Control mutants disturb without breaking a promise, and nobody may be accused for them. At the end stands
//! the table: which scenario caught which mutant, and what it said.

#![expect(clippy::print_stdout, reason = "it is the main function of a test binary, and its table is what it is for")]

mod catalogue;
mod field;
mod mutant;
mod mysql;
mod planted;
mod postgres;
mod table;
mod vault;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::field::Field;

/// How many mutants are tried at once when nobody says otherwise: their scenarios mostly wait.
const THREADS: usize = 16;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or(Some(THREADS));
    let field = match Field::new() {
        Ok(field) => Arc::new(field),
        Err(error) => {
            println!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let conclusion = libtest_mimic::run(&arguments, trials(&field));
    let rows = field.rows();
    if !rows.is_empty() {
        println!("{}", table::draw(&rows));
    }
    match field.close() {
        Ok(()) => conclusion.exit_code(),
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A test for each mutant, and one that says whether every promise has one.
fn trials(field: &Arc<Field>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for mutant in catalogue::mutants() {
        let field = field.clone();
        let name = format!("{} is caught: {}", mutant.breaks, mutant.name);
        trials.push(Trial::ignorable_test(name, move || field.hunt(&mutant)));
    }
    for control in catalogue::controls() {
        let field = field.clone();
        trials.push(Trial::ignorable_test(format!("no promise is called broken by {}", control.name), move || {
            field.control(&control)
        }));
    }
    let promises = field.judged();
    trials.push(Trial::test("every promise that a scenario judges has a mutant", move || {
        let broken: Vec<&str> = catalogue::mutants().iter().map(|mutant| mutant.breaks).collect();
        let without: Vec<&String> = promises.iter().filter(|id| !broken.contains(&id.as_str())).collect();
        if without.is_empty() { Ok(()) } else { Err(Failed::from(format!("no mutant breaks {without:?}"))) }
    }));
    trials.push(Trial::test("every mutant says what its evidence must say", || {
        let silent: Vec<&str> = catalogue::mutants().iter().filter(|m| m.evidence.is_empty()).map(|m| m.name).collect();
        if silent.is_empty() { Ok(()) } else { Err(Failed::from(format!("{silent:?}"))) }
    }));
    trials
}
