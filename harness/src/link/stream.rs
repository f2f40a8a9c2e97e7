//! One direction of one connection: read from the source, through the chain, write to the sink.
//!
//! Reading, the chain and writing happen in one poll, under the lock of the connection. A fault is added under the same
//! lock, which is why nothing can slip past it.

use std::io::{self, Read as _};
use std::net::Shutdown;
use std::sync::Arc;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::chain::{Chain, Chunk, Stage};
use super::stats::Counters;
use super::toxic::{ToxicId, Way};

/// The most that is read at once, in bytes.
const READ: usize = 16 * 1024;

/// How a poll left the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It waits for its sockets, for a time, or for a change of its stages.
    Waiting,
    /// The sender's end has been passed on; nothing more will come.
    Ended,
    /// The sink is gone: whoever still sends has to be told.
    Broken,
    /// A stage wants the connection closed.
    Close,
    /// The connection is to be reset.
    Reset,
}

/// One direction of one connection.
pub(crate) struct Stream {
    way: Way,
    chain: Chain,
    counters: Arc<Counters>,
    /// Whether the source may still send.
    reading: bool,
    /// Whether the end was passed on, or cannot be any more.
    ended: bool,
    /// Whether the source can no longer be written to, as the other direction found out.
    source_broken: bool,
    /// The time by which all that could has moved. What became due since has not, so a timer has to see to it.
    moved_by: Instant,
}

impl Stream {
    /// A stream through which everything passes, until stages are added.
    pub(crate) fn new(way: Way, counters: Arc<Counters>) -> Self {
        let chain = Chain::new(Arc::clone(&counters));
        Self { way, chain, counters, reading: true, ended: false, source_broken: false, moved_by: Instant::now() }
    }

    /// Which way it goes.
    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// Adds a stage at the end; all that has not been written yet has to pass it.
    pub(crate) fn add(&mut self, id: ToxicId, stage: Box<dyn Stage>) {
        self.chain.add(id, stage, Instant::now());
    }

    /// Takes a stage out. What has come in by now still meets it: a stream that a cut has made a hole in must be known
    /// for one.
    pub(crate) fn remove(&mut self, id: ToxicId, source: Option<&TcpStream>) {
        if let Some(source) = source.filter(|_| self.wants_input()) {
            let mut buffer = [0; READ];
            // Not through tokio, which would not yet know of what arrived just now.
            self.took((&*SockRef::from(source)).read(&mut buffer), &buffer);
        }
        let now = Instant::now();
        self.chain.advance(now);
        self.chain.remove(id, now);
    }

    /// Puts a chunk in as if the source had sent it.
    pub(crate) fn feed(&mut self, chunk: Chunk) {
        self.chain.feed(chunk, Instant::now());
    }

    /// The source can no longer be written to, so its end is not an orderly one.
    pub(crate) fn break_source(&mut self) {
        self.source_broken = true;
        if !self.reading {
            self.feed(Chunk::Reset);
        }
    }

    /// Whether a reset is the next that comes out.
    pub(crate) fn is_doomed(&mut self) -> bool {
        matches!(self.chain.out().front(), Some(Chunk::Reset))
    }

    /// Whether a cut is on.
    pub(crate) fn severed(&self) -> bool {
        self.chain.severed()
    }

