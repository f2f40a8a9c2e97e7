//! Packages of a Debian-like system, taken apart into the cache: nothing is installed, and nobody has to be root.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::fetch::{FetchError, Fetcher, OnProgress};
use super::find;
use super::part::Part;

/// The server with the libraries that were fetched beside it, wherever the folder lies.
const WRAPPER: &str = r#"#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=
for folder in "$here"/../lib/*-linux-gnu* "$here"/../../lib/*-linux-gnu*; do
    [ -d "$folder" ] && libraries=$libraries$folder:
done
LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:-} exec "$here/../sbin/mariadbd" "$@"
"#;
/// Where the wrapper is put: beside `sbin`, so that the server's own files are below the same folder.
pub(super) const PROGRAM: &str = "usr/bin/leaseproof-mariadbd";
/// What is fetched: the server, without what would start it with the system.
pub(super) const PACKAGE: &str = "mariadb-server-core";

/// The programs that fetching needs.
pub(super) struct Tools {
    apt: PathBuf,
    dpkg: PathBuf,
}

impl Tools {
    /// This machine's, if it has them.
    pub(super) fn on(path: &[PathBuf]) -> Option<Self> {
        Some(Self { apt: find::on_path(path, "apt-get")?, dpkg: find::on_path(path, "dpkg-deb")? })
    }
}

impl Fetcher {
    /// Fetches the package and what it needs and this machine has not, and takes all of it apart into a folder.
    pub(super) async fn unpack(&self, part: &Part, folder: &Path, on: OnProgress<'_>) -> Result<(), FetchError> {
        let tools = Tools::on(&self.places().path).ok_or_else(|| FetchError::NoApt { part: part.clone() })?;
        let work = folder.join("apt");
        let failed = |source| FetchError::Unpack { folder: folder.to_owned(), source };
        for folder in ["lists/partial", "cache/archives/partial", "packages"] {
            fs::create_dir_all(work.join(folder)).map_err(failed)?;
        }
        let mut options = Vec::new();
        let mut missing = self.missing(part, &tools, &options, on).await;
        if missing.is_err() {
            // The system's lists of packages may be absent, as in a fresh container, or too old.
            options = vec![
                format!("-oDir::State::Lists={}", work.join("lists").display()),
                format!("-oDir::Cache={}", work.join("cache").display()),
                "-oAPT::Sandbox::User=root".to_owned(),
            ];
            let update: Vec<&str> = options.iter().map(String::as_str).chain(["update"]).collect();
            self.run_in(part, &tools.apt, &update, &work, on).await?;
            missing = self.missing(part, &tools, &options, on).await;
        }
        let missing = missing?;
        let packages = work.join("packages");
        let download = options.iter().chain([&"download".to_owned()]).chain(&missing).cloned().collect::<Vec<_>>();
        let download: Vec<&str> = download.iter().map(String::as_str).collect();
        self.run_in(part, &tools.apt, &download, &packages, on).await?;
        for package in fs::read_dir(&packages).map_err(failed)? {
            let package = package.map_err(failed)?.path();
            let (package, folder) = (package.display().to_string(), folder.display().to_string());
            self.run_in(part, &tools.dpkg, &["--extract", &package, &folder], &packages, on).await?;
        }
        fs::remove_dir_all(&work).map_err(failed)?;
        write_wrapper(&folder.join(PROGRAM)).map_err(failed)
    }

    /// The packages that this machine lacks. One that is there in another version stays as it is.
    async fn missing(
        &self,
        part: &Part,
        tools: &Tools,
        options: &[String],
        on: OnProgress<'_>,
    ) -> Result<Vec<String>, FetchError> {
        let simulate = ["--simulate", "--no-install-recommends", "-qq", "install", PACKAGE];
        let arguments: Vec<&str> = options.iter().map(String::as_str).chain(simulate).collect();
        let said = self.run_in(part, &tools.apt, &arguments, Path::new("/"), on).await?;
        Ok(packages_of(&said))
    }
}

/// Reads what `apt-get --simulate` says: `Inst NAME (VERSION …)` for what is missing, `Inst NAME [OLD] (VERSION …)` for what
/// it would bring up to date. The server itself is among them even when it is installed.
fn packages_of(said: &[String]) -> Vec<String> {
    let mut packages = vec![PACKAGE.to_owned()];
    for line in said {
        let mut words = line.split_whitespace();
        if let (Some("Inst"), Some(name), Some(next)) = (words.next(), words.next(), words.next())
            && !next.starts_with('[')
            && name != PACKAGE
        {
            packages.push(name.to_owned());
        }
    }
    packages
}

fn write_wrapper(path: &Path) -> io::Result<()> {
    fs::write(path, WRAPPER)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_fetched_and_what_is_there_stays_as_it_is() {
        let said = [
            "NOTE: This is only a simulation!",
            "Inst libpmem1 (1.12.1-2 Debian:12.5/oldstable [amd64])",
            "Inst libc6 [2.36-9+deb12u9] (2.36-9+deb12u13 Debian:12.13/oldstable [amd64])",
            "Inst mariadb-server-core (1:10.11.19-0+deb12u1 Debian-Security:12 [amd64])",
            "Conf libpmem1 (1.12.1-2 Debian:12.5/oldstable [amd64])",
        ];
        let said: Vec<String> = said.map(str::to_owned).to_vec();
        assert_eq!(packages_of(&said), ["mariadb-server-core", "libpmem1"]);
    }
}
