//! Parts that are more than one package: Python programs in an environment with all that they need, and programs that are
//! built from Go modules. Every version is pinned: two runs with the same leaseproof use the same programs.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::cache::{self, Cache};
use super::fetch::{Call, FetchError, Fetcher, OnProgress, Progress};
use super::find::{self, Found, How};
use super::part::{Part, Product, Version};

/// The last release of LocalStack's community edition, and the last that runs on a Python older than 3.12.
const LOCALSTACK: [(&str, u32, &str); 2] =
    [("4.14.0", 12, ""), ("4.9.2", 0, include_str!("python/localstack-4.9.txt"))];
/// The plugin's source, with the versions and digests of every module that goes into it.
const AWS_PLUGIN: [(&str, &str); 3] = [
    ("main.go", include_str!("aws_plugin/main.go.txt")),
    ("go.mod", include_str!("aws_plugin/go.mod.txt")),
    ("go.sum", include_str!("aws_plugin/go.sum.txt")),
];
/// Vault's command line over its own module. Nobody offers its program as a package.
const VAULT: [(&str, &str); 3] = [
    ("main.go", include_str!("vault/main.go.txt")),
    ("go.mod", include_str!("vault/go.mod.txt")),
    ("go.sum", include_str!("vault/go.sum.txt")),
];
/// The one release of Vault whose modules can be had whole: 1.20.0 names a module that is not served, and 1.21.4 an SDK.
const VAULT_VERSION: &str = "1.21.0";
/// The file of the plugin.
pub const AWS_PLUGIN_FILE: &str = "vault-plugin-secrets-aws";

/// How a part is put together.
#[derive(Debug, Clone)]
pub(super) struct Recipe {
    product: Product,
    version: &'static str,
    /// The entry's name in the cache.
    entry: String,
    /// The program in the entry.
    program: PathBuf,
    how: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    /// Requirements that pip installs together, held to these versions; on Python 3 of at least this minor version.
    Python { requirements: Vec<String>, constraints: &'static str, minor: u32 },
    /// A module that Go builds.
    Go(Module),
}

/// A module of ours that is nothing but a `main` over somebody else's.
#[derive(Debug, Clone)]
pub(super) struct Module {
    files: &'static [(&'static str, &'static str)],
    /// What to do where there is no Go.
    without_go: &'static str,
    /// What it takes, for those who wait.
    takes: &'static str,
}

impl Recipe {
    /// The recipes of a part, the best first; none for a part that is one package.
    pub(super) fn all(part: &Part) -> Vec<Self> {
        match part {
            Part::Moto => vec![Self {
                product: Product::Moto,
                version: "5.2.5",
                entry: "moto-5.2.5".to_owned(),
                program: "bin/python".into(),
                how: Kind::Python {
                    requirements: vec!["moto[server,iam,sts]==5.2.5".to_owned()],
                    constraints: include_str!("python/moto.txt"),
                    minor: 10,
                },
            }],
            Part::Localstack => LOCALSTACK
                .into_iter()
                .map(|(version, minor, constraints)| Self::localstack(version, minor, constraints))
                .collect(),
            Part::AwsPlugin => vec![Self {
                product: Product::AwsPlugin,
                version: "1.14.0",
                entry: "aws-plugin-1.14.0".to_owned(),
                program: AWS_PLUGIN_FILE.into(),
                how: Kind::Go(Module {
                    files: &AWS_PLUGIN,
                    without_go: "it is built with Go, which is not there either; install Go 1.20 or newer, or run on \
                                 HashiCorp Vault, which has the engine built in",
                    takes: "a minute",
                }),
            }],
            Part::Vault(wanted) => Self::vault(wanted.as_ref()).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// HashiCorp's Vault, where the version wanted is the one that can be built.
    fn vault(wanted: Option<&Version>) -> Option<Self> {
        let offered = Version::parse(VAULT_VERSION)?;
        wanted.is_none_or(|wanted| offered.is(wanted)).then(|| Self {
            product: Product::Vault,
            version: VAULT_VERSION,
            entry: format!("vault-{VAULT_VERSION}"),
            program: "vault".into(),
            how: Kind::Go(Module {
                files: &VAULT,
                without_go: "it is built with Go, which is not there either; install Go 1.25 or newer, put a `vault` on \
                             PATH, or give the path of one",
                takes: "a quarter of an hour, and 4 GB of Go's module cache",
            }),
        })
    }

    fn localstack(version: &'static str, minor: u32, constraints: &'static str) -> Self {
        // What the package itself leaves out or leaves open, so that a later release of one would break it.
        let beside = ["moto-ext", "service_identity", "cryptography<47", "pyopenssl<26", "cbor2<5.7"];
        let package = format!("localstack-core[base-runtime]=={version}");
        Self {
            product: Product::Localstack,
            version,
            entry: format!("localstack-{version}"),
            program: "bin/python".into(),
            how: Kind::Python {
                requirements: std::iter::once(package).chain(beside.map(str::to_owned)).collect(),
                constraints,
                minor,
            },
        }
    }

    /// The command that a person would type.
    pub(super) fn command(&self) -> String {
        match &self.how {
            Kind::Python { requirements, .. } => {
                let words: Vec<String> = requirements.iter().map(|word| crate::suite::quoted(word)).collect();
                format!("pip install {}", words.join(" "))
            }
            Kind::Go(module) => format!("go build ({} {}; it takes {})", self.product, self.version, module.takes),
        }
    }

    /// What to do where the client is missing, if that is not the same for all parts.
    pub(super) fn without_client(&self) -> Option<&'static str> {
        match &self.how {
            Kind::Python { .. } => None,
            Kind::Go(module) => Some(module.without_go),
        }
    }

    /// The client that it takes.
    pub(super) fn client(&self) -> &'static str {
        match self.how {
            Kind::Python { .. } => "python3",
            Kind::Go(_) => "go",
        }
    }

