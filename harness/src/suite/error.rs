//! A run that could not begin or could not be written down.

use std::path::PathBuf;

use crate::provider::site::SiteError;
use crate::report::ReportError;
use crate::report::record::Record;

/// A run that could not begin or could not be written down.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A part could not be had.
    #[error(transparent)]
    Fetch(#[from] crate::provider::native::fetch::FetchError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] crate::provider::native::cache::CacheError),
    /// The run's own folder cannot be used.
    #[error(transparent)]
    Estate(#[from] crate::provider::native::estate::EstateError),
    /// Containers cannot be used.
    #[error(transparent)]
    Docker(#[from] crate::provider::docker::DockerError),
    /// The report folder cannot be made.
    #[error("cannot make the report folder {path}: {source}; choose another with --report-dir")]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The reports could not be written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The scenarios ran, and what came of them could not be written down.
    #[error("{source}")]
    Unwritten {
        /// What came of them.
        record: Box<Record>,
        /// Why it could not be written.
        source: ReportError,
    },
    /// The end of the run itself failed.
    #[error("the run did not end in good order: {0}; `leaseproof clean` removes what is left")]
    Aborted(String),
}

impl From<SiteError> for SuiteError {
    fn from(error: SiteError) -> Self {
        match error {
            SiteError::Fetch(error) => Self::Fetch(error),
            SiteError::Cache(error) => Self::Cache(error),
            SiteError::Estate(error) => Self::Estate(error),
            SiteError::Docker(error) => Self::Docker(error),
        }
    }
}
