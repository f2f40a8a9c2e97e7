//! Folders and files of servers, each for the user alone that its server runs as.

use std::fs;
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::Path;

use super::user::User;
use crate::provider::UpError;

pub(super) fn make_folder(folder: &Path, user: Option<User>) -> Result<(), UpError> {
    fs::create_dir(folder).map_err(|e| broken("make", folder, &e))?;
    give(folder, user)
}

/// Writes a file that only its user may read.
pub(super) fn write_private(path: &Path, text: &str, user: Option<User>) -> Result<(), UpError> {
    use io::Write as _;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| broken("write", path, &e))?;
    file.write_all(text.as_bytes()).map_err(|e| broken("write", path, &e))?;
    give(path, user)
}

fn give(path: &Path, user: Option<User>) -> Result<(), UpError> {
    match user {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)).map_err(|e| broken("give away", path, &e)),
        None => Ok(()),
    }
}

pub(super) fn broken(what: &str, path: &Path, source: &io::Error) -> UpError {
    UpError::Machine(format!("cannot {what} {}: {source}", path.display()))
}
