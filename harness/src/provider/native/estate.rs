//! What a run owns: a folder, everything in it, and every process started for it. A later run removes what a killed one
//! left, and never touches what is another's.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, lchown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use nix::sys::statvfs::statvfs;
use nix::unistd::Uid;
use rand::RngExt as _;

use super::family::Unmoved;
use super::ledger::{self, Owner};
use super::shared_memory;
use super::user::User;

/// The variable that names another base folder for runs.
pub const HOME_VARIABLE: &str = "LEASEPROOF_HOME";

/// A file system in memory, on every Linux; where it is small, as in a container, it is not used.
const MEMORY: &str = "/dev/shm";
const DISK: &str = "/tmp";
/// Free bytes from which on memory is used: some fifty stacks of twenty to forty megabytes.
const ROOM: u64 = 2 << 30;

const RUN_PREFIX: &str = "run-";
/// Held in a run's folder for the run's life.
pub(in crate::provider) const RUN_LOCK: &str = "lock";
/// Held in the base folder while a run is made or dead ones are looked for.
const BASE_LOCK: &str = ".lock";
/// Others may pass to folders whose names they know, and see no names: a server may be another user's.
const PASSABLE: u32 = 0o711;
/// How long a start or a copy that nobody waits for any more may go on putting files into a run's folder.
const STARTS_END: Duration = Duration::from_secs(10);

/// A run's folder and processes. [`Estate::close`] gives them up; dropping does the same, but cannot say what failed.
#[derive(Debug)]
pub struct Estate {
    folder: PathBuf,
    owner: Owner,
    lock: File,
    closed: bool,
}

/// A run whose harness is gone and that left something.
#[derive(Debug)]
pub struct DeadRun {
    /// Its folder.
    pub folder: PathBuf,
    /// Its processes that still run.
    pub processes: Vec<Leftover>,
}

/// A process that outlived its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Its number.
    pub pid: i32,
    /// Its program, where the system lets us know.
    pub program: Option<PathBuf>,
}

/// What a sweep found and did.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Dead runs of which nothing is left now.
    pub removed: Vec<DeadRun>,
    /// Dead runs of which something is left, and why.
    pub failed: Vec<(DeadRun, EstateError)>,
    /// How many runs are alive and were not touched.
    pub alive: usize,
}

/// Why a run's folder or processes could not be made, found or removed.
#[derive(Debug, thiserror::Error)]
pub enum EstateError {
    /// A file or folder could not be used.
    #[error("cannot {doing} {}: {source}; check that it is ours and that there is room, or set LEASEPROOF_HOME to another folder", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The base folder is a link or another user's, who could then change what we start.
    #[error("{} is not a folder of our own; remove it, or set LEASEPROOF_HOME to another folder", path.display())]
    NotOurs {
        /// The base folder.
        path: PathBuf,
    },
    /// Processes of the run cannot be killed.
    #[error("processes {pids:?} of {} cannot be killed; end them by hand, then run `leaseproof clean`", folder.display())]
    Survivors {
        /// The run's folder, which is left in place.
        folder: PathBuf,
        /// The processes.
        pids: Vec<i32>,
    },
    /// The runtime is shutting down.
    #[error("the clean-up of {} was cut short; run `leaseproof clean`", folder.display())]
    CutShort {
        /// The folder.
        folder: PathBuf,
    },
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> EstateError {
    let path = path.to_path_buf();
    move |source| EstateError::File { doing, path, source }
}

/// Where a run has its folder: $LEASEPROOF_HOME; else in memory, where a server's `fsync` waits for no disk that another
/// stack's files are being copied to; else, with little memory, in /tmp. Both are short, since a PostgreSQL socket's
/// whole path may have 107 bytes.
pub fn base() -> PathBuf {
    match named_base() {
        Some(named) => named,
        None if has_room(Path::new(MEMORY)) => usual_base(MEMORY),
        None => usual_base(DISK),
    }
}

/// Every folder where a run without a home of its own may have left something.
fn bases() -> Vec<PathBuf> {
    named_base().map_or_else(|| vec![usual_base(MEMORY), usual_base(DISK)], |named| vec![named])
}

fn named_base() -> Option<PathBuf> {
    std::env::var_os(HOME_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from)
}

fn usual_base(parent: &str) -> PathBuf {
    format!("{parent}/leaseproof-{}", Uid::effective()).into()
}

/// Whether it is a file system in memory with room for many stacks.
fn has_room(folder: &Path) -> bool {
    let in_memory = statfs(folder).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC);
    let free = statvfs(folder).map_or(0, |found| found.blocks_available().saturating_mul(found.fragment_size()));
    in_memory && free >= ROOM
}

