//! Where a part's program is on this machine: the path given, PATH, the distribution's folders, leaseproof's cache.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::built::Recipe;
use super::cache::Cache;
use super::fetch;
use super::part::{Part, Product, Version};
use super::user::User;

/// Where distributions keep PostgreSQL's programs, under a folder per major version.
const DISTRIBUTION: &str = "/usr/lib/postgresql";
/// Where they keep servers that are not on everybody's PATH.
const SYSTEM: [&str; 4] = ["/usr/sbin", "/usr/local/sbin", "/usr/libexec", "/usr/local/mysql/bin"];
/// How long a program may take to say its version.
const PATIENCE: Duration = Duration::from_secs(20);

/// A part's program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What was wanted.
    pub part: Part,
    /// What it is.
    pub product: Product,
    /// The version that it says of itself.
    pub version: Version,
    /// The server's program. PostgreSQL's others are beside it. Of an image it is the name on the image's PATH.
    pub program: PathBuf,
    /// How it was found.
    pub how: How,
}

/// How a program was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Its path was given.
    Given,
    /// On PATH.
    Path,
    /// In a folder where distributions keep it.
    Distribution,
    /// In leaseproof's cache.
    Cache,
    /// It was fetched into the cache just now.
    Fetched,
    /// In a container image.
    Image,
}

/// A program of the right name that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The program.
    pub program: PathBuf,
    /// Why not.
    pub why: String,
}

/// What a look around gave.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// The first program that is the part.
    pub found: Option<Found>,
    /// Those before it that are not.
    pub passed_over: Vec<PassedOver>,
}

/// Why a given program cannot be used. That none was found is not an error here.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be used as {part}: {why}; give another path, or none to have it looked for", program.display())]
pub struct FindError {
    /// What was wanted.
    pub part: Part,
    /// The program that was given.
    pub program: PathBuf,
    /// Why not.
    pub why: String,
}

/// Where to look.
#[derive(Debug, Clone)]
pub struct Places {
    /// The folders of PATH, in their order.
    pub path: Vec<PathBuf>,
    /// The folder that has one folder per major version of PostgreSQL.
    pub distribution: PathBuf,
    /// Folders of servers that are not on everybody's PATH.
    pub system: Vec<PathBuf>,
    /// leaseproof's cache.
    pub cache: Cache,
}

impl Places {
    /// This machine's, with this cache.
    pub fn here(cache: Cache) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self {
            path: std::env::split_paths(&path).collect(),
            distribution: DISTRIBUTION.into(),
            system: SYSTEM.map(PathBuf::from).to_vec(),
            cache,
        }
    }

    /// Looks for a part without fetching anything. A `given` program, or folder of PostgreSQL's programs, is taken or
    /// is an error.
    pub async fn find(&self, part: &Part, given: Option<&Path>) -> Result<Search, FindError> {
        let named = if let Part::VaultBinary(path) = part { Some(path.as_path()) } else { given };
        if let Some(program) = named {
            return given_program(part, program).await;
        }
        if let Some(found) = built_parts(&self.cache, part) {
            return Ok(Search { found, passed_over: Vec::new() });
        }
        let mut search = Search::default();
        for (program, how) in self.candidates(part) {
            match examine(part, &program, how).await {
                Ok(found) => {
                    search.found = Some(found);
                    break;
                }
                Err(why) => search.passed_over.push(PassedOver { program, why }),
            }
        }
        Ok(search)
    }

    /// Programs of the right name, in the order in which they count.
    fn candidates(&self, part: &Part) -> Vec<(PathBuf, How)> {
        let names = program_names(part);
        let below = |folders: &[PathBuf]| {
            let programs = |name: &&str| folders.iter().map(|folder| folder.join(name)).collect::<Vec<_>>();
            names.iter().flat_map(programs).collect::<Vec<_>>()
        };
        let on_path = below(&self.path).into_iter().map(|program| (program, How::Path));
        let installed = match part {
            Part::Postgres(_) => self.distributions(),
            Part::Mysql(_) | Part::MariaDb(_) => below(&self.system),
            _ => Vec::new(),
        };
        let installed = installed.into_iter().map(|program| (program, How::Distribution));
        let cached = fetch::cached(&self.cache, part).into_iter().map(|program| (program, How::Cache));
        let mut seen: Vec<PathBuf> = Vec::new();
        let mut candidates: Vec<(PathBuf, How)> = on_path.chain(installed).chain(cached).collect();
        // PATH often names one folder twice, and links to the distribution's.
        candidates.retain(|(program, _)| match program.canonicalize() {
            Ok(real) if seen.contains(&real) => false,
            Ok(real) => {
                seen.push(real);
                true
            }
            Err(_) => false,
        });
        candidates
    }

    /// PostgreSQL's servers in the distribution's folders, newest first.
    fn distributions(&self) -> Vec<PathBuf> {
        let Ok(entries) = fs::read_dir(&self.distribution) else { return Vec::new() };
        let mut majors: Vec<(u32, PathBuf)> = entries
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let major = entry.file_name().to_str()?.parse().ok()?;
                Some((major, entry.path().join("bin/postgres")))
            })
            .collect();
        majors.sort();
        majors.into_iter().rev().map(|(_, program)| program).collect()
    }
}

/// A part that leaseproof puts together, if that is what the part is: what the cache has of it.
#[expect(clippy::option_option, reason = "another kind of part, and one that is not there, are two things")]
fn built_parts(cache: &Cache, part: &Part) -> Option<Option<Found>> {
    // A program that others install too is looked for on PATH first.
    if matches!(part, Part::Vault(_)) {
        return None;
    }
    let recipes = Recipe::all(part);
    if recipes.is_empty() {
        return None;
    }
    Some(recipes.iter().find_map(|recipe| recipe.found(part, recipe.cached(cache)?, How::Cache)))
}

