//! A stack of containers: a network, links at its gateway, servers, in as little time as they need.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::aws::put_in;
use super::container::{Blueprint, Container};
use super::engine::{Engine, EngineError};
use super::image::{ImageError, Images};
use super::mark::Mark;
use super::network::Network;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::Link;
use crate::provider::native::aws;
use crate::provider::native::estate::{Estate, EstateError};
use crate::provider::native::fetch::Progress;
use crate::provider::native::find::Found;
use crate::provider::native::ledger::Owner;
use crate::provider::native::lines::Lines;
use crate::provider::native::name_of;
use crate::provider::native::part::{Part, Product};
use crate::provider::native::port::Port;
use crate::provider::native::vault_keys;
use crate::provider::{Programs, UpError};
use crate::scenario::file::{Endpoint, Node, Seal, Server};
use crate::scenario::{self, Dbms, Scenario};
use crate::secret::Secret;
use crate::service::vault::Vault;
use crate::service::vault::launch as vault_launch;
use crate::stack::{DatabaseServer, Links, Machine, Plugin, Stack, StackError, VaultNode, VaultServer};

/// Where Vault listens in its container.
const VAULT_PORT: u16 = 8200;
/// The folder of our own files in a container.
pub(super) const FILES: &str = "/leaseproof";

/// Starts stacks as containers; all of them belong to one run's estate.
#[derive(Debug)]
pub struct Docker {
    engine: Engine,
    estate: Estate,
    mark: Mark,
    images: Images,
    /// The image of each part that was provided.
    provided: Mutex<BTreeMap<String, String>>,
    made: AtomicU32,
    /// The AWS engine of the run, once a scenario has wanted it.
    plugin: OnceCell<Plugin>,
}

/// Why containers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DockerError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The run's folder.
    #[error(transparent)]
    Estate(#[from] EstateError),
}

impl Docker {
    /// Starts stacks on this engine, as belonging to this estate.
    pub fn new(engine: Engine, estate: Estate, images: Images) -> Self {
        let mark = Mark::new(estate.path());
        Self {
            engine,
            estate,
            mark,
            images,
            provided: Mutex::default(),
            made: AtomicU32::new(0),
            plugin: OnceCell::new(),
        }
    }

    /// The run's folder.
    pub fn folder(&self) -> &Path {
        self.estate.path()
    }

    /// Whose processes those of the run are: consumers, and a Toxiproxy server.
    pub fn owner(&self) -> Owner {
        self.estate.owner()
    }

    /// Gets the image of a part, and looks at what is in it.
    pub async fn provide(&self, part: &Part, on: &(dyn Fn(Progress) + Send + Sync)) -> Result<Found, ImageError> {
        let image = self.engine.image(part, &self.images, on).await?;
        let found = self.engine.examine(part, &image, &self.mark.labels()).await?;
        self.provided.lock().unwrap_or_else(PoisonError::into_inner).insert(part.to_string(), image);
        Ok(found)
    }

    /// Removes whatever is left of the run.
    pub async fn close(self) -> Result<(), UpError> {
        let removed = self.engine.remove_all(&self.mark, None).await;
        self.estate.close().await.map_err(|e| UpError::Machine(e.to_string()))?;
        removed.map_err(broken)
    }

