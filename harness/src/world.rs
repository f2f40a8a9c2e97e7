//! One scenario while it runs: its plan, its stack, its history, and what it holds. Everything that acts, acts through it,
//! so that nothing happens that is not written down.

use crate::book::Book;
use crate::engine::approle::AppRole;
use crate::event::{Actor, Event};
use crate::history::History;
use crate::plan::Plan;
use crate::scenario::Dbms;
use crate::scenario::file::Node;
use crate::scenario::word::{Name, Ref};
use crate::service::Seen;
use crate::service::vault::Vault;
use crate::stack::{DatabaseServer, Stack};
use std::collections::BTreeMap;

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

    /// The paths below which Vault keeps the leases of dynamic roles.
    pub fn role_paths(&self) -> Vec<String> {
        let Some(database) = &self.plan.scenario.database else { return Vec::new() };
        database.roles().map(|(_, role)| format!("{}/creds/{}", database.mount, role.name)).collect()
    }
}
