//! A database server, whichever it is: what everything above asks of one. Each server's own way of being asked, its words
//! and its refusals are in its own folder.

use std::sync::Arc;
use std::time::Duration;

use super::mysql::{self, Mysql};
use super::postgres::{self, Postgres};
use super::{Seen, once};
use crate::event::Principal;
use crate::outcome::Outcome;
use crate::scenario::Dbms;
use crate::scenario::file::RootKind;
use crate::secret::Secret;
use crate::time::Clock;

/// How long a login or a short statement may take before it counts as unanswered.
pub const BRIEF: Duration = Duration::from_secs(5);
/// Vault's own user.
pub const ROOT: &str = "vault_root";

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

/// A way to one database server, at one address. Every login is a connection of its own; nothing is pooled, so that what is
/// seen is what the server says now.
#[derive(Debug, Clone)]
pub struct Database {
    server: Server,
    address: String,
    deadline: Duration,
    clock: Clock,
}

#[derive(Debug, Clone)]
enum Server {
    Postgres(Postgres),
    Mysql(Mysql),
}

/// An open session. Dropping it ends it.
#[derive(Debug)]
pub struct Session {
    /// The server that it is with.
    pub dbms: Dbms,
    connection: Connection,
}

#[derive(Debug)]
enum Connection {
    Postgres(postgres::Session),
    Mysql(mysql::Session),
}

impl Database {
    /// A way to the server at this address.
    pub fn new(dbms: Dbms, host: &str, port: u16, clock: Clock) -> Self {
        let server = match dbms {
            Dbms::Postgres => Server::Postgres(Postgres::new(host, port)),
            Dbms::Mysql => Server::Mysql(Mysql::new(host, port)),
        };
        Self { server, address: format!("{host}:{port}"), deadline: BRIEF, clock }
    }

    /// Which server it is.
    pub fn dbms(&self) -> Dbms {
        match self.server {
            Server::Postgres(_) => Dbms::Postgres,
            Server::Mysql(_) => Dbms::Mysql,
        }
    }

    /// The server's own words.
    pub fn words(&self) -> &'static dyn Words {
        words(self.dbms())
    }

    /// The same server, given up on after `deadline`.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// Logs in and asks for `select 1`: the whole way that an application needs.
    pub async fn login(&self, login: &Login) -> Seen<()> {
        self.run(login, "select 1").await.map(|_| ())
    }

    /// Logs in and reads the application's table, as an application does.
    pub async fn work(&self, login: &Login) -> Seen<()> {
        self.run(login, &read_table(self.words())).await.map(|_| ())
    }

    /// Logs in and stays.
    pub async fn open(&self, login: &Login) -> Seen<Arc<Session>> {
        once(self.clock, self.deadline, async {
            match self.connect(login).await {
                Ok(session) => Outcome::Ok(Arc::new(session)),
                Err(outcome) => outcome,
            }
        })
        .await
    }

    /// Runs statements in an open session; gives the first column of the first row.
    pub async fn run_in(&self, session: &Session, sql: &str) -> Seen<Option<String>> {
        once(self.clock, self.deadline, session.run(sql)).await
    }

    /// Logs in, runs statements, leaves.
    pub async fn run(&self, login: &Login, sql: &str) -> Seen<Option<String>> {
        once(self.clock, self.deadline, async {
            match self.connect(login).await {
                Ok(session) => session.run(sql).await,
                Err(outcome) => outcome,
            }
        })
        .await
    }

    /// The users that Vault made, by their name (`v-…`).
    pub async fn principals(&self, admin: &Login) -> Seen<Vec<String>> {
        self.run(admin, &self.words().principals()).await.map(|names| {
            names.unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        })
    }

    /// One user, if it is there.
    pub async fn principal(&self, admin: &Login, username: &str) -> Seen<Option<Principal>> {
        let (words, clock) = (self.words(), self.clock);
        let row = self.run(admin, &words.principal(username)).await;
        row.map(|row| row.map(|row| words.read_principal(&row, &clock)))
    }

    /// A session, or why there is none, as the outcome of whatever it was wanted for.
    async fn connect<T>(&self, login: &Login) -> Result<Session, Outcome<T>> {
        let connection = match &self.server {
            Server::Postgres(server) => Connection::Postgres(server.connect(login).await?),
            Server::Mysql(server) => Connection::Mysql(server.connect(login).await?),
        };
        Ok(Session { dbms: self.dbms(), connection })
    }
}

impl Session {
    async fn run(&self, sql: &str) -> Outcome<Option<String>> {
        match &self.connection {
            Connection::Postgres(session) => session.run(sql).await,
            Connection::Mysql(session) => session.run(sql).await,
        }
    }
}

/// The statement that reads the application's table.
pub fn read_table(words: &dyn Words) -> String {
    format!("select count(*) from {}", words.table())
}

/// The words of one kind of server.
pub fn words(dbms: Dbms) -> &'static dyn Words {
    match dbms {
        Dbms::Postgres => &postgres::words::Postgres,
        Dbms::Mysql => &mysql::words::Mysql,
    }
}

/// A look that shows whether a statement has taken effect: a query, and what it returns when it has.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The query.
    pub query: String,
    /// The first column of its first row.
    pub returns: &'static str,
}

/// What is said to a server in its own words: SQL, as one or several statements.
pub trait Words: Sync {
    /// The application's table: what a credential may read.
    fn table(&self) -> &'static str;

    /// The plugin of the database engine.
    fn plugin(&self) -> &'static str;

    /// Where that plugin finds the server; the engine puts user and password for `{{username}}` and `{{password}}`.
    fn connection_url(&self, target: &str) -> String;

    /// What the connection has beside what every connection has.
    fn connection_settings(&self) -> &'static [(&'static str, &'static str)];

    /// What a role makes when the scenario does not say: a login that may read the application's table.
    fn creation(&self) -> Vec<String>;

    /// Names of the users that Vault made, joined by commas.
    fn principals(&self) -> String;

    /// One row for this user, if it is there.
    fn principal(&self, username: &str) -> String;

    /// That row, understood.
    fn read_principal(&self, row: &str, clock: &Clock) -> Principal;

    /// Makes a user that may log in and nothing else.
    fn create_user(&self, username: &str, password: &Secret) -> String;

    /// Gives a user that is there another password.
    fn set_password(&self, username: &str, password: &Secret) -> String;

    /// Removes a user with all that it has, whatever host it may come from.
    fn drop_user(&self, username: &str) -> String;

    /// That a user is gone.
    fn gone(&self, username: &str) -> Proof;

    /// Keeps a user from logging in.
    fn lock(&self, username: &str) -> String;

    /// Lets it log in again.
    fn unlock(&self, username: &str) -> String;

    /// That it may not log in.
    fn locked(&self, username: &str) -> Proof;

    /// Takes from Vault's own user what makes users.
    fn disarm_root(&self, root: RootKind) -> String;

    /// Gives it back.
    fn arm_root(&self, root: RootKind) -> String;

    /// That it may make no users.
    fn disarmed_root(&self, root: RootKind) -> Proof;

    /// The sessions of a user: their numbers, joined by commas.
    fn sessions(&self, username: &str) -> String;

    /// Ends one of them; an error when it is gone.
    fn end_session(&self, number: u64) -> String;

    /// How many connections more an ordinary user could take when `taken` are held by the filler, by nobody else who
    /// stays: a login that comes and goes gives its connection back a moment later.
    fn left_to_take(&self, filler: &str, taken: usize) -> String;
}
