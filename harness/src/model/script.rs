//! A sequence of operations as a scenario: after each operation stands what the model says of every lease and token. What
//! is written is a file that `leaseproof run` takes as it is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use super::compare::What;
use super::draw::Bounds;
use super::fault::Fault;
use super::operation::{Kind, Operation, Revocation, Role, StaticRole, TokenEnd};
use super::state::{Answer, BRIEF_TOKEN_TTL, Model, TOKEN_TTL};
use super::writer::{CALL, Count, LATE_CALL, Lines};
use super::{Cited, Path};
use crate::scenario::Dbms;
use crate::time::Interval;

pub use super::writer::Mark;

/// What stands above the steps.
const STEPS: &str = "steps:\n";
/// How much later than counted a call may come on a machine that is not busy.
const SPARE: Duration = Duration::from_secs(2);
/// What is waited for in all, so that a sequence takes seconds and not minutes.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A lease whose end is further away is not waited for.
const NEAR: Duration = Duration::from_secs(13);
/// A token that lives so much longer outlives the sequence, and may have children.
const OUTLIVES: Duration = Duration::from_secs(120);
/// So many leases and tokens are looked at after each operation.
const MOST_LEASES: usize = 8;
const MOST_TOKENS: usize = 5;
/// How long a revocation that failed may take until it is tried again: the second attempt, at the latest.
const RETRIED: Duration = Duration::from_secs(100);
/// How long the ledgers may take to agree when nothing is in the way.
const LEDGERS: Duration = Duration::from_secs(30);

/// A sequence as a scenario.
#[derive(Debug, Clone)]
pub struct Script {
    /// The file.
    pub text: String,
    /// What is in it besides its name: two sequences with the same body are the same.
    pub body: String,
    /// Its operations, in the order of their lines.
    pub marks: Vec<Mark>,
}

impl Script {
    /// Writes a sequence down. What cannot be done where it stands, or of which nothing can be said, is left out.
    pub fn write(name: &str, about: &str, operations: &[Operation], bounds: &Bounds) -> Self {
        let mut walk = Walk::new(operations, bounds);
        for operation in operations {
            walk.operation(operation);
        }
        walk.end();
        let head = format!("name: {}\nabout: {}\n", quoted(name), quoted(about));
        let setting = walk.setting();
        let before = head.lines().count() + setting.lines().count();
        let mut marks = walk.lines.marks.clone();
        for mark in &mut marks {
            // Lines of a file are counted from 1.
            mark.line += before + 1;
        }
        let body = format!("{setting}{}{}", walk.lines.text(), walk.always());
        Self { text: format!("{head}{body}"), body, marks }
    }

    /// How many operations it has, faults among them.
    pub fn operations(&self) -> usize {
        self.marks.len()
    }

    /// The steps, and what must hold throughout.
    pub fn steps(&self) -> &str {
        self.body.split_once(STEPS).map_or("", |(_, steps)| steps)
    }

    /// The steps up to the one on this line, with all that belongs to that one; `None` when none is there.
    pub fn steps_up_to(&self, line: usize) -> Option<String> {
        let steps: Vec<&str> = self.steps().lines().collect();
        let before = self.text.lines().count() - steps.len();
        let failed = line.checked_sub(before + 1).filter(|failed| *failed < steps.len())?;
        // What follows a step's own line and begins no step is its time and its promises.
        let rest = steps[failed + 1..].iter().take_while(|line| !line.trim_start().starts_with(['-', '#'])).count();
        Some(steps[..=failed + rest].iter().flat_map(|line| [*line, "\n"]).collect())
    }
}

/// One walk over the operations.
pub(super) struct Walk {
    pub(super) model: Model,
    pub(super) count: Count,
    pub(super) lines: Lines,
    roles: BTreeSet<Role>,
    static_roles: BTreeSet<StaticRole>,
    /// How often each static role was read under a name.
    pub(super) reads: [usize; 2],
    at_once: usize,
    waited: Duration,
    needs_raft: bool,
    /// What was seen to be over is not looked at after each operation any more.
    pub(super) told: BTreeSet<(What, usize)>,
    pub(super) let_in: bool,
    pub(super) kept_out: bool,
}

