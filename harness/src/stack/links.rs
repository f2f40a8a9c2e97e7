//! The links of a stack, and the Toxiproxy server that they may be on.

use std::collections::BTreeMap;

use super::Body;
use crate::link::Link;
use crate::provider::native::port::Port;
use crate::scenario::file::Endpoint;

/// The Toxiproxy server that a stack's links are on.
#[derive(Debug)]
pub struct ToxiproxyServer {
    /// Its process or container.
    pub body: Body,
    /// The ports of its API and of the links, which stay theirs while a link is down.
    pub ports: Vec<Port>,
}

/// The links of a stack, by their ends.
#[derive(Default)]
pub struct Links(BTreeMap<(Endpoint, Endpoint), Link>);

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Links {
    /// Adds a link.
    pub fn insert(&mut self, from: Endpoint, to: Endpoint, link: Link) {
        self.0.insert((from, to), link);
    }

    /// The link between two ends.
    pub fn get(&self, from: Endpoint, to: Endpoint) -> Option<&Link> {
        self.0.get(&(from, to))
    }

    /// Lets every link listen again, for the case that the healing of a fault which closed one failed.
    pub async fn enable_all(&self) {
        for link in self.0.values() {
            // A link that cannot listen again is seen by the recovery that follows.
            let _ = link.enable().await;
        }
    }
}
