//! A running stack: the servers of one scenario, the links between them, and what is needed to look at them from outside.

use std::time::Duration;

use crate::link::LinkError;
use crate::provider::docker::container::ContainerError;
use crate::provider::native::port;
use crate::provider::native::process::ProcessError;
use crate::scenario::Dbms;
use crate::scenario::file::Server;

/// How long a server may take to come up, or back, before the environment is called broken. Far more than any needs.
const UP: Duration = Duration::from_secs(60);

pub mod audit;
pub(crate) mod aws;
mod database;
pub mod disk;
mod links;
mod machine;
mod vault;

pub use aws::AwsServer;
pub use database::DatabaseServer;
pub use links::{Links, ToxiproxyServer};
pub use machine::{Body, Machine};
pub(crate) use vault::STANDBY;
pub use vault::{Back, Next, Plugin, VaultNode, VaultServer};

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
    pub disk: Option<disk::Disk>,
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

/// What to do about what a server said last.
fn advice(log: &str) -> &'static str {
    if log.to_lowercase().contains("no space left on device") {
        "\nits disk is full: make room where the run's folder lies (LEASEPROOF_HOME names another place), or in the Docker engine, \
         where `docker system df` shows what fills it"
    } else {
        ""
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
    /// Its disk.
    #[error("a server's disk: {0}")]
    Disk(std::io::Error),
    /// A link.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// It is no container.
    #[error("{0} is a process of this machine, which has no network of its own to be taken off")]
    NoNetwork(Server),
    /// It ended.
    #[error("{server} ended while it was starting: {how}\n{log}{}", advice(.log))]
    Ended {
        /// Which.
        server: Server,
        /// Its exit status.
        how: String,
        /// The last lines of its log.
        log: String,
    },
    /// It ended, since something else listens where it is to.
    #[error("{server} ended while it was starting: {how}; it is to listen on port {port}{}\n{log}", port::TAKEN)]
    PortTaken {
        /// Which.
        server: Server,
        /// Its port.
        port: u16,
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
    /// It refused what must be in it before Vault comes.
    #[error("{server} would not be prepared: {why}")]
    Unprepared {
        /// Which.
        server: Server,
        /// What it answered.
        why: String,
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
