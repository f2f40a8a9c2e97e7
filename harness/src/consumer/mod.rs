//! Consumers: programs of the user's own that are started with the scenario, given what they need, and looked at from
//! outside. They run on this machine whatever the servers run on, since the links that faults act on end here.

mod ears;
mod given;
mod holding;
mod output;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

pub use self::given::{ConsumerError, Ground, Place, prepare};
use self::output::Output;
use crate::check;
use crate::event::{Actor, ConsumerState, Event, Held, OutputSearched};
use crate::outcome::{Outcome, Silence, Unknown, Verdict};
use crate::provider::native::process::{Exit, Process};
use crate::scenario;
use crate::scenario::file::Restart;
use crate::scenario::one::Throughout;
use crate::secret::Secret;
use crate::service::database::Login;
use crate::time::Interval;
use crate::wait::Looks;
use crate::world::{Missing, World};

/// How long a consumer may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long after its end it is started again.
const RESTARTS_AFTER: Duration = Duration::from_secs(1);
/// How much longer than a consumer may take to recover is looked: until a look that decides has been made.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many of its last lines are told when it ends.
const LAST_LINES: usize = 12;
/// How much of a log file is searched, and kept.
const LARGEST_LOG: u64 = 64 << 20;

/// A consumer of a running scenario.
#[derive(Debug)]
pub struct Consumer {
    /// What the scenario says of it.
    pub spec: scenario::Consumer,
    folder: PathBuf,
    process: Process,
    output: Arc<Output>,
    seen: Mutex<SeenOf>,
}

/// What has been seen of a consumer.
#[derive(Debug, Default)]
struct SeenOf {
    /// The credentials that it held, each by a keyed hash, in their order.
    credentials: Vec<String>,
    /// Why it held none when it was last looked at, or what a login came to.
    last: Option<String>,
    /// Whether a credential of it has worked.
    has_worked: bool,
    /// How it failed, when it is not to be started again.
    crashed: Option<String>,
}

impl Consumer {
    /// Makes its folder, with all that it is given, on this ground. Nothing is started yet.
    pub fn prepare(spec: &scenario::Consumer, ground: &Ground<'_>) -> Result<Self, ConsumerError> {
        let folder = given::folder(spec, ground)?;
        let pipe = folder.join("output");
        let output = Output::open(&pipe, ground.history.secrets().clone());
        let output = output.map_err(|source| ConsumerError::File { doing: "make", path: pipe, source })?;
        let process = Process::new(given::launch(spec, ground, &folder)?);
        Ok(Self { spec: spec.clone(), folder, process, output: Arc::new(output), seen: Mutex::default() })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.spec.name.as_str()
    }

    /// Why it does not hold a credential that works, if it never did.
    fn still_lacks(&self) -> Option<String> {
        let seen = self.seen();
        let lacks = self.spec.holds.is_some() && !seen.has_worked;
        lacks.then(|| seen.last.clone().unwrap_or_else(|| "it was not looked at".to_owned()))
    }

    /// How it failed, if it did and is not started again.
    fn crashed(&self) -> Option<String> {
        self.seen().crashed.clone()
    }

    /// What it wrote, for the report: its output, and each log file, with the names that they get there.
    fn logs(&self) -> Vec<(String, String)> {
        let name = |file: &str| format!("consumer-{}-{}", self.name(), file.replace('/', "-"));
        let own = self.spec.logs.iter().filter_map(|file| Some((name(file), self.log(file).ok()?)));
        std::iter::once((format!("consumer-{}.log", self.name()), self.output.text())).chain(own).collect()
    }