impl Estate {
    /// A new run's, in the usual [`base`].
    pub fn open() -> Result<Self, EstateError> {
        Self::open_in(&base())
    }

    /// A new run's in this base folder, which is made when missing.
    pub fn open_in(base: &Path) -> Result<Self, EstateError> {
        let base = prepare(base)?;
        // A sweep must not see the folder before its lock is held.
        let _making = lock_base(&base)?;
        let id: String = rand::rng().sample_iter(rand::distr::Alphanumeric).take(10).map(char::from).collect();
        let folder = base.join(format!("{RUN_PREFIX}{}", id.to_lowercase()));
        make_folder(&folder, PASSABLE, None)?;
        let path = folder.join(RUN_LOCK);
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let lock = lock.map_err(failed("create", &path))?;
        lock.lock().map_err(failed("lock", &path))?;
        let owner = Owner::create(&folder).map_err(failed("list processes in", &folder))?;
        Ok(Self { folder, owner, lock, closed: false })
    }

    /// The run's folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What a [`super::launch::Launch`] takes to belong to this run.
    pub fn owner(&self) -> Owner {
        self.owner.clone()
    }

    /// Makes a folder for one server, for its user alone: `None` is ourselves.
    pub fn folder(&self, name: &str, user: Option<User>) -> Result<PathBuf, EstateError> {
        let folder = self.folder.join(name);
        make_folder(&folder, 0o700, user)?;
        Ok(folder)
    }

    /// Kills what still runs and removes the folder. On an error something is left, for a later sweep to try again.
    pub async fn close(mut self) -> Result<(), EstateError> {
        self.closed = true;
        let folder = self.folder.clone();
        blocking(&folder, {
            let folder = folder.clone();
            move || {
                // Kept to the end: the lock goes with `self`.
                let estate = self;
                remove_run(&folder, &estate.lock)
            }
        })
        .await?
    }
}

impl Drop for Estate {
    fn drop(&mut self) {
        if !self.closed {
            // The next sweep meets what is left, and says so.
            let _ = remove_run(&self.folder, &self.lock);
        }
    }
}

/// Dead runs and what they left wherever a [`base`] may have been, untouched.
pub async fn dead_runs() -> Result<Vec<DeadRun>, EstateError> {
    let mut dead = Vec::new();
    for base in bases() {
        dead.extend(dead_runs_in(&base).await?);
    }
    Ok(dead)
}

/// Dead runs and what they left in this base folder, untouched.
pub async fn dead_runs_in(base: &Path) -> Result<Vec<DeadRun>, EstateError> {
    let own = base.to_path_buf();
    blocking(base, move || Ok(find(&own)?.dead.into_iter().map(|(run, _lock)| run).collect())).await?
}

/// Kills and removes what dead runs left wherever a [`base`] may have been.
pub async fn sweep() -> Result<Sweep, EstateError> {
    let mut sweep = Sweep::default();
    for base in bases() {
        let found = sweep_in(&base).await?;
        sweep.removed.extend(found.removed);
        sweep.failed.extend(found.failed);
        sweep.alive += found.alive;
    }
    Ok(sweep)
}

/// Kills and removes what dead runs left in this base folder. Runs that are alive, and processes that are not provably
/// a dead run's, are not touched.
pub async fn sweep_in(base: &Path) -> Result<Sweep, EstateError> {
    let own = base.to_path_buf();
    blocking(base, move || {
        let found = find(&own)?;
        let mut sweep = Sweep { alive: found.alive, ..Sweep::default() };
        for (run, lock) in found.dead {
            match remove_run(&run.folder, &lock) {
                Ok(()) => sweep.removed.push(run),
                Err(error) => sweep.failed.push((run, error)),
            }
        }
        Ok(sweep)
    })
    .await?
}

