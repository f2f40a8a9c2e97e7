//! An initialised raft folder, made in a container once for each version: electing a first leader takes seconds.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

use futures_util::FutureExt as _;

use super::up::{Place, claim};
use super::vault::Order;
use crate::history::History;
use crate::provider::UpError;
use crate::provider::native::find::Found;
use crate::provider::native::template::{Template, TemplateKey};
use crate::provider::native::{alone, vault_keys};
use crate::scenario::file::{Server, Storage};
use crate::secret::KnownSecrets;
use crate::time::Clock;

/// What it is made of. All else is made anew at each start.
const KEPT: [&str; 2] = ["vault.db", "raft/raft.db"];

impl Place<'_> {
    pub(super) async fn raft_template(&self, program: &Found, threshold: u8) -> Result<Template, UpError> {
        // Not the one of processes: out of a container its files come without their holes.
        let key = TemplateKey::new("vault-raft-container")
            .with("product", &program.product)
            .with("version", &program.version)
            .with("threshold", &threshold);
        let build = move |data| self.make_raft_folder(data, program, threshold).boxed();
        let template = Template::ensure(&self.docker.cache, &key, None, build).await;
        template.map_err(|error| UpError::Machine(error.to_string()))
    }

    /// Initialises one by running a server on it once.
    async fn make_raft_folder(&self, data: PathBuf, program: &Found, threshold: u8) -> Result<(), UpError> {
        let failed = |error: std::io::Error| UpError::Machine(format!("cannot write to {}: {error}", data.display()));
        let history = History::in_memory(Clock::start(), KnownSecrets::default());
        let more = serde_json::Map::new();
        let order = Order::alone(Server::Vault, vec![claim()?], "127.0.0.1:1".to_owned(), &more, &history);
        let (node, _) = self.node(program, Order { called: "template".to_owned(), ..order })?;
        let folder = node.data.clone();
        let mut server = alone(node, Storage::Raft, program).await?;
        let keys = vault_keys::init(&server.direct, threshold, history.secrets()).await?;
        DirBuilder::new().recursive(true).mode(0o700).create(data.join("raft")).map_err(failed)?;
        vault_keys::write(&data.join(vault_keys::FILE), &keys)?;
        server.keys = keys.unseal;
        server.unseal().await?;
        server.until_active().await?;
        let machine = &server.nodes[0].machine;
        machine.stop().await?;
        for file in KEPT {
            let bytes = machine.file(&folder.join(file)).await?;
            let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(data.join(file));
            new.and_then(|mut new| new.write_all(&bytes)).map_err(failed)?;
        }
        Ok(machine.remove().await?)
    }
}
