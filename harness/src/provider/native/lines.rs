//! What lays a stack's links: proxies of this process, or a Toxiproxy server of the stack's own, which is started for it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::find::Found;
use super::launch::Launch;
use super::ledger::Owner;
use super::port::Port;
use super::process::Process;
use super::up::name_of;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::{Link, Proxy, Remote, Toxiproxy};
use crate::provider::UpError;
use crate::stack::{StackError, ToxiproxyServer};
use crate::wait::Looks;

/// How long the server may take to answer. It takes a few milliseconds.
const UP: Duration = Duration::from_secs(30);

/// Lays links until the stack is up.
pub(super) enum Lines {
    /// In this process; what is left to chance follows from the seed.
    InProcess {
        /// The plan's.
        seed: u64,
    },
    /// On a server of the stack's own.
    Toxiproxy {
        /// Its API.
        api: Toxiproxy,
        /// Its process.
        process: Process,
        /// The ports that it listens on.
        ports: Mutex<Vec<Port>>,
    },
}

impl Lines {
    /// Starts the Toxiproxy server, if the links are to be on one.
    pub(super) async fn start(
        program: Option<&Found>,
        folder: &Path,
        owner: Owner,
        seed: u64,
        history: &History,
    ) -> Result<Self, UpError> {
        let Some(program) = program else { return Ok(Self::InProcess { seed }) };
        let port = claim()?;
        let launch = Launch::new("toxiproxy", &program.program, folder)
            .args(["-host", &port.address().ip().to_string(), "-port", &port.number().to_string()])
            // Else it writes a line for each connection and request.
            .env("LOG_LEVEL", "warn")
            .owned_by(owner);
        let process = Process::new(launch);
        process.start().await.map_err(StackError::from)?;
        let api = Toxiproxy::at(port.address()).await.map_err(StackError::from)?;
        until_answering(&api, &process).await?;
        history.note(Actor::Harness, Event::Note(format!("the links are on {}", name_of(program))));
        Ok(Self::Toxiproxy { api, process, ports: Mutex::new(vec![port]) })
    }

    /// Lays a link: `name` is its alone in the stack, and `nth` sets its chance apart from the others'.
    pub(super) async fn lay(&self, name: &str, nth: u64, upstream: SocketAddr) -> Result<Link, UpError> {
        let link = match self {
            Self::InProcess { seed } => {
                let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let proxy = Proxy::start(any_port, upstream, seed.wrapping_add(nth)).await;
                Link::InProcess(proxy.map_err(StackError::from)?)
            }
            Self::Toxiproxy { api, ports, .. } => {
                let port = claim()?;
                let proxy = Remote::start(api, name, port.address(), upstream).await;
                ports.lock().unwrap_or_else(PoisonError::into_inner).push(port);
                Link::Toxiproxy(proxy.map_err(StackError::from)?)
            }
        };
        Ok(link)
    }

    /// The server that the stack keeps, if there is one.
    pub(super) fn into_server(self) -> Option<ToxiproxyServer> {
        match self {
            Self::InProcess { .. } => None,
            Self::Toxiproxy { process, ports, .. } => {
                Some(ToxiproxyServer { process, ports: ports.into_inner().unwrap_or_else(PoisonError::into_inner) })
            }
        }
    }
}

async fn until_answering(api: &Toxiproxy, process: &Process) -> Result<(), UpError> {
    let looking = async {
        let mut looks = Looks::within(UP);
        let mut last = String::new();
        while looks.again().await {
            match api.version().await {
                Ok(_) => return Ok(()),
                Err(error) => last = error.to_string(),
            }
        }
        Err(UpError::Machine(format!("toxiproxy did not answer within {} s: {last}", UP.as_secs())))
    };
    tokio::select! {
        seen = looking => seen,
        exit = process.exited() => {
            let how = exit.map_or_else(|error| error.to_string(), |exit| exit.to_string());
            let log = std::fs::read_to_string(process.log()).unwrap_or_default();
            Err(UpError::Machine(format!("toxiproxy ended while it was starting: {how}\n{log}")))
        }
    }
}

fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|error| UpError::Machine(error.to_string()))
}
