//! What lays a stack's links: proxies of this process, or a Toxiproxy server of the stack's own, which is started for it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
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
use crate::scenario::file::Endpoint;
use crate::stack::{Body, StackError, ToxiproxyServer};
use crate::wait::Looks;

/// How long the server may take to answer. It takes a few milliseconds.
const UP: Duration = Duration::from_secs(30);

/// The variable that keeps it from writing a line for each connection and request.
pub(in crate::provider) const QUIET: [&str; 2] = ["LOG_LEVEL", "warn"];

/// The arguments by which its API listens on this port.
pub(in crate::provider) fn arguments(port: &Port) -> [String; 4] {
    let (host, port) = (port.address().ip().to_string(), port.number().to_string());
    ["-host".to_owned(), host, "-port".to_owned(), port]
}

/// Lays links until the stack is up.
pub(in crate::provider) enum Lines {
    /// In this process; what is left to chance follows from the seed.
    InProcess {
        /// The plan's.
        seed: u64,
    },
    /// On a server of the stack's own; links on which a fault waits for its moment stay in this process, which reads what
    /// is said.
    Toxiproxy {
        /// The plan's.
        seed: u64,
        /// The links that stay in this process.
        read: Vec<(Endpoint, Endpoint)>,
        /// Its API.
        api: Toxiproxy,
        /// Its process or container.
        body: Box<Body>,
        /// The ports that it listens on.
        ports: Mutex<Vec<Port>>,
    },
}

impl Lines {
    /// Starts a Toxiproxy server. The links that are `read` stay in this process.
    pub(in crate::provider) async fn start(
        program: &Found,
        folder: &Path,
        owner: Owner,
        seed: u64,
        read: Vec<(Endpoint, Endpoint)>,
        history: &History,
    ) -> Result<Self, UpError> {
        let port = claim()?;
        let [name, value] = QUIET;
        let launch =
            Launch::new("toxiproxy", &program.program, folder).args(arguments(&port)).env(name, value).owned_by(owner);
        Self::on(Process::new(launch).into(), port, name_of(program), seed, read, history).await
    }

    /// The same on whatever it runs as, with its API on this port.
    pub(in crate::provider) async fn on(
        body: Body,
        port: Port,
        product: String,
        seed: u64,
        read: Vec<(Endpoint, Endpoint)>,
        history: &History,
    ) -> Result<Self, UpError> {
        body.start().await?;
        let api = Toxiproxy::at(port.address()).await.map_err(StackError::from)?;
        until_answering(&api, &body).await?;
        let but = |(from, to): &(Endpoint, Endpoint)| {
            format!(", but {from}→{to}, which is read: a fault waits for its moment there, or consumers are overheard")
        };
        let but: String = read.iter().map(but).collect();
        history.note(Actor::Harness, Event::Note(format!("the links are on {product}{but}")));
        Ok(Self::Toxiproxy { seed, read, api, body: Box::new(body), ports: Mutex::new(vec![port]) })
    }

    /// Lays a link between two ends, on loopback; `nth` sets its chance apart from the others'.
    pub(in crate::provider) async fn lay(
        &self,
        from: Endpoint,
        to: Endpoint,
        nth: u64,
        upstream: SocketAddr,
    ) -> Result<Link, UpError> {
        self.lay_at(Ipv4Addr::LOCALHOST.into(), from, to, nth, upstream).await
    }

    /// The same on another address of this machine.
    pub(in crate::provider) async fn lay_at(
        &self,
        listen: IpAddr,
        from: Endpoint,
        to: Endpoint,
        nth: u64,
        upstream: SocketAddr,
    ) -> Result<Link, UpError> {
        let link = match self {
            Self::InProcess { seed } => in_process(listen, *seed, nth, upstream).await?,
            Self::Toxiproxy { seed, read, .. } if read.contains(&(from, to)) => {
                in_process(listen, *seed, nth, upstream).await?
            }
            Self::Toxiproxy { api, ports, .. } => {
                let port = claim()?;
                let listen = SocketAddr::new(listen, port.number());
                let proxy = Remote::start(api, &format!("{from}-{to}"), listen, upstream).await;
                ports.lock().unwrap_or_else(PoisonError::into_inner).push(port);
                Link::Toxiproxy(proxy.map_err(StackError::from)?)
            }
        };
        Ok(link)
    }

    /// The server that the stack keeps, if there is one.
    pub(in crate::provider) fn into_server(self) -> Option<ToxiproxyServer> {
        match self {
            Self::InProcess { .. } => None,
            Self::Toxiproxy { body, ports, .. } => {
                Some(ToxiproxyServer { body: *body, ports: ports.into_inner().unwrap_or_else(PoisonError::into_inner) })
            }
        }
    }
}

async fn in_process(listen: IpAddr, seed: u64, nth: u64, upstream: SocketAddr) -> Result<Link, UpError> {
    let any_port = SocketAddr::new(listen, 0);
    let proxy = Proxy::start(any_port, upstream, seed.wrapping_add(nth)).await;
    Ok(Link::InProcess(proxy.map_err(StackError::from)?))
}

async fn until_answering(api: &Toxiproxy, body: &Body) -> Result<(), UpError> {
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
        how = body.exited() => {
            let log = std::fs::read_to_string(body.log().await).unwrap_or_default();
            Err(UpError::Machine(format!("toxiproxy ended while it was starting: {how}\n{log}")))
        }
    }
}

fn claim() -> Result<Port, UpError> {
    Port::claim().map_err(|error| UpError::Machine(error.to_string()))
}
