//! The secrets server of a stack: one node, or a cluster of them behind a front that follows the active one.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Machine, StackError, UP};
use crate::event::{Actor, Event};
use crate::front::Front;
use crate::history::History;
use crate::outcome::Outcome;
use crate::provider::native::process::ProcessError;
use crate::provider::native::template::Template;
use crate::scenario::file::{Node, Server, Storage};
use crate::secret::Secret;
use crate::service::vault::{BRIEF, Vault};
use crate::wait;

/// What a standby's health says: with request forwarding, or as HashiCorp's performance standby.
pub(crate) const STANDBY: [u16; 2] = [429, 473];

/// The secrets server.
#[derive(Debug)]
pub struct VaultServer {
    /// Its nodes, at least one, in the order of their names.
    pub nodes: Vec<VaultNode>,
    /// What leads to the active node of a cluster, and keeps the doors between its nodes.
    pub front: Option<Front>,
    /// A way to it that no link fault touches, without a token; in a cluster to whichever node was active last.
    pub direct: Vault,
    /// A way to it over the clients' link, without a token.
    pub linked: Vault,
    /// Its root token.
    pub root_token: Secret,
    /// Its unseal keys, as many as are needed.
    pub keys: Vec<Secret>,
    /// Where it keeps its data.
    pub storage: Storage,
    /// `OpenBao 2.7.2`: what it was started as.
    pub product: String,
    /// What follows when it is upgraded.
    pub next: Mutex<Option<Next>>,
    /// The AWS engine as a plugin, where the server has none built in.
    pub aws_plugin: Option<Plugin>,
}

/// The program that follows on a server's data.
#[derive(Debug, Clone)]
pub struct Next {
    /// The program.
    pub program: PathBuf,
    /// `OpenBao 2.7.2`.
    pub product: String,
    /// What comes back after it, in a run that rolls back.
    pub back: Option<Back>,
}

/// What a server is made of anew when it is rolled back.
#[derive(Debug, Clone)]
pub struct Back {
    /// The program.
    pub program: PathBuf,
    /// `OpenBao 2.6.1`.
    pub product: String,
    /// An initialised data folder with the server's own keys.
    pub fresh: Template,
    /// Who belongs to the cluster, as a node reads it from its folder; none for a server that stands alone.
    pub peers: Option<String>,
}

/// A plugin that the server may start.
#[derive(Debug, Clone)]
pub struct Plugin {
    /// The folder that it lies in.
    pub folder: PathBuf,
    /// Its file in that folder.
    pub command: String,
    /// The digest by which the server knows it.
    pub sha256: String,
    /// `AWS secrets engine 1.14.0`.
    pub product: String,
}

/// One node of it.
#[derive(Debug)]
pub struct VaultNode {
    /// Its name in the cluster; `vault-1` where it stands alone.
    pub name: Node,
    /// Its process.
    pub machine: Machine,
    /// Where it keeps its data.
    pub data: PathBuf,
    /// Where its peers reach its API, when that is not where clients do.
    pub api_of_peers: Option<String>,
    /// A way to it that no link fault touches, without a token.
    pub direct: Vault,
    /// A way to it over its own clients' link, without a token.
    pub linked: Vault,
    /// Whether it was upgraded.
    pub has_moved: AtomicBool,
}

impl VaultNode {
    /// Whether it was upgraded.
    pub fn has_moved(&self) -> bool {
        self.has_moved.load(Ordering::Relaxed)
    }

    /// Waits until it answers, sealed or not.
    pub async fn until_answering(&self) -> Result<(), StackError> {
        let vault = &self.direct.within(BRIEF);
        self.machine.until_up(|| async { vault.health().await.outcome.said().map(drop) }).await
    }

    /// Waits until it is active or a standby, as a node is some time after it was unsealed.
    pub async fn until_serving(&self) -> Result<(), StackError> {
        let vault = &self.direct.within(BRIEF);
        let look = move || async move {
            match vault.health().await.outcome {
                Outcome::Ok(status) if status == 200 || STANDBY.contains(&status) => Ok(()),
                Outcome::Ok(status) => Err(format!("health status {status}")),
                no => Err(no.to_string()),
            }
        };
        self.machine.until_up(look).await
    }

