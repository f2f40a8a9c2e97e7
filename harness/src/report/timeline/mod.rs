//! A history as a picture: lanes with bars for what lasts and ticks for what happened. A pure function; the page only
//! shows what comes out.

mod label;
mod lane;
mod latency;
mod picture;
mod target;

#[cfg(test)]
mod tests;

use picture::Picture;
use serde::Serialize;

use crate::event::Entry;
use crate::outcome::Outcome;
use crate::time::Moment;

/// A history in lanes.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timeline {
    /// The first moment of the history.
    pub from: Moment,
    /// The last. Leases can end after it.
    pub to: Moment,
    /// The faults, which are shaded over all lanes.
    pub windows: Vec<Window>,
    /// The lanes, from top to bottom.
    pub lanes: Vec<Lane>,
}

/// The time of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Window {
    /// Its number in the run.
    pub fault: u32,
    /// What it is, in words.
    pub title: String,
    /// Before it began.
    pub from: Moment,
    /// After its effect was seen.
    pub in_effect: Moment,
    /// After its healing was seen; none when it never was.
    pub to: Option<Moment>,
}

/// One line of the picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// What it is of.
    pub kind: LaneKind,
    /// Of which one, where there can be many.
    pub name: String,
    /// What lasts, in the order of beginning.
    pub bars: Vec<Bar>,
    /// What happened, in the order of the history.
    pub ticks: Vec<Tick>,
}

/// What a lane is of, in the order from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneKind {
    /// The phases of the run.
    Phases,
    /// The scenario's steps.
    Steps,
    /// The faults.
    Faults,
    /// What `sys/health` says: active, standby, sealed; of each node that was asked.
    Health,
    /// Vault: its process, and every call but for those of its health.
    Vault,
    /// The target: its process, and what was asked of it.
    Target,
    /// The users that were seen at the target.
    Principals,
    /// How long calls took, of one server.
    Latency,
    /// All that the probe saw, but for Vault's health.
    Probe,
    /// A client: whether its credential works.
    Client,
    /// A session: whether it answers.
    Session,
    /// A credential: its lease in the first row, what its logins came to in the second.
    Credential,
}

/// Something that lasts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// Its beginning.
    pub from: Moment,
    /// Its end.
    pub to: Moment,
    /// The row within the lane, from 0, for bars that overlap.
    pub row: usize,
    /// What it looks like.
    pub tone: Tone,
    /// What it is, in words.
    pub label: String,
    /// The entry with which it began.
    pub seq: u64,
}

/// What a bar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// A phase.
    Phase,
    /// A fault.
    Fault,
    /// A step that held.
    Held,
    /// A step that was violated.
    Violated,
    /// A step that was inconclusive, or never ended.
    Inconclusive,
    /// The server runs.
    Up,
    /// The server was stopped in good order.
    Stopped,
    /// The server was killed or ended by itself.
    Down,
    /// The server hangs.
    Hung,
    /// The server is a standby.
    Standby,
    /// The server is sealed.
    Sealed,
    /// The client's credential works.
    Working,
    /// The client's credential is refused.
    Refused,
    /// Nothing is known of the client's credential.
    Unknown,
    /// The client has none.
    Without,
    /// A lease, to its end by Vault's word.
    Lease,
    /// What a revocation cut off a lease.
    Cut,
    /// A user that is there.
    There,
}

/// Something that happened. When it did stands in the entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tick {
    /// The entry.
    pub seq: u64,
    /// What it looks like.
    pub mark: Mark,
    /// What it is, in words: [`title`] of the entry.
    #[serde(skip)]
    pub label: String,
}

/// What a tick means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// It was done.
    Ok,
    /// It was refused.
    Refused,
    /// Nobody can say.
    Unknown,
    /// There was no credential to use.
    Without,
    /// A revocation that was done.
    Revoked,
    /// A note.
    Note,
}

/// What a bar of things that go on like this looks like.
impl From<Mark> for Tone {
    fn from(mark: Mark) -> Self {
        match mark {
            Mark::Ok | Mark::Revoked | Mark::Note => Self::Working,
            Mark::Refused => Self::Refused,
            Mark::Unknown => Self::Unknown,
            Mark::Without => Self::Without,
        }
    }
}

impl<T> From<&Outcome<T>> for Mark {
    fn from(outcome: &Outcome<T>) -> Self {
        match outcome {
            Outcome::Ok(_) => Self::Ok,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Unknown(_) => Self::Unknown,
        }
    }
}

/// What an entry is, in a few words.
pub fn title(entry: &Entry) -> String {
    label::of(&entry.event)
}

/// Turns a history into lanes. The entries are those of one scenario, in the order of `seq`.
pub fn of(entries: &[Entry]) -> Timeline {
    let mut picture = Picture::between(
        entries.iter().map(|e| e.at.sent).min().unwrap_or_default(),
        entries.iter().map(|e| e.at.answered).max().unwrap_or_default(),
    );
    for entry in entries {
        picture.draw(entry);
    }
    picture.finish()
}
