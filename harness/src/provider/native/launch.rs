//! How a process is started: program, arguments, environment, folder, log, user, and what ends it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::prctl;
pub use nix::sys::signal::Signal;
use nix::unistd::{Pid, getpid, getppid};

use super::ledger::{self, Owner};
use super::user::User;
use crate::secret::Secret;

/// What a server keeps of the harness's environment. Nothing else, above all no cloud or Vault credentials of the
/// person at the keyboard: a server under test must not be able to reach anything real.
const KEPT_ENVIRONMENT: [&str; 4] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ"];

/// What to start, the same each time it is started again. Arguments are seen by every user of the machine and so must
/// hold no secret; secrets go by [`Launch::secret_env`] or a file.
#[derive(Clone)]
pub struct Launch {
    pub(super) name: String,
    pub(super) program: PathBuf,
    pub(super) args: Vec<OsString>,
    pub(super) env: Vec<(String, Secret)>,
    pub(super) folder: PathBuf,
    pub(super) log: PathBuf,
    pub(super) user: Option<User>,
    pub(super) on_harness_death: Signal,
    pub(super) polite: Signal,
    pub(super) owner: Option<Owner>,
}

impl Launch {
    /// A program that will work in `folder` and write what it says to `<folder>/<name>.log`. The name is what errors
    /// call it. It ends on SIGTERM, and by SIGKILL when the harness dies. The folder must be no other process's: whoever
    /// runs the same program there is taken for a descendant.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, folder: impl Into<PathBuf>) -> Self {
        let (name, program, folder) = (name.into(), program.into(), folder.into());
        let log = folder.join(format!("{name}.log"));
        Self {
            name,
            program,
            args: Vec::new(),
            env: Vec::new(),
            folder,
            log,
            user: None,
            on_harness_death: Signal::SIGKILL,
            polite: Signal::SIGTERM,
            owner: None,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable. The process has no others but PATH, LD_LIBRARY_PATH, TMPDIR and TZ of the harness.
    #[must_use]
    pub fn env(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.secret_env(name, Secret::new(value))
    }

    /// Sets a variable to a secret. Root and the process's own user can read it in /proc, nobody else.
    #[must_use]
    pub fn secret_env(mut self, name: impl Into<String>, value: Secret) -> Self {
        self.env.push((name.into(), value));
        self
    }

    /// Appends what the process says on both streams to this file instead.
    #[must_use]
    pub fn log_to(mut self, log: impl Into<PathBuf>) -> Self {
        self.log = log.into();
        self
    }

    /// Runs it as another user, which only root can; `None` means as ourselves.
    #[must_use]
    pub fn run_as(mut self, user: Option<User>) -> Self {
        self.user = user;
        self
    }

    /// The signal it gets when the harness dies. PostgreSQL wants SIGQUIT, so that it ends its backends and removes its
    /// shared memory.
    #[must_use]
    pub fn on_harness_death(mut self, signal: Signal) -> Self {
        self.on_harness_death = signal;
        self
    }

    /// The signal that asks it to end.
    #[must_use]
    pub fn polite_signal(mut self, signal: Signal) -> Self {
        self.polite = signal;
        self
    }

    /// Makes it belong to a run, which ends it.
    #[must_use]
    pub fn owned_by(mut self, owner: Owner) -> Self {
        self.owner = Some(owner);
        self
    }

    /// Opens the log for appending, readable by us and our group alone.
    pub(super) fn open_log(&self) -> io::Result<File> {
        OpenOptions::new().append(true).create(true).mode(0o640).open(&self.log)
    }

    /// Forks and executes. Must run on the forking thread: see [`super::forker`].
    pub(super) fn spawn(&self, markers: &[(&str, &Path)], log: File) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).current_dir(&self.folder).env_clear();
        command.envs(KEPT_ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.envs(self.env.iter().map(|(name, value)| (name, value.expose())));
        command.envs(markers.iter().copied());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid);
        }
        die_with(&mut command, self.on_harness_death, getpid());
        command.spawn()
    }

    /// Names the run in the environment, when there is one.
    pub(super) fn run_marker(&self) -> Option<(&'static str, &Path)> {
        self.owner.as_ref().map(|owner| (ledger::RUN_MARKER, owner.run_folder()))
    }
}

/// Has the kernel send the signal to the child when its parent, the forking thread, ends.
fn die_with(command: &mut Command, signal: Signal, harness: Pid) {
    let arm = move || {
        prctl::set_pdeathsig(signal)?;
        // The harness may have died before the line above took hold, and then nothing would tell the child.
        if getppid() == harness { Ok(()) } else { Err(io::ErrorKind::BrokenPipe.into()) }
    };
    #[expect(unsafe_code, reason = "only code between fork and exec can arm the parent-death signal")]
    // SAFETY: the closure makes two system calls and allocates nothing, so it may run after a fork in a program with
    // threads. Its captures are plain numbers.
    unsafe {
        command.pre_exec(arm);
    }
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("name", &self.name)
            .field("program", &self.program)
            .field("args", &self.args)
            .field("folder", &self.folder)
            .field("log", &self.log)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
