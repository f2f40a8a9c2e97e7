//! A gate before AWS that answers some requests itself, as AWS does when it throttles or fails, and passes the others on.
//! It knows HTTP/1.1 as AWS's SDKs speak it: a POST with a form, of a stated length. Each connection serves one request.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A request's head is no longer than this.
const LONGEST_HEAD: usize = 64 * 1024;
/// A request's body is no longer than this: IAM's policies are a few kilobytes.
const LONGEST_BODY: usize = 1024 * 1024;

/// What is answered in AWS's place, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Only to this action; to every one when there is none.
    pub action: Option<String>,
    /// The HTTP status.
    pub status: u16,
    /// AWS's code.
    pub code: &'static str,
    /// AWS's words.
    pub message: &'static str,
}

impl Rule {
    /// What AWS answers to too many requests.
    pub fn throttling(action: Option<String>) -> Self {
        Self { action, status: 400, code: "Throttling", message: "Rate exceeded" }
    }

    /// What AWS answers when it fails.
    pub fn failure(action: Option<String>, status: u16) -> Self {
        let (code, message) = if status == 503 {
            ("ServiceUnavailable", "The request has failed due to a temporary failure of the server.")
        } else {
            ("InternalFailure", "The request processing has failed because of an unknown error.")
        };
        Self { action, status, code, message }
    }

    fn applies(&self, form: &[u8]) -> bool {
        let Some(wanted) = &self.action else { return true };
        let form = String::from_utf8_lossy(form);
        form.split('&').any(|pair| pair.strip_prefix("Action=") == Some(wanted))
    }

    fn answer(&self) -> String {
        let kind = if self.status >= 500 { "Receiver" } else { "Sender" };
        let body = format!(
            "<ErrorResponse><Error><Type>{kind}</Type><Code>{}</Code><Message>{}</Message></Error>\
             <RequestId>leaseproof</RequestId></ErrorResponse>",
            self.code, self.message
        );
        format!(
            "HTTP/1.1 {} Fault\r\nContent-Type: text/xml\r\nx-amzn-RequestId: leaseproof\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.status,
            body.len()
        )
    }
}

/// An open gate, which passes everything on until it is given a rule. Dropping it closes it, with all its connections.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    serving: JoinHandle<()>,
    rules: Rules,
}

/// The rules in force; the one that was given last comes first.
type Rules = Arc<Mutex<Vec<(u64, Rule)>>>;

/// Names a rule in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleId(u64);

impl Gate {
    /// Opens a gate before `upstream`.
    pub async fn open(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let rules = Rules::default();
        let in_force = Arc::clone(&rules);
        let serving = tokio::spawn(async move {
            // Aborted with this task.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let rules = Arc::clone(&in_force);
                // What breaks off has its own words at both ends.
                connections.spawn(async move { drop(serve(client, upstream, &rules).await) });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, serving, rules })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Puts a rule in force for every request that is not on its way yet.
    pub fn add(&self, rule: Rule) -> RuleId {
        let mut rules = locked(&self.rules);
        let id = rules.iter().map(|(id, _)| id + 1).max().unwrap_or_default();
        rules.insert(0, (id, rule));
        RuleId(id)
    }

    /// Takes a rule back.
    pub fn remove(&self, id: RuleId) {
        locked(&self.rules).retain(|(other, _)| *other != id.0);
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn locked(rules: &Rules) -> MutexGuard<'_, Vec<(u64, Rule)>> {
    rules.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(mut client: TcpStream, upstream: SocketAddr, rules: &Rules) -> io::Result<()> {
    let Some((head, body)) = request(&mut client).await? else { return Ok(()) };
    let answer = locked(rules).iter().find(|(_, rule)| rule.applies(&body)).map(|(_, rule)| rule.answer());
    if let Some(answer) = answer {
        client.write_all(answer.as_bytes()).await?;
        return client.shutdown().await;
    }
    let mut server = TcpStream::connect(upstream).await?;
    server.write_all(closing(&head).as_bytes()).await?;
    server.write_all(&body).await?;
    tokio::io::copy(&mut server, &mut client).await?;
    client.shutdown().await
}

/// One request: its head with the empty line, and its body. `None` when the client leaves without one.
async fn request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if bytes.len() > LONGEST_HEAD {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData)?;
    let length = content_length(&head);
    if length > LONGEST_BODY {
        return Err(io::ErrorKind::InvalidData.into());
    }
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some((head, body)))
}

fn content_length(head: &str) -> usize {
    let value = head.lines().filter_map(|line| line.split_once(':'));
    let mut value = value.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    value.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or_default()
}

/// The head with `Connection: close`, so that the answer's end is the connection's. AWS's signature does not cover it.
fn closing(head: &str) -> String {
    let kept = head
        .trim_end()
        .lines()
        .filter(|line| !line.split_once(':').is_some_and(|(name, _)| name.eq_ignore_ascii_case("connection")));
    kept.chain(["Connection: close", "", ""]).collect::<Vec<_>>().join("\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server that answers each request with its own body.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let (_, body) = request(&mut client).await.unwrap().unwrap();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
                client.write_all(&[head.as_bytes(), &body].concat()).await.unwrap();
            }
        });
        address
    }

    async fn ask(gate: &Gate, body: &str) -> String {
        let mut client = TcpStream::connect(gate.address()).await.unwrap();
        let head = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", body.len());
        client.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn only_the_named_action_is_answered_in_the_servers_place() {
        let gate = Gate::open(echo().await).await.unwrap();
        let rule = gate.add(Rule::failure(Some("PutUserPolicy".to_owned()), 503));
        let failed = ask(&gate, "Action=PutUserPolicy&Version=1").await;
        assert!(failed.starts_with("HTTP/1.1 503 ") && failed.contains("<Code>ServiceUnavailable</Code>"), "{failed}");
        let passed = ask(&gate, "Action=CreateUser&Version=1").await;
        assert!(passed.starts_with("HTTP/1.1 200 ") && passed.ends_with("Action=CreateUser&Version=1"), "{passed}");
        assert!(ask(&gate, "Action=PutUserPolicyNot&Version=1").await.starts_with("HTTP/1.1 200 "));
        gate.remove(rule);
        assert!(ask(&gate, "Action=PutUserPolicy&Version=1").await.starts_with("HTTP/1.1 200 "));
    }

    #[tokio::test]
    async fn without_an_action_every_request_is_throttled_and_a_closed_gate_takes_nobody() {
        let gate = Gate::open(echo().await).await.unwrap();
        gate.add(Rule::throttling(None));
        assert!(ask(&gate, "Action=Anything").await.contains("<Code>Throttling</Code>"));
        let address = gate.address();
        drop(gate);
        let refused = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(5), refused).await.unwrap();
    }

    #[test]
    fn the_connection_header_is_replaced_and_nothing_else() {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nconnection: keep-alive\r\nX-Amz-Date: 1\r\n\r\n";
        assert_eq!(closing(head), "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Date: 1\r\nConnection: close\r\n\r\n");
    }
}
