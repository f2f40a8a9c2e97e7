//! The calls that leaseproof makes of Vault, typed. Source of each: developer.hashicorp.com/vault/api-docs

use serde_json::{Value, json};

use super::Vault;
use crate::event::{Lease, LeaseState, Renewal, Reply, TokenState};
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::Method;
use crate::secret::Secret;
use crate::service::Seen;
use crate::service::aws::Key;

/// A new credential: the lease, and the password that goes with it.
#[derive(Debug, Clone)]
pub struct Issued {
    /// The lease.
    pub lease: Lease,
    /// The password of its user, or the secret of its access key.
    pub password: Secret,
    /// The AWS access key, from the AWS engine.
    pub key: Option<Key>,
}

/// A new token.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// The token.
    pub token: Secret,
    /// Its accessor.
    pub accessor: Secret,
    /// Its TTL and whether it can be renewed.
    pub state: TokenState,
}

/// A static role's present password.
#[derive(Debug, Clone)]
pub struct StaticCreds {
    /// The user.
    pub username: String,
    /// The password.
    pub password: Secret,
    /// The AWS access key, from the AWS engine.
    pub key: Option<Key>,
    /// Seconds to the next rotation.
    pub ttl: i64,
}

/// Keys and root token of a new server.
#[derive(Debug, Clone)]
pub struct Initialised {
    /// Unseal keys, as many as shares.
    pub keys: Vec<Secret>,
    /// The root token.
    pub root: Secret,
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn seconds(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

impl Seen<Reply<Value>> {
    /// Reads the body into what it is for.
    fn read<T>(self, read: impl FnOnce(&Value) -> T) -> Seen<Reply<T>> {
        self.map(|reply| Reply { status: reply.status, warnings: reply.warnings, body: read(&reply.body) })
    }
}

impl Vault {
    /// `sys/health`: the status, whatever it is.
    pub async fn health(&self) -> Seen<u16> {
        self.status("sys/health").await
    }

    /// `sys/init` with so many shares, all but `threshold` to spare.
    pub async fn init(&self, shares: u8, threshold: u8) -> Seen<Reply<Initialised>> {
        let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
        self.call(Method::Post, "sys/init", Some(body)).await.read(|v| Initialised {
            keys: v["keys"].as_array().into_iter().flatten().map(|k| Secret::new(text(k))).collect(),
            root: Secret::new(text(&v["root_token"])),
        })
    }

    /// `sys/init` of a server that unseals itself: recovery keys, which unseal nothing, and no others.
    pub async fn init_sealed_elsewhere(&self) -> Seen<Reply<Initialised>> {
        let body = json!({ "recovery_shares": 1, "recovery_threshold": 1 });
        self.call(Method::Post, "sys/init", Some(body))
            .await
            .read(|v| Initialised { keys: Vec::new(), root: Secret::new(text(&v["root_token"])) })
    }

    /// `sys/unseal` with one key; the answer says whether it is still sealed.
    pub async fn unseal(&self, key: &Secret) -> Seen<Reply<bool>> {
        let body = json!({ "key": key.expose() });
        self.call(Method::Post, "sys/unseal", Some(body)).await.read(|v| v["sealed"].as_bool().unwrap_or(true))
    }

    /// Reads a dynamic role: makes a user and a lease. `ttl` is asked for in seconds, where the engine listens to it.
    pub async fn creds(&self, mount: &str, role: &str, ttl: Option<u64>) -> Seen<Reply<Issued>> {
        let asked = ttl.map(|seconds| format!("?ttl={seconds}s")).unwrap_or_default();
        self.call(Method::Get, &format!("{mount}/creds/{role}{asked}"), None).await.read(|v| Issued {
            lease: Lease {
                lease_id: text(&v["lease_id"]),
                username: principal(&v["data"]),
                ttl: seconds(&v["lease_duration"]),
                renewable: v["renewable"].as_bool().unwrap_or_default(),
            },
            password: password(&v["data"]),
            key: key(&v["data"]),
        })
    }

    /// Reads a static role's present password.
    pub async fn static_creds(&self, mount: &str, role: &str) -> Seen<Reply<StaticCreds>> {
        self.call(Method::Get, &format!("{mount}/static-creds/{role}"), None).await.read(|v| StaticCreds {
            username: principal(&v["data"]),
            password: password(&v["data"]),
            key: key(&v["data"]),
            ttl: v["data"]["ttl"].as_i64().unwrap_or_default(),
        })
    }

    /// `sys/leases/lookup`.
    pub async fn lookup_lease(&self, lease_id: &str) -> Seen<Reply<LeaseState>> {
        let body = json!({ "lease_id": lease_id });
        self.call(Method::Post, "sys/leases/lookup", Some(body)).await.read(|v| LeaseState {
            ttl: v["data"]["ttl"].as_i64().unwrap_or_default(),
            renewable: v["data"]["renewable"].as_bool().unwrap_or_default(),
        })
    }

    /// `sys/leases/renew`, by so many seconds from now, or by the role's own TTL.
    pub async fn renew_lease(&self, lease_id: &str, increment: Option<u64>) -> Seen<Reply<Renewal>> {
        let mut body = json!({ "lease_id": lease_id });
        if let Some(seconds) = increment {
            body["increment"] = json!(seconds);
        }
        self.call(Method::Post, "sys/leases/renew", Some(body)).await.read(|v| Renewal {
            lease_id: text(&v["lease_id"]),
            ttl: seconds(&v["lease_duration"]),
            renewable: v["renewable"].as_bool().unwrap_or_default(),
            data: !v["data"].is_null(),
        })
    }

    /// The ids of all leases below a prefix. A prefix with none answers 404 without errors: that is an empty list.
    pub async fn list_leases(&self, prefix: &str) -> Seen<Reply<Vec<String>>> {
        let seen = self.call(Method::List, &format!("sys/leases/lookup/{prefix}"), None).await.read(|v| {
            let keys = v["data"]["keys"].as_array().into_iter().flatten();
            keys.filter_map(Value::as_str).map(|key| format!("{prefix}/{key}")).collect()
        });
        nothing_is_an_empty_list(seen)
    }

    /// The ids of all irrevocable leases.
    pub async fn irrevocable_leases(&self) -> Seen<Reply<Vec<String>>> {
        let seen = self.call(Method::Get, "sys/leases?type=irrevocable", None).await;
        seen.read(|v| v["data"]["leases"].as_array().into_iter().flatten().map(|l| text(&l["lease_id"])).collect())
    }

    /// `auth/token/lookup-self`.
    pub async fn lookup_self(&self) -> Seen<Reply<TokenState>> {
        self.call(Method::Get, "auth/token/lookup-self", None).await.read(|v| TokenState {
            ttl: seconds(&v["data"]["ttl"]),
            renewable: v["data"]["renewable"].as_bool().unwrap_or_default(),
        })
    }

    /// `auth/token/renew-self`.
    pub async fn renew_self(&self, increment: Option<u64>) -> Seen<Reply<TokenState>> {
        let body = increment.map_or(json!({}), |seconds| json!({ "increment": format!("{seconds}s") }));
        self.call(Method::Post, "auth/token/renew-self", Some(body)).await.read(|v| new_token(v).state)
    }

    /// A call that answers with a new token: `auth/token/create`, a login.
    pub async fn new_token(&self, path: &str, body: Value) -> Seen<Reply<NewToken>> {
        self.call(Method::Post, path, Some(body)).await.read(new_token)
    }

    /// A call whose body does not matter.
    pub async fn act(&self, method: Method, path: &str, body: Option<Value>) -> Seen<Reply<()>> {
        self.call(method, path, body).await.read(|_| ())
    }
}

/// The AWS access key in an answer's data.
fn key(data: &Value) -> Option<Key> {
    let id = data["access_key"].as_str()?.to_owned();
    // Vault from 1.15 on has both names.
    let token = data["security_token"].as_str().or_else(|| data["session_token"].as_str());
    Some(Key { id, secret: Secret::new(text(&data["secret_key"])), session_token: token.map(Secret::new) })
}

/// By what the target knows the credential in an answer's data: a database user, an access key; a session of STS by nothing.
fn principal(data: &Value) -> String {
    match key(data) {
        Some(key) if key.session_token.is_some() => String::new(),
        Some(key) => key.id,
        None => text(&data["username"]),
    }
}

fn password(data: &Value) -> Secret {
    key(data).map_or_else(|| Secret::new(text(&data["password"])), |key| key.secret)
}

fn new_token(value: &Value) -> NewToken {
    let auth = &value["auth"];
    NewToken {
        token: Secret::new(text(&auth["client_token"])),
        accessor: Secret::new(text(&auth["accessor"])),
        state: TokenState {
            ttl: seconds(&auth["lease_duration"]),
            renewable: auth["renewable"].as_bool().unwrap_or_default(),
        },
    }
}

fn nothing_is_an_empty_list(seen: Seen<Reply<Vec<String>>>) -> Seen<Reply<Vec<String>>> {
    let Seen { at, outcome, shape } = seen;
    let outcome = match outcome {
        Outcome::Refused(no) if no.cause == Cause::NotFound && no.message.is_empty() => {
            Outcome::Ok(Reply { status: 404, warnings: Vec::new(), body: Vec::new() })
        }
        outcome => outcome,
    };
    Seen { at, outcome, shape }
}
