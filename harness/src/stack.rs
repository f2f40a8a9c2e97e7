//! A running stack: the servers of one scenario, the links between them, and what is needed to look at them from outside.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::event::{Actor, Event, ServerState};
use crate::history::History;
use crate::link::{Link, LinkError};
use crate::outcome::Outcome;
use crate::provider::docker::container::{Container, ContainerError};
use crate::provider::native::disk::Disk;
use crate::provider::native::port::Port;
use crate::provider::native::process::{Process, ProcessError};
use crate::scenario::Dbms;
use crate::scenario::file::{AwsProduct, Endpoint, Node, RootKind, Server};
use crate::secret::Secret;
use crate::service::aws::gate::Gate;
use crate::service::aws::{Aws, Key, launch as aws_launch};
use crate::service::database::{Database, Login};
use crate::time::{Interval, Moment};
use crate::wait::Looks;

/// How long a server may take to come up, or back, before the environment is called broken. Far more than any needs.
const UP: Duration = Duration::from_secs(60);
/// How long a server may take to stop in good order before it is killed.
const GRACE: Duration = Duration::from_secs(20);

pub mod audit;
mod vault;

pub use vault::{Next, Plugin, VaultNode, VaultServer};

/// A stack that is up.
#[derive(Debug)]
pub struct Stack {
    /// The secrets server.
    pub vault: VaultServer,
    /// The Vault that unseals the secrets server, if the scenario has it.
    pub transit: Option<VaultServer>,
    /// PostgreSQL, if the scenario has it.
    pub postgres: Option<DatabaseServer>,
    /// MySQL, if the scenario has it.
    pub mysql: Option<DatabaseServer>,
    /// What stands in for AWS, if the scenario has it.
    pub aws: Option<AwsServer>,
    /// The audit devices of the secrets server.
    pub audit: Vec<audit::AuditDevice>,
    /// The disk of its own that the secrets server's data lies on.
    pub disk: Option<Disk>,
    /// The links.
    pub links: Links,
    /// The Toxiproxy server that the links are on, if they are on one. It has no name in scenarios: nothing but the links
    /// is to break with it.
    pub toxiproxy: Option<ToxiproxyServer>,
}

impl Stack {
    /// The Vault that a scenario names so.
    pub fn vault_of(&self, server: Server) -> Option<&VaultServer> {
        match server {
            Server::Vault => Some(&self.vault),
            Server::Transit => self.transit.as_ref(),
            Server::Postgres | Server::Mysql | Server::Aws => None,
        }
    }

    /// A database server, if the scenario has it.
    pub fn database(&self, dbms: Dbms) -> Option<&DatabaseServer> {
        match dbms {
            Dbms::Postgres => self.postgres.as_ref(),
            Dbms::Mysql => self.mysql.as_ref(),
        }
    }

    /// The database servers.
    pub fn databases(&self) -> impl Iterator<Item = &DatabaseServer> {
        Dbms::ALL.into_iter().filter_map(|dbms| self.database(dbms))
    }
}

/// A server that did not do what it must, without any fault.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Its process.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// Its container.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// A link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It ended.
    #[error("{server} ended while it was starting: {how}\n{log}")]
    Ended {
        /// Which.
        server: Server,
        /// Its exit status.
        how: String,
        /// The last lines of its log.
        log: String,
    },
    /// It did not answer in time.
    #[error("{server} did not answer as it must within {} s: {last}\n{log}", limit.as_secs())]
    Silent {
        /// Which.
        server: Server,
        /// How long was waited.
        limit: Duration,
        /// The last answer.
        last: String,
        /// The last lines of its log.
        log: String,
    },
    /// Vault refused what must work.
    #[error("vault refused {what}: {why}")]
    Vault {
        /// What was asked.
        what: &'static str,
        /// What it answered.
        why: String,
    },
}

/// What a server runs as.
#[derive(Debug)]
pub enum Body {
    /// A process of this machine.
    Process(Arc<Process>),
    /// A container.
    Container(Box<Container>),
}

impl From<Process> for Body {
    fn from(process: Process) -> Self {
        Self::Process(Arc::new(process))
    }
}

impl From<Container> for Body {
    fn from(container: Container) -> Self {
        Self::Container(Box::new(container))
    }
}

