//! Audit devices: enabled, and asked for the HMACs that stand in their entries.
//! Source: developer.hashicorp.com/vault/api-docs/system/audit, …/system/audit-hash

use serde_json::json;

use super::{SetupError, must};
use crate::event::Reply;
use crate::scenario::file::Method;
use crate::service::Seen;
use crate::service::vault::Vault;
use crate::stack::audit::{AuditDevice, AuditKind};

/// Enables all of them.
pub async fn enable(vault: &Vault, devices: &[AuditDevice]) -> Result<(), SetupError> {
    for device in devices {
        must(&format!("sys/audit/{}", device.name), enable_one(vault, device).await)?;
    }
    Ok(())
}

/// Enables one.
pub async fn enable_one(vault: &Vault, device: &AuditDevice) -> Seen<Reply<()>> {
    let path = format!("sys/audit/{}", device.name);
    let body = match &device.kind {
        AuditKind::File { path, .. } => json!({ "type": "file", "options": { "file_path": path } }),
        AuditKind::Socket(receiver) => json!({
            "type": "socket",
            "options": { "address": receiver.address().to_string(), "socket_type": "tcp" },
        }),
    };
    vault.act(Method::Post, &path, Some(body)).await
}
