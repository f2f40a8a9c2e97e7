//! Parts that this machine lacks, fetched into the cache by the ordinary client: `pip`, `go` for what is built from Go
//! modules, or the system's own for what comes with the distribution.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use tokio::process::Command;

use super::built::Recipe;
use super::cache::{self, CacheError, Entry};
use super::find::{self, Found, How, PassedOver, Places};
use super::part::Part;

mod call;
mod error;
mod package;

pub(super) use call::Call;
use call::{Tail, lines};
pub use error::FetchError;
use error::explain;
pub(super) use package::{Client, Package, cached};

/// The section of the cache that holds what was fetched.
pub(super) const SECTION: &str = "parts";
/// What happens while a part is looked for or fetched, for someone to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A part is looked for on this machine.
    Looking(Part),
    /// A program of the right name is not it.
    PassedOver(Part, PassedOver),
    /// It is there, or is there now.
    Found(Found),
    /// Another process fetches it; this one waits.
    Waiting(Part),
    /// It is being fetched, with this command.
    Fetching {
        /// The part.
        part: Part,
        /// The command, as a person would type it.
        with: String,
    },
    /// What the command says.
    Output {
        /// The part.
        part: Part,
        /// One line.
        line: String,
    },
}

/// Takes each piece of progress as it happens.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// Fetches what this machine lacks.
#[derive(Debug, Clone)]
pub struct Fetcher {
    places: Places,
    /// For the client, beside our own environment.
    env: Vec<(String, String)>,
}

impl Fetcher {
    /// Looks in these places, and fetches into their cache.
    pub fn new(places: Places) -> Self {
        Self { places, env: Vec::new() }
    }

    /// Sets a variable for the client alone, such as one of pip's settings.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Where it looks.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// The part's program: found on this machine, else fetched. Once it is in the cache no network is used.
    pub async fn provide(&self, part: &Part, given: Option<&Path>, on: OnProgress<'_>) -> Result<Found, FetchError> {
        on(Progress::Looking(part.clone()));
        let search = self.places.find(part, given).await?;
        for passed_over in search.passed_over {
            on(Progress::PassedOver(part.clone(), passed_over));
        }
        let found = match search.found {
            Some(found) => found,
            None => self.fetch(part, on).await?,
        };
        on(Progress::Found(found.clone()));
        Ok(found)
    }

    async fn fetch(&self, part: &Part, on: OnProgress<'_>) -> Result<Found, FetchError> {
        if !Recipe::all(part).is_empty() {
            return self.put_together(part, on).await;
        }
        let package = Package::of(part).map_err(|advice| FetchError::NotOffered { part: part.clone(), advice })?;
        let waiting = || on(Progress::Waiting(part.clone()));
        let install = |environment| self.install(part, &package, environment, on);
        let entry = self.places.cache.ensure(SECTION, &package.entry, waiting, install).await?;
        let how = if matches!(entry, Entry::Made(_)) { How::Fetched } else { How::Cache };
        examine(part, &package, &entry.into_path(), how).await
    }

    async fn install(
        &self,
        part: &Part,
        package: &Package,
        environment: PathBuf,
        on: OnProgress<'_>,
    ) -> Result<(), FetchError> {
        on(Progress::Fetching { part: part.clone(), with: package.command() });
        match &package.client {
            Client::Pip(requirement) => self.pip(part, requirement, &environment, on).await?,
            Client::Go(args) => self.go(part, args, &environment, on).await?,
            Client::Apt(package) => self.unpack(part, package, &environment, on).await?,
        }
        open_to_all(environment.clone()).await?;
        examine(part, package, &environment, How::Fetched).await.map(drop)
    }

