//! A scenario's servers without its steps, kept up for a person: what `leaseproof up` starts.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::engine;
use crate::history::History;
use crate::plan::Plan;
use crate::provider::Programs;
use crate::provider::native::cache::Cache;
use crate::provider::native::fetch::{Fetcher, Progress};
use crate::provider::native::find::Places;
use crate::provider::on_demand::{AwsParts, Lack, OnDemand};
use crate::provider::site::{Choice, Site, SiteError, Wanted};
use crate::scenario::{Dbms, Scenario};
use crate::secret::KnownSecrets;
use crate::service::aws::REGION;
use crate::service::database::Login;
use crate::stack::Stack;
use crate::time::Clock;

/// The name of the stack's folder among the run's servers.
const NAME: &str = "up";
/// The file with what it takes to log in, in the run's folder.
const SHELL: &str = "up.sh";

/// Why a stack could not be kept up.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// The servers' programs or images.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// A program that only some scenarios need.
    #[error(transparent)]
    Lack(#[from] Lack),
    /// A server would not come up or go down.
    #[error(transparent)]
    Up(#[from] crate::provider::UpError),
    /// The engines could not be mounted.
    #[error(transparent)]
    SetUp(#[from] engine::SetupError),
    /// The file with the secrets, or the history.
    #[error("cannot write below {}: {why}; check room and rights in LEASEPROOF_HOME", folder.display())]
    File {
        /// The run's folder.
        folder: PathBuf,
        /// What the system said.
        why: String,
    },
}

/// Brings up the servers of a scenario, sets its engines up, tells `ready` of the file with lines for a shell (readable by
/// its owner alone), and keeps everything until it is stopped.
pub async fn hold(
    choice: Choice,
    wanted: &Wanted,
    scenario: Scenario,
    on: &(dyn Fn(Progress) + Send + Sync),
    ready: impl FnOnce(&Path, &str) + Send,
    stop: CancellationToken,
) -> Result<(), HoldError> {
    let site = Site::open(choice, wanted, on).await?;
    let kept = keep(&site, scenario, on, ready, stop).await;
    let closed = site.provider.close().await;
    kept?;
    Ok(closed?)
}

async fn keep(
    site: &Site,
    scenario: Scenario,
    on: &(dyn Fn(Progress) + Send + Sync),
    ready: impl FnOnce(&Path, &str) + Send,
    stop: CancellationToken,
) -> Result<(), HoldError> {
    let run = site.provider.folder();
    let broken = |why: String| HoldError::File { folder: run.to_owned(), why };
    let plan = Plan::new(Arc::new(scenario), 0);
    let folder = run.join("history");
    std::fs::create_dir(&folder).map_err(|error| broken(error.to_string()))?;
    let history = History::create(&folder, Clock::start(), KnownSecrets::default(), None);
    let history = history.map_err(|error| broken(error.to_string()))?;
    let vault = site.vaults.first().cloned().ok_or_else(|| broken("no secrets server is named".to_owned()))?;
    let postgres = Some(site.postgres.clone());
    let on_demand = OnDemand::new(Fetcher::new(Places::here(Cache::usual().map_err(SiteError::from)?)));
    let provider = &site.provider;
    let AwsParts { server: aws, plugin: aws_plugin } = on_demand.aws(&plan.scenario, &vault, provider, on).await?;
    let mysql = site.mysql_program();
    let programs = Programs { postgres, mysql, aws, aws_plugin, ..Programs::of(vault) };
    let stack = tokio::select! {
        stack = site.provider.up(&programs, &plan.scenario, NAME, plan.seed, &history) => stack?,
        () = stop.cancelled() => return Ok(()),
    };
    let set_up = engine::set_up(&stack, &plan.scenario).await;
    let told = match &set_up {
        Ok(_) => {
            let shell = run.join(SHELL);
            let written = write_private(&shell, &exports(&stack)).map_err(|error| broken(error.to_string()));
            if written.is_ok() {
                ready(&shell, &site.why);
                stop.cancelled().await;
            }
            written
        }
        Err(_) => Ok(()),
    };
    let down = site.provider.down(stack, NAME).await;
    set_up?;
    told?;
    Ok(down?)
}

/// What it takes to log in, as lines for a shell. Addresses are those that no link fault touches.
pub fn exports(stack: &Stack) -> String {
    let mut lines = vec![
        format!("export VAULT_ADDR=http://{}", stack.vault.direct.address()),
        format!("export VAULT_TOKEN={}", stack.vault.root_token.expose()),
    ];
    for server in stack.databases() {
        let address = server.direct.address();
        let (host, port) = address.rsplit_once(':').unwrap_or((&address, ""));
        lines.extend(way_in(server.dbms(), host, port, &server.admin));
    }
    if let Some(aws) = &stack.aws {
        let (address, key) = (aws.direct.address(), &aws.admin);
        lines.push(format!("export AWS_ENDPOINT_URL=http://{address} AWS_DEFAULT_REGION={REGION}"));
        lines.push(format!("export AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={}", key.id, key.secret.expose()));
    }
    lines.join("\n") + "\n"
}

/// What a person's own client reads from the environment to log in as the superuser.
fn way_in(dbms: Dbms, host: &str, port: &str, admin: &Login) -> [String; 2] {
    let (user, password) = (&admin.username, admin.password.expose());
    match dbms {
        Dbms::Postgres => {
            [format!("export PGHOST={host} PGPORT={port} PGUSER={user}"), format!("export PGPASSWORD={password}")]
        }
        Dbms::Mysql => [
            format!("# mysql --user={user}"),
            format!("export MYSQL_HOST={host} MYSQL_TCP_PORT={port} MYSQL_PWD={password}"),
        ],
    }
}

/// Writes a file that only we may read.
pub(crate) fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
