//! What is expected of a certificate.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::scenario::mark::Marked;
use crate::scenario::word::Name;

/// A certificate as whoever relies on it sees it (at least one of the assertions). Its issuer must have signed it, and its
/// list and OCSP answers.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectCertificate {
    /// The kept value that holds the certificate, as PEM: `keeps: { leaf: data.certificate }`.
    pub of: Marked<Name>,
    /// The kept value that holds its issuer's ID; the default issuer when left out.
    #[serde(default)]
    pub issuer: Option<Marked<Name>>,
    /// The engine that issued it: `pki` when left out.
    #[serde(default)]
    pub mount: Option<Marked<Name>>,
    /// What its issuer's CRL says of it.
    #[serde(default)]
    pub crl: Option<Marked<CertificateState>>,
    /// What the engine's OCSP responder says of it.
    #[serde(default)]
    pub ocsp: Option<Marked<CertificateState>>,
    /// Whether it has ended.
    #[serde(default)]
    pub expired: Option<Marked<bool>>,
    /// Whether its issuer's certificate has ended.
    #[serde(default)]
    pub authority_expired: Option<Marked<bool>>,
}

/// What is said of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateState {
    /// It is not revoked.
    Good,
    /// It is revoked.
    Revoked,
    /// The responder does not know it.
    Unknown,
    /// The responder refuses to say.
    Unanswered,
    /// The list or the answer is not signed by the issuer.
    NotSigned,
}

impl fmt::Display for CertificateState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
