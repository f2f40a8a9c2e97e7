//! A value that must never be seen: tokens, passwords, unseal keys. It prints as `[redacted]` everywhere.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// What a secret looks like wherever it could be printed.
pub const REDACTED: &str = "[redacted]";

/// A credential, token, unseal key or password. `Debug`, `Display` and `Serialize` all give `[redacted]`; the text
/// itself is had only through [`Secret::expose`], so that a reader finds every place that looks.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

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

/// Every secret that a run has known, so that server logs can be cleaned before they are kept and the run can search
/// its own reports at the end. Cheap to clone; all clones share one list.
#[derive(Clone, Default)]
pub struct KnownSecrets(Arc<Mutex<Vec<Secret>>>);

/// Shorter texts are not searched for: they would be found in any prose.
const SHORTEST_SEARCHED: usize = 8;

impl KnownSecrets {
    /// Notes a secret and gives it back, so that it can stand around the call that makes it.
    pub fn learn(&self, secret: Secret) -> Secret {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&secret) {
            known.push(secret.clone());
        }
        secret
    }

    /// How many different secrets are known.
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Every known secret that is long enough to be searched for.
    pub(crate) fn searchable(&self) -> Vec<Secret> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|s| s.expose().len() >= SHORTEST_SEARCHED).cloned().collect()
    }

    /// The text with every known secret replaced by `[redacted]`.
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut clean = text.to_owned();
        for secret in known.iter().filter(|s| s.expose().len() >= SHORTEST_SEARCHED) {
            if clean.contains(secret.expose()) {
                clean = clean.replace(secret.expose(), REDACTED);
            }
        }
        clean
    }

    /// Whether the text holds any known secret.
    pub fn found_in(&self, text: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().any(|s| s.expose().len() >= SHORTEST_SEARCHED && text.contains(s.expose()))
    }
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
}
