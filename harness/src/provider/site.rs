//! A site: one provider, with the programs or images in which a run's parts were found, and why it is used.

use std::fmt;
use std::path::PathBuf;

use super::Provider;
use super::docker::engine::Engine;
use super::docker::image::{ImageError, Images};
use super::docker::{Docker, DockerError};
use super::native::Native;
use super::native::cache::{Cache, CacheError};
use super::native::estate::{Estate, EstateError};
use super::native::fetch::{FetchError, Fetcher, Progress};
use super::native::find::{Found, Places};
use super::native::part::Part;

/// What puts servers on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Choice {
    /// Containers where an engine answers and every image is here or can be pulled; else processes.
    #[default]
    Auto,
    /// Processes of this machine.
    Native,
    /// Containers of a Docker engine.
    Docker,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Docker => "docker",
        })
    }
}

/// What a run needs, wherever it comes from.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The secrets servers.
    pub vaults: Vec<Part>,
    /// The PostgreSQL.
    pub postgres: Part,
    /// The folder of PostgreSQL's programs, when one is given.
    pub postgres_bin: Option<PathBuf>,
    /// The MySQL or MariaDB that is wanted; `None` when no scenario has it.
    pub mysql: Option<Part>,
    /// The Toxiproxy server that links are to be on; `None`: they are in this process.
    pub toxiproxy: Option<Part>,
    /// Images that were named in place of the usual ones.
    pub images: Images,
}

/// Where a run's servers come from.
#[derive(Debug)]
pub struct Site {
    /// What starts them.
    pub provider: Provider,
    /// What it is, and why it is used, in one line.
    pub why: String,
    /// The secrets servers.
    pub vaults: Vec<Found>,
    /// PostgreSQL.
    pub postgres: Found,
    /// What scenarios that want MySQL run on, or why they cannot; nothing when none wants it.
    pub mysql: Option<Result<Found, String>>,
    /// The Toxiproxy server that links are on; `None`: they are in this process.
    pub toxiproxy: Option<Found>,
}

/// Why a site cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// A part could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The cache cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The run's own folder cannot be used.
    #[error(transparent)]
    Estate(#[from] EstateError),
    /// Containers cannot be used.
    #[error(transparent)]
    Docker(#[from] DockerError),
}

impl From<ImageError> for SiteError {
    fn from(error: ImageError) -> Self {
        Self::Docker(error.into())
    }
}

/// Takes each piece of progress as it happens.
type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

impl Site {
    /// What scenarios that want MySQL run on, if it can be had.
    pub fn mysql_program(&self) -> Option<Found> {
        self.mysql.as_ref().and_then(|mysql| mysql.as_ref().ok()).cloned()
    }

    /// Finds or fetches everything that is wanted.
    pub async fn open(choice: Choice, wanted: &Wanted, on: OnProgress<'_>) -> Result<Self, SiteError> {
        match choice {
            Choice::Native => Self::native(wanted, "asked for", on).await,
            Choice::Docker => {
                let engine = Engine::connect().await.map_err(DockerError::from)?;
                Self::docker(engine, wanted, "asked for", on).await
            }
            Choice::Auto => match usable_engine(wanted, on).await {
                Ok(engine) => Self::docker(engine, wanted, "an engine answers and has every image", on).await,
                Err(why) => Self::native(wanted, &why, on).await,
            },
        }
    }

    /// The word for its provider: `native`, `docker`.
    pub fn kind(&self) -> Choice {
        match self.provider {
            Provider::Native(_) => Choice::Native,
            Provider::Docker(_) => Choice::Docker,
        }
    }

    async fn native(wanted: &Wanted, why: &str, on: OnProgress<'_>) -> Result<Self, SiteError> {
        let cache = Cache::usual()?;
        let fetcher = Fetcher::new(Places::here(cache.clone()));
        let mut vaults = Vec::new();
        for part in &wanted.vaults {
            vaults.push(fetcher.provide(part, None, on).await?);
        }
        let postgres = fetcher.provide(&wanted.postgres, wanted.postgres_bin.as_deref(), on).await?;
        // Not every machine can have it, and then the other scenarios run all the same.
        let mysql = match &wanted.mysql {
            Some(part) => Some(fetcher.provide(part, None, on).await.map_err(|error| error.to_string())),
            None => None,
        };
        let toxiproxy = match &wanted.toxiproxy {
            Some(part) => Some(fetcher.provide(part, None, on).await?),
            None => None,
        };
        let provider = Provider::Native(Native::new(Estate::open()?, cache));
        let why = format!("native: servers as processes of this machine ({why})");
        Ok(Self { provider, why, vaults, postgres, mysql, toxiproxy })
    }

    async fn docker(engine: Engine, wanted: &Wanted, why: &str, on: OnProgress<'_>) -> Result<Self, SiteError> {
        let why = format!("docker: servers as containers of Docker engine {} ({why})", engine.version());
        let docker = Docker::new(engine, Estate::open()?, wanted.images.clone(), Cache::usual()?);
        let mut vaults = Vec::new();
        for part in &wanted.vaults {
            vaults.push(docker.provide(part, on).await?);
        }
        let postgres = docker.provide(&wanted.postgres, on).await?;
        let mysql = match &wanted.mysql {
            Some(part) => Some(docker.provide(part, on).await.map_err(|error| error.to_string())),
            None => None,
        };
        let toxiproxy = match &wanted.toxiproxy {
            Some(part) => Some(match docker.provide(part, on).await {
                Ok(found) => found,
                // Its links lie on this machine either way.
                Err(ImageError::Missing { .. }) => {
                    Fetcher::new(Places::here(Cache::usual()?)).provide(part, None, on).await?
                }
                Err(error) => return Err(error.into()),
            }),
            None => None,
        };
        Ok(Self { provider: Provider::Docker(docker), why, vaults, postgres, mysql, toxiproxy })
    }
}

/// An engine that has, or can pull, every image that is wanted; else why containers are not used, in a few words.
async fn usable_engine(wanted: &Wanted, on: OnProgress<'_>) -> Result<Engine, String> {
    if wanted.postgres_bin.is_some() {
        return Err("a folder of PostgreSQL's programs was given".to_owned());
    }
    let engine = Engine::connect().await.map_err(|_| "no Docker engine answers".to_owned())?;
    for part in wanted.vaults.iter().chain([&wanted.postgres]).chain(&wanted.mysql) {
        engine.image(part, &wanted.images, on).await.map_err(|error| match error {
            ImageError::Program { part } => format!("{part} is a program of this machine"),
            ImageError::Missing { part, .. } => {
                format!("a Docker engine answers, but there is no image of {part} and none could be pulled")
            }
            other => other.to_string(),
        })?;
    }
    Ok(engine)
}
