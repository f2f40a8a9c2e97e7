//! leaseproof's cache folder: fetched programs and initialised data folders, each entry whole or not there at all.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use nix::unistd::Uid;

/// The variable that names another cache folder.
pub const CACHE_VARIABLE: &str = "LEASEPROOF_CACHE";

/// A cache folder. Several processes may use it at once.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
}

/// Whether an entry was there or had to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Present(PathBuf),
    Made(PathBuf),
}

impl Entry {
    pub(super) fn into_path(self) -> PathBuf {
        let (Self::Present(path) | Self::Made(path)) = self;
        path
    }
}

/// Why the cache cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// There is no place for it.
    #[error("no place for a cache is known, since there is no home folder; set LEASEPROOF_CACHE to a folder of yours")]
    NoPlace,
    /// A file or folder in it could not be used.
    #[error("cannot {doing} {}: {source}; check rights and room, or set LEASEPROOF_CACHE to another folder", path.display())]
    File {
        /// What was being done.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The runtime is shutting down.
    #[error("the work on {} was cut short; run it again", path.display())]
    CutShort {
        /// What was worked on.
        path: PathBuf,
    },
}

pub(super) fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> CacheError {
    let path = path.to_path_buf();
    move |source| CacheError::File { doing, path, source }
}

impl Cache {
    /// The usual one: $LEASEPROOF_CACHE, else /var/cache/leaseproof for root, whose home the servers of another user
    /// cannot read, else a folder where this system keeps caches.
    pub fn usual() -> Result<Self, CacheError> {
        let named = std::env::var_os(CACHE_VARIABLE).filter(|folder| !folder.is_empty());
        if let Some(folder) = named {
            return Ok(Self::at(folder));
        }
        if Uid::effective().is_root() {
            return Ok(Self::at("/var/cache/leaseproof"));
        }
        let strategy = etcetera::choose_base_strategy().map_err(|_| CacheError::NoPlace)?;
        Ok(Self::at(strategy.cache_dir().join("leaseproof")))
    }

    /// The one in this folder, which is made when it is first written to.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an entry is or would be.
    pub(super) fn path(&self, section: &str, name: &str) -> PathBuf {
        self.root.join(section).join(name)
    }

    /// The entry, made by `build` when it is not there. Of several processes that want it one makes it and the others
    /// wait, having called `waiting`. What `build` leaves unfinished is never taken for the entry.
    pub(super) async fn ensure<E, F>(
        &self,
        section: &str,
        name: &str,
        waiting: impl FnOnce() + Send,
        build: impl FnOnce(PathBuf) -> F + Send,
    ) -> Result<Entry, E>
    where
        E: From<CacheError>,
        F: Future<Output = Result<(), E>> + Send,
    {
        let path = self.path(section, name);
        if path.exists() {
            return Ok(Entry::Present(path));
        }
        let section = self.root.join(section);
        for folder in [&self.root, &section] {
            make_open(folder).map_err(failed("create", folder))?;
        }
        let _lock = lock(section.join(format!("{name}.lock")), waiting).await?;
        if path.exists() {
            return Ok(Entry::Present(path));
        }
        let unfinished = format!(".{name}.unfinished-");
        clear(&section, &unfinished)?;
        // A new name each time: what a killed process started may still be writing to the old one.
        let temporary = section.join(format!("{unfinished}{:08x}", rand::random::<u32>()));
        let outcome = build(temporary.clone()).await;
        let placed = outcome.and_then(|()| Ok(fs::rename(&temporary, &path).map_err(failed("put in place", &path))?));
        if placed.is_err() {
            // The error that counts is the build's; what cannot be removed now is removed before the next one.
            let _ = fs::remove_dir_all(&temporary);
        }
        placed.map(|()| Entry::Made(path))
    }
}

/// Makes a folder that other users can read and pass, whatever the umask, when it is not there.
fn make_open(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Takes the lock on this file, calling `waiting` first when somebody else has it.
async fn lock(path: PathBuf, waiting: impl FnOnce() + Send) -> Result<File, CacheError> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o644).open(&path);
    let file = file.map_err(failed("open", &path))?;
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::Error(source)) => return Err(failed("lock", &path)(source)),
        Err(TryLockError::WouldBlock) => waiting(),
    }
    blocking(&path.clone(), move || file.lock().map(|()| file).map_err(failed("lock", &path))).await?
}

fn clear(section: &Path, prefix: &str) -> Result<(), CacheError> {
    for entry in fs::read_dir(section).map_err(failed("read", section))? {
        let entry = entry.map_err(failed("read", section))?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix)) {
            fs::remove_dir_all(entry.path()).map_err(failed("remove", &entry.path()))?;
        }
    }
    Ok(())
}

/// Runs file work off the runtime's own threads.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CacheError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CacheError::CutShort { path: path.into() })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    async fn write(folder: PathBuf) -> Result<(), CacheError> {
        fs::create_dir(&folder).map_err(failed("create", &folder))?;
        fs::write(folder.join("file"), "whole").map_err(failed("write", &folder))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_entry_that_many_want_at_once_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("cache"));
        let made = AtomicUsize::new(0);
        let all = (0..8).map(|_| async {
            cache
                .ensure(
                    "section",
                    "entry",
                    || {},
                    |path| {
                        made.fetch_add(1, Ordering::SeqCst);
                        write(path)
                    },
                )
                .await
                .unwrap()
                .into_path()
        });
        for path in futures_util::future::join_all(all).await {
            assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "whole");
        }
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_build_that_failed_or_was_killed_leaves_no_entry_and_the_next_one_starts_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let broken = |path: PathBuf| async move {
            write(path).await?;
            Err(CacheError::NoPlace)
        };
        assert!(cache.ensure("section", "entry", || {}, broken).await.is_err());
        let killed = folder.path().join("section/.entry.unfinished-00000001");
        fs::create_dir(&killed).unwrap();
        assert!(!cache.path("section", "entry").exists());
        assert!(matches!(cache.ensure("section", "entry", || {}, write).await.unwrap(), Entry::Made(_)));
        assert!(matches!(cache.ensure("section", "entry", || {}, write).await.unwrap(), Entry::Present(_)));
        assert!(!killed.exists());
    }
}
