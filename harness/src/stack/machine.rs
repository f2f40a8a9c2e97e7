//! A server's process or container: started, stopped, killed, paused, and waited for.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{StackError, UP};
use crate::event::{Actor, Event, ServerState};
use crate::history::History;
use crate::provider::docker::container::Container;
use crate::provider::native::port::Port;
use crate::provider::native::process::Process;
use crate::scenario::file::{Node, Server};
use crate::time::{Interval, Moment};
use crate::wait;

/// How long a server may take to stop in good order before it is killed.
const GRACE: Duration = Duration::from_secs(20);

/// What a server runs as.
#[derive(Debug)]
pub enum Body {
    /// A process of this machine.
    Process(Arc<Process>),
    /// A container.
    Container(Box<Container>),
}

impl Body {
    /// Starts it; returns as soon as it runs, before it answers.
    pub async fn start(&self) -> Result<(), StackError> {
        match self {
            Self::Process(process) => process.start().await?,
            Self::Container(container) => container.start().await?,
        }
        Ok(())
    }

    /// Waits until it does not run, and says how it ended.
    pub async fn exited(&self) -> String {
        match self {
            Self::Process(process) => process.exited().await.map_or_else(|e| e.to_string(), |exit| exit.to_string()),
            Self::Container(container) => container.exited().await.unwrap_or_else(|e| e.to_string()),
        }
    }

    /// Ends it for good. A container goes with all that it stored; a process's folder is its provider's to remove.
    pub async fn remove(&self) -> Result<(), StackError> {
        match self {
            Self::Process(process) => drop(process.kill().await?),
            Self::Container(container) => container.remove().await?,
        }
        Ok(())
    }

    /// The file with its log up to now.
    pub async fn log(&self) -> PathBuf {
        match self {
            Self::Process(process) => process.log().to_owned(),
            Self::Container(container) => {
                container.take_log().await;
                container.log().to_owned()
            }
        }
    }
}

impl From<Process> for Body {
    fn from(process: Process) -> Self {
        Self::Process(Arc::new(process))
    }
}

impl From<Container> for Body {
    fn from(container: Container) -> Self {
        Self::Container(Box::new(container))
    }
}

/// How many of the last lines of a log are told.
const LINES: usize = 12;
/// What stands in the line in which a server says that it cannot go on.
const REASONS: [&str; 3] = ["FATAL:", "PANIC:", "No space left on device"];

/// The last lines of a log. PostgreSQL says why it ends before it repeats the statement, which can be longer than that.
fn last_words(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let (before, last) = lines.split_at(lines.len().saturating_sub(LINES));
    let gives_a_reason = |line: &&&str| REASONS.iter().any(|words| line.contains(words));
    let reason = before.iter().rfind(gives_a_reason).filter(|_| !last.iter().any(|line| gives_a_reason(&line)));
    reason.into_iter().chain(last).copied().collect::<Vec<_>>().join("\n")
}

/// A server's process or container, and where it writes its log.
#[derive(Debug)]
pub struct Machine {
    server: Server,
    /// Which node of a cluster it is.
    node: Option<Node>,
    body: Body,
    history: History,
    /// Its ports, which stay its own while it is down.
    ports: Vec<Port>,
}

impl Machine {
    /// Keeps a process or container as a server of the stack.
    pub fn new(server: Server, body: impl Into<Body>, history: History) -> Self {
        Self { server, node: None, body: body.into(), history, ports: Vec::new() }
    }

    /// Keeps it as a node of a cluster.
    #[must_use]
    pub fn of_node(mut self, node: Node) -> Self {
        self.node = Some(node);
        self
    }

    /// Keeps these ports for it as long as the stack lives.
    #[must_use]
    pub fn keeping(mut self, ports: impl IntoIterator<Item = Port>) -> Self {
        self.ports.extend(ports);
        self
    }

    /// Starts it; returns as soon as it runs, before it answers.
    pub async fn start(&self) -> Result<(), StackError> {
        self.body.start().await
    }

