//! The faults that the model knows: how each is written, what it does to Vault and to the database, and what it needs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Cited;

/// A fault of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// Vault is sealed, and unsealed when it heals.
    Seal,
    /// Vault is killed, and started when it heals.
    Kill,
    /// Vault is stopped and started at once.
    Restart,
    /// The leader steps down and leads again.
    StepDown,
    /// Vault's connections to the database are closed, and new ones refused.
    Down,
    /// The same with a reset.
    Reset,
    /// Packets between Vault and the database vanish.
    Cut,
    /// The database answers Vault late.
    Latency,
    /// The database is stopped.
    DatabaseStop,
    /// The database is killed.
    DatabaseKill,
    /// The database is paused.
    DatabasePause,
    /// The database is stopped and started at once.
    DatabaseRestart,
    /// Vault's sessions at the database are ended.
    SessionsEnded,
    /// The password of Vault's own user is changed, and its sessions are ended.
    RootPassword,
    /// Vault's own user may not log in, and its sessions are ended.
    RootLocked,
    /// Vault's own user may make no users.
    RootPrivilege,
}

/// Whether Vault serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vault {
    /// It does.
    Serving,
    /// It is there, and sealed.
    Sealed,
    /// Nothing answers.
    Away,
}

/// What Vault finds when it calls the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// It does what it is asked for.
    Working,
    /// It answers with a refusal of this code.
    Refusing(&'static str, Cited),
    /// Nobody answers.
    Unreachable,
    /// It takes the connection and keeps silent.
    Silent,
}

/// What a fault is a fault of. Two faults of one kind are never in force at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Vault.
    Vault,
    /// The link between Vault and the database.
    Link,
    /// The database server.
    Database,
    /// Vault's own user there.
    Root,
}

impl Fault {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 16] = [
        Self::Seal,
        Self::Kill,
        Self::Restart,
        Self::StepDown,
        Self::Down,
        Self::Reset,
        Self::Cut,
        Self::Latency,
        Self::DatabaseStop,
        Self::DatabaseKill,
        Self::DatabasePause,
        Self::DatabaseRestart,
        Self::SessionsEnded,
        Self::RootPassword,
        Self::RootLocked,
        Self::RootPrivilege,
    ];

    /// Its name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Kill => "kill",
            Self::Restart => "restart",
            Self::StepDown => "step_down",
            Self::Down => "down",
            Self::Reset => "reset",
            Self::Cut => "cut",
            Self::Latency => "latency",
            Self::DatabaseStop => "database_stop",
            Self::DatabaseKill => "database_kill",
            Self::DatabasePause => "database_pause",
            Self::DatabaseRestart => "database_restart",
            Self::SessionsEnded => "sessions_ended",
            Self::RootPassword => "root_password",
            Self::RootLocked => "root_locked",
            Self::RootPrivilege => "root_privilege",
        }
    }

    /// Where it is.
    pub const fn place(self) -> Place {
        match self {
            Self::Seal | Self::Kill | Self::Restart | Self::StepDown => Place::Vault,
            Self::Down | Self::Reset | Self::Cut | Self::Latency => Place::Link,
            Self::DatabaseStop | Self::DatabaseKill | Self::DatabasePause | Self::DatabaseRestart => Place::Database,
            Self::SessionsEnded | Self::RootPassword | Self::RootLocked | Self::RootPrivilege => Place::Root,
        }
    }

    /// Whether it is over at once, and has no time in which other things happen.
    pub const fn is_momentary(self) -> bool {
        matches!(self, Self::Restart | Self::DatabaseRestart | Self::SessionsEnded)
    }

    /// Whether Vault forgets everything unless its storage is on a disk.
    pub const fn needs_raft(self) -> bool {
        matches!(self, Self::Kill | Self::Restart | Self::StepDown)
    }

    /// How long it takes at most until it is seen, and again until it is seen to be healed, on a machine that is not busy.
    pub const fn takes(self) -> Duration {
        match self {
            // A node that has stepped down does not stand again for 10 seconds.
            Self::StepDown => Duration::from_secs(12),
            Self::Restart | Self::Kill => Duration::from_secs(3),
            _ => Duration::from_millis(800),
        }
    }

    /// What it makes of Vault.
    pub const fn vault(self) -> Vault {
        match self {
            Self::Seal => Vault::Sealed,
            Self::Kill | Self::Restart | Self::StepDown => Vault::Away,
            _ => Vault::Serving,
        }
    }

    /// What Vault finds at the database.
    pub const fn target(self) -> Target {
        match self {
            Self::Seal | Self::Kill | Self::Restart | Self::StepDown | Self::Latency => Target::Working,
            Self::Down
            | Self::Reset
            | Self::DatabaseStop
            | Self::DatabaseKill
            | Self::DatabaseRestart
            | Self::SessionsEnded => Target::Unreachable,
            Self::Cut | Self::DatabasePause => Target::Silent,
            Self::RootPassword => Target::Refusing("28P01", "DB-10"),
            Self::RootLocked => Target::Refusing("28000", "DB-14"),
            Self::RootPrivilege => Target::Refusing("42501", "DB-09"),
        }
    }

    /// Whether applications that call the database themselves find it.
    pub const fn lets_log_in(self) -> bool {
        !matches!(self.place(), Place::Database)
    }

    /// How it is written, outermost first: each within the block of the one before.
    pub const fn written(self) -> &'static [&'static str] {
        match self {
            Self::Seal => &["{ seal: {} }"],
            Self::Kill => &["{ kill: { server: vault } }"],
            Self::Restart => &["{ restart: { server: vault } }"],
            Self::StepDown => &["{ step_down: {} }"],
            Self::Down => &["{ down: { from: vault, to: postgres } }"],
            Self::Reset => &["{ reset: { from: vault, to: postgres } }"],
            Self::Cut => &["{ cut: { from: vault, to: postgres } }"],
            Self::Latency => &["{ latency: { from: vault, to: postgres, latency: 50ms } }"],
            Self::DatabaseStop => &["{ stop: { server: postgres } }"],
            Self::DatabaseKill => &["{ kill: { server: postgres } }"],
            Self::DatabasePause => &["{ pause: { server: postgres } }"],
            Self::DatabaseRestart => &["{ restart: { server: postgres } }"],
            Self::SessionsEnded => &["{ terminate_sessions: { of: database/postgres } }"],
            Self::RootPassword => &[
                "{ change_root_password: { of: database/postgres } }",
                "{ terminate_sessions: { of: database/postgres } }",
            ],
            Self::RootLocked => {
                &["{ lock_root: { of: database/postgres } }", "{ terminate_sessions: { of: database/postgres } }"]
            }
            Self::RootPrivilege => &["{ revoke_privilege: { of: database/postgres } }"],
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is no fault{hint} faults are {all}", hint = .like.map_or("; the".to_owned(), |like| format!(", did you mean `{like}`? The")))]
pub struct UnknownFault {
    word: String,
    like: Option<&'static str>,
    all: String,
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|fault| fault.name() == word).ok_or_else(|| {
            let names = Self::ALL.map(Self::name);
            let near = |name: &&&'static str| strsim::damerau_levenshtein(name, word) <= 2;
            let like = names.iter().filter(near).min_by_key(|name| strsim::damerau_levenshtein(name, word)).copied();
            UnknownFault { word: word.to_owned(), like, all: names.join(", ") }
        })
    }
}
