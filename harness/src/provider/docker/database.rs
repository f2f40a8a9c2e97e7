//! A database server as a container: its files, its port, its links, and what must be in it before Vault comes. The first
//! start initialises its data folder.

use std::net::SocketAddr;
use std::sync::Mutex;

use super::up::{FILES, Place, claim};
use crate::history::History;
use crate::link::Link;
use crate::provider::UpError;
use crate::provider::native::find::Found;
use crate::provider::native::name_of;
use crate::provider::native::part::Product;
use crate::scenario::file::{Endpoint, RootKind};
use crate::scenario::{self, Dbms};
use crate::secret::Secret;
use crate::service::database::{Database, Login};
use crate::service::mysql::launch as mysql;
use crate::service::postgres::launch as postgres;
use crate::service::{mysql as mysql_service, postgres as postgres_service};
use crate::stack::DatabaseServer;

/// Where MySQL listens in its container.
const MYSQL: u16 = 3306;

/// What differs between the servers.
struct Inside {
    /// Where it listens.
    port: u16,
    /// As whom it runs.
    user: &'static str,
    /// Who may do everything.
    admin: &'static str,
    /// The argument of its script.
    argument: Option<String>,
    /// Its own files, by name.
    files: Vec<(&'static str, String)>,
}

impl Inside {
    fn of(dbms: Dbms, program: &Found, wanted: &scenario::DatabaseServer, password: &Secret) -> Self {
        match dbms {
            Dbms::Postgres => {
                let port = 5432;
                let files = vec![
                    ("start.sh", postgres::START.to_owned()),
                    ("password", password.expose().to_owned()),
                    ("postgresql.conf", postgres::configuration("*", port, wanted.max_connections)),
                    ("pg_hba.conf", postgres::HBA_OF_CONTAINER.to_owned()),
                ];
                Self { port, user: "postgres", admin: postgres_service::ADMIN, argument: None, files }
            }
            Dbms::Mysql => {
                let settings = mysql_settings(program.product == Product::MariaDb, wanted.max_connections);
                let files = vec![
                    ("start.sh", mysql::START.to_owned()),
                    ("administration.sql", mysql::administration(password, "%")),
                    ("my.cnf", settings),
                ];
                let argument = Some(program.program.display().to_string());
                Self { port: MYSQL, user: "mysql", admin: mysql_service::ADMIN, argument, files }
            }
        }
    }
}

/// The settings file of a MySQL or MariaDB server.
pub(super) fn mysql_settings(mariadb: bool, max_connections: u32) -> String {
    let (data, general) = (mysql::DATA_OF_CONTAINER, mysql::configuration(mariadb, max_connections));
    format!(
        "[mysqld]\ndatadir = {data}\ntmpdir = {data}\nsocket = mysqld.sock\npid_file = mysqld.pid\n\
         bind_address = 0.0.0.0\nport = {MYSQL}\n{general}"
    )
}

impl Place<'_> {
    /// A server that runs, with its links from Vault and from the clients.
    pub(super) async fn database(
        &self,
        dbms: Dbms,
        program: &Found,
        wanted: &scenario::DatabaseServer,
        root: RootKind,
    ) -> Result<(DatabaseServer, Link, Link), UpError> {
        let port = claim()?;
        let nth = 1 + 2 * dbms as u64;
        let from_vault = self.link(Endpoint::Vault, dbms.endpoint(), nth, port.address()).await?;
        let from_clients = self.link(Endpoint::Clients, dbms.endpoint(), nth + 1, port.address()).await?;
        let secrets = self.history.secrets();
        let (password, root_password) = (secrets.learn(Secret::random()), secrets.learn(Secret::random()));
        let inside = Inside::of(dbms, program, wanted, &password);
        let mut blueprint = self.blueprint(&dbms.server(), program, vec![(port.number(), inside.port)])?;
        blueprint.program = Some("sh".to_owned());
        blueprint.arguments = std::iter::once(format!("{FILES}/start.sh")).chain(inside.argument).collect();
        blueprint.user = Some(inside.user.to_owned());
        blueprint.files = inside.files.into_iter().map(|(name, text)| (format!("{FILES}/{name}"), text)).collect();
        let server = DatabaseServer {
            direct: way(dbms, port.address(), self.history),
            linked: way(dbms, from_clients.address(), self.history),
            admin: Login { username: inside.admin.to_owned(), password },
            root,
            root_password: Mutex::new(root_password),
            product: name_of(program),
            machine: self.machine(dbms.server(), blueprint, vec![port]),
        };
        server.start(self.history).await?;
        Ok((server, from_vault, from_clients))
    }
}

fn way(dbms: Dbms, address: SocketAddr, history: &History) -> Database {
    Database::new(dbms, &address.ip().to_string(), address.port(), *history.clock())
}
