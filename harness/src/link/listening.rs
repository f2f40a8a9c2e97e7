//! A stage that lets everything pass and hears what is said.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::chain::{Chunk, Queue, Stage};
use super::talk::{Ear, Overheard, Protocol};
use super::toxic::Way;

/// Who is told what is overheard. It is told under the lock of a connection, so it must be quick.
pub type Told = Arc<dyn Fn(Overheard) + Send + Sync>;

/// What all connections of a link that is listened to share.
#[derive(Clone)]
pub(crate) struct Listening {
    protocol: Protocol,
    told: Told,
}

impl fmt::Debug for Listening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listening").field("protocol", &self.protocol).finish_non_exhaustive()
    }
}

impl Listening {
    pub(crate) fn new(protocol: Protocol, told: Told) -> Self {
        Self { protocol, told }
    }

    /// The stages of a new connection: one for each way, with one ear.
    pub(crate) fn stages(&self) -> impl Fn(Way) -> Option<Box<dyn Stage>> {
        let ear = Arc::new(Mutex::new(Ear::new(self.protocol)));
        let told = Arc::clone(&self.told);
        move |way| Some(Box::new(Hearing { ear: Arc::clone(&ear), told: Arc::clone(&told), way }))
    }
}

struct Hearing {
    ear: Arc<Mutex<Ear>>,
    told: Told,
    way: Way,
}

impl Stage for Hearing {
    fn take(&mut self, chunk: Chunk, now: Instant, onward: &mut Queue) {
        if let Chunk::Bytes(bytes) = &chunk {
            let heard = self.ear.lock().unwrap_or_else(PoisonError::into_inner).hear(self.way, bytes);
            for heard in heard {
                (self.told)(heard);
            }
        }
        onward.put(now, chunk);
    }
}
