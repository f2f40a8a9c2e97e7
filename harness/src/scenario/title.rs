//! What a step does, in words: for plans, progress and reports.

use std::fmt::{self, Write as _};

use super::file::{
    Answer, Api, AuditEntry, ExpectAudit, ExpectCertificate, ExpectLease, ExpectLedger, ExpectLogin, ExpectMetric,
    ExpectPrincipal, ExpectSession, ExpectStaticRole, ExpectToken, Field, Method, Node, OnLink, Race, Renew, Repair,
    Revoke, Rotate, Server, Snapshot, TtlRange, Wait, When,
};
use serde_json::Value;

use super::mark::Marked;
use super::one::{Broken, Expected, Throughout};
use super::word::{Length, Name};
use super::{Timing, Verb};

impl fmt::Display for TtlRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.at_least, self.at_most) {
            (Some(least), Some(most)) if least == most => write!(f, "{least}"),
            (Some(least), Some(most)) => write!(f, "{least} to {most}"),
            (Some(least), None) => write!(f, "at least {least}"),
            (None, Some(most)) => write!(f, "at most {most}"),
            (None, None) => f.write_str("any"),
        }
    }
}

impl fmt::Display for Timing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now => Ok(()),
            Self::Within(limit) => write!(f, ", within {}", Length(*limit)),
            Self::ForAtLeast(length) => write!(f, ", for at least {}", Length(*length)),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(step) => {
                write!(f, "issue {}", *step.role)?;
                at_node(f, step.node)?;
                step.name.as_ref().map_or(Ok(()), |name| write!(f, " as {}", **name))?;
                step.token.as_ref().map_or(Ok(()), |token| write!(f, " with token {}", **token))?;
                step.ttl.as_ref().map_or(Ok(()), |ttl| write!(f, " for {}", **ttl))?;
                answers(f, step.answers.as_deref())
            }
            Self::Read(step) => {
                write!(f, "read static role {} as {}", *step.static_role, *step.name)?;
                answers(f, step.answers.as_deref())
            }
            Self::Renew(step) => {
                f.write_str(&renew(step))?;
                at_node(f, step.node)?;
                answers(f, step.answers.as_deref())
            }
            Self::Revoke(step) => {
                f.write_str(&revoke(step))?;
                answers(f, step.answers.as_deref())
            }
            Self::Rotate(step) => {
                f.write_str(&rotate(step))?;
                answers(f, step.answers.as_deref())
            }
            Self::Token(step) => {
                write!(f, "make token {}", *step.name)?;
                step.parent.as_ref().map_or(Ok(()), |parent| write!(f, " below {}", **parent))?;
                step.ttl.as_ref().map_or(Ok(()), |ttl| write!(f, ", ttl {}", **ttl))?;
                answers(f, step.answers.as_deref())
            }
            Self::Open(step) => write!(f, "open session {} with {}", *step.session, *step.with),
            Self::Repair(step) => {
                f.write_str(&repair(step))?;
                answers(f, step.answers.as_deref())
            }
            Self::Snapshot(step) => {
                f.write_str(&snapshot(step))?;
                answers(f, step.answers.as_deref())
            }
            Self::Start(step) => {
                write!(f, "start {}", *step.server)?;
                step.node.map_or(Ok(()), |node| write!(f, " {}", *node))?;
                f.write_str(if *step.comes_up { ", which comes up" } else { ", which ends by itself" })
            }
            Self::Api(step) => {
                write!(f, "{} {}", method(step), *step.path)?;
                at_node(f, step.node)?;
                step.token.as_ref().map_or(Ok(()), |token| write!(f, " with token {}", **token))?;
                step.wrap_ttl.map_or(Ok(()), |ttl| write!(f, ", wrapped for {}", *ttl))?;
                let names: Vec<&str> = step.keeps.iter().map(|(name, _)| name.as_str()).collect();
                let names = names.into_iter().chain(step.keeps_token.as_deref().map(Name::as_str)).collect::<Vec<_>>();
                if !names.is_empty() {
                    write!(f, ", keeps {}", names.join(", "))?;
                }
                answers(f, step.answers.as_deref())
            }
            Self::Race(step) => {
                let Race { api, callers, accepted, accepted_at_most, .. } = &**step;
                write!(f, "{} callers race for {} {}", **callers, method(api), *api.path)?;
                accepted.map_or(Ok(()), |n| write!(f, " → {} accepted", *n))?;
                accepted_at_most.map_or(Ok(()), |n| write!(f, " → at most {} accepted", *n))?;
                step.others.as_ref().map_or(Ok(()), |others| write!(f, ", others {}", others.words()))
            }
            Self::Sql(step) => write!(f, "sql: {}", first_words(&step.run)),
        }
    }
}

