//! Steps of whoever runs the servers: snapshots, starts, and what metrics are expected to say.

use super::super::Dbms;
use super::super::diagnostic::Diagnostic;
use super::super::file::{ExpectMetric, Server, Snapshot, Start, Storage};
use super::super::mark::Marked;
use super::Resolver;
use super::choice::{exactly_one, given, place};
use super::names::Kind;

impl Resolver<'_> {
    pub(super) fn snapshot(&mut self, snapshot: &Marked<Snapshot>) {
        let given = given!(snapshot; save, restore);
        exactly_one("`snapshot`", snapshot.at, &given, self.lost, &mut self.found);
        if let Some(restore) = &snapshot.restore {
            self.note(Kind::Snapshot, restore);
        } else if let Some(at) = place(snapshot.force.as_ref()) {
            self.error(
                Diagnostic::error(at, "`force` belongs to `restore`")
                    .label("nothing is restored here")
                    .help("leave it out: a snapshot is saved without force"),
            );
        }
        let storage = self.file.stack.vault.storage;
        if storage.is_none_or(|storage| storage.value == Storage::Inmem) && !self.lost.word("storage") {
            let error = Diagnostic::error(snapshot.at, "only raft storage has snapshots").label("no snapshots");
            self.error(error.help("set `stack: {vault: {storage: raft}}`"));
        }
    }

    pub(super) fn start(&mut self, start: &Marked<Start>) {
        self.node(start.node);
        if start.server.value == Server::Transit {
            self.needs_transit(start.server.at);
        }
        if let Some(dbms) = Dbms::of(start.server.value) {
            self.needs(dbms, start.server.at);
        }
        if start.server.value == Server::Aws {
            self.error(
                Diagnostic::error(start.server.at, "the stand-in for AWS cannot be started: no fault ends it")
                    .label("always runs")
                    .help("it keeps all that it knows in memory; `pause` makes it hang"),
            );
        }
        let nodes = self.file.stack.vault.nodes.map_or(1, |nodes| nodes.value);
        if start.server.value == Server::Vault && nodes > 1 && start.node.is_none() {
            self.error(
                Diagnostic::error(start.server.at, "which node is to be started?")
                    .label(format!("a cluster of {nodes}"))
                    .help("name it: `node: vault-1`"),
            );
        }
        if let Some(node) = start.node.filter(|node| node.value.index().is_none()) {
            self.error(
                Diagnostic::error(node.at, format!("`{}` names nobody who is down", node.value))
                    .label("a node that is down neither leads nor follows")
                    .help("name it: `node: vault-1`"),
            );
        }
    }

    pub(super) fn expect_metric(&mut self, metric: &Marked<ExpectMetric>) {
        self.node(metric.node);
        self.asserts("this `metric` expectation", metric.at, &given!(metric; equals, at_least, at_most));
        let known = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        if metric.name.is_empty() || !metric.name.chars().all(known) {
            self.error(
                Diagnostic::error(metric.name.at, "this is no metric's name")
                    .label("letters, digits and underscores")
                    .help("write it as Prometheus has it: `vault_expire_num_leases`"),
            );
        }
        if let (Some(least), Some(most)) = (metric.at_least, metric.at_most)
            && least.value > most.value
        {
            self.error(
                Diagnostic::error(most.at, "no value lies between these bounds")
                    .label("the upper bound")
                    .see(least.at, "the lower bound")
                    .help("swap the two bounds"),
            );
        }
        self.excludes("equals", place(metric.equals.as_ref()), "at_least", place(metric.at_least.as_ref()));
        self.excludes("equals", place(metric.equals.as_ref()), "at_most", place(metric.at_most.as_ref()));
    }
}
