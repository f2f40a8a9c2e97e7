//! The lifecycle of one scenario, numbered as in the plan; nothing clever. Whatever happens, faults are healed, logs are
//! taken and servers go down, in that order.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::between::Between;
use crate::check::{self, timing};
use crate::engine::{self, approle::AppRole};
use crate::event::{Actor, CutBy, Event, FragmentLine, Phase};
use crate::fault::{self, FaultError, Injected};
use crate::history::History;
use crate::outcome::{Judgement, Outcome, Verdict};
use crate::plan::{Plan, PlannedStep};
use crate::provider::{Programs, Provider};
use crate::scenario::file;
use crate::scenario::mark::Place;
use crate::scenario::one::Expected;
use crate::scenario::{Action, Scenario, Timing};
use crate::stack::{Stack, VaultNode};
use crate::time::{Interval, Moment};
use crate::wait::Looks;
use crate::world::{Missing, World};
use crate::{book, client, consumer, look, operator, probe, stall};

/// How long a client may take to hold its first credential, and the stack to work again after the last fault.
const SETTLES: Duration = Duration::from_secs(60);

/// How long servers that are coming up when the run is interrupted may take to be up.
const FINISHES: Duration = Duration::from_secs(10);

/// What a run is given.
pub struct Run<'a> {
    /// What starts the servers.
    pub provider: &'a Provider,
    /// The programs.
    pub programs: &'a Programs,
    /// What will happen.
    pub plan: Plan,
    /// The name of its folder among the run's servers.
    pub name: &'a str,
    /// Where logs are taken to.
    pub logs: &'a Path,
    /// What is written.
    pub history: History,
    /// Ends it early.
    pub stop: CancellationToken,
    /// Called with the stack before it goes down, when it did not hold; servers stay up until it returns.
    pub keep: Option<Keep<'a>>,
    /// What stands between the stack and everything that acts on it, if anything does.
    pub between: Option<&'a dyn Between>,
}

/// What is done with a stack that is to be kept for a while.
pub type Keep<'a> = Box<dyn FnOnce(&World) -> BoxFuture<'static, ()> + Send + 'a>;

/// Why the walk through the steps ended before the last one.
enum End {
    /// A step judged so.
    Judged,
    /// It cannot go on.
    Cut(CutBy, String),
}

impl From<Missing> for End {
    fn from(missing: Missing) -> Self {
        Self::Cut(CutBy::Fault, missing.to_string())
    }
}

/// Runs a scenario to its end. What came of it is in the history.
pub async fn run(run: Run<'_>) {
    let Run { provider, programs, plan, name, logs, history, stop, keep, between } = run;
    let phase = |phase| history.note(Actor::Harness, Event::Phase(phase));
    let cut = |by, why: String| history.note(Actor::Harness, Event::CutShort { by, why });
    phase(Phase::Plan);
    phase(Phase::StackUp);
    let (scenario, seed) = (plan.scenario.clone(), plan.seed);
    let up = async {
        let mut stack = provider.up(programs, &scenario, name, seed, &history).await.map_err(|e| e.to_string())?;
        let made = async {
            let approles = set_up(&mut stack, &scenario, between, &history).await?;
            let place = consumer::Place { provider, programs, scenario_folder: name };
            let consumers = consumer::prepare(&place, &stack, &scenario, &history).await?;
            Ok::<_, String>((approles, consumers))
        };
        let made = Box::pin(made).await;
        match made {
            Ok((approles, consumers)) => Ok((stack, approles, consumers)),
            Err(error) => {
                take_logs(&stack, logs, &history).await;
                // The first error is the one that counts.
                let _ = provider.down(stack, name).await;
                Err(error)
            }
        }
    };
    tokio::pin!(up);
    let up = tokio::select! {
        up = &mut up => up,
        // What is half up is let come up, since that takes a moment and can then be taken down in good order.
        () = stop.cancelled() => tokio::time::timeout(FINISHES, up)
            .await
            .unwrap_or_else(|_| Err("it was interrupted while the servers came up".to_owned())),
    };
    let (stack, approles, consumers) = match up {
        Ok(up) => up,
        Err(why) => {
            cut(if stop.is_cancelled() { CutBy::Interruption } else { CutBy::Environment }, why);
            return;
        }
    };
    let book = book::Book::default();
    let world = Arc::new(World { plan, stack, history: history.clone(), book, approles, consumers });
    let mut runner = Runner {
        world: world.clone(),
        faults: Vec::new(),
        injected: 0,
        background: JoinSet::new(),
        quiet: CancellationToken::new(),
    };

    runner.background.spawn(stall::watch(runner.world.clone(), runner.quiet.clone()));
    let walked = tokio::select! {
        biased;
        () = stop.cancelled() => Err(End::Cut(CutBy::Interruption, "it was interrupted".to_owned())),
        walked = runner.walk_all(between) => walked,
    };
    if let Err(End::Cut(by, why)) = walked {
        cut(by, why);
    }
    runner.wind_up(&stop).await;
    if let Some(keep) = keep
        && history.read(|entries| check::verdict::judge(&world.plan, entries)).result
            != crate::report::record::ScenarioResult::Held
    {
        keep(&world).await;
    }
    drop(runner);
    phase(Phase::Logs);
    take_logs(&world.stack, logs, &history).await;
    consumer::take_logs(&world, logs);
    phase(Phase::Down);
    match Arc::try_unwrap(world) {
        Ok(World { stack, .. }) => {
            if let Err(error) = provider.down(stack, name).await {
                cut(CutBy::Environment, format!("the servers would not go down: {error}"));
            }
        }
        // A task that still holds it is being cancelled; the stack's own end and the run's remove what is left.
        Err(_) => {
            cut(CutBy::Environment, "the servers were still in use when they were to go down".to_owned());
        }
    }
}

