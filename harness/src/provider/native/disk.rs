//! A small disk of one's own: a file system in memory, in a mount namespace that a process of the run holds. It is reached
//! through that process in /proc and goes with it, so that nothing is left mounted whatever happens. Where the system lets
//! users have namespaces of their own, it takes no root.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use nix::unistd::Uid;

use super::find::on_path;
use super::launch::Launch;
use super::ledger::Owner;
use super::process::{Process, ProcessError};
use crate::wait::Looks;

/// Mounts it on the folder in `$1`, and holds it.
const HOLD: &str = r#"mount -t tmpfs -o "size=$2,mode=0700" leaseproof "$1" && : > "$1/ready" && exec sleep infinity"#;
/// Mounts one and says no more.
const TRY: &str = "mount -t tmpfs leaseproof /mnt";
/// How long mounting may take. It takes milliseconds.
const MOUNTS: Duration = Duration::from_secs(20);
/// What a disk is filled with, in pieces ever smaller.
const PIECES: [usize; 3] = [1 << 16, 1 << 12, 1];
const FILLER: &str = "filler";

/// A disk of its own.
#[derive(Debug)]
pub struct Mounted {
    holder: Process,
    root: PathBuf,
}

/// A disk that could not be made, filled or freed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// `unshare` is not installed.
    #[error("there is no `unshare` on PATH, which makes a disk of one's own; it comes with util-linux")]
    NoUnshare,
    /// The process that holds it.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// It did not come up.
    #[error("the disk did not come up within {} s; see {}", MOUNTS.as_secs(), log.display())]
    Silent {
        /// What was said meanwhile.
        log: PathBuf,
    },
    /// A file on it.
    #[error("cannot {doing} {}: {source}", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why no disk of one's own can be made here, if none can. Tried once.
pub fn lacking() -> Option<&'static str> {
    static LACKING: OnceLock<bool> = OnceLock::new();
    let lacking = *LACKING.get_or_init(|| {
        let tried = unshare().map(|unshare| {
            let mut command = Command::new(unshare);
            command.args(namespaces()).args(["sh", "-c", TRY]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()
        });
        !tried.is_some_and(|tried| tried.is_ok_and(|status| status.success()))
    });
    lacking.then_some(
        "a small disk of its own takes root, or a system that lets users have namespaces of their own (`unshare --user \
         --map-root-user --mount true` tells)",
    )
}

impl Mounted {
    /// Makes one of so many bytes in this folder, which must be empty.
    pub(super) async fn make(folder: &Path, bytes: u64, owner: Owner) -> Result<Self, DiskError> {
        let unshare = unshare().ok_or(DiskError::NoUnshare)?;
        let at = folder.join("mounted");
        fs::create_dir(&at).map_err(failed("make", &at))?;
        let launch = Launch::new("disk", unshare, folder)
            .args(namespaces())
            .args(["sh", "-c", HOLD, "sh"])
            .arg(at.display().to_string())
            .arg(bytes.to_string())
            .owned_by(owner);
        let holder = Process::new(launch);
        holder.start().await?;
        let mut looks = Looks::within(MOUNTS);
        while looks.again().await {
            let Some(pid) = holder.pid() else { break };
            let root = PathBuf::from(format!("/proc/{pid}/root{}", at.display()));
            let ready = root.join("ready");
            if ready.exists() {
                fs::remove_file(&ready).map_err(failed("remove", &ready))?;
                return Ok(Self { holder, root });
            }
        }
        Err(DiskError::Silent { log: holder.log().to_owned() })
    }

    /// Where its files are.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Fills it to the last byte, and gives so many back.
    pub async fn fill(&self, leaves: u32) -> Result<(), DiskError> {
        let path = self.root.join(FILLER);
        blocking(move || {
            let options = OpenOptions::new().create(true).append(true).mode(0o600).open(&path);
            let mut file = options.map_err(failed("open", &path))?;
            PIECES.iter().try_for_each(|size| fill(&mut file, *size)).map_err(failed("fill", &path))?;
            let length = file.metadata().map(|found| found.len().saturating_sub(u64::from(leaves)));
            length.and_then(|length| file.set_len(length)).map_err(failed("cut", &path))
        })
        .await
    }

    /// Gives back what filled it.
    pub async fn free(&self) -> Result<(), DiskError> {
        let path = self.root.join(FILLER);
        blocking(move || match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        })
        .await
    }

    /// Ends what holds it, and with that the disk.
    pub async fn remove(&self) -> Result<(), DiskError> {
        Ok(self.holder.kill().await?)
    }
}

/// Writes pieces until no more fits.
fn fill(file: &mut File, size: usize) -> io::Result<()> {
    let piece = vec![b'x'; size];
    loop {
        match file.write_all(&piece) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// Root needs no namespace of users, and none may be had in a container.
fn namespaces() -> &'static [&'static str] {
    if Uid::effective().is_root() { &["--mount"] } else { &["--user", "--map-root-user", "--mount"] }
}

fn unshare() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    on_path(&folders, OsStr::new("unshare"))
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError::File { doing, path, source }
}

async fn blocking(work: impl FnOnce() -> Result<(), DiskError> + Send + 'static) -> Result<(), DiskError> {
    // It fails only when the runtime goes down, and with it the disk.
    tokio::task::spawn_blocking(work).await.unwrap_or(Ok(()))
}
