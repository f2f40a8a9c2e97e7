//! A process that is kept: started, paused, resumed, stopped, killed and started again, with all its descendants.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::Signal;
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

use super::family::{self, Family, Identity, Member, Unmoved};
use super::forker;
use super::launch::Launch;
use super::user::User;

/// Marks what comes of one start of one process, beside the run's marker.
const PROCESS_MARKER: &str = "LEASEPROOF_PROCESS";

/// A server's process. Operations wait for each other, so a fault and the runner may both hold it. Dropping it kills
/// whatever still runs; call [`Process::stop`] or [`Process::kill`] to know that it is gone.
#[derive(Debug)]
pub struct Process {
    launch: Launch,
    /// Starts from now on are of this program instead.
    replaced_by: Mutex<Option<PathBuf>>,
    /// One operation at a time: a start must not overtake a kill.
    turn: tokio::sync::Mutex<()>,
    current: Mutex<Option<Arc<Running>>>,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was never started.
    NotStarted,
    /// It runs.
    Running,
    /// It is stopped by a signal and will go on with [`Process::resume`].
    Paused,
    /// It has ended so.
    Exited(Exit),
}

/// How a process ended. The status is `None` where the system does not keep it, which is when whoever started the
/// harness has it ignore SIGCHLD.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// Exit code or signal.
    pub status: Option<ExitStatus>,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(status) => status.fmt(f),
            None => f.write_str("unknown exit status"),
        }
    }
}

/// How a stop went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// There was nothing to stop.
    AlreadyGone,
    /// It ended when asked to.
    Politely(Exit),
    /// It did not end in the time given and was killed.
    Killed,
}

/// Why a process could not be started or moved.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program did not start.
    #[error("cannot start {name} ({}){}: {source}{}", program.display(), as_whom(*.user), advice(source, *.user, program, folder))]
    Start {
        /// What the launch calls it.
        name: String,
        /// The program.
        program: PathBuf,
        /// The folder it was to work in.
        folder: PathBuf,
        /// As whom, when not as ourselves.
        user: Option<User>,
        /// What the system said.
        source: io::Error,
    },
    /// The log file cannot be written.
    #[error("cannot write the log of {name} to {}: {source}; check that the folder exists and has room", log.display())]
    Log {
        /// What the launch calls it.
        name: String,
        /// The log file.
        log: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The run's list of processes cannot be written, so nothing was started or what was started has been killed.
    #[error("cannot note {name} among the processes of the run: {source}; check that its folder exists and has room")]
    Note {
        /// What the launch calls it.
        name: String,
        /// What the system said.
        source: io::Error,
    },
    /// A start of what runs.
    #[error("{name} runs already; stop or kill it before starting it again")]
    AlreadyRunning {
        /// What the launch calls it.
        name: String,
    },
    /// A pause, resume or wait for what does not run.
    #[error("{name} does not run; start it first, or look in {} for why it ended", log.display())]
    NotRunning {
        /// What the launch calls it.
        name: String,
        /// Its log file.
        log: PathBuf,
    },
    /// Signals were sent and had no effect in ten seconds.
    #[error(
        "{name} did not {what}: processes {pids:?} are unmoved; they may be stuck in the kernel or be another user's"
    )]
    Unmoved {
        /// What the launch calls it.
        name: String,
        /// What was wanted.
        what: &'static str,
        /// The processes.
        pids: Vec<i32>,
    },
}

fn as_whom(user: Option<User>) -> String {
    user.map(|user| format!(" as {user}")).unwrap_or_default()
}

fn advice(source: &io::Error, user: Option<User>, program: &Path, folder: &Path) -> String {
    let barrier = user.and_then(|user| user.stopped_at(program).or_else(|| user.stopped_at(folder)));
    match (source.kind(), user, barrier) {
        (io::ErrorKind::PermissionDenied, Some(user), Some(barrier)) => {
            format!("; {user} may not pass {}: use a program and folder that all users can reach", barrier.display())
        }
        (io::ErrorKind::NotFound, ..) if !program.exists() => "; the program does not exist".into(),
        (io::ErrorKind::NotFound, ..) if !folder.exists() => {
            format!("; the folder {} does not exist", folder.display())
        }
        _ => String::new(),
    }
}

/// One start of a process.
#[derive(Debug)]
struct Running {
    leader: Identity,
    family: Arc<Mutex<Family>>,
    exit: watch::Receiver<Option<Exit>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        lock(&self.family).kill_unwaited();
    }
}

impl Process {
    /// A process that is not started yet.
    pub fn new(launch: Launch) -> Self {
        Self { launch, replaced_by: Mutex::default(), turn: tokio::sync::Mutex::default(), current: Mutex::default() }
    }

