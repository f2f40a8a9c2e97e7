//! A value that must never be seen: tokens, passwords, unseal keys. It prints as `[redacted]` everywhere.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What a secret looks like wherever it could be printed.
pub const REDACTED: &str = "[redacted]";

/// A credential, token, unseal key or password. `Debug`, `Display` and `Serialize` all give `[redacted]`; the text
/// itself is had only through [`Secret::expose`], so that a reader finds every place that looks.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.as_str().hash(state);
    }
}

impl Secret {
    /// Wraps a text that must not be seen.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one call that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A new random secret of 32 letters and digits, fit for a password on any server here.
    pub fn random() -> Self {
        use rand::RngExt as _;
        let text: String = rand::rng().sample_iter(rand::distr::Alphanumeric).take(32).map(char::from).collect();
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(REDACTED)
    }
}

/// Every secret that a run, or one scenario of it, has known, so that server logs can be cleaned before they are kept and the
/// run can search its own reports at the end. Cheap to clone; all clones share one list.
#[derive(Clone, Default)]
pub struct KnownSecrets {
    known: Arc<Mutex<Known>>,
    /// What a scenario learns its whole run learns.
    of_run: Option<Arc<Mutex<Known>>>,
}

#[derive(Default)]
struct Known {
    /// In the order in which they were learnt.
    all: Vec<Secret>,
    seen: HashSet<Secret>,
}

impl Known {
    fn learn(&mut self, secret: &Secret) {
        if self.seen.insert(secret.clone()) {
            self.all.push(secret.clone());
        }
    }

    fn searchable(&self) -> impl Iterator<Item = &Secret> {
        self.all.iter().filter(|secret| secret.expose().len() >= SHORTEST_SEARCHED)
    }
}

/// Shorter texts are not searched for: they would be found in any prose.
const SHORTEST_SEARCHED: usize = 8;

impl KnownSecrets {
    /// A list of a scenario's own. Each line of its history is searched for these alone: a run of a thousand scenarios knows
    /// tens of thousands of secrets, and no scenario can say those of another.
    #[must_use]
    pub fn of_scenario(&self) -> Self {
        Self { known: Arc::default(), of_run: Some(Arc::clone(&self.known)) }
    }

    /// Notes a secret and gives it back, so that it can stand around the call that makes it.
    pub fn learn(&self, secret: Secret) -> Secret {
        lock(&self.known).learn(&secret);
        if let Some(run) = &self.of_run {
            lock(run).learn(&secret);
        }
        secret
    }

    /// How many different secrets are known.
    pub fn count(&self) -> usize {
        lock(&self.known).all.len()
    }

    /// Every known secret that is long enough to be searched for.
    pub(crate) fn searchable(&self) -> Vec<Secret> {
        lock(&self.known).searchable().cloned().collect()
    }

    /// The text with every known secret replaced by `[redacted]`.
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in lock(&self.known).searchable() {
            if clean.contains(secret.expose()) {
                clean = clean.replace(secret.expose(), REDACTED);
            }
        }
        clean
    }

    /// Whether the text holds any known secret.
    pub fn found_in(&self, text: &str) -> bool {
        lock(&self.known).searchable().any(|secret| text.contains(secret.expose()))
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KnownSecrets({})", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted_in_every_form() {
        let secret = Secret::new("hunter2-hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "[redacted] [redacted]");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"[redacted]\"");
    }

    #[test]
    fn a_known_secret_is_found_and_replaced_and_an_unknown_one_is_not() {
        let known = KnownSecrets::default();
        known.learn(Secret::new("s.abcdefgh1234"));
        assert!(known.found_in("token=s.abcdefgh1234;"));
        assert_eq!(known.redact("token=s.abcdefgh1234;"), "token=[redacted];");
        assert!(!known.found_in("token=s.other"));
    }

    #[test]
    fn a_run_knows_what_its_scenarios_have_learnt_and_they_know_nothing_of_each_other() {
        let run = KnownSecrets::default();
        let [one, other] = [run.of_scenario(), run.of_scenario()];
        one.learn(Secret::new("s.abcdefgh1234"));
        one.learn(Secret::new("s.abcdefgh1234"));
        assert_eq!((run.count(), one.count(), other.count()), (1, 1, 0));
        assert!(run.found_in("s.abcdefgh1234") && one.found_in("s.abcdefgh1234"));
        assert_eq!(other.redact("s.abcdefgh1234"), "s.abcdefgh1234");
    }
}
