//! Which servers scenarios run on, and what puts them on this machine: the arguments that several commands share.

use std::path::PathBuf;

use clap::ValueEnum;
use leaseproof_harness::provider::docker::image::Named;
use leaseproof_harness::provider::native::part::{Part, Product};
use leaseproof_harness::provider::site::Choice;
use leaseproof_harness::scenario::Dbms;

/// Everything about the servers of a run.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Servers {
    /// The secrets server: openbao[:VERSION], vault[:VERSION] or /path/to/vault. Scenarios run on each that is named.
    #[arg(long, value_name = "SERVER", value_parser = vault, env = "LEASEPROOF_VAULT", hide_env_values = true, value_delimiter = ',', default_value = "openbao")]
    pub(crate) vault: Vec<Part>,
    /// This very program as the secrets server, instead of those named with --vault.
    #[arg(long, value_name = "PATH")]
    pub(crate) vault_bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) databases: Databases,
    /// Where servers come from. Scenarios run on each that is named.
    #[arg(
        long,
        value_enum,
        env = "LEASEPROOF_PROVIDER",
        hide_env_values = true,
        value_delimiter = ',',
        default_value = "auto"
    )]
    pub(crate) provider: Vec<Provider>,
    /// The image that a service runs in, in place of the usual one: postgres=my/postgres:17 (can be given several times).
    #[arg(
        long,
        value_name = "SERVICE=IMAGE",
        env = "LEASEPROOF_IMAGES",
        hide_env_values = true,
        value_delimiter = ','
    )]
    pub(crate) image: Vec<Named>,
    /// What the links between servers are, on which network faults happen.
    #[arg(long, value_enum, env = "LEASEPROOF_PROXY", hide_env_values = true, default_value_t = Proxy::InProcess)]
    pub(crate) proxy: Proxy,
}

impl Servers {
    /// The options that ask for the same servers again, each with its value.
    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = Vec::new();
        match &self.vault_bin {
            Some(program) => options.push(("vault-bin", program.display().to_string())),
            None => options.extend(self.vault.iter().map(|part| ("vault", part.to_string()))),
        }
        options.push(("postgres", self.databases.postgres.to_string()));
        options.push(("mysql", self.databases.mysql.to_string()));
        let providers = self.provider.iter().map(|provider| Choice::from(*provider));
        options.extend(providers.filter(|p| *p != Choice::Auto).map(|provider| ("provider", provider.to_string())));
        options.extend(self.image.iter().map(|image| ("image", image.to_string())));
        if let Some(folder) = &self.databases.postgres_bin_dir {
            options.push(("postgres-bin-dir", folder.display().to_string()));
        }
        if self.proxy == Proxy::Toxiproxy {
            options.push(("proxy", "toxiproxy".to_owned()));
        }
        options
    }
}

/// The databases beside the secrets server.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Databases {
    /// The database: postgres[:MAJOR].
    #[arg(long, value_name = "SERVER", value_parser = postgres, env = "LEASEPROOF_POSTGRES", hide_env_values = true, default_value = "postgres")]
    pub(crate) postgres: Part,
    /// MySQL or MariaDB, for scenarios that have it: mysql[:VERSION], mariadb[:VERSION]. `mysql` alone takes either.
    #[arg(long, value_name = "SERVER", value_parser = mysql, env = "LEASEPROOF_MYSQL", hide_env_values = true, default_value = "mysql")]
    pub(crate) mysql: Part,
    /// The folder that holds PostgreSQL's programs (`postgres`, `initdb`), instead of looking for one.
    #[arg(long, value_name = "DIR", env = "LEASEPROOF_POSTGRES_BIN_DIR", hide_env_values = true)]
    pub(crate) postgres_bin_dir: Option<PathBuf>,
}

/// What puts servers on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// Docker where an engine answers and has or can pull every image, else native.
    Auto,
    /// Plain processes of this machine.
    Native,
    /// Containers of a Docker engine: the one that DOCKER_HOST names, else this machine's.
    Docker,
}

impl From<Provider> for Choice {
    fn from(provider: Provider) -> Self {
        match provider {
            Provider::Auto => Self::Auto,
            Provider::Native => Self::Native,
            Provider::Docker => Self::Docker,
        }
    }
}

/// What links are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Proxy {
    /// Proxies of leaseproof's own process, with Toxiproxy's toxics.
    InProcess,
    /// A real Toxiproxy server for each scenario; fetched with Go where it is not here.
    Toxiproxy,
}

pub(crate) fn vault(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    match part.product() {
        Some(Product::Toxiproxy) => Err("that is a proxy; ask for it with --proxy toxiproxy".to_owned()),
        Some(Product::Moto | Product::Localstack | Product::AwsPlugin) => {
            Err("that is no secrets server; a scenario gets it when its stack has `aws`".to_owned())
        }
        _ => match part.dbms() {
            Some(dbms) => Err(format!("that is a database; name it with --{dbms}")),
            None => Ok(part),
        },
    }
}

pub(crate) fn mysql(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    match part.dbms() {
        Some(Dbms::Mysql) => Ok(part),
        _ => Err("write mysql, mysql:VERSION, mariadb or mariadb:VERSION".to_owned()),
    }
}

pub(crate) fn postgres(text: &str) -> Result<Part, String> {
    let part: Part = text.parse().map_err(|error| format!("{error}"))?;
    if part.product() == Some(Product::Postgres) {
        return Ok(part);
    }
    Err("write postgres or postgres:MAJOR; a folder of programs goes with --postgres-bin-dir".to_owned())
}
