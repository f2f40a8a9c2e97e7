//! What can happen in a run. The runner, clients, probes and faults emit these; the console shows them as they come, the
//! history keeps them, and checks and reports read nothing else.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::outcome::{Judgement, Outcome};
use crate::scenario::file::{Method, Node, Server};
use crate::scenario::mark::Place;
use crate::scenario::source::Sources;
use crate::shape::Shape;
use crate::time::{Interval, Moment};

mod consumer;
mod part;
mod seen;

pub use consumer::{ConsumerState, Heard, Held, OutputSearched};
pub use part::Part;
pub use seen::*;

/// One thing that happened, with its number and the time in which it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Its number in the history, from 0, in the order of writing.
    pub seq: u64,
    /// When: not before `sent`, not after `answered`.
    pub at: Interval,
    /// Who did it.
    pub who: Actor,
    /// The step in which it was done, as numbered in the plan (`4.2`); none for clients and probes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What it was.
    pub event: Event,
    /// What the answer is made of, where it is one of Vault's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Box<Shape>>,
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// leaseproof itself: phases, servers, faults.
    Harness,
    /// The scenario's steps.
    Operator,
    /// The observer that looks all the time.
    Probe,
    /// A client, by its name.
    Client(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harness => f.write_str("harness"),
            Self::Operator => f.write_str("operator"),
            Self::Probe => f.write_str("probe"),
            Self::Client(name) => write!(f, "client {name}"),
        }
    }
}

/// The numbered parts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The plan is saved.
    Plan,
    /// The servers come up.
    StackUp,
    /// Without any fault, everything must work.
    Baseline,
    /// The scenario's steps.
    Steps,
    /// Every fault that is left is healed.
    Heal,
    /// The stack must work again.
    Recover,
    /// The last look at all ledgers.
    FinalReads,
    /// Server logs are taken.
    Logs,
    /// The servers go down and their data goes.
    Down,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plan => "plan",
            Self::StackUp => "stack up",
            Self::Baseline => "baseline",
            Self::Steps => "steps",
            Self::Heal => "heal",
            Self::Recover => "recover",
            Self::FinalReads => "final reads",
            Self::Logs => "logs",
            Self::Down => "down",
        })
    }
}

/// Why a run could not go on to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CutBy {
    /// A server would not start, a disk was full: nothing is said of any promise.
    Environment,
    /// Without any fault, something did not work: no fault was injected.
    Baseline,
    /// A fault could not be injected, or its effect or healing was not seen.
    Fault,
    /// Someone stopped it.
    Interruption,
}

/// A line of a fragment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FragmentLine {
    /// The fragment's file.
    pub file: String,
    /// The line there.
    pub line: usize,
}

