//! Reading a live server: GET and LIST and nothing else. What may not be read is noted, and the rest goes on.

use std::time::Duration;

use serde_json::Value;

use super::CaptureError;
use super::live::{Call, Database, Live, Method as AuthMethod};
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::Method;
use crate::secret::Secret;
use crate::service::vault::Vault;
use crate::time::Clock;

/// A live server may be far away and busy.
const DEADLINE: Duration = Duration::from_secs(15);

/// Reads all that can be made a scenario of.
pub async fn read(address: &str, token: &Secret) -> Result<Live, CaptureError> {
    let host = host(address)?;
    let vault = Vault::new(host, Clock::start())?.within(DEADLINE);
    serving(&vault, host).await?;
    let vault = vault.with_token(token);
    let mut reader = Reader { vault: &vault, live: Live { address: host.to_owned(), ..Live::default() } };
    reader.token().await?;
    reader.version().await;
    reader.engines().await;
    reader.methods().await;
    reader.policies().await;
    reader.audit().await;
    let live = reader.live;
    if live.databases.is_empty() && live.methods.is_empty() && live.policies.is_empty() && live.engines.is_empty() {
        let refused =
            live.calls.iter().filter_map(|call| call.refused.as_ref().map(|why| format!("{}: {why}", call.what)));
        let why = refused.collect::<Vec<_>>().join("; ");
        return Err(CaptureError::Nothing {
            address: live.address,
            why: format!("the token may read nothing ({why})"),
        });
    }
    Ok(live)
}

/// The host and port of an address.
fn host(address: &str) -> Result<&str, CaptureError> {
    let wrong = |why| CaptureError::Address { address: address.to_owned(), why };
    if address.starts_with("https://") {
        return Err(wrong(
            "TLS is not built in; run `bao proxy` or `vault proxy` with a listener on loopback in front of it, and name that",
        ));
    }
    let host = address.strip_prefix("http://").unwrap_or(address).trim_end_matches('/');
    let is_host = !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b));
    if is_host { Ok(host) } else { Err(wrong("write it like http://127.0.0.1:8200")) }
}

/// Goes on only if the server serves.
async fn serving(vault: &Vault, host: &str) -> Result<(), CaptureError> {
    let address = || host.to_owned();
    let state = match vault.health().await.outcome {
        Outcome::Ok(200 | 429 | 472 | 473) => return Ok(()),
        Outcome::Ok(503) => "sealed",
        Outcome::Ok(501) => "not initialised",
        Outcome::Ok(_) => "no Vault or OpenBao, or one that does not serve",
        no => return Err(CaptureError::Unreachable { address: address(), why: no.to_string() }),
    };
    Err(CaptureError::NotServing { address: address(), state })
}

struct Reader<'a> {
    vault: &'a Vault,
    live: Live,
}

