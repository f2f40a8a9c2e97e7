//! Vault and OpenBao: one client for their common API. Each call is made once, on a connection of its own, with a
//! deadline; what it came to is never guessed.

pub mod api;
pub mod launch;
mod refusal;

use std::time::Duration;

use serde_json::{Value, json};

pub use refusal::refusal;

use super::{Seen, once};
use crate::event::Reply;
use crate::outcome::{Outcome, Silence, Unknown};
use crate::scenario::file::Method;
use crate::secret::Secret;
use crate::shape::Shape;
use crate::time::Clock;

/// Vault itself gives up after 90 s (`default_max_request_duration`); a little more, and its own answer is heard.
/// Source: developer.hashicorp.com/vault/docs/configuration
pub const PATIENT: Duration = Duration::from_secs(95);
/// For looks that answer from memory: a Vault that takes longer is not answering.
pub const BRIEF: Duration = Duration::from_secs(5);

/// A way to one Vault server, at one address, with one token or none.
#[derive(Debug, Clone)]
pub struct Vault {
    http: reqwest::Client,
    base: String,
    token: Option<Secret>,
    wrap_ttl: Option<Duration>,
    deadline: Duration,
    clock: Clock,
}

/// The HTTP client could not be made; only a broken system does that.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up an HTTP client: {0}")]
pub struct HttpError(#[from] reqwest::Error);

impl Vault {
    /// A client for `address` (`127.0.0.1:8200`), without a token, patient.
    pub fn new(address: &str, clock: Clock) -> Result<Self, HttpError> {
        // No pool, no retry, no redirect, no proxy of the environment: what is sent is what is asked for.
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, base: format!("http://{address}/v1/"), token: None, wrap_ttl: None, deadline: PATIENT, clock })
    }

    /// The same server, asked with a token.
    #[must_use]
    pub fn with_token(&self, token: &Secret) -> Self {
        Self { token: Some(token.clone()), ..self.clone() }
    }

    /// The same server, given up on after `deadline`.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// The same token and patience, at the address of another.
    #[must_use]
    pub fn elsewhere(&self, other: &Self) -> Self {
        Self { base: other.base.clone(), ..self.clone() }
    }

    /// The same server, asked to wrap its answers for so long.
    #[must_use]
    pub fn wrapping(&self, ttl: Duration) -> Self {
        Self { wrap_ttl: Some(ttl), ..self.clone() }
    }

    /// Where requests go.
    pub fn address(&self) -> &str {
        self.base.trim_start_matches("http://").trim_end_matches("/v1/")
    }

    /// One call: method, path below `/v1/`, body. Anything but 2xx is a refusal with its cause.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Seen<Reply<Value>> {
        let answer = self.send(method, path, body);
        let mut shape = None;
        let seen = once(self.clock, self.deadline, async {
            match answer.await.and_then(Raw::strictly) {
                Ok(answer) => {
                    shape = Some(Box::new(Shape::of(answer.status, &answer.body)));
                    outcome_of(answer)
                }
                Err(unknown) => Outcome::Unknown(unknown),
            }
        })
        .await;
        Seen { shape, ..seen }
    }

    /// The answer to a call, whatever it is. A body that is text and not JSON stands under `text`.
    pub async fn answer(&self, method: Method, path: &str, body: Option<Value>) -> Seen<Answer> {
        let mut shape = None;
        let seen = once(self.clock, self.deadline, async {
            match self.send(method, path, body).await.and_then(Raw::loosely) {
                Ok(answer) => {
                    shape = Some(Box::new(Shape::of(answer.status, &answer.body)));
                    Outcome::Ok(answer)
                }
                Err(unknown) => Outcome::Unknown(unknown),
            }
        })
        .await;
        Seen { shape, ..seen }
    }

    /// The status of a call, whatever it is.
    pub async fn status(&self, path: &str) -> Seen<u16> {
        self.answer(Method::Get, path, None).await.map(|answer| answer.status)
    }

    /// Fetches a body that is not JSON: a snapshot, or metrics as text.
    pub async fn fetch(&self, path: &str) -> Seen<Reply<Vec<u8>>> {
        let request = self.http.get(format!("{}{path}", self.base));
        self.exchange(request).await
    }

    /// Posts a body that is not JSON.
    pub async fn post_bytes(&self, path: &str, bytes: Vec<u8>) -> Seen<Reply<Vec<u8>>> {
        let request = self.http.post(format!("{}{path}", self.base)).body(bytes);
        self.exchange(request).await
    }

    async fn exchange(&self, request: reqwest::RequestBuilder) -> Seen<Reply<Vec<u8>>> {
        once(self.clock, self.deadline, async {
            match self.ask(request).await {
                Ok(Raw { status, bytes }) if (200..300).contains(&status) => {
                    Outcome::Ok(Reply { status, warnings: Vec::new(), body: bytes })
                }
                Ok(Raw { status, bytes }) => {
                    let errors = serde_json::from_slice(&bytes).unwrap_or_else(|_| json!({}));
                    Outcome::Refused(refusal(status, &texts(&errors["errors"])))
                }
                Err(unknown) => Outcome::Unknown(unknown),
            }
        })
        .await
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Raw, Unknown> {
        // LIST is documented to be the same as GET with ?list=true, which every HTTP stack can send.
        let (verb, query) = match method {
            Method::Get => (reqwest::Method::GET, ""),
            Method::Post => (reqwest::Method::POST, ""),
            Method::Delete => (reqwest::Method::DELETE, ""),
            Method::List => (reqwest::Method::GET, if path.contains('?') { "&list=true" } else { "?list=true" }),
        };
        let mut request = self.http.request(verb, format!("{}{path}{query}", self.base));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.ask(request).await
    }

    async fn ask(&self, mut request: reqwest::RequestBuilder) -> Result<Raw, Unknown> {
        if let Some(token) = &self.token {
            request = request.header("X-Vault-Token", token.expose());
        }
        if let Some(ttl) = self.wrap_ttl {
            request = request.header("X-Vault-Wrap-TTL", ttl.as_secs());
        }
        let response = request.send().await.map_err(|e| silence(&e))?;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.map_err(|e| silence(&e))?;
        Ok(Raw { status, bytes: bytes.to_vec() })
    }
}

