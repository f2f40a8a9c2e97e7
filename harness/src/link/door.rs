//! One address at which several links begin: which of them a connection takes is decided by who opened it. The nodes of a
//! cluster know each other by one address each, and yet one of them can be cut off from one other alone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::proxy::{Handle, LinkError};

/// How long nobody is accepted after the system could not give a socket.
const PAUSE: Duration = Duration::from_millis(50);

/// Says by the address of whoever opened a connection, and the door's own, which link it takes; may block.
pub(crate) type Porter = Arc<dyn Fn(SocketAddr, SocketAddr) -> Option<Handle> + Send + Sync>;

/// An address that is open as long as this lives.
pub struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
    accepting: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Door {
    /// Listens on an address (port 0: any free one). Nobody is let in before there is a porter.
    pub async fn open(listen: SocketAddr) -> Result<Self, LinkError> {
        let failed = |source| LinkError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { address, listener: Some(listener), accepting: None })
    }

    /// Where connections come in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on lets in whom the porter gives a link, and turns away everybody else.
    pub(crate) fn attend(&mut self, porter: Porter) {
        if let Some(listener) = self.listener.take() {
            self.accepting = Some(tokio::spawn(accept(listener, self.address, porter)));
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, porter: Porter) {
    loop {
        let Ok((client, from)) = listener.accept().await else {
            // No socket to be had; the kernel does not say when there is one.
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let porter = Arc::clone(&porter);
        tokio::task::spawn_blocking(move || {
            // Dropped, and so closed, where nobody knows whose it is.
            if let Some(link) = porter(from, address) {
                link.take(client);
            }
        });
    }
}