fn at_node(f: &mut fmt::Formatter<'_>, node: Option<Marked<Node>>) -> fmt::Result {
    node.map_or(Ok(()), |node| write!(f, " at {}", *node))
}

fn renew(step: &Renew) -> String {
    let what = match (&step.lease, &step.token) {
        (Some(lease), _) => format!("renew the lease of {}", **lease),
        (None, Some(token)) => format!("renew token {}", **token),
        (None, None) => "renew".to_owned(),
    };
    step.increment.as_ref().map_or(what.clone(), |by| format!("{what} by {}", **by))
}

fn revoke(step: &Revoke) -> String {
    let mut text = match step {
        Revoke { lease: Some(lease), .. } => format!("revoke the lease of {}", **lease),
        Revoke { prefix: Some(role), .. } => format!("revoke all leases of {}", **role),
        Revoke { token: Some(token), .. } => format!("revoke token {}", **token),
        Revoke { accessor: Some(token), .. } => format!("revoke token {} by its accessor", **token),
        Revoke { orphaning: Some(token), .. } => format!("revoke token {} alone", **token),
        _ => "revoke".to_owned(),
    };
    if step.force.as_deref() == Some(&true) {
        text += ", by force";
    }
    match step.sync.as_deref() {
        Some(true) => text += ", sync",
        Some(false) => text += ", async",
        None => {}
    }
    text
}

fn rotate(step: &Rotate) -> String {
    match (&step.static_role, &step.root) {
        (Some(role), _) => format!("rotate static role {}", **role),
        (None, Some(root)) => format!("rotate the root password of {}", **root),
        (None, None) => "rotate".to_owned(),
    }
}

fn snapshot(step: &Snapshot) -> String {
    match (&step.save, &step.restore) {
        (Some(name), _) => format!("save snapshot {}", **name),
        (None, Some(name)) if step.force.is_some_and(|force| *force) => format!("restore snapshot {} by force", **name),
        (None, Some(name)) => format!("restore snapshot {}", **name),
        (None, None) => "snapshot".to_owned(),
    }
}

fn repair(step: &Repair) -> String {
    match (&step.password_of, &step.reset) {
        (Some(of), _) => format!("write the present root password into {}", **of),
        (None, Some(of)) => format!("reset {}", **of),
        (None, None) => "repair".to_owned(),
    }
}

fn answers(f: &mut fmt::Formatter<'_>, answer: Option<&Answer>) -> fmt::Result {
    let text = answer.map(Answer::words).unwrap_or_default();
    if text.is_empty() { Ok(()) } else { write!(f, " → {text}") }
}

impl Answer {
    /// What it demands, in words.
    pub fn words(&self) -> String {
        let mut parts = Vec::new();
        let mut part = |name: &str, value: Option<String>| parts.extend(value.map(|v| format!("{name}{v}")));
        part("no answer", self.lost.map(|_| String::new()));
        part("status ", self.status.map(|v| v.value.to_string()));
        part("served", self.served.map(|_| String::new()));
        part("refused: ", self.refused.map(|v| v.value.to_string()));
        part("target code ", self.target_code.as_ref().map(|v| v.value.clone()));
        part("error with ", self.error.as_ref().map(|v| format!("“{}”", v.value)));
        part("warning with ", self.warning.as_ref().map(|v| format!("“{}”", v.value)));
        part("ttl ", self.ttl.map(|v| v.value.to_string()));
        part("", self.renewable.map(|v| yes(*v, "renewable")));
        part("", self.data.map(|v| yes(*v, "with data")));
        parts.extend(self.fields.iter().map(|(way, field)| format!("{} {}", way.value, field.words())));
        parts.join(", ")
    }
}

