//! Audit devices: which there are, what befalls them and the disks, and what is expected to stand in what they took.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Node, Nothing, Server};
use crate::scenario::mark::Marked;
use crate::scenario::word::Name;

/// An audit device, enabled before anything else is written to the server. Exactly one of the kinds.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditDevice {
    /// A file.
    #[serde(default)]
    pub file: Option<Marked<AuditFile>>,
    /// A TCP socket, at whose other end leaseproof listens.
    #[serde(default)]
    pub socket: Option<Marked<Nothing>>,
}

/// A file that the server appends its entries to.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditFile {
    /// `true`: it lies on a small disk of its own, which `fill_disk` can fill.
    #[serde(default)]
    pub own_disk: Option<Marked<bool>>,
}

/// A disk is full: of an audit device or of a server's storage (exactly one of the two).
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FillDisk {
    /// The disk of this audit device, a file with `own_disk: true`.
    #[serde(default)]
    pub audit: Option<Marked<Name>>,
    /// The disk of this server's storage: `vault`, with `storage: raft` and `own_disk: true`.
    #[serde(default)]
    pub server: Option<Marked<Server>>,
    /// How many bytes stay free: enough for the entry of a small request, say, and not for that of its long response. The disk
    /// of an audit device alone; none when left out.
    #[serde(default)]
    pub leaves: Option<Marked<u32>>,
    /// Of an audit device in a cluster: the node whose disk it is; those of all nodes when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
}

/// An audit device of the scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnAudit {
    /// The audit device.
    pub of: Marked<Name>,
}

/// What an audit device has taken (at least one of the assertions). What is asked of Vault for it (`sys/audit-hash`) makes
/// entries too, which are left out.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectAudit {
    /// The audit device.
    pub of: Marked<Name>,
    /// `true`: no secret that the run knows stands in it in clear, and there is at least one entry.
    #[serde(default)]
    pub redacted: Option<Marked<bool>>,
    /// `true`: every entry of a request has an entry of its response, with the same ID.
    #[serde(default)]
    pub paired: Option<Marked<bool>>,
    /// The HMAC that `sys/audit-hash` gives for this credential's password stands in it.
    #[serde(default)]
    pub hashed: Option<Marked<Name>>,
    /// There is such an entry.
    #[serde(default)]
    pub has: Option<Marked<AuditEntry>>,
    /// There is no such entry.
    #[serde(default)]
    pub lacks: Option<Marked<AuditEntry>>,
}

/// An audit entry, by what it says (at least one of them; all that are named must be so).
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// The path of its request, below `/v1/`.
    #[serde(default)]
    pub path: Option<Marked<String>>,
    /// The operation of its request: `read`, `update`, `create`, `list`, `delete`.
    #[serde(default)]
    pub operation: Option<Marked<String>>,
    /// `request` or `response`.
    #[serde(default)]
    pub kind: Option<Marked<String>>,
    /// A part of its error, which stands in clear.
    #[serde(default)]
    pub error: Option<Marked<String>>,
    /// It speaks of this credential's lease, whose ID stands in clear.
    #[serde(default)]
    pub lease_of: Option<Marked<Name>>,
}
