//! Faults: exactly one kind each, on something that this stack has and that can be healed.

use super::super::Dbms;
use super::super::diagnostic::Diagnostic;
use super::super::file::{Endpoint, Fault, OnServer, Server, Storage, When};
use super::super::mark::{Marked, Place};
use super::super::word::Length;
use super::Resolver;
use super::choice::{exactly_one, given, place};
use super::cluster::node_link;
use super::names::{Kind, Target, client_of};

/// The links that a stack can have, from the end that opens connections.
const LINKS: [(Endpoint, Endpoint); 8] = [
    (Endpoint::Clients, Endpoint::Vault),
    (Endpoint::Clients, Endpoint::Postgres),
    (Endpoint::Clients, Endpoint::Mysql),
    (Endpoint::Vault, Endpoint::Postgres),
    (Endpoint::Vault, Endpoint::Mysql),
    (Endpoint::Vault, Endpoint::Transit),
    (Endpoint::Clients, Endpoint::Aws),
    (Endpoint::Vault, Endpoint::Aws),
];

impl When {
    /// The link on which it comes, for a fault that names none; `dbms`: the database of the stack, of several PostgreSQL.
    pub(crate) fn link(&self, dbms: Dbms) -> (Endpoint, Endpoint) {
        if self.request.is_some() {
            (Endpoint::Clients, Endpoint::Vault)
        } else if self.action.is_some() {
            (Endpoint::Vault, Endpoint::Aws)
        } else {
            (Endpoint::Vault, dbms.endpoint())
        }
    }
}

impl Fault {
    /// The moment for which it waits.
    pub(crate) fn when(&self) -> Option<&Marked<When>> {
        let on_link = [&self.down, &self.cut, &self.reset].into_iter().flatten().find_map(|on| on.when.as_ref());
        on_link.or_else(|| self.kill.as_ref()?.when.as_ref()).or_else(|| self.seal.as_ref()?.when.as_ref())
    }

    /// The link on which that moment comes.
    pub(crate) fn link_read(&self, dbms: Dbms) -> Option<(Endpoint, Endpoint)> {
        let on_link = [&self.down, &self.cut, &self.reset].into_iter().flatten().find(|on| on.when.is_some());
        on_link.map(|on| (on.from.value, on.to.value)).or_else(|| Some(self.when()?.link(dbms)))
    }
}