impl Field {
    /// What it demands, in words.
    pub fn words(&self) -> String {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let list = |all: &Vec<Value>| all.iter().map(plain).collect::<Vec<_>>().join(", ");
        let mut parts = Vec::new();
        parts.extend(self.equals.as_ref().map(plain));
        parts.extend(self.present.map(|there| if there { "there".to_owned() } else { "not there".to_owned() }));
        parts.extend(self.at_least.map(|least| format!("at least {least}")));
        parts.extend(self.at_most.map(|most| format!("at most {most}")));
        parts.extend(self.contains.as_ref().map(|part| format!("with “{part}”")));
        parts.extend(self.differs_from.as_ref().map(|other| format!("other than {}", plain(other))));
        parts.extend(self.has.as_ref().map(|all| format!("with {}", list(all))));
        parts.extend(self.lacks.as_ref().map(|all| format!("without {}", list(all))));
        parts.extend(self.count.map(|count| format!("of {count}")));
        parts.join(" and ")
    }
}

fn method(api: &Api) -> Method {
    api.method.as_deref().copied().unwrap_or_default()
}

fn yes(so: bool, what: &'static str) -> String {
    if so { what.to_owned() } else { format!("not {what}") }
}

fn first_words(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 70 { line.chars().take(69).chain(['…']).collect() } else { line }
}

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expect ")?;
        match self {
            Self::Lease(e) => lease(f, e),
            Self::Leases(e) => write!(f, "{} leases of {}", *e.count, *e.of),
            Self::Login(e) => login(f, e),
            Self::Principal(e) => principal(f, e),
            Self::Session(e) => session(f, e),
            Self::Token(e) => token(f, e),
            Self::StaticRole(e) => static_role(f, e),
            Self::Health(e) => {
                f.write_str("health status")?;
                e.node.map_or(Ok(()), |node| write!(f, " of {}", *node))?;
                write!(f, " {}", *e.status)
            }
            Self::Metric(e) => metric(f, e),
            Self::Audit(e) => audit(f, e),
            Self::Certificate(e) => certificate(f, e),
            Self::Api(e) => {
                write!(f, "{} {}", method(e), *e.path)?;
                at_node(f, e.node)?;
                answers(f, e.answers.as_deref())
            }
            Self::Sql(e) => {
                write!(f, "sql: {}", first_words(&e.run))?;
                e.returns.as_ref().map_or(Ok(()), |v| write!(f, " → {}", **v))?;
                e.refused.as_ref().map_or(Ok(()), |v| write!(f, " → refused: {}", **v))
            }
            Self::Consumer(e) => write!(f, "what consumer {} holds to be {}", *e.of, *e.credential),
            Self::Ledger(ExpectLedger::Reconciled) => f.write_str("the ledgers to agree"),
            Self::Ledger(ExpectLedger::Orphans) => f.write_str("an orphan: a user that Vault does not know"),
            Self::Ledger(ExpectLedger::EarlyDeaths) => f.write_str("a lease whose user is gone"),
        }
    }
}

fn lease(f: &mut fmt::Formatter<'_>, e: &ExpectLease) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.gone.map(|v| if *v { "gone".to_owned() } else { "there".to_owned() }));
    parts.extend(e.ttl.map(|v| format!("with ttl {}", *v)));
    parts.extend(e.renewable.map(|v| yes(*v, "renewable")));
    parts.extend(e.irrevocable.map(|v| yes(*v, "irrevocable")));
    write!(f, "the lease of {} to be {}", *e.of, parts.join(", "))
}