impl Reader<'_> {
    /// One call; what it came to is noted.
    async fn call(&mut self, method: Method, path: &str) -> Option<Value> {
        let outcome = self.vault.call(method, &escaped(path), None).await.outcome;
        let what = format!("{method} {path}");
        let (refused, data) = match outcome {
            Outcome::Ok(reply) => (None, Some(reply.body)),
            // An empty list answers so.
            Outcome::Refused(no) if method == Method::List && no.cause == Cause::NotFound => (None, None),
            no => (Some(no.to_string()), None),
        };
        self.live.calls.push(Call { what, refused });
        data
    }

    async fn get(&mut self, path: &str) -> Option<Value> {
        self.call(Method::Get, path)
            .await
            .map(|body| if body["data"].is_object() { body["data"].clone() } else { body })
    }

    async fn list(&mut self, path: &str) -> Vec<String> {
        let body = self.call(Method::List, path).await.unwrap_or_default();
        let keys = body["data"]["keys"].as_array().into_iter().flatten();
        keys.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Everything that is listed below a path, with its settings.
    async fn all(&mut self, path: &str) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        for name in self.list(path).await {
            if let Some(settings) = self.get(&format!("{path}/{name}")).await {
                all.push((name, settings));
            }
        }
        all
    }

    /// A token that is no token gives 403 everywhere, which would look like one with few rights.
    async fn token(&mut self) -> Result<(), CaptureError> {
        match self.vault.lookup_self().await.outcome {
            Outcome::Ok(_) => {
                self.live.calls.push(Call { what: "GET auth/token/lookup-self".to_owned(), refused: None });
                Ok(())
            }
            no => Err(CaptureError::Token { address: self.live.address.clone(), why: no.to_string() }),
        }
    }

    async fn version(&mut self) {
        let status = self.get("sys/seal-status").await.unwrap_or_default();
        status["version"].as_str().unwrap_or_default().clone_into(&mut self.live.version);
    }

    async fn engines(&mut self) {
        let mounts = self.get("sys/mounts").await.unwrap_or_default();
        for (mount, settings) in mounts.as_object().into_iter().flatten() {
            let (Some(kind), mount) = (settings["type"].as_str(), mount.trim_end_matches('/')) else { continue };
            if kind != "database" {
                if !["system", "identity", "cubbyhole", "ns_system", "ns_identity", "ns_cubbyhole"].contains(&kind) {
                    self.live.engines.push((mount.to_owned(), kind.to_owned()));
                }
                continue;
            }
            let ttl = |key: &str| settings["config"][key].as_u64().unwrap_or_default();
            let database = Database {
                mount: mount.to_owned(),
                default_lease_ttl: ttl("default_lease_ttl"),
                max_lease_ttl: ttl("max_lease_ttl"),
                connections: self.all(&format!("{mount}/config")).await,
                roles: self.all(&format!("{mount}/roles")).await,
                static_roles: self.all(&format!("{mount}/static-roles")).await,
            };
            self.live.databases.push(database);
        }
    }

    async fn methods(&mut self) {
        let mounts = self.get("sys/auth").await.unwrap_or_default();
        for (mount, settings) in mounts.as_object().into_iter().flatten() {
            let (Some(kind), mount) = (settings["type"].as_str(), mount.trim_end_matches('/')) else { continue };
            let roles = match kind {
                "approle" => self.all(&format!("auth/{mount}/role")).await,
                "token" => self.all("auth/token/roles").await,
                _ => Vec::new(),
            };
            self.live.methods.push(AuthMethod { mount: mount.to_owned(), kind: kind.to_owned(), roles });
        }
    }

    async fn policies(&mut self) {
        for name in self.list("sys/policies/acl").await {
            if name == "root" {
                continue;
            }
            if let Some(policy) = self.get(&format!("sys/policies/acl/{name}")).await {
                let text = policy["policy"].as_str().unwrap_or_default().to_owned();
                self.live.policies.push((name, text));
            }
        }
    }

    async fn audit(&mut self) {
        let devices = self.get("sys/audit").await.unwrap_or_default();
        for (mount, settings) in devices.as_object().into_iter().flatten() {
            if let Some(kind) = settings["type"].as_str() {
                self.live.audit.push((mount.trim_end_matches('/').to_owned(), kind.to_owned()));
            }
        }
    }
}

/// A path as it stands in an address: a name may hold anything.
fn escaped(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    path.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_and_tls_says_what_to_do() {
        assert_eq!(host("http://127.0.0.1:8200/").unwrap(), "127.0.0.1:8200");
        assert_eq!(host("[::1]:8200").unwrap(), "[::1]:8200");
        assert!(host("https://vault:8200").unwrap_err().to_string().contains("bao proxy"));
        assert!(host("").is_err() && host("http://a b/").is_err());
    }

    #[test]
    fn a_name_that_is_no_address_is_escaped() {
        assert_eq!(escaped("database/roles/a b?list=true"), "database/roles/a%20b%3Flist%3Dtrue");
    }
}
