//! What can be put between a stack and whoever acts on it, so that neither knows of it: a way to plant faults in a healthy
//! server and to see whether a scenario notices.

use futures_util::future::BoxFuture;

use crate::history::History;
use crate::stack::Stack;

/// Something that stands between a stack and whoever acts on it.
pub trait Between: Send + Sync {
    /// Takes its place: called once, when the servers are up and nothing is set up yet. It gives the stack its own
    /// addresses (`stack.vault.direct`, the upstreams of the links). The words of an error say what could not be done; the
    /// scenario then counts as broken.
    fn stand<'a>(&'a self, stack: &'a mut Stack, history: &'a History) -> BoxFuture<'a, Result<(), String>>;

    /// The baseline held, and the steps follow.
    fn steps_begin(&self);
}
