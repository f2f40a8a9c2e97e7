//! Where servers come from: processes on this machine, or containers of a Docker engine.

pub mod docker;
pub mod native;
pub mod on_demand;
pub mod site;

use std::path::Path;

use crate::history::History;
use crate::scenario::{self, Dbms, Scenario};
use crate::stack::{Stack, StackError};

/// A stack that could not be brought up: the environment is broken, and no promise is judged.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// A server or a link.
    #[error(transparent)]
    Stack(#[from] StackError),
    /// Something on this machine.
    #[error("{0}")]
    Machine(String),
}

/// The programs that one scenario runs on.
#[derive(Debug, Clone)]
pub struct Programs {
    /// The secrets server.
    pub vault: native::find::Found,
    /// What follows on its data, in a run that goes through an upgrade.
    pub next: Option<native::find::Found>,
    /// Whether what ran before comes back after that, from a snapshot.
    pub rolls_back: bool,
    /// PostgreSQL.
    pub postgres: Option<native::find::Found>,
    /// MySQL or MariaDB.
    pub mysql: Option<native::find::Found>,
    /// What stands in for AWS.
    pub aws: Option<native::find::Found>,
    /// The AWS engine as a plugin, for a secrets server that has none.
    pub aws_plugin: Option<native::find::Found>,
    /// The program that agents are, where that is not the secrets server's own.
    pub agent: Option<native::find::Found>,
    /// The Toxiproxy server that the links are to be on; `None`: they are in this process.
    pub toxiproxy: Option<native::find::Found>,
}

impl Programs {
    /// A secrets server, and nothing beside it yet.
    pub fn of(vault: native::find::Found) -> Self {
        Self {
            vault,
            next: None,
            rolls_back: false,
            postgres: None,
            mysql: None,
            aws: None,
            aws_plugin: None,
            agent: None,
            toxiproxy: None,
        }
    }

    /// A database server's program, if there is one.
    pub fn database(&self, dbms: Dbms) -> Option<&native::find::Found> {
        match dbms {
            Dbms::Postgres => self.postgres.as_ref(),
            Dbms::Mysql => self.mysql.as_ref(),
        }
    }
}

/// What starts stacks.
#[derive(Debug)]
pub enum Provider {
    /// Processes on this machine.
    Native(native::Native),
    /// Containers.
    Docker(docker::Docker),
}

impl Provider {
    /// What a stack wants that cannot be had here, if it does.
    pub fn lacks(&self, wanted: &scenario::Stack) -> Option<&'static str> {
        match self {
            Self::Native(_) => native::Native::lacks(wanted),
            Self::Docker(_) => None,
        }
    }

    /// Brings up the servers of a scenario and the links between them: started, initialised, unsealed, and empty.
    pub async fn up(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<Stack, UpError> {
        match self {
            Self::Native(native) => Box::pin(native.up(programs, scenario, name, seed, history)).await,
            Self::Docker(docker) => Box::pin(docker.up(programs, scenario, name, seed, history)).await,
        }
    }

    /// Whose processes those of a run are.
    pub fn owner(&self) -> native::ledger::Owner {
        match self {
            Self::Native(native) => native.owner(),
            Self::Docker(docker) => docker.owner(),
        }
    }

    /// The run's folder, which goes when the run ends.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Native(native) => native.folder(),
            Self::Docker(docker) => docker.folder(),
        }
    }

    /// Ends whatever is left of the run.
    pub async fn close(self) -> Result<(), UpError> {
        match self {
            Self::Native(native) => native.close().await,
            Self::Docker(docker) => docker.close().await,
        }
    }

    /// Ends the servers of a stack and removes their data.
    pub async fn down(&self, stack: Stack, name: &str) -> Result<(), UpError> {
        match self {
            Self::Native(native) => Box::pin(native.down(stack, name)).await,
            Self::Docker(docker) => Box::pin(docker.down(stack, name)).await,
        }
    }
}
