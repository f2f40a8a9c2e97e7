//! What stands in for AWS as a process of this machine, and the AWS engine as a plugin.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::find::Found;
use super::launch::Launch;
use super::lines::Lines;
use super::private::broken;
use super::process::Process;
use super::up::{Native, claim, name_of};
use crate::history::History;
use crate::link::Link;
use crate::provider::{Programs, UpError};
use crate::scenario::Scenario;
use crate::scenario::file::{Endpoint, Server};
use crate::service::aws::gate::Gate;
use crate::service::aws::{Aws, launch};
use crate::stack::aws::Ways;
use crate::stack::{AwsServer, Machine, Plugin};

impl Native {
    /// The server with the links from Vault and from the clients, if the scenario has one.
    pub(super) async fn aws(
        &self,
        programs: &Programs,
        scenario: &Scenario,
        name: &str,
        lines: &Lines,
        history: &History,
    ) -> Result<Option<(AwsServer, Link, Link)>, UpError> {
        let Some(product) = scenario.stack.aws else { return Ok(None) };
        let program = programs.aws.as_ref();
        let program = program.ok_or_else(|| UpError::Machine(format!("no {product} was found for this scenario")))?;
        let folder = self.folder_for(name, "aws", None)?;
        let port = claim()?;
        let gates = [gate(port.address()).await?, gate(port.address()).await?];
        let from_vault = lines.lay(Endpoint::Vault, Endpoint::Aws, 5, gates[0].address()).await?;
        let from_clients = lines.lay(Endpoint::Clients, Endpoint::Aws, 6, gates[1].address()).await?;
        let mut launch = Launch::new("aws", &program.program, &folder)
            .args(launch::arguments(product, port.number()))
            .owned_by(self.estate.owner());
        for (name, value) in launch::environment(product, port.number(), &folder) {
            launch = launch.env(name, value);
        }
        let ways = Ways {
            direct: way(&port.address().to_string(), history)?,
            linked: way(&from_clients.address().to_string(), history)?,
            gates,
        };
        let machine = Machine::new(Server::Aws, Process::new(launch), history.clone()).keeping([port]);
        let server = AwsServer::start(machine, product, ways, name_of(program), history).await?;
        Ok(Some((server, from_vault, from_clients)))
    }
}

pub(in crate::provider) async fn gate(upstream: SocketAddr) -> Result<Gate, UpError> {
    Gate::open(upstream).await.map_err(|e| UpError::Machine(format!("cannot open a gate before AWS: {e}")))
}

pub(in crate::provider) fn way(address: &str, history: &History) -> Result<Aws, UpError> {
    Aws::new(address, *history.clock()).map_err(|e| UpError::Machine(e.to_string()))
}

/// The plugin with the digest by which a server knows it.
pub(in crate::provider) async fn plugin(found: &Found) -> Result<Plugin, UpError> {
    let product = name_of(found);
    let program = found.program.clone();
    let read = tokio::task::spawn_blocking(move || {
        // The server takes no folder that a link leads to.
        let program = program.canonicalize().map_err(|e| broken("find", &program, &e))?;
        let folder = program.parent().map(Path::to_owned).unwrap_or_default();
        let command = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = digest(&program).map_err(|e| broken("read", &program, &e))?;
        Ok(Plugin { folder, command, sha256, product })
    });
    read.await.map_err(|e| UpError::Machine(e.to_string()))?
}

/// A file's SHA-256. Read in pieces: it is a program, and a machine has as many of them in memory as scenarios run at once.
fn digest(file: &Path) -> io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(file)?);
    let mut sha256 = Sha256::new();
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            break;
        }
        sha256.update(piece);
        let read = piece.len();
        reader.consume(read);
    }
    Ok(sha256.finalize().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")))
}
