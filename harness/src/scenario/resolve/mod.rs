//! From the file's shape to a [`Scenario`] in which every name leads somewhere, or to everything that stands in the way.

mod audit;
mod aws;
mod choice;
mod cluster;
mod consumer;
mod engine;
mod expect;
mod fault;
mod kept;
mod mount;
mod names;
mod operate;
mod step;

use std::sync::Arc;
use std::time::Duration;

use self::names::{Kind, Names};
use super::decode::Lost;
use super::diagnostic::Diagnostic;
use super::file::{self, Node, ScenarioFile};
use super::mark::{Marked, Place};
use super::source::Sources;
use super::word::{Fraction, Length, Name};
use super::{Client, DatabaseServer, Dbms, Invariant, Scenario, Stack};

/// What `max_connections` is when a scenario leaves it out.
const MAX_CONNECTIONS: u32 = 50;
/// Below this the server keeps nearly all connections for superusers.
const FEWEST_CONNECTIONS: u32 = 10;
/// How often a client uses its credential when its scenario leaves it out.
const USES_EVERY: Duration = Duration::from_millis(500);
/// More often than this, opening connections would be all that the machine does.
const USES_EVERY_AT_LEAST: Duration = Duration::from_millis(100);

/// What all rules look at, and where they put what they find.
pub(super) struct Resolver<'a> {
    file: &'a ScenarioFile,
    lost: &'a Lost,
    names: Names,
    /// Position of the present step among all steps, counted as [`Names`] counts them.
    now: usize,
    /// What has been upgraded up to the present step: all that was left, or one node.
    upgraded: Vec<Marked<Option<Node>>>,
    found: Vec<Diagnostic>,
}

/// Resolves a file. The scenario is there only when nothing that was found is an error.
pub(super) fn resolve(file: &ScenarioFile, sources: &Sources, lost: &Lost) -> (Option<Scenario>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let names = Names::collect(file, &mut found);
    let mut resolver = Resolver { file, lost, names, now: 0, upgraded: Vec::new(), found };
    resolver.head();
    let stack = resolver.stack();
    let database = resolver.database();
    let aws = resolver.aws_engine();
    let mounts = resolver.mounts();
    let policies = resolver.policies();
    let clients = resolver.clients();
    let consumers = resolver.consumers(&sources.own().path);
    let steps = resolver.steps(&file.steps);
    let always = resolver.always();
    resolver.whole();
    let mut found = resolver.found;
    if lost.nothing() {
        found.extend(super::timing::check(file));
    }
    if !lost.nothing() || found.iter().any(Diagnostic::is_error) {
        return (None, found);
    }
    let scenario = Scenario {
        name: file.name.value.trim().to_owned(),
        name_at: file.name.at,
        about: file.about.as_ref().map(|about| about.value.trim().to_owned()),
        path: sources.own().path.clone(),
        source: Arc::clone(&sources.own().source),
        sources: sources.clone(),
        guarantees: file.guarantees.iter().map(|id| id.value.clone()).collect(),
        tags: file.tags.iter().map(|tag| tag.value.clone()).collect(),
        stack,
        database,
        aws,
        mounts,
        policies,
        clients,
        consumers,
        steps,
        always,
    };
    (Some(scenario), found)
}

