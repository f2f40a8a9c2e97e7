//! leaseproof's command line: the only place that reads arguments, prints and exits.

mod args;
mod command;
mod config;
mod console;
mod exit;
mod files;
mod out;
mod shipped;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use config::Config;

fn main() -> ExitCode {
    match run() {
        Ok(exit) => exit::code(exit),
        Err(failure) => failure.tell(),
    }
}

/// Reads the arguments, with leaseproof.toml behind them, and does what they ask for.
fn run() -> Result<leaseproof_harness::suite::Exit, exit::Failure> {
    match Config::find() {
        Ok(config) => command::run(config.parse(), &config),
        Err(failure) => {
            // Help, and whatever runs nothing, works beside a file that is wrong.
            let args = Args::parse();
            if args.command.takes_defaults() { Err(failure) } else { command::run(args, &Config::default()) }
        }
    }
}
