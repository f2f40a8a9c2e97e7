//! The servers that leaseproof knows: how each is set up, asked, and understood. A refusal is given its cause here, once,
//! from the server's own codes; nothing above reads an error text.

pub mod aws;
pub mod database;
pub mod mysql;
pub mod postgres;
pub mod vault;

use std::future::Future;
use std::time::Duration;

use crate::outcome::{Outcome, Unknown};
use crate::shape::Shape;
use crate::time::{Clock, Interval};

/// What a call came to, and the time in which it happened.
#[derive(Debug, Clone)]
pub struct Seen<T> {
    /// From just before it was sent to just after it was answered or given up.
    pub at: Interval,
    /// What came of it.
    pub outcome: Outcome<T>,
    /// What the answer is made of, where one came and its parts are known.
    pub shape: Option<Box<Shape>>,
}

impl<T> Seen<T> {
    /// The same, with another reply.
    pub fn map<U>(self, reply: impl FnOnce(T) -> U) -> Seen<U> {
        Seen { at: self.at, outcome: self.outcome.map(reply), shape: self.shape }
    }
}

/// Makes one call with a deadline: once, without retry. A deadline that passes makes it unknown.
pub(crate) async fn once<T>(clock: Clock, deadline: Duration, call: impl Future<Output = Outcome<T>>) -> Seen<T> {
    let sent = clock.now();
    let outcome = tokio::time::timeout(deadline, call).await.unwrap_or(Outcome::Unknown(Unknown::deadline(deadline)));
    Seen { at: Interval::new(sent, clock.now()), outcome, shape: None }
}