    fn log(&self, file: &str) -> Result<String, String> {
        use std::io::Read as _;
        let path = self.folder.join(file);
        if !path.is_file() {
            return Err(format!("{file} is not there"));
        }
        let mut bytes = Vec::new();
        let opened = std::fs::File::open(&path).and_then(|log| log.take(LARGEST_LOG).read_to_end(&mut bytes));
        opened.map_err(|error| format!("{file}: {error}"))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts it.
    async fn start(&self, world: &World) -> Result<(), String> {
        self.process.start().await.map_err(|error| error.to_string())?;
        self.note(world, ConsumerState::Started);
        Ok(())
    }

    /// Notes its end, and starts it again if that is wanted, until it is told to stop.
    async fn supervise(&self, world: &World) {
        while let Ok(exit) = self.process.exited().await {
            self.output.take();
            let (how, crashed, last_lines) = (exit.to_string(), is_crash(exit), self.output.last_lines(LAST_LINES));
            let ended = ConsumerState::Ended { how: how.clone(), crashed, last_lines };
            self.note(world, ended);
            if self.spec.restart == Restart::Never {
                self.seen().crashed = crashed.then_some(how);
                return;
            }
            sleep(RESTARTS_AFTER).await;
            if let Err(error) = self.start(world).await {
                self.seen().crashed = Some(error);
                return;
            }
        }
    }

    /// Stops it with all that it has started.
    async fn stop(&self, world: &World) {
        let ran = self.process.pid().is_some();
        if let Err(error) = self.process.stop(GRACE).await {
            world.history.note(Actor::Harness, Event::Note(format!("consumer {}: {error}", self.name())));
        }
        self.output.take();
        if ran {
            self.note(world, ConsumerState::Stopped);
        }
    }

    fn note(&self, world: &World, state: ConsumerState) {
        world.history.note(Actor::Harness, Event::Consumer { consumer: self.name().to_owned(), state });
    }

    /// Looks at what it holds, and tries it straight at the target.
    async fn look(&self, world: &World) -> Result<(Interval, Held), Missing> {
        let sent = world.history.now();
        let held = |held: Result<(String, Login, Outcome<()>), String>| {
            let consumer = self.name().to_owned();
            match held {
                Ok((credential, login, outcome)) => {
                    let (credential, username) = (Some(credential), Some(login.username));
                    Held { consumer, credential, username, outcome: Some(outcome), lacks: None }
                }
                Err(why) => Held { consumer, credential: None, username: None, outcome: None, lacks: Some(why) },
            }
        };
        let Some(holds) = &self.spec.holds else {
            return Err(Missing { kind: "file with the credential of consumer", name: self.name().to_owned() });
        };
        let read = match self.crashed() {
            Some(how) => Err(format!("it has ended: {how}")),
            None => holding::read(&self.folder, holds),
        };
        let tried = match read {
            Ok(login) => {
                let password = world.history.secrets().learn(login.password);
                let login = Login { password, ..login };
                let outcome = world.database_of(&holds.role)?.direct.login(&login).await.outcome;
                let changed = outcome.refusal().is_some()
                    && holding::read(&self.folder, holds)
                        .is_ok_and(|now| now.username != login.username || now.password != login.password);
                // It may have let go of it before it was refused: then that says nothing.
                let detail = "it holds another credential by now".to_owned();
                let outcome =
                    if changed { Outcome::Unknown(Unknown { why: Silence::Garbled, detail }) } else { outcome };
                Ok((self.number(world, &login), login, outcome))
            }
            Err(why) => Err(why),
        };
        let mut seen = self.seen();
        seen.has_worked |= tried.as_ref().is_ok_and(|(_, _, outcome)| outcome.ok().is_some());
        seen.last = Some(match &tried {
            Ok((credential, _, outcome)) => format!("{credential}: {outcome}"),
            Err(why) => why.clone(),
        });
        drop(seen);
        Ok((Interval::new(sent, world.history.now()), held(tried)))
    }

    /// The name of a credential that it holds: `app#2` for the second one.
    fn number(&self, world: &World, login: &Login) -> String {
        let both = Secret::new(format!("{}\n{}", login.username, login.password.expose()));
        let print = world.book.fingerprint(&both);
        let mut seen = self.seen();
        let place = seen.credentials.iter().position(|known| *known == print).unwrap_or_else(|| {
            seen.credentials.push(print);
            seen.credentials.len() - 1
        });
        format!("{}#{}", self.name(), place + 1)
    }

    /// Looks all the time. What it lacks before its first credential is no gap: it has not begun yet.
    async fn watch(&self, world: &World) {
        let mut begun = false;
        loop {
            let turn = Instant::now();
            for file in &self.spec.secret_files {
                if let Ok(text) = holding::text(&self.folder, file) {
                    world.history.secrets().learn(Secret::new(text.trim()));
                }
            }
            if self.spec.holds.is_some() {
                // Without a database behind its role there is nothing to look at, as the file's own checks have it.
                let Ok((at, held)) = self.look(world).await else { return };
                begun |= held.credential.is_some();
                if begun {
                    world.write(&Actor::Probe, None, at, Event::Held(held));
                }
            }
            sleep_until(turn + self.spec.looks_every).await;
        }
    }

    /// Searches what it wrote for every secret that is known by now.
    fn search(&self, world: &World) -> OutputSearched {
        let secrets = world.history.secrets();
        let (mut bytes, not_kept) = self.output.size();
        let (mut found, mut unsearched) = (Vec::new(), Vec::new());
        let mut look = |name: &str, text: &str| {
            let lines = text.lines().enumerate().filter(|(_, line)| secrets.found_in(line));
            found.extend(lines.map(|(index, _)| format!("{name}:{}", index + 1)));
        };
        look("output", &self.output.text());
        for file in &self.spec.logs {
            match self.log(file) {
                Ok(text) => {
                    bytes += text.len() as u64;
                    look(file, &text);
                    if text.len() as u64 >= LARGEST_LOG {
                        unsearched.push(format!("{file}: what lies behind its first {LARGEST_LOG} bytes"));
                    }
                }
                Err(why) => unsearched.push(why),
            }
        }
        if self.output.secret_went_by() {
            found.push("output, in what came after its first mebibyte".to_owned());
        }
        OutputSearched { consumer: self.name().to_owned(), bytes, not_kept, found, unsearched }
    }

    fn seen(&self) -> MutexGuard<'_, SeenOf> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Any end but a good one. An unknown status is none that could be called a failure.
fn is_crash(exit: Exit) -> bool {
    exit.status.is_some_and(|status| !status.success())
}

/// Consumers that crashed and are not started again, as an error with the last lines of the first.
pub fn none_crashed(world: &World) -> Result<(), String> {
    let crashed = world.consumers.iter().find_map(|consumer| Some((consumer, consumer.crashed()?)));
    let Some((consumer, how)) = crashed else { return Ok(()) };
    let said = check::consumer::said_last(&consumer.output.last_lines(LAST_LINES));
    Err(format!("consumer {} ended by itself: {how}; {said}", consumer.name()))
}

/// Consumers that never held a credential that works, with the reason.
pub fn without_credential(world: &World) -> Vec<String> {
    let lacks = |consumer: &Arc<Consumer>| Some(format!("{} ({})", consumer.name(), consumer.still_lacks()?));
    world.consumers.iter().filter_map(lacks).collect()
}

/// Waits until it is known of everybody who has to recover whether he does.
pub async fn until_recovered(world: &World) {
    let scenario = &world.plan.scenario;
    for invariant in &scenario.always {
        let Some(Throughout::RecoversWithin(recovers)) = invariant.what.one() else { continue };
        let mut looks = Looks::within(recovers.at_most.0 + PATIENCE);
        while looks.again().await {
            let judged = world.history.read(|entries| check::invariant(invariant, scenario, entries));
            if judged.verdict != Verdict::Inconclusive {
                break;
            }
        }
    }
}

/// Copies what consumers wrote, cleaned of secrets, to where the report keeps it.
pub fn take_logs(world: &World, folder: &Path) {
    for (name, text) in world.consumers.iter().flat_map(|consumer| consumer.logs()) {
        let clean = world.history.secrets().redact(&text);
        if let Err(error) = std::fs::write(folder.join(&name), clean) {
            let note = format!("what a consumer wrote could not be taken to {name}: {error}");
            world.history.note(Actor::Harness, Event::Note(note));
        }
    }
}

/// Starts all consumers, and looks at them and listens until `quiet`.
pub async fn start(world: &Arc<World>, tasks: &mut JoinSet<()>, quiet: &CancellationToken) -> Result<(), String> {
    if world.consumers.is_empty() {
        return Ok(());
    }
    tasks.spawn(ears::listen(Arc::clone(world), quiet.clone()));
    for consumer in &world.consumers {
        tasks.spawn(Arc::clone(&consumer.output).read(quiet.clone()));
        consumer.start(world).await.map_err(|why| format!("consumer {}: {why}", consumer.name()))?;
        let (consumer, world, quiet) = (Arc::clone(consumer), Arc::clone(world), quiet.clone());
        tasks.spawn(async move {
            let both = async { tokio::join!(consumer.supervise(&world), consumer.watch(&world)) };
            quiet.run_until_cancelled(both).await;
        });
    }
    Ok(())
}

/// Stops all consumers. Their output is read meanwhile, since one that cannot write does not end.
pub async fn stop(world: &World) {
    let stop = CancellationToken::new();
    let reading = join_all(world.consumers.iter().map(|consumer| Arc::clone(&consumer.output).read(stop.clone())));
    let stopping = async {
        join_all(world.consumers.iter().map(|consumer| consumer.stop(world))).await;
        stop.cancel();
    };
    tokio::join!(reading, stopping);
}

/// Searches what all consumers wrote.
pub fn search(world: &World) {
    for consumer in &world.consumers {
        let searched = consumer.search(world);
        world.history.note(Actor::Harness, Event::OutputSearched(searched));
    }
}

/// Looks at what a consumer holds for a step.
pub async fn look(world: &World, who: &Actor, step: Option<&str>, name: &str) -> Result<(), Missing> {
    let consumer = world.consumers.iter().find(|consumer| consumer.name() == name);
    let consumer = consumer.ok_or_else(|| Missing { kind: "consumer", name: name.to_owned() })?;
    let (at, held) = consumer.look(world).await?;
    world.write(who, step, at, Event::Held(held));
    Ok(())
}