/// An answer: its status and its body.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; an empty object when there was none.
    pub body: Value,
}

/// What an answer comes to: anything but 2xx is a refusal with its cause.
pub fn outcome_of(answer: Answer) -> Outcome<Reply<Value>> {
    let Answer { status, body } = answer;
    if (200..300).contains(&status) {
        let warnings = texts(&body["warnings"]);
        Outcome::Ok(Reply { status, warnings, body })
    } else {
        Outcome::Refused(refusal(status, &texts(&body["errors"])))
    }
}

/// An answer as it came over the line.
struct Raw {
    status: u16,
    bytes: Vec<u8>,
}

impl Raw {
    /// The answer of a call that answers JSON or nothing.
    fn strictly(self) -> Result<Answer, Unknown> {
        let Self { status, bytes } = self;
        if bytes.is_empty() {
            return Ok(Answer { status, body: json!({}) });
        }
        match serde_json::from_slice(&bytes) {
            Ok(body) => Ok(Answer { status, body }),
            Err(e) => Err(Unknown {
                why: Silence::Garbled,
                detail: format!("status {status}, and a body that is not JSON: {e}"),
            }),
        }
    }

    /// The same, of a call that may answer text: certificates, metrics.
    fn loosely(self) -> Result<Answer, Unknown> {
        let is_json = self.bytes.first().is_none_or(|first| b"{[".contains(first));
        match String::from_utf8(self.bytes) {
            Ok(text) if !is_json => Ok(Answer { status: self.status, body: json!({ "text": text }) }),
            Ok(text) => Self { status: self.status, bytes: text.into_bytes() }.strictly(),
            Err(not_text) => Self { status: self.status, bytes: not_text.into_bytes() }.strictly(),
        }
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(crate) fn silence(error: &reqwest::Error) -> Unknown {
    let why = if error.is_connect() { Silence::Unreachable } else { Silence::Lost };
    // The innermost error is the system's own word ("connection refused"); the outer ones repeat the address.
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    Unknown { why, detail: innermost.to_string() }
}