    /// The program in the cache, if the entry is there and whole.
    pub(super) fn cached(&self, cache: &Cache) -> Option<PathBuf> {
        Some(cache.path(super::fetch::SECTION, &self.entry).join(&self.program)).filter(|program| program.exists())
    }

    /// The program as the part.
    pub(super) fn found(&self, part: &Part, program: PathBuf, how: How) -> Option<Found> {
        let version = Version::parse(self.version)?;
        Some(Found { part: part.clone(), product: self.product, version, program, how })
    }
}

impl Fetcher {
    /// Puts a part together that is more than one package.
    pub(super) async fn put_together(&self, part: &Part, on: OnProgress<'_>) -> Result<Found, FetchError> {
        let recipe = self.recipe(part).await?;
        let waiting = || on(Progress::Waiting(part.clone()));
        let make = |folder: PathBuf| {
            let recipe = recipe.clone();
            async move {
                on(Progress::Fetching { part: part.clone(), with: recipe.command() });
                match &recipe.how {
                    Kind::Python { requirements, constraints, .. } => {
                        self.environment(part, &folder, requirements, constraints, on).await?;
                    }
                    Kind::Go(module) => self.build(part, &folder.join(&recipe.program), module, on).await?,
                }
                super::fetch::open_to_all(folder).await?;
                Ok::<(), FetchError>(())
            }
        };
        let entry = self.places().cache.ensure(super::fetch::SECTION, &recipe.entry, waiting, make).await?;
        let how = if matches!(entry, cache::Entry::Made(_)) { How::Fetched } else { How::Cache };
        let program = entry.into_path().join(&recipe.program);
        let unfit = || FetchError::Unfit { part: part.clone(), why: format!("it has no {}", recipe.program.display()) };
        if !program.exists() {
            return Err(unfit());
        }
        recipe.found(part, program, how).ok_or_else(unfit)
    }

