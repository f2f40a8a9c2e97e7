//! The Vault whose transit engine unseals another one, as a process of this machine.
//! Source: developer.hashicorp.com/vault/docs/configuration/seal/transit

use serde_json::{Value, json};

use super::find::Found;
use super::lines::Lines;
use super::up::{Native, Place, alone, claim};
use super::vault_keys;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::link::Link;
use crate::outcome::Outcome;
use crate::provider::UpError;
use crate::scenario::file::{Endpoint, Method, Server, Storage};
use crate::secret::Secret;
use crate::service::vault::Vault;
use crate::service::vault::launch::{SEAL_KEY, Transit};
use crate::stack::{StackError, VaultServer};

/// What the token may do that the other server asks with.
const POLICY: &str = r#"
path "transit/encrypt/seal" { capabilities = ["update"] }
path "transit/decrypt/seal" { capabilities = ["update"] }
"#;

/// A server that unseals, the link to it, and what the other needs to use it.
pub(in crate::provider) struct Sealer {
    pub(in crate::provider) server: VaultServer,
    pub(in crate::provider) link: Link,
    pub(in crate::provider) seal: Transit,
}

impl Native {
    /// Brings it up: unsealed, with its key and a token for it.
    pub(super) async fn sealer(
        &self,
        program: &Found,
        name: &str,
        lines: &Lines,
        history: &History,
    ) -> Result<Sealer, UpError> {
        let folder = self.folder_for(name, "transit", None)?;
        let data = folder.join("data");
        let ports = [claim()?, claim()?];
        let link = lines.lay(Endpoint::Vault, Endpoint::Transit, 5, ports[0].address()).await?;
        let template = self.raft_template(program, 1).await?;
        template.copy_to(&data, None).await.map_err(|e| UpError::Machine(e.to_string()))?;
        let keys = vault_keys::read(&data.join(vault_keys::FILE), history.secrets())?;
        let (api, more) = (ports[0].address().to_string(), serde_json::Map::new());
        let place = Place::alone(Server::Transit, &folder, &data, ports, api, &more);
        let node = place.node(program, Storage::Raft, self.estate.owner(), history)?;
        let mut server = alone(node, Storage::Raft, program).await?;
        (server.keys, server.root_token) = (keys.unseal, keys.root);
        let token = set_up(&server, history).await?;
        let seal = Transit { address: link.address().to_string(), token };
        Ok(Sealer { server, link, seal })
    }
}

/// Unseals it, makes its key, and gives a token for that key.
pub(in crate::provider) async fn set_up(server: &VaultServer, history: &History) -> Result<Secret, UpError> {
    server.unseal().await?;
    server.until_active().await?;
    let vault = server.root();
    write(&vault, "sys/mounts/transit", json!({ "type": "transit" })).await?;
    write(&vault, &format!("transit/keys/{SEAL_KEY}"), json!({})).await?;
    write(&vault, "sys/policies/acl/seal", json!({ "policy": POLICY })).await?;
    let body = json!({ "policies": ["seal"], "period": "768h", "no_parent": true });
    let token = match vault.new_token("auth/token/create", body).await.outcome {
        Outcome::Ok(reply) => history.secrets().learn(reply.body.token),
        no => return Err(refused("a token for the seal", &no.to_string())),
    };
    history.note(Actor::Harness, Event::Running { server: Server::Transit, product: server.product.clone() });
    Ok(token)
}

async fn write(vault: &Vault, path: &str, body: Value) -> Result<(), UpError> {
    match vault.act(Method::Post, path, Some(body)).await.outcome {
        Outcome::Ok(_) => Ok(()),
        no => Err(refused("to be set up as a seal", &no.to_string())),
    }
}

fn refused(what: &'static str, why: &str) -> UpError {
    StackError::Vault { what, why: why.to_owned() }.into()
}