impl FragmentLine {
    /// Where something stands in a fragment; none when it stands in the scenario's own file.
    pub fn of(at: Place, sources: &Sources) -> Option<Self> {
        sources.in_fragment(at).map(|(text, line)| Self { file: text.path.display().to_string(), line })
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    // ---- the run itself
    /// A phase began.
    Phase(Phase),
    /// A step began.
    StepBegan {
        /// Its number in the plan.
        number: String,
        /// What it does, in words.
        title: String,
        /// Its line in the scenario file; for a step of a fragment, that of the `use` which brought it.
        line: usize,
        /// Where it stands in a fragment.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fragment: Option<FragmentLine>,
        /// When it is over at the latest, where that is known as it begins: the end of a wait, or of an expectation's time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ends: Option<Moment>,
    },
    /// A step ended.
    StepEnded {
        /// Its number in the plan.
        number: String,
        /// What came of it.
        judgement: Judgement,
    },
    /// A fault was injected: `at.sent` is before it began, `at.answered` after its effect was seen from outside.
    FaultInjected {
        /// Its number among the faults of this run.
        fault: u32,
        /// What it is, in words.
        title: String,
        /// What it disturbs.
        disturbs: Vec<Part>,
        /// How its effect was seen.
        seen: String,
    },
    /// A fault was healed: `at.answered` is after the healing was seen from outside.
    FaultHealed {
        /// Its number among the faults of this run.
        fault: u32,
        /// How the healing was seen; a refusal or silence when it was not.
        outcome: Outcome<String>,
    },
    /// A server's process changed.
    Server {
        /// Which.
        server: Server,
        /// Which node of a cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<Node>,
        /// Into what.
        state: ServerState,
    },
    /// A server's own account of itself.
    Running {
        /// Which.
        server: Server,
        /// Product and version: `openbao 2.7.2`, `postgresql 15.18`.
        product: String,
    },
    /// Something worth telling a reader.
    Note(String),
    /// The harness itself did not run, for most of the time of the entry.
    HeldUp,
    /// The run could not go on to its end.
    CutShort {
        /// Of what kind the reason is.
        by: CutBy,
        /// The reason, in words.
        why: String,
    },

    // ---- Vault
    /// A credential was asked for.
    Issued {
        /// The name by which the run knows it: a step's `as`, or a client's name and a number (`web#2`).
        credential: String,
        /// The dynamic role: `database/app`.
        role: String,
        /// The token it was taken with: a step's `as`, or a client's name; none for the root token.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<String>,
        /// What Vault answered.
        outcome: Outcome<Reply<Lease>>,
    },
    /// A lease was renewed.
    Renewed {
        /// The credential.
        credential: String,
        /// The increment that was asked for, in seconds.
        increment: Option<u64>,
        /// What Vault answered.
        outcome: Outcome<Reply<Renewal>>,
    },
    /// Something was revoked.
    Revoked {
        /// What.
        what: Revocation,
        /// `sync`, if it was sent.
        sync: Option<bool>,
        /// Whether it was `revoke-force`.
        force: bool,
        /// What Vault answered.
        outcome: Outcome<Reply<()>>,
    },
    /// A lease was looked up.
    LeaseRead {
        /// The credential.
        credential: String,
        /// What Vault answered.
        outcome: Outcome<Reply<LeaseState>>,
    },
    /// The leases of a role were listed.
    LeasesListed {
        /// The role.
        role: String,
        /// How many there are.
        outcome: Outcome<Reply<u32>>,
    },
    /// The irrevocable leases were listed.
    IrrevocableListed {
        /// The credential that was looked for.
        credential: String,
        /// Whether its lease is among them.
        outcome: Outcome<Reply<bool>>,
    },
    /// A token was made, renewed or looked up.
    Token {
        /// The name by which the run knows it: a step's `as`, or a client's name.
        token: String,
        /// What was done.
        act: TokenAct,
        /// What Vault answered: the TTL in seconds.
        outcome: Outcome<Reply<TokenState>>,
    },
    /// A static role's password was read.
    StaticRead {
        /// The static role.
        role: String,
        /// The name under which a step keeps the password.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kept_as: Option<String>,
        /// What Vault answered.
        outcome: Outcome<Reply<StaticPassword>>,
        /// What a login with the answered password, straight after, came to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<Outcome<()>>,
        /// After a refused login: whether Vault by then answered another password, so that the refusal says nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rotated_meanwhile: Option<bool>,
    },
    /// A static role or a root credential was rotated on demand.
    Rotated {
        /// Static role or connection: `database/batch`.
        what: String,
        /// Whether it is a connection's root credential.
        root: bool,
        /// What Vault answered.
        outcome: Outcome<Reply<()>>,
    },
    /// `sys/health` was read. The status is known whatever it is.
    Health {
        /// The node of a cluster that was asked; none for whichever is active.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<Node>,
        /// The status.
        outcome: Outcome<u16>,
    },
    /// Any other call of Vault's API.
    Api {
        /// Method.
        method: Method,
        /// Path below `/v1/`.
        path: String,
        /// What Vault answered.
        outcome: Outcome<Reply<()>>,
        /// The fields of the answer about which something is demanded, by the way to each.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        fields: BTreeMap<String, FieldRead>,
        /// The names of values that were to be kept and were not in the answer.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        not_kept: Vec<String>,
    },

    /// A metric was read from `sys/metrics`.
    Metric {
        /// Its name.
        name: String,
        /// Its value, summed over its labels; none when it is not there.
        outcome: Outcome<Option<f64>>,
    },
    /// A certificate was looked at as whoever relies on it does.
    CertificateRead {
        /// The kept value that holds it.
        certificate: String,
        /// What it is.
        outcome: Outcome<CertificateRead>,
    },
    /// What an audit device has taken was read.
    AuditRead {
        /// The device.
        device: String,
        /// What stands in it.
        outcome: Outcome<AuditRead>,
    },
    /// A step started a server.
    Started {
        /// Which.
        server: Server,
        /// Which node of a cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<Node>,
        /// Whether it came up.
        came_up: bool,
        /// How that was seen.
        seen: String,
    },

    // ---- the target
    /// A login straight at the target, and `select 1`.
    Login {
        /// The credential, or the name of a kept static password.
        credential: String,
        /// What the target answered.
        outcome: Outcome<()>,
    },
    /// A client used its credential over its own link: login, and a query on the application's table.
    Used {
        /// The credential; none when the client has none to use.
        credential: Option<String>,
        /// What the target answered; nothing when there was no credential.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome<()>>,
    },
    /// The target was asked for a credential's user.
    PrincipalRead {
        /// The credential.
        credential: String,
        /// The user, if it is there.
        outcome: Outcome<Option<Principal>>,
    },
    /// A session was opened with a credential.
    SessionOpened {
        /// The session.
        session: String,
        /// The credential.
        credential: String,
        /// What the target answered.
        outcome: Outcome<()>,
    },
    /// An open session was used.
    SessionUsed {
        /// The session.
        session: String,
        /// `select 1`.
        answers: Outcome<()>,
        /// Reading the application's table.
        reads_table: Outcome<()>,
    },
    /// SQL of a step.
    Sql {
        /// The statement.
        statement: String,
        /// First column of the first row, if any.
        outcome: Outcome<Option<String>>,
    },

    // ---- consumers
    /// A consumer's process changed.
    Consumer {
        /// Which.
        consumer: String,
        /// Into what.
        state: ConsumerState,
    },
    /// What a consumer holds was read from where it keeps it, and tried straight at the target.
    Held(Held),
    /// Something was said on the clients' links, so many times in the time of the entry.
    Heard {
        /// What.
        heard: Heard,
        /// How many times.
        count: u32,
    },
    /// What a consumer wrote was searched for secrets.
    OutputSearched(OutputSearched),

    // ---- ledgers
    /// All ledgers were read.
    Ledger(LedgerRead),
}

impl Event {
    /// A call of the API of which no field is looked at.
    pub fn api(method: Method, path: String, outcome: Outcome<Reply<()>>) -> Self {
        Self::Api { method, path, outcome, fields: BTreeMap::new(), not_kept: Vec::new() }
    }
}

/// What a server's process is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ServerState {
    /// It runs and answers.
    Ready,
    /// It was stopped in good order.
    Stopped,
    /// It was killed.
    Killed,
    /// It hangs.
    Paused,
    /// It goes on.
    Resumed,
    /// It ended by itself.
    Exited(String),
}
