//! The user a server runs as: some refuse to be root, so under root they are `nobody`.

use std::fmt;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::unistd::{Uid, User as Account};

/// What `nobody` is where the system's list of users does not say.
const NOBODY: User = User { uid: 65_534, gid: 65_534 };

/// A user and group by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    /// The user's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
}

impl User {
    /// The unprivileged user that exists everywhere.
    pub fn nobody() -> Self {
        match Account::from_name("nobody") {
            Ok(Some(account)) => Self { uid: account.uid.as_raw(), gid: account.gid.as_raw() },
            Ok(None) | Err(_) => NOBODY,
        }
    }

    /// Whom a server that refuses root must run as: `nobody` when we are root, else `None`, which means ourselves.
    pub fn unprivileged() -> Option<Self> {
        Uid::effective().is_root().then(Self::nobody)
    }

    /// The first folder or file on the way to `path` that this user cannot pass or run, by the modes alone; `None` when
    /// the way is open. A path that does not exist stops there as well.
    pub fn stopped_at<'p>(&self, path: &'p Path) -> Option<&'p Path> {
        let mut way: Vec<&Path> = path.ancestors().filter(|step| !step.as_os_str().is_empty()).collect();
        way.reverse();
        way.into_iter().find(|step| !self.may_execute(step))
    }

    fn may_execute(self, path: &Path) -> bool {
        let Ok(metadata) = path.metadata() else { return false };
        let mode = metadata.permissions().mode();
        let bit = match () {
            () if self.uid == 0 => 0o111,
            () if metadata.uid() == self.uid => 0o100,
            () if metadata.gid() == self.gid => 0o010,
            () => 0o001,
        };
        mode & bit != 0
    }
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::nobody() { f.write_str("nobody") } else { write!(f, "user {}", self.uid) }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    #[test]
    fn a_closed_folder_on_the_way_stops_another_user_and_an_open_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        let stranger = User { uid: 54_321, gid: 54_321 };
        assert_eq!(stranger.stopped_at(&inner), None);
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert_eq!(stranger.stopped_at(&inner), Some(folder.path()));
    }
}
