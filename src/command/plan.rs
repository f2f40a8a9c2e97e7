//! `leaseproof plan`: what a run would do.

use leaseproof_harness::suite::Exit;

use crate::args::Plan;
use crate::exit::Failure;
use crate::files::Files;
use crate::out;

pub(super) fn run(args: &Plan) -> Result<Exit, Failure> {
    let scenarios = Files::scenarios(&args.paths, &[])?;
    for (number, scenario) in scenarios.into_iter().enumerate() {
        let gap = if number == 0 { "" } else { "\n" };
        out::text(&format!("{gap}{}", leaseproof_harness::plan::Plan::new(scenario, args.seed)))?;
    }
    Ok(Exit::Held)
}