    /// Makes a Python environment and installs into it.
    async fn pip(
        &self,
        part: &Part,
        requirement: &str,
        environment: &Path,
        on: OnProgress<'_>,
    ) -> Result<(), FetchError> {
        let python = find::on_path(&self.places.path, "python3");
        let python = python.ok_or_else(|| FetchError::NoPython { part: part.clone() })?;
        let venv = ["-m".as_ref(), "venv".as_ref(), environment.as_os_str()];
        self.run(part, &Call::of(&python, venv), on).await?;
        let pip = ["-m", "pip", "install", "--no-input", "--progress-bar=off", "--no-deps", "--only-binary=:all:"];
        let python = environment.join("bin/python");
        self.run(part, &Call::of(&python, pip.into_iter().chain([requirement])), on).await.map(drop)
    }

    /// Has Go build a program into the environment's `bin`. What it downloads goes where Go always keeps it.
    async fn go(&self, part: &Part, args: &[String], environment: &Path, on: OnProgress<'_>) -> Result<(), FetchError> {
        let go = self.go_program(part)?;
        // Each package built is a line: a build that says nothing for a minute looks stuck.
        let call = Call::of(&go, ["install", "-v"].into_iter().chain(args.iter().map(String::as_str)));
        let bin = environment.join("bin");
        self.run(part, &Call { env: Some(("GOBIN", bin.as_os_str())), ..call }, on).await.map(drop)
    }

    /// Go's own program.
    pub(super) fn go_program(&self, part: &Part) -> Result<PathBuf, FetchError> {
        let name = find::program_name(part);
        find::on_path(&self.places.path, "go").ok_or_else(|| FetchError::NoGo { part: part.clone(), name })
    }

    /// Runs a client to its end, handing on each line it says; gives all of them.
    pub(super) async fn run(
        &self,
        part: &Part,
        call: &Call<'_>,
        on: OnProgress<'_>,
    ) -> Result<Vec<String>, FetchError> {
        let Call { program, args, env, folder } = call;
        let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).collect();
        let command = format!("{} {}", program.display(), words.join(" "));
        let failed = |source| FetchError::Run { command: command.clone(), source };
        let mut client = Command::new(program);
        if let Some(folder) = folder {
            client.current_dir(folder);
        }
        let mut child = client
            .args(args)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .envs(*env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let said = Tail::default();
        let all = Mutex::new(Vec::new());
        let hear = |line: String| {
            said.push(&line);
            all.lock().unwrap_or_else(PoisonError::into_inner).push(line.clone());
            on(Progress::Output { part: part.clone(), line });
        };
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (out, err, status) = tokio::join!(lines(out, &hear), lines(err, &hear), child.wait());
        out.and(err).map_err(failed)?;
        let status = status.map_err(failed)?;
        if !status.success() {
            return Err(explain(part, command, status, said.text()));
        }
        Ok(all.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn examine(part: &Part, package: &Package, environment: &Path, how: How) -> Result<Found, FetchError> {
    let unfit = |why| FetchError::Unfit { part: part.clone(), why };
    let program = package.program_in(environment).ok_or_else(|| unfit(format!("it has no {}", package.program)))?;
    find::examine(part, &program, how).await.map_err(unfit)
}

/// Lets every user read what was fetched, whatever our umask: servers may run as another.
pub(super) async fn open_to_all(folder: PathBuf) -> Result<(), CacheError> {
    let path = folder.clone();
    cache::blocking(&path, move || open_folder(&folder)).await?
}

fn open_folder(folder: &Path) -> Result<(), CacheError> {
    let failed = || cache::failed("open up", folder);
    fs::set_permissions(folder, Permissions::from_mode(0o755)).map_err(failed())?;
    for entry in fs::read_dir(folder).map_err(failed())? {
        let entry = entry.map_err(failed())?;
        let metadata = fs::symlink_metadata(entry.path()).map_err(failed())?;
        if metadata.is_dir() {
            open_folder(&entry.path())?;
        } else if metadata.is_file() {
            let own = metadata.permissions().mode();
            let mode = 0o644 | if own & 0o100 == 0 { 0 } else { 0o111 };
            fs::set_permissions(entry.path(), Permissions::from_mode(mode)).map_err(failed())?;
        }
    }
    Ok(())
}
