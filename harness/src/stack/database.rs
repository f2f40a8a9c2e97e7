//! A database server of a stack.

use std::sync::{Mutex, PoisonError};

use super::{Machine, StackError};
use crate::scenario::Dbms;
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::service::database::{Database, Login};

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