/// Puts in place what stands between, and writes everything that Vault is to know.
async fn set_up(
    stack: &mut Stack,
    scenario: &Scenario,
    between: Option<&dyn Between>,
    history: &History,
) -> Result<BTreeMap<String, AppRole>, String> {
    if let Some(between) = between {
        between.stand(stack, history).await?;
    }
    engine::set_up(stack, scenario).await.map_err(|error| error.to_string())
}

struct Runner {
    world: Arc<World>,
    faults: Vec<Injected>,
    injected: u32,
    background: JoinSet<()>,
    /// Ends clients and probe.
    quiet: CancellationToken,
}

impl Runner {
    async fn walk_all(&mut self, between: Option<&dyn Between>) -> Result<(), End> {
        self.phase(Phase::Baseline);
        self.baseline().await?;
        if let Some(between) = between {
            between.steps_begin();
        }
        self.phase(Phase::Steps);
        let world = self.world.clone();
        self.walk(&world.plan.steps).await
    }

    /// Without any fault, everything must work: every role issues, logs in and revokes, the ledgers agree, and every
    /// client gets to hold a credential that works.
    async fn baseline(&mut self) -> Result<(), End> {
        let world = &self.world;
        let short = |why: String| End::Cut(CutBy::Baseline, format!("baseline: {why}"));
        look::health(world, &Actor::Harness, None).await;
        if let Some(database) = &world.plan.scenario.database {
            for (_, role) in database.roles() {
                engine::try_role(world, &database.mount, &role.name).await.map_err(short)?;
            }
        }
        if let Some(engine) = &world.plan.scenario.aws {
            for role in &engine.roles {
                engine::try_role(world, &engine.mount, &role.name).await.map_err(short)?;
            }
        }
        let stack = &world.stack;
        if !world.plan.clients.is_empty() || stack.databases().next().is_some() || stack.aws.is_some() {
            self.background.spawn(probe::run(world.clone(), self.quiet.clone()));
        }
        for planned in &world.plan.clients {
            self.background.spawn(client::run(world.clone(), planned.clone(), self.quiet.clone()));
        }
        consumer::start(world, &mut self.background, &self.quiet).await.map_err(short)?;
        let mut looks = Looks::within(SETTLES);
        while looks.again().await {
            consumer::none_crashed(world).map_err(short)?;
            if clients_without_credential(world).is_empty() && consumer::without_credential(world).is_empty() {
                return Ok(());
            }
        }
        let mut without = clients_without_credential(world);
        without.extend(consumer::without_credential(world));
        Err(short(format!("these never held a working credential: {}", without.join(", "))))
    }

    fn walk<'a>(&'a mut self, steps: &'a [PlannedStep]) -> BoxFuture<'a, Result<(), End>> {
        Box::pin(async move {
            for step in steps {
                self.step(step).await?;
            }
            Ok(())
        })
    }