/// A server's process or container, and where it writes its log.
#[derive(Debug)]
pub struct Machine {
    server: Server,
    /// Which node of a cluster it is.
    node: Option<Node>,
    body: Body,
    history: History,
    /// Its ports, which stay its own while it is down.
    ports: Vec<Port>,
}

impl Machine {
    /// Keeps a process or container as a server of the stack.
    pub fn new(server: Server, body: impl Into<Body>, history: History) -> Self {
        Self { server, node: None, body: body.into(), history, ports: Vec::new() }
    }

    /// Keeps it as a node of a cluster.
    #[must_use]
    pub fn of_node(mut self, node: Node) -> Self {
        self.node = Some(node);
        self
    }

    /// Keeps these ports for it as long as the stack lives.
    #[must_use]
    pub fn keeping(mut self, ports: impl IntoIterator<Item = Port>) -> Self {
        self.ports.extend(ports);
        self
    }

    /// Starts it; returns as soon as it runs, before it answers.
    pub async fn start(&self) -> Result<(), StackError> {
        match &self.body {
            Body::Process(process) => process.start().await?,
            Body::Container(container) => container.start().await?,
        }
        Ok(())
    }

    /// Stops it in good order.
    pub async fn stop(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => drop(process.stop(GRACE).await?),
            Body::Container(container) => container.stop(GRACE).await?,
        }
        self.changed(sent, ServerState::Stopped);
        Ok(())
    }

    /// Kills it; returns when it is gone.
    pub async fn kill(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => drop(process.kill().await?),
            Body::Container(container) => container.kill().await?,
        }
        self.changed(sent, ServerState::Killed);
        Ok(())
    }

    /// Makes it hang; returns when all of it does.
    pub async fn pause(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => process.pause().await?,
            Body::Container(container) => container.pause().await?,
        }
        self.changed(sent, ServerState::Paused);
        Ok(())
    }

    /// Lets it go on.
    pub async fn resume(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => process.resume().await?,
            Body::Container(container) => container.resume().await?,
        }
        self.changed(sent, ServerState::Resumed);
        Ok(())
    }

    /// Its process, if it is one of this machine.
    pub fn process(&self) -> Option<Arc<Process>> {
        match &self.body {
            Body::Process(process) => Some(Arc::clone(process)),
            Body::Container(_) => None,
        }
    }

    /// Ends it for good. A container goes with all that it stored; a process's folder is its provider's to remove.
    pub async fn remove(&self) -> Result<(), StackError> {
        match &self.body {
            Body::Process(_) => self.kill().await,
            Body::Container(container) => {
                let sent = self.history.now();
                container.remove().await?;
                self.changed(sent, ServerState::Killed);
                Ok(())
            }
        }
    }

    /// The file with its log up to now.
    pub async fn log(&self) -> PathBuf {
        match &self.body {
            Body::Process(process) => process.log().to_owned(),
            Body::Container(container) => {
                container.take_log().await;
                container.log().to_owned()
            }
        }
    }

    /// The last lines of its log, cleaned of secrets.
    pub async fn last_log_lines(&self) -> String {
        let text = std::fs::read(self.log().await).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        self.history.secrets().redact(&tail.join("\n"))
    }

    /// Waits until `look` sees what it wants; an exit meanwhile ends the wait.
    async fn until_up<F>(&self, mut look: impl FnMut() -> F + Send) -> Result<(), StackError>
    where
        F: Future<Output = Result<(), String>> + Send,
    {
        let sent = self.history.now();
        let looking = async {
            let mut looks = Looks::within(UP);
            let mut last = String::new();
            while looks.again().await {
                match look().await {
                    Ok(()) => return Ok(()),
                    Err(seen) => last = seen,
                }
            }
            Err(last)
        };
        let seen = tokio::select! {
            seen = looking => seen,
            how = self.exited() => {
                self.changed(sent, ServerState::Exited(how.clone()));
                return Err(StackError::Ended { server: self.server, how, log: self.last_log_lines().await });
            }
        };
        if let Err(last) = seen {
            return Err(StackError::Silent { server: self.server, limit: UP, last, log: self.last_log_lines().await });
        }
        self.changed(sent, ServerState::Ready);
        Ok(())
    }

    /// Waits until it does not run, and says how it ended.
    async fn exited(&self) -> String {
        match &self.body {
            Body::Process(process) => process.exited().await.map_or_else(|e| e.to_string(), |exit| exit.to_string()),
            Body::Container(container) => container.exited().await.unwrap_or_else(|e| e.to_string()),
        }
    }

    fn changed(&self, sent: Moment, state: ServerState) {
        let at = Interval::new(sent, self.history.now());
        self.history.write(at, Actor::Harness, None, Event::Server { server: self.server, node: self.node, state });
    }
}

