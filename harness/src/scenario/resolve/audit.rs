//! Audit devices and disks of their own: that a fault fits what it befalls, and that an expectation says something.

use super::super::diagnostic::Diagnostic;
use super::super::file::{self, AuditEntry, ExpectAudit, Fault, FillDisk, Server, Storage};
use super::super::mark::{Marked, Place};
use super::super::word::Name;
use super::super::{AuditDevice, AuditKind};
use super::Resolver;
use super::choice::{exactly_one, given};
use super::names::Kind;

/// What an entry's `kind` may be.
const KINDS: [&str; 2] = ["request", "response"];

impl<'a> Resolver<'a> {
    /// Whether the server's data lies on a disk of its own.
    pub(super) fn own_disk(&mut self) -> bool {
        let vault = &self.file.stack.vault;
        let Some(own) = vault.own_disk.filter(|own| own.value) else { return false };
        let raft = vault.storage.is_some_and(|storage| storage.value == Storage::Raft) || self.lost.word("storage");
        if !raft {
            self.error(
                Diagnostic::error(own.at, "a server that keeps all in memory has no disk")
                    .label("needs storage on disk")
                    .help("set `stack: {vault: {storage: raft, own_disk: true}}`"),
            );
        } else if let Some(nodes) = vault.nodes.filter(|nodes| nodes.value > 1) {
            self.error(
                Diagnostic::error(own.at, "the nodes of a cluster have no disks of their own here")
                    .label("one disk")
                    .see(nodes.at, "several nodes"),
            );
        }
        true
    }

    /// The server's audit devices.
    pub(super) fn audit_devices(&mut self) -> Vec<AuditDevice> {
        let vault = &self.file.stack.vault;
        let devices = vault.audit.iter().map(|(name, device)| self.audit_device(name, device));
        devices.collect()
    }

    fn audit_device(&mut self, name: &Marked<Name>, device: &file::AuditDevice) -> AuditDevice {
        exactly_one("an audit device", name.at, &given!(device; file, socket), self.lost, &mut self.found);
        let kind = match &device.file {
            Some(file) => AuditKind::File { own_disk: file.own_disk.is_some_and(|own| own.value) },
            None => AuditKind::Socket,
        };
        AuditDevice { name: name.value.clone(), kind }
    }

    pub(super) fn audit_faults(&mut self, fault: &Fault) {
        if let Some(fill) = &fault.fill_disk {
            self.fill_disk(fill);
        }
        self.other_audit_faults(fault);
        for on in [&fault.hang_audit, &fault.drop_audit].into_iter().flatten() {
            if let Some(file) = self.audit_named(&on.of).and_then(|device| device.file.as_ref()) {
                self.error(
                    Diagnostic::error(on.of.at, format!("nobody listens at the other end of `{}`", on.of.value))
                        .label("a file")
                        .see(file.at, "declared here")
                        .help("make it a socket: `{socket: {}}`; what befalls a file is `fill_disk`"),
                );
            }
        }
    }

    /// Faults of a file, and of any device.
    fn other_audit_faults(&mut self, fault: &Fault) {
        if let Some(on) = &fault.disable_audit {
            self.audit_named(&on.of);
        }
        if let Some(on) = &fault.block_audit
            && let Some(socket) = self.audit_named(&on.of).and_then(|device| device.socket.as_ref())
        {
            self.error(
                Diagnostic::error(on.of.at, format!("`{}` has no path that could be blocked", on.of.value))
                    .label("a socket")
                    .see(socket.at, "declared here")
                    .help("make it a file: `{file: {}}`; what befalls a socket is `hang_audit` and `drop_audit`"),
            );
        }
    }

    fn fill_disk(&mut self, fill: &Marked<FillDisk>) {
        exactly_one("`fill_disk`", fill.at, &given!(fill; audit, server), self.lost, &mut self.found);
        if let Some(name) = &fill.audit
            && let Some(device) = self.audit_named(name)
            && !device.file.as_ref().is_some_and(|file| file.own_disk.is_some_and(|own| own.value))
        {
            let help = format!("give it one: `{}: {{file: {{own_disk: true}}}}`", name.value);
            self.no_disk(name.at, help);
        }
        self.node(fill.node);
        if let Some(leaves) = fill.leaves.filter(|_| fill.server.is_some()) {
            self.excludes("server", fill.server.map(|server| server.at), "leaves", Some(leaves.at));
        }
        if let Some(server) = fill.server {
            let own = self.file.stack.vault.own_disk.is_some_and(|own| own.value) || self.lost.word("own_disk");
            if server.value != Server::Vault || !own {
                let help = "only `vault` can have one: `stack: {vault: {storage: raft, own_disk: true}}`";
                self.no_disk(server.at, help.to_owned());
            }
        }
    }

    fn no_disk(&mut self, at: Place, help: String) {
        self.error(
            Diagnostic::error(at, "it has no disk of its own, and this would fill the machine's")
                .label("no disk of its own")
                .help(help),
        );
    }

    /// The declaration of an audit device; reports a name that is none.
    fn audit_named(&mut self, name: &Marked<Name>) -> Option<&'a file::AuditDevice> {
        let file: &'a file::ScenarioFile = self.file;
        let devices = &file.stack.vault.audit;
        if let Some(device) = devices.get(name.as_str()) {
            return Some(device);
        }
        if self.lost.nothing() {
            let known: Vec<&str> = devices.iter().map(|(name, _)| name.as_str()).collect();
            let help = match super::super::did_you_mean(name.as_str(), known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if known.is_empty() => {
                    format!("declare it: `stack: {{vault: {{audit: {{{}: {{file: {{}}}}}}}}}}`", name.value)
                }
                None => format!("there are {}", super::super::hint::list_of(&known)),
            };
            self.error(
                Diagnostic::error(name.at, format!("there is no audit device `{}`", name.value))
                    .label("not in the stack")
                    .help(help),
            );
        }
        None
    }

    pub(super) fn expect_audit(&mut self, audit: &Marked<ExpectAudit>) {
        self.audit_named(&audit.of);
        let given = given!(audit; redacted, paired, hashed, has, lacks);
        self.asserts("this `audit` expectation", audit.at, &given);
        for (key, wanted) in [("redacted", audit.redacted), ("paired", audit.paired)] {
            if let Some(wanted) = wanted.filter(|wanted| !wanted.value) {
                self.error(
                    Diagnostic::error(wanted.at, format!("`{key}: false` asserts nothing"))
                        .label("could not fail")
                        .help("leave it out"),
                );
            }
        }
        audit.hashed.as_ref().inspect(|credential| self.note(Kind::Credential, credential));
        for entry in [&audit.has, &audit.lacks].into_iter().flatten() {
            self.audit_entry(entry);
        }
    }

    fn audit_entry(&mut self, entry: &Marked<AuditEntry>) {
        let given = given!(entry; path, operation, kind, error, lease_of);
        self.asserts("this entry", entry.at, &given);
        if let Some(kind) = entry.kind.as_ref().filter(|kind| !KINDS.contains(&kind.as_str())) {
            self.error(
                Diagnostic::error(kind.at, format!("there are no entries of kind `{}`", kind.value))
                    .label("`request` or `response`"),
            );
        }
        entry.lease_of.as_ref().inspect(|credential| self.note(Kind::Credential, credential));
    }
}