    /// What a stack wants that no containers are made for, if it does.
    pub(crate) fn lacks(wanted: &scenario::Stack) -> Option<&'static str> {
        if wanted.nodes > 1 || wanted.seal == Seal::Transit {
            return Some(
                "clusters, and a Vault that unseals another, are processes of this machine so far: run with `--provider native`",
            );
        }
        (wanted.own_disk || !wanted.audit.is_empty()).then_some(
            "audit devices, and disks of one's own, are looked at on this machine so far: run with `--provider native`",
        )
    }

    pub(crate) async fn up(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<Stack, UpError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let prefix = format!("leaseproof-{}-{number}", self.mark.word());
        let folder = self.estate.folder(name, None).map_err(|e| UpError::Machine(e.to_string()))?;
        let labels = self.mark.labels_of(name);
        let up = async {
            let network = self.engine.network(&prefix, labels.clone()).await.map_err(broken)?;
            let lines = match &programs.toxiproxy {
                None => Lines::InProcess { seed },
                Some(program) => {
                    let read = scenario.links_read();
                    Lines::start(program, &folder, self.estate.owner(), seed, read, history).await?
                }
            };
            let place = Place { docker: self, network, labels, folder, prefix, lines, history };
            Box::pin(place.stack(programs, scenario)).await
        };
        let up = Box::pin(up).await;
        if up.is_err() {
            // The first error is the one that counts; what is still left goes with the run.
            let _ = self.remove(name).await;
        }
        up
    }

    pub(crate) async fn down(&self, stack: Stack, name: &str) -> Result<(), UpError> {
        // No scenario with a transit seal, audit devices or a disk of its own runs in containers: the suite skips it.
        let Stack { vault, transit: _, postgres, mysql, aws, audit: _, disk: _, links, toxiproxy } = stack;
        let databases = [&postgres, &mysql].into_iter().flatten().map(|server| &server.machine);
        let others = [&vault.nodes[0].machine].into_iter().chain(aws.as_ref().map(|aws| &aws.machine));
        let gone = join_all(databases.chain(others).map(Machine::remove)).await;
        drop(links);
        if let Some(toxiproxy) = &toxiproxy {
            toxiproxy.process.kill().await.map_err(StackError::from)?;
        }
        gone.into_iter().collect::<Result<(), _>>()?;
        self.remove(name).await
    }

    /// Removes everything of one scenario.
    async fn remove(&self, name: &str) -> Result<(), UpError> {
        self.engine.remove_all(&self.mark, Some(name)).await.map_err(broken)?;
        let folder = self.folder().join(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(UpError::Machine(format!("cannot remove {}: {error}", folder.display())))
            }
            _ => Ok(()),
        }
    }

    fn image_of(&self, part: &Part) -> Result<String, UpError> {
        let provided = self.provided.lock().unwrap_or_else(PoisonError::into_inner);
        let image = provided.get(&part.to_string()).cloned();
        image.ok_or_else(|| UpError::Machine(format!("no image of {part} was looked for before the run")))
    }
}

/// Where one scenario's containers are put.
pub(super) struct Place<'a> {
    docker: &'a Docker,
    network: Network,
    labels: Vec<(String, String)>,
    folder: PathBuf,
    prefix: String,
    lines: Lines,
    pub(super) history: &'a History,
}

