//! The database secrets engine: mount, connection, dynamic roles, static roles.
//! Source: developer.hashicorp.com/vault/api-docs/secret/databases

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{SetupError, must};
use crate::scenario::file::Method;
use crate::scenario::{Connection, Database, Role, StaticRole};
use crate::secret::Secret;
use crate::service::postgres::launch::ROOT;
use crate::service::postgres::{DATABASE, TABLE};
use crate::service::vault::Vault;

/// Mounts the engine and writes its connection and all its roles. `target` is where Vault finds the database (the link's
/// address), `password` that of Vault's own user there.
pub async fn set_up(vault: &Vault, engine: &Database, target: &str, password: &Secret) -> Result<(), SetupError> {
    let mount = &engine.mount;
    let path = format!("sys/mounts/{mount}");
    must(&path, vault.act(Method::Post, &path, Some(mount_body(engine))).await)?;
    let connection = &engine.connection;
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
    json!({
        "plugin_name": "postgresql-database-plugin",
        "allowed_roles": "*",
        "connection_url": format!(
            "postgresql://{{{{username}}}}:{{{{password}}}}@{target}/{DATABASE}?sslmode=disable&application_name=vault"
        ),
        "username": ROOT,
        "password": password.expose(),
        "max_open_connections": connection.max_open_connections,
        // Without it the clear password stands in PostgreSQL's log of DDL statements.
        "password_authentication": "scram-sha-256",
    })
}

/// What a role makes when the scenario does not say: a login with an end of its own, and SELECT on the application's table.
fn default_creation() -> Vec<String> {
    vec![
        "CREATE ROLE \"{{name}}\" WITH LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}';".to_owned(),
        format!("GRANT SELECT ON {TABLE} TO \"{{{{name}}}}\";"),
    ]
}

/// The body that writes a dynamic role.
pub fn role_body(role: &Role, connection: &Connection) -> Value {
    let mut body = Map::new();
    body.insert("db_name".to_owned(), json!(connection.name.as_str()));
    let creation = role.creation_statements.clone().unwrap_or_else(default_creation);
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