impl Resolver<'_> {
    pub(super) fn fault(&mut self, fault: &Marked<Fault>) {
        let given = given!(fault;
            down, cut, reset, latency, bandwidth, slow_close, timeout, slicer, limit_data,
            partition, stop, kill, pause, disconnect, restart, upgrade, replace,
            seal, step_down, revoke_token, expire_token, narrow_policy, tune_mount, change_role, delete_role,
            change_root_password, lock_root, revoke_privilege, terminate_sessions, exhaust_connections,
            fill_disk, hang_audit, drop_audit, block_audit, disable_audit,
            drop_user, own_objects,
            throttle, fail_requests, delete_root_key, second_root_key, delete_user);
        exactly_one("a fault", fault.at, &given, self.lost, &mut self.found);
        self.network(fault);
        self.process(fault);
        self.vault(fault);
        self.audit_faults(fault);
        self.aws_faults(fault);
        for on in [
            &fault.change_root_password,
            &fault.lock_root,
            &fault.revoke_privilege,
            &fault.terminate_sessions,
            &fault.exhaust_connections,
        ]
        .into_iter()
        .flatten()
        {
            self.reference(Target::Connection, &on.of);
        }
        for on in [&fault.drop_user, &fault.own_objects].into_iter().flatten() {
            self.note(Kind::Credential, &on.of);
        }
        if let Some(on) = &fault.own_objects
            && self
                .names
                .role_of(&on.of)
                .and_then(|role| self.database_file()?.role(role))
                .is_some_and(|(dbms, _)| dbms == Dbms::Mysql)
        {
            self.error(
                Diagnostic::error(on.of.at, "a user of MySQL owns nothing")
                    .label("nothing would stand in the way of dropping it")
                    .help("tables belong to their database there; this fault is PostgreSQL's alone"),
            );
        }
    }

    fn network(&mut self, fault: &Fault) {
        if let Some(partition) = &fault.partition {
            self.partition(partition);
        }
        for on in [&fault.down, &fault.cut, &fault.reset].into_iter().flatten() {
            self.link(on.from, on.to);
            if let Some(when) = &on.when {
                self.when(when, (on.from.value, on.to.value));
            }
        }
        if let Some(f) = &fault.latency {
            self.link(f.from, f.to);
            self.effective("latency", f.latency.at, f.latency.0.is_zero());
            if let Some(jitter) = f.jitter.filter(|jitter| jitter.value > f.latency.value) {
                self.error(
                    Diagnostic::error(jitter.at, format!("`jitter` is above the latency ({})", f.latency.value))
                        .label("a delay cannot be negative")
                        .see(f.latency.at, "the latency"),
                );
            }
        }
        if let Some(f) = &fault.bandwidth {
            self.link(f.from, f.to);
            let zero = f.bytes_per_second.value == 0;
            self.effective("bytes_per_second", f.bytes_per_second.at, zero);
        }
        if let Some(f) = &fault.slow_close {
            self.link(f.from, f.to);
            self.effective("delay", f.delay.at, f.delay.0.is_zero());
        }
        if let Some(f) = &fault.timeout {
            self.link(f.from, f.to);
            self.effective("after", f.after.at, f.after.0.is_zero());
        }
        if let Some(f) = &fault.slicer {
            self.link(f.from, f.to);
            self.effective("average_bytes", f.average_bytes.at, f.average_bytes.value == 0);
            if let Some(variation) = f.variation_bytes.filter(|v| v.value >= f.average_bytes.value) {
                self.error(
                    Diagnostic::error(variation.at, "`variation_bytes` is not below `average_bytes`")
                        .label("a piece needs at least one byte")
                        .see(f.average_bytes.at, "the average"),
                );
            }
        }
        if let Some(f) = &fault.limit_data {
            self.link(f.from, f.to);
        }
    }

    /// Reports a setting with which the fault would do nothing, or everything at once.
    fn effective(&mut self, key: &str, at: Place, zero: bool) {
        if zero {
            self.error(
                Diagnostic::error(at, format!("`{key}` is 0, and this fault means something above it"))
                    .label("must be above 0")
                    .help("`down` refuses connections, `cut` lets nothing pass"),
            );
        }
    }

    pub(super) fn link(&mut self, from: Marked<Endpoint>, to: Marked<Endpoint>) {
        let link = (from.value, to.value);
        if let Some(nodes) = node_link(from, to) {
            for node in nodes {
                self.node(node);
            }
            if nodes[0].map(|node| node.value) == nodes[1].map(|node| node.value) {
                self.error(
                    Diagnostic::error(to.at, "a node has no link to itself")
                        .label("the same node")
                        .see(from.at, "here"),
                );
            }
            return;
        }
        if !LINKS.contains(&link) {
            let error = Diagnostic::error(to.at, format!("there is no link from `{}` to `{}`", link.0, link.1))
                .label("nobody opens connections this way")
                .see(from.at, "from here");
            let help = if LINKS.contains(&(link.1, link.0)) {
                format!("did you mean `from: {}, to: {}`? `from` is who opens the connections", link.1, link.0)
            } else {
                "the links are `clients` to `vault`, and both to `postgres`, to `mysql` and to `aws`, and in a cluster those \
                 between its nodes and from `clients` to a node"
                    .to_owned()
            };
            self.error(error.help(help));
            return;
        }
        if to.value == Endpoint::Transit {
            self.needs_transit(to.at);
        }
        for end in [from, to] {
            if let Some(dbms) = Dbms::at(end.value) {
                self.needs(dbms, end.at);
            }
        }
        if let Some(end) = [from, to].into_iter().find(|end| end.value == Endpoint::Aws) {
            self.needs_aws(end.at);
        }
    }

    pub(super) fn needs(&mut self, dbms: Dbms, at: Place) {
        if !self.has(dbms) {
            self.error(
                Diagnostic::error(at, format!("there is no {} in this stack", dbms.title()))
                    .label("not in the stack")
                    .see(self.file.stack.at, "the stack")
                    .help(format!("add it: `stack: {{vault: {{}}, {dbms}: {{}}}}`")),
            );
        }
    }

    fn process(&mut self, fault: &Fault) {
        self.node(fault.replace.map(|on| on.node));
        let kill = fault.kill.as_ref();
        let whole = [fault.stop, fault.pause, fault.disconnect, fault.restart]
            .into_iter()
            .flatten()
            .map(|on| (on.server, on.node));
        for (server, node) in whole.chain(kill.map(|kill| (kill.server, kill.node))) {
            if server.value == Server::Transit {
                self.needs_transit(server.at);
            }
            if let Some(node) = node.filter(|_| server.value != Server::Vault) {
                self.error(
                    Diagnostic::error(node.at, format!("`{}` has no nodes", server.value))
                        .label("only `vault` has nodes")
                        .see(server.at, "this server"),
                );
            } else {
                self.node(node);
            }
        }
        let on = |on: &Option<Marked<OnServer>>| on.map(|on| on.server);
        let killed = kill.map(|kill| kill.server);
        for (verb, server) in [("stop", on(&fault.stop)), ("kill", killed), ("restart", on(&fault.restart))] {
            let Some(server) = server else { continue };
            if server.value == Server::Aws {
                self.error(
                    Diagnostic::error(
                        server.at,
                        format!("`{verb}` would lose every user and key: the stand-in for AWS keeps them in memory"),
                    )
                    .label("forgets everything")
                    .help("`pause` makes it hang, and `down` on a link makes it unreachable"),
                );
            }
            if server.value == Server::Vault {
                self.needs_raft(server.at, &format!("`{verb}` would lose all that Vault knows: it keeps it in memory"));
            }
        }
        if let Some(upgrade) = &fault.upgrade {
            self.needs_raft(upgrade.at, "`upgrade` would lose all that Vault knows: it keeps it in memory");
            self.upgrade(upgrade);
        }
        let there = [on(&fault.stop), killed, on(&fault.pause), on(&fault.disconnect), on(&fault.restart)];
        for server in there.into_iter().flatten() {
            if let Some(dbms) = Dbms::of(server.value) {
                self.needs(dbms, server.at);
            }
            if server.value == Server::Aws {
                self.needs_aws(server.at);
            }
        }
        let sealed = fault.seal.as_ref().and_then(|seal| seal.when.as_ref());
        if let Some(when) = kill.and_then(|kill| kill.when.as_ref()).or(sealed) {
            let only_mysql = !self.has(Dbms::Postgres) && self.has(Dbms::Mysql);
            let dbms = if only_mysql { Dbms::Mysql } else { Dbms::Postgres };
            self.when(when, when.value.link(dbms));
            if when.statement.is_some() {
                self.needs(dbms, when.at);
            }
            if when.action.is_some() {
                self.needs_aws(when.at);
            }
        }
    }

    /// A moment: of one statement, request or action, which is spoken on that link.
    fn when(&mut self, when: &Marked<When>, link: (Endpoint, Endpoint)) {
        let what = given!(when; statement, request, action);
        let key = exactly_one("a moment", when.at, &what, self.lost, &mut self.found);
        exactly_one("a moment", when.at, &given!(when; before, after), self.lost, &mut self.found);
        for pattern in [&when.statement, &when.request, &when.action].into_iter().flatten() {
            self.expression(pattern);
        }
        let spoken = match link.1 {
            Endpoint::Vault => "request",
            Endpoint::Aws => "action",
            _ => "statement",
        };
        if let Some(key) = key.filter(|key| *key != spoken) {
            let at =
                [&when.statement, &when.request, &when.action].into_iter().find_map(|pattern| place(pattern.as_ref()));
            let at = at.unwrap_or(when.at);
            self.error(
                Diagnostic::error(at, format!("no `{key}` is ever sent from `{}` to `{}`", link.0, link.1))
                    .label("would never come")
                    .help(format!("what is sent there is a `{spoken}`")),
            );
        }
    }

    /// A regular expression.
    pub(super) fn expression(&mut self, pattern: &Marked<String>) {
        if let Err(error) = regex::Regex::new(pattern) {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.error(
                Diagnostic::error(pattern.at, format!("this is no regular expression: {why}"))
                    .label("cannot be read")
                    .help("put a backslash before a character that is meant as itself, as in `\\(`"),
            );
        } else if pattern.trim().is_empty() {
            self.error(Diagnostic::error(pattern.at, "an empty expression matches everything").label("empty"));
        }
    }

    fn needs_raft(&mut self, at: Place, message: &str) {
        let storage = self.file.stack.vault.storage;
        if storage.is_some_and(|storage| storage.value == Storage::Raft) || self.lost.word("storage") {
            return;
        }
        let mut error =
            Diagnostic::error(at, message).label("needs storage on disk").help("set `stack: {vault: {storage: raft}}`");
        if let Some(storage) = storage {
            error = error.see(storage.at, "in memory");
        }
        self.error(error);
    }

    fn vault(&mut self, fault: &Fault) {
        if let Some(step_down) = &fault.step_down {
            self.needs_raft(
                step_down.at,
                "`step_down` needs a server that elects a leader, and in memory there is none",
            );
        }
        if let Some(client) = client_of(fault) {
            self.note(Kind::Client, client);
        }
        if let Some(tune) = &fault.tune_mount {
            self.mount(&tune.mount);
            self.changes("tune_mount", tune.at, &given!(tune; default_lease_ttl, max_lease_ttl));
            self.ordered(tune.default_lease_ttl, tune.max_lease_ttl);
        }
        if let Some(change) = &fault.change_role {
            self.role(&change.role);
            self.not_of_aws(&change.role, "write the role anew with an `api` step");
            let statements = change.revocation_statements.as_deref();
            self.statements("revocation_statements", statements);
            let statements = statements.map(|all| all.first().map_or(change.at, |first| first.at));
            let given = [
                ("default_ttl", place(change.default_ttl.as_ref())),
                ("max_ttl", place(change.max_ttl.as_ref())),
                ("revocation_statements", statements),
            ];
            self.changes("change_role", change.at, &given);
        }
        if let Some(delete) = &fault.delete_role {
            self.role(&delete.role);
            self.not_of_aws(&delete.role, "delete the role with an `api` step");
        }
    }

    fn ordered(&mut self, default: Option<Marked<Length>>, max: Option<Marked<Length>>) {
        if let (Some(default), Some(max)) = (default, max)
            && default.value > max.value
        {
            self.error(
                Diagnostic::error(default.at, format!("the mount's default TTL is above its maximum ({})", max.value))
                    .label("above the maximum")
                    .see(max.at, "the maximum")
                    .help("the server refuses to tune a mount so (400)"),
            );
        }
    }

    fn changes(&mut self, what: &str, at: Place, given: &[super::choice::Given]) {
        if given.iter().any(|(_, at)| at.is_some()) || self.lost.wounded(at) {
            return;
        }
        let keys: Vec<&str> = given.iter().map(|(key, _)| *key).collect();
        self.error(
            Diagnostic::error(at, format!("`{what}` changes nothing"))
                .label("nothing to change here")
                .help(format!("say at least one of {}", super::super::hint::list_of(&keys))),
        );
    }
}
