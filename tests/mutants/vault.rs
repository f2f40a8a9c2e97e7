//! The intermediary before Vault, and between Vault and AWS: HTTP/1.1, one connection to the server for each request, and the rules of a mutant.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use leaseproof_harness::provider::native::port::Port;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::mutant::{Act, Call, HttpRule, Reply, Whom};
use crate::planted::{Backdoor, Counted, State};

/// Between two looks whether a server that is gone is back.
const LOOK: Duration = Duration::from_millis(20);

/// What it needs to know.
pub(crate) struct Intermediary {
    whom: Whom,
    real: String,
    rules: Vec<Counted<HttpRule>>,
    backdoor: Arc<Backdoor>,
    state: Arc<State>,
    /// Told when the server cannot be reached.
    gone: Notify,
}

/// A request that could not be passed on. The connection ends without an answer, as it would without an intermediary.
type Broken = Box<dyn std::error::Error + Send + Sync>;

impl Intermediary {
    pub(crate) fn new(
        whom: Whom,
        real: String,
        rules: Vec<Counted<HttpRule>>,
        backdoor: Arc<Backdoor>,
        state: Arc<State>,
    ) -> Arc<Self> {
        Arc::new(Self { whom, real, rules, backdoor, state, gone: Notify::new() })
    }

    /// Serves until it is dropped. While the server is gone, nobody listens here either: a connection is refused as it
    /// would be without an intermediary. The port stays its own meanwhile.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, port: Port) {
        let mut listening = Some(listener);
        loop {
            if let Some(listener) = listening.take() {
                tokio::select! {
                    () = self.accept(&listener) => {}
                    () = self.gone.notified() => {}
                }
            }
            while TcpStream::connect(&self.real).await.is_err() {
                tokio::time::sleep(LOOK).await;
            }
            listening = TcpListener::bind(port.address()).await.ok();
        }
    }

    async fn accept(self: &Arc<Self>, listener: &TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let this = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| this.clone().pass(request));
                // What a broken connection comes to is seen by whoever waits for the answer.
                let _ =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    }

    async fn pass(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let mut call = Call {
            method: head.method.as_str().to_owned(),
            path: head.uri.path().trim_start_matches(self.root()).to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(&body).unwrap_or_default(),
            raw: body,
            headers: head.headers,
        };
        let reply = self.exchange(&mut call).await?;
        let body = text(&reply.body, reply.raw);
        let mut response = Response::new(Full::new(body));
        if self.whom == Whom::Aws {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        }
        *response.status_mut() = StatusCode::from_u16(reply.status)?;
        Ok(response)
    }

    /// Asks the server, or does not, as the rules say.
    async fn exchange(&self, call: &mut Call) -> Result<Reply, Broken> {
        if !self.state.is_armed() {
            return self.ask(call).await;
        }
        let asked = call.clone();
        let rules: Vec<&Counted<HttpRule>> = self.rules.iter().filter(|counted| counted.rule.is_for(&asked)).collect();
        for counted in &rules {
            let of_request = !counted.rule.act.is_of_answer();
            if !of_request || !counted.rule.turns.has(counted.next()) {
                continue;
            }
            self.state.did();
            match &counted.rule.act {
                Act::Answer(reply) => return Ok(reply(call)),
                Act::Instead(run) => return Ok(run(self.backdoor.clone(), call.clone()).await),
                Act::Request(change) => change(call),
                Act::Delay(length) => tokio::time::sleep(*length).await,
                Act::Before(deeds) => self.backdoor.act(deeds(call)).await,
                Act::Rewrite(_) | Act::Stale | Act::After(..) => {}
            }
        }
        let mut reply = self.ask(call).await?;
        for counted in rules {
            let of_answer = counted.rule.act.is_of_answer();
            if !of_answer || !(counted.rule.answered)(&reply) || !counted.rule.turns.has(counted.next()) {
                continue;
            }
            self.state.did();
            match &counted.rule.act {
                Act::Rewrite(change) => change(&asked, &mut reply),
                Act::Stale => reply = counted.first(reply),
                Act::After(length, deeds) if length.is_zero() => self.backdoor.act(deeds(&asked, &reply)).await,
                Act::After(length, deeds) => {
                    let (backdoor, length, deeds) = (self.backdoor.clone(), *length, deeds(&asked, &reply));
                    tokio::spawn(async move {
                        tokio::time::sleep(length).await;
                        backdoor.act(deeds).await;
                    });
                }
                _ => {}
            }
        }
        Ok(reply)
    }

    /// What every path begins with.
    fn root(&self) -> &'static str {
        match self.whom {
            Whom::Vault => "/v1/",
            Whom::Aws => "/",
        }
    }

    /// Whom a request names as its host: with AWS that is signed, and stays what it was.
    fn host(&self, call: &Call) -> HeaderValue {
        let named = call.headers.get(HOST).filter(|_| self.whom == Whom::Aws).cloned();
        named.or_else(|| HeaderValue::from_str(&self.real).ok()).unwrap_or(HeaderValue::from_static(""))
    }

    /// Asks the server itself.
    async fn ask(&self, call: &Call) -> Result<Reply, Broken> {
        let stream = TcpStream::connect(&self.real).await.inspect_err(|_| self.gone.notify_one())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let query = if call.query.is_empty() { String::new() } else { format!("?{}", call.query) };
        let mut request = Request::builder()
            .method(call.method.as_str())
            .uri(format!("{}{}{query}", self.root(), call.path))
            .header(HOST, self.host(call));
        // What says how long the body is, and whom it goes to, is of this connection.
        for (name, value) in call.headers.iter().filter(|(name, _)| ![HOST, CONTENT_LENGTH].contains(name)) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(text(&call.body, call.raw.clone())))?;
        // Both together, so that giving the request up ends the connection as well.
        let answer = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status().as_u16();
            Ok::<_, hyper::Error>((status, answer.into_body().collect().await?.to_bytes()))
        };
        tokio::pin!(answer);
        let (status, bytes) = tokio::select! {
            answer = &mut answer => answer?,
            ended = connection => { ended?; answer.await? }
        };
        Ok(Reply { status, body: serde_json::from_slice(&bytes).unwrap_or_default(), raw: bytes })
    }
}

/// A body as it is sent on: as it came unless a rule changed it, since not all that comes is JSON, and JSON has numbers that
/// are longer than what they are read as.
fn text(body: &Value, raw: Bytes) -> Bytes {
    match body {
        body if serde_json::from_slice::<Value>(&raw).unwrap_or_default() == *body => raw,
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    }
}
