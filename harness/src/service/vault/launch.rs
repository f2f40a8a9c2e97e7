//! How a Vault or OpenBao server is set up: its configuration file.

use std::path::Path;

use crate::scenario::file::Storage;
use crate::secret::Secret;

/// What a server needs to know before it starts.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// Where it keeps its data.
    pub storage: Storage,
    /// The folder for that data (raft).
    pub data: &'a Path,
    /// Where it listens: `127.0.0.1:PORT`.
    pub listen: String,
    /// Its name among its peers.
    pub node_id: String,
    /// Where it listens for its peers.
    pub cluster: String,
    /// Whether it has peers.
    pub clustered: bool,
    /// Where its peers reach it: that address, or a door before it.
    pub peers: String,
    /// The address that it gives to others: that of the link.
    pub api: String,
    /// What unseals it, if it is not key shares.
    pub seal: Option<Transit>,
    /// Whether it is HashiCorp's, which wants to lock its memory unless told not to.
    pub hashicorp: bool,
    /// The folder of the plugins that it may start.
    pub plugins: Option<&'a Path>,
    /// Whether audit devices will be enabled by its API.
    pub audited: bool,
    /// What stands in its configuration beside all this.
    pub more: &'a serde_json::Map<String, serde_json::Value>,
}

/// The transit engine of another server, as a seal.
#[derive(Debug, Clone)]
pub struct Transit {
    /// Where that server is reached.
    pub address: String,
    /// A token that may encrypt and decrypt there.
    pub token: Secret,
}

/// The key that it seals with.
pub const SEAL_KEY: &str = "seal";

impl Launch<'_> {
    /// The configuration file, as JSON (which both products read, and which cannot be misquoted).
    pub fn configuration(&self) -> String {
        let storage = match self.storage {
            Storage::Inmem => serde_json::json!({ "inmem": {} }),
            Storage::Raft => serde_json::json!({ "raft": {
                "path": self.data,
                "node_id": self.node_id,
                // All peers are on one machine: waiting long for one that does not answer only costs time. At 1, half a
                // second without an answer deposes a leader, which a busy machine does by itself once in a few thousand
                // runs; the products' own default is 5.
                "performance_multiplier": if self.clustered { "2" } else { "1" },
            }}),
        };
        let mut configuration = serde_json::json!({
            "storage": storage,
            "listener": [{ "tcp": {
                "address": self.listen,
                "cluster_address": self.cluster,
                "tls_disable": true,
            }}],
            "api_addr": format!("http://{}", self.api),
            "cluster_addr": format!("https://{}", self.peers),
            "ui": false,
            // Without a time to keep them, metrics cannot be read as text.
            "telemetry": { "prometheus_retention_time": "1h", "disable_hostname": true },
        });
        if let Some(seal) = &self.seal {
            configuration["seal"] = serde_json::json!({ "transit": {
                "address": format!("http://{}", seal.address),
                "token": seal.token.expose(),
                // It is periodic and outlives every run.
                "disable_renewal": "true",
                "key_name": SEAL_KEY,
                "mount_path": "transit/",
            }});
        }
        if let Some(plugins) = self.plugins {
            configuration["plugin_directory"] = serde_json::json!(plugins);
        }
        if self.audited && !self.hashicorp {
            // OpenBao takes them from its configuration alone, unless told otherwise.
            configuration["unsafe_allow_api_audit_creation"] = serde_json::json!(true);
        }
        if self.hashicorp {
            configuration["disable_mlock"] = serde_json::json!(true);
        }
        for (key, value) in self.more {
            configuration[key] = value.clone();
        }
        configuration.to_string()
    }
}
