//! The Vault whose transit engine unseals another one, in a container.

use super::up::{Place, claim};
use super::vault::Order;
use crate::provider::UpError;
use crate::provider::native::find::Found;
use crate::provider::native::sealer::{Sealer, set_up};
use crate::provider::native::{alone, vault_keys};
use crate::scenario::file::{Endpoint, Server, Storage};
use crate::service::vault::launch::Transit;

impl Place<'_> {
    /// Brings it up: unsealed, with its key and a token for it.
    pub(super) async fn sealer(&self, program: &Found) -> Result<Sealer, UpError> {
        let port = claim()?;
        let link = self.link(Endpoint::Vault, Endpoint::Transit, 7, port.address()).await?;
        let template = self.raft_template(program, 1).await?;
        let keys = vault_keys::read(&template.data().join(vault_keys::FILE), self.history.secrets())?;
        let (api, more) = (port.address().to_string(), serde_json::Map::new());
        let order = Order::alone(Server::Transit, vec![port], api, &more, self.history);
        let (node, _) = self.node(program, Order { data: Some((&template, Vec::new())), ..order })?;
        let mut server = alone(node, Storage::Raft, program).await?;
        (server.keys, server.root_token) = (keys.unseal, keys.root);
        let token = set_up(&server, self.history).await?;
        let seal = Transit { address: link.address().to_string(), token };
        Ok(Sealer { server, link, seal })
    }
}
