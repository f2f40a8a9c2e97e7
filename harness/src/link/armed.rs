//! A fault that waits for its moment: until then all passes, from then on nothing does, on any connection of the link. When it
//! is over, a connection that lost something is reset; or nothing was lost, and all goes on late.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::chain::{Chunk, Queue, Stage};
use super::talk::{Talk, Watch};
use super::toxic::Way;

/// Longer than any fault: what waits so long waits for the fault's end.
const TO_THE_END: Duration = Duration::from_secs(365 * 24 * 60 * 60);

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
            Some(Box::new(Waiting { armed, talk, way, withheld: Vec::new(), lost: false }))
        }
    }
}

struct Waiting {
    armed: Arc<Armed>,
    talk: Arc<Mutex<Box<dyn Talk>>>,
    way: Way,
    /// What was sent and has not been let go: it passes in the order in which it came.
    withheld: Vec<u8>,
    /// Whether something that the sender believes sent will never arrive.
    lost: bool,
}

impl Waiting {
    fn rest(&mut self) -> Option<Chunk> {
        let rest = std::mem::take(&mut self.withheld);
        if rest.is_empty() { None } else { Some(Chunk::Bytes(rest)) }
    }

    /// What comes once the moment has come.
    fn keep(&mut self, chunk: Option<Chunk>, now: Instant, onward: &mut Queue) {
        if !self.armed.watch.gives_back {
            self.lost = true;
            return;
        }
        for chunk in self.rest().into_iter().chain(chunk) {
            onward.put(now + TO_THE_END, chunk);
        }
    }
}

impl Stage for Waiting {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        if *self.armed.come.borrow() {
            return self.keep(Some(chunk), now, onward);
        }
        let Chunk::Bytes(bytes) = chunk else {
            if let Some(rest) = self.rest() {
                onward.put(now, rest);
            }
            return onward.put(now, chunk);
        };
        self.withheld.extend(&bytes);
        let passed = {
            let mut talk = self.talk.lock().unwrap_or_else(PoisonError::into_inner);
            if self.way == Way::Up { talk.asked(&bytes) } else { talk.answered(&bytes) }
        };
        if !passed.bytes.is_empty() {
            self.withheld.drain(..passed.bytes.len());
            onward.put(now, Chunk::Bytes(passed.bytes));
        }
        if passed.come {
            self.keep(None, now, onward);
            self.armed.come.send_replace(true);
        }
    }

    fn has_room(&self, onward: &Queue) -> bool {
        onward.len() == 0 || (*self.armed.come.borrow() && !self.armed.watch.gives_back)
    }

    fn end(&mut self) -> Option<Chunk> {
        if self.lost { Some(Chunk::Reset) } else { self.rest() }
    }
}