    async fn step(&mut self, step: &PlannedStep) -> Result<(), End> {
        let world = self.world.clone();
        let now = world.history.now();
        let ends = ends(&world, step, now);
        self.began(now, &step.number, &step.title, Some(step.at), ends.as_ref().ok().copied().flatten());
        match &step.action {
            Action::Do(verb) => operator::perform(&world, &step.number, verb).await?,
            Action::Expect(expect, timing) => {
                if let Some(expected) = expect.one() {
                    expect_it(&world, step, &expected, *timing, now).await?;
                }
            }
            Action::Wait(_) => {
                if let Some(end) = ends? {
                    sleep(end.since(world.history.now())).await;
                }
            }
            Action::Fault(broken, _) => {
                let Some(broken) = broken.one() else { return Ok(()) };
                let injected = fault::inject(&world, self.injected, &step.number, &broken).await;
                let injected = injected.map_err(|e| {
                    let why = format!("the fault “{broken}” could not be injected: {e}");
                    self.ended(&step.number, Judgement::inconclusive(why.clone(), Vec::new()));
                    End::Cut(e.cut_by(), why)
                })?;
                let number = injected.fault;
                let is_over = injected.is_momentary() && step.during.is_none();
                self.injected += 1;
                self.faults.push(injected);
                if is_over {
                    self.heal(number).await?;
                }
                let seen = "injected, and seen to take effect";
                let Some(during) = &step.during else {
                    self.ended(&step.number, Judgement::held(seen, Vec::new()));
                    return Ok(());
                };
                let walked = self.walk(during).await;
                let healed = self.heal(number).await;
                // What became of the steps meanwhile stands with them.
                let judgement = match &healed {
                    Ok(()) => Judgement::held(format!("{seen}; healed, and seen to be"), Vec::new()),
                    Err(End::Cut(_, why)) => Judgement::inconclusive(why.clone(), Vec::new()),
                    Err(End::Judged) => Judgement::inconclusive("it was not healed", Vec::new()),
                };
                self.ended(&step.number, judgement);
                return walked.and(healed);
            }
        }
        let judgement = world
            .history
            .read(|entries| check::step(step, entries))
            .unwrap_or_else(|| Judgement::held("it is over", Vec::new()));
        let verdict = judgement.verdict;
        self.ended(&step.number, judgement);
        if verdict == Verdict::Held { Ok(()) } else { Err(End::Judged) }
    }

    /// Heals one fault.
    async fn heal(&mut self, number: u32) -> Result<(), End> {
        let Some(place) = self.faults.iter().position(|injected| injected.fault == number) else { return Ok(()) };
        let injected = self.faults.remove(place);
        let healed = injected.heal(&self.world).await;
        healed.map_err(|error| {
            let by = error.cut_by();
            let why = match error {
                FaultError::NeverCame { .. } => error.to_string(),
                error => format!("a fault was not seen to heal: {error}"),
            };
            End::Cut(by, why)
        })
    }

    /// Phases 5 to 7: heal, recover, last reads. Interrupted or not, healing is done.
    async fn wind_up(&mut self, stop: &CancellationToken) {
        self.phase(Phase::Heal);
        while let Some(injected) = self.faults.pop() {
            // The history says whether it healed; the next one must be healed in any case.
            let _ = injected.heal(&self.world).await;
        }
        self.world.stack.links.enable_all().await;
        if !stop.is_cancelled() {
            self.phase(Phase::Recover);
            tokio::select! {
                () = self.recover() => {}
                () = stop.cancelled() => {}
            }
        }
        self.quiet.cancel();
        while self.background.join_next().await.is_some() {}
        consumer::stop(&self.world).await;
        if !stop.is_cancelled() {
            self.phase(Phase::FinalReads);
            consumer::search(&self.world);
            last_reads(&self.world).await;
        }
    }

    /// After the last fault the stack must work again: Vault active, and the target letting people in.
    async fn recover(&mut self) {
        let world = self.world.clone();
        self.began(world.history.now(), "6", "the stack works again", None, None);
        let mut looks = Looks::within(SETTLES);
        let mut last = String::new();
        while looks.again().await {
            match works(&world).await {
                Ok(()) => {
                    consumer::until_recovered(&world).await;
                    self.ended("6", Judgement::held("vault is active and the target lets people in", Vec::new()));
                    return;
                }
                Err(seen) => last = seen,
            }
        }
        self.ended("6", Judgement::inconclusive(format!("the stack did not come back: {last}"), Vec::new()));
    }

    fn phase(&self, phase: Phase) {
        self.world.history.note(Actor::Harness, Event::Phase(phase));
    }

    fn began(&self, now: Moment, number: &str, title: &str, at: Option<Place>, ends: Option<Moment>) {
        let sources = &self.world.plan.scenario.sources;
        let line = at.map_or(0, |at| sources.in_own(at).line);
        let fragment = at.and_then(|at| FragmentLine::of(at, sources));
        let event = Event::StepBegan { number: number.to_owned(), title: title.to_owned(), line, fragment, ends };
        self.world.history.write(Interval::at(now), Actor::Harness, Some(number.to_owned()), event);
    }

    fn ended(&self, number: &str, judgement: Judgement) {
        let event = Event::StepEnded { number: number.to_owned(), judgement };
        self.world.history.write(
            Interval::at(self.world.history.now()),
            Actor::Harness,
            Some(number.to_owned()),
            event,
        );
    }
}

