//! Where the audit devices of a stack write on this machine, and its small disks.

use std::net::Ipv4Addr;

use super::Native;
use super::disk::{self, Mounted};
use super::up::claim;
use crate::provider::UpError;
use crate::scenario;
use crate::stack::audit::{AuditDevice, AuditKind, Receiver};
use crate::stack::disk::Disk;

/// The sizes of small disks: of one for audit entries, and of one for raft's files.
pub(in crate::provider) const ENTRIES: u64 = 256 << 10;
pub(in crate::provider) const STORAGE: u64 = 64 << 20;

impl Native {
    /// What a stack wants that cannot be had here, if it does.
    pub(crate) fn lacks(wanted: &scenario::Stack) -> Option<&'static str> {
        let own_disk = |device: &scenario::AuditDevice| device.kind == scenario::AuditKind::File { own_disk: true };
        (wanted.own_disk || wanted.audit.iter().any(own_disk)).then(disk::lacking).flatten()
    }

    /// Where the audit devices of a stack will write, ready to be written to.
    pub(super) async fn audit(&self, wanted: &scenario::Stack, name: &str) -> Result<Vec<AuditDevice>, UpError> {
        let mut devices = Vec::new();
        for device in &wanted.audit {
            let kind = match device.kind {
                scenario::AuditKind::File { own_disk: true } => {
                    let disk = self.disk(name, device.name.as_str(), ENTRIES).await?;
                    AuditKind::File { path: disk.root().join("audit.log"), disk: Some(Disk::Mounted(Box::new(disk))) }
                }
                scenario::AuditKind::File { own_disk: false } => {
                    let folder = self.folder_for(name, &format!("audit-{}", device.name), None)?;
                    AuditKind::File { path: folder.join("audit.log"), disk: None }
                }
                scenario::AuditKind::Socket => {
                    let receiver = Receiver::listen(claim()?, Ipv4Addr::LOCALHOST.into()).await;
                    AuditKind::Socket(receiver.map_err(|e| UpError::Machine(format!("an audit device: {e}")))?)
                }
            };
            devices.push(AuditDevice { name: device.name.clone(), kind });
        }
        Ok(devices)
    }

    /// A disk for raft's files.
    pub(super) async fn storage_disk(&self, name: &str) -> Result<Mounted, UpError> {
        self.disk(name, "storage", STORAGE).await
    }

    async fn disk(&self, name: &str, of: &str, bytes: u64) -> Result<Mounted, UpError> {
        let folder = self.folder_for(name, &format!("disk-{of}"), None)?;
        let disk = Mounted::make(&folder, bytes, self.estate.owner()).await;
        disk.map_err(|e| UpError::Machine(e.to_string()))
    }
}
