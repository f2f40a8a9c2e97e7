//! What is overheard on a link: requests with the status of their answers, and logins with what came of them. Everything
//! passes untouched and at once; what is not understood is not heard.

use std::collections::VecDeque;

use super::super::toxic::Way;
use super::Protocol;
use super::http::Requests;

/// Something that was said on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overheard {
    /// A request, and the status of its answer.
    Request {
        /// Its method and path: `GET /v1/database/creds/app`.
        request: String,
        /// The status.
        status: u16,
    },
    /// A login at PostgreSQL.
    Login {
        /// The user.
        username: String,
        /// The SQLSTATE of the refusal; none when it was let in.
        refused: Option<String>,
    },
}

/// A reader of one connection, which lets everything pass.
pub(crate) enum Ear {
    Http { requests: Requests, waiting: VecDeque<String>, answer: Vec<u8> },
    Postgres { up: Vec<u8>, down: Vec<u8>, username: Option<String>, done: bool },
    Deaf,
}

/// The bytes of a status line up to its status: `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;
/// Longer than this no beginning of a session is.
const LONGEST: usize = 64 << 10;
const PROTOCOL_3: [u8; 4] = 196_608_u32.to_be_bytes();
/// What a client first asks for when it wants encryption: TLS, or that of GSSAPI.
const ENCRYPTION: [[u8; 4]; 2] = [80_877_103_u32.to_be_bytes(), 80_877_104_u32.to_be_bytes()];

impl Ear {
    /// For a new connection.
    pub(crate) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Http | Protocol::Aws => {
                Self::Http { requests: Requests::new(), waiting: VecDeque::new(), answer: Vec::new() }
            }
            Protocol::Postgres => Self::Postgres { up: Vec::new(), down: Vec::new(), username: None, done: false },
            Protocol::MySql => Self::Deaf,
        }
    }

    /// Hears bytes of one way; gives what is known with them.
    pub(crate) fn hear(&mut self, way: Way, bytes: &[u8]) -> Vec<Overheard> {
        match (self, way) {
            (Self::Http { requests, waiting, answer }, Way::Up) => {
                requests.hear(bytes);
                while let Some((_, request)) = requests.next() {
                    if let Some(request) = request {
                        waiting.push_back(request);
                        answer.clear();
                    }
                }
                Vec::new()
            }
            (Self::Http { waiting, answer, .. }, Way::Down) => answered(waiting, answer, bytes).into_iter().collect(),
            (Self::Postgres { up, username, done, .. }, Way::Up) if !*done && username.is_none() => {
                up.extend(bytes);
                *username = startup(up);
                *done = username.is_none() && up.len() > LONGEST;
                Vec::new()
            }
            (Self::Postgres { down, username, done, .. }, Way::Down) if !*done => {
                down.extend(bytes);
                *done = down.len() > LONGEST;
                // Before its user is known a client has asked for encryption, which is answered with one byte.
                let Some(name) = username.as_ref() else { return Vec::new() };
                let heard = logged_in(name, down);
                *done |= heard.is_some();
                heard.into_iter().collect()
            }
            (Self::Postgres { .. } | Self::Deaf, _) => Vec::new(),
        }
    }
}

/// The status of the answer to the first request that has none.
fn answered(waiting: &mut VecDeque<String>, answer: &mut Vec<u8>, bytes: &[u8]) -> Option<Overheard> {
    if waiting.is_empty() {
        return None;
    }
    answer.extend(&bytes[..bytes.len().min(STATUS_LINE)]);
    let status = std::str::from_utf8(answer.get(..STATUS_LINE)?).ok().and_then(|line| line.get(9..)?.parse().ok());
    // Whatever was said, it was said to this request.
    let request = waiting.pop_front()?;
    answer.clear();
    status.map(|status| Overheard::Request { request, status })
}

/// The user of a startup message, once it is whole; what asks for encryption before it is taken away.
fn startup(up: &mut Vec<u8>) -> Option<String> {
    while ENCRYPTION.iter().any(|code| up.get(4..8) == Some(&code[..])) {
        up.drain(..8);
    }
    let length = usize::try_from(u32::from_be_bytes(up.get(..4)?.try_into().ok()?)).ok()?;
    let message = up.get(..length)?;
    if message.get(4..8) != Some(&PROTOCOL_3[..]) {
        return None;
    }
    let mut words = message.get(8..)?.split(|byte| *byte == 0);
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        if key == b"user" {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
    }
    None
}