    /// What it was first launched with.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// Its log file, which all its starts append to.
    pub fn log(&self) -> &Path {
        &self.launch.log
    }

    /// The number of its first process, while that runs.
    pub fn pid(&self) -> Option<i32> {
        self.current().filter(|running| running.exit.borrow().is_none()).map(|running| running.leader.pid)
    }

    /// What it is doing now. `Paused` speaks of its first process.
    pub fn state(&self) -> State {
        let Some(running) = self.current() else { return State::NotStarted };
        if let Some(status) = *running.exit.borrow() {
            return State::Exited(status);
        }
        let paused = Member::read(running.leader.pid).is_some_and(|leader| leader.stopped());
        if paused { State::Paused } else { State::Running }
    }

    /// Has later starts run another program, with the same arguments in the same folder: an upgrade.
    pub fn replace_program(&self, program: PathBuf) {
        *lock(&self.replaced_by) = Some(program);
    }

    /// Starts it, the first time or again with the same arguments. What an earlier start left is killed first.
    pub async fn start(&self) -> Result<(), ProcessError> {
        let _turn = self.turn.lock().await;
        if let Some(earlier) = self.current() {
            if earlier.exit.borrow().is_none() {
                return Err(ProcessError::AlreadyRunning { name: self.launch.name.clone() });
            }
            self.kill_family(&earlier).await?;
        }
        let mut launch = self.launch.clone();
        if let Some(program) = lock(&self.replaced_by).clone() {
            launch.program = program;
        }
        let running =
            forker::run(move || Running::start(&launch)).await.map_err(|source| self.launch.failed(source))??;
        *lock(&self.current) = Some(Arc::new(running));
        Ok(())
    }

    /// Asks it to end, waits so long, then kills it. Returns when it and all its descendants are gone.
    pub async fn stop(&self, grace: Duration) -> Result<Stopped, ProcessError> {
        let _turn = self.turn.lock().await;
        let Some(running) = self.current() else { return Ok(Stopped::AlreadyGone) };
        if running.exit.borrow().is_some() {
            self.kill_family(&running).await?;
            return Ok(Stopped::AlreadyGone);
        }
        // A paused process hears nothing but SIGKILL.
        self.with_family(&running, "go on", Family::resume).await?;
        // Who cannot be asked is killed when the grace is over.
        let _ = family::send(running.leader, self.launch.polite);
        let asked = tokio::time::timeout(grace, running.wait()).await;
        self.kill_family(&running).await?;
        Ok(asked.map_or(Stopped::Killed, Stopped::Politely))
    }

    /// Kills it with all its descendants. Returns when they are gone and it is reaped; what does not run is no error.
    pub async fn kill(&self) -> Result<(), ProcessError> {
        let _turn = self.turn.lock().await;
        match self.current() {
            Some(running) => self.kill_family(&running).await,
            None => Ok(()),
        }
    }

    /// Stops it and all its descendants in their tracks. Returns when /proc shows all of them stopped.
    pub async fn pause(&self) -> Result<(), ProcessError> {
        let _turn = self.turn.lock().await;
        let running = self.running()?;
        self.with_family(&running, "pause", Family::pause).await?;
        // It may have ended just before, and a pause of nothing must not count as a fault that took effect.
        if family::alive(running.leader) { Ok(()) } else { Err(self.not_running()) }
    }

    /// Lets it and all its descendants go on. Returns when /proc shows none of them stopped.
    pub async fn resume(&self) -> Result<(), ProcessError> {
        let _turn = self.turn.lock().await;
        let running = self.running()?;
        self.with_family(&running, "go on", Family::resume).await
    }

    /// Tells it to read again what it reads at its start, and to open its logs anew: SIGHUP.
    pub fn hang_up(&self) -> Result<(), ProcessError> {
        let running = self.running()?;
        family::send(running.leader, Signal::SIGHUP).map_err(|_| self.not_running())
    }

    /// Waits until it has ended and is reaped, and says how.
    pub async fn exited(&self) -> Result<Exit, ProcessError> {
        match self.current() {
            Some(running) => Ok(running.wait().await),
            None => Err(self.not_running()),
        }
    }

    fn current(&self) -> Option<Arc<Running>> {
        lock(&self.current).clone()
    }

    fn running(&self) -> Result<Arc<Running>, ProcessError> {
        self.current().filter(|running| running.exit.borrow().is_none()).ok_or_else(|| self.not_running())
    }

    fn not_running(&self) -> ProcessError {
        ProcessError::NotRunning { name: self.launch.name.clone(), log: self.launch.log.clone() }
    }

