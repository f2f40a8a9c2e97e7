//! PostgreSQL: how a connection to it is opened and used, and what is said to it.

pub mod launch;
mod refusal;
pub mod words;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

pub use refusal::outcome;

use super::database::Login;
use crate::outcome::Outcome;

/// The database that everything happens in.
pub const DATABASE: &str = "postgres";
/// The harness's own superuser.
pub const ADMIN: &str = "postgres";
/// The application's table.
pub const TABLE: &str = "public.items";

/// Where a PostgreSQL server is.
#[derive(Debug, Clone)]
pub(super) struct Postgres {
    host: String,
    port: u16,
}

/// An open session. Dropping it says goodbye to the server.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
}

impl Postgres {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// A session, or why there is none, as the outcome of whatever it was wanted for.
    pub(super) async fn connect<T>(&self, login: &Login) -> Result<Session, Outcome<T>> {
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(&login.username)
            .password(login.password.expose())
            .dbname(DATABASE)
            .application_name("leaseproof");
        let (client, connection) = config.connect(NoTls).await.map_err(|e| refusal::outcome(&e))?;
        // An error here also ends the client's calls, which report it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Session { client })
    }
}

impl Session {
    /// Runs statements over the simple protocol, which leaves nothing prepared behind.
    pub(super) async fn run(&self, sql: &str) -> Outcome<Option<String>> {
        match self.client.simple_query(sql).await {
            Ok(messages) => Outcome::Ok(messages.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })),
            Err(error) => refusal::outcome(&error),
        }
    }
}
