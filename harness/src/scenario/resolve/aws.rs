//! AWS in a scenario: its engine, references below `aws/`, and what does not go with it.

use std::time::Duration;

use super::super::diagnostic::Diagnostic;
use super::super::file::{self, AwsProduct, CredentialType, ExpectLogin, Fault, Issue};
use super::super::hint::{did_you_mean, list_of};
use super::super::mark::{Marked, Place};
use super::super::word::{Name, Ref};
use super::super::{AwsEngine, AwsRole, StaticRole};
use super::Resolver;
use super::engine::fixed_name;
use super::names::Target;

/// The name of the engine's mount, and of the server behind it.
pub(super) const AWS: &str = "aws";
/// The name by which steps speak of Vault's own credential: `aws/config/root`, as the engine calls it.
const ROOT: &str = "root";
/// The engine refuses to rotate more often.
const SHORTEST_ROTATION: Duration = Duration::from_secs(60);
/// STS gives no shorter session. Source: docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const SHORTEST_SESSION: Duration = Duration::from_secs(900);

/// Whether a text can be one of AWS's codes, or the HTTP status that stands for one.
pub(super) fn is_code(code: &str) -> bool {
    let word = code.starts_with(|c: char| c.is_ascii_uppercase()) && code.chars().all(|c| c.is_ascii_alphanumeric());
    word || (code.len() == 3 && code.bytes().all(|b| b.is_ascii_digit()))
}

