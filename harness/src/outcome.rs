//! What a call came to: it was done, it was refused for a cause, or nobody can say.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The three things that can come of a call. A request that timed out may have happened: that is [`Outcome::Unknown`],
/// and no check may read it as a refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// The server did it and said so.
    Ok(T),
    /// The server answered that it will not, and why.
    Refused(Refusal),
    /// No answer, or none that speaks of the request.
    Unknown(Unknown),
}

impl<T> Outcome<T> {
    /// The reply, if the server did it.
    pub fn ok(&self) -> Option<&T> {
        match self {
            Self::Ok(reply) => Some(reply),
            Self::Refused(_) | Self::Unknown(_) => None,
        }
    }

    /// The reply, or in words why there is none.
    pub fn said(self) -> Result<T, String>
    where
        Self: fmt::Display,
    {
        match self {
            Self::Ok(reply) => Ok(reply),
            no => Err(no.to_string()),
        }
    }

    /// The refusal, if there is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Ok(_) | Self::Unknown(_) => None,
        }
    }

    /// Whether an answer about the request was had at all.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown(_))
    }

    /// The same outcome with another reply.
    pub fn map<U>(self, reply: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Ok(value) => Outcome::Ok(reply(value)),
            Self::Refused(refusal) => Outcome::Refused(refusal),
            Self::Unknown(unknown) => Outcome::Unknown(unknown),
        }
    }

    /// The outcome without its reply.
    pub fn done(&self) -> Outcome<()> {
        match self {
            Self::Ok(_) => Outcome::Ok(()),
            Self::Refused(refusal) => Outcome::Refused(refusal.clone()),
            Self::Unknown(unknown) => Outcome::Unknown(unknown.clone()),
        }
    }
}

impl<T> fmt::Display for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(_) => f.write_str("done"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

/// An answer of "no", with its cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// What the answer means, the same word for every server.
    pub cause: Cause,
    /// The server's own code: an HTTP status, a SQLSTATE, or AWS's word.
    pub code: String,
    /// The server's own words, cleaned of secrets.
    pub message: String,
    /// The code that the target behind the answering server gave, where the answer quotes one (Vault quoting PostgreSQL).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_code: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused: {} ({}", self.cause, self.code)?;
        if let Some(code) = &self.target_code {
            write!(f, ", target {code}")?;
        }
        write!(f, " {})", self.message.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join(" "))
    }
}

/// Why a server refuses. These are the words that scenario files use in `refused:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    // ---- a database speaks
    /// The credential is not, or no longer, good (SQLSTATE 28P01, 28000; at AWS `InvalidClientTokenId`).
    Authentication,
    /// The credential is good, the right is missing (SQLSTATE 42501; at AWS `AccessDenied`).
    Privilege,
    /// The role behind an open session is gone (SQLSTATE 42704, 22023 "invalid role OID", 42501 on a dropped role).
    RoleGone,
    /// No connection is left (SQLSTATE 53300).
    TooManyConnections,
    /// The server is starting, stopping or recovering (SQLSTATE 57P01 to 57P03). Says nothing of the credential.
    Unavailable,
    /// The statement itself is wrong, or something stands in its way (any other SQLSTATE, 2BP01 among them).
    Statement,
    // ---- Vault speaks
    /// Sealed (503).
    Sealed,
    /// A standby that does not serve this (429, 473).
    Standby,
    /// No such token, or the token may not (403).
    PermissionDenied,
    /// `invalid lease` on lookup (400).
    InvalidLease,
    /// `lease not found` on renewal (400).
    LeaseNotFound,
    /// `lease expired` on renewal (400).
    LeaseExpired,
    /// The lease cannot be renewed at all (400).
    NotRenewable,
    /// Past the max TTL (400).
    PastMaxTtl,
    /// Revocation failed for good; the lease is irrevocable (400).
    Irrevocable,
    /// The role or connection is not there (400, 404).
    UnknownRole,
    /// The connection does not allow this role (500).
    NotAllowedRole,
    /// Vault could not reach the target: refused, reset, no route (400, 500).
    TargetUnreachable,
    /// The target answered Vault with a refusal; its code stands beside (400, 500).
    TargetRefused,
    /// Vault gave up waiting for the target (500 `context canceled`, `context deadline exceeded`).
    TargetSilent,
    /// A quota or limit (429; at AWS `Throttling`, `LimitExceeded`).
    RateLimited,
    /// `unsupported path`, or nothing there (404; at AWS `NoSuchEntity`).
    NotFound,
    /// The mount is tainted: being unmounted (404).
    Tainted,
    /// Vault rejects the request itself (any other 400, 405, 412).
    InvalidRequest,
    /// Any other failure inside the server (5xx).
    Internal,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The word of the scenario file, so that a report can be pasted back into one.
        self.serialize(f)
    }
}

/// Why nothing is known of a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unknown {
    /// What was missing.
    pub why: Silence,
    /// The transport's own words.
    pub detail: String,
}

impl Unknown {
    /// A deadline that passed.
    pub fn deadline(after: Duration) -> Self {
        Self { why: Silence::Deadline, detail: format!("no answer within {}", crate::scenario::word::Length(after)) }
    }

    /// Whether the request may have reached the server and been done.
    pub fn may_have_happened(&self) -> bool {
        match self.why {
            Silence::Unreachable => false,
            Silence::Deadline | Silence::Lost | Silence::Garbled => true,
        }
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown: {} ({})", self.why, self.detail)
    }
}

/// The kinds of not knowing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Silence {
    /// Nothing was sent: no connection could be had.
    Unreachable,
    /// No answer before the call's deadline.
    Deadline,
    /// The connection broke after something was sent.
    Lost,
    /// An answer came that speaks neither way.
    Garbled,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What became of a promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Observed to be kept.
    Held,
    /// Too little was observed to say.
    Inconclusive,
    /// Observed to be broken, whichever way the times are read.
    Violated,
}

impl Verdict {
    /// Violated beats Inconclusive beats Held.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        self.max(other)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// A verdict with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// Held, violated or inconclusive.
    pub verdict: Verdict,
    /// One sentence: what was expected and what was seen, or what was missing.
    pub because: String,
    /// Numbers (`seq`) of the history's entries that show it.
    #[serde(default)]
    pub evidence: Vec<u64>,
}

impl Judgement {
    /// Kept, with the entries that show it.
    pub fn held(because: impl Into<String>, evidence: Vec<u64>) -> Self {
        Self { verdict: Verdict::Held, because: because.into(), evidence }
    }

    /// Broken, with the entries that show it.
    pub fn violated(because: impl Into<String>, evidence: Vec<u64>) -> Self {
        Self { verdict: Verdict::Violated, because: because.into(), evidence }
    }

    /// Not enough seen.
    pub fn inconclusive(because: impl Into<String>, evidence: Vec<u64>) -> Self {
        Self { verdict: Verdict::Inconclusive, because: because.into(), evidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn violated_beats_inconclusive_beats_held() {
        assert_eq!(Verdict::Held.worse(Verdict::Inconclusive), Verdict::Inconclusive);
        assert_eq!(Verdict::Violated.worse(Verdict::Inconclusive), Verdict::Violated);
        assert_eq!(Verdict::Held.worse(Verdict::Held), Verdict::Held);
    }

    #[test]
    fn a_cause_prints_as_the_word_that_scenario_files_use() {
        assert_eq!(Cause::TargetUnreachable.to_string(), "target_unreachable");
        assert_eq!(Silence::Deadline.to_string(), "deadline");
        assert_eq!(Verdict::Held.to_string(), "held");
    }
}