fn metric(f: &mut fmt::Formatter<'_>, e: &ExpectMetric) -> fmt::Result {
    write!(f, "metric {}", *e.name)?;
    e.node.map_or(Ok(()), |node| write!(f, " of {}", *node))?;
    e.equals.map_or(Ok(()), |value| write!(f, " to be {}", *value))?;
    e.at_least.map_or(Ok(()), |value| write!(f, " to be at least {}", *value))?;
    e.at_most.map_or(Ok(()), |value| write!(f, " to be at most {}", *value))
}

fn certificate(f: &mut fmt::Formatter<'_>, e: &ExpectCertificate) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.crl.map(|state| format!("{} by its CRL", *state)));
    parts.extend(e.ocsp.map(|state| format!("{} by OCSP", *state)));
    parts.extend(e.expired.map(|v| yes(*v, "expired")));
    parts.extend(e.authority_expired.map(|v| yes(*v, "of an expired authority")));
    write!(f, "certificate {} to be {}", *e.of, parts.join(", "))
}

fn audit(f: &mut fmt::Formatter<'_>, e: &ExpectAudit) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.redacted.map(|_| "to hold no secret in clear".to_owned()));
    parts.extend(e.paired.map(|_| "to have a response to every request".to_owned()));
    parts.extend(e.hashed.as_ref().map(|of| format!("to hold the HMAC of {}", **of)));
    parts.extend(e.has.as_ref().map(|entry| format!("to have {}", **entry)));
    parts.extend(e.lacks.as_ref().map(|entry| format!("to lack {}", **entry)));
    write!(f, "audit device {} {}", *e.of, parts.join(" and "))
}

impl fmt::Display for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an entry")?;
        self.kind.as_ref().map_or(Ok(()), |kind| write!(f, " of a {}", **kind))?;
        self.operation.as_ref().map_or(Ok(()), |operation| write!(f, " to {}", **operation))?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, " {}", **path))?;
        self.error.as_ref().map_or(Ok(()), |error| write!(f, " with error “{}”", **error))?;
        self.lease_of.as_ref().map_or(Ok(()), |of| write!(f, " that names the lease of {}", **of))
    }
}

fn login(f: &mut fmt::Formatter<'_>, e: &ExpectLogin) -> fmt::Result {
    match (&e.refused, &e.accepted) {
        (Some(cause), _) => write!(f, "a login with {} to be refused: {}", *e.with, **cause),
        (None, Some(accepted)) if !**accepted => write!(f, "a login with {} to be refused", *e.with),
        _ => write!(f, "a login with {} to be accepted", *e.with),
    }
}

fn principal(f: &mut fmt::Formatter<'_>, e: &ExpectPrincipal) -> fmt::Result {
    write!(f, "the user of {}", *e.of)?;
    if let Some(exists) = e.exists {
        f.write_str(if *exists { " to be there" } else { " to be gone" })?;
    }
    e.valid_after_lease_end.map_or(Ok(()), |v| write!(f, " to be valid {} after its lease", *v))
}

fn session(f: &mut fmt::Formatter<'_>, e: &ExpectSession) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.alive.map(|v| if *v { "be alive" } else { "be dead" }));
    parts.extend(e.reads_table.map(|v| if *v { "read the table" } else { "not read the table" }));
    write!(f, "session {} to {}", *e.of, parts.join(" and "))
}

fn token(f: &mut fmt::Formatter<'_>, e: &ExpectToken) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.alive.map(|v| if *v { "be alive".to_owned() } else { "be dead".to_owned() }));
    parts.extend(e.ttl.map(|v| format!("have ttl {}", *v)));
    write!(f, "token {} to {}", *e.of, parts.join(" and "))
}

fn static_role(f: &mut fmt::Formatter<'_>, e: &ExpectStaticRole) -> fmt::Result {
    let mut parts = Vec::new();
    parts.extend(e.changed_since.as_ref().map(|v| format!("have another password than {}", **v)));
    parts.extend(e.same_as.as_ref().map(|v| format!("still have the password {}", **v)));
    parts.extend(e.ttl.map(|v| format!("have ttl {}", *v)));
    parts.extend(e.logs_in.map(|v| if *v { "log in".to_owned() } else { "not log in".to_owned() }));
    write!(f, "static role {} to {}", *e.of, parts.join(" and "))
}

impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link = |f: &mut fmt::Formatter<'_>, how: &str, on: &OnLink| {
            write!(f, "{how} {}→{}", *on.from, *on.to)?;
            on.when.as_ref().map_or(Ok(()), |when| write!(f, " {}", **when))
        };
        match self {
            Self::Down(on) => link(f, "down", on),
            Self::Cut(on) => link(f, "cut", on),
            Self::Reset(on) => link(f, "reset", on),
            Self::Latency(t) => write!(f, "latency {}→{}: {}", *t.from, *t.to, *t.latency),
            Self::Bandwidth(t) => write!(f, "bandwidth {}→{}: {} bytes/s", *t.from, *t.to, *t.bytes_per_second),
            Self::SlowClose(t) => write!(f, "slow close {}→{}: {}", *t.from, *t.to, *t.delay),
            Self::Timeout(t) => write!(f, "timeout {}→{}: {}", *t.from, *t.to, *t.after),
            Self::Slicer(t) => write!(f, "slicer {}→{}: {} bytes", *t.from, *t.to, *t.average_bytes),
            Self::LimitData(t) => write!(f, "limit data {}→{}: {} bytes", *t.from, *t.to, *t.bytes),
            Self::Partition(on) => {
                let nodes: Vec<String> = on.nodes.iter().map(|node| node.to_string()).collect();
                write!(f, "partition {} from the other nodes", nodes.join(", "))
            }
            Self::Stop(on) => write!(f, "stop {}", whom(on.server, on.node)),
            Self::Kill(on) => {
                write!(f, "kill {}", whom(on.server, on.node))?;
                on.when.as_ref().map_or(Ok(()), |when| write!(f, " {}", **when))
            }
            Self::Pause(on) => write!(f, "pause {}", whom(on.server, on.node)),
            Self::Disconnect(on) => write!(f, "disconnect {}", whom(on.server, on.node)),
            Self::Restart(on) => write!(f, "restart {}", whom(on.server, on.node)),
            Self::Upgrade(on) => {
                f.write_str("upgrade vault")?;
                on.node.map_or(Ok(()), |node| write!(f, " {}", *node))
            }
            Self::Replace(on) => write!(f, "replace vault {}", *on.node),
            Self::Seal(on) => {
                f.write_str("seal vault")?;
                on.when.as_ref().map_or(Ok(()), |when| write!(f, " {}", **when))
            }
            Self::StepDown(_) => f.write_str("step down"),
            Self::RevokeToken(on) => write!(f, "revoke the token of {}", *on.of),
            Self::ExpireToken(on) => write!(f, "let the token of {} expire", *on.of),
            Self::NarrowPolicy(on) => write!(f, "narrow the policy of {}", *on.of),
            Self::TuneMount(on) => {
                write!(f, "tune {}", *on.mount)?;
                on.default_lease_ttl.map_or(Ok(()), |v| write!(f, ", default {}", *v))?;
                on.max_lease_ttl.map_or(Ok(()), |v| write!(f, ", max {}", *v))
            }
            Self::ChangeRole(on) => write!(f, "change role {}", *on.role),
            Self::DeleteRole(on) => write!(f, "delete role {}", *on.role),
            Self::ChangeRootPassword(on) => write!(f, "change the root password of {}", *on.of),
            Self::LockRoot(on) => write!(f, "lock the root user of {}", *on.of),
            Self::RevokePrivilege(on) => write!(f, "take CREATEROLE from the root user of {}", *on.of),
            Self::TerminateSessions(on) => write!(f, "terminate the root sessions of {}", *on.of),
            Self::ExhaustConnections(on) => write!(f, "exhaust the connections of {}", *on.of),
            Self::DropUser(on) => write!(f, "drop the user of {} by hand", *on.of),
            Self::FillDisk(on) => match (&on.audit, on.server) {
                (Some(of), _) => {
                    write!(f, "fill the disk of audit device {}", **of)?;
                    on.leaves.map_or(Ok(()), |leaves| write!(f, " but for {} bytes", *leaves))?;
                    on.node.map_or(Ok(()), |node| write!(f, " at the {}", *node))
                }
                (None, Some(server)) => write!(f, "fill the disk of {}", *server),
                (None, None) => f.write_str("fill a disk"),
            },
            Self::HangAudit(on) => write!(f, "hang audit device {}", *on.of),
            Self::DropAudit(on) => write!(f, "drop audit device {}", *on.of),
            Self::BlockAudit(on) => write!(f, "block the path of audit device {}", *on.of),
            Self::DisableAudit(on) => write!(f, "disable audit device {}", *on.of),
            Self::OwnObjects(on) => write!(f, "let the user of {} own a table", *on.of),
            Self::Throttle(t) => {
                write!(f, "throttle {} {}→{}", action(t.action.as_ref()), *t.from, *t.to)
            }
            Self::FailRequests(t) => {
                let status = t.status.map_or(503, |status| *status);
                write!(f, "answer {status} to {} {}→{}", action(t.action.as_ref()), *t.from, *t.to)
            }
            Self::DeleteRootKey(_) => f.write_str("delete vault's own access key"),
            Self::SecondRootKey(_) => f.write_str("give vault's own IAM user a second access key"),
            Self::DeleteUser(on) => write!(f, "delete the IAM user of {} by hand", *on.of),
        }
    }
}

