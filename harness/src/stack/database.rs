//! A database server of a stack.

use std::sync::{Mutex, PoisonError};

use super::{Machine, StackError};
use crate::event::{Actor, Event};
use crate::history::History;
use crate::scenario::Dbms;
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::{Database, Login};
use crate::service::mysql::launch as mysql;
use crate::service::postgres::launch as postgres;

/// A database server.
#[derive(Debug)]
pub struct DatabaseServer {
    /// Its process.
    pub machine: Machine,
    /// A way to it that no link fault touches.
    pub direct: Database,
    /// A way to it over the clients' link.
    pub linked: Database,
    /// The harness's own superuser.
    pub admin: Login,
    /// What Vault's own user is.
    pub root: RootKind,
    /// The password that Vault's own user was given last by the harness; Vault may have rotated it since.
    pub root_password: Mutex<Secret>,
    /// `PostgreSQL 15.18`.
    pub product: String,
}

impl DatabaseServer {
    /// Which server it is.
    pub fn dbms(&self) -> Dbms {
        self.direct.dbms()
    }

    /// Starts it, and puts into it what is there when Vault comes.
    pub(crate) async fn start(&self, history: &History) -> Result<(), StackError> {
        self.start_again().await?;
        let (dbms, password) = (self.dbms(), self.root_password());
        let sql = match dbms {
            Dbms::Postgres => postgres::preparation(self.root, &password),
            Dbms::Mysql => mysql::preparation(self.root, &password),
        };
        let made = self.direct.run(&self.admin, &sql).await.outcome.said();
        made.map_err(|why| StackError::Unprepared { server: dbms.server(), why })?;
        history.note(Actor::Harness, Event::Running { server: dbms.server(), product: self.product.clone() });
        Ok(())
    }

    /// Waits until it lets its superuser in.
    pub async fn until_ready(&self) -> Result<(), StackError> {
        self.machine.until_up(|| async { self.direct.login(&self.admin).await.outcome.said() }).await
    }

    /// Starts it again after it ended.
    pub async fn start_again(&self) -> Result<(), StackError> {
        self.machine.start().await?;
        self.until_ready().await
    }

    /// The password that Vault's own user was given last by the harness.
    pub fn root_password(&self) -> Secret {
        self.root_password.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that Vault's own user was given another password.
    pub fn set_root_password(&self, password: Secret) {
        *self.root_password.lock().unwrap_or_else(PoisonError::into_inner) = password;
    }
}
