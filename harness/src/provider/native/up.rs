//! A stack of processes on this machine: folders, ports, links, servers, in as little time as they need.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use nix::sys::signal::Signal;

use super::estate::Estate;
use super::launch::Launch;
use super::port::Port;
use super::process::Process;
use super::user::User;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::Proxy;
use crate::outcome::Outcome;
use crate::provider::{Programs, UpError};
use crate::scenario::file::{Endpoint, Server};
use crate::scenario::{self, Scenario};
use crate::secret::Secret;
use crate::service::postgres::launch as postgres_launch;
use crate::service::postgres::{ADMIN, Login, Postgres};
use crate::service::vault::Vault;
use crate::service::vault::launch as vault_launch;
use crate::stack::{Links, Machine, PostgresServer, Stack, StackError, VaultServer};

/// Vault, as a program on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultProgram {
    /// The program.
    pub program: PathBuf,
    /// `openbao` or `vault`.
    pub product: String,
    /// Its version.
    pub version: String,
}

impl VaultProgram {
    /// `openbao 2.7.2`.
    pub fn name(&self) -> String {
        format!("{} {}", self.product, self.version)
    }
}

/// PostgreSQL, as programs on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresProgram {
    /// The folder of `initdb` and `postgres`.
    pub bin: PathBuf,
    /// Its version.
    pub version: String,
}

/// Starts stacks as processes; all of them belong to one run's estate.
#[derive(Debug)]
pub struct Native {
    estate: Estate,
}

impl Native {
    /// Starts stacks in this estate.
    pub fn new(estate: Estate) -> Self {
        Self { estate }
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        self.estate.path()
    }

    /// Ends whatever is left and removes the run's folder.
    pub async fn close(self) -> Result<(), UpError> {
        self.estate.close().await.map_err(|e| UpError::Machine(e.to_string()))
    }