impl Walk {
    fn new(operations: &[Operation], bounds: &Bounds) -> Self {
        let roles = operations.iter().filter_map(|operation| match operation {
            Operation::Issue { role, .. } | Operation::RevokeRole(role) => Some(*role),
            _ => None,
        });
        let static_roles = operations.iter().filter_map(|operation| match operation {
            Operation::ReadStatic(role) | Operation::RotateStatic(role) => Some(*role),
            _ => None,
        });
        Self {
            model: Model::new(bounds.dbms, SPARE),
            count: Count::default(),
            lines: Lines::default(),
            // A stack without any role could not be tried before the first step.
            roles: roles.chain([Role::App]).collect(),
            static_roles: static_roles.collect(),
            reads: [0; 2],
            at_once: bounds.at_once,
            waited: Duration::ZERO,
            needs_raft: false,
            told: BTreeSet::new(),
            let_in: false,
            kept_out: false,
        }
    }

    // --------------------------------------------------------------------------------------------------- operations

    fn operation(&mut self, operation: &Operation) {
        let done = match *operation {
            Operation::Break(fault) => self.breaks(fault),
            Operation::Mend => self.mends(),
            Operation::Wait(seconds) => self.wait(Duration::from_secs(seconds)),
            Operation::WaitForEnd(back) => self.wait_for_end(back),
            _ => self.call(operation).is_some(),
        };
        if done {
            self.compare(false);
        }
    }

    /// A call of Vault's API, if the model can say what its answer must be.
    fn call(&mut self, operation: &Operation) -> Option<()> {
        let mut count = self.count;
        let is_late = self.model.faults().contains(&Fault::Latency);
        let at = count.takes(if is_late { LATE_CALL } else { CALL });
        let path = Path { kind: operation.kind(), faults: self.model.faults().to_vec() };
        let (step, answer) = match *operation {
            Operation::Issue { role, token } => self.issue(role, token, at)?,
            Operation::Renew { lease, increment } => {
                let id = back(lease, self.model.leases().len())?;
                let answer = self.model.renew(id, increment.map(Duration::from_secs), at)?;
                let increment = increment.map(|seconds| format!(", increment: {seconds}s")).unwrap_or_default();
                (format!("renew: {{ lease: {}{increment}", lease_name(id)), answer)
            }
            Operation::Revoke { lease, how } => {
                let id = back(lease, self.model.leases().len())?;
                let answer = self.model.revoke(id, how, at)?;
                let how = match how {
                    Revocation::Waiting => "sync: true",
                    Revocation::Queued => "sync: false",
                    Revocation::Forced => "force: true",
                };
                (format!("revoke: {{ lease: {}, {how}", lease_name(id)), answer)
            }
            Operation::RevokeRole(role) => {
                let answer = self.model.revoke_role(role, at)?;
                (format!("revoke: {{ prefix: database/{}", role.name()), answer)
            }
            Operation::Token { parent, is_brief } => self.token(parent, is_brief, at)?,
            Operation::RenewToken(token) => {
                let id = back(token, self.model.tokens().len())?;
                let answer = self.model.renew_token(id, BRIEF_TOKEN_TTL, at)?;
                (format!("renew: {{ token: {}, increment: {}s", token_name(id), BRIEF_TOKEN_TTL.as_secs()), answer)
            }
            Operation::EndToken { token, how } => {
                let id = back(token, self.model.tokens().len())?;
                let answer = self.model.end_token(id, how, at)?;
                let how = match how {
                    TokenEnd::Itself => "token",
                    TokenEnd::Accessor => "accessor",
                    TokenEnd::Orphaning => "orphaning",
                };
                (format!("revoke: {{ {how}: {}", token_name(id)), answer)
            }
            Operation::RotateRoot => {
                (format!("rotate: {{ root: database/{}", self.model.dbms()), self.model.rotate_root()?)
            }
            Operation::ReadStatic(role) => {
                let answer = self.model.read_static(role, at)?;
                self.reads[role as usize] += usize::from(matches!(answer, Answer::Done { .. }));
                let name = match answer {
                    Answer::Done { .. } => password_name(role, self.reads[role as usize]),
                    Answer::Refused { .. } => format!("refused_{}", self.lines.count()),
                };
                (format!("read: {{ static_role: database/{}, as: {name}", role.name()), answer)
            }
            Operation::RotateStatic(role) => {
                let answer = self.model.rotate_static(role, at)?;
                (format!("rotate: {{ static_role: database/{}", role.name()), answer)
            }
            Operation::Wait(_) | Operation::WaitForEnd(_) | Operation::Break(_) | Operation::Mend => return None,
        };
        self.count = count;
        let (answers, cites) = words(&answer);
        self.lines.operation(path, &format!("{step}, {answers} }}"), Some(cites));
        Some(())
    }