/// What a part's program is called, the usual name first.
fn program_names(part: &Part) -> &'static [&'static str] {
    match part {
        Part::OpenBao(_) => &["bao"],
        Part::Vault(_) | Part::VaultBinary(_) => &["vault"],
        Part::Postgres(_) => &["postgres"],
        // MariaDB answers to MySQL's names too: what each is, it says itself.
        Part::Mysql(_) => &["mysqld", "mariadbd"],
        Part::MariaDb(_) => &["mariadbd", "mysqld"],
        Part::Toxiproxy(_) => &["toxiproxy-server"],
        // They are looked for in the cache alone.
        Part::Moto | Part::Localstack => &["python"],
        Part::AwsPlugin => &[super::built::AWS_PLUGIN_FILE],
    }
}

/// What a part's program is usually called.
pub(super) fn program_name(part: &Part) -> &'static str {
    program_names(part).first().copied().unwrap_or_default()
}

async fn given_program(part: &Part, given: &Path) -> Result<Search, FindError> {
    let program =
        if given.is_dir() && matches!(part, Part::Postgres(_)) { given.join("postgres") } else { given.into() };
    let found = examine(part, &program, How::Given).await;
    let found = found.map_err(|why| FindError { part: part.clone(), program, why })?;
    Ok(Search { found: Some(found), passed_over: Vec::new() })
}

/// The program as the part, or why it is not.
pub(super) async fn examine(part: &Part, program: &Path, how: How) -> Result<Found, String> {
    // PostgreSQL looks for its own files beside the real program, and a server started in another folder needs a whole
    // path anyway.
    let program = program.canonicalize().map_err(|error| error.to_string())?;
    if part.dbms().is_some() {
        fit_for_servers_user(part, &program)?;
    }
    let said = say_version(&program).await?;
    let (product, version) = read_version(&said).ok_or_else(|| format!("its version is not understood: {said:?}"))?;
    if !part.accepts(product, &version) {
        return Err(format!("it is {product} {version}"));
    }
    Ok(Found { part: part.clone(), product, version, program, how })
}

fn fit_for_servers_user(part: &Part, program: &Path) -> Result<(), String> {
    if matches!(part, Part::Postgres(_)) && !program.with_file_name("initdb").exists() {
        return Err("there is no initdb beside it".into());
    }
    let barrier = User::unprivileged().and_then(|user| Some((user, user.stopped_at(program)?)));
    match barrier {
        Some((user, folder)) => Err(format!("it refuses to run as root, and {user} may not pass {}", folder.display())),
        None => Ok(()),
    }
}

async fn say_version(program: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    command.arg("--version").stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.map_err(|_| format!("it did not say its version in {} s", PATIENCE.as_secs()))?;
    let output = output.map_err(|error: io::Error| format!("it does not run: {error}"))?;
    if !output.status.success() {
        return Err(format!("asked for its version it ended with {}", output.status));
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned())
}

/// Reads what `--version` prints first: `OpenBao v2.7.2 (…)`, `Vault v1.21.0 (…)`, `postgres (PostgreSQL) 15.18 (…)`,
/// `/usr/sbin/mysqld  Ver 9.7.4 for Linux (…)`, `mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for …`,
/// `toxiproxy-server version 2.12.0`.
pub(in crate::provider) fn read_version(said: &str) -> Option<(Product, Version)> {
    if let Some((_, version)) = said.split_once("  Ver ") {
        let product = if version.contains("-MariaDB") { Product::MariaDb } else { Product::Mysql };
        // What follows the numbers is the packager's.
        return Some((product, Version::parse(version.split(['-', ' ']).next()?)?));
    }
    let mut words = said.split_whitespace();
    let (product, version) = match words.next()? {
        "OpenBao" => (Product::OpenBao, words.next()?),
        "Vault" => (Product::Vault, words.next()?),
        "postgres" if words.next()? == "(PostgreSQL)" => (Product::Postgres, words.next()?),
        "toxiproxy-server" if words.next()? == "version" => (Product::Toxiproxy, words.next()?),
        _ => return None,
    };
    Some((product, Version::parse(version)?))
}

/// The first program of this name on PATH.
pub(super) fn on_path(path: &[PathBuf], name: impl AsRef<OsStr>) -> Option<PathBuf> {
    path.iter().map(|folder| folder.join(name.as_ref())).find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("OpenBao v2.7.2 (abc), built 2026", "OpenBao 2.7.2")]
    #[case("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "PostgreSQL 15.18")]
    #[case("/usr/sbin/mysqld  Ver 9.7.4 for Linux on x86_64 (MySQL Community Server - GPL)", "MySQL 9.7.4")]
    #[case("/usr/sbin/mysqld  Ver 8.0.36-0ubuntu0.22.04.1 for Linux on x86_64 ((Ubuntu))", "MySQL 8.0.36")]
    #[case("mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)", "MariaDB 10.11.19")]
    #[case("mysqld  Ver 11.8.3-MariaDB-0+deb13u1 from Debian for debian-linux-gnu", "MariaDB 11.8.3")]
    fn a_program_is_what_it_says_and_not_what_it_is_called(#[case] said: &str, #[case] expected: &str) {
        let (product, version) = read_version(said).unwrap();
        assert_eq!(format!("{product} {version}"), expected);
    }
}