struct Found {
    /// With their locks, so that no other sweep does the same work.
    dead: Vec<(DeadRun, File)>,
    alive: usize,
}

fn find(base: &Path) -> Result<Found, EstateError> {
    let mut found = Found { dead: Vec::new(), alive: 0 };
    if !base.exists() {
        return Ok(found);
    }
    let base = prepare(base)?;
    let _looking = lock_base(&base)?;
    for entry in fs::read_dir(&base).map_err(failed("read", &base))? {
        let entry = entry.map_err(failed("read", &base))?;
        let is_run = entry.file_name().to_str().is_some_and(|name| name.starts_with(RUN_PREFIX))
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_run {
            continue;
        }
        let folder = entry.path();
        let path = folder.join(RUN_LOCK);
        // Made if missing: its run died while it was being made, or another sweep is about to remove the folder.
        let lock = match OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.map_err(failed("open", &path))?,
        };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => found.alive += 1,
            Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
            Ok(()) => {
                let processes = ledger::family(&folder)
                    .living()
                    .iter()
                    .map(|member| Leftover { pid: member.identity.pid, program: member.program() })
                    .collect();
                found.dead.push((DeadRun { folder, processes }, lock));
            }
        }
    }
    Ok(found)
}

/// Kills a run's processes and removes its folder; the lock is asked for so that nobody does this without it.
fn remove_run(folder: &Path, _lock: &File) -> Result<(), EstateError> {
    let end = Instant::now() + STARTS_END;
    loop {
        if let Err(Unmoved(who)) = ledger::family(folder).kill() {
            let pids = who.into_iter().map(|identity| identity.pid).collect();
            return Err(EstateError::Survivors { folder: folder.into(), pids });
        }
        shared_memory::release_below(folder);
        match fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // A start or a copy that was under way when the run was stopped has put a file there meanwhile.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && Instant::now() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(failed("remove", folder)(error)),
        }
    }
}

/// Whether somebody holds the lock of a run's folder. What cannot be looked at is taken to be alive, and left alone.
pub fn is_alive(run: &Path) -> bool {
    match OpenOptions::new().read(true).open(run.join(RUN_LOCK)) {
        Err(error) => error.kind() != io::ErrorKind::NotFound,
        Ok(lock) => match lock.try_lock_shared() {
            Ok(()) => false,
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => true,
        },
    }
}

/// Makes the base folder if missing and gives it without links, as /proc will name it.
fn prepare(base: &Path) -> Result<PathBuf, EstateError> {
    match DirBuilder::new().mode(PASSABLE).create(base) {
        Ok(()) => fs::set_permissions(base, Permissions::from_mode(PASSABLE)).map_err(failed("open up", base))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed("create", base)(error)),
    }
    let metadata = fs::symlink_metadata(base).map_err(failed("look at", base))?;
    if !metadata.is_dir() || metadata.uid() != Uid::effective().as_raw() {
        return Err(EstateError::NotOurs { path: base.into() });
    }
    base.canonicalize().map_err(failed("look at", base))
}

fn lock_base(base: &Path) -> Result<File, EstateError> {
    let path = base.join(BASE_LOCK);
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
    let lock = lock.map_err(failed("open", &path))?;
    lock.lock().map_err(failed("lock", &path))?;
    Ok(lock)
}

/// Makes a folder with exactly this mode, whatever the umask.
fn make_folder(folder: &Path, mode: u32, user: Option<User>) -> Result<(), EstateError> {
    DirBuilder::new().mode(mode).create(folder).map_err(failed("create", folder))?;
    fs::set_permissions(folder, Permissions::from_mode(mode)).map_err(failed("open up", folder))?;
    match user {
        Some(user) => lchown(folder, Some(user.uid), Some(user.gid)).map_err(failed("give away", folder)),
        None => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    folder: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, EstateError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| EstateError::CutShort { folder: folder.into() })
}
