//! MySQL and MariaDB: how a connection to one is opened and used, and what is said to it.

pub mod launch;
mod refusal;
mod sha256;
pub mod words;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, DriverError, Error, OptsBuilder, Row, Value};
use tokio::sync::{mpsc, oneshot};

use super::database::Login;
use crate::outcome::{Outcome, Silence, Unknown};

/// The database that the application's table is in.
pub const DATABASE: &str = "app";
/// The harness's own superuser.
pub const ADMIN: &str = "leaseproof";
/// The application's table.
pub const TABLE: &str = "app.items";

/// What the driver would ask the server for after each login.
const LARGEST_PACKET: usize = 16 * 1024 * 1024;
const IDLE_SECONDS: usize = 28_800;

/// Where a MySQL server is.
#[derive(Debug, Clone)]
pub(super) struct Mysql {
    host: String,
    port: u16,
}

/// An open session. Dropping it says goodbye to the server.
///
/// The connection belongs to a task of its own: whoever gives up waiting for an answer leaves it to be read there, and the
/// session stays good for the next statement.
#[derive(Debug)]
pub(super) struct Session {
    statements: mpsc::UnboundedSender<Statement>,
}

struct Statement {
    sql: String,
    answer: oneshot::Sender<Outcome<Option<String>>>,
}

impl Mysql {
    pub(super) fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port }
    }

    /// A session, or why there is none, as the outcome of whatever it was wanted for.
    pub(super) async fn connect<T>(&self, login: &Login) -> Result<Session, Outcome<T>> {
        let options = OptsBuilder::default()
            .ip_or_hostname(self.host.as_str())
            .tcp_port(self.port)
            .user(Some(login.username.as_str()))
            .pass(Some(login.password.expose()))
            // Over the link that is asked about, and not past it over a socket file.
            .prefer_socket(false)
            .max_allowed_packet(Some(LARGEST_PACKET))
            .wait_timeout(Some(IDLE_SECONDS))
            .stmt_cache_size(0);
        let connection = match Conn::new(options).await {
            Ok(connection) => connection,
            Err(Error::Driver(DriverError::UnknownAuthPlugin { name })) if name == sha256::NAME => {
                return Err(match sha256::login(&self.host, self.port, login).await {
                    Err(error) => refusal::outcome(&error),
                    Ok(()) => Outcome::Unknown(Unknown {
                        why: Silence::Lost,
                        detail: format!("the server lets it in over {name}, with which the driver can do nothing"),
                    }),
                });
            }
            Err(error) => return Err(refusal::outcome(&error)),
        };
        let (statements, asked) = mpsc::unbounded_channel();
        tokio::spawn(serve(connection, asked));
        Ok(Session { statements })
    }
}

impl Session {
    /// Runs statements over the text protocol, which leaves nothing prepared behind.
    pub(super) async fn run(&self, sql: &str) -> Outcome<Option<String>> {
        let (answer, answered) = oneshot::channel();
        // When the task has ended, so has the connection, and nobody answers.
        let _ = self.statements.send(Statement { sql: sql.to_owned(), answer });
        answered.await.unwrap_or_else(|_| {
            Outcome::Unknown(Unknown { why: Silence::Lost, detail: "the connection was closed".to_owned() })
        })
    }
}

/// Answers one statement after the other until nobody asks any more or the connection is lost.
async fn serve(mut connection: Conn, mut asked: mpsc::UnboundedReceiver<Statement>) {
    while let Some(Statement { sql, answer }) = asked.recv().await {
        let (outcome, lost) = match ask(&mut connection, &sql).await {
            Ok(cell) => (Outcome::Ok(cell), false),
            Err(error) => (refusal::outcome(&error), error.is_fatal()),
        };
        // Whoever asked may have given up.
        let _ = answer.send(outcome);
        if lost {
            return;
        }
    }
    // A server that is not there any more needs no goodbye.
    let _ = connection.disconnect().await;
}

/// Runs statements to the end of the last one's rows; gives the first column of the first row.
async fn ask(connection: &mut Conn, sql: &str) -> mysql_async::Result<Option<String>> {
    let mut result = connection.query_iter(sql).await?;
    let mut first: Option<Option<String>> = None;
    while !result.is_empty() {
        for row in result.collect::<Row>().await? {
            first.get_or_insert_with(|| cell(&row));
        }
    }
    Ok(first.flatten())
}

fn cell(row: &Row) -> Option<String> {
    match row.as_ref(0)? {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        other => Some(other.as_sql(true).trim_matches('\'').to_owned()),
    }
}
