//! The commands, one file each.

mod coverage;
mod list;
mod plan;
mod schema;
mod validate;

use leaseproof_harness::suite::Exit;

use crate::args::{Args, Command};
use crate::exit::Failure;

/// Does what was asked for.
pub(crate) fn run(args: Args) -> Result<Exit, Failure> {
    match args.command {
        Command::Validate(args) => validate::run(&args),
        Command::List(args) => list::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Coverage(args) => coverage::run(&args),
    }
}
