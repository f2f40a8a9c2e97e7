//! HTTP/1.1, as far as it takes to know which request is made: its first line, where it ends, and of AWS's API the action
//! that its form asks for.
//!
//! A client asks one thing at a time on a connection, as all of ours do; so the first byte that the server sends after a
//! request is that request's answer.

use super::{Moment, Passed, Talk, Watch};

/// A longer head than this is none.
const LONGEST_HEAD: usize = 256 << 10;
const END_OF_HEAD: &[u8] = b"\r\n\r\n";

/// What comes next from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A request's first line and headers.
    Head,
    /// So many bytes of its body.
    Body(usize),
    /// A line with the size of a piece of its body.
    Size,
    /// So many bytes of that piece, and the end of line behind it.
    Piece(usize),
    /// Lines behind the last piece, to an empty one.
    Trailer,
    /// Something that is not understood.
    Blind,
}

/// What a client sends, taken apart into requests.
pub(crate) struct Requests {
    next: Next,
    held: Vec<u8>,
}

impl Requests {
    pub(crate) fn new() -> Self {
        Self { next: Next::Head, held: Vec::new() }
    }

    /// Takes bytes that the client sent.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.held.extend(bytes);
    }

    /// The next part that is whole, and if it is a request's head its method and path.
    pub(crate) fn next(&mut self) -> Option<(Vec<u8>, Option<String>)> {
        let length = self.part()?;
        let rest = self.held.split_off(length);
        let part = std::mem::replace(&mut self.held, rest);
        let request = self.read(&part);
        Some((part, request))
    }

    /// Whether a request has been given out up to its end.
    fn is_between(&self) -> bool {
        self.next == Next::Head
    }

    /// How many of the held bytes are the next part, once it is whole.
    fn part(&mut self) -> Option<usize> {
        if self.held.is_empty() {
            return None;
        }
        match self.next {
            Next::Head => match find(&self.held, END_OF_HEAD) {
                Some(at) => Some(at + END_OF_HEAD.len()),
                None if self.held.len() > LONGEST_HEAD => {
                    self.next = Next::Blind;
                    Some(self.held.len())
                }
                None => None,
            },
            Next::Size | Next::Trailer => find(&self.held, b"\n").map(|at| at + 1),
            Next::Body(left) | Next::Piece(left) => Some(left.min(self.held.len())),
            Next::Blind => Some(self.held.len()),
        }
    }

    /// Reads a part; gives method and path if it is a head.
    fn read(&mut self, part: &[u8]) -> Option<String> {
        match self.next {
            Next::Head => return self.head(part),
            Next::Body(left) => self.next = if left > part.len() { Next::Body(left - part.len()) } else { Next::Head },
            Next::Piece(left) => {
                self.next = if left > part.len() { Next::Piece(left - part.len()) } else { Next::Size }
            }
            Next::Size => {
                let text = String::from_utf8_lossy(part);
                let size = text.split(';').next().and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
                self.next = match size {
                    Some(0) => Next::Trailer,
                    Some(size) => size.checked_add(2).map_or(Next::Blind, Next::Piece),
                    None => Next::Blind,
                };
            }
            Next::Trailer if part.trim_ascii().is_empty() => self.next = Next::Head,
            Next::Trailer | Next::Blind => {}
        }
        None
    }

    fn head(&mut self, head: &[u8]) -> Option<String> {
        let text = String::from_utf8_lossy(head);
        let mut lines = text.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(path), Some("HTTP/1.1")) = (words.next(), words.next(), words.next()) else {
            self.next = Next::Blind;
            return None;
        };
        let mut length = Some(0);
        let mut in_pieces = false;
        for (name, value) in lines.filter_map(|line| line.split_once(':')) {
            match name.trim().to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok(),
                "transfer-encoding" => in_pieces = true,
                // Whatever follows is another protocol.
                "upgrade" => length = None,
                _ => {}
            }
        }
        self.next = match (in_pieces, length) {
            (true, Some(_)) => Next::Size,
            (false, Some(0)) => Next::Head,
            (false, Some(length)) => Next::Body(length),
            (_, None) => Next::Blind,
        };
        Some(format!("{method} {path}"))
    }
}

/// Where a request says what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// In its first line: `POST /v1/sys/leases/renew`.
    Line,
    /// In its form, as the action of AWS's API. It is kept back until it is whole.
    Form,
}

/// A longer form than this is none of AWS's API.
const LONGEST_FORM: usize = 256 << 10;

/// A connection, of which only the client's side is read.
pub(super) struct Http {
    watch: Watch,
    told: Told,
    requests: Requests,
    /// The parts of the request that is under way which have not passed, and which of its bytes are its form.
    kept: Vec<u8>,
    form: Vec<u8>,
    /// Whether the request that matches has been made, and not yet answered.
    asked: bool,
}

impl Http {
    pub(super) fn new(watch: Watch, told: Told) -> Self {
        Self { watch, told, requests: Requests::new(), kept: Vec::new(), form: Vec::new(), asked: false }
    }

    /// Whether all of a request is there, or nobody can say where it ends.
    fn is_whole(&self) -> bool {
        self.requests.is_between() || self.requests.next == Next::Blind || self.form.len() > LONGEST_FORM
    }
}

/// The action of AWS's API that a form asks for.
fn action(form: &[u8]) -> Option<String> {
    let field = std::str::from_utf8(form).ok()?.split('&').find_map(|field| field.strip_prefix("Action="))?;
    Some(field.to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

impl Talk for Http {
    fn asked(&mut self, bytes: &[u8]) -> Passed {
        self.requests.hear(bytes);
        let mut passed = Passed::default();
        while let Some((part, line)) = self.requests.next() {
            if self.told == Told::Form && line.is_none() {
                self.form.extend(&part);
            }
            self.kept.extend(part);
            let said = match self.told {
                Told::Line => line,
                Told::Form if self.is_whole() => action(&std::mem::take(&mut self.form)),
                Told::Form => continue,
            };
            if said.is_some_and(|said| self.watch.pattern.is_match(&said)) {
                if self.watch.moment == Moment::BeforeSent {
                    passed.come = true;
                    return passed;
                }
                self.asked = true;
            }
            passed.bytes.append(&mut self.kept);
        }
        passed
    }

    fn answered(&mut self, bytes: &[u8]) -> Passed {
        if self.asked && !bytes.is_empty() {
            return Passed { bytes: Vec::new(), come: true };
        }
        Passed { bytes: bytes.to_vec(), come: false }
    }
}