impl Place<'_> {
    async fn stack(self, programs: &Programs, scenario: &Scenario) -> Result<Stack, UpError> {
        let plugin = match (&scenario.aws, &programs.aws_plugin) {
            (Some(_), Some(found)) => Some(self.docker.plugin.get_or_try_init(|| aws::plugin(found)).await?.clone()),
            _ => None,
        };
        // All to their end, also when one fails: what is just being made could not be removed.
        let (vault, postgres, mysql, aws) = tokio::join!(
            self.vault(&programs.vault, &scenario.stack, plugin),
            self.database_of(Dbms::Postgres, programs, scenario),
            self.database_of(Dbms::Mysql, programs, scenario),
            self.aws(programs, scenario),
        );
        let (vault, vault_link) = vault?;
        let mut links = Links::default();
        links.insert(Endpoint::Clients, Endpoint::Vault, vault_link);
        let mut laid = |to, from_vault, from_clients| {
            links.insert(Endpoint::Vault, to, from_vault);
            links.insert(Endpoint::Clients, to, from_clients);
        };
        let mut database = |made: Option<(DatabaseServer, Link, Link)>, dbms: Dbms| {
            made.map(|(server, from_vault, from_clients)| {
                laid(dbms.endpoint(), from_vault, from_clients);
                server
            })
        };
        let (postgres, mysql) = (database(postgres?, Dbms::Postgres), database(mysql?, Dbms::Mysql));
        let aws = aws?.map(|(server, from_vault, from_clients)| {
            laid(Endpoint::Aws, from_vault, from_clients);
            server
        });
        let toxiproxy = self.lines.into_server();
        let (transit, audit, disk) = (None, Vec::new(), None);
        Ok(Stack { vault, transit, postgres, mysql, aws, audit, disk, links, toxiproxy })
    }

    /// A database server with its links, if the scenario has it.
    async fn database_of(
        &self,
        dbms: Dbms,
        programs: &Programs,
        scenario: &Scenario,
    ) -> Result<Option<(DatabaseServer, Link, Link)>, UpError> {
        let wanted = match dbms {
            Dbms::Postgres => &scenario.stack.postgres,
            Dbms::Mysql => &scenario.stack.mysql,
        };
        let Some(wanted) = wanted else { return Ok(None) };
        let missing = || UpError::Machine(format!("no image of {dbms} was found for this scenario"));
        let program = programs.database(dbms).ok_or_else(missing)?;
        let root = scenario.database.as_ref().and_then(|engine| engine.connection_to(dbms));
        let root = root.map(|connection| connection.root).unwrap_or_default();
        Box::pin(self.database(dbms, program, wanted, root)).await.map(Some)
    }

    /// A container that is not there yet; `ports` pairs a port of this machine with one of the container.
    pub(super) fn machine(&self, server: Server, blueprint: Blueprint, ports: Vec<Port>) -> Machine {
        let log = self.folder.join(format!("{server}.log"));
        let container = Container::new(self.docker.engine.clone(), blueprint, log);
        Machine::new(server, container, self.history.clone()).keeping(ports)
    }

    pub(super) fn blueprint(
        &self,
        server: Server,
        program: &Found,
        ports: Vec<(u16, u16)>,
    ) -> Result<Blueprint, UpError> {
        Ok(Blueprint {
            name: format!("{}-{server}", self.prefix),
            image: self.docker.image_of(&program.part)?,
            network: self.network.name.clone(),
            labels: self.labels.clone(),
            program: Some(program.program.display().to_string()),
            arguments: Vec::new(),
            user: None,
            environment: Vec::new(),
            files: Vec::new(),
            programs: Vec::new(),
            ports,
        })
    }

    /// A link: for the harness's own clients on loopback, for containers on this machine's address on their network, and
    /// nowhere else.
    pub(super) async fn link(
        &self,
        from: Endpoint,
        to: Endpoint,
        nth: u64,
        upstream: SocketAddr,
    ) -> Result<Link, UpError> {
        let listen = if from == Endpoint::Clients { Ipv4Addr::LOCALHOST.into() } else { self.network.gateway };
        self.lines.lay_at(listen, from, to, nth, upstream).await
    }

    async fn vault(
        &self,
        program: &Found,
        wanted: &scenario::Stack,
        plugin: Option<Plugin>,
    ) -> Result<(VaultServer, Link), UpError> {
        if let Some(what) = Docker::lacks(wanted) {
            return Err(UpError::Machine(what.to_owned()));
        }
        let port = claim()?;
        let link = self.link(Endpoint::Clients, Endpoint::Vault, 0, port.address()).await?;
        let mut blueprint = self.blueprint(Server::Vault, program, vec![(port.number(), VAULT_PORT)])?;
        let plugin = plugin.map(|plugin| put_in(plugin, &mut blueprint));
        let data = match program.product {
            Product::Vault => "/vault/file",
            _ => "/openbao/file",
        };
        let settings = vault_launch::Launch {
            storage: wanted.storage,
            data: Path::new(data),
            listen: format!("0.0.0.0:{VAULT_PORT}"),
            node_id: "one".to_owned(),
            seal: None,
            cluster: format!("0.0.0.0:{}", VAULT_PORT + 1),
            clustered: false,
            peers: format!("{}:{}", blueprint.name, VAULT_PORT + 1),
            api: link.address().to_string(),
            hashicorp: program.product == Product::Vault,
            plugins: plugin.as_ref().map(|plugin| plugin.folder.as_path()),
            audited: !wanted.audit.is_empty(),
            more: &wanted.configuration,
        };
        let file = format!("{FILES}/vault.json");
        blueprint.arguments = vec!["server".to_owned(), format!("-config={file}")];
        blueprint.files = vec![(file, settings.configuration())];
        let direct = http(port.address(), self.history)?;
        let linked = http(link.address(), self.history)?;
        let node = VaultNode {
            name: Node::Vault1,
            machine: self.machine(Server::Vault, blueprint, vec![port]),
            data: PathBuf::from(data),
            direct: direct.clone(),
            linked: linked.clone(),
            has_moved: AtomicBool::new(false),
        };
        let mut server = VaultServer {
            nodes: vec![node],
            front: None,
            linked,
            direct,
            root_token: Secret::new(""),
            keys: Vec::new(),
            storage: wanted.storage,
            product: name_of(program),
            next: Mutex::default(),
            aws_plugin: plugin,
        };
        server.nodes[0].machine.start().await?;
        server.nodes[0].until_answering().await?;
        let keys = vault_keys::init(&server.direct, wanted.key_threshold, self.history.secrets()).await?;
        (server.keys, server.root_token) = (keys.unseal, keys.root);
        server.unseal().await?;
        server.until_active().await?;
        self.history.note(Actor::Harness, Event::Running { server: Server::Vault, product: server.product.clone() });
        Ok((server, link))
    }
}

fn http(address: SocketAddr, history: &History) -> Result<Vault, UpError> {
    Vault::new(&address.to_string(), *history.clock()).map_err(|e| UpError::Machine(e.to_string()))
}

pub(super) fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|e| UpError::Machine(e.to_string()))
}

fn broken(error: impl std::fmt::Display) -> UpError {
    UpError::Machine(error.to_string())
}
