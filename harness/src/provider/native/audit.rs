//! Where the audit devices of a stack write on this machine, and its small disks.

use std::net::Ipv4Addr;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::Native;
use super::disk::{self, Mounted};
use super::private::broken;
use super::up::claim;
use crate::provider::UpError;
use crate::scenario;
use crate::stack::VaultServer;
use crate::stack::audit::{AuditDevice, AuditFile, AuditKind, Receiver};
use crate::stack::disk::Disk;

/// The name of every audit device's file.
pub(in crate::provider) const FILE: &str = "audit.log";
/// The sizes of small disks: of one for audit entries, and of one for raft's files.
pub(in crate::provider) const ENTRIES: u64 = 256 << 10;
pub(in crate::provider) const STORAGE: u64 = 64 << 20;

impl Native {
    /// What a stack wants that cannot be had here, if it does.
    pub(crate) fn lacks(wanted: &scenario::Stack) -> Option<&'static str> {
        let own_disk = |device: &scenario::AuditDevice| device.kind == scenario::AuditKind::File { own_disk: true };
        (wanted.own_disk || wanted.audit.iter().any(own_disk)).then(disk::lacking).flatten()
    }

    /// Where the audit devices of a stack will write, ready to be written to: each node to a place of its own.
    pub(super) async fn audit(&self, wanted: &scenario::Stack, name: &str) -> Result<Vec<AuditDevice>, UpError> {
        let mut devices = Vec::new();
        for device in &wanted.audit {
            let kind = match device.kind {
                scenario::AuditKind::File { own_disk } => {
                    let mut files = Vec::new();
                    for node in 1..=wanted.nodes {
                        let of =
                            if wanted.nodes > 1 { format!("{}-{node}", device.name) } else { device.name.to_string() };
                        files.push(self.audit_file(name, &of, own_disk).await?);
                    }
                    let path = match files.as_slice() {
                        [only] => only.path.clone(),
                        _ => Path::new(&folder_of(device.name.as_str())).join(FILE),
                    };
                    AuditKind::File { path, files }
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

    async fn audit_file(&self, name: &str, of: &str, own_disk: bool) -> Result<AuditFile, UpError> {
        if own_disk {
            let disk = self.disk(name, &folder_of(of), ENTRIES).await?;
            let path = disk.root().join(FILE);
            return Ok(AuditFile { path, disk: Some(Disk::Mounted(Box::new(disk))) });
        }
        let folder = self.folder_for(name, &folder_of(of), None)?;
        Ok(AuditFile { path: folder.join(FILE), disk: None })
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

/// The folder of a device's file.
fn folder_of(device: &str) -> String {
    format!("audit-{device}")
}

/// Leads each node of a cluster to its own files. All nodes are told the same path, which begins where each of them works.
pub(super) fn reach(devices: &[AuditDevice], vault: &VaultServer) -> Result<(), UpError> {
    if vault.nodes.len() < 2 {
        return Ok(());
    }
    for device in devices {
        for (node, file) in vault.nodes.iter().zip(device.files()) {
            let (Some(works), Some(folder)) = (node.data.parent(), file.path.parent()) else { continue };
            let way = works.join(folder_of(device.name.as_str()));
            symlink(folder, &way).map_err(|e| broken("make", &way, &e))?;
        }
    }
    Ok(())
}
