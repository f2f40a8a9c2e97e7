//! PostgreSQL: logins, sessions, and the list of users that Vault made. Every login is a connection of its own; nothing is
//! pooled, so that what is seen is what the server says now.

pub mod launch;
mod refusal;

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

pub use refusal::outcome;

use super::{Seen, once};
use crate::event::Principal;
use crate::outcome::Outcome;
use crate::secret::Secret;
use crate::time::Clock;

/// How long a login or a short statement may take before it counts as unanswered.
pub const BRIEF: Duration = Duration::from_secs(5);
/// The database that everything happens in.
pub const DATABASE: &str = "postgres";
/// The harness's own superuser.
pub const ADMIN: &str = "postgres";
/// The application's table: what a credential may read.
pub const TABLE: &str = "public.items";

/// A way to one PostgreSQL server, at one address.
#[derive(Debug, Clone)]
pub struct Postgres {
    host: String,
    port: u16,
    deadline: Duration,
    clock: Clock,
}

/// An open session. Dropping it says goodbye to the server.
#[derive(Debug)]
pub struct Session {
    client: Client,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
}

impl Postgres {
    /// A way to the server at this address.
    pub fn new(host: &str, port: u16, clock: Clock) -> Self {
        Self { host: host.to_owned(), port, deadline: BRIEF, clock }
    }

    /// The same server, given up on after `deadline`.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Logs in and asks for `select 1`: the whole way that an application needs.
    pub async fn login(&self, login: &Login) -> Seen<()> {
        once(self.clock, self.deadline, async {
            match self.connect(login).await {
                Ok(session) => session.run("select 1").await.map(|_| ()),
                Err(outcome) => outcome,
            }
        })
        .await
    }

    /// Logs in and reads the application's table, as an application does.
    pub async fn work(&self, login: &Login) -> Seen<()> {
        once(self.clock, self.deadline, async {
            match self.connect(login).await {
                Ok(session) => session.run(&format!("select count(*) from {TABLE}")).await.map(|_| ()),
                Err(outcome) => outcome,
            }
        })
        .await
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

    /// Runs one statement in an open session; gives the first column of the first row.
    pub async fn run_in(&self, session: &Session, sql: &str) -> Seen<Option<String>> {
        once(self.clock, self.deadline, session.run(sql)).await
    }

    /// Logs in, runs one statement, leaves.
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
        let sql =
            "select coalesce(string_agg(rolname, ',' order by rolname), '') from pg_roles where rolname like 'v-%'";
        self.run(admin, sql).await.map(|names| {
            names.unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
        })
    }

    /// One user, if it is there.
    pub async fn principal(&self, admin: &Login, username: &str) -> Seen<Option<Principal>> {
        let sql = format!(
            "select rolcanlogin::text || '|' || coalesce(extract(epoch from rolvaliduntil)::text, '') \
             from pg_roles where rolname = {}",
            literal(username)
        );
        let clock = self.clock;
        self.run(admin, &sql).await.map(|row| row.map(|row| read_principal(&row, &clock)))
    }

    /// A session, or why there is none, as the outcome of whatever it was wanted for.
    async fn connect<T>(&self, login: &Login) -> Result<Session, Outcome<T>> {
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
    /// Runs one statement over the simple protocol, which leaves nothing prepared behind.
    async fn run(&self, sql: &str) -> Outcome<Option<String>> {
        match self.client.simple_query(sql).await {
            Ok(messages) => Outcome::Ok(messages.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })),
            Err(error) => refusal::outcome(&error),
        }
    }
}

/// A text as an SQL literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name as an SQL identifier.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn read_principal(row: &str, clock: &Clock) -> Principal {
    let (can_login, until) = row.split_once('|').unwrap_or((row, ""));
    let valid_until = until.parse::<f64>().ok().and_then(|seconds| {
        jiff::Timestamp::from_duration(jiff::SignedDuration::try_from_secs_f64(seconds).ok()?).ok()
    });
    Principal { valid_until: valid_until.map(|at| clock.moment_of(at)), can_login: can_login == "true" }
}