/// `postgres`, `vault`, `vault leader`.
fn whom(server: Marked<Server>, node: Option<Marked<Node>>) -> String {
    node.map_or_else(|| server.to_string(), |node| format!("{} {}", *server, *node))
}

fn action(action: Option<&crate::scenario::mark::Marked<String>>) -> &str {
    action.map_or("every request", |action| action.as_str())
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.statement.as_ref().or(self.request.as_ref()).or(self.action.as_ref());
        let what = what.map(|pattern| pattern.value.as_str());
        let (moment, is) = if self.after.is_some() { ("after", "is done") } else { ("before", "is sent") };
        write!(f, "{moment} “{}” {is}", what.unwrap_or_default())
    }
}

impl fmt::Display for Throughout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CredentialGap(e) => {
                write!(f, "{} is without a working credential at most {}", e.who(), *e.at_most)
            }
            Self::RecoversWithin(e) => {
                write!(f, "{} has a working credential within {} of each fault's healing", e.who(), *e.at_most)
            }
            Self::MintedPerMinute(e) => {
                write!(f, "consumer {} takes at most {} credentials a minute", *e.consumer, *e.at_most)
            }
            Self::AsksEvery(e) => {
                let (request, from, to) = (e.request.as_str(), *e.at_least, *e.at_most);
                write!(f, "consumer {} makes “{request}” every {from} to {to}", *e.consumer)
            }
            Self::NoDeadCredential(e) => {
                write!(f, "consumer {} does not go on with a credential that was refused", *e.consumer)
            }
            Self::NoSecretInLog(e) => write!(f, "consumer {} writes no secret to its logs", *e.consumer),
            Self::NoEarlyDeath(_) => f.write_str("no credential is refused while its lease is alive"),
            Self::NoZombie(_) => f.write_str("no credential works after its end"),
        }
    }
}

/// What a wait is for, in words; `drawn` is the length that the seed gave a wait between two bounds.
pub fn wait(step: &Wait, drawn: Option<std::time::Duration>) -> String {
    let mut text = "wait".to_owned();
    if let Some(length) = drawn.map(Length).or(step.length.map(|l| l.value)) {
        // Writing to a String cannot fail.
        let _ = write!(text, " {length}");
    }
    if let Some(of) = &step.end_of {
        let _ = write!(text, " until the lease of {} is over", **of);
        if let Some(plus) = step.plus {
            let _ = write!(text, ", and {} more", *plus);
        }
    }
    text
}