    fn issue(&mut self, role: Role, token: Option<usize>, at: Interval) -> Option<(String, Answer)> {
        if self.model.leases().len() >= MOST_LEASES {
            return None;
        }
        let token = token.and_then(|token| back(token, self.model.tokens().len()));
        let answer = self.model.issue(role, token, at)?;
        let mut step = format!("issue: {{ role: database/{}", role.name());
        if let Answer::Done { .. } = answer {
            let _ = write!(step, ", as: {}", lease_name(self.model.leases().len() - 1));
        }
        if let Some(token) = token {
            let _ = write!(step, ", token: {}", token_name(token));
        }
        Some((step, answer))
    }

    fn token(&mut self, parent: Option<usize>, is_brief: bool, at: Interval) -> Option<(String, Answer)> {
        let tokens = self.model.tokens();
        if tokens.len() >= MOST_TOKENS {
            return None;
        }
        let parent = parent.and_then(|parent| back(parent, tokens.len()));
        let parent = parent.filter(|parent| tokens[*parent].end.sent > at.answered.plus(OUTLIVES));
        let answer = self.model.make_token(parent, is_brief, at)?;
        // A token that was refused needs a name all the same, and nobody speaks of it.
        let name = match answer {
            Answer::Done { .. } => token_name(self.model.tokens().len() - 1),
            Answer::Refused { .. } => format!("refused_{}", self.lines.count()),
        };
        let ttl = if is_brief { BRIEF_TOKEN_TTL } else { TOKEN_TTL };
        let roles: Vec<String> = self.roles.iter().map(|role| format!("database/{}", role.name())).collect();
        let mut step = format!("token: {{ as: {name}, ttl: {}s, may_issue: [{}]", ttl.as_secs(), roles.join(", "));
        if let Some(parent) = parent {
            let _ = write!(step, ", parent: {}", token_name(parent));
        }
        Some((step, answer))
    }

    fn wait(&mut self, length: Duration) -> bool {
        if self.waited + length > LONGEST_WAIT {
            return false;
        }
        self.waited += length;
        self.count.waits(length);
        self.lines.step(&format!("wait: {{ for: {}s }}", length.as_secs()), None, None);
        true
    }

    fn wait_for_end(&mut self, of: usize) -> bool {
        let Some(id) = back(of, self.model.leases().len()) else { return false };
        let mut count = self.count;
        let now = count.takes(Duration::ZERO).sent;
        let left = self.model.end_of(id).since(now);
        let is_open = self.model.leases()[id].is_open();
        if !is_open || left.is_zero() || left > NEAR || self.waited + left > LONGEST_WAIT {
            return false;
        }
        self.waited += left;
        self.count.waits_until(self.model.waited_out(id).plus(Duration::from_secs(1)));
        self.lines.step(&format!("wait: {{ end_of: {}, plus: 1s }}", lease_name(id)), None, None);
        true
    }

    fn breaks(&mut self, fault: Fault) -> bool {
        if self.model.faults().len() >= self.at_once || !self.model.can_break(fault) {
            return false;
        }
        let written = fault.written(self.model.dbms());
        let [first, then @ ..] = written.as_slice() else { return false };
        let at = self.count.takes(fault.takes(self.model.dbms()));
        let mut faults = self.model.faults().to_vec();
        faults.push(fault);
        self.lines.operation(Path { kind: Kind::Fault, faults }, &format!("fault: {first}"), None);
        if !fault.is_momentary() {
            self.lines.open();
        }
        for next in then {
            self.lines.step(&format!("fault: {next}"), None, None);
        }
        self.needs_raft |= fault.needs_raft();
        self.model.breaks(fault, at);
        true
    }

    fn mends(&mut self) -> bool {
        let Some(fault) = self.model.faults().last() else { return false };
        let dbms = self.model.dbms();
        let (takes, after) = (fault.takes(dbms), fault.written_after(dbms));
        if self.lines.is_block_empty() {
            // Something has to stand there.
            self.wait(Duration::from_secs(1));
            if self.lines.is_block_empty() {
                self.lines.step("wait: { for: 100ms }", None, None);
            }
        }
        let at = self.count.takes(takes);
        self.lines.close();
        if let Some(after) = after {
            self.lines.step(&format!("fault: {after}"), None, None);
        }
        self.model.mends(at);
        true
    }

