//! Which TTL a new lease gets from its role and its mount, and settings of the two that may surprise.

use std::time::Duration;

use super::diagnostic::Diagnostic;
use super::file::{Database, Role, ScenarioFile};
use super::mark::Marked;
use super::word::{Length, Ref};

/// What a server takes where neither role nor mount says anything.
pub(super) const SYSTEM_TTL: Duration = Duration::from_secs(768 * 3_600);

/// The TTLs of a role's leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ttls {
    /// What a new lease gets.
    pub(super) issued: Duration,
    /// The age that no renewal passes.
    pub(super) max: Duration,
}

/// The TTLs that a role's leases have, with the mount's where the role says nothing.
pub(super) fn of_role(file: &ScenarioFile, role: &Ref) -> Option<Ttls> {
    if role.mount.as_str() == "aws" {
        return of_aws_role(file, role);
    }
    let database = &file.engines.database.as_ref()?.value;
    database.role(role.name.as_str()).map(|(_, role)| ttls(database, role))
}

/// The TTLs of an IAM user's lease. Those of an STS session are AWS's to say.
fn of_aws_role(file: &ScenarioFile, role: &Ref) -> Option<Ttls> {
    let engine = &file.engines.aws.as_ref()?.value;
    let role = engine.roles.get(role.name.as_str())?;
    if role.credential_type.is_sts() {
        return None;
    }
    let max = engine.lease_max.map_or(SYSTEM_TTL, |max| max.0);
    Some(Ttls { issued: engine.lease.map_or(SYSTEM_TTL, |lease| lease.0).min(max), max })
}

fn ttls(database: &Database, role: &Role) -> Ttls {
    let mount_max = database.max_lease_ttl.map_or(SYSTEM_TTL, |max| max.0);
    let max = role.max_ttl.map_or(mount_max, |max| max.0.min(mount_max));
    let default = role.default_ttl.or(database.default_lease_ttl).map_or(SYSTEM_TTL, |default| default.0);
    Ttls { issued: default.min(max), max }
}

/// Warns of TTLs that the server quietly cuts.
pub(super) fn surprises(file: &ScenarioFile) -> Vec<Diagnostic> {
    let Some(database) = &file.engines.database else { return Vec::new() };
    let roles = database.connections().flat_map(|(_, connection)| connection.roles.iter());
    roles.filter_map(|(_, role)| surprise(&database.value, role)).collect()
}

fn surprise(database: &Database, role: &Role) -> Option<Diagnostic> {
    let cut = |ttl: Marked<Length>, key: &str, max: Marked<Length>, whose: &str| {
        Diagnostic::warning(ttl.at, format!("`{key}` is above {whose} ({})", max.value))
            .label("will be cut")
            .see(max.at, "the maximum")
            .help(format!("the server accepts this, and leases get {} with a warning", max.value))
    };
    if let (Some(default), Some(max)) = (role.default_ttl, role.max_ttl)
        && default.0 > max.0
    {
        return Some(cut(default, "default_ttl", max, "the role's maximum"));
    }
    let mount_max = database.max_lease_ttl?;
    match (role.max_ttl, role.default_ttl) {
        (Some(max), _) if max.0 > mount_max.0 => Some(cut(max, "max_ttl", mount_max, "the mount's maximum")),
        (None, Some(default)) if default.0 > mount_max.0 => {
            Some(cut(default, "default_ttl", mount_max, "the mount's maximum"))
        }
        _ => None,
    }
}