/// Looks at what is expected until looking further can change nothing.
async fn expect_it(
    world: &World,
    step: &PlannedStep,
    expected: &Expected<'_>,
    timing: Timing,
    began: Moment,
) -> Result<(), Missing> {
    let mut pause = Duration::from_millis(50);
    loop {
        look::look(world, &step.number, expected).await?;
        let looks = world.history.read(|entries| check::looks(expected, step, entries));
        if timing::settled(timing, began, &looks) {
            return Ok(());
        }
        // Never past the end of the time that is given: the look that decides comes right after it.
        let end = match timing {
            Timing::Now => began,
            Timing::Within(length) | Timing::ForAtLeast(length) => began.plus(length),
        };
        let left = end.since(world.history.now());
        sleep(if left.is_zero() { pause } else { pause.min(left) }).await;
        pause = (pause * 5 / 4).min(Duration::from_millis(500));
    }
}

/// When a step that begins now is over at the latest, where that is known already.
fn ends(world: &World, step: &PlannedStep, now: Moment) -> Result<Option<Moment>, Missing> {
    match &step.action {
        Action::Expect(_, Timing::Within(length) | Timing::ForAtLeast(length)) => Ok(Some(now.plus(*length))),
        Action::Wait(wait) => wait_ends(world, wait, step.drawn, now).map(Some),
        Action::Expect(_, Timing::Now) | Action::Do(_) | Action::Fault(..) => Ok(None),
    }
}

fn wait_ends(world: &World, wait: &file::Wait, drawn: Option<Duration>, now: Moment) -> Result<Moment, Missing> {
    let length = drawn.or(wait.length.map(|length| length.0)).unwrap_or_default();
    let Some(of) = &wait.end_of else { return Ok(now.plus(length)) };
    let lives = world.history.read(check::lease::lives);
    let end = lives.get(of.as_str()).and_then(check::lease::Life::end);
    let end = end.ok_or_else(|| Missing { kind: "credential", name: of.to_string() })?;
    Ok(end.answered.plus(wait.plus.map_or(Duration::ZERO, |plus| plus.0)))
}

fn clients_without_credential(world: &World) -> Vec<String> {
    let works = |client: &str| {
        let who = Actor::Client(client.to_owned());
        let worked = |event: &Event| matches!(event, Event::Used { outcome: Some(Outcome::Ok(())), .. });
        world.history.read(|entries| entries.iter().any(|entry| entry.who == who && worked(&entry.event)))
    };
    let clients = world.plan.clients.iter().map(|planned| planned.client.name.to_string());
    clients.filter(|client| !works(client)).collect()
}

async fn works(world: &World) -> Result<(), String> {
    match world.stack.vault.direct.within(crate::service::vault::BRIEF).health().await.outcome {
        Outcome::Ok(200) => {}
        Outcome::Ok(status) => return Err(format!("vault's health status is {status}")),
        no => return Err(format!("vault: {no}")),
    }
    for server in world.stack.databases() {
        if let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = server.linked.login(&server.admin).await.outcome {
            return Err(format!("{}: {no}", server.dbms()));
        }
    }
    if let Some(aws) = &world.stack.aws
        && let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = aws.linked.login(&aws.admin).await.outcome
    {
        return Err(format!("aws: {no}"));
    }
    Ok(())
}

/// The last look at everything: every credential's login, every session, all ledgers.
async fn last_reads(world: &World) {
    let who = &Actor::Harness;
    // Reads that cannot be made are in the history as what they came to; a name that is missing has nothing to read.
    for (name, _) in world.book.credentials() {
        let _ = look::log_in(world, who, None, &name).await;
    }
    for name in world.book.sessions() {
        let _ = look::session(world, who, None, &name).await;
    }
    if world.plan.scenario.database.is_some() || world.plan.scenario.aws.is_some() {
        look::ledger(world, who, None).await;
    }
}

/// Copies the servers' logs, cleaned of secrets, to where the report keeps them.
async fn take_logs(stack: &Stack, folder: &Path, history: &History) {
    let name = |node: &VaultNode| match stack.vault.nodes.as_slice() {
        [_] => "vault.log".to_owned(),
        _ => format!("{}.log", node.name),
    };
    let unsealer = stack.transit.iter().flat_map(|transit| &transit.nodes);
    let machines = (stack.vault.nodes.iter().map(|node| (name(node), &node.machine)))
        .chain(unsealer.map(|node| ("transit.log".to_owned(), &node.machine)))
        .chain(stack.databases().map(|server| (format!("{}.log", server.dbms()), &server.machine)))
        .chain(stack.aws.iter().map(|aws| ("aws.log".to_owned(), &aws.machine)));
    for (name, machine) in machines {
        let log = machine.log().await;
        let to = folder.join(&name);
        let secrets = history.secrets().clone();
        let taken = tokio::task::spawn_blocking(move || {
            let text = std::fs::read(&log)?;
            std::fs::write(to, secrets.redact(&String::from_utf8_lossy(&text)))
        });
        if let Ok(Err(error)) = taken.await {
            history.note(Actor::Harness, Event::Note(format!("the log {name} could not be taken: {error}")));
        }
    }
}
