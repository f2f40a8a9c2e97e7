//! A cluster's nodes: how many there may be, and that whoever is named is one of them.

use super::super::diagnostic::Diagnostic;
use super::super::file::{Endpoint, Node, Partition, Seal, Storage, Upgrade};
use super::super::mark::{Marked, Place};
use super::Resolver;

/// How many nodes a cluster may have. An even number only adds a node whose loss it cannot bear.
const SIZES: [u8; 3] = [1, 3, 5];

impl Resolver<'_> {
    /// How many nodes the cluster has.
    pub(super) fn nodes(&mut self) -> u8 {
        let vault = &self.file.stack.vault;
        let (nodes, storage) = (vault.nodes, vault.storage);
        let Some(nodes) = nodes else { return 1 };
        if !SIZES.contains(&nodes.value) {
            self.error(
                Diagnostic::error(nodes.at, format!("a cluster cannot have {} nodes here", nodes.value))
                    .label("1, 3 or 5")
                    .help("a majority decides, so an even number bears no more losses than the odd one below it"),
            );
        } else if nodes.value > 1
            && storage.is_none_or(|storage| storage.value == Storage::Inmem)
            && !self.lost.word("storage")
        {
            let mut error = Diagnostic::error(nodes.at, "several nodes need storage that they share")
                .label("a cluster")
                .help("set `stack: {vault: {storage: raft, nodes: 3}}`");
            if let Some(storage) = storage {
                error = error.see(storage.at, "each node has its own memory");
            }
            self.error(error);
        }
        nodes.value
    }

    /// What seals the server.
    pub(super) fn seal(&mut self) -> Seal {
        let vault = &self.file.stack.vault;
        let Some(seal) = vault.seal else { return Seal::Shamir };
        if seal.value == Seal::Transit {
            let error = Diagnostic::error(seal.at, "`seal: transit` needs one node that keeps its data")
                .help("set `stack: {vault: {storage: raft, seal: transit}}`");
            if let Some(nodes) = vault.nodes.filter(|nodes| nodes.value > 1) {
                self.error(error.label("not of a cluster").see(nodes.at, "several nodes"));
            } else if vault.storage.is_none_or(|storage| storage.value == Storage::Inmem) && !self.lost.word("storage")
            {
                self.error(error.label("nothing would be left to unseal"));
            } else if let Some(threshold) = vault.key_threshold {
                self.excludes("seal: transit", Some(seal.at), "key_threshold", Some(threshold.at));
            }
        }
        seal.value
    }

    /// Reports a server that unseals nobody here.
    pub(super) fn needs_transit(&mut self, at: Place) {
        if self.file.stack.vault.seal.is_none_or(|seal| seal.value != Seal::Transit) && !self.lost.word("seal") {
            self.error(
                Diagnostic::error(at, "there is no `transit` in this stack")
                    .label("not in the stack")
                    .see(self.file.stack.at, "the stack")
                    .help("have it unseal Vault: `stack: {vault: {storage: raft, seal: transit}}`"),
            );
        }
    }

    /// Reports a node that the cluster does not have.
    pub(super) fn node(&mut self, node: Option<Marked<Node>>) {
        let Some(node) = node else { return };
        if self.lost.word("nodes") {
            return;
        }
        let count = self.file.stack.vault.nodes.map_or(1, |nodes| nodes.value);
        let error = Diagnostic::error(node.at, format!("there is no node `{}`", node.value));
        if count == 1 {
            self.error(
                error
                    .label("Vault is one server here")
                    .see(self.file.stack.at, "the stack")
                    .help("make it a cluster: `stack: {vault: {storage: raft, nodes: 3}}`"),
            );
        } else if node.index().is_some_and(|index| index >= usize::from(count)) {
            self.error(error.label("not in the cluster").help(format!(
                "the nodes are `vault-1` to `vault-{count}`, and by what they are `leader` and `follower`"
            )));
        }
    }

    /// What an upgrade finds to upgrade.
    pub(super) fn upgrade(&mut self, upgrade: &Marked<Upgrade>) {
        self.node(upgrade.node);
        let count = self.file.stack.vault.nodes.map_or(1, |nodes| usize::from(nodes.value));
        let node = upgrade.node.map(|node| node.value);
        let place = node.and_then(Node::index);
        if self.lost.word("nodes") || self.lost.wounded(upgrade.at) || place.is_some_and(|place| place >= count) {
            return;
        }
        let at = upgrade.node.map_or(upgrade.at, |node| node.at);
        let same = self.upgraded.iter().find(|earlier| place.is_some() && earlier.value == node);
        let all = self.upgraded.iter().find(|earlier| earlier.value.is_none());
        // As many as there are, each by itself.
        let last = self.upgraded.last().filter(|_| self.upgraded.len() >= count);
        let (what, label) = match same {
            Some(_) => ("this node is upgraded already", "the second time"),
            None => ("nothing is left to upgrade", "everything is upgraded already"),
        };
        if let Some(earlier) = same.or(all).or(last).copied() {
            self.error(
                Diagnostic::error(at, what)
                    .label(label)
                    .see(earlier.at, "here")
                    .help("`restart` stops a server and starts it again"),
            );
            return;
        }
        self.upgraded.push(Marked { value: node, at });
    }

    pub(super) fn partition(&mut self, partition: &Marked<Partition>) {
        for node in &partition.nodes {
            self.node(Some(*node));
        }
        if partition.nodes.is_empty() && !self.lost.wounded(partition.at) {
            self.error(
                Diagnostic::error(partition.at, "nobody is on this side of the partition")
                    .label("no nodes")
                    .help("name them: `partition: {nodes: [leader]}`"),
            );
        }
        for (index, node) in partition.nodes.iter().enumerate() {
            if let Some(first) = partition.nodes[..index].iter().find(|first| first.value == node.value) {
                self.error(
                    Diagnostic::error(node.at, format!("`{}` stands here twice", node.value))
                        .label("the second time")
                        .see(first.at, "the first time"),
                );
            }
        }
        let count = usize::from(self.file.stack.vault.nodes.map_or(1, |nodes| nodes.value));
        if count > 1 && partition.nodes.len() >= count {
            self.error(
                Diagnostic::error(partition.at, "nobody is on the other side of the partition")
                    .label(format!("the cluster has {count} nodes"))
                    .help("name the nodes of one side only"),
            );
        }
    }
}

/// The nodes at the ends of a link within a cluster, or from clients to one node.
pub(super) fn node_link(from: Marked<Endpoint>, to: Marked<Endpoint>) -> Option<[Option<Marked<Node>>; 2]> {
    let node = |end: Marked<Endpoint>| end.node().map(|value| Marked { value, at: end.at });
    let (from_node, to_node) = (node(from), node(to));
    match (from_node, to_node) {
        (Some(_), Some(_)) => Some([from_node, to_node]),
        (None, Some(_)) if from.value == Endpoint::Clients => Some([None, to_node]),
        _ => None,
    }
}
