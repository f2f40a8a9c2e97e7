//! The database secrets engine: mount, connection, dynamic roles, static roles.
//! Source: developer.hashicorp.com/vault/api-docs/secret/databases

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{SetupError, must};
use crate::scenario::file::Method;
use crate::scenario::word::Name;
use crate::scenario::{Connection, Database, Role, StaticRole};
use crate::secret::Secret;
use crate::service::database::{ROOT, words};
use crate::service::vault::Vault;

/// Mounts the engine.
pub async fn mount(vault: &Vault, engine: &Database) -> Result<(), SetupError> {
    let path = format!("sys/mounts/{}", engine.mount);
    must(&path, vault.act(Method::Post, &path, Some(mount_body(engine))).await).map(drop)
}

/// Writes a connection and all its roles. `target` is where Vault finds the database (the link's address), `password` that
/// of Vault's own user there.
pub async fn connect(
    vault: &Vault,
    mount: &Name,
    connection: &Connection,
    target: &str,
    password: &Secret,
) -> Result<(), SetupError> {
    let path = format!("{mount}/config/{}", connection.name);
    must(&path, vault.act(Method::Post, &path, Some(connection_body(connection, target, password))).await)?;
    for role in &connection.roles {
        let path = format!("{mount}/roles/{}", role.name);
        must(&path, vault.act(Method::Post, &path, Some(role_body(role, connection))).await)?;
    }
    for role in &connection.static_roles {
        let path = format!("{mount}/static-roles/{}", role.name);
        must(&path, vault.act(Method::Post, &path, Some(static_role_body(role, connection))).await)?;
    }
    Ok(())
}

fn mount_body(engine: &Database) -> Value {
    let mut config = Map::new();
    put(&mut config, "default_lease_ttl", engine.default_lease_ttl.map(seconds));
    put(&mut config, "max_lease_ttl", engine.max_lease_ttl.map(seconds));
    json!({ "type": "database", "config": config })
}

fn connection_body(connection: &Connection, target: &str, password: &Secret) -> Value {
    let words = words(connection.dbms);
    let mut body = json!({
        "plugin_name": words.plugin(),
        "allowed_roles": "*",
        "connection_url": words.connection_url(target),
        "username": ROOT,
        "password": password.expose(),
        "max_open_connections": connection.max_open_connections,
    });
    for (key, value) in words.connection_settings() {
        body[*key] = json!(value);
    }
    body
}

/// The body that writes a dynamic role.
pub fn role_body(role: &Role, connection: &Connection) -> Value {
    let mut body = Map::new();
    body.insert("db_name".to_owned(), json!(connection.name.as_str()));
    let creation = role.creation_statements.clone().unwrap_or_else(|| words(connection.dbms).creation());
    body.insert("creation_statements".to_owned(), json!(creation));
    put(&mut body, "revocation_statements", role.revocation_statements.clone());
    put(&mut body, "renew_statements", role.renew_statements.clone());
    put(&mut body, "default_ttl", role.default_ttl.map(seconds));
    put(&mut body, "max_ttl", role.max_ttl.map(seconds));
    Value::Object(body)
}

fn static_role_body(role: &StaticRole, connection: &Connection) -> Value {
    json!({
        "db_name": connection.name.as_str(),
        "username": role.username.as_str(),
        "rotation_period": seconds(role.rotation_period),
    })
}

/// A duration as Vault reads it.
pub fn seconds(length: Duration) -> String {
    format!("{}s", length.as_secs())
}

fn put<T: serde::Serialize>(body: &mut Map<String, Value>, key: &str, value: Option<T>) {
    if let Some(value) = value {
        body.insert(key.to_owned(), json!(value));
    }
}
