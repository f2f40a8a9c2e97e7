//! A stack of processes on this machine: folders, ports, links, servers, in as little time as they need.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use futures_util::FutureExt as _;
use tokio::sync::OnceCell;

use super::audit;
use super::aws;
use super::cache::Cache;
use super::database::Order;
use super::estate::Estate;
use super::find::Found;
use super::launch::Launch;
use super::ledger::Owner;
use super::lines::Lines;
use super::part::Product;
use super::port::Port;
use super::private::{broken, make_folder, write_private};
use super::process::Process;
use super::shared_memory;
use super::template::{Template, TemplateKey};
use super::user::User;
use super::vault_keys;
use crate::history::History;
use crate::link::Link;
use crate::provider::{Programs, UpError};
use crate::scenario::file::{Endpoint, Node, Seal, Server, Storage};
use crate::scenario::{self, Dbms, Scenario};
use crate::secret::{KnownSecrets, Secret};
use crate::service::vault::Vault;
use crate::service::vault::launch as vault_launch;
use crate::stack::audit::AuditDevice;
use crate::stack::disk::Disk;
use crate::stack::{Back, DatabaseServer, Links, Machine, Next, Plugin, Stack, VaultNode, VaultServer};
use crate::time::Clock;

/// How much of its memory may be garbage before a Vault collects it, in percent of what is in use, and from where on it
/// collects at once. A Vault that starts makes a lot of garbage and keeps little: at Go's own 100 % a tenth of its start goes
/// into collecting, and on a small machine it is the other servers that pay for it.
const GARBAGE: &str = "400";
const MEMORY: &str = "200MiB";

/// Starts stacks as processes; all of them belong to one run's estate.
#[derive(Debug)]
pub struct Native {
    pub(super) estate: Estate,
    pub(super) cache: Cache,
    /// The AWS engine of the run, once a scenario has wanted it: its digest is taken of the whole program.
    plugin: OnceCell<Plugin>,
}

impl Native {
    /// Starts stacks in this estate; data folders that are initialised once are kept in the cache.
    pub fn new(estate: Estate, cache: Cache) -> Self {
        Self { estate, cache, plugin: OnceCell::new() }
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        self.estate.path()
    }

    /// Whose processes those of the run are.
    pub fn owner(&self) -> Owner {
        self.estate.owner()
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
        let plugin = match (&scenario.aws, &programs.aws_plugin) {
            (Some(_), Some(found)) => Some(self.plugin.get_or_try_init(|| aws::plugin(found)).await?.clone()),
            _ => None,
        };
        let audit = self.audit(&scenario.stack, name).await?;
        let disk = if scenario.stack.own_disk { Some(self.storage_disk(name).await?) } else { None };
        let data = disk.as_ref().map(|disk| disk.root().join("data"));
        let vault = async {
            let sealer = match scenario.stack.seal {
                Seal::Shamir => None,
                Seal::Transit => Some(self.sealer(&programs.vault, name, &proxies, history).await?),
            };
            let seal = sealer.as_ref().map(|sealer| sealer.seal.clone());
            let vault =
                self.vault(programs, &scenario.stack, Extras { seal, plugin, data }, name, &proxies, history).await?;
            Ok::<_, UpError>((vault, sealer))
        };
        // All to their end, also when one fails: what is still being copied could not be removed.
        let (vault, postgres, mysql, aws) = tokio::join!(
            Box::pin(vault),
            database(Dbms::Postgres),
            database(Dbms::Mysql),
            Box::pin(self.aws(programs, scenario, name, &proxies, history)),
        );
        let ((vault, sealer), postgres, mysql, aws) = (vault?, postgres?, mysql?, aws?);
        audit::reach(&audit, &vault.0)?;
        let transit = sealer.map(|sealer| {
            links.insert(Endpoint::Vault, Endpoint::Transit, sealer.link);
            sealer.server
        });
        for (from, to, link) in vault.1 {
            links.insert(from, to, link);
        }
        let mut linked = |database: Option<(DatabaseServer, Link, Link)>| {
            database.map(|(server, from_vault, from_clients)| {
                let end = server.dbms().endpoint();
                links.insert(Endpoint::Vault, end, from_vault);
                links.insert(Endpoint::Clients, end, from_clients);
                server
            })
        };
        let (postgres, mysql) = (linked(postgres), linked(mysql));
        let aws = aws.map(|(server, from_vault, from_clients)| {
            links.insert(Endpoint::Vault, Endpoint::Aws, from_vault);
            links.insert(Endpoint::Clients, Endpoint::Aws, from_clients);
            server
        });
        let disk = disk.map(|disk| Disk::Mounted(Box::new(disk)));
        Ok(Stack {
            vault: vault.0,
            transit,
            postgres,
            mysql,
            aws,
            audit,
            disk,
            links,
            toxiproxy: proxies.into_server(),
        })
    }

