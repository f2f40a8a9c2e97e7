//! A link as a stack has it: over the in-process proxy, or over a real Toxiproxy server.

use std::net::SocketAddr;

use tokio::net::TcpStream;

use super::armed::Coming;
use super::listening::Told;
use super::proxy::{LinkError, Proxy};
use super::talk::{Protocol, Watch};
use super::toxic::{Direction, Toxic, ToxicId};
use super::toxiproxy::Remote;

/// One listening address, one server behind it, and whatever goes wrong between them.
pub enum Link {
    /// In this process.
    InProcess(Proxy),
    /// On a real Toxiproxy server.
    Toxiproxy(Remote),
}

impl Link {
    /// Where clients connect: the same for the link's life.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::InProcess(proxy) => proxy.address(),
            Self::Toxiproxy(proxy) => proxy.address(),
        }
    }

    /// Whether it has an address of its own, and not one that it shares with other links.
    pub fn has_address(&self) -> bool {
        match self {
            Self::InProcess(proxy) => proxy.has_address(),
            Self::Toxiproxy(_) => true,
        }
    }

    /// A new connection over it, as one of its clients makes it.
    pub async fn connect(&self) -> std::io::Result<TcpStream> {
        match self {
            Self::InProcess(proxy) => proxy.connect().await,
            Self::Toxiproxy(proxy) => TcpStream::connect(proxy.address()).await,
        }
    }

    /// Adds a toxic behind those that are there, for all connections.
    pub async fn add(&self, toxic: Toxic, direction: Direction) -> Result<ToxicId, LinkError> {
        match self {
            Self::InProcess(proxy) => Ok(proxy.add(toxic, direction).await),
            Self::Toxiproxy(proxy) => proxy.add(&toxic, direction).await,
        }
    }

    /// Lets everything vanish, both ways.
    pub async fn cut(&self) -> Result<ToxicId, LinkError> {
        match self {
            Self::InProcess(proxy) => Ok(proxy.cut().await),
            Self::Toxiproxy(proxy) => proxy.cut().await,
        }
    }

    /// Ends every open connection, and resets every new one.
    pub async fn reset(&self) -> Result<ToxicId, LinkError> {
        match self {
            Self::InProcess(proxy) => Ok(proxy.reset().await),
            Self::Toxiproxy(proxy) => proxy.reset().await,
        }
    }

    /// Waits for a moment in what is said on the link, from which on nothing passes.
    pub async fn arm(&self, watch: Watch) -> Result<(ToxicId, Coming), LinkError> {
        match self {
            Self::InProcess(proxy) => Ok(proxy.arm(watch).await),
            Self::Toxiproxy(_) => {
                let why = "it does not read what is said; leave out `when`".to_owned();
                Err(LinkError::Inexpressible { toxic: "that waits for its moment", why })
            }
        }
    }

    /// Tells what is said on connections that are made from now on; `false` where what passes cannot be read.
    pub fn listen(&self, protocol: Protocol, told: Told) -> bool {
        match self {
            Self::InProcess(proxy) => {
                proxy.listen(protocol, told);
                true
            }
            Self::Toxiproxy(_) => false,
        }
    }

    /// Takes a toxic, a cut or a reset away.
    pub async fn remove(&self, id: ToxicId) -> Result<(), LinkError> {
        match self {
            Self::InProcess(proxy) => proxy.remove(id).await,
            Self::Toxiproxy(proxy) => proxy.remove(id).await,
        }
    }

    /// Down: connections are refused, and all that were open are closed.
    pub async fn disable(&self) -> Result<(), LinkError> {
        match self {
            Self::InProcess(proxy) => {
                proxy.disable().await;
                Ok(())
            }
            Self::Toxiproxy(proxy) => proxy.disable().await,
        }
    }

    /// Up again, on the same address; nothing changes if it is up.
    pub async fn enable(&self) -> Result<(), LinkError> {
        match self {
            Self::InProcess(proxy) => proxy.enable().await,
            Self::Toxiproxy(proxy) => proxy.enable().await,
        }
    }
}
