//! The AWS secrets engine: plugin, mount, root, lease, dynamic roles, static roles.
//! Source: developer.hashicorp.com/vault/api-docs/secret/aws

use serde_json::{Map, Value, json};

use super::database::seconds;
use super::{SetupError, must};
use crate::link::Link;
use crate::outcome::Outcome;
use crate::scenario::file::{CredentialType, Endpoint, Method};
use crate::scenario::{AwsEngine, AwsRole};
use crate::service::aws::{Key, REGION};
use crate::service::vault::Vault;
use crate::stack::{AwsServer, Plugin, Stack};

/// The engine's type, and the name of its plugin in the catalogue.
const TYPE: &str = "aws";

/// Mounts the engine and writes its configuration and all its roles; makes the users of static roles before.
pub async fn set_up(stack: &Stack, engine: &AwsEngine, server: &AwsServer) -> Result<(), SetupError> {
    let vault = stack.vault.root();
    let mount = &engine.mount;
    if let Some(plugin) = &stack.vault.aws_plugin {
        register(&vault, plugin).await?;
    }
    let path = format!("sys/mounts/{mount}");
    must(&path, vault.act(Method::Post, &path, Some(json!({ "type": TYPE }))).await)?;
    write_root(stack, engine, &server.root).await?;
    if let (Some(lease), Some(max)) = (engine.lease, engine.lease_max) {
        let path = format!("{mount}/config/lease");
        let body = json!({ "lease": seconds(lease), "lease_max": seconds(max) });
        must(&path, vault.act(Method::Post, &path, Some(body)).await)?;
    }
    for role in &engine.roles {
        let path = format!("{mount}/roles/{}", role.name);
        must(&path, vault.act(Method::Post, &path, Some(role_body(role, server))).await)?;
    }
    for role in &engine.static_roles {
        let user = role.username.as_str();
        let made = server.direct.iam(&server.admin, "CreateUser", &[("UserName", user)]).await.outcome;
        if let no @ (Outcome::Refused(_) | Outcome::Unknown(_)) = made {
            return Err(SetupError { what: format!("the user of static role {}", role.name), why: no.to_string() });
        }
        let path = format!("{mount}/static-roles/{}", role.name);
        let body = json!({ "username": user, "rotation_period": seconds(role.rotation_period) });
        must(&path, vault.act(Method::Post, &path, Some(body)).await)?;
    }
    Ok(())
}

async fn register(vault: &Vault, plugin: &Plugin) -> Result<(), SetupError> {
    let path = format!("sys/plugins/catalog/secret/{TYPE}");
    let body = json!({ "sha256": plugin.sha256, "command": plugin.command });
    must(&path, vault.act(Method::Post, &path, Some(body)).await)
}

/// Gives Vault its key: the first one, or another, as an operator does.
pub async fn write_root(stack: &Stack, engine: &AwsEngine, key: &Key) -> Result<(), SetupError> {
    let path = format!("{}/config/root", engine.mount);
    must(&path, stack.vault.root().act(Method::Post, &path, Some(root_body(stack, engine, key))).await)
}

fn root_body(stack: &Stack, engine: &AwsEngine, key: &Key) -> Value {
    let link = stack.links.get(Endpoint::Vault, Endpoint::Aws).map(Link::address);
    let endpoint = link.map(|address| format!("http://{address}"));
    let mut body = json!({
        "access_key": key.id,
        "secret_key": key.secret.expose(),
        "region": REGION,
        "iam_endpoint": endpoint,
        "sts_endpoint": endpoint,
        "max_retries": engine.max_retries,
    });
    // Vault's own engine wants the region of that endpoint beside it, and the plugin does not know the word.
    if stack.vault.aws_plugin.is_none() {
        body["sts_region"] = json!(REGION);
    }
    body
}

fn role_body(role: &AwsRole, server: &AwsServer) -> Value {
    let mut body = Map::new();
    body.insert("credential_type".to_owned(), json!(role.credential_type));
    let policy = role.policy_document.clone().map_or_else(default_policy, Value::Object);
    match role.credential_type {
        CredentialType::IamUser | CredentialType::FederationToken => {
            body.insert("policy_document".to_owned(), json!(policy.to_string()));
        }
        CredentialType::AssumedRole => {
            body.insert("role_arns".to_owned(), json!([server.application]));
            if role.policy_document.is_some() {
                body.insert("policy_document".to_owned(), json!(policy.to_string()));
            }
        }
        CredentialType::SessionToken => {}
    }
    for (key, ttl) in [("default_sts_ttl", role.default_sts_ttl), ("max_sts_ttl", role.max_sts_ttl)] {
        if let Some(ttl) = ttl {
            body.insert(key.to_owned(), json!(seconds(ttl)));
        }
    }
    Value::Object(body)
}

/// What a role's users may do when the scenario does not say: anything in S3, which no stand-in serves.
fn default_policy() -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }],
    })
}