    pub(crate) async fn down(&self, stack: Stack, name: &str) -> Result<(), UpError> {
        let Stack { vault, transit, postgres, mysql, aws, audit, disk, links, toxiproxy } = stack;
        // Nothing of it is wanted any more, so nothing is gained by stopping it in good order.
        let vaults = [Some(&vault), transit.as_ref()].into_iter().flatten();
        let nodes = vaults.flat_map(|server| &server.nodes).map(|node| &node.machine);
        let databases = [&postgres, &mysql].into_iter().flatten().map(|server| &server.machine);
        let machines = nodes.chain(databases).chain(aws.iter().map(|server| &server.machine));
        let gone = futures_util::future::join_all(machines.map(Machine::kill)).await;
        drop(links);
        for disk in audit.iter().flat_map(AuditDevice::disks).chain(&disk) {
            disk.remove().await.map_err(|e| UpError::Machine(e.to_string()))?;
        }
        if let Some(toxiproxy) = &toxiproxy {
            toxiproxy.body.remove().await?;
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
        extras: Extras,
        name: &str,
        lines: &Lines,
        history: &History,
    ) -> Result<(VaultServer, Vec<(Endpoint, Endpoint, Link)>), UpError> {
        let Extras { seal, plugin, data } = extras;
        if wanted.nodes > 1 {
            return self.cluster(programs, wanted, plugin, name, lines, history).await;
        }
        let program = &programs.vault;
        let folder = self.folder_for(name, "vault", None)?;
        let ports = [claim()?, claim()?];
        let link = lines.lay(Endpoint::Clients, Endpoint::Vault, 0, ports[0].address()).await?;
        let data = data.unwrap_or_else(|| folder.join("data"));
        let mut fresh = None;
        let keys = match wanted.storage {
            // A folder that key shares unseal is of no use to a server that something else does.
            _ if seal.is_some() => {
                make_folder(&data, None)?;
                None
            }
            Storage::Inmem => {
                make_folder(&data, None)?;
                None
            }
            Storage::Raft => {
                let template = self.raft_template(program, wanted.key_threshold).await?;
                template.copy_to(&data, None).await.map_err(|e| UpError::Machine(e.to_string()))?;
                fresh = Some(template);
                Some(vault_keys::read(&data.join(vault_keys::FILE), history.secrets())?)
            }
        };
        let plugins = plugin.as_ref().map(|plugin| plugin.folder.clone());
        let sealed_elsewhere = seal.is_some();
        let server = Server::Vault;
        let place = Place {
            server,
            seal,
            name: None,
            folder: &folder,
            data: &data,
            ports,
            door: None,
            api: link.address().to_string(),
            plugins: plugins.as_deref(),
            audited: !wanted.audit.is_empty(),
            more: &wanted.configuration,
        };
        let node = place.node(program, wanted.storage, self.estate.owner(), history)?;
        let mut server = alone(node, wanted.storage, program).await?;
        server.linked = http(link.address(), history)?;
        server.nodes[0].linked = server.linked.clone();
        server.aws_plugin = plugin;
        let keys = match keys {
            Some(keys) => keys,
            None if sealed_elsewhere => vault_keys::init_sealed_elsewhere(&server.direct, history.secrets()).await?,
            None => vault_keys::init(&server.direct, wanted.key_threshold, history.secrets()).await?,
        };
        server.next = next_of(programs, fresh.as_ref(), None);
        server.keys = keys.unseal;
        server.root_token = keys.root;
        server.unseal_anew(sealed_elsewhere, history).await?;
        Ok((server, vec![(Endpoint::Clients, Endpoint::Vault, link)]))
    }

    /// An initialised raft folder with its keys, made once for each version: electing a first leader takes seconds.
    pub(super) async fn raft_template(&self, program: &Found, threshold: u8) -> Result<Template, UpError> {
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
    let (ports, api, more) = ([claim()?, claim()?], "127.0.0.1:1".to_owned(), serde_json::Map::new());
    let place = Place::alone(Server::Vault, &folder, &data, ports, api, &more);
    let node = place.node(&program, Storage::Raft, owner, &history)?;
    let mut server = alone(node, Storage::Raft, &program).await?;
    let keys = vault_keys::init(&server.direct, threshold, history.secrets()).await?;
    vault_keys::write(&data.join(vault_keys::FILE), &keys)?;
    server.keys = keys.unseal;
    server.unseal().await?;
    server.until_active().await?;
    server.nodes[0].machine.stop().await?;
    fs::remove_dir_all(&folder).map_err(|e| broken("remove", &folder, &e))
}

/// What a Vault server is given beside its program.
struct Extras {
    /// What unseals it, if it is not key shares.
    seal: Option<vault_launch::Transit>,
    /// The AWS engine, where it has none built in.
    plugin: Option<Plugin>,
    /// Where it keeps its data, if not in its own folder.
    data: Option<PathBuf>,
}

/// Starts a node that stands alone and waits until it answers; it is not unsealed, and has no link yet.
pub(in crate::provider) async fn alone(
    node: VaultNode,
    storage: Storage,
    program: &Found,
) -> Result<VaultServer, UpError> {
    let server = VaultServer {
        direct: node.direct.clone(),
        linked: node.direct.clone(),
        nodes: vec![node],
        front: None,
        root_token: Secret::new(""),
        keys: Vec::new(),
        storage,
        product: name_of(program),
        next: Mutex::default(),
        aws_plugin: None,
    };
    server.nodes[0].machine.start().await?;
    server.nodes[0].until_answering().await?;
    Ok(server)
}

/// Where a Vault node is put.
pub(super) struct Place<'a> {
    pub(super) server: Server,
    /// What unseals it, if it is not key shares.
    pub(super) seal: Option<vault_launch::Transit>,
    /// Its name in a cluster.
    pub(super) name: Option<Node>,
    pub(super) folder: &'a Path,
    pub(super) data: &'a Path,
    pub(super) ports: [Port; 2],
    /// Where its peers reach it; its own port when left out.
    pub(super) door: Option<SocketAddr>,
    pub(super) api: String,
    /// The folder of the plugins that it may start.
    pub(super) plugins: Option<&'a Path>,
    /// Whether audit devices will be enabled.
    pub(super) audited: bool,
    /// What stands in its configuration beside leaseproof's own.
    pub(super) more: &'a serde_json::Map<String, serde_json::Value>,
}

impl<'a> Place<'a> {
    /// The place of a node that stands alone, with key shares and nothing special.
    pub(super) fn alone(
        server: Server,
        folder: &'a Path,
        data: &'a Path,
        ports: [Port; 2],
        api: String,
        more: &'a serde_json::Map<String, serde_json::Value>,
    ) -> Self {
        Self {
            server,
            seal: None,
            name: None,
            folder,
            data,
            ports,
            door: None,
            api,
            plugins: None,
            audited: false,
            more,
        }
    }