    /// Stops it in good order.
    pub async fn stop(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => drop(process.stop(GRACE).await?),
            Body::Container(container) => container.stop(GRACE).await?,
        }
        self.changed(sent, ServerState::Stopped);
        Ok(())
    }

    /// Kills it; returns when it is gone.
    pub async fn kill(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => drop(process.kill().await?),
            Body::Container(container) => container.kill().await?,
        }
        self.changed(sent, ServerState::Killed);
        Ok(())
    }

    /// Makes it hang; returns when all of it does.
    pub async fn pause(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => process.pause().await?,
            Body::Container(container) => container.pause().await?,
        }
        self.changed(sent, ServerState::Paused);
        Ok(())
    }

    /// Lets it go on.
    pub async fn resume(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        match &self.body {
            Body::Process(process) => process.resume().await?,
            Body::Container(container) => container.resume().await?,
        }
        self.changed(sent, ServerState::Resumed);
        Ok(())
    }

    /// Has it open its logs anew, as the rotation of log files does; one that does not run is left as it is.
    pub async fn hang_up(&self) -> Result<(), StackError> {
        match &self.body {
            Body::Process(process) if process.pid().is_none() => Ok(()),
            Body::Process(process) => Ok(process.hang_up()?),
            Body::Container(container) => Ok(container.hang_up().await?),
        }
    }

    /// Takes it off its network.
    pub async fn disconnect(&self) -> Result<(), StackError> {
        match &self.body {
            Body::Process(_) => Err(StackError::NoNetwork(self.server)),
            Body::Container(container) => Ok(container.disconnect().await?),
        }
    }

    /// Puts it back on its network.
    pub async fn connect(&self) -> Result<(), StackError> {
        match &self.body {
            Body::Process(_) => Err(StackError::NoNetwork(self.server)),
            Body::Container(container) => Ok(container.connect().await?),
        }
    }

    /// Its process, if it is one of this machine.
    pub fn process(&self) -> Option<Arc<Process>> {
        match &self.body {
            Body::Process(process) => Some(Arc::clone(process)),
            Body::Container(_) => None,
        }
    }

    /// Ends it for good. A container goes with all that it stored; a process's folder is its provider's to remove.
    pub async fn remove(&self) -> Result<(), StackError> {
        let sent = self.history.now();
        self.body.remove().await?;
        self.changed(sent, ServerState::Killed);
        Ok(())
    }

    /// Empties it, as if it had a new disk: the folder of a process's data, or all of a container.
    pub async fn lose_disk(&self, data: &Path) -> Result<(), StackError> {
        match &self.body {
            Body::Process(_) => {
                let empty = |data: PathBuf| {
                    std::fs::remove_dir_all(&data)?;
                    std::fs::create_dir(&data)
                };
                let data = data.to_owned();
                let emptied = tokio::task::spawn_blocking(move || empty(data)).await;
                emptied.unwrap_or_else(|error| Err(error.into())).map_err(StackError::Disk)
            }
            Body::Container(container) => Ok(container.lose_disk().await?),
        }
    }

    /// What stands in a file of its own.
    pub async fn file(&self, path: &Path) -> Result<Vec<u8>, StackError> {
        match &self.body {
            Body::Process(_) => tokio::fs::read(path).await.map_err(StackError::Disk),
            Body::Container(container) => Ok(container.file(&path.display().to_string()).await?),
        }
    }

    /// The file with its log up to now.
    pub async fn log(&self) -> PathBuf {
        self.body.log().await
    }

    /// The last lines of its log, cleaned of secrets; and what it gave as the reason for its end, where more lines follow.
    pub async fn last_log_lines(&self) -> String {
        let text = std::fs::read(self.log().await).unwrap_or_default();
        self.history.secrets().redact(&last_words(&String::from_utf8_lossy(&text)))
    }

    /// Waits until `look` sees what it wants; an exit meanwhile ends the wait.
    pub(super) async fn until_up<F>(&self, look: impl FnMut() -> F + Send) -> Result<(), StackError>
    where
        F: Future<Output = Result<(), String>> + Send,
    {
        let sent = self.history.now();
        let seen = tokio::select! {
            seen = wait::until(UP, look) => seen,
            how = self.body.exited() => {
                self.changed(sent, ServerState::Exited(how.clone()));
                let (server, log) = (self.server, self.last_log_lines().await);
                return Err(match self.ports.iter().find(|port| port.is_taken()) {
                    Some(port) => StackError::PortTaken { server, port: port.number(), how, log },
                    None => StackError::Ended { server, how, log },
                });
            }
        };
        if let Err(last) = seen {
            return Err(StackError::Silent { server: self.server, limit: UP, last, log: self.last_log_lines().await });
        }
        self.changed(sent, ServerState::Ready);
        Ok(())
    }

    fn changed(&self, sent: Moment, state: ServerState) {
        let at = Interval::new(sent, self.history.now());
        self.history.write(at, Actor::Harness, None, Event::Server { server: self.server, node: self.node, state });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_that_is_followed_by_a_long_statement_is_told_before_the_last_lines() {
        let statement = "a line of it\n".repeat(40);
        let log = format!("starting\nPANIC:  could not write: No space left on device\nSTATEMENT:  {statement}ended");
        let told = last_words(&log);
        assert!(told.starts_with("PANIC:  could not write: No space left on device\na line"), "{told}");
        assert_eq!((told.lines().count(), told.lines().last()), (LINES + 1, Some("ended")));
        let short = "starting\nFATAL:  no\nended";
        assert_eq!(last_words(short), short);
    }
}