impl Resolver<'_> {
    fn error(&mut self, diagnostic: Diagnostic) {
        self.found.push(diagnostic);
    }

    /// Whether the stack has this server, or would have it were it not for an error that is reported already.
    fn has(&self, dbms: Dbms) -> bool {
        self.file.stack.database(dbms).is_some() || self.lost.word(dbms.word()) || self.lost.word("stack")
    }

    fn head(&mut self) {
        let file = self.file;
        let name = &file.name;
        if name.trim().is_empty() && !self.lost.word("name") {
            self.error(
                Diagnostic::error(name.at, "the scenario's name is empty")
                    .label("no name")
                    .help("one sentence that states the fact which this scenario shows"),
            );
        } else if name.trim().contains('\n') {
            self.error(Diagnostic::error(name.at, "the scenario's name is longer than a line").label("several lines"));
        }
        for (index, id) in file.guarantees.iter().enumerate() {
            if let Some(first) = file.guarantees[..index].iter().find(|first| first.value == id.value) {
                self.error(
                    Diagnostic::error(id.at, format!("`{}` stands here twice", id.value))
                        .label("the second time")
                        .see(first.at, "the first time"),
                );
            }
            if crate::guarantee::catalogue().get(id.as_str()).is_none() {
                self.unknown_guarantee(id);
            }
        }
    }

    fn unknown_guarantee(&mut self, id: &Marked<String>) {
        let catalogue = crate::guarantee::catalogue();
        let help = match catalogue.closest(id.as_str()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "the catalogue lists them: `leaseproof coverage`".to_owned(),
        };
        self.error(
            Diagnostic::error(id.at, format!("there is no guarantee `{}`", super::node::brief(id)))
                .label("not in the catalogue")
                .help(help),
        );
    }

    fn stack(&mut self) -> Stack {
        let stack = &self.file.stack;
        let threshold = stack.vault.key_threshold;
        if let Some(threshold) = threshold.filter(|t| !(1..=10).contains(&t.value)) {
            self.error(
                Diagnostic::error(threshold.at, format!("`key_threshold` cannot be {}", threshold.value))
                    .label("from 1 to 10")
                    .help("it is the number of key shares that unseal needs"),
            );
        }
        let nodes = self.nodes();
        let seal = self.seal();
        let own_disk = self.own_disk();
        let audit = self.audit_devices();
        let mut database = |dbms| stack.database(dbms).map(|server| self.database_server(server));
        let (postgres, mysql) = (database(Dbms::Postgres), database(Dbms::Mysql));
        Stack {
            storage: stack.vault.storage.map_or_else(file::Storage::default, |storage| storage.value),
            seal,
            nodes,
            key_threshold: threshold.map_or(1, |threshold| threshold.value),
            own_disk,
            audit,
            configuration: stack.vault.configuration.as_ref().map(|body| body.0.clone()).unwrap_or_default(),
            postgres,
            mysql,
            aws: stack.aws.map(|aws| aws.server.map_or_else(file::AwsProduct::default, |server| server.value)),
        }
    }

    fn database_server(&mut self, server: &file::DatabaseServer) -> DatabaseServer {
        let connections = server.max_connections;
        if let Some(max) = connections.filter(|max| max.value < FEWEST_CONNECTIONS) {
            self.error(
                Diagnostic::error(max.at, format!("`max_connections` is below {FEWEST_CONNECTIONS}"))
                    .label("too few to run a scenario with")
                    .help("the server keeps some for superusers, and Vault's pool and the probes need the rest"),
            );
        }
        DatabaseServer { max_connections: connections.map_or(MAX_CONNECTIONS, |max| max.value) }
    }

    fn clients(&mut self) -> Vec<Client> {
        let file = self.file;
        file.clients.iter().map(|(name, client)| self.client(&name.value, client)).collect()
    }

    fn client(&mut self, name: &Name, client: &file::Client) -> Client {
        self.role(&client.holds);
        self.client_tells(&client.holds);
        if let Some(every) = client.uses_every.filter(|every| every.0 < USES_EVERY_AT_LEAST) {
            self.error(
                Diagnostic::error(every.at, format!("`uses_every` is below 100ms: {}", every.value))
                    .label("too often")
                    .help("each use opens a connection of its own; 100ms is the least"),
            );
        }
        for (key, length) in [("token_ttl", client.token_ttl), ("token_max_ttl", client.token_max_ttl)] {
            self.above_zero(key, length.as_ref());
        }
        let token_ttl = client.token_ttl.map_or(Duration::from_secs(3_600), |ttl| ttl.0);
        let token_max_ttl = client.token_max_ttl.map_or(Duration::from_secs(86_400), |ttl| ttl.0);
        if let Some(at) = client.token_ttl.or(client.token_max_ttl).map(|ttl| ttl.at)
            && token_ttl > token_max_ttl
        {
            let (ttl, max) = (Length(token_ttl), Length(token_max_ttl));
            self.error(
                Diagnostic::error(at, format!("the token's TTL ({ttl}) is above its max TTL ({max})"))
                    .label("above the maximum")
                    .help("raise `token_max_ttl` or lower `token_ttl`"),
            );
        }
        Client {
            name: name.clone(),
            holds: client.holds.value.clone(),
            renews_at: client.renews_at.map_or(Fraction { numerator: 2, denominator: 3 }, |at| at.value),
            uses_every: client.uses_every.map_or(USES_EVERY, |every| every.0),
            token_ttl,
            token_max_ttl,
        }
    }

    /// Reports a length of nothing where it would mean something else than a person expects.
    fn above_zero(&mut self, key: &str, length: Option<&Marked<Length>>) {
        if let Some(length) = length.filter(|length| length.0.is_zero()) {
            self.error(Diagnostic::error(length.at, format!("`{key}` is 0s")).label("must be above 0s"));
        }
    }

    fn always(&mut self) -> Vec<Invariant> {
        let file = self.file;
        file.always.iter().map(|always| self.invariant(always)).collect()
    }

    fn invariant(&mut self, always: &Marked<file::Always>) -> Invariant {
        let given = choice::given!(always;
            credential_gap, recovers_within, minted_per_minute, asks_every, no_dead_credential, no_secret_in_log,
            no_early_death, no_zombie);
        choice::exactly_one("an invariant", always.at, &given, self.lost, &mut self.found);
        if let Some(gap) = &always.credential_gap {
            self.of_either(gap);
            self.gap_can_be_seen(gap);
        }
        if let Some(recovers) = &always.recovers_within {
            self.of_either(recovers);
            self.recovers_from_something(always.at);
        }
        if let Some(minted) = &always.minted_per_minute {
            self.only_taker(&minted.consumer);
        }
        if let Some(asks) = &always.asks_every {
            self.asks_alone(asks);
        }
        if let Some(dead) = &always.no_dead_credential {
            self.logs_in_where_it_is_seen(&dead.consumer);
        }
        if let Some(of) = &always.no_secret_in_log {
            self.name(Kind::Consumer, &of.consumer);
        }
        let needs_credential = place_of_watch(always);
        if let Some(at) = needs_credential.filter(|_| !self.has_credentials()) {
            self.error(
                Diagnostic::error(at, "there is no credential in this scenario that this could watch")
                    .label("asserts nothing, so it could not fail")
                    .help("add a client or an `issue` step"),
            );
        }
        let cites = self.cites(always.cites.as_deref());
        Invariant { at: always.at, what: always.value.clone(), cites }
    }

    fn gap_can_be_seen(&mut self, gap: &file::WithoutCredential) {
        let file = self.file;
        let client = gap.client.as_ref().and_then(|client| file.clients.get(client.as_str()));
        let consumer = gap.consumer.as_ref().and_then(|consumer| file.consumers.get(consumer.as_str()));
        let (every, who, key) = match (client, consumer) {
            (Some(client), _) => (client.uses_every, "the client uses its credential", "uses_every"),
            (None, Some(consumer)) => (consumer.looks_every, "what the consumer holds is tried", "looks_every"),
            (None, None) => return,
        };
        let every = every.map_or(USES_EVERY, |every| every.0);
        if gap.at_most.0 < every {
            self.error(
                Diagnostic::error(gap.at_most.at, "a gap that short cannot be seen")
                    .label(format!("{who} only every {}", Length(every)))
                    .help(format!("raise `at_most`, or have it done more often with `{key}`")),
            );
        }
    }

    fn recovers_from_something(&mut self, at: Place) {
        if self.lost.nothing() && !any_step(&self.file.steps, &|step| step.fault.is_some()) {
            self.error(
                Diagnostic::error(at, "there is no fault in this scenario to recover from")
                    .label("asserts nothing, so it could not fail")
                    .help("add a `fault` step"),
            );
        }
    }

    fn has_credentials(&self) -> bool {
        let file = self.file;
        !self.lost.nothing() || file.clients.iter().next().is_some() || any_step(&file.steps, &|s| s.issue.is_some())
    }

    /// Rules that look at the scenario as a whole. With a part of it lost they could only guess.
    fn whole(&mut self) {
        let file = self.file;
        if !self.lost.nothing() {
            return;
        }
        if file.steps.is_empty() {
            self.error(
                Diagnostic::error(file.name.at, "the scenario has no steps")
                    .label("nothing happens in it")
                    .help("say under `steps:` what happens"),
            );
            return;
        }
        let answers = |s: &file::Step| {
            [
                choice::place(s.issue.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.read.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.renew.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.revoke.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.rotate.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.token.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.repair.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.snapshot.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.start.as_ref()),
                choice::place(s.api.as_ref().and_then(|v| v.answers.as_ref())),
                choice::place(s.race.as_ref()),
                s.sql.as_ref().and_then(|v| choice::place(v.returns.as_ref()).or(choice::place(v.refused.as_ref()))),
                choice::place(s.expect.as_ref()),
            ]
            .iter()
            .any(Option::is_some)
        };
        if file.always.is_empty() && !any_step(&file.steps, &answers) {
            self.error(
                Diagnostic::error(file.name.at, "nothing is expected anywhere in this scenario, so it could not fail")
                    .label("shows nothing")
                    .help("add an `expect` step, or say what must hold under `always:`"),
            );
        }
    }
}

/// Visits each step, and those below it.
fn each_step<'a>(steps: &'a [Marked<file::Step>], visit: &mut impl FnMut(&'a file::Step)) {
    for step in steps {
        visit(step);
        each_step(step.during.as_deref().unwrap_or_default(), visit);
    }
}

/// Whether a step, or one below it, is so.
fn any_step(steps: &[Marked<file::Step>], is: &impl Fn(&file::Step) -> bool) -> bool {
    steps.iter().any(|step| is(step) || any_step(step.during.as_deref().unwrap_or_default(), is))
}

fn place_of_watch(always: &file::Always) -> Option<Place> {
    choice::place(always.no_early_death.as_ref()).or(choice::place(always.no_zombie.as_ref()))
}
