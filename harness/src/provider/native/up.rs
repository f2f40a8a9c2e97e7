//! A stack of processes on this machine: folders, ports, links, servers, in as little time as they need.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{OpenOptionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures_util::FutureExt as _;

use super::cache::Cache;
use super::database::Order;
use super::estate::Estate;
use super::find::Found;
use super::launch::Launch;
use super::ledger::Owner;
use super::lines::Lines;
use super::part::Product;
use super::port::Port;
use super::process::Process;
use super::shared_memory;
use super::template::{Template, TemplateKey};
use super::user::User;
use super::vault_keys;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::Link;
use crate::provider::{Programs, UpError};
use crate::scenario::file::{Endpoint, Server, Storage};
use crate::scenario::{self, Dbms, Scenario};
use crate::secret::{KnownSecrets, Secret};
use crate::service::vault::Vault;
use crate::service::vault::launch as vault_launch;
use crate::stack::{DatabaseServer, Links, Machine, Next, Stack, StackError, VaultServer};
use crate::time::Clock;

/// Starts stacks as processes; all of them belong to one run's estate.
#[derive(Debug)]
pub struct Native {
    pub(super) estate: Estate,
    pub(super) cache: Cache,
}

impl Native {
    /// Starts stacks in this estate; data folders that are initialised once are kept in the cache.
    pub fn new(estate: Estate, cache: Cache) -> Self {
        Self { estate, cache }
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
        let proxies = self.lines(programs, scenario, name, seed, history).await?;
        let database = |dbms: Dbms| {
            let proxies = &proxies;
            async move {
                let Some(wanted) = scenario.stack.database(dbms) else { return Ok(None) };
                let no_program = || UpError::Machine(format!("no {} was found for this scenario", dbms.title()));
                let program = programs.database(dbms).ok_or_else(no_program)?;
                let connection = scenario.database.as_ref().and_then(|engine| engine.connection_to(dbms));
                let root = connection.map(|connection| connection.root).unwrap_or_default();
                let order = Order { dbms, program, max_connections: wanted.max_connections, root, name };
                Box::pin(self.database(&order, proxies, history)).await.map(Some)
            }
        };
        // All to their end, also when one fails: what is still being copied could not be removed.
        let (vault, postgres, mysql) = tokio::join!(
            Box::pin(self.vault(programs, &scenario.stack, name, &proxies, history)),
            database(Dbms::Postgres),
            database(Dbms::Mysql),
        );
        let (vault, postgres, mysql) = (vault?, postgres?, mysql?);
        links.insert(Endpoint::Clients, Endpoint::Vault, vault.1);
        let mut linked = |database: Option<(DatabaseServer, Link, Link)>| {
            database.map(|(server, from_vault, from_clients)| {
                let end = server.dbms().endpoint();
                links.insert(Endpoint::Vault, end, from_vault);
                links.insert(Endpoint::Clients, end, from_clients);
                server
            })
        };
        let (postgres, mysql) = (linked(postgres), linked(mysql));
        Ok(Stack { vault: vault.0, postgres, mysql, links, toxiproxy: proxies.into_server() })
    }

    pub(crate) async fn down(&self, stack: Stack, name: &str) -> Result<(), UpError> {
        let Stack { vault, postgres, mysql, links, toxiproxy } = stack;
        // Nothing of it is wanted any more, so nothing is gained by stopping it in good order.
        let machines =
            std::iter::once(&vault.machine).chain([&postgres, &mysql].into_iter().flatten().map(|d| &d.machine));
        let gone = futures_util::future::join_all(machines.map(Machine::kill)).await;
        drop(links);
        if let Some(toxiproxy) = &toxiproxy {
            toxiproxy.process.kill().await.map_err(StackError::from)?;
        }
        gone.into_iter().collect::<Result<(), _>>()?;
        let folder = self.estate.path().join(name);
        let remove = move || {
            shared_memory::release_below(&folder);
            fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e))
        };
        tokio::task::spawn_blocking(remove).await.map_err(|e| UpError::Machine(e.to_string()))?
    }

    /// What lays the links of a stack.
    async fn lines(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<Lines, UpError> {
        let Some(program) = &programs.toxiproxy else { return Ok(Lines::InProcess { seed }) };
        let folder = self.folder_for(name, "toxiproxy", None)?;
        Lines::start(program, &folder, self.estate.owner(), seed, scenario.links_read(), history).await
    }

    async fn vault(
        &self,
        programs: &Programs,
        wanted: &scenario::Stack,
        name: &str,
        lines: &Lines,
        history: &History,
    ) -> Result<(VaultServer, Link), UpError> {
        let program = &programs.vault;
        let folder = self.folder_for(name, "vault", None)?;
        let ports = [claim()?, claim()?];
        let link = lines.lay(Endpoint::Clients, Endpoint::Vault, 0, ports[0].address()).await?;
        let data = folder.join("data");
        let keys = match wanted.storage {
            Storage::Inmem => {
                make_folder(&data, None)?;
                None
            }
            Storage::Raft => {
                let template = self.raft_template(program, wanted.key_threshold).await?;
                template.copy_to(&data, None).await.map_err(|e| UpError::Machine(e.to_string()))?;
                Some(vault_keys::read(&data.join(vault_keys::FILE), history.secrets())?)
            }
        };
        let place =
            Place { folder: &folder, data: &data, ports, api: link.address().to_string(), more: &wanted.configuration };
        let mut server = place.vault(program, wanted.storage, self.estate.owner(), history).await?;
        server.linked = http(link.address(), history)?;
        let keys = match keys {
            Some(keys) => keys,
            None => vault_keys::init(&server.direct, wanted.key_threshold, history.secrets()).await?,
        };
        server.next = Mutex::new(
            programs.next.as_ref().map(|next| Next { program: next.program.clone(), product: name_of(next) }),
        );
        server.keys = keys.unseal;
        server.root_token = keys.root;
        server.unseal().await?;
        server.until_active().await?;
        history.note(Actor::Harness, Event::Running { server: Server::Vault, product: server.product.clone() });
        Ok((server, link))
    }

    /// An initialised raft folder with its keys, made once for each version: electing a first leader takes seconds.
    async fn raft_template(&self, program: &Found, threshold: u8) -> Result<Template, UpError> {
        let key = TemplateKey::new("vault-raft")
            .with("product", &program.product)
            .with("version", &program.version)
            .with("threshold", &threshold);
        let (program, owner) = (program.clone(), self.estate.owner());
        let build = move |data| make_raft_folder(data, program, threshold, owner).boxed();
        Template::ensure(&self.cache, &key, None, build).await.map_err(|e| UpError::Machine(e.to_string()))
    }

    /// A server's folder below the scenario's, for its user alone.
    pub(super) fn folder_for(&self, name: &str, server: &str, user: Option<User>) -> Result<PathBuf, UpError> {
        let scenario = self.estate.path().join(name);
        if !scenario.exists() {
            fs::create_dir(&scenario).map_err(|e| broken("make", &scenario, &e))?;
        }
        self.estate.folder(&format!("{name}/{server}"), user).map_err(|e| UpError::Machine(e.to_string()))
    }
}

