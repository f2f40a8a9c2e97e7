//! MySQL's protocol, as far as it takes to know which statement is run and when it is committed.
//!
//! A statement is run by a query, or by the execution of a prepared statement. It is done for good when the server answers OK
//! outside a transaction: at once for one that commits by itself, as every change of a user does; else at the COMMIT.

use std::collections::HashMap;

use super::{Moment, Passed, Talk, Watch};

const QUERY: u8 = 0x03;
const PREPARE: u8 = 0x16;
const EXECUTE: u8 = 0x17;
const CLOSE: u8 = 0x19;

const OK: u8 = 0x00;
const ERROR: u8 = 0xff;
const IN_TRANSACTION: u8 = 0x01;

/// A client that asks for encryption sends just its capabilities, with this one among them; one that compresses, this.
const SSL_REQUEST: usize = 32;
const CLIENT_SSL: u32 = 0x800;
const CLIENT_COMPRESS: u32 = 0x20;

/// A direction's bytes, of which only whole packets are read.
#[derive(Debug, Default)]
struct Stream(Vec<u8>);

impl Stream {
    /// The next whole packet: three bytes of length, a number, and what belongs to it.
    fn next(&mut self) -> Option<Vec<u8>> {
        let length = 4 + number(self.0.get(..3)?);
        if self.0.len() < length {
            return None;
        }
        let rest = self.0.split_off(length);
        Some(std::mem::replace(&mut self.0, rest))
    }
}

/// A number, its lowest byte first.
fn number(bytes: &[u8]) -> usize {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Behind a number whose own first byte says how long it is.
fn behind_number(bytes: &[u8]) -> Option<&[u8]> {
    bytes.get(
        match bytes.first()? {
            0xfc => 3,
            0xfd => 4,
            0xfe => 9,
            _ => 1,
        }..,
    )
}

/// How a connection is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// The client has still to say whether it wants encryption or compression.
    Greeting,
    /// In the clear.
    Clear,
    /// Not at all.
    Blind,
}

/// Both directions of a connection, and what is known of its session.
pub(super) struct MySql {
    watch: Watch,
    up: Stream,
    down: Stream,
    reading: Reading,
    statements: HashMap<Vec<u8>, String>,
    /// The statement that is being prepared.
    preparing: Option<String>,
    /// Whether the next packet of the server is the first of an answer.
    asked: bool,
    /// Whether a statement that matches has been run, and is not yet known to be committed or not.
    running: bool,
}

impl MySql {
    pub(super) fn new(watch: Watch, fresh: bool) -> Self {
        Self {
            watch,
            up: Stream::default(),
            down: Stream::default(),
            reading: if fresh { Reading::Greeting } else { Reading::Clear },
            statements: HashMap::new(),
            preparing: None,
            asked: false,
            running: false,
        }
    }

    fn is_blind(&self) -> bool {
        self.reading == Reading::Blind
    }

    /// Reads the client's first packet.
    fn greet(&mut self, packet: &[u8]) {
        let capabilities = packet.get(4..8).map_or(0, number);
        let has = |flag: u32| u32::try_from(capabilities).is_ok_and(|all| all & flag != 0);
        let closed = has(CLIENT_COMPRESS) || (has(CLIENT_SSL) && packet.len() == 4 + SSL_REQUEST);
        self.reading = if closed { Reading::Blind } else { Reading::Clear };
    }

    /// The statement that a packet of the client has the server run, if it does.
    fn run(&mut self, packet: &[u8]) -> Option<String> {
        // Whatever has another number goes on with something.
        if packet.get(3) != Some(&0) {
            return None;
        }
        self.asked = true;
        self.preparing = None;
        let (command, body) = packet.get(4..)?.split_first()?;
        match *command {
            QUERY => Some(String::from_utf8_lossy(body).into_owned()),
            PREPARE => {
                self.preparing = Some(String::from_utf8_lossy(body).into_owned());
                None
            }
            EXECUTE => self.statements.get(body.get(..4)?).cloned(),
            CLOSE => {
                self.asked = false;
                self.statements.remove(body.get(..4)?);
                None
            }
            _ => None,
        }
    }

    /// Takes a packet of the server; says whether the moment has come.
    fn heard(&mut self, packet: &[u8]) -> bool {
        if !std::mem::take(&mut self.asked) {
            return false;
        }
        let body = packet.get(4..).unwrap_or_default();
        if let Some(statement) = self.preparing.take() {
            if let (Some(&OK), Some(id)) = (body.first(), body.get(1..5)) {
                self.statements.insert(id.to_vec(), statement);
            }
            return false;
        }
        match body.first() {
            _ if !self.running => false,
            Some(&ERROR) => {
                self.running = false;
                false
            }
            Some(&OK) => {
                let status = body.get(1..).and_then(behind_number).and_then(behind_number);
                status.and_then(<[u8]>::first).is_none_or(|status| status & IN_TRANSACTION == 0)
            }
            // Rows: it was done for the asking.
            _ => true,
        }
    }
}

impl Talk for MySql {
    fn asked(&mut self, bytes: &[u8]) -> Passed {
        self.up.0.extend(bytes);
        let mut passed = Passed::default();
        while let Some(packet) = if self.is_blind() { None } else { self.up.next() } {
            if self.reading == Reading::Greeting {
                self.greet(&packet);
            } else if let Some(statement) = self.run(&packet) {
                if self.watch.pattern.is_match(&statement) {
                    if self.watch.moment == Moment::BeforeSent {
                        passed.come = true;
                        return passed;
                    }
                    self.running = true;
                } else if statement.trim_start().to_ascii_uppercase().starts_with("ROLLBACK") {
                    self.running = false;
                }
            }
            passed.bytes.extend(packet);
        }
        if self.is_blind() {
            passed.bytes.append(&mut self.up.0);
        }
        passed
    }

    fn answered(&mut self, bytes: &[u8]) -> Passed {
        self.down.0.extend(bytes);
        let mut passed = Passed::default();
        while let Some(packet) = if self.is_blind() { None } else { self.down.next() } {
            if self.heard(&packet) {
                passed.come = true;
                return passed;
            }
            passed.bytes.extend(packet);
        }
        if self.is_blind() {
            passed.bytes.append(&mut self.down.0);
        }
        passed
    }
}