    /// Gives it keys.
    pub async fn unseal(&self, keys: &[Secret]) -> Result<(), StackError> {
        for key in keys {
            let seen = self.direct.unseal(key).await;
            if !matches!(seen.outcome, Outcome::Ok(_)) {
                return Err(StackError::Vault { what: "its unseal key", why: seen.outcome.to_string() });
            }
        }
        Ok(())
    }

    /// The status of its `sys/health`, if it answers.
    pub async fn health(&self) -> Option<u16> {
        self.direct.within(BRIEF).health().await.outcome.ok().copied()
    }
}

impl VaultServer {
    /// Has the program that follows start next on a node, and says what that is. Where none follows, it is the same again.
    pub fn move_on(&self, node: &VaultNode) -> String {
        node.has_moved.store(true, Ordering::Relaxed);
        let Some(Next { program, product, .. }) = self.next() else { return self.product.clone() };
        if let Some(process) = node.machine.process() {
            process.replace_program(program);
        }
        product
    }

    /// What follows when it is upgraded.
    pub fn next(&self) -> Option<Next> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A way to it as root, that no link fault touches.
    pub fn root(&self) -> Vault {
        self.direct.with_token(&self.root_token)
    }

    /// Which of its nodes is meant: the first that is so now. None when none is.
    pub async fn find(&self, node: Node) -> Option<&VaultNode> {
        let wanted: &[u16] = match node {
            Node::Leader => &[200],
            Node::Follower => &STANDBY,
            named => return self.nodes.get(named.index()?),
        };
        let health = futures_util::future::join_all(self.nodes.iter().map(VaultNode::health)).await;
        let place = health.iter().position(|status| status.is_some_and(|status| wanted.contains(&status)))?;
        self.nodes.get(place)
    }

    /// Waits until one of its nodes is active, as a node is some time after it was unsealed, and is asked by default.
    pub async fn until_active(&self) -> Result<(), StackError> {
        let vault = &self.direct.within(BRIEF);
        let look = move || async move {
            match vault.health().await.outcome {
                Outcome::Ok(200) => Ok(()),
                Outcome::Ok(status) => Err(format!("health status {status}")),
                no => Err(no.to_string()),
            }
        };
        if let [only] = self.nodes.as_slice() {
            return only.machine.until_up(look).await;
        }
        let Err(last) = wait::until(UP, look).await else { return Ok(()) };
        let log = match self.nodes.first() {
            Some(node) => node.machine.last_log_lines().await,
            None => String::new(),
        };
        Err(StackError::Silent { server: Server::Vault, limit: UP, last, log })
    }

    /// Gives its keys to every node.
    pub async fn unseal(&self) -> Result<(), StackError> {
        for node in &self.nodes {
            node.unseal(&self.keys).await?;
        }
        Ok(())
    }

    /// Unseals a server of one node that has just got its keys, and waits until it is active.
    pub(crate) async fn unseal_anew(&self, sealed_elsewhere: bool, history: &History) -> Result<(), StackError> {
        if sealed_elsewhere {
            // A server that was started without data tries for a while yet to unseal itself; one that is started with
            // it does so once, as it will in the scenario.
            self.until_active().await?;
            for node in &self.nodes {
                node.machine.stop().await?;
                node.machine.start().await?;
                node.until_answering().await?;
            }
        }
        self.unseal().await?;
        self.until_active().await?;
        history.note(Actor::Harness, Event::Running { server: Server::Vault, product: self.product.clone() });
        Ok(())
    }

    /// Starts a node again after it ended, unseals it, and waits until it serves.
    pub async fn start_node(&self, node: &VaultNode) -> Result<(), StackError> {
        match node.machine.start().await {
            // A step has started it while it was to be down.
            Ok(()) | Err(StackError::Process(ProcessError::AlreadyRunning { .. })) => {}
            Err(no) => return Err(no),
        }
        node.until_answering().await?;
        node.unseal(&self.keys).await?;
        node.until_serving().await
    }

    /// Starts all of it again after it ended, unseals it, and waits until it is active.
    pub async fn start_again(&self) -> Result<(), StackError> {
        futures_util::future::try_join_all(self.nodes.iter().map(|node| self.start_node(node))).await?;
        self.until_active().await
    }
}
