//! Secrets engines and auth methods that need no server of their own, and policies: enabled and written as the scenario says.
//! Source: developer.hashicorp.com/vault/api-docs/system/mounts, …/system/auth, …/system/policies

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{SetupError, must};
use crate::scenario::Mount;
use crate::scenario::file::{Method, Policy};
use crate::scenario::word::Name;
use crate::service::vault::Vault;
use crate::wait::Looks;

/// How long a KV engine may take to upgrade itself. It needs less than a second.
const UPGRADES: Duration = Duration::from_secs(30);

/// Mounts an engine or method, and writes below it what the scenario says.
pub async fn set_up(vault: &Vault, mount: &Mount) -> Result<(), SetupError> {
    let path = match mount.path.strip_prefix("auth/") {
        Some(method) => format!("sys/auth/{method}"),
        None => format!("sys/mounts/{}", mount.path),
    };
    must(&path, vault.act(Method::Post, &path, Some(mount.body.clone())).await)?;
    if mount.body["type"] == "kv" {
        until_upgraded(vault, &mount.path).await?;
    }
    for (below, body) in &mount.writes {
        let path = format!("{}/{below}", mount.path);
        must(&path, vault.act(Method::Post, &path, Some(body.clone())).await)?;
    }
    Ok(())
}

/// A KV engine upgrades itself after it was mounted, and answers 400 meanwhile.
async fn until_upgraded(vault: &Vault, mount: &str) -> Result<(), SetupError> {
    let path = format!("{mount}/config");
    let mut looks = Looks::within(UPGRADES);
    let mut last = Err(SetupError { what: path.clone(), why: "it was never asked".to_owned() });
    while last.is_err() && looks.again().await {
        last = must(&path, vault.act(Method::Get, &path, None).await);
    }
    last
}

/// Writes a policy.
pub async fn write_policy(vault: &Vault, name: &Name, policy: &Policy) -> Result<(), SetupError> {
    let capabilities = |all: &Vec<crate::scenario::file::Capability>| json!({ "capabilities": all });
    let paths: Map<String, Value> = policy.0.iter().map(|(path, all)| (path.clone(), capabilities(all))).collect();
    let path = format!("sys/policies/acl/{name}");
    let body = json!({ "policy": json!({ "path": paths }).to_string() });
    must(&path, vault.act(Method::Post, &path, Some(body)).await)
}
