//! The one thread that starts processes. A parent-death signal is sent when the *thread* that forked ends, so servers
//! must not be started by a runtime's worker, which may end long before the harness does.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

type Job = Box<dyn FnOnce() + Send>;

/// Lives as long as the harness: nothing ever drops the sender.
static FORKER: Mutex<Option<Sender<Job>>> = Mutex::new(None);

/// Runs the job on the forking thread. When the caller stops waiting, what the job made is dropped there.
pub(super) async fn run<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (reply, answer) = oneshot::channel();
    let job: Job = Box::new(move || drop(reply.send(job())));
    sender()?.send(job).map_err(|_| ended())?;
    answer.await.map_err(|_| ended())
}

fn sender() -> io::Result<Sender<Job>> {
    let mut forker = FORKER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(sender) = forker.as_ref() {
        return Ok(sender.clone());
    }
    let (sender, jobs) = channel::<Job>();
    thread::Builder::new().name("leaseproof-fork".into()).spawn(move || {
        for job in jobs {
            // A panic that ended this thread would kill every server of the harness.
            let _ = catch_unwind(AssertUnwindSafe(job));
        }
    })?;
    *forker = Some(sender.clone());
    Ok(sender)
}

fn ended() -> io::Error {
    io::Error::other("the thread that starts processes gave no answer")
}