/// A database server.
#[derive(Debug)]
pub struct DatabaseServer {
    /// Its process.
    pub machine: Machine,
    /// A way to it that no link fault touches.
    pub direct: Database,
    /// A way to it over the clients' link.
    pub linked: Database,
    /// The harness's own superuser.
    pub admin: Login,
    /// What Vault's own user is.
    pub root: RootKind,
    /// The password that Vault's own user was given last by the harness; Vault may have rotated it since.
    pub root_password: Mutex<Secret>,
    /// `PostgreSQL 15.18`.
    pub product: String,
}

impl DatabaseServer {
    /// Which server it is.
    pub fn dbms(&self) -> Dbms {
        self.direct.dbms()
    }

    /// Waits until it lets its superuser in.
    pub async fn until_ready(&self) -> Result<(), StackError> {
        let look = move || async move {
            match self.direct.login(&self.admin).await.outcome {
                Outcome::Ok(()) => Ok(()),
                no => Err(no.to_string()),
            }
        };
        self.machine.until_up(look).await
    }

    /// Starts it again after it ended.
    pub async fn start_again(&self) -> Result<(), StackError> {
        self.machine.start().await?;
        self.until_ready().await
    }

    /// The password that Vault's own user was given last by the harness.
    pub fn root_password(&self) -> Secret {
        self.root_password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that Vault's own user was given another password.
    pub fn set_root_password(&self, password: Secret) {
        *self.root_password.lock().unwrap_or_else(PoisonError::into_inner) = password;
    }
}

/// What stands in for AWS.
#[derive(Debug)]
pub struct AwsServer {
    /// Its process.
    pub machine: Machine,
    /// A way to it that no link fault touches.
    pub direct: Aws,
    /// A way to it over the clients' link.
    pub linked: Aws,
    /// What it is.
    pub product: AwsProduct,
    /// The harness's own key, which may do everything.
    pub admin: Key,
    /// The key that Vault was given first; Vault may have rotated it since.
    pub root: Key,
    /// The ARN of the IAM role that assumed roles lead to.
    pub application: String,
    /// What stands between the links and it, and can answer in its place: on Vault's link, and on the clients'.
    pub gates: [Gate; 2],
}

impl AwsServer {
    /// The gate on the link from there.
    pub fn gate(&self, from: Endpoint) -> &Gate {
        let [of_vault, of_clients] = &self.gates;
        if from == Endpoint::Vault { of_vault } else { of_clients }
    }

    /// Waits until its process answers; nothing need be in it yet.
    pub async fn until_answering(&self) -> Result<(), StackError> {
        let path = aws_launch::health(self.product);
        self.machine.until_up(|| self.direct.answers(path)).await
    }

    /// Waits until it lets the harness in.
    pub async fn until_ready(&self) -> Result<(), StackError> {
        let look = move || async move {
            match self.direct.login(&self.admin).await.outcome {
                Outcome::Ok(()) => Ok(()),
                no => Err(no.to_string()),
            }
        };
        self.machine.until_up(look).await
    }
}

/// The Toxiproxy server that a stack's links are on.
#[derive(Debug)]
pub struct ToxiproxyServer {
    /// Its process.
    pub process: Process,
    /// The ports of its API and of the links, which stay theirs while a link is down.
    pub ports: Vec<Port>,
}

/// The links of a stack, by their ends.
#[derive(Default)]
pub struct Links(BTreeMap<(Endpoint, Endpoint), Link>);

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Links {
    /// Adds a link.
    pub fn insert(&mut self, from: Endpoint, to: Endpoint, link: Link) {
        self.0.insert((from, to), link);
    }

    /// The link between two ends.
    pub fn get(&self, from: Endpoint, to: Endpoint) -> Option<&Link> {
        self.0.get(&(from, to))
    }

    /// Lets every link listen again, for the case that the healing of a fault which closed one failed.
    pub async fn enable_all(&self) {
        for link in self.0.values() {
            // A link that cannot listen again is seen by the recovery that follows.
            let _ = link.enable().await;
        }
    }
}
