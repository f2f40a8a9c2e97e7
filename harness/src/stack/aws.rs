//! What stands in for AWS in a stack.

use super::{Machine, StackError};
use crate::event::{Actor, Event};
use crate::history::History;
use crate::scenario::file::{AwsProduct, Endpoint, Server};
use crate::secret::Secret;
use crate::service::aws::gate::Gate;
use crate::service::aws::{Aws, Key, launch as aws_launch};

/// What stands in for AWS.
#[derive(Debug)]
pub struct AwsServer {
    /// Its process.
    pub machine: Machine,
    /// A way to it that no link fault touches.
    pub direct: Aws,
    /// A way to it over the clients' link.
    pub linked: Aws,
    /// What it is.
    pub product: AwsProduct,
    /// The harness's own key, which may do everything.
    pub admin: Key,
    /// The key that Vault was given first; Vault may have rotated it since.
    pub root: Key,
    /// The ARN of the IAM role that assumed roles lead to.
    pub application: String,
    /// What stands between the links and it, and can answer in its place: on Vault's link, and on the clients'.
    pub gates: [Gate; 2],
}

/// The two ways to it, and the two gates before it.
pub(crate) struct Ways {
    pub(crate) direct: Aws,
    pub(crate) linked: Aws,
    pub(crate) gates: [Gate; 2],
}

impl AwsServer {
    /// Starts it, and puts into it what is there when Vault comes. Its `name` is with its version.
    pub(crate) async fn start(
        machine: Machine,
        product: AwsProduct,
        ways: Ways,
        name: String,
        history: &History,
    ) -> Result<Self, StackError> {
        let Ways { direct, linked, gates } = ways;
        let nobody = || Key { id: String::new(), secret: Secret::new(""), session_token: None };
        let (admin, root, application) = (nobody(), nobody(), String::new());
        let mut server = Self { machine, direct, linked, product, admin, root, application, gates };
        server.machine.start().await?;
        server.until_answering().await?;
        let prepared = aws_launch::prepare(&server.direct, product, history.secrets()).await;
        let prepared = prepared.map_err(|why| StackError::Unprepared { server: Server::Aws, why })?;
        server.admin = prepared.admin;
        server.root = prepared.root;
        server.application = prepared.application;
        history.note(Actor::Harness, Event::Running { server: Server::Aws, product: name });
        Ok(server)
    }

    /// The gate on the link from there.
    pub fn gate(&self, from: Endpoint) -> &Gate {
        let [of_vault, of_clients] = &self.gates;
        if from == Endpoint::Vault { of_vault } else { of_clients }
    }

    /// Waits until its process answers; nothing need be in it yet.
    pub async fn until_answering(&self) -> Result<(), StackError> {
        let path = aws_launch::health(self.product);
        self.machine.until_up(|| self.direct.answers(path)).await
    }

    /// Waits until it lets the harness in.
    pub async fn until_ready(&self) -> Result<(), StackError> {
        self.machine.until_up(|| async { self.direct.login(&self.admin).await.outcome.said() }).await
    }
}
