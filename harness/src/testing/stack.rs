//! A running stack for tests that are written in Rust.

use std::io;
use std::sync::Arc;

use crate::book::Book;
use crate::engine;
use crate::history::History;
use crate::plan::Plan;
use crate::provider::native::Native;
use crate::provider::native::cache::{Cache, CacheError};
use crate::provider::native::estate::{Estate, EstateError};
use crate::provider::native::fetch::{FetchError, Fetcher};
use crate::provider::native::find::Places;
use crate::provider::on_demand::{AwsParts, Lack, OnDemand};
use crate::provider::{Programs, Provider, UpError};
use crate::scenario::Scenario;
use crate::secret::KnownSecrets;
use crate::time::Clock;
use crate::world::World;

use super::Options;

/// The name of the stack's folder among the run's servers.
const NAME: &str = "stack";

/// Servers that run, initialised and set up as a scenario says, with none of its steps done.
#[derive(Debug)]
pub struct Running {
    /// The stack, its history, and ways to act on it.
    pub world: World,
    provider: Provider,
}

/// Why a stack for a test could not be had, or not be taken down.
#[derive(Debug, thiserror::Error)]
pub enum StackFailure {
    /// A program could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// A program that only some scenarios need could not be had.
    #[error(transparent)]
    Lack(#[from] Lack),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The run's own folder cannot be used.
    #[error(transparent)]
    Estate(#[from] EstateError),
    /// The history cannot be written.
    #[error("cannot write the history of the stack: {0}; check room and rights in LEASEPROOF_HOME")]
    History(io::Error),
    /// A server would not come up or go down.
    #[error(transparent)]
    Up(#[from] UpError),
    /// The engines could not be mounted.
    #[error("the stack runs and cannot be set up: {0}")]
    SetUp(String),
}

/// Brings up the servers of a scenario on the first of the servers that the options name, and sets its engines up. An
/// `rstest` fixture of three lines turns it into an argument of tests. Take it down with [`Running::down`]; dropping it
/// kills the servers.
pub async fn stack(scenario: Scenario, options: &Options) -> Result<Running, StackFailure> {
    let cache = Cache::usual()?;
    let fetcher = Fetcher::new(Places::here(cache.clone()));
    let wanted = options.vaults.first().cloned().unwrap_or_else(super::default_vault);
    let vault = fetcher.provide(&wanted, None, &|_| {}).await?;
    let postgres = match &scenario.stack.postgres {
        Some(_) => Some(fetcher.provide(&options.postgres, options.postgres_bin.as_deref(), &|_| {}).await?),
        None => None,
    };
    let mysql = match &scenario.stack.mysql {
        Some(_) => Some(fetcher.provide(&options.mysql, None, &|_| {}).await?),
        None => None,
    };
    let on_demand = OnDemand::new(fetcher);
    let provider = Provider::Native(Native::new(Estate::open()?, cache));
    let AwsParts { server: aws, plugin: aws_plugin } = on_demand.aws(&scenario, &vault, &provider, &|_| {}).await?;
    let plan = Plan::new(Arc::new(scenario), options.seed);
    let place = provider.folder().join("history");
    std::fs::create_dir(&place).map_err(StackFailure::History)?;
    let history = History::create(&place, Clock::start(), KnownSecrets::default(), None)
        .map_err(|error| StackFailure::History(io::Error::other(error.to_string())))?;
    let programs = Programs { postgres, mysql, aws, aws_plugin, ..Programs::of(vault) };
    let stack = provider.up(&programs, &plan.scenario, NAME, plan.seed, &history).await?;
    let approles =
        engine::set_up(&stack, &plan.scenario).await.map_err(|error| StackFailure::SetUp(error.to_string()))?;
    // Programs beside it are the test's own affair.
    let consumers = Vec::new();
    let world = World { plan, stack, history, book: Book::default(), approles, consumers };
    Ok(Running { world, provider })
}

impl Running {
    /// Takes the servers down and removes their data.
    pub async fn down(self) -> Result<(), StackFailure> {
        let Self { world, provider } = self;
        provider.down(world.stack, NAME).await?;
        provider.close().await?;
        Ok(())
    }
}
