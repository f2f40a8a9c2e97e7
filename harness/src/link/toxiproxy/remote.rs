//! A link on a Toxiproxy server: a proxy of its own there, and the toxics that our faults are there.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::sync::Mutex;
use toxiproxy_rust::toxic::ToxicPack;

use super::server::Toxiproxy;
use super::spell::spell;
use crate::link::proxy::next_proxy;
use crate::link::{Direction, LinkError, Toxic, ToxicId};

/// A proxy on a Toxiproxy server. It goes with the server.
pub struct Remote {
    id: u64,
    name: String,
    address: SocketAddr,
    server: Toxiproxy,
    faults: Mutex<Faults>,
}

/// Each fault, with the names of its toxics. Held while one changes, so that changes come one after another.
#[derive(Default)]
struct Faults {
    toxics: BTreeMap<u64, Vec<String>>,
    next: u64,
}

impl Remote {
    /// Has the server listen on `address` and pass connections on to `upstream`. The name is the proxy's alone there.
    pub async fn start(
        server: &Toxiproxy,
        name: &str,
        address: SocketAddr,
        upstream: SocketAddr,
    ) -> Result<Self, LinkError> {
        server.make(name, &address.to_string(), &upstream.to_string()).await?;
        let faults = Mutex::default();
        Ok(Self { id: next_proxy(), name: name.to_owned(), address, server: server.clone(), faults })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds a toxic behind those that are there, for all connections.
    pub async fn add(&self, toxic: &Toxic, direction: Direction) -> Result<ToxicId, LinkError> {
        self.inject(toxic, direction).await
    }

    /// Lets what is sent vanish, both ways, and answers nobody; [`Remote::remove`] closes what it has met.
    pub async fn cut(&self) -> Result<ToxicId, LinkError> {
        self.inject(&Toxic::Timeout { timeout: None }, Direction::Both).await
    }

    /// Closes every open connection, and resets every new one at its first byte, until it is removed.
    pub async fn reset(&self) -> Result<ToxicId, LinkError> {
        self.server.set_enabled(&self.name, false).await?;
        let injected = self.inject(&Toxic::ResetPeer { after: Duration::ZERO }, Direction::Both).await;
        // Also when the toxic could not be had: a link is not to stay down for it.
        self.server.set_enabled(&self.name, true).await?;
        injected
    }

    /// Takes a fault away.
    pub async fn remove(&self, id: ToxicId) -> Result<(), LinkError> {
        let mut faults = self.faults.lock().await;
        let own = id.proxy == self.id;
        let Some(names) = own.then(|| faults.toxics.remove(&id.number)).flatten() else {
            return Err(LinkError::NoSuchFault { address: self.address, id });
        };
        self.take_away(&names).await
    }

    /// Down: connections are refused, and all that were open are closed.
    pub async fn disable(&self) -> Result<(), LinkError> {
        self.server.set_enabled(&self.name, false).await
    }

    /// Up again, on the same address.
    pub async fn enable(&self) -> Result<(), LinkError> {
        self.server.set_enabled(&self.name, true).await
    }

    async fn inject(&self, toxic: &Toxic, direction: Direction) -> Result<ToxicId, LinkError> {
        let inexpressible = |why| LinkError::Inexpressible { toxic: toxic.name(), why };
        let (r#type, attributes) = spell(toxic).map_err(inexpressible)?;
        let streams: &[&str] = match direction {
            Direction::Upstream => &["upstream"],
            Direction::Downstream => &["downstream"],
            Direction::Both => &["upstream", "downstream"],
        };
        let mut faults = self.faults.lock().await;
        let number = faults.next;
        faults.next += 1;
        let mut names = Vec::new();
        for stream in streams {
            let (name, stream) = (format!("fault-{number}-{stream}"), (*stream).to_owned());
            let attributes = attributes.clone();
            let pack = ToxicPack { name: name.clone(), r#type: r#type.to_owned(), stream, toxicity: 1.0, attributes };
            if let Err(error) = self.server.add(&self.name, &pack).await {
                // Half a fault is none; that its half may stay when the server is gone changes nothing.
                let _ = self.take_away(&names).await;
                return Err(error);
            }
            names.push(name);
        }
        faults.toxics.insert(number, names);
        Ok(ToxicId { proxy: self.id, number })
    }

    async fn take_away(&self, names: &[String]) -> Result<(), LinkError> {
        for name in names {
            self.server.remove(&self.name, name).await?;
        }
        Ok(())
    }
}
