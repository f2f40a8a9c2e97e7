//! Packages of a Debian-like system, taken apart into the cache: nothing is installed, and nobody has to be root.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::fetch::{Call, FetchError, Fetcher, OnProgress};
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

impl Fetcher {
    /// The programs that take Debian's packages apart.
    pub(super) fn debian(&self, part: &Part) -> Result<Tools, FetchError> {
        let tool = |name| {
            let found = find::on_path(&self.places().path, name);
            found.ok_or_else(|| FetchError::NoApt { part: part.clone() })
        };
        Ok(Tools { apt: tool("apt-get")?, dpkg: tool("dpkg-deb")? })
    }

    /// Fetches a package and what it needs and this machine has not, and takes all of it apart into a folder.
    pub(super) async fn unpack(
        &self,
        part: &Part,
        package: &str,
        folder: &Path,
        on: OnProgress<'_>,
    ) -> Result<(), FetchError> {
        let tools = self.debian(part)?;
        let work = folder.join("apt");
        let failed = |source| FetchError::Unpack { folder: folder.to_owned(), source };
        for place in ["lists/partial", "cache/archives/partial", "packages"] {
            fs::create_dir_all(work.join(place)).map_err(failed)?;
        }
        let mut options = Vec::new();
        let mut missing = self.missing(part, package, &tools, &options, on).await;
        if missing.is_err() {
            // The system's lists of packages may be absent, as in a fresh container, or too old.
            options = vec![
                format!("-oDir::State::Lists={}", work.join("lists").display()),
                format!("-oDir::Cache={}", work.join("cache").display()),
                "-oAPT::Sandbox::User=root".to_owned(),
            ];
            let update = options.iter().map(String::as_str).chain(["update"]);
            self.run(part, &Call::of(&tools.apt, update), on).await?;
            missing = self.missing(part, package, &tools, &options, on).await;
        }
        let missing = missing?;
        let packages = work.join("packages");
        let names = missing.iter().map(String::as_str);
        let download = options.iter().map(String::as_str).chain(["download"]).chain(names);
        let download = Call { folder: Some(&packages), ..Call::of(&tools.apt, download) };
        self.run(part, &download, on).await?;
        for file in fs::read_dir(&packages).map_err(failed)? {
            let file = file.map_err(failed)?.path();
            let extract = ["--extract".as_ref(), file.as_os_str(), folder.as_os_str()];
            self.run(part, &Call::of(&tools.dpkg, extract), on).await?;
        }
        fs::remove_dir_all(&work).map_err(failed)?;
        write_wrapper(&folder.join(PROGRAM)).map_err(failed)
    }

    /// The packages that this machine lacks. One that is there in another version stays as it is.
    async fn missing(
        &self,
        part: &Part,
        package: &str,
        tools: &Tools,
        options: &[String],
        on: OnProgress<'_>,
    ) -> Result<Vec<String>, FetchError> {
        let simulate = ["--simulate", "--no-install-recommends", "-qq", "install", package];
        let simulate = options.iter().map(String::as_str).chain(simulate);
        let said = self.run(part, &Call::of(&tools.apt, simulate), on).await?;
        Ok(packages_of(package, &said))
    }
}

/// Reads what `apt-get --simulate` says: `Inst NAME (VERSION …)` for what is missing, `Inst NAME [OLD] (VERSION …)` for what
/// it would bring up to date. The server itself is among them even when it is installed.
fn packages_of(wanted: &str, said: &[String]) -> Vec<String> {
    let mut packages = vec![wanted.to_owned()];
    for line in said {
        let mut words = line.split_whitespace();
        if let (Some("Inst"), Some(name), Some(next)) = (words.next(), words.next(), words.next())
            && !next.starts_with('[')
            && name != wanted
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
        assert_eq!(packages_of(PACKAGE, &said), ["mariadb-server-core", "libpmem1"]);
    }
}
