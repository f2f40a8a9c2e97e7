//! What will happen, in order: a pure function of scenario and seed. Printed before a run, saved with it, and what the
//! runner walks along.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use rand::SeedableRng as _;
use rand_chacha::ChaCha12Rng;

use crate::scenario::mark::Place;
use crate::scenario::word::Length;
use crate::scenario::{Action, Client, Scenario, Step, title};

/// The number of the phase in which the steps run, and so the first part of every step's number.
const STEPS: usize = 4;

/// A scenario with everything decided that the seed decides.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The seed.
    pub seed: u64,
    /// The clients, and when each begins.
    pub clients: Vec<PlannedClient>,
    /// The steps.
    pub steps: Vec<PlannedStep>,
}

/// A client, and when it begins.
#[derive(Debug, Clone)]
pub struct PlannedClient {
    /// The client.
    pub client: Client,
    /// How long after the baseline it begins, so that clients do not act in step.
    pub starts_after: Duration,
}

/// A step with its number.
#[derive(Debug, Clone)]
pub struct PlannedStep {
    /// Its number: `4.2.1`.
    pub number: String,
    /// Where it stands in the file.
    pub at: Place,
    /// What it does, in words.
    pub title: String,
    /// What it does.
    pub action: Action,
    /// The promises that it judges.
    pub cites: Vec<String>,
    /// Those of them from which real servers are known to deviate, as this step demands.
    pub deviates: Vec<String>,
    /// For a wait between two bounds: what the seed drew.
    pub drawn: Option<Duration>,
    /// For a fault: what happens while it lasts. `None`: it lasts to the end.
    pub during: Option<Vec<PlannedStep>>,
}

impl Plan {
    /// Decides everything that the seed decides. The same scenario and seed give the same plan on every machine.
    pub fn new(scenario: Arc<Scenario>, seed: u64) -> Self {
        let mut draw = ChaCha12Rng::seed_from_u64(seed);
        let clients = scenario
            .clients
            .iter()
            .map(|client| PlannedClient {
                client: client.clone(),
                starts_after: Duration::from_millis(draw.random_range(0..250)),
            })
            .collect();
        let steps = plan_steps(&scenario.steps, &STEPS.to_string(), &mut draw);
        Self { scenario, seed, clients, steps }
    }
}

fn plan_steps(steps: &[Step], above: &str, draw: &mut ChaCha12Rng) -> Vec<PlannedStep> {
    let number = |index: usize| format!("{above}.{}", index + 1);
    steps.iter().enumerate().map(|(index, step)| plan_step(step, number(index), draw)).collect()
}

fn plan_step(step: &Step, number: String, draw: &mut ChaCha12Rng) -> PlannedStep {
    let mut drawn = None;
    let mut during = None;
    let title = match &step.action {
        Action::Do(verb) => verb.to_string(),
        Action::Expect(expect, timing) => match expect.one() {
            Some(expected) => format!("{expected}{timing}"),
            None => "expect nothing".to_owned(),
        },
        Action::Fault(fault, block) => {
            during = block.as_ref().map(|steps| plan_steps(steps, &number, draw));
            fault.one().map_or_else(|| "no fault".to_owned(), |broken| format!("fault: {broken}"))
        }
        Action::Wait(wait) => {
            drawn = wait.between.map(|between| draw_between(between.value, draw));
            title::wait(wait, drawn)
        }
    };
    let Step { at, action, cites, deviates } = step.clone();
    PlannedStep { number, at, title, action, cites, deviates, drawn, during }
}

fn draw_between([from, to]: [Length; 2], draw: &mut ChaCha12Rng) -> Duration {
    let (from, to) = (from.0.min(to.0), from.0.max(to.0));
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(draw.random_range(millis(from)..=millis(to)))
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scenario = &self.scenario;
        writeln!(f, "{} (seed {})", scenario.name, self.seed)?;
        if !scenario.guarantees.is_empty() {
            writeln!(f, "  judges {}", scenario.guarantees.join(", "))?;
        }
        writeln!(f, "1 save the plan")?;
        writeln!(f, "2 stack up")?;
        write!(f, "  vault ({} storage)", scenario.stack.storage)?;
        for (dbms, server) in scenario.stack.databases() {
            write!(f, ", {dbms} (max_connections {})", server.max_connections)?;
        }
        if let Some(product) = scenario.stack.aws {
            write!(f, ", aws ({product})")?;
        }
        writeln!(f)?;
        let mount = scenario.database.iter();
        for (mount, connection) in mount.flat_map(|database| database.connections.iter().map(|c| (&database.mount, c)))
        {
            write!(f, "  {mount}/config/{}", connection.name)?;
            for role in &connection.roles {
                write!(f, ", role {}", role.name)?;
                role.default_ttl.map_or(Ok(()), |ttl| write!(f, " ttl {}", Length(ttl)))?;
                role.max_ttl.map_or(Ok(()), |ttl| write!(f, " max {}", Length(ttl)))?;
            }
            for role in &connection.static_roles {
                write!(f, ", static role {} every {}", role.name, Length(role.rotation_period))?;
            }
            writeln!(f)?;
        }
        self.print_aws(f)?;
        writeln!(f, "3 baseline: every role issues, logs in and revokes; the ledgers agree")?;
        for planned in &self.clients {
            let client = &planned.client;
            writeln!(
                f,
                "  client {} holds {}, renews at {}, uses it every {}, begins after {}",
                client.name,
                client.holds,
                client.renews_at,
                Length(client.uses_every),
                Length(planned.starts_after)
            )?;
        }
        for consumer in &scenario.consumers {
            write!(f, "  consumer {}: {}", consumer.name, consumer.runs)?;
            consumer.holds.as_ref().map_or(Ok(()), |holds| write!(f, ", holds {} in {}", holds.role, holds.file))?;
            writeln!(f, ", looked at every {}", Length(consumer.looks_every))?;
        }
        writeln!(f, "4 steps")?;
        for step in &self.steps {
            step.print(f, 1)?;
        }
        writeln!(f, "5 heal every fault that is left")?;
        writeln!(f, "6 recover: the stack works again")?;
        writeln!(f, "7 final reads of all ledgers")?;
        for invariant in &scenario.always {
            if let Some(what) = invariant.what.one() {
                writeln!(f, "  {what}")?;
            }
        }
        writeln!(f, "8 logs")?;
        writeln!(f, "9 down")
    }
}

impl Plan {
    fn print_aws(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(engine) = &self.scenario.aws else { return Ok(()) };
        write!(f, "  {}/config/root", engine.mount)?;
        engine.lease.map_or(Ok(()), |lease| write!(f, ", lease {}", Length(lease)))?;
        engine.lease_max.map_or(Ok(()), |max| write!(f, " max {}", Length(max)))?;
        for role in &engine.roles {
            write!(f, ", role {} ({})", role.name, role.credential_type)?;
        }
        for role in &engine.static_roles {
            write!(f, ", static role {} every {}", role.name, Length(role.rotation_period))?;
        }
        writeln!(f)
    }
}

impl PlannedStep {
    fn print(&self, f: &mut fmt::Formatter<'_>, depth: usize) -> fmt::Result {
        writeln!(f, "{:indent$}{} {}", "", self.number, self.title, indent = depth * 2)?;
        for step in self.during.iter().flatten() {
            step.print(f, depth + 1)?;
        }
        if self.during.is_some() {
            writeln!(f, "{:indent$}  heal {}", "", self.number, indent = depth * 2)?;
        }
        Ok(())
    }
}
