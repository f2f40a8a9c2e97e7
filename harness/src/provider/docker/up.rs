//! A stack of containers: a network, links at its gateway, servers, in as little time as they need.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::OnceCell;

use super::container::{Addresses, Blueprint, Container};
use super::disk::Disks;
use super::engine::{Engine, EngineError};
use super::image::{ImageError, Images};
use super::mark::Mark;
use super::network::Network;
use super::vault::Extras;
use crate::history::History;
use crate::link::Link;
use crate::provider::native::aws;
use crate::provider::native::cache::Cache;
use crate::provider::native::estate::{Estate, EstateError};
use crate::provider::native::fetch::Progress;
use crate::provider::native::find::Found;
use crate::provider::native::ledger::Owner;
use crate::provider::native::lines::Lines;
use crate::provider::native::part::Part;
use crate::provider::native::port::Port;
use crate::provider::{Programs, UpError};
use crate::scenario::file::{Endpoint, Seal, Server};
use crate::scenario::{Dbms, Scenario};
use crate::stack::audit::AuditDevice;
use crate::stack::{DatabaseServer, Links, Machine, Plugin, Stack};

/// The folder of our own files in a container.
pub(super) const FILES: &str = "/leaseproof";

/// Starts stacks as containers; all of them belong to one run's estate.
#[derive(Debug)]
pub struct Docker {
    pub(super) engine: Engine,
    estate: Estate,
    mark: Mark,
    images: Images,
    /// The image of each part that was provided.
    provided: Mutex<BTreeMap<String, String>>,
    made: AtomicU32,
    /// The AWS engine of the run, once a scenario has wanted it.
    plugin: OnceCell<Plugin>,
    pub(super) cache: Cache,
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
    /// Starts stacks on this engine, as belonging to this estate; data that is initialised once is kept in the cache.
    pub fn new(engine: Engine, estate: Estate, images: Images, cache: Cache) -> Self {
        let mark = Mark::new(estate.path());
        Self {
            engine,
            estate,
            mark,
            images,
            provided: Mutex::default(),
            made: AtomicU32::new(0),
            plugin: OnceCell::new(),
            cache,
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
            let (addresses, lines) = (Addresses::default(), Lines::InProcess { seed });
            let mut place = Place { docker: self, network, addresses, labels, folder, prefix, lines, history };
            if let Some(program) = &programs.toxiproxy {
                place.lines = place.over_toxiproxy(program, seed, scenario.links_read()).await?;
            }
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
        let Stack { vault, transit, postgres, mysql, aws, audit, disk, links, toxiproxy } = stack;
        let vaults = [Some(&vault), transit.as_ref()].into_iter().flatten();
        let nodes = vaults.flat_map(|server| &server.nodes).map(|node| &node.machine);
        let databases = [&postgres, &mysql].into_iter().flatten().map(|server| &server.machine);
        let machines = nodes.chain(databases).chain(aws.as_ref().map(|aws| &aws.machine));
        let gone = join_all(machines.map(Machine::remove)).await;
        drop(links);
        for disk in audit.iter().flat_map(AuditDevice::disks).chain(&disk) {
            disk.remove().await.map_err(broken)?;
        }
        if let Some(toxiproxy) = &toxiproxy {
            toxiproxy.body.remove().await?;
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
    pub(super) docker: &'a Docker,
    pub(super) network: Network,
    pub(super) addresses: Addresses,
    pub(super) labels: Vec<(String, String)>,
    pub(super) folder: PathBuf,
    prefix: String,
    pub(super) lines: Lines,
    pub(super) history: &'a History,
}

impl Place<'_> {
    async fn stack(self, programs: &Programs, scenario: &Scenario) -> Result<Stack, UpError> {
        let plugin = match (&scenario.aws, &programs.aws_plugin) {
            (Some(_), Some(found)) => Some(self.docker.plugin.get_or_try_init(|| aws::plugin(found)).await?.clone()),
            _ => None,
        };
        let Disks { volumes, data, audit, disk } = self.disks(programs, &scenario.stack).await?;
        let vault = async {
            let sealer = match scenario.stack.seal {
                Seal::Shamir => None,
                Seal::Transit => Some(self.sealer(&programs.vault).await?),
            };
            let seal = sealer.as_ref().map(|sealer| sealer.seal.clone());
            Ok::<_, UpError>((
                self.vault(programs, &scenario.stack, Extras { seal, plugin, volumes, data }).await?,
                sealer,
            ))
        };
        // All to their end, also when one fails: what is just being made could not be removed.
        let (vault, postgres, mysql, aws) = tokio::join!(
            Box::pin(vault),
            self.database_of(Dbms::Postgres, programs, scenario),
            self.database_of(Dbms::Mysql, programs, scenario),
            self.aws(programs, scenario),
        );
        let ((vault, vault_links), sealer) = vault?;
        let mut links = Links::default();
        for (from, to, link) in vault_links {
            links.insert(from, to, link);
        }
        let transit = sealer.map(|sealer| {
            links.insert(Endpoint::Vault, Endpoint::Transit, sealer.link);
            sealer.server
        });
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

    /// A container that is not there yet, as a server; `ports` are those of this machine that lead to it.
    pub(super) fn machine(&self, server: Server, blueprint: Blueprint, ports: Vec<Port>) -> Machine {
        Machine::new(server, self.container(blueprint), self.history.clone()).keeping(ports)
    }

    pub(super) fn container(&self, blueprint: Blueprint) -> Container {
        let log = self.folder.join(format!("{}.log", blueprint.name));
        Container::new(self.docker.engine.clone(), blueprint, log, self.addresses.clone())
    }

    /// What a container of the scenario is called for all of the engine.
    pub(super) fn called(&self, name: &dyn std::fmt::Display) -> String {
        format!("{}-{name}", self.prefix)
    }

    /// What a container is made of; `name` is its own among those of the scenario, and `ports` pairs a port of this machine
    /// with one of the container.
    pub(super) fn blueprint(
        &self,
        name: &dyn std::fmt::Display,
        program: &Found,
        ports: Vec<(u16, u16)>,
    ) -> Result<Blueprint, UpError> {
        Ok(Blueprint {
            name: self.called(name),
            image: self.docker.image_of(&program.part)?,
            network: self.network.name.clone(),
            labels: self.labels.clone(),
            program: Some(program.program.display().to_string()),
            arguments: Vec::new(),
            user: None,
            environment: Vec::new(),
            files: Vec::new(),
            programs: Vec::new(),
            data: None,
            volumes: Vec::new(),
            ports,
        })
    }

    /// A link: to what only the harness's own clients reach on loopback, for containers on this machine's address on their
    /// network, and nowhere else. Vault is reached there by clients too: what it calls its own address others are told, and
    /// ask there, as itself does for the keys of its own JWTs.
    pub(super) async fn link(
        &self,
        from: Endpoint,
        to: Endpoint,
        nth: u64,
        upstream: SocketAddr,
    ) -> Result<Link, UpError> {
        let of_clients =
            from == Endpoint::Clients && matches!(to, Endpoint::Postgres | Endpoint::Mysql | Endpoint::Aws);
        let listen = if of_clients { Ipv4Addr::LOCALHOST.into() } else { self.network.gateway };
        self.lines.lay_at(listen, from, to, nth, upstream).await
    }
}

pub(super) fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|e| UpError::Machine(e.to_string()))
}

pub(super) fn broken(error: impl std::fmt::Display) -> UpError {
    UpError::Machine(error.to_string())
}