    pub(crate) async fn up(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<Stack, UpError> {
        let mut links = Links::default();
        let postgres = async {
            match (&scenario.stack.postgres, &programs.postgres) {
                (Some(wanted), Some(program)) => {
                    let root = scenario.database.as_ref().map(|d| d.connection.root).unwrap_or_default();
                    self.postgres(program, wanted, root, name, seed, history).await.map(Some)
                }
                (Some(_), None) => Err(UpError::Machine("no PostgreSQL was found for this scenario".to_owned())),
                (None, _) => Ok(None),
            }
        };
        let (vault, postgres) =
            tokio::try_join!(self.vault(&programs.vault, &scenario.stack, name, seed, history), postgres)?;
        links.insert(Endpoint::Clients, Endpoint::Vault, vault.1);
        let postgres = postgres.map(|(server, from_vault, from_clients)| {
            links.insert(Endpoint::Vault, Endpoint::Postgres, from_vault);
            links.insert(Endpoint::Clients, Endpoint::Postgres, from_clients);
            server
        });
        Ok(Stack { vault: vault.0, postgres, links })
    }

    pub(crate) async fn down(&self, stack: Stack, name: &str) -> Result<(), UpError> {
        let Stack { vault, postgres, links } = stack;
        // Nothing of it is wanted any more, so nothing is gained by stopping it in good order.
        let (vault_gone, postgres_gone) = tokio::join!(vault.machine.kill(), async {
            match &postgres {
                Some(postgres) => postgres.machine.kill().await,
                None => Ok(()),
            }
        });
        drop(links);
        vault_gone?;
        postgres_gone?;
        let folder = self.estate.path().join(name);
        tokio::task::spawn_blocking(move || fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e)))
            .await
            .map_err(|e| UpError::Machine(e.to_string()))?
    }

    async fn vault(
        &self,
        program: &VaultProgram,
        wanted: &scenario::Stack,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<(VaultServer, Proxy), UpError> {
        let folder = self.folder_for(name, "vault", None)?;
        let (port, cluster) = (claim()?, claim()?);
        let link = Proxy::start(any_port(), port.address(), seed).await.map_err(StackError::from)?;
        let data = folder.join("data");
        make_folder(&data, None)?;
        let launch = vault_launch::Launch {
            storage: wanted.storage,
            data: &data,
            listen: port.address().to_string(),
            cluster: cluster.address().to_string(),
            api: link.address().to_string(),
            hashicorp: program.product == "vault",
        };
        let file = folder.join("vault.json");
        write_private(&file, &launch.configuration(), None)?;
        let launch = Launch::new("vault", &program.program, &folder)
            .arg("server")
            .arg(format!("-config={}", file.display()))
            .env("HOME", folder.display().to_string())
            .owned_by(self.estate.owner());
        let clock = *history.clock();
        let http =
            |address: SocketAddr| Vault::new(&address.to_string(), clock).map_err(|e| UpError::Machine(e.to_string()));
        let (direct, linked) = (http(port.address())?, http(link.address())?);
        let mut server = VaultServer {
            machine: Machine::new(Server::Vault, Process::new(launch), history.clone()).keeping([port, cluster]),
            direct,
            linked,
            root_token: Secret::new(""),
            keys: Vec::new(),
            storage: wanted.storage,
            product: program.name(),
        };
        server.machine.start().await?;
        server.until_answering().await?;
        let answer = server.direct.init(wanted.key_threshold, wanted.key_threshold).await;
        let new = match answer.outcome {
            Outcome::Ok(reply) => reply.body,
            no => return Err(StackError::Vault { what: "to be initialised", why: no.to_string() }.into()),
        };
        server.keys = new.keys.into_iter().map(|key| history.secrets().learn(key)).collect();
        server.root_token = history.secrets().learn(new.root);
        server.unseal().await?;
        server.until_active().await?;
        history.note(Actor::Harness, Event::Running { server: Server::Vault, product: server.product.clone() });
        Ok((server, link))
    }

    async fn postgres(
        &self,
        program: &PostgresProgram,
        wanted: &scenario::Postgres,
        root: scenario::file::RootKind,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<(PostgresServer, Proxy, Proxy), UpError> {
        let user = User::unprivileged();
        let folder = self.folder_for(name, "postgres", user)?;
        let port = claim()?;
        let start = |seed| Proxy::start(any_port(), port.address(), seed);
        let from_vault = start(seed.wrapping_add(1)).await.map_err(StackError::from)?;
        let from_clients = start(seed.wrapping_add(2)).await.map_err(StackError::from)?;
        let data = folder.join("data");
        let admin = Login { username: ADMIN.to_owned(), password: history.secrets().learn(Secret::random()) };
        initdb(program, &folder, &data, &admin.password, user).await?;
        let configuration = postgres_launch::configuration(port.number(), wanted.max_connections);
        write_private(&data.join("postgresql.conf"), &configuration, user)?;
        write_private(&data.join("pg_hba.conf"), postgres_launch::HBA, user)?;
        let launch = Launch::new("postgres", program.bin.join("postgres"), &folder)
            .args(["-D".into(), data.clone().into_os_string()])
            .run_as(user)
            .on_harness_death(Signal::SIGQUIT)
            .polite_signal(Signal::SIGINT)
            .owned_by(self.estate.owner());
        let clock = *history.clock();
        let way = |address: SocketAddr| Postgres::new(&address.ip().to_string(), address.port(), clock);
        let root_password = history.secrets().learn(Secret::random());
        let server = PostgresServer {
            direct: way(port.address()),
            linked: way(from_clients.address()),
            admin,
            root,
            root_password: Mutex::new(root_password.clone()),
            product: format!("postgresql {}", program.version),
            machine: Machine::new(Server::Postgres, Process::new(launch), history.clone()).keeping([port]),
        };
        server.machine.start().await?;
        server.until_ready().await?;
        let sql = postgres_launch::preparation(root, &root_password);
        if let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = server.direct.run(&server.admin, &sql).await.outcome {
            return Err(UpError::Machine(format!("postgres would not be prepared: {no}")));
        }
        history.note(Actor::Harness, Event::Running { server: Server::Postgres, product: server.product.clone() });
        Ok((server, from_vault, from_clients))
    }

    /// A server's folder below the scenario's, for its user alone.
    fn folder_for(&self, name: &str, server: &str, user: Option<User>) -> Result<PathBuf, UpError> {
        let scenario = self.estate.path().join(name);
        if !scenario.exists() {
            fs::create_dir(&scenario).map_err(|e| broken("make", &scenario, &e))?;
        }
        self.estate.folder(&format!("{name}/{server}"), user).map_err(|e| UpError::Machine(e.to_string()))
    }
}

async fn initdb(
    program: &PostgresProgram,
    folder: &Path,
    data: &Path,
    password: &Secret,
    user: Option<User>,
) -> Result<(), UpError> {
    let password_file = folder.join("password");
    write_private(&password_file, password.expose(), user)?;
    let launch = Launch::new("initdb", program.bin.join("initdb"), folder)
        .args(["-D".into(), data.as_os_str().to_owned()])
        .args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
        .arg(format!("--pwfile={}", password_file.display()))
        .run_as(user);
    let process = Process::new(launch);
    process.start().await.map_err(StackError::from)?;
    let exit = process.exited().await.map_err(StackError::from)?;
    let removed = fs::remove_file(&password_file);
    if exit.status.is_some_and(|status| status.success()) {
        return removed.map_err(|e| broken("remove", &password_file, &e));
    }
    let log = fs::read_to_string(process.log()).unwrap_or_default();
    Err(UpError::Machine(format!("initdb failed: {exit}\n{log}")))
}

fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|e| UpError::Machine(e.to_string()))
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

fn make_folder(folder: &Path, user: Option<User>) -> Result<(), UpError> {
    fs::create_dir(folder).map_err(|e| broken("make", folder, &e))?;
    give(folder, user)
}

/// Writes a file that only its user may read.
fn write_private(path: &Path, text: &str, user: Option<User>) -> Result<(), UpError> {
    use io::Write as _;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| broken("write", path, &e))?;
    file.write_all(text.as_bytes()).map_err(|e| broken("write", path, &e))?;
    give(path, user)
}

fn give(path: &Path, user: Option<User>) -> Result<(), UpError> {
    match user {
        Some(user) => chown(path, Some(user.uid), Some(user.gid)).map_err(|e| broken("give away", path, &e)),
        None => Ok(()),
    }
}

fn broken(what: &str, path: &Path, source: &io::Error) -> UpError {
    UpError::Machine(format!("cannot {what} {}: {source}", path.display()))
}
