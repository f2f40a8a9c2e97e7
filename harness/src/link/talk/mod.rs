//! What is said on a link: readers that know enough of a protocol to tell the moment for which a fault waits.
//!
//! A reader is pure: bytes in, bytes out, however they are cut into chunks. What may pass on it gives back at once; it
//! keeps back what is not whole yet, and what must not pass should the moment have come. When it no longer understands, it
//! lets everything pass and sees nothing more.

mod http;
mod mysql;
mod overheard;
mod postgres;

#[cfg(test)]
mod tests;

pub(crate) use overheard::Ear;
pub use overheard::Overheard;
use regex::Regex;

/// What is waited for.
#[derive(Debug, Clone)]
pub struct Watch {
    /// What is spoken on the link.
    pub protocol: Protocol,
    /// What a statement, a request's method and path (`POST /v1/sys/leases/renew`), or an action of AWS's API has to match
    /// somewhere.
    pub pattern: Regex,
    /// When, of that statement or request.
    pub moment: Moment,
    /// Whether what is kept back from then on goes on when the fault is over, late and whole. Else it is lost, and its
    /// connection is reset.
    pub gives_back: bool,
}

/// What is spoken on a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// PostgreSQL's, in the clear; simple and extended queries.
    Postgres,
    /// MySQL's and MariaDB's, in the clear and not compressed; queries and prepared statements.
    MySql,
    /// HTTP/1.1, in the clear.
    Http,
    /// AWS's API: forms over HTTP/1.1, in the clear.
    Aws,
}

/// A moment in the life of a statement or request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It was sent, and no byte of it has reached the server.
    BeforeSent,
    /// The server has done it for good (a statement is committed), and no byte of that answer has reached the client.
    AfterDone,
}

/// What a reader lets pass.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    /// What may go on.
    pub(crate) bytes: Vec<u8>,
    /// Whether the moment has come, behind these bytes. Nothing is to be given to the reader any more.
    pub(crate) come: bool,
}

/// A reader of one connection, both ways. What it lets pass is what it was given, in that order.
pub(crate) trait Talk: Send {
    /// Takes what the client sent.
    fn asked(&mut self, bytes: &[u8]) -> Passed;

    /// Takes what the server sent.
    fn answered(&mut self, bytes: &[u8]) -> Passed;
}

impl Watch {
    /// A reader for a connection; `fresh` is one that has just been made, any other is taken to be between two messages.
    pub(crate) fn reader(&self, fresh: bool) -> Box<dyn Talk> {
        match self.protocol {
            Protocol::Postgres => Box::new(postgres::Postgres::new(self.clone(), fresh)),
            Protocol::MySql => Box::new(mysql::MySql::new(self.clone(), fresh)),
            Protocol::Http => Box::new(http::Http::new(self.clone(), http::Told::Line)),
            Protocol::Aws => Box::new(http::Http::new(self.clone(), http::Told::Form)),
        }
    }
}
