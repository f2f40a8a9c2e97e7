//! What a scenario breaks.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Bandwidth, FailRequests, FillDisk, Latency, LimitData, Node, OnAudit, OnLink, Server, Slicer, SlowClose, Throttle,
    Timeout, When,
};
use crate::scenario::mark::Marked;
use crate::scenario::word::{Length, Name, Ref};

/// Something that breaks. Exactly one of them. Every fault is seen to have taken effect before the next step, is
/// healed on every path, and its healing is seen too.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    // ---- network
    /// The link refuses connections, and those that were open are closed.
    #[serde(default)]
    pub down: Option<Marked<OnLink>>,
    /// Packets vanish: nothing answers, nothing is refused.
    #[serde(default)]
    pub cut: Option<Marked<OnLink>>,
    /// Connections are reset (RST), open ones and new ones.
    #[serde(default)]
    pub reset: Option<Marked<OnLink>>,
    /// Everything takes longer.
    #[serde(default)]
    pub latency: Option<Marked<Latency>>,
    /// A slow line.
    #[serde(default)]
    pub bandwidth: Option<Marked<Bandwidth>>,
    /// Connections stay half open before they close.
    #[serde(default)]
    pub slow_close: Option<Marked<SlowClose>>,
    /// Data stops, and the connection is closed after a time.
    #[serde(default)]
    pub timeout: Option<Marked<Timeout>>,
    /// Data comes in small pieces.
    #[serde(default)]
    pub slicer: Option<Marked<Slicer>>,
    /// The connection is closed after so many bytes.
    #[serde(default)]
    pub limit_data: Option<Marked<LimitData>>,
    /// Nodes of the Vault cluster are cut off from all its other nodes: between the two sides packets vanish. Clients
    /// and the database are still in reach of both.
    #[serde(default)]
    pub partition: Option<Marked<Partition>>,

    // ---- processes
    /// The server is stopped in good order.
    #[serde(default)]
    pub stop: Option<Marked<OnServer>>,
    /// The server is killed (SIGKILL).
    #[serde(default)]
    pub kill: Option<Marked<Kill>>,
    /// The server hangs (SIGSTOP): connections are accepted by the kernel and never answered.
    #[serde(default)]
    pub pause: Option<Marked<OnServer>>,
    /// The server's container is taken off its network: it runs on, but reaches nobody, and whoever asks for it is refused.
    /// Containers alone have a network of their own, so it takes `--provider docker`.
    #[serde(default)]
    pub disconnect: Option<Marked<OnServer>>,
    /// The server is stopped and started again at once. Vault is unsealed again.
    #[serde(default)]
    pub restart: Option<Marked<OnServer>>,
    /// Vault is stopped and the version that follows is started on its data and unsealed; a cluster node by node, the leader
    /// last. Only `leaseproof upgrade` has a version that follows; in any other run it is the same program that starts again.
    #[serde(default)]
    pub upgrade: Option<Marked<Upgrade>>,

    /// A node of the cluster is lost with its disk, removed from the cluster, and joins it anew, empty. It is over when the
    /// node is a voter again.
    #[serde(default)]
    pub replace: Option<Marked<OnNode>>,

    // ---- Vault
    /// Vault is sealed; unsealing heals it.
    #[serde(default)]
    pub seal: Option<Marked<Sealing>>,
    /// The active node steps down; it is healed when a node is active again.
    #[serde(default)]
    pub step_down: Option<Marked<Nothing>>,
    /// A client's Vault token is revoked behind its back.
    #[serde(default)]
    pub revoke_token: Option<Marked<OnClient>>,
    /// A client's Vault token is made to expire within a second.
    #[serde(default)]
    pub expire_token: Option<Marked<OnClient>>,
    /// A client's policy loses the right to take credentials.
    #[serde(default)]
    pub narrow_policy: Option<Marked<OnClient>>,
    /// The mount's TTLs are changed.
    #[serde(default)]
    pub tune_mount: Option<Marked<TuneMount>>,
    /// A dynamic role's TTLs or statements are changed.
    #[serde(default)]
    pub change_role: Option<Marked<ChangeRole>>,
    /// A dynamic role is deleted.
    #[serde(default)]
    pub delete_role: Option<Marked<DeleteRole>>,

    // ---- audit devices and disks
    /// A disk is full: nothing more can be written to it.
    #[serde(default)]
    pub fill_disk: Option<Marked<FillDisk>>,
    /// Who listens at the other end of a socket hangs: what is sent is never read, and new connections are never taken.
    #[serde(default)]
    pub hang_audit: Option<Marked<OnAudit>>,
    /// Nobody listens at the other end of a socket any more: connections are closed and refused.
    #[serde(default)]
    pub drop_audit: Option<Marked<OnAudit>>,
    /// The path of a file can no longer be written, and the server is told to open its logs anew, as the rotation of log files
    /// does (SIGHUP).
    #[serde(default)]
    pub block_audit: Option<Marked<OnAudit>>,
    /// An operator disables the device; it is enabled again when the fault heals.
    #[serde(default)]
    pub disable_audit: Option<Marked<OnAudit>>,

    // ---- database
    /// The password of Vault's own user is changed behind Vault's back. Open connections live on.
    #[serde(default)]
    pub change_root_password: Option<Marked<OnConnection>>,
    /// Vault's own user may no longer log in (NOLOGIN).
    #[serde(default)]
    pub lock_root: Option<Marked<OnConnection>>,
    /// Vault's own user loses CREATEROLE.
    #[serde(default)]
    pub revoke_privilege: Option<Marked<OnConnection>>,
    /// All sessions of Vault's own user are terminated; its pool must open new ones.
    #[serde(default)]
    pub terminate_sessions: Option<Marked<OnConnection>>,
    /// Every connection that ordinary users may have is taken.
    #[serde(default)]
    pub exhaust_connections: Option<Marked<OnConnection>>,
    /// A credential's user is dropped by hand.
    #[serde(default)]
    pub drop_user: Option<Marked<OnCredential>>,
    /// A credential's user comes to own a table, which stands in the way of dropping it.
    #[serde(default)]
    pub own_objects: Option<Marked<OnCredential>>,

    // ---- AWS
    /// Requests to AWS are answered `Throttling` (400).
    #[serde(default)]
    pub throttle: Option<Marked<Throttle>>,
    /// Requests to AWS fail at its end (5xx).
    #[serde(default)]
    pub fail_requests: Option<Marked<FailRequests>>,
    /// The access key that Vault itself uses is deleted behind its back. Healing gives Vault a new one.
    #[serde(default)]
    pub delete_root_key: Option<Marked<Nothing>>,
    /// Vault's own IAM user has a second access key, which is as many as AWS allows.
    #[serde(default)]
    pub second_root_key: Option<Marked<Nothing>>,
    /// A credential's IAM user is deleted by hand, with its keys and policies.
    #[serde(default)]
    pub delete_user: Option<Marked<OnCredential>>,
}

