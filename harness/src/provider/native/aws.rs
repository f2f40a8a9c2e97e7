//! What stands in for AWS as a process of this machine, and the AWS engine as a plugin.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::find::Found;
use super::launch::Launch;
use super::process::Process;
use super::up::{Native, any_port, broken, claim, name_of};
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::Proxy;
use crate::provider::{Programs, UpError};
use crate::scenario::Scenario;
use crate::scenario::file::Server;
use crate::secret::Secret;
use crate::service::aws::{Aws, Key, launch};
use crate::stack::{AwsServer, Machine, Plugin, StackError};

impl Native {
    /// The server with the links from Vault and from the clients, if the scenario has one.
    pub(super) async fn aws(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        seed: u64,
        history: &History,
    ) -> Result<Option<(AwsServer, Proxy, Proxy)>, UpError> {
        let Some(product) = scenario.stack.aws else { return Ok(None) };
        let program = programs.aws.as_ref();
        let program = program.ok_or_else(|| UpError::Machine(format!("no {product} was found for this scenario")))?;
        let folder = self.folder_for(name, "aws", None)?;
        let port = claim()?;
        let start = |seed| Proxy::start(any_port(), port.address(), seed);
        let from_vault = start(seed.wrapping_add(3)).await.map_err(StackError::from)?;
        let from_clients = start(seed.wrapping_add(4)).await.map_err(StackError::from)?;
        let mut launch = Launch::new("aws", &program.program, &folder)
            .args(launch::arguments(product, port.number()))
            .owned_by(self.estate.owner());
        for (name, value) in launch::environment(product, port.number(), &folder) {
            launch = launch.env(name, value);
        }
        let direct = way(&port.address().to_string(), history)?;
        let linked = way(&from_clients.address().to_string(), history)?;
        let machine = Machine::new(Server::Aws, Process::new(launch), history.clone()).keeping([port]);
        let nobody = || Key { id: String::new(), secret: Secret::new(""), session_token: None };
        let mut server =
            AwsServer { machine, direct, linked, product, admin: nobody(), root: nobody(), application: String::new() };
        server.machine.start().await?;
        server.until_answering().await?;
        let prepared = launch::prepare(&server.direct, product, history.secrets()).await;
        let prepared = prepared.map_err(|why| UpError::Machine(format!("{product} would not be prepared: {why}")))?;
        server.admin = prepared.admin;
        server.root = prepared.root;
        server.application = prepared.application;
        history.note(Actor::Harness, Event::Running { server: Server::Aws, product: name_of(program) });
        Ok(Some((server, from_vault, from_clients)))
    }
}

fn way(address: &str, history: &History) -> Result<Aws, UpError> {
    Aws::new(address, *history.clock()).map_err(|e| UpError::Machine(e.to_string()))
}

/// The plugin with the digest by which a server knows it.
pub(super) async fn plugin(found: &Found) -> Result<Plugin, UpError> {
    let product = name_of(found);
    let program = found.program.clone();
    let read = tokio::task::spawn_blocking(move || {
        // The server takes no folder that a link leads to.
        let program = program.canonicalize().map_err(|e| broken("find", &program, &e))?;
        let bytes = std::fs::read(&program).map_err(|e| broken("read", &program, &e))?;
        let sha256 = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let folder = program.parent().map(Path::to_owned).unwrap_or_default();
        let command = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Plugin { folder, command, sha256, product })
    });
    read.await.map_err(|e| UpError::Machine(e.to_string()))?
}
