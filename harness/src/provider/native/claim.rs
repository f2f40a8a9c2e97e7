//! A claim on something that all runs of this machine share: the lock on a file that stands for it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use nix::fcntl::OFlag;

/// A claim, which is nobody else's until this is dropped.
#[derive(Debug)]
pub(super) struct Claim(File);

impl Claim {
    /// Claims what a name stands for in a folder; `None` when it is claimed.
    pub(super) fn try_take(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        let file = open(&folder.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being forked may hold the same open file for a moment more.
        // Nothing can be done where unlocking fails, and closing follows anyway.
        let _ = self.0.unlock();
    }
}

/// Makes the folder if it is missing, writable to everyone as /tmp is: the next run may be another user's.
pub(super) fn open_to_all(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o1777)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens the file that stands for something. An existing one is only read, as it may be another user's, and a link is not
/// followed. It is never removed: a lock on a removed file excludes nobody.
fn open(path: &Path) -> io::Result<File> {
    let existing = || OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path);
    match existing() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing(),
        Err(error) => Err(error),
        Ok(file) => {
            // Whatever our umask: other users must be able to open it, or what it stands for is lost to them.
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_not_claimed_twice_and_is_free_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let claim = Claim::try_take(folder.path(), "it").unwrap().unwrap();
        assert!(Claim::try_take(folder.path(), "it").unwrap().is_none());
        drop(claim);
        assert!(Claim::try_take(folder.path(), "it").unwrap().is_some());
    }

    #[test]
    fn a_link_in_place_of_a_claim_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("elsewhere");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("it")).unwrap();
        assert!(Claim::try_take(folder.path(), "it").is_err());
    }
}
