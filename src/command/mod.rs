//! The commands, one file each.

mod capture;
mod clean;
mod config;
mod coverage;
mod diff;
mod doctor;
mod explain;
mod explore;
mod list;
mod merge;
mod new;
mod plan;
mod provision;
mod report;
mod run;
mod schema;
mod soak;
mod up;
mod upgrade;
mod validate;
mod watch;

use leaseproof_harness::suite::Exit;

use crate::args::{Args, Command};
use crate::config::Config;
use crate::exit::Failure;

/// Does what was asked for.
pub(crate) fn run(args: Args, defaults: &Config) -> Result<Exit, Failure> {
    match args.command {
        Command::Run(args) if args.watch => waiting_for(watch::run(*args)),
        Command::Run(args) => waiting_for(run::run(*args)),
        Command::Upgrade(args) => waiting_for(upgrade::run(*args)),
        Command::Capture(args) => waiting_for(capture::run(args)),
        Command::Soak(args) => waiting_for(soak::run(*args)),
        Command::Explore(args) => waiting_for(explore::run(*args)),
        Command::New(args) => waiting_for(new::run(args)),
        Command::Validate(args) if args.watch => waiting_for(watch::validate(args)),
        Command::Validate(args) => validate::once(&args),
        Command::List(args) => list::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Config(args) => config::run(&args, defaults),
        Command::Schema(args) => schema::run(&args),
        Command::Coverage(args) => coverage::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Doctor(args) => waiting_for(doctor::run(&args)),
        Command::Provision(args) => waiting_for(provision::run(&args)),
        Command::Report(args) => report::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Up(args) if args.keeps => waiting_for(up::keep(*args)),
        Command::Up(args) => up::run(&args),
        Command::Down => waiting_for(up::down()),
        Command::Clean(args) => waiting_for(clean::run(&args)),
    }
}

/// Runs a command that does several things at once.
fn waiting_for(command: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Failure::environment)?.block_on(command)
}
