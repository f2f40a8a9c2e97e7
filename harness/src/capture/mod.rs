//! A live server's shape as scenarios: its mounts, roles, TTLs and policies are read, never a secret and never a write, and
//! written down as files that reproduce them on a throw-away stack.

mod file;
pub mod live;
pub mod read;
mod yaml;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use file::files;
pub use live::Live;

/// One file of what was captured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Its name in the folder.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Why nothing was captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The address cannot be used.
    #[error("{address}: {why}")]
    Address {
        /// As it was given.
        address: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The HTTP client.
    #[error(transparent)]
    Http(#[from] crate::service::vault::HttpError),
    /// Nobody answers there.
    #[error("{address} does not answer: {why}; is the address right, and the server reachable from here?")]
    Unreachable {
        /// The address.
        address: String,
        /// The transport's own words.
        why: String,
    },
    /// It cannot be read as it is.
    #[error("{address} is {state}: nothing can be read from it")]
    NotServing {
        /// The address.
        address: String,
        /// `sealed`, `not initialised`, …
        state: &'static str,
    },
    /// The token is no good at all.
    #[error("{address} does not accept the token: {why}; give one that lives, with --token-file or in VAULT_TOKEN")]
    Token {
        /// The address.
        address: String,
        /// Its own words.
        why: String,
    },
    /// There is nothing that could be captured.
    #[error("nothing was captured from {address}: {why}")]
    Nothing {
        /// The address.
        address: String,
        /// Why.
        why: String,
    },
    /// The folder is there and holds something.
    #[error("{} is not empty; name a new folder with --into", .0.display())]
    NotEmpty(PathBuf),
    /// The folder cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes the files into a folder that is new or empty.
pub fn write(folder: &Path, files: &[Captured]) -> Result<(), CaptureError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CaptureError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    if fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
        return Err(CaptureError::NotEmpty(folder.to_owned()));
    }
    for file in files {
        let path = folder.join(&file.name);
        fs::write(&path, &file.text).map_err(failed(&path))?;
    }
    Ok(())
}