    /// When something held can pass next, if nothing happens before.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        if self.ended { None } else { self.chain.next_due(self.moved_by) }
    }

    /// Moves all that can move now. `None` stands for a server that is not connected yet.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        source: Option<&TcpStream>,
        sink: Option<&TcpStream>,
    ) -> Progress {
        loop {
            if self.ended {
                return Progress::Ended;
            }
            self.moved_by = Instant::now();
            let mut moved = self.chain.advance(self.moved_by);
            match self.poll_write(cx, sink) {
                Poll::Ready(Progress::Waiting) => moved = true,
                Poll::Ready(end) => return end,
                Poll::Pending => {}
            }
            moved |= source.is_some_and(|source| self.poll_read(cx, source).is_ready());
            if !moved {
                return Progress::Waiting;
            }
        }
    }

    fn wants_input(&self) -> bool {
        self.reading && self.chain.has_room()
    }

    /// Reads once, if there is room; ready when something was read.
    fn poll_read(&mut self, cx: &mut Context<'_>, source: &TcpStream) -> Poll<()> {
        if !self.wants_input() {
            return Poll::Pending;
        }
        let mut buffer = [0; READ];
        loop {
            let read = match source.poll_read_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(ready) => ready.and_then(|()| source.try_read(&mut buffer)),
            };
            if self.took(read, &buffer) {
                return Poll::Ready(());
            }
        }
    }

    /// Feeds what a read gave; false when it gave nothing, and is to be tried again when there is something.
    fn took(&mut self, read: io::Result<usize>, buffer: &[u8]) -> bool {
        let chunk = match read {
            Ok(0) if !self.source_broken => Chunk::End,
            Ok(count) if count > 0 => Chunk::Bytes(buffer[..count].to_vec()),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return false,
            Ok(_) | Err(_) => Chunk::Reset,
        };
        self.reading = matches!(chunk, Chunk::Bytes(_));
        self.feed(chunk);
        true
    }

    /// Hands on what has come out of the chain; ready with `Waiting` when something was handed on and there may be more.
    fn poll_write(&mut self, cx: &mut Context<'_>, sink: Option<&TcpStream>) -> Poll<Progress> {
        let (bytes, sink) = match (self.chain.out().front_mut(), sink) {
            (Some(Chunk::Close), _) => return Poll::Ready(Progress::Close),
            (Some(Chunk::Reset), _) => return Poll::Ready(Progress::Reset),
            (None, _) | (_, None) => return Poll::Pending,
            (Some(Chunk::End), Some(sink)) => {
                self.ended = true;
                // When it fails, the sink is gone already: then the other direction learns of it by reading.
                let _ = SockRef::from(sink).shutdown(Shutdown::Write);
                return Poll::Ready(Progress::Ended);
            }
            (Some(Chunk::Bytes(bytes)), Some(sink)) => (bytes, sink),
        };
        loop {
            let written = match sink.poll_write_ready(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(ready) => ready.and_then(|()| sink.try_write(bytes)),
            };
            match written {
                Ok(count) => {
                    self.counters.passed(self.way, count);
                    bytes.drain(..count);
                    if bytes.is_empty() {
                        self.chain.out().pop_front();
                    }
                    return Poll::Ready(Progress::Waiting);
                }
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(_) => {
                    self.ended = true;
                    self.reading = false;
                    self.chain.clear();
                    return Poll::Ready(Progress::Broken);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::super::stage;
    use super::*;

    #[tokio::test]
    async fn what_nobody_has_read_yet_when_a_cut_heals_was_lost_in_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sender = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (source, _) = listener.accept().unwrap();
        let id = ToxicId { proxy: 0, number: 0 };
        let mut stream = Stream::new(Way::Up, Arc::default());
        stream.add(id, stage::cut());
        std::io::Write::write_all(&mut sender, b"lost").unwrap();
        // Blocks until the bytes are there, and leaves them there.
        assert_eq!(source.peek(&mut [0; 4]).unwrap(), 4);
        source.set_nonblocking(true).unwrap();
        let source = TcpStream::from_std(source).unwrap();
        stream.remove(id, Some(&source));
        assert!(stream.is_doomed());
    }

    #[tokio::test]
    async fn what_becomes_due_between_two_looks_is_not_forgotten() {
        let mut stream = Stream::new(Way::Up, Arc::default());
        let toxic = crate::link::Toxic::Latency {
            latency: std::time::Duration::from_micros(1),
            jitter: std::time::Duration::ZERO,
        };
        let chance = stage::Chance { seed: 0, connection: 0, fault: 0 };
        stream.add(ToxicId { proxy: 0, number: 0 }, stage::stage(&toxic, chance, Way::Up));
        stream.moved_by = Instant::now();
        stream.feed(Chunk::End);
        while stream.moved_by.elapsed() < std::time::Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        assert!(stream.next_due().is_some());
    }
}
