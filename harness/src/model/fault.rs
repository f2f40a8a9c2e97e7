//! The faults that the model knows: how each is written, what it does to Vault and to the database, and what it needs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Cited;
use crate::scenario::Dbms;

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

/// Why a database refuses Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Its password is wrong.
    Password,
    /// Its user is locked.
    Locked,
    /// It has not the rights.
    Rights,
}

impl Refusal {
    /// The promise that says what Vault answers then.
    pub const fn cites(self) -> Cited {
        match self {
            Self::Password => "DB-10",
            Self::Locked => "DB-14",
            Self::Rights => "DB-09",
        }
    }

    /// The database's code, where it always has the same one.
    pub const fn code(self, dbms: Dbms) -> Option<&'static str> {
        match (dbms, self) {
            (Dbms::Postgres, Self::Password) => Some("28P01"),
            (Dbms::Postgres, Self::Locked) => Some("28000"),
            (Dbms::Postgres, Self::Rights) => Some("42501"),
            (Dbms::Mysql, Self::Password) => Some("1045"),
            // MySQL and MariaDB have each their own, and one for each kind of statement.
            (Dbms::Mysql, Self::Locked | Self::Rights) => None,
        }
    }
}

/// What Vault finds when it calls the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// It does what it is asked for.
    Working,
    /// It answers with a refusal.
    Refusing(Refusal),
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
    pub const fn takes(self, dbms: Dbms) -> Duration {
        match self {
            // MySQL brings its tables in order before it lets anybody in.
            Self::DatabaseStop | Self::DatabaseKill | Self::DatabaseRestart if matches!(dbms, Dbms::Mysql) => {
                Duration::from_secs(4)
            }
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
            Self::RootPassword => Target::Refusing(Refusal::Password),
            Self::RootLocked => Target::Refusing(Refusal::Locked),
            Self::RootPrivilege => Target::Refusing(Refusal::Rights),
        }
    }

    /// Whether applications that call the database themselves find it.
    pub const fn lets_log_in(self) -> bool {
        !matches!(self.place(), Place::Database)
    }

    /// How it is written, outermost first: each within the block of the one before.
    pub fn written(self, dbms: Dbms) -> Vec<String> {
        let link = |what: &str, more: &str| vec![format!("{{ {what}: {{ from: vault, to: {dbms}{more} }} }}")];
        let server = |what: &str| vec![format!("{{ {what}: {{ server: {dbms} }} }}")];
        let root = |what: &str| format!("{{ {what}: {{ of: database/{dbms} }} }}");
        let ended = root("terminate_sessions");
        match self {
            Self::Seal => vec!["{ seal: {} }".to_owned()],
            Self::Kill => vec!["{ kill: { server: vault } }".to_owned()],
            Self::Restart => vec!["{ restart: { server: vault } }".to_owned()],
            Self::StepDown => vec!["{ step_down: {} }".to_owned()],
            Self::Down => link("down", ""),
            Self::Reset => link("reset", ""),
            Self::Cut => link("cut", ""),
            Self::Latency => link("latency", ", latency: 50ms"),
            Self::DatabaseStop => server("stop"),
            Self::DatabaseKill => server("kill"),
            Self::DatabasePause => server("pause"),
            Self::DatabaseRestart => server("restart"),
            Self::SessionsEnded => vec![ended],
            Self::RootPassword => vec![root("change_root_password"), ended],
            Self::RootLocked => vec![root("lock_root"), ended],
            // MySQL reads a session's rights when it begins.
            Self::RootPrivilege if dbms == Dbms::Mysql => vec![root("revoke_privilege"), ended],
            Self::RootPrivilege => vec![root("revoke_privilege")],
        }
    }

    /// What stands behind its block, so that nothing of it is left: what has begun without rights goes on without them.
    pub fn written_after(self, dbms: Dbms) -> Option<String> {
        let is_left = self == Self::RootPrivilege && dbms == Dbms::Mysql;
        is_left.then(|| "{ terminate_sessions: { of: database/mysql } }".to_owned())
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
