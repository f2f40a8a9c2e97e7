//! One scenario while it runs: its plan, its stack, its history, and what it holds. Everything that acts, acts through it,
//! so that nothing happens that is not written down.

use crate::book::Book;
use crate::consumer::Consumer;
use crate::engine::approle::AppRole;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::plan::Plan;
use crate::scenario::Dbms;
use crate::scenario::file::{AwsProduct, CredentialType, Node};
use crate::scenario::word::{Name, Ref};
use crate::service::Seen;
use crate::service::aws::Key;
use crate::service::vault::Vault;
use crate::stack::{AwsServer, DatabaseServer, Stack};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A running scenario.
#[derive(Debug)]
pub struct World {
    /// What will happen.
    pub plan: Plan,
    /// The servers.
    pub stack: Stack,
    /// What has happened.
    pub history: History,
    /// What is held.
    pub book: Book,
    /// What each client logs in with.
    pub approles: BTreeMap<String, AppRole>,
    /// The consumers.
    pub consumers: Vec<Arc<Consumer>>,
}

/// A name that leads nowhere at run time: the step that was to make it did not.
#[derive(Debug, Clone, thiserror::Error)]
#[error("there is no {kind} called {name} yet: the step that was to make it did not")]
pub struct Missing {
    /// `credential`, `token`, `session`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
}

impl World {
    /// Writes what a call came to.
    pub fn write(&self, who: &Actor, step: Option<&str>, seen_at: crate::time::Interval, event: Event) -> u64 {
        self.history.write(seen_at, who.clone(), step.map(str::to_owned), event)
    }

    /// Writes a call and its outcome in one go.
    pub fn seen<T>(
        &self,
        who: &Actor,
        step: Option<&str>,
        seen: Seen<T>,
        event: impl FnOnce(crate::outcome::Outcome<T>) -> Event,
    ) -> u64 {
        let Seen { at, outcome, shape } = seen;
        self.history.write_answer(at, who.clone(), step.map(str::to_owned), event(outcome), shape)
    }

    /// A way to Vault with a token that a step made, or as root; no link fault touches it.
    pub fn vault_as(&self, token: Option<&Name>) -> Result<Vault, Missing> {
        let Some(name) = token else { return Ok(self.stack.vault.root()) };
        let kept = self.book.token(name.as_str());
        let token = kept.ok_or_else(|| Missing { kind: "token", name: name.to_string() })?;
        Ok(self.stack.vault.direct.with_token(&token.token))
    }

    /// The same at one node of a cluster, if one is named. Who leads is written down.
    pub async fn vault_at(
        &self,
        step: Option<&str>,
        node: Option<Node>,
        token: Option<&Name>,
    ) -> Result<Vault, Missing> {
        let way = self.vault_as(token)?;
        let Some(node) = node else { return Ok(way) };
        let found = self.stack.vault.find(node).await;
        let found = found.ok_or_else(|| Missing { kind: "node", name: node.to_string() })?;
        if node.index().is_none() {
            let now = crate::time::Interval::at(self.history.now());
            self.write(&Actor::Harness, step, now, Event::Note(format!("the {node} is {}", found.name)));
        }
        Ok(way.elsewhere(&found.direct))
    }

    /// A database server, which every scenario that is asked for it has.
    pub fn database(&self, dbms: Dbms) -> Result<&DatabaseServer, Missing> {
        self.stack.database(dbms).ok_or_else(|| Missing { kind: "server", name: dbms.to_string() })
    }

    /// The only database server of a scenario that has one.
    pub fn only_database(&self) -> Result<&DatabaseServer, Missing> {
        let only = self.stack.databases().next();
        only.ok_or_else(|| Missing { kind: "server", name: "database".to_owned() })
    }

    /// The database server behind a role, a static role or a connection.
    pub fn database_of(&self, reference: &Ref) -> Result<&DatabaseServer, Missing> {
        let engine = self.plan.scenario.database.as_ref();
        let dbms = engine.and_then(|engine| engine.dbms_of(reference));
        self.database(dbms.ok_or_else(|| Missing { kind: "role or connection", name: reference.to_string() })?)
    }

    /// The kind of database server behind a role or a connection; none where it is the AWS engine's.
    pub fn dbms_of(&self, reference: &Ref) -> Result<Option<Dbms>, Missing> {
        if self.is_aws(reference) { Ok(None) } else { self.database_of(reference).map(|server| Some(server.dbms())) }
    }

    /// What stands in for AWS, which every scenario that is asked for it has.
    pub fn aws(&self) -> Result<&AwsServer, Missing> {
        self.stack.aws.as_ref().ok_or_else(|| Missing { kind: "server", name: "aws".to_owned() })
    }

    /// Whether a role or connection is the AWS engine's.
    pub fn is_aws(&self, reference: &Ref) -> bool {
        self.plan.scenario.aws.as_ref().is_some_and(|engine| engine.mount == reference.mount)
    }

    /// Whether a login with this credential tells anything: LocalStack lets every key in, and Moto no federated session.
    pub fn login_tells(&self, name: &str) -> bool {
        let (Some(_), Some(aws)) = (self.book.key(name), &self.stack.aws) else { return true };
        let role = self.book.credential(name).map(|credential| credential.role);
        let engine = self.plan.scenario.aws.iter();
        let mut roles = engine.flat_map(|e| e.roles.iter().map(|role| (format!("{}/{}", e.mount, role.name), role)));
        let role = roles.find(|(path, _)| Some(path) == role.as_ref()).map(|(_, role)| role.credential_type);
        aws.product == AwsProduct::Moto && role.is_none_or(CredentialType::is_known_to_moto)
    }

    /// Keeps an access key under a name.
    pub fn keep_key(&self, name: &str, key: Key) {
        let learn = |secret| self.history.secrets().learn(secret);
        let key = Key { id: key.id, secret: learn(key.secret), session_token: key.session_token.map(learn) };
        self.book.keep_key(name, key);
    }

    /// The paths below which Vault keeps the leases of dynamic roles.
    pub fn role_paths(&self) -> Vec<String> {
        let path = |mount: &Name, role: &Name| format!("{mount}/creds/{role}");
        let scenario = &self.plan.scenario;
        let database = scenario.database.iter().flat_map(|d| d.roles().map(|(_, role)| path(&d.mount, &role.name)));
        let aws = scenario.aws.iter().flat_map(|e| e.roles.iter().map(|role| path(&e.mount, &role.name)));
        database.chain(aws).collect()
    }
}
