//! What can be done to a stack, one operation each. An operation speaks of leases and tokens by how long ago they were
//! made, so that a sequence from which something was taken out still means something.

use std::time::Duration;

use super::fault::Fault;

/// A dynamic role of every sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Lives for seconds.
    App,
    /// Lives for minutes: it must not end by itself.
    Slow,
    /// Lives for seconds, and the database knows nothing of its end.
    Bare,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::App, Self::Slow, Self::Bare];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Slow => "slow",
            Self::Bare => "bare",
        }
    }

    /// The TTL of a new lease.
    pub const fn ttl(self) -> Duration {
        match self {
            Self::App => Duration::from_secs(6),
            Self::Slow => Duration::from_secs(300),
            Self::Bare => Duration::from_secs(5),
        }
    }

    /// How old a lease can become.
    pub const fn max_ttl(self) -> Duration {
        match self {
            Self::App => Duration::from_secs(12),
            Self::Slow => Duration::from_secs(600),
            Self::Bare => Duration::from_secs(60),
        }
    }

    /// Whether the database itself ends the login.
    pub const fn has_valid_until(self) -> bool {
        !matches!(self, Self::Bare)
    }
}

/// A static role of every sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaticRole {
    /// Is rotated every few seconds.
    Often,
    /// Is rotated by hand: its period is longer than any sequence.
    Rarely,
}

impl StaticRole {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Often, Self::Rarely];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Often => "often",
            Self::Rarely => "rarely",
        }
    }

    /// The period of its rotations, as files have it.
    pub const fn period_word(self) -> &'static str {
        match self {
            Self::Often => "10s",
            Self::Rarely => "1h",
        }
    }

    /// The period, where a sequence lasts long enough to see it.
    pub const fn period(self) -> Option<Duration> {
        match self {
            Self::Often => Some(Duration::from_secs(10)),
            Self::Rarely => None,
        }
    }

    /// Whether nobody but an operator rotates it while a sequence lasts.
    pub const fn is_by_hand(self) -> bool {
        self.period().is_none()
    }
}

/// How a lease is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Revocation {
    /// Vault answers when it is done.
    Waiting,
    /// Vault answers at once.
    Queued,
    /// Vault forgets the lease whatever the database says.
    Forced,
}

/// How a token is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenEnd {
    /// By itself, with its tree.
    Itself,
    /// By its accessor, with its tree.
    Accessor,
    /// Without its children.
    Orphaning,
}

/// So many leases or tokens back, counted from the last one that was made.
pub type Back = usize;

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// A credential is taken, as root or with a token.
    Issue {
        /// From this role.
        role: Role,
        /// With this token.
        token: Option<Back>,
    },
    /// A lease is renewed.
    Renew {
        /// This one.
        lease: Back,
        /// For so many seconds from now; the role's TTL when `None`.
        increment: Option<u64>,
    },
    /// A lease is revoked.
    Revoke {
        /// This one.
        lease: Back,
        /// How.
        how: Revocation,
    },
    /// All leases of a role are revoked.
    RevokeRole(Role),
    /// A token is made.
    Token {
        /// Below this one.
        parent: Option<Back>,
        /// Whether it lives for seconds, and not for minutes.
        is_brief: bool,
    },
    /// A token is renewed.
    RenewToken(Back),
    /// A token is revoked.
    EndToken {
        /// This one.
        token: Back,
        /// How.
        how: TokenEnd,
    },
    /// Vault takes a new password for its own user.
    RotateRoot,
    /// A static role's password is read.
    ReadStatic(StaticRole),
    /// A static role's password is changed by hand.
    RotateStatic(StaticRole),
    /// Some seconds pass.
    Wait(u64),
    /// The time passes up to the end of a lease.
    WaitForEnd(Back),
    /// A fault begins.
    Break(Fault),
    /// The last fault that began ends.
    Mend,
}

impl Operation {
    /// What is done, as the count of what was reached names it.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Issue { token: None, .. } => Kind::Issue,
            Self::Issue { token: Some(_), .. } => Kind::IssueWithToken,
            Self::Renew { .. } => Kind::Renew,
            Self::Revoke { how: Revocation::Waiting, .. } => Kind::Revoke,
            Self::Revoke { how: Revocation::Queued, .. } => Kind::RevokeQueued,
            Self::Revoke { how: Revocation::Forced, .. } => Kind::RevokeForced,
            Self::RevokeRole(_) => Kind::RevokeRole,
            Self::Token { .. } => Kind::Token,
            Self::RenewToken(_) => Kind::RenewToken,
            Self::EndToken { .. } => Kind::EndToken,
            Self::RotateRoot => Kind::RotateRoot,
            Self::ReadStatic(_) => Kind::ReadStatic,
            Self::RotateStatic(_) => Kind::RotateStatic,
            Self::Wait(_) | Self::WaitForEnd(_) => Kind::Wait,
            Self::Break(_) | Self::Mend => Kind::Fault,
        }
    }
}

/// The kinds of operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A credential is taken as root.
    Issue,
    /// A credential is taken with a token.
    IssueWithToken,
    /// A lease is renewed.
    Renew,
    /// A lease is revoked, and that is waited for.
    Revoke,
    /// A lease is revoked in the background.
    RevokeQueued,
    /// A lease is forgotten.
    RevokeForced,
    /// A role's leases are revoked.
    RevokeRole,
    /// A token is made.
    Token,
    /// A token is renewed.
    RenewToken,
    /// A token is revoked.
    EndToken,
    /// The root password is rotated.
    RotateRoot,
    /// A static role is read.
    ReadStatic,
    /// A static role is rotated.
    RotateStatic,
    /// Time passes.
    Wait,
    /// A fault begins or ends.
    Fault,
}

impl Kind {
    /// Those that are done to the servers.
    pub const OF_SERVERS: [Self; 13] = [
        Self::Issue,
        Self::IssueWithToken,
        Self::Renew,
        Self::Revoke,
        Self::RevokeQueued,
        Self::RevokeForced,
        Self::RevokeRole,
        Self::Token,
        Self::RenewToken,
        Self::EndToken,
        Self::RotateRoot,
        Self::ReadStatic,
        Self::RotateStatic,
    ];

    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::IssueWithToken => "issue with a token",
            Self::Renew => "renew",
            Self::Revoke => "revoke",
            Self::RevokeQueued => "revoke in the background",
            Self::RevokeForced => "revoke by force",
            Self::RevokeRole => "revoke by prefix",
            Self::Token => "make a token",
            Self::RenewToken => "renew a token",
            Self::EndToken => "revoke a token",
            Self::RotateRoot => "rotate root",
            Self::ReadStatic => "read a static role",
            Self::RotateStatic => "rotate a static role",
            Self::Wait => "wait",
            Self::Fault => "fault",
        }
    }
}
