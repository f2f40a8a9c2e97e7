//! Certificates as whoever relies on them sees them: signed by their issuer, in time, on its list of revoked ones, and what
//! its OCSP responder says. Signatures are checked, so that a list or an answer of somebody else's counts for nothing.

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_cert::der::asn1::{Null, ObjectIdentifier, OctetString};
use x509_cert::der::{Any, Decode as _, Encode as _};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspRequest, OcspResponse, OcspResponseStatus, Request, SingleResponse,
    TbsRequest,
};
use x509_parser::asn1_rs::BitString;
use x509_parser::certificate::X509Certificate;
use x509_parser::pem::{Pem, parse_x509_pem};
use x509_parser::prelude::{AlgorithmIdentifier, FromDer as _};
use x509_parser::verify::verify_signature;

use crate::scenario::file::CertificateState;

const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// What is no certificate, list or answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} cannot be read: {why}")]
pub struct CertificateError {
    what: &'static str,
    why: String,
}

fn unreadable<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> CertificateError {
    move |why| CertificateError { what, why: why.to_string() }
}

/// A certificate and that of its issuer.
#[derive(Debug)]
pub struct Certificate {
    leaf: Pem,
    issuer: Pem,
}

impl Certificate {
    /// Reads both, as PEM.
    pub fn read(leaf: &str, issuer: &str) -> Result<Self, CertificateError> {
        let (_, leaf) = parse_x509_pem(leaf.as_bytes()).map_err(unreadable("the certificate"))?;
        let (_, issuer) = parse_x509_pem(issuer.as_bytes()).map_err(unreadable("the issuer's certificate"))?;
        let read = Self { leaf, issuer };
        read.leaf()?;
        read.issuer()?;
        Ok(read)
    }

    fn leaf(&self) -> Result<X509Certificate<'_>, CertificateError> {
        self.leaf.parse_x509().map_err(unreadable("the certificate"))
    }

    fn issuer(&self) -> Result<X509Certificate<'_>, CertificateError> {
        self.issuer.parse_x509().map_err(unreadable("the issuer's certificate"))
    }

    /// Whether the issuer signed it.
    pub fn is_signed(&self) -> Result<bool, CertificateError> {
        Ok(self.leaf()?.verify_signature(Some(self.issuer()?.public_key())).is_ok())
    }

    /// Whether it has ended, and whether its issuer has.
    pub fn ended(&self) -> Result<[bool; 2], CertificateError> {
        let now = Timestamp::now().as_second();
        let ended = |certificate: X509Certificate<'_>| certificate.validity().not_after.timestamp() < now;
        Ok([ended(self.leaf()?), ended(self.issuer()?)])
    }

    /// What the issuer's list of revoked certificates, as PEM, says of it.
    pub fn on_list(&self, list: &str) -> Result<CertificateState, CertificateError> {
        let (_, pem) = parse_x509_pem(list.as_bytes()).map_err(unreadable("the CRL"))?;
        let (_, list) = x509_parser::parse_x509_crl(&pem.contents).map_err(unreadable("the CRL"))?;
        if list.verify_signature(self.issuer()?.public_key()).is_err() {
            return Ok(CertificateState::NotSigned);
        }
        let leaf = self.leaf()?;
        let is_on_it = list.iter_revoked_certificates().any(|revoked| *revoked.serial() == leaf.tbs_certificate.serial);
        Ok(if is_on_it { CertificateState::Revoked } else { CertificateState::Good })
    }

    /// The question about it to an OCSP responder.
    pub fn question(&self) -> Result<Vec<u8>, CertificateError> {
        let issuer = self.issuer()?;
        let hashed =
            |bytes: &[u8]| OctetString::new(Sha256::digest(bytes).to_vec()).map_err(unreadable("the question"));
        let parameters = Any::encode_from(&Null).map_err(unreadable("the question"))?;
        let certificate = CertId {
            hash_algorithm: AlgorithmIdentifierOwned { oid: SHA_256, parameters: Some(parameters) },
            issuer_name_hash: hashed(issuer.subject().as_raw())?,
            issuer_key_hash: hashed(&issuer.public_key().subject_public_key.data)?,
            serial_number: self.serial()?,
        };
        let request = Request { req_cert: certificate, single_request_extensions: None };
        let request = TbsRequest { request_list: vec![request], ..TbsRequest::default() };
        let request = OcspRequest { tbs_request: request, optional_signature: None };
        request.to_der().map_err(unreadable("the question"))
    }

    fn serial(&self) -> Result<SerialNumber, CertificateError> {
        SerialNumber::new(self.leaf()?.raw_serial()).map_err(unreadable("the serial number"))
    }

    /// What the responder's answer says of it.
    pub fn answered(&self, answer: &[u8]) -> Result<CertificateState, CertificateError> {
        let what = "the OCSP answer";
        let answer = OcspResponse::from_der(answer).map_err(unreadable(what))?;
        let Some(bytes) = answer.response_bytes.filter(|_| answer.response_status == OcspResponseStatus::Successful)
        else {
            return Ok(CertificateState::Unanswered);
        };
        let basic = BasicOcspResponse::from_der(bytes.response.as_bytes()).map_err(unreadable(what))?;
        if !self.signed_by_issuer(&basic)? {
            return Ok(CertificateState::NotSigned);
        }
        let serial = self.serial()?;
        let is_it = |single: &&SingleResponse| single.cert_id.serial_number == serial;
        let status = basic.tbs_response_data.responses.iter().find(is_it).map(|single| single.cert_status);
        Ok(match status {
            Some(CertStatus::Good(_)) => CertificateState::Good,
            Some(CertStatus::Revoked(_)) => CertificateState::Revoked,
            Some(CertStatus::Unknown(_)) | None => CertificateState::Unknown,
        })
    }

    fn signed_by_issuer(&self, answer: &BasicOcspResponse) -> Result<bool, CertificateError> {
        let what = "the OCSP answer's signature";
        let data = answer.tbs_response_data.to_der().map_err(unreadable(what))?;
        let algorithm = answer.signature_algorithm.to_der().map_err(unreadable(what))?;
        let (_, algorithm) = AlgorithmIdentifier::from_der(&algorithm).map_err(unreadable(what))?;
        let signature = BitString::new(0, answer.signature.raw_bytes());
        Ok(verify_signature(self.issuer()?.public_key(), &algorithm, &signature, &data).is_ok())
    }
}

#[cfg(test)]
#[path = "certificate_tests.rs"]
mod tests;
