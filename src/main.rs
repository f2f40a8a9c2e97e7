//! leaseproof's command line: the only place that reads arguments, prints and exits.

mod args;
mod command;
mod console;
mod exit;
mod files;
mod out;
mod shipped;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    match command::run(args::Args::parse()) {
        Ok(exit) => exit::code(exit),
        Err(failure) => failure.tell(),
    }
}
