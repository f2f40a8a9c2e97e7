//! Unseal keys and root token of a server that leaseproof initialised.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use crate::outcome::Outcome;
use crate::provider::UpError;
use crate::secret::{KnownSecrets, Secret};
use crate::service::vault::Vault;
use crate::stack::StackError;

/// Where a template keeps them.
pub(in crate::provider) const FILE: &str = "leaseproof-keys.json";

/// What it takes to use a server.
pub(in crate::provider) struct Keys {
    /// As many as it takes to unseal it.
    pub(in crate::provider) unseal: Vec<Secret>,
    /// Its root token.
    pub(in crate::provider) root: Secret,
}

/// Initialises a new server.
pub(in crate::provider) async fn init(vault: &Vault, threshold: u8, secrets: &KnownSecrets) -> Result<Keys, UpError> {
    match vault.init(threshold, threshold).await.outcome {
        Outcome::Ok(reply) => Ok(learn(Keys { unseal: reply.body.keys, root: reply.body.root }, secrets)),
        no => Err(StackError::Vault { what: "to be initialised", why: no.to_string() }.into()),
    }
}

/// Initialises a new server that unseals itself.
pub(in crate::provider) async fn init_sealed_elsewhere(vault: &Vault, secrets: &KnownSecrets) -> Result<Keys, UpError> {
    match vault.init_sealed_elsewhere().await.outcome {
        Outcome::Ok(reply) => Ok(learn(Keys { unseal: reply.body.keys, root: reply.body.root }, secrets)),
        no => Err(StackError::Vault { what: "to be initialised", why: no.to_string() }.into()),
    }
}

/// Keeps them in a file that only we can read.
pub(in crate::provider) fn write(path: &Path, keys: &Keys) -> Result<(), UpError> {
    let unseal: Vec<&str> = keys.unseal.iter().map(Secret::expose).collect();
    let text = serde_json::json!({ "unseal": unseal, "root": keys.root.expose() }).to_string();
    let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|e| UpError::Machine(format!("cannot write {}: {e}", path.display())))
}

/// Reads them back.
pub(in crate::provider) fn read(path: &Path, secrets: &KnownSecrets) -> Result<Keys, UpError> {
    let broken = |why: String| {
        UpError::Machine(format!("cannot read {}: {why}; run `leaseproof clean --cache`", path.display()))
    };
    let text = fs::read(path).map_err(|e| broken(e.to_string()))?;
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(|e| broken(e.to_string()))?;
    let secret = |value: &serde_json::Value| value.as_str().map(Secret::new);
    let unseal: Option<Vec<Secret>> = value["unseal"].as_array().and_then(|keys| keys.iter().map(secret).collect());
    match (unseal, secret(&value["root"])) {
        (Some(unseal), Some(root)) => Ok(learn(Keys { unseal, root }, secrets)),
        _ => Err(broken("it does not hold keys".to_owned())),
    }
}

fn learn(keys: Keys, secrets: &KnownSecrets) -> Keys {
    Keys { unseal: keys.unseal.into_iter().map(|key| secrets.learn(key)).collect(), root: secrets.learn(keys.root) }
}