    /// A node there, ready to be started; without a link yet.
    pub(super) fn node(
        self,
        program: &Found,
        storage: Storage,
        owner: Owner,
        history: &History,
    ) -> Result<VaultNode, UpError> {
        let [listen, cluster] = &self.ports;
        let (listen, cluster) = (listen.address(), cluster.address());
        let settings = vault_launch::Launch {
            storage,
            data: self.data,
            listen: listen.to_string(),
            node_id: self.name.map_or_else(|| "one".to_owned(), |name| name.to_string()),
            cluster: cluster.to_string(),
            clustered: self.name.is_some(),
            peers: self.door.unwrap_or(cluster).to_string(),
            api: self.api,
            seal: self.seal,
            hashicorp: program.product == Product::Vault,
            plugins: self.plugins,
            audited: self.audited,
            more: self.more,
        };
        let file = self.folder.join("vault.json");
        write_private(&file, &settings.configuration(), None)?;
        let launch = Launch::new("vault", &program.program, self.folder)
            .arg("server")
            .arg(format!("-config={}", file.display()))
            .env("HOME", self.folder.display().to_string())
            .env("GOGC", GARBAGE)
            .env("GOMEMLIMIT", MEMORY)
            .owned_by(owner);
        let direct = http(listen, history)?;
        let machine = Machine::new(self.server, Process::new(launch), history.clone()).keeping(self.ports);
        Ok(VaultNode {
            machine: match self.name {
                Some(name) => machine.of_node(name),
                None => machine,
            },
            name: self.name.unwrap_or(Node::Vault1),
            api_of_peers: None,
            data: self.data.to_owned(),
            linked: direct.clone(),
            direct,
            has_moved: AtomicBool::new(false),
        })
    }
}

pub(in crate::provider) fn http(address: SocketAddr, history: &History) -> Result<Vault, UpError> {
    Vault::new(&address.to_string(), *history.clock()).map_err(|e| UpError::Machine(e.to_string()))
}

/// What follows on a server's data, in a run that goes through an upgrade.
pub(in crate::provider) fn next_of(
    programs: &Programs,
    fresh: Option<&Template>,
    peers: Option<String>,
) -> Mutex<Option<Next>> {
    let next = programs.next.as_ref();
    let present = &programs.vault;
    let back = fresh.filter(|_| programs.rolls_back).map(|fresh| Back {
        program: present.program.clone(),
        product: name_of(present),
        fresh: fresh.clone(),
        peers,
    });
    Mutex::new(next.map(|next| Next { program: next.program.clone(), product: name_of(next), back }))
}

/// `OpenBao 2.7.2`.
pub fn name_of(program: &Found) -> String {
    format!("{} {}", program.product, program.version)
}

pub(super) fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|e| UpError::Machine(e.to_string()))
}
