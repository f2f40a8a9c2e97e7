//! What a run holds: credentials, tokens, static passwords and open sessions, by the names that the scenario gave them.
//! This is the clients' ledger, and the only place where passwords are kept.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::scenario::Dbms;
use crate::secret::Secret;
use crate::service::aws::Key;
use crate::service::database::{Login, Session};

/// A credential from a dynamic role.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The dynamic role: `database/app`.
    pub role: String,
    /// Its lease.
    pub lease_id: String,
    /// What it logs in with.
    pub login: Login,
    /// The database server where it logs in; none when it is AWS.
    pub dbms: Option<Dbms>,
    /// Its TTL in seconds, when it was issued.
    pub ttl: u64,
}

/// A Vault token.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub token: Secret,
    /// Its accessor.
    pub accessor: Secret,
}

/// Everything that is held. Cheap to share; every reader gets a copy.
#[derive(Debug, Default)]
pub struct Book {
    held: Mutex<Held>,
    /// Keys the fingerprints of passwords: they are good within one run, and nothing can be learnt from them.
    fingerprints: RandomState,
}

#[derive(Debug, Default)]
struct Held {
    credentials: BTreeMap<String, Credential>,
    tokens: BTreeMap<String, Token>,
    passwords: BTreeMap<String, (Dbms, Login)>,
    keys: BTreeMap<String, Key>,
    sessions: BTreeMap<String, Arc<Session>>,
    snapshots: BTreeMap<String, Arc<Vec<u8>>>,
    values: BTreeMap<String, serde_json::Value>,
}

impl Book {
    /// Keeps a credential.
    pub fn keep_credential(&self, name: &str, credential: Credential) {
        self.held().credentials.insert(name.to_owned(), credential);
    }

    /// A credential.
    pub fn credential(&self, name: &str) -> Option<Credential> {
        self.held().credentials.get(name).cloned()
    }

    /// All credentials, by name.
    pub fn credentials(&self) -> Vec<(String, Credential)> {
        self.held().credentials.iter().map(|(name, credential)| (name.clone(), credential.clone())).collect()
    }

    /// Keeps a token: a step's by its name, a client's by the client's.
    pub fn keep_token(&self, name: &str, token: Token) {
        self.held().tokens.insert(name.to_owned(), token);
    }

    /// A token.
    pub fn token(&self, name: &str) -> Option<Token> {
        self.held().tokens.get(name).cloned()
    }

    /// Keeps a static role's password.
    pub fn keep_password(&self, name: &str, dbms: Dbms, login: Login) {
        self.held().passwords.insert(name.to_owned(), (dbms, login));
    }

    /// What a name logs in with at a database server, and at which: a credential, or a kept static password.
    pub fn login(&self, name: &str) -> Option<(Dbms, Login)> {
        let held = self.held();
        let credential = held.credentials.get(name).and_then(|held| Some((held.dbms?, held.login.clone())));
        credential.or_else(|| held.passwords.get(name).cloned())
    }

    /// Keeps a snapshot of Vault's storage.
    pub fn keep_snapshot(&self, name: &str, snapshot: Vec<u8>) {
        self.held().snapshots.insert(name.to_owned(), Arc::new(snapshot));
    }

    /// A snapshot.
    pub fn snapshot(&self, name: &str) -> Option<Arc<Vec<u8>>> {
        self.held().snapshots.get(name).cloned()
    }

    /// Keeps an AWS access key: that of a credential, or a static role's.
    pub fn keep_key(&self, name: &str, key: Key) {
        self.held().keys.insert(name.to_owned(), key);
    }

    /// The AWS access key that goes by a name.
    pub fn key(&self, name: &str) -> Option<Key> {
        self.held().keys.get(name).cloned()
    }

    /// Keeps a part of an answer.
    pub fn keep_value(&self, name: &str, value: serde_json::Value) {
        self.held().values.insert(name.to_owned(), value);
    }

    /// A kept part of an answer.
    pub fn value(&self, name: &str) -> Option<serde_json::Value> {
        self.held().values.get(name).cloned()
    }

    /// Keeps a session open.
    pub fn keep_session(&self, name: &str, session: Arc<Session>) {
        self.held().sessions.insert(name.to_owned(), session);
    }

    /// An open session.
    pub fn session(&self, name: &str) -> Option<Arc<Session>> {
        self.held().sessions.get(name).cloned()
    }

    /// The names of all open sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.held().sessions.keys().cloned().collect()
    }

    /// A keyed hash of a secret, to say "same" or "another" without showing it.
    pub fn fingerprint(&self, secret: &Secret) -> String {
        format!("{:016x}", self.fingerprints.hash_one(secret.expose()))
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