/// `{}`: the fault takes no settings.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// A server that is killed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// The server.
    pub server: Marked<Server>,
    /// One node of a Vault cluster; all of them when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
    /// The moment for which the fault waits: a `statement` on the link from `vault` to `postgres`, a `request` on the link
    /// from `clients` to `vault`, or an `action` on the link from `vault` to `aws`. At once when left out.
    #[serde(default)]
    pub when: Option<Marked<When>>,
}

/// A Vault that is sealed; of a cluster the leader.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sealing {
    /// The moment for which the fault waits: a `statement` on the link from `vault` to `postgres`, a `request` on the link
    /// from `clients` to `vault`, or an `action` on the link from `vault` to `aws`. At once when left out.
    #[serde(default)]
    pub when: Option<Marked<When>>,
}

/// A server of the stack, or a node of it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnServer {
    /// The server.
    pub server: Marked<Server>,
    /// One node of a Vault cluster; all of them when left out.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
}

/// What is upgraded. In a cluster those nodes that have not been yet, one after the other: the followers first, the leader
/// last and after it has stepped down.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upgrade {
    /// One node of a Vault cluster, so that the steps which follow meet two versions at once. `follower` is the first standby
    /// that has not been upgraded yet; a node that leads steps down before.
    #[serde(default)]
    pub node: Option<Marked<Node>>,
}

/// A node of the Vault cluster.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnNode {
    /// The node.
    pub node: Marked<Node>,
}

/// Nodes of the Vault cluster are cut off from all its other nodes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Partition {
    /// The nodes on one side; all others are on the other.
    pub nodes: Vec<Marked<Node>>,
}

/// A client of the scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnClient {
    /// The client.
    pub of: Marked<Name>,
}

/// A credential of the scenario.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnCredential {
    /// The credential.
    pub of: Marked<Name>,
}

/// A connection of the database engine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnConnection {
    /// The connection, such as `database/postgres` or `database/mysql`.
    pub of: Marked<Ref>,
}

/// The mount's TTLs are changed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TuneMount {
    /// The mount, such as `database`.
    pub mount: Marked<Name>,
    /// New default lease TTL.
    #[serde(default)]
    pub default_lease_ttl: Option<Marked<Length>>,
    /// New maximum lease TTL.
    #[serde(default)]
    pub max_lease_ttl: Option<Marked<Length>>,
}

/// A dynamic role is changed. What is left out stays.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// The dynamic role.
    pub role: Marked<Ref>,
    /// New TTL of new leases.
    #[serde(default)]
    pub default_ttl: Option<Marked<Length>>,
    /// New maximum.
    #[serde(default)]
    pub max_ttl: Option<Marked<Length>>,
    /// New SQL that removes the user.
    #[serde(default)]
    pub revocation_statements: Option<Vec<Marked<String>>>,
}

/// A dynamic role is deleted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeleteRole {
    /// The dynamic role.
    pub role: Marked<Ref>,
}