/// What came of a login, once the server has said so.
fn logged_in(username: &str, down: &mut Vec<u8>) -> Option<Overheard> {
    loop {
        // The answer to whoever asked for encryption: no. After a yes, nothing that follows is understood.
        if down.first() == Some(&b'N') && down.get(1).is_none_or(|next| b"RE".contains(next)) {
            down.remove(0);
        }
        let length = usize::try_from(u32::from_be_bytes(down.get(1..5)?.try_into().ok()?)).ok()?;
        let message = down.get(..length.checked_add(1)?)?;
        match (message.first(), message.get(5..)) {
            (Some(b'R'), Some([0, 0, 0, 0, ..])) => {
                return Some(Overheard::Login { username: username.to_owned(), refused: None });
            }
            (Some(b'E'), Some(fields)) => {
                let code = fields.split(|byte| *byte == 0).find_map(|field| field.strip_prefix(b"C"));
                let code = code.map(|code| String::from_utf8_lossy(code).into_owned()).unwrap_or_default();
                return Some(Overheard::Login { username: username.to_owned(), refused: Some(code) });
            }
            _ => drop(down.drain(..=length)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard of a talk, whole and byte by byte.
    fn heard(protocol: Protocol, talk: &[(Way, &[u8])]) -> Vec<Overheard> {
        let mut whole = Ear::new(protocol);
        let at_once: Vec<Overheard> = talk.iter().flat_map(|(way, bytes)| whole.hear(*way, bytes)).collect();
        let mut apart = Ear::new(protocol);
        let pieces = talk.iter().flat_map(|(way, bytes)| bytes.chunks(1).map(move |byte| (*way, byte)));
        let piece_by_piece: Vec<Overheard> = pieces.flat_map(|(way, byte)| apart.hear(way, byte)).collect();
        assert_eq!(at_once, piece_by_piece);
        at_once
    }

    fn message(tag: &[u8], body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [tag, &length, body].concat()
    }

    fn startup_of(user: &str) -> Vec<u8> {
        message(b"", &[&PROTOCOL_3, &b"database\0app\0user\0"[..], user.as_bytes(), b"\0\0"].concat())
    }

    const ASKS_FOR_SASL: &[u8] = b"\0\0\0\x0aSCRAM-SHA-256\0\0";

    #[test]
    fn a_request_is_heard_with_the_status_of_its_answer_and_not_with_that_of_another() {
        let said = heard(
            Protocol::Http,
            &[
                (Way::Up, b"GET /v1/database/creds/app HTTP/1.1\r\nHost: x\r\n\r\n"),
                (Way::Down, b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nHTTP"),
                (Way::Up, b"PUT /v1/sys/leases/renew HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"),
                (Way::Down, b"HTTP/1.1 200 OK\r\n\r\n"),
            ],
        );
        let request = |request: &str, status| Overheard::Request { request: request.to_owned(), status };
        assert_eq!(said, [request("GET /v1/database/creds/app", 500), request("PUT /v1/sys/leases/renew", 200)]);
    }

    #[test]
    fn a_login_is_heard_with_its_user_whether_it_is_let_in_or_refused() {
        let let_in = [message(b"R", ASKS_FOR_SASL), message(b"R", &[0; 4])].concat();
        let refused = message(b"E", b"SFATAL\0C28P01\0Mpassword authentication failed\0\0");
        let login = |refused: Option<&str>| Overheard::Login {
            username: "v-app".to_owned(),
            refused: refused.map(str::to_owned),
        };
        let asked = startup_of("v-app");
        assert_eq!(heard(Protocol::Postgres, &[(Way::Up, &asked), (Way::Down, &let_in)]), [login(None)]);
        assert_eq!(heard(Protocol::Postgres, &[(Way::Up, &asked), (Way::Down, &refused)]), [login(Some("28P01"))]);
    }

    #[test]
    fn a_client_that_first_asks_for_encryption_and_is_told_no_is_heard_too() {
        let ssl = [&8_u32.to_be_bytes()[..], &ENCRYPTION[0]].concat();
        let (asked, let_in) = (startup_of("v-app"), message(b"R", &[0; 4]));
        let talk: [(Way, &[u8]); 4] = [(Way::Up, &ssl), (Way::Down, b"N"), (Way::Up, &asked), (Way::Down, &let_in)];
        assert_eq!(heard(Protocol::Postgres, &talk).len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_not_heard() {
        let noise: [(Way, &[u8]); 2] = [(Way::Up, b"\x16\x03\x01 noise"), (Way::Down, &[0xff; 80])];
        for protocol in [Protocol::Http, Protocol::Postgres, Protocol::MySql] {
            assert!(heard(protocol, &noise).is_empty());
        }
    }
}
