//! A database server as a process of this machine: a copied data folder, a port, its links, and what must be in it before
//! Vault comes. What differs between the servers is in their own files.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use super::find::Found;
use super::ledger::Owner;
use super::lines::Lines;
use super::port::Port;
use super::private::broken;
use super::process::Process;
use super::template::Template;
use super::up::{Native, claim, name_of};
use super::user::User;
use super::{mysql, postgres};
use crate::history::History;
use crate::link::Link;
use crate::provider::UpError;
use crate::scenario::Dbms;
use crate::scenario::file::{Endpoint, RootKind};
use crate::secret::Secret;
use crate::service::database::{Database, Login};
use crate::service::{mysql as mysql_service, postgres as postgres_service};
use crate::stack::{DatabaseServer, Machine};

/// Where a template keeps the password of its superuser. Servers leave files alone that they do not know.
pub(super) const ADMIN_PASSWORD: &str = "leaseproof-admin-password";

/// A database server as a scenario wants it.
pub(super) struct Order<'a> {
    pub(super) dbms: Dbms,
    pub(super) program: &'a Found,
    pub(super) max_connections: u32,
    /// What Vault's own user is.
    pub(super) root: RootKind,
    /// The scenario's folder.
    pub(super) name: &'a str,
}

impl Native {
    /// A server that runs, with its links from Vault and from the clients.
    pub(super) async fn database(
        &self,
        order: &Order<'_>,
        lines: &Lines,
        history: &History,
    ) -> Result<(DatabaseServer, Link, Link), UpError> {
        let Order { dbms, program, max_connections, root, name } = *order;
        let user = User::unprivileged();
        let folder = self.folder_for(name, dbms.word(), user)?;
        let port = claim()?;
        let nth = 1 + 2 * dbms as u64;
        let from_vault = lines.lay(Endpoint::Vault, dbms.endpoint(), nth, port.address()).await?;
        let from_clients = lines.lay(Endpoint::Clients, dbms.endpoint(), nth + 1, port.address()).await?;
        let data = folder.join("data");
        let template = self.database_template(dbms, program, user).await?;
        template.copy_to(&data, user).await.map_err(|e| UpError::Machine(e.to_string()))?;
        let place = Place { folder: &folder, data: &data, user, owner: Some(self.estate.owner()) };
        let mut server = place.server(dbms, program, port, max_connections, history)?;
        server.linked = way(dbms, from_clients.address(), history);
        server.root = root;
        server.start(history).await?;
        Ok((server, from_vault, from_clients))
    }

    /// An initialised data folder, made once for each version.
    async fn database_template(&self, dbms: Dbms, program: &Found, user: Option<User>) -> Result<Template, UpError> {
        match dbms {
            Dbms::Postgres => postgres::template(&self.cache, program, user).await,
            Dbms::Mysql => mysql::template(&self.cache, program, user).await,
        }
    }
}

/// Where a database server is put: an initialised folder.
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) data: &'a Path,
    pub(super) user: Option<User>,
    /// The run that it belongs to; a template's belongs to none.
    pub(super) owner: Option<Owner>,
}

impl Place<'_> {
    /// A server there, ready to be started; without links yet.
    pub(super) fn server(
        self,
        dbms: Dbms,
        program: &Found,
        port: Port,
        max_connections: u32,
        history: &History,
    ) -> Result<DatabaseServer, UpError> {
        let launch = match dbms {
            Dbms::Postgres => postgres::launch(&self, program, &port, max_connections)?,
            Dbms::Mysql => mysql::launch(&self, program, &port, max_connections)?,
        };
        let launch = match self.owner {
            Some(owner) => launch.owned_by(owner),
            None => launch,
        };
        let direct = way(dbms, port.address(), history);
        Ok(DatabaseServer {
            linked: direct.clone(),
            direct,
            admin: admin_of(dbms, self.data, history)?,
            root: RootKind::default(),
            root_password: Mutex::new(history.secrets().learn(Secret::random())),
            product: name_of(program),
            machine: Machine::new(dbms.server(), Process::new(launch), history.clone()).keeping([port]),
        })
    }
}

fn way(dbms: Dbms, address: SocketAddr, history: &History) -> Database {
    Database::new(dbms, &address.ip().to_string(), address.port(), *history.clock())
}

/// The superuser that a template's folder was initialised with.
fn admin_of(dbms: Dbms, data: &Path, history: &History) -> Result<Login, UpError> {
    let file = data.join(ADMIN_PASSWORD);
    let password = fs::read_to_string(&file).map_err(|e| broken("read", &file, &e))?;
    let username = match dbms {
        Dbms::Postgres => postgres_service::ADMIN,
        Dbms::Mysql => mysql_service::ADMIN,
    };
    Ok(Login { username: username.to_owned(), password: history.secrets().learn(Secret::new(password.trim())) })
}