/// Initialises a raft folder by running a server on it once.
async fn make_raft_folder(data: PathBuf, program: Found, threshold: u8, owner: Owner) -> Result<(), UpError> {
    let history = History::in_memory(Clock::start(), KnownSecrets::default());
    let folder = data.with_file_name("making");
    make_folder(&folder, None)?;
    let (ports, more) = ([claim()?, claim()?], serde_json::Map::new());
    let place = Place { folder: &folder, data: &data, ports, api: "127.0.0.1:1".to_owned(), more: &more };
    let mut server = place.vault(&program, Storage::Raft, owner, &history).await?;
    let keys = vault_keys::init(&server.direct, threshold, history.secrets()).await?;
    vault_keys::write(&data.join(vault_keys::FILE), &keys)?;
    server.keys = keys.unseal;
    server.unseal().await?;
    server.until_active().await?;
    server.machine.stop().await?;
    fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e))
}

/// Where a Vault server is put.
struct Place<'a> {
    folder: &'a Path,
    data: &'a Path,
    ports: [Port; 2],
    api: String,
    /// What stands in its configuration beside leaseproof's own.
    more: &'a serde_json::Map<String, serde_json::Value>,
}

impl Place<'_> {
    /// Starts a server there and waits until it answers; it is not unsealed, and has no link yet.
    async fn vault(
        self,
        program: &Found,
        storage: Storage,
        owner: Owner,
        history: &History,
    ) -> Result<VaultServer, UpError> {
        let [listen, cluster] = &self.ports;
        let (listen, cluster) = (listen.address(), cluster.address());
        let settings = vault_launch::Launch {
            storage,
            data: self.data,
            listen: listen.to_string(),
            cluster: cluster.to_string(),
            peers: cluster.to_string(),
            api: self.api,
            hashicorp: program.product == Product::Vault,
            more: self.more,
        };
        let file = self.folder.join("vault.json");
        write_private(&file, &settings.configuration(), None)?;
        let launch = Launch::new("vault", &program.program, self.folder)
            .arg("server")
            .arg(format!("-config={}", file.display()))
            .env("HOME", self.folder.display().to_string())
            .owned_by(owner);
        let direct = http(listen, history)?;
        let server = VaultServer {
            machine: Machine::new(Server::Vault, Process::new(launch), history.clone()).keeping(self.ports),
            linked: direct.clone(),
            direct,
            root_token: Secret::new(""),
            keys: Vec::new(),
            storage,
            product: name_of(program),
            next: Mutex::default(),
        };
        server.machine.start().await?;
        server.until_answering().await?;
        Ok(server)
    }
}

fn http(address: SocketAddr, history: &History) -> Result<Vault, UpError> {
    Vault::new(&address.to_string(), *history.clock()).map_err(|e| UpError::Machine(e.to_string()))
}

/// `OpenBao 2.7.2`.
pub fn name_of(program: &Found) -> String {
    format!("{} {}", program.product, program.version)
}

pub(super) fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|e| UpError::Machine(e.to_string()))
}

pub(super) fn make_folder(folder: &Path, user: Option<User>) -> Result<(), UpError> {
    fs::create_dir(folder).map_err(|e| broken("make", folder, &e))?;
    give(folder, user)
}

/// Writes a file that only its user may read.
pub(super) fn write_private(path: &Path, text: &str, user: Option<User>) -> Result<(), UpError> {
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

pub(super) fn broken(what: &str, path: &Path, source: &io::Error) -> UpError {
    UpError::Machine(format!("cannot {what} {}: {source}", path.display()))
}
