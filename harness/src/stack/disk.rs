//! A small disk of a server's own, wherever that server runs.

use std::fs;
use std::io;
use std::path::Path;

use crate::provider::docker::container::ContainerError;
use crate::provider::docker::disk::Volume;
use crate::provider::native::disk::{self, Mounted};

/// A disk of its own.
#[derive(Debug)]
pub enum Disk {
    /// Of this machine.
    Mounted(Box<Mounted>),
    /// Of containers.
    Volume(Volume),
}

/// A disk that could not be read, filled or freed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Of this machine.
    #[error(transparent)]
    Mounted(#[from] disk::DiskError),
    /// Of containers.
    #[error(transparent)]
    Volume(#[from] ContainerError),
}

impl Disk {
    /// What stands in a file on it.
    pub async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match self {
            Self::Mounted(_) => tokio::fs::read(path).await,
            Self::Volume(volume) => volume.read(path).await,
        }
    }

    /// How long a file on it is.
    pub async fn size(&self, path: &Path) -> io::Result<u64> {
        match self {
            Self::Mounted(_) => Ok(tokio::fs::metadata(path).await?.len()),
            Self::Volume(volume) => volume.size(path).await.map_err(io::Error::other),
        }
    }

    /// Moves a file on it away and has a folder lie in its place; `false` when there is no such file.
    pub async fn block(&self, path: &Path, aside: &Path) -> io::Result<bool> {
        match self {
            Self::Mounted(_) => block(path, aside),
            Self::Volume(volume) => volume.block(path, aside).await.map_err(io::Error::other),
        }
    }

    /// Puts back what was moved away.
    pub async fn unblock(&self, path: &Path, aside: &Path) -> io::Result<()> {
        match self {
            Self::Mounted(_) => unblock(path, aside),
            Self::Volume(volume) => volume.unblock(path, aside).await.map_err(io::Error::other),
        }
    }

    /// Fills it to the last byte, and gives so many back.
    pub async fn fill(&self, leaves: u32) -> Result<(), DiskError> {
        match self {
            Self::Mounted(mounted) => Ok(mounted.fill(leaves).await?),
            Self::Volume(volume) => Ok(volume.fill(leaves).await?),
        }
    }

    /// Gives back what filled it.
    pub async fn free(&self) -> Result<(), DiskError> {
        match self {
            Self::Mounted(mounted) => Ok(mounted.free().await?),
            Self::Volume(volume) => Ok(volume.free().await?),
        }
    }

    /// Ends what holds it, and with that the disk.
    pub async fn remove(&self) -> Result<(), DiskError> {
        match self {
            Self::Mounted(mounted) => Ok(mounted.remove().await?),
            Self::Volume(volume) => Ok(volume.remove().await?),
        }
    }
}

/// Moves a file of this machine away and has a folder lie in its place; `false` when there is no such file.
pub(super) fn block(path: &Path, aside: &Path) -> io::Result<bool> {
    match fs::rename(path, aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        moved => moved.and_then(|()| fs::create_dir(path)).map(|()| true),
    }
}

/// Puts back what was moved away.
pub(super) fn unblock(path: &Path, aside: &Path) -> io::Result<()> {
    if !aside.exists() {
        return Ok(());
    }
    fs::remove_dir(path).and_then(|()| fs::rename(aside, path))
}