impl Resolver<'_> {
    pub(super) fn aws_engine(&mut self) -> Option<AwsEngine> {
        let engine = self.file.engines.aws.as_ref()?;
        self.needs_aws(engine.at);
        for (key, length) in [("lease", engine.lease), ("lease_max", engine.lease_max)] {
            self.above_zero(key, length.as_ref());
        }
        if let (Some(lease), Some(max)) = (engine.lease, engine.lease_max)
            && lease.0 > max.0
        {
            self.error(
                Diagnostic::error(lease.at, format!("`lease` is above `lease_max` ({})", max.value))
                    .label("above the maximum")
                    .see(max.at, "the maximum")
                    .help("raise `lease_max` or lower `lease`"),
            );
        }
        if let Some(place) = match (engine.lease, engine.lease_max) {
            (Some(lease), None) => Some((lease.at, "lease_max")),
            (None, Some(max)) => Some((max.at, "lease")),
            _ => None,
        } {
            let (at, missing) = place;
            self.error(
                Diagnostic::error(at, format!("`lease` and `lease_max` are written together: `{missing}` is missing"))
                    .label("alone")
                    .help("the engine refuses one without the other (400); write both or neither"),
            );
        }
        for (name, _) in engine.static_roles.iter() {
            if let Some((first, _)) = engine.roles.iter().find(|(role, _)| role.value == name.value) {
                self.error(
                    Diagnostic::error(name.at, format!("a role and a static role are both named `{}`", name.value))
                        .label("the static role")
                        .see(first.at, "the role")
                        .help("steps speak of both as mount/name: give each its own"),
                );
            }
        }
        let roles = engine.roles.iter().map(|(name, role)| self.aws_role(name, role)).collect();
        let static_roles = engine.static_roles.iter().map(|(name, role)| self.aws_static_role(name, role)).collect();
        Some(AwsEngine {
            mount: fixed_name(AWS)?,
            lease: engine.lease.map(|lease| lease.0),
            lease_max: engine.lease_max.map(|max| max.0),
            max_retries: engine.max_retries.map_or(0, |retries| retries.value),
            roles,
            static_roles,
        })
    }

    fn aws_role(&mut self, name: &Marked<Name>, role: &file::AwsRole) -> AwsRole {
        let kind = role.credential_type.value;
        for (key, length) in [("default_sts_ttl", role.default_sts_ttl), ("max_sts_ttl", role.max_sts_ttl)] {
            let Some(length) = length else { continue };
            if !kind.is_sts() {
                self.error(
                    Diagnostic::error(length.at, format!("`{key}` is of no use: `{kind}` makes no session of STS"))
                        .label("not with this type")
                        .see(role.credential_type.at, "the type")
                        .help("an IAM user's lease has its TTL from the engine's `lease` and `lease_max`"),
                );
            } else if length.0 < SHORTEST_SESSION {
                self.error(
                    Diagnostic::error(length.at, format!("`{key}` is below 15m: {}", length.value))
                        .label("too short for STS")
                        .help("STS gives no session shorter than 15 minutes (400 at each read of the role)"),
                );
            }
        }
        AwsRole {
            name: name.value.clone(),
            credential_type: kind,
            policy_document: role.policy_document.as_ref().map(|body| body.0.clone()),
            default_sts_ttl: role.default_sts_ttl.map(|ttl| ttl.0),
            max_sts_ttl: role.max_sts_ttl.map(|ttl| ttl.0),
        }
    }

    fn aws_static_role(&mut self, name: &Marked<Name>, role: &file::AwsStaticRole) -> StaticRole {
        if role.rotation_period.0 < SHORTEST_ROTATION {
            self.error(
                Diagnostic::error(
                    role.rotation_period.at,
                    format!("`rotation_period` is below 1m: {}", role.rotation_period.value),
                )
                .label("too often")
                .help("the engine refuses to rotate a key more often than every minute (500)"),
            );
        }
        let username = role.username.as_ref().unwrap_or(name).value.clone();
        StaticRole { name: name.value.clone(), username, rotation_period: role.rotation_period.0 }
    }

    /// Reports something that needs a stand-in for AWS where the stack has none.
    pub(super) fn needs_aws(&mut self, at: Place) {
        if self.file.stack.aws.is_none() && !self.lost.word(AWS) && !self.lost.word("stack") {
            self.error(
                Diagnostic::error(at, "there is nothing in this stack that stands in for AWS")
                    .label("not in the stack")
                    .see(self.file.stack.at, "the stack")
                    .help("add it: `stack: {vault: {}, aws: {}}`"),
            );
        }
    }

    /// Reports a reference below `aws/` that leads nowhere; `true` when it leads somewhere.
    pub(super) fn aws_reference(&mut self, target: Target, reference: &Marked<Ref>) -> bool {
        let Some(engine) = &self.file.engines.aws else { return false };
        let names = match target {
            Target::Role => engine.roles.iter().map(|(name, _)| name.as_str()).collect(),
            Target::StaticRole => engine.static_roles.iter().map(|(name, _)| name.as_str()).collect(),
            Target::Connection => vec![ROOT],
        };
        let (name, noun) = (reference.name.as_str(), target.noun());
        if names.contains(&name) || self.lost.word(name) {
            return names.contains(&name);
        }
        let error = Diagnostic::error(reference.at, format!("there is no {noun} `{}`", reference.value))
            .label(format!("no such {noun}"));
        let help = match did_you_mean(name, names.iter().copied()) {
            Some(meant) => format!("did you mean `{AWS}/{meant}`?"),
            None if names.is_empty() => {
                format!("declare it below `engines: {{aws: {{{}s: …}}}}`", noun.replace(' ', "_"))
            }
            None => {
                let all: Vec<String> = names.iter().map(|name| format!("{AWS}/{name}")).collect();
                format!("the {noun}s of the AWS engine are {}", list_of(&all))
            }
        };
        self.error(error.help(help));
        false
    }

    /// Reports a reference to AWS where the engine has no such call.
    pub(super) fn not_of_aws(&mut self, reference: &Marked<Ref>, why: &str) {
        if reference.mount.as_str() == AWS && self.file.engines.aws.is_some() {
            self.error(Diagnostic::error(reference.at, "the AWS engine does not do this").label("of AWS").help(why));
        }
    }

    /// Reports a TTL that is asked for where the engine does not listen.
    pub(super) fn asked_ttl(&mut self, issue: &Issue) {
        let Some(ttl) = issue.ttl else { return };
        self.above_zero("ttl", Some(&ttl));
        let sts = self.aws_role_of(&issue.role).is_some_and(|role| role.credential_type.is_sts());
        if !sts && self.lost.nothing() {
            self.error(
                Diagnostic::error(ttl.at, "the engine does not listen to a `ttl` in the request")
                    .label("not with this role")
                    .help("only the STS types of the AWS engine do; other leases have their TTL from role and mount"),
            );
        }
    }

    /// Reports a session that is opened with what logs in nowhere.
    pub(super) fn opens_a_session(&mut self, credential: &Marked<Name>) {
        if self.aws_role_behind(credential).is_some() {
            self.error(
                Diagnostic::error(credential.at, "AWS has no sessions that stay open")
                    .label("an AWS credential")
                    .help("look with `- expect: {login: {with: NAME, accepted: true}}`, which is one signed request"),
            );
        }
    }

    /// Reports the end of a user that AWS does not know of.
    pub(super) fn aws_knows_no_end(&mut self, credential: &Marked<Name>, at: Place) {
        if self.aws_role_behind(credential).is_some() {
            self.error(
                Diagnostic::error(at, "an IAM user has no end of its own")
                    .label("cannot be known")
                    .help("only PostgreSQL stops a user by itself; keep `exists`"),
            );
        }
    }

    /// Reports a login that would tell nothing of its key.
    pub(super) fn tells(&mut self, login: &ExpectLogin) {
        if let Some(role) = self.aws_role_behind(&login.with) {
            self.key_tells(login.with.at, role.credential_type);
        }
    }

    /// Reports a client whose uses would tell nothing of its key.
    pub(super) fn client_tells(&mut self, holds: &Marked<Ref>) {
        if let Some(role) = self.aws_role_of(&holds.value) {
            self.key_tells(holds.at, role.credential_type);
        }
    }

    fn key_tells(&mut self, at: Place, kind: Marked<CredentialType>) {
        let product = self.file.stack.aws.and_then(|aws| aws.server).map_or_else(AwsProduct::default, |s| s.value);
        if product == AwsProduct::Localstack {
            self.error(
                Diagnostic::error(at, "LocalStack's community edition lets every key in, deleted ones too")
                    .label("a login tells nothing here")
                    .help("assert on `principal` or `ledger`, or say `stack: {aws: {server: moto}}`"),
            );
        } else if !kind.is_known_to_moto() {
            self.error(
                Diagnostic::error(at, format!("Moto lets nobody in with a `{}`", kind.value))
                    .label("a login tells nothing here")
                    .see(kind.at, "the type")
                    .help("Moto gives one fixed key to all such sessions; assert on the lease and on `ledger`"),
            );
        }
    }

    /// Reports a look at the user of a session, which has none.
    pub(super) fn has_a_user(&mut self, credential: &Marked<Name>) {
        let role = self.aws_role_behind(credential);
        if let Some(kind) = role.map(|role| role.credential_type).filter(|kind| kind.is_sts()) {
            self.error(
                Diagnostic::error(credential.at, format!("`{}` makes no user", kind.value))
                    .label("nothing to look for")
                    .see(kind.at, "the type")
                    .help("`ledger: reconciled` shows that no user was made for it"),
            );
        }
    }

    pub(super) fn aws_faults(&mut self, fault: &Fault) {
        let links = [
            fault.throttle.as_ref().map(|t| (t.from, t.to, t.action.as_ref())),
            fault.fail_requests.as_ref().map(|t| (t.from, t.to, t.action.as_ref())),
        ];
        for (from, to, action) in links.into_iter().flatten() {
            self.link(from, to);
            if to.value != file::Endpoint::Aws {
                self.error(
                    Diagnostic::error(to.at, "only requests to AWS are answered in the server's place")
                        .label("not AWS")
                        .help("`to: aws`; other links have `down`, `cut`, `reset` and the toxics"),
                );
            }
            if let Some(action) = action.filter(|action| !is_code(action)) {
                self.error(
                    Diagnostic::error(action.at, format!("`{}` is no action of IAM or STS", action.value))
                        .label("no action")
                        .help("actions are words such as CreateUser, PutUserPolicy, AssumeRole"),
                );
            }
        }
        if let Some(status) = fault.fail_requests.as_ref().and_then(|fail| fail.status)
            && !(500..=599).contains(&status.value)
        {
            self.error(
                Diagnostic::error(status.at, format!("{} is no failure of a server", status.value))
                    .label("from 500 to 599")
                    .help("`throttle` is AWS's 400"),
            );
        }
        for at in [&fault.delete_root_key, &fault.second_root_key].into_iter().flatten().map(|nothing| nothing.at) {
            if self.file.engines.aws.is_none() && self.lost.nothing() {
                self.error(
                    Diagnostic::error(at, "the AWS engine is not mounted")
                        .label("there is no such key")
                        .help("mount it: `engines: {aws: {roles: {…}}}`"),
                );
            }
        }
        if let Some(delete) = &fault.delete_user {
            self.note(super::names::Kind::Credential, &delete.of);
            if self.lost.nothing() && self.aws_role_behind(&delete.of).is_none_or(|role| role.credential_type.is_sts())
            {
                self.error(
                    Diagnostic::error(delete.of.at, format!("`{}` is no IAM user's credential", delete.of.value))
                        .label("nothing to delete")
                        .help("a database user is dropped with `drop_user`; a session of STS has no user"),
                );
            }
        }
    }

    fn aws_role_of(&self, role: &Ref) -> Option<&file::AwsRole> {
        let engine = self.file.engines.aws.as_ref().filter(|_| role.mount.as_str() == AWS)?;
        engine.roles.get(role.name.as_str())
    }

    /// The AWS role whose credential a name stands for.
    fn aws_role_behind(&self, credential: &Name) -> Option<&file::AwsRole> {
        let mut found = None;
        super::each_step(&self.file.steps, &mut |step| {
            let issue =
                step.issue.as_ref().filter(|issue| issue.name.as_ref().is_some_and(|name| name.value == *credential));
            found = found.or_else(|| issue.map(|issue| &issue.role.value));
        });
        self.aws_role_of(found?)
    }
}
