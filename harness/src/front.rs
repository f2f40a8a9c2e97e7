//! What stands before a cluster of Vault nodes: it asks for their health and leads to the active one, as a load balancer
//! with a health check does.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::link::{Door, Handle, Proxy};
use crate::outcome::Outcome;
use crate::provider::native::turn::Turn;
use crate::service::vault::Vault;

/// Between two questions for the health of the node that is active.
const PACE: Duration = Duration::from_millis(150);
/// A node that takes longer is not active.
const PATIENCE: Duration = Duration::from_secs(1);

/// A node that the front may lead to.
#[derive(Debug)]
pub struct Backend {
    /// A way to ask for its health.
    pub vault: Vault,
    /// Its own address.
    pub direct: SocketAddr,
    /// Its address on the clients' side.
    pub linked: SocketAddr,
}

/// Leads to the active node as long as it lives.
#[derive(Debug)]
pub struct Front {
    following: JoinHandle<()>,
    /// Where the nodes reach each other.
    _doors: Vec<Door>,
    /// What the observer's and the clients' ways lead over.
    _steering: [Proxy; 2],
    /// Its turn among the clusters of this machine, which is only kept.
    turn: Option<Turn>,
}

impl Front {
    /// Follows the active one of these nodes: the observer is led to its own address, clients to that on their side.
    pub fn follow(backends: Vec<Backend>, observer: Proxy, clients: Proxy, doors: Vec<Door>) -> Self {
        let following = tokio::spawn(follow(backends, observer.handle(), clients.handle()));
        Self { following, _doors: doors, _steering: [observer, clients], turn: None }
    }

    /// Gives a turn back only when the cluster is gone.
    #[must_use]
    pub fn until_dropped(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.following.abort();
    }
}

async fn follow(backends: Vec<Backend>, direct: Handle, linked: Handle) {
    let mut present = 0;
    loop {
        if !is_active(&backends[present]).await {
            let active = futures_util::future::join_all(backends.iter().map(is_active)).await;
            if let Some(next) = active.iter().position(|active| *active) {
                present = next;
                direct.set_upstream(backends[next].direct);
                linked.set_upstream(backends[next].linked);
            }
        }
        tokio::time::sleep(PACE).await;
    }
}

async fn is_active(backend: &Backend) -> bool {
    matches!(backend.vault.within(PATIENCE).health().await.outcome, Outcome::Ok(200))
}
