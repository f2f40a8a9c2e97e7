//! Why a part could not be had, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::super::cache::CacheError;
use super::super::find::FindError;
use super::super::part::Part;

/// Why a part could not be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The given program cannot be used.
    #[error(transparent)]
    Given(#[from] FindError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// No client offers it.
    #[error("{part} is not on this machine and cannot be fetched: {advice}")]
    NotOffered {
        /// The part.
        part: Part,
        /// What to do.
        advice: String,
    },
    /// This is no Debian-like system.
    #[error(
        "{part} is not on this machine and is fetched with apt-get and dpkg-deb, which are not there either; install MariaDB's or MySQL's server with the system's package manager"
    )]
    NoApt {
        /// The part.
        part: Part,
    },
    /// The system's package manager does not know the package.
    #[error(
        "the system's package manager knows no package for {part}; install MariaDB's or MySQL's server another way, on PATH\n{said}"
    )]
    NoPackage {
        /// The part.
        part: Part,
        /// The client's last lines.
        said: String,
    },
    /// What was fetched could not be taken apart.
    #[error("cannot unpack into {}: {source}; check room and rights", folder.display())]
    Unpack {
        /// The folder in the cache.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no Python.
    #[error(
        "{part} is not on this machine and is fetched with Python, which is not there either; install python3 (3.10 or newer) with its venv module"
    )]
    NoPython {
        /// The part.
        part: Part,
    },
    /// There is no Go.
    #[error(
        "{part} is not on this machine and is built with Go, which is not there either; install Go 1.23 or newer, or put {name} on PATH"
    )]
    NoGo {
        /// The part.
        part: Part,
        /// The program's name.
        name: &'static str,
    },
    /// Python cannot make environments.
    #[error("Python cannot make the environment that {part} is fetched into; install the package python3-venv\n{said}")]
    NoVenv {
        /// The part.
        part: Part,
        /// The client's last lines.
        said: String,
    },
    /// The registry has other versions, and not this one.
    #[error("there is no {part} to fetch; name one of the versions listed\n{said}")]
    NoSuchVersion {
        /// The part.
        part: Part,
        /// The client's last lines.
        said: String,
    },
    /// The client saw no version at all.
    #[error(
        "pip was offered no version for {part}: no registry was reached, or it has none for this Python and machine; check the network and pip's settings (`pip config list`), or put the program on PATH\n{said}"
    )]
    Unreachable {
        /// The part.
        part: Part,
        /// The client's last lines.
        said: String,
    },
    /// The client failed in another way.
    #[error("`{command}` failed with {status}; try it by hand\n{said}")]
    Client {
        /// The command.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its last lines.
        said: String,
    },
    /// The client could not be run.
    #[error("cannot run `{command}`: {source}; check that the program works")]
    Run {
        /// The command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// The package was fetched and the program in it is not the part.
    #[error("what was fetched for {part} cannot be used: {why}; this machine may be one the package was not built for")]
    Unfit {
        /// The part.
        part: Part,
        /// Why not.
        why: String,
    },
}

impl FetchError {
    /// Whether it says that this machine lacks something, and not that something is wrong.
    pub fn is_lack(&self) -> bool {
        match self {
            Self::NotOffered { .. }
            | Self::NoPython { .. }
            | Self::NoGo { .. }
            | Self::NoVenv { .. }
            | Self::NoApt { .. }
            | Self::NoPackage { .. }
            | Self::Unreachable { .. } => true,
            Self::Given(_)
            | Self::Cache(_)
            | Self::NoSuchVersion { .. }
            | Self::Client { .. }
            | Self::Run { .. }
            | Self::Unpack { .. }
            | Self::Unfit { .. } => false,
        }
    }
}

/// What the client's failure means, by what it said.
pub(super) fn explain(part: &Part, command: String, status: ExitStatus, said: String) -> FetchError {
    let part = part.clone();
    if said.contains("ensurepip is not available") || said.contains("No module named venv") {
        return FetchError::NoVenv { part, said };
    }
    if said.contains("Unable to locate package") || said.contains("has no installation candidate") {
        return FetchError::NoPackage { part, said };
    }
    if said.contains("(from versions: none)") {
        return FetchError::Unreachable { part, said };
    }
    if said.contains("No matching distribution found") {
        return FetchError::NoSuchVersion { part, said };
    }
    FetchError::Client { command, status, said }
}
