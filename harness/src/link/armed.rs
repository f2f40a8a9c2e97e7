//! A fault that waits for its moment: until then all passes, from then on nothing does, on any connection of the link.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio::time::Instant;

use super::chain::{Chunk, Queue, Stage};
use super::talk::{Talk, Watch};
use super::toxic::Way;

/// What all connections of an armed link share.
pub(crate) struct Armed {
    watch: Watch,
    come: watch::Sender<bool>,
}

/// Tells when the moment has come.
#[derive(Debug, Clone)]
pub struct Coming(watch::Receiver<bool>);

impl Coming {
    /// Returns when it has come. What was to be kept back is kept back by then.
    pub async fn wait(&mut self) {
        // An error means that the link is gone: then it never comes.
        if self.0.wait_for(|come| *come).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it has come.
    pub fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}

impl Armed {
    /// Waits for this.
    pub(crate) fn new(watch: Watch) -> (Arc<Self>, Coming) {
        let (come, coming) = watch::channel(false);
        (Arc::new(Self { watch, come }), Coming(coming))
    }

    /// The stages of a connection: one for each way, which read the same talk.
    pub(crate) fn stages(self: &Arc<Self>, fresh: bool) -> impl Fn(Way) -> Option<Box<dyn Stage>> {
        let talk = Arc::new(Mutex::new(self.watch.reader(fresh)));
        let armed = Arc::clone(self);
        move |way| {
            let (armed, talk) = (Arc::clone(&armed), Arc::clone(&talk));
            Some(Box::new(Waiting { armed, talk, way, lost: false }))
        }
    }
}

struct Waiting {
    armed: Arc<Armed>,
    talk: Arc<Mutex<Box<dyn Talk>>>,
    way: Way,
    /// Whether something that the sender believes sent will never arrive.
    lost: bool,
}

impl Waiting {
    fn rest(&self) -> Option<Chunk> {
        let rest = self.talk.lock().unwrap_or_else(PoisonError::into_inner).rest(self.way);
        if rest.is_empty() { None } else { Some(Chunk::Bytes(rest)) }
    }
}

impl Stage for Waiting {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        if *self.armed.come.borrow() {
            self.lost = true;
            return;
        }
        let Chunk::Bytes(bytes) = chunk else {
            if let Some(rest) = self.rest() {
                onward.put(now, rest);
            }
            return onward.put(now, chunk);
        };
        let passed = {
            let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
            if self.way == Way::Up { talk.asked(&bytes) } else { talk.answered(&bytes) }
        };
        if !passed.bytes.is_empty() {
            onward.put(now, Chunk::Bytes(passed.bytes));
        }
        if passed.come {
            self.lost = true;
            self.armed.come.send_replace(true);
        }
    }

    fn has_room(&self, onward: &Queue) -> bool {
        onward.len() == 0 || *self.armed.come.borrow()
    }

    fn end(&mut self) -> Option<Chunk> {
        if self.lost { Some(Chunk::Reset) } else { self.rest() }
    }
}