    // ---------------------------------------------------------------------------------------------------- the frame

    /// Everything is healed, what was held up is done, and the ledgers agree.
    fn end(&mut self) {
        while !self.model.faults().is_empty() {
            self.mends();
        }
        self.lines.remark("Everything is healed: what was held up is made up for, and the ledgers agree.");
        self.compare(true);
        let at = self.look();
        for id in 0..self.model.leases().len() {
            if self.model.awaits_retry(id, at) {
                let name = lease_name(id);
                self.lines.step(
                    &format!("expect: {{ lease: {{ of: {name}, gone: true }} }}"),
                    Some(RETRIED),
                    Some("LEASE-03"),
                );
                let look = format!("expect: {{ login: {{ with: {name}, refused: authentication }} }}");
                self.lines.step(&look, None, Some("LEASE-03"));
            }
        }
        for role in StaticRole::ALL {
            self.compare_rotation(role);
        }
        let (ledger, cites) =
            if self.model.leaves_orphans() { ("orphans", "LEASE-08") } else { ("reconciled", "LEASE-01") };
        self.lines.step(&format!("expect: {{ ledger: {ledger} }}"), Some(LEDGERS), Some(cites));
    }

    fn setting(&self) -> String {
        let guarantees: Vec<&str> = self.lines.cited.iter().copied().collect();
        let vault = if self.needs_raft { "{ storage: raft }" } else { "{}" };
        let dbms = self.model.dbms();
        let mut text = format!("guarantees: [{}]\nstack: {{ vault: {vault}, {dbms}: {{}} }}\n", guarantees.join(", "));
        let _ = write!(text, "engines:\n  database:\n    {dbms}:\n      roles:\n");
        for role in &self.roles {
            let ttls = format!("default_ttl: {}s, max_ttl: {}s", role.ttl().as_secs(), role.max_ttl().as_secs());
            let name = role.name();
            if role.has_valid_until() || dbms == Dbms::Mysql {
                let _ = writeln!(text, "        {name}: {{ {ttls} }}");
            } else {
                let _ = writeln!(
                    text,
                    "        {name}: {{ {ttls}, creation_statements: ['CREATE ROLE \"{{{{name}}}}\" WITH LOGIN PASSWORD ''{{{{password}}}}'';'] }}"
                );
            }
        }
        if !self.static_roles.is_empty() {
            text.push_str("      static_roles:\n");
        }
        for role in &self.static_roles {
            let _ = writeln!(text, "        {}: {{ rotation_period: {} }}", role.name(), role.period_word());
        }
        text.push_str(STEPS);
        text
    }

    fn always(&self) -> String {
        let mut text = String::new();
        if self.let_in || self.kept_out {
            text.push_str("always:\n");
        }
        // Where nothing of the kind is seen they would say nothing.
        if self.let_in {
            text.push_str("  - no_early_death: {}\n    cites: [LEASE-01]\n");
        }
        if self.kept_out {
            text.push_str("  - no_zombie: { grace: 15s }\n    cites: [LEASE-01]\n");
        }
        text
    }
}

/// What an answer must be, as a step has it, and by which promise.
fn words(answer: &Answer) -> (String, Cited) {
    match answer {
        Answer::Done { status, ttl: None, cites } => (format!("answers: {{ status: {status} }}"), cites),
        Answer::Done { status, ttl: Some((least, most)), cites } => {
            let least = least.map(|least| format!("at_least: {least}s, ")).unwrap_or_default();
            (format!("answers: {{ status: {status}, ttl: {{ {least}at_most: {most}s }} }}"), cites)
        }
        Answer::Refused { status, cause, code, cites } => {
            let cause = cause.map(|cause| format!(", refused: {cause}")).unwrap_or_default();
            let code = code.map(|code| format!(", target_code: '{code}'")).unwrap_or_default();
            (format!("answers: {{ status: {status}{cause}{code} }}"), cites)
        }
    }
}

/// The number of what was made so many back, when there are so many; counting goes round.
fn back(back: usize, count: usize) -> Option<usize> {
    (count > 0).then(|| count - 1 - back % count)
}

pub(super) fn lease_name(id: usize) -> String {
    format!("lease_{}", id + 1)
}

pub(super) fn token_name(id: usize) -> String {
    format!("token_{}", id + 1)
}

pub(super) fn password_name(role: StaticRole, number: usize) -> String {
    format!("{}_{number}", role.name())
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
