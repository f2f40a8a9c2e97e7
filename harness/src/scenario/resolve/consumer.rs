//! Consumers: what is started, what it is given, and where it keeps what it holds.

use std::path::{Component, Path};
use std::time::Duration;

use super::super::Dbms;
use super::super::consumer::{Consumer, Holds, Runs};
use super::super::diagnostic::Diagnostic;
use super::super::file;
use super::super::mark::Marked;
use super::super::placeholder;
use super::super::word::{Name, Ref};
use super::choice::{exactly_one, given};
use super::names::Kind;
use super::{Resolver, USES_EVERY, USES_EVERY_AT_LEAST};

/// Files that leaseproof itself puts into a consumer's folder.
const OWN_FILES: [&str; 4] = ["role_id", "secret_id", "token", "output"];

impl Resolver<'_> {
    pub(super) fn consumers(&mut self, scenario: &Path) -> Vec<Consumer> {
        let file = self.file;
        file.consumers.iter().filter_map(|(name, consumer)| self.consumer(name, consumer, scenario)).collect()
    }

    fn consumer(&mut self, name: &Marked<Name>, consumer: &file::Consumer, scenario: &Path) -> Option<Consumer> {
        self.apart_from_clients(name);
        let given = given!(consumer; program, shell, agent);
        exactly_one("a consumer", name.at, &given, self.lost, &mut self.found);
        let runs_at = given.iter().find_map(|(_, at)| *at).unwrap_or(name.at);
        let runs = self.runs(consumer);
        let holds = consumer.holds.as_ref().map(|holds| self.holds(holds));
        for role in &consumer.may_issue {
            self.role(role);
        }
        for policy in &consumer.policies {
            self.policy(policy);
        }
        let ours = |path: &&Marked<String>| OWN_FILES.contains(&path.trim());
        let named = consumer.holds.iter().map(|holds| &holds.value.file).chain(&consumer.logs);
        for path in named.chain(&consumer.secret_files).filter(ours) {
            let error = Diagnostic::error(path.at, format!("`{}` is a file of leaseproof's own there", path.value));
            self.error(error.label("taken").help("have the consumer write another file"));
        }
        for path in consumer.logs.iter().chain(&consumer.secret_files) {
            self.below(path);
        }
        for (name, text) in consumer.files.iter() {
            self.below(name);
            self.placeholders(text);
        }
        for (name, text) in consumer.environment.iter() {
            self.variable(name);
            self.placeholders(text);
        }
        for (key, length) in [("token_ttl", consumer.token_ttl), ("token_max_ttl", consumer.token_max_ttl)] {
            self.above_zero(key, length.as_ref());
        }
        if let Some(every) = consumer.looks_every.filter(|every| every.0 < USES_EVERY_AT_LEAST) {
            let error = Diagnostic::error(every.at, format!("`looks_every` is below 100ms: {}", every.value));
            self.error(error.label("too often").help("each look opens a connection of its own; 100ms is the least"));
        }
        let mut may_issue: Vec<Ref> = consumer.may_issue.iter().map(|role| role.value.clone()).collect();
        if may_issue.is_empty() {
            may_issue.extend(holds.iter().map(|holds| holds.role.clone()));
        }
        let text = |(name, text): (&Marked<String>, &Marked<String>)| (name.value.clone(), text.value.clone());
        let beside = scenario.parent().unwrap_or(Path::new(""));
        Some(Consumer {
            name: name.value.clone(),
            at: name.at,
            runs: runs?,
            runs_at,
            folder: consumer.folder.as_ref().map(|folder| (beside.join(&folder.value), folder.at)),
            files: consumer.files.iter().map(text).collect(),
            environment: consumer.environment.iter().map(text).collect(),
            may_issue,
            policies: consumer.policies.iter().map(|policy| policy.value.clone()).collect(),
            auth: consumer.auth.map(|auth| auth.value).unwrap_or_default(),
            token_ttl: consumer.token_ttl.map_or(Duration::from_secs(3_600), |ttl| ttl.0),
            token_max_ttl: consumer.token_max_ttl.map_or(Duration::from_secs(86_400), |ttl| ttl.0),
            holds,
            looks_every: consumer.looks_every.map_or(USES_EVERY, |every| every.0),
            restart: consumer.restart.map(|restart| restart.value).unwrap_or_default(),
            logs: consumer.logs.iter().map(|log| log.value.clone()).collect(),
            secret_files: consumer.secret_files.iter().map(|file| file.value.clone()).collect(),
        })
    }

    /// Both have an AppRole of their name.
    fn apart_from_clients(&mut self, name: &Marked<Name>) {
        let file = self.file;
        if let Some((client, _)) = file.clients.iter().find(|(client, _)| client.value == name.value) {
            self.error(
                Diagnostic::error(name.at, format!("a client is named `{}` already", name.value))
                    .label("the second of that name")
                    .see(client.at, "the client")
                    .help("give each its own name: what they log in with is named after them"),
            );
        }
        let mut roles = file.auth.approle.iter().flat_map(|approle| approle.roles.iter());
        if let Some((role, _)) = roles.find(|(role, _)| role.value == name.value) {
            self.error(
                Diagnostic::error(role.at, format!("the consumer `{}` has a role of that name already", name.value))
                    .label("the second role")
                    .see(name.at, "the consumer")
                    .help("give the role another name"),
            );
        }
    }

    /// A policy that the scenario has.
    fn policy(&mut self, name: &Marked<Name>) {
        let policies = &self.file.policies;
        if policies.get(name.as_str()).is_some() || !self.lost.nothing() {
            return;
        }
        let meant = super::super::did_you_mean(name.as_str(), policies.iter().map(|(known, _)| known.as_str()));
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("write it: `policies: {{{}: {{'pki/issue/web': [update]}}}}`", name.value),
        };
        let error = Diagnostic::error(name.at, format!("there is no policy `{}`", name.value));
        self.error(error.label("not in the scenario").help(help));
    }

    fn runs(&mut self, consumer: &file::Consumer) -> Option<Runs> {
        if let Some(words) = &consumer.program {
            words.iter().for_each(|word| self.placeholders(word));
            let mut words_given = words.iter().map(|word| word.value.clone());
            let Some(program) = words_given.next().filter(|program| !program.trim().is_empty()) else {
                let error = Diagnostic::error(words.at, "no program is named").label("empty");
                self.error(error.help("write it as a list: `program: [python3, client.py]`"));
                return None;
            };
            return Some(Runs::Program(program, words_given.collect()));
        }
        if let Some(command) = &consumer.shell {
            self.placeholders(command);
            if command.trim().is_empty() {
                self.error(Diagnostic::error(command.at, "the shell command is empty").label("does nothing"));
            }
            return Some(Runs::Shell(command.value.clone()));
        }
        consumer.agent.as_ref().map(|file| {
            self.below(file);
            Runs::Agent(file.value.clone())
        })
    }

    fn holds(&mut self, holds: &Marked<file::Holds>) -> Holds {
        self.role(&holds.role);
        if holds.role.mount.as_str() == "aws" {
            self.error(
                Diagnostic::error(holds.role.at, "what a consumer holds is tried at a database so far, not at AWS")
                    .label("a role of the AWS engine")
                    .help("leave `holds` out, and look with steps: `expect: {leases: …}`, `expect: {ledger: …}`"),
            );
        }
        self.below(&holds.file);
        let text = |given: &Option<Marked<String>>, else_: &str| {
            given.as_ref().map_or_else(|| else_.to_owned(), |given| given.value.clone())
        };
        Holds {
            role: holds.role.value.clone(),
            file: holds.file.value.clone(),
            format: holds.format.map(|format| format.value).unwrap_or_default(),
            username: text(&holds.username, "username"),
            password: text(&holds.password, "password"),
        }
    }

    /// A path that stays below the folder that it is relative to.
    fn below(&mut self, path: &Marked<String>) {
        let plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if path.trim().is_empty() || !Path::new(path.as_str()).components().all(plain) {
            self.error(
                Diagnostic::error(path.at, format!("`{}` does not lie below the folder it is relative to", path.value))
                    .label("empty, absolute, or with `..` in it")
                    .help("name it from there on: `creds.json`, `logs/app.log`"),
            );
        }
    }

    fn variable(&mut self, name: &Marked<String>) {
        let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
        let fits = name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit());
        if !fits || name.starts_with("LEASEPROOF_") {
            self.error(
                Diagnostic::error(name.at, format!("`{}` is no name for a variable of its own", name.value))
                    .label(if fits { "leaseproof's own begin so" } else { "not the name of a variable" })
                    .help("letters, digits and `_`, not with a digit first, like `LOG_LEVEL`"),
            );
        }
    }

    fn placeholders(&mut self, text: &Marked<String>) {
        if let Some((word, meant)) = placeholder::misspelt(text) {
            self.error(
                Diagnostic::error(text.at, format!("there is no placeholder `{{{{{word}}}}}`"))
                    .label("stands for nothing")
                    .help(format!("did you mean `{{{{{meant}}}}}`?")),
            );
        }
    }

    /// Something that must hold throughout of a client, or of a consumer whose credential can be tried.
    pub(super) fn of_either(&mut self, what: &Marked<file::WithoutCredential>) {
        let given = given!(what; client, consumer);
        exactly_one("an invariant", what.at, &given, self.lost, &mut self.found);
        if let Some(client) = &what.client {
            self.name(Kind::Client, client);
        }
        if let Some(consumer) = &what.consumer {
            self.holder(consumer);
        }
    }

    /// A consumer whose credential can be tried.
    pub(super) fn holder(&mut self, name: &Marked<Name>) {
        self.name(Kind::Consumer, name);
        let consumer = self.file.consumers.get(name.as_str());
        if consumer.is_some_and(|consumer| consumer.holds.is_none()) && self.lost.nothing() {
            self.error(
                Diagnostic::error(name.at, format!("what the consumer `{}` holds cannot be seen", name.value))
                    .label("it does not say where it keeps its credential")
                    .help("let it write the credential to a file, and name that: `holds: {role: …, file: creds.json}`"),
            );
        }
    }

    /// A consumer whose logins a link can read: it holds a credential of PostgreSQL.
    pub(super) fn logs_in_where_it_is_seen(&mut self, name: &Marked<Name>) {
        self.holder(name);
        let file = self.file;
        let holds = file.consumers.get(name.as_str()).and_then(|consumer| consumer.holds.as_ref());
        let engine = file.engines.database.as_ref();
        let dbms = holds.and_then(|holds| engine?.role(holds.role.name.as_str())).map(|(dbms, _)| dbms);
        if let Some(dbms) = dbms.filter(|dbms| *dbms != Dbms::Postgres) {
            self.error(
                Diagnostic::error(name.at, format!("the logins of `{}` cannot be read", name.value))
                    .label(format!(
                        "its credential is one of {}, and only PostgreSQL's logins are read so far",
                        dbms.title()
                    ))
                    .help("judge it with `credential_gap` and `recovers_within`"),
            );
        }
    }

    /// A request that is surely this consumer's: nobody else is on the link.
    pub(super) fn asks_alone(&mut self, asks: &Marked<file::AsksEvery>) {
        self.name(Kind::Consumer, &asks.consumer);
        self.expression(&asks.request);
        if asks.at_least.value > asks.at_most.value {
            self.error(
                Diagnostic::error(asks.at_least.at, format!("{} is above {}", asks.at_least.value, asks.at_most.value))
                    .label("no time lies between them")
                    .see(asks.at_most.at, "at most"),
            );
        }
        self.above_zero("at_most", Some(&asks.at_most));
        let file = self.file;
        let consumers = file.consumers.iter().map(|(other, _)| other).filter(|other| other.value != *asks.consumer);
        if let Some(other) = file.clients.iter().map(|(other, _)| other).chain(consumers).next() {
            self.error(
                Diagnostic::error(asks.consumer.at, format!("`{}` uses the same link to Vault", other.value))
                    .label("whose a request is cannot be told")
                    .see(other.at, "the other")
                    .help("give the consumer a scenario of its own"),
            );
        }
    }

    /// A consumer whose roles nobody else takes credentials from over the same link, so that those are its own.
    pub(super) fn only_taker(&mut self, name: &Marked<Name>) {
        self.name(Kind::Consumer, name);
        let file = self.file;
        let Some(consumer) = file.consumers.get(name.as_str()) else { return };
        let roles = |consumer: &file::Consumer| -> Vec<Ref> {
            let held = consumer.holds.iter().filter(|_| consumer.may_issue.is_empty()).map(|holds| &holds.role);
            consumer.may_issue.iter().chain(held).map(|role| role.value.clone()).collect()
        };
        let own = roles(consumer);
        if own.is_empty() && self.lost.nothing() {
            self.error(
                Diagnostic::error(name.at, format!("the consumer `{}` may take credentials from no role", name.value))
                    .label("nothing to count")
                    .help("name its roles: `may_issue: [database/app]`"),
            );
        }
        let clients = file.clients.iter().filter(|(_, client)| own.contains(&client.holds)).map(|(other, _)| other);
        let consumers = file.consumers.iter().filter(|(other, _)| other.value != name.value);
        let consumers = consumers.filter(|(_, other)| roles(other).iter().any(|role| own.contains(role)));
        if let Some(other) = clients.chain(consumers.map(|(other, _)| other)).next() {
            self.error(
                Diagnostic::error(name.at, format!("`{}` takes credentials from the same role", other.value))
                    .label("whose a credential is cannot be told")
                    .see(other.at, "the other")
                    .help("give each a role of its own"),
            );
        }
    }
}
