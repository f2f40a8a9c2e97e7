//! PostgreSQL's protocol, version 3, as far as it takes to know which statement is run and when it is committed.
//!
//! A statement is run by a simple query, or by the execution of a portal that was bound to a prepared statement. It is done
//! for good when the server is ready for the next and outside a transaction, unless it failed or was rolled back. A client
//! may believe so from the command's completion on, which is why that is kept back until the server has said in which state
//! it leaves the session.

use std::collections::HashMap;

use super::{Moment, Passed, Talk, Watch};

/// Longer messages than this are not ours to keep back.
const LONGEST: usize = 16 << 20;

const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const PROTOCOL_3: u32 = 196_608;

/// How the next bytes of a direction are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frames {
    /// A length and a code: how a client begins.
    Startup,
    /// A letter, a length, and what belongs to it.
    Typed,
    /// One byte: the answer to a client that asks for encryption.
    Single,
    /// Not understood, or encrypted.
    Blind,
}

/// A direction's bytes, of which only whole messages are read.
#[derive(Debug)]
struct Stream {
    frames: Frames,
    held: Vec<u8>,
}

impl Stream {
    /// The next whole message.
    fn next(&mut self) -> Option<Vec<u8>> {
        let length = match self.frames {
            Frames::Blind => self.held.len(),
            Frames::Single => 1,
            Frames::Startup => read_length(self.held.get(..4)?),
            Frames::Typed => {
                let known = self.held.first()?.is_ascii_alphanumeric();
                if known { read_length(self.held.get(1..5)?).saturating_add(1) } else { 0 }
            }
        };
        let least = match self.frames {
            Frames::Startup => 8,
            Frames::Typed => 5,
            Frames::Single | Frames::Blind => 0,
        };
        if length < least || length > LONGEST.max(self.held.len()) {
            self.frames = Frames::Blind;
            return self.next();
        }
        if self.held.is_empty() || self.held.len() < length {
            return None;
        }
        let rest = self.held.split_off(length);
        Some(std::mem::replace(&mut self.held, rest))
    }
}

fn read_length(bytes: &[u8]) -> usize {
    usize::try_from(read_number(bytes)).unwrap_or(usize::MAX)
}

fn read_number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// Both directions of a connection, and what is known of its session.
pub(super) struct Postgres {
    watch: Watch,
    up: Stream,
    down: Stream,
    /// Prepared statements, by name; the unnamed one has an empty name.
    statements: HashMap<Vec<u8>, String>,
    /// Portals, by name, with the name of their statement.
    portals: HashMap<Vec<u8>, Vec<u8>>,
    /// Whether a statement that matches has been run, and is not yet known to be committed or not.
    running: bool,
    /// What the server said since a command was completed, until it says how it leaves the session.
    kept: Vec<u8>,
    /// Whether a command has failed since the session was last outside a transaction.
    failed: bool,
}

impl Postgres {
    pub(super) fn new(watch: Watch, fresh: bool) -> Self {
        let stream = |frames| Stream { frames, held: Vec::new() };
        Self {
            watch,
            up: stream(if fresh { Frames::Startup } else { Frames::Typed }),
            down: stream(Frames::Typed),
            statements: HashMap::new(),
            portals: HashMap::new(),
            running: false,
            kept: Vec::new(),
            failed: false,
        }
    }

    fn startup(&mut self, message: &[u8]) {
        match message.get(4..8).map(read_number) {
            Some(SSL_REQUEST | GSS_REQUEST) => self.down.frames = Frames::Single,
            Some(PROTOCOL_3) => self.up.frames = Frames::Typed,
            // To cancel another session's query, or a version that nobody speaks.
            _ => self.up.frames = Frames::Blind,
        }
    }

    /// The statement that a message of the client has the server run, if it does.
    fn run(&mut self, message: &[u8]) -> Option<String> {
        let (tag, body) = (*message.first()?, message.get(5..)?);
        let mut words = body.split(|byte| *byte == 0);
        let mut word = || words.next().unwrap_or_default();
        match tag {
            b'Q' => Some(String::from_utf8_lossy(word()).into_owned()),
            b'P' => {
                let (name, text) = (word().to_vec(), String::from_utf8_lossy(word()).into_owned());
                self.statements.insert(name, text);
                None
            }
            b'B' => {
                let (portal, statement) = (word().to_vec(), word().to_vec());
                self.portals.insert(portal, statement);
                None
            }
            b'E' => self.portals.get(word()).and_then(|name| self.statements.get(name)).cloned(),
            b'C' => {
                let (kind, name) = body.split_first()?;
                let name = name.strip_suffix(&[0]).unwrap_or(name);
                if *kind == b'S' {
                    self.statements.remove(name).map(drop)
                } else {
                    self.portals.remove(name).map(drop)
                };
                None
            }
            _ => None,
        }
    }

    /// Takes a message of the server; gives what may pass, or nothing when the moment has come.
    fn heard(&mut self, message: Vec<u8>) -> Option<Vec<u8>> {
        match message.first() {
            Some(b'C') if self.running => {
                self.failed |= message.get(5..).is_some_and(|tag| tag.starts_with(b"ROLLBACK"));
                self.kept.extend(message);
                Some(Vec::new())
            }
            Some(b'E') => {
                self.failed |= self.running;
                Some(self.pass(message))
            }
            Some(b'Z') if self.running && message.get(5) == Some(&b'I') => {
                self.running = false;
                let failed = std::mem::take(&mut self.failed);
                failed.then(|| self.pass(message))
            }
            Some(b'Z') => Some(self.pass(message)),
            _ if self.kept.is_empty() => Some(message),
            _ => {
                self.kept.extend(message);
                Some(Vec::new())
            }
        }
    }

    /// Lets go what was kept back, and the message after it.
    fn pass(&mut self, message: Vec<u8>) -> Vec<u8> {
        let mut all = std::mem::take(&mut self.kept);
        all.extend(message);
        all
    }
}

impl Talk for Postgres {
    fn asked(&mut self, bytes: &[u8]) -> Passed {
        self.up.held.extend(bytes);
        let mut passed = Passed::default();
        while let Some(message) = self.up.next() {
            match self.up.frames {
                Frames::Startup => self.startup(&message),
                Frames::Typed => {
                    if self.run(&message).is_some_and(|statement| self.watch.pattern.is_match(&statement)) {
                        if self.watch.moment == Moment::BeforeSent {
                            passed.come = true;
                            return passed;
                        }
                        self.running = true;
                    }
                }
                Frames::Single | Frames::Blind => {}
            }
            passed.bytes.extend(message);
        }
        passed
    }

    fn answered(&mut self, bytes: &[u8]) -> Passed {
        self.down.held.extend(bytes);
        let mut passed = Passed::default();
        while let Some(message) = self.down.next() {
            match self.down.frames {
                Frames::Single => {
                    // Anything but “no” means that what follows is encrypted.
                    let refused = message == b"N";
                    self.down.frames = if refused { Frames::Typed } else { Frames::Blind };
                    if !refused {
                        self.up.frames = Frames::Blind;
                    }
                    passed.bytes.extend(message);
                }
                Frames::Typed => {
                    let Some(message) = self.heard(message) else {
                        passed.come = true;
                        return passed;
                    };
                    passed.bytes.extend(message);
                }
                Frames::Startup | Frames::Blind => {
                    let message = self.pass(message);
                    passed.bytes.extend(message);
                }
            }
        }
        passed
    }
}
