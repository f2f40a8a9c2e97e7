//! `leaseproof provision`: fetches servers ahead of a run.

use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::fetch::Fetcher;
use leaseproof_harness::provider::native::find::Places;
use leaseproof_harness::suite::{Exit, SuiteEvent};

use crate::args::{Format, Provision};
use crate::console::{self, Console};
use crate::exit::Failure;
use crate::out;

pub(super) async fn run(args: &Provision) -> Result<Exit, Failure> {
    let cache = Cache::usual().map_err(Failure::environment)?;
    let fetcher = Fetcher::new(Places::here(cache));
    let console = Console::new(Format::Text);
    let on = console::listener(&console);
    let mut failures = Vec::new();
    // One that cannot be had does not keep the others from being fetched.
    for part in &args.parts {
        let provided = fetcher.provide(part, None, &|progress| on(SuiteEvent::Provision(progress))).await;
        failures.extend(provided.err());
    }
    console.close();
    for failure in &failures {
        out::tell(&format_args!("error: {failure}"));
    }
    if failures.is_empty() { Ok(Exit::Held) } else { Err(Failure::Drawn(Exit::Environment)) }
}