    /// The recipe that this machine's Python, or any machine, can follow.
    async fn recipe(&self, part: &Part) -> Result<Recipe, FetchError> {
        let recipes = Recipe::all(part);
        let mut least = 0;
        let mut minor = None;
        for recipe in recipes {
            let Kind::Python { minor: wanted, .. } = recipe.how else { return Ok(recipe) };
            let present = match minor {
                Some(present) => present,
                None => self.python_minor(part).await?,
            };
            minor = Some(present);
            if present >= wanted {
                return Ok(recipe);
            }
            least = wanted;
        }
        let advice = format!("it needs Python 3.{least} or newer as `python3` on PATH");
        Err(FetchError::NotOffered { part: part.clone(), advice })
    }

    async fn python_minor(&self, part: &Part) -> Result<u32, FetchError> {
        let python = find::on_path(&self.places().path, "python3");
        let python = python.ok_or_else(|| FetchError::NoPython { part: part.clone() })?;
        let mut command = Command::new(&python);
        command.args(["-c", "import sys; print(sys.version_info[1])"]).kill_on_drop(true);
        let said = command.output().await;
        let said = said.map_err(|source| FetchError::Run { command: python.display().to_string(), source })?;
        let minor = String::from_utf8_lossy(&said.stdout).trim().parse();
        minor.map_err(|_| FetchError::NotOffered {
            part: part.clone(),
            advice: "`python3` does not say its version".into(),
        })
    }

    async fn environment(
        &self,
        part: &Part,
        folder: &Path,
        requirements: &[String],
        constraints: &str,
        on: OnProgress<'_>,
    ) -> Result<(), FetchError> {
        let python = find::on_path(&self.places().path, "python3");
        let python = python.ok_or_else(|| FetchError::NoPython { part: part.clone() })?;
        let venv = ["-m".as_ref(), "venv".as_ref(), folder.as_os_str()];
        self.run(part, &Call::of::<OsStr>(&python, venv), on).await?;
        let file = folder.join("constraints.txt");
        fs::write(&file, constraints).map_err(cache::failed("write", &file))?;
        let pip = ["-m", "pip", "install", "--no-input", "--progress-bar=off", "--prefer-binary", "-c"];
        let pip = pip.into_iter().map(AsRef::as_ref).chain([file.as_os_str()]);
        let args = pip.chain(requirements.iter().map(AsRef::as_ref));
        self.run(part, &Call::of::<OsStr>(&folder.join("bin/python"), args), on).await.map(drop)
    }

    /// Has Go build the module into a program, with nothing of it left beside.
    async fn build(&self, part: &Part, program: &Path, module: &Module, on: OnProgress<'_>) -> Result<(), FetchError> {
        let go = find::on_path(&self.places().path, "go");
        let missing = || FetchError::NotOffered { part: part.clone(), advice: module.without_go.to_owned() };
        let go = go.ok_or_else(missing)?;
        let source = program.with_extension("source");
        fs::create_dir_all(&source).map_err(cache::failed("create", &source))?;
        for (name, text) in module.files {
            let file = source.join(name);
            fs::write(&file, text).map_err(cache::failed("write", &file))?;
        }
        // `-v` names each package as it is compiled: it takes a minute and more, and silence looks like a hang.
        let words = ["build", "-C"].map(AsRef::as_ref).into_iter().chain([source.as_os_str()]);
        let words = words.chain(["-mod=readonly", "-trimpath", "-ldflags=-s", "-v", "-o"].map(AsRef::as_ref));
        let call = Call::of::<OsStr>(&go, words.chain([program.as_os_str(), ".".as_ref()]));
        self.run(part, &Call { env: Some(("CGO_ENABLED", "0".as_ref())), ..call }, on).await?;
        // A server runs whatever lies in the folder of its plugins.
        fs::remove_dir_all(&source).map_err(cache::failed("remove", &source))?;
        Ok(())
    }
}