    async fn kill_family(&self, running: &Arc<Running>) -> Result<(), ProcessError> {
        self.with_family(running, "die", |family| family.kill().map(drop)).await?;
        running.wait().await;
        // Nobody is left to find, and the next start in this folder must not be taken for family when this one, kept
        // by whoever waits for its exit, is dropped.
        *lock(&running.family) = Family::default();
        Ok(())
    }

    /// Looks at /proc and sends signals off the runtime's own threads.
    async fn with_family(
        &self,
        running: &Arc<Running>,
        what: &'static str,
        act: impl FnOnce(&mut Family) -> Result<(), Unmoved> + Send + 'static,
    ) -> Result<(), ProcessError> {
        let family = Arc::clone(&running.family);
        let moved = tokio::task::spawn_blocking(move || act(&mut lock(&family))).await;
        let unmoved = |pids| ProcessError::Unmoved { name: self.launch.name.clone(), what, pids };
        match moved {
            Ok(Ok(())) => Ok(()),
            Ok(Err(Unmoved(who))) => Err(unmoved(who.into_iter().map(|identity| identity.pid).collect())),
            // The runtime is going down and ran nothing.
            Err(_) => Err(unmoved(vec![running.leader.pid])),
        }
    }
}

impl Running {
    /// Forks, executes and notes it. Runs on the forking thread.
    fn start(launch: &Launch) -> Result<Self, ProcessError> {
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let noted = |source| ProcessError::Note { name: launch.name.clone(), source };
        let log = launch.open_log().map_err(|source| ProcessError::Log {
            name: launch.name.clone(),
            log: launch.log.clone(),
            source,
        })?;
        // /proc names programs and folders without links.
        let program = launch.program.canonicalize().map_err(|source| launch.failed(source))?;
        let folder = launch.folder.canonicalize().map_err(|source| launch.failed(source))?;
        if let Some(owner) = &launch.owner {
            owner.starting(&launch.name, &program).map_err(noted)?;
        }
        let nth = STARTS.fetch_add(1, Ordering::Relaxed);
        let token = format!("{}-{nth}-{}", std::process::id(), rand::random::<u32>());
        let markers = [Some((PROCESS_MARKER, Path::new(&token))), launch.run_marker()];
        let markers: Vec<_> = markers.into_iter().flatten().collect();
        let child = launch.spawn(&markers, log).map_err(|source| launch.failed(source))?;
        let running = Self::watch(
            child,
            Family {
                markers: vec![format!("{PROCESS_MARKER}={token}")],
                programs: [program.clone()].into(),
                folder,
                ..Family::default()
            },
        )
        .map_err(|source| launch.failed(source))?;
        if let Some(owner) = &launch.owner {
            // When this fails the process is killed by the drop.
            owner.started(&launch.name, &program, running.leader).map_err(noted)?;
        }
        Ok(running)
    }

    /// Keeps a thread that waits for the child, so that its end is known at once and whatever runtime is there.
    fn watch(mut child: Child, mut family: Family) -> io::Result<Self> {
        // The child is not reaped before the thread below does it, so it is in /proc, dead or alive.
        let Some(member) = i32::try_from(child.id()).ok().and_then(Member::read) else {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::other("/proc does not show the new process"));
        };
        let leader = member.identity;
        family.known.insert(leader);
        // For a script this is its interpreter.
        family.programs.extend(member.program());
        let family = Arc::new(Mutex::new(family));
        let (exited, exit) = watch::channel(None);
        let running = Self { leader, family: Arc::clone(&family), exit };
        thread::Builder::new().name(format!("leaseproof-wait-{}", leader.pid)).spawn(move || {
            await_exit(leader.pid);
            // Last look while the dead process still holds its number: who shares its group is surely family.
            lock(&family).members();
            exited.send_replace(Some(Exit { status: child.wait().ok() }));
        })?;
        Ok(running)
    }

    async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        // An error means that the waiting thread is gone without a word, which is an end of unknown status as well.
        exit.wait_for(Option::is_some).await.ok().and_then(|exit| *exit).unwrap_or(Exit { status: None })
    }
}

impl Launch {
    fn failed(&self, source: io::Error) -> ProcessError {
        let (name, program, folder) = (self.name.clone(), self.program.clone(), self.folder.clone());
        ProcessError::Start { name, program, folder, user: self.user, source }
    }
}

/// Returns when the child has ended, leaving it unreaped.
fn await_exit(pid: i32) {
    while let Err(Errno::EINTR) = waitid(Id::Pid(Pid::from_raw(pid)), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {}
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
