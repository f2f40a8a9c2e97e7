//! An authority made with `openssl ca`: it issued `leaf` and `other`, and revoked `leaf`. `stranger` has its name and another
//! key. What it says of them was made with `openssl ocsp`.

use super::*;

const AUTHORITY: &str = include_str!("certificate_tests/ca.pem");
const STRANGER: &str = include_str!("certificate_tests/stranger.pem");
const LEAF: &str = include_str!("certificate_tests/leaf.pem");
const OTHER: &str = include_str!("certificate_tests/other.pem");
const BEFORE: &str = include_str!("certificate_tests/before.crl");
const AFTER: &str = include_str!("certificate_tests/after.crl");
const OF_LEAF: &[u8] = include_bytes!("certificate_tests/leaf.ocsp");
const OF_OTHER: &[u8] = include_bytes!("certificate_tests/other.ocsp");
const QUESTION: &[u8] = include_bytes!("certificate_tests/leaf.req");

fn issued_by(leaf: &str, issuer: &str) -> Certificate {
    Certificate::read(leaf, issuer).unwrap()
}

#[test]
fn a_certificate_is_signed_by_its_authority_and_by_nobody_of_the_same_name() {
    assert!(issued_by(LEAF, AUTHORITY).is_signed().unwrap());
    assert!(!issued_by(LEAF, STRANGER).is_signed().unwrap());
    assert_eq!(issued_by(LEAF, AUTHORITY).ended().unwrap(), [false, false]);
}

#[test]
fn a_list_names_who_is_revoked_and_nobody_else() {
    let state = |leaf, list| issued_by(leaf, AUTHORITY).on_list(list).unwrap();
    assert_eq!(state(LEAF, BEFORE), CertificateState::Good);
    assert_eq!(state(LEAF, AFTER), CertificateState::Revoked);
    assert_eq!(state(OTHER, AFTER), CertificateState::Good);
}

#[test]
fn a_list_or_an_answer_of_a_stranger_says_nothing() {
    assert_eq!(issued_by(LEAF, STRANGER).on_list(AFTER).unwrap(), CertificateState::NotSigned);
    assert_eq!(issued_by(LEAF, STRANGER).answered(OF_LEAF).unwrap(), CertificateState::NotSigned);
}

#[test]
fn a_responder_is_asked_as_openssl_asks_it() {
    assert_eq!(issued_by(LEAF, AUTHORITY).question().unwrap(), QUESTION);
}

#[test]
fn an_answer_is_of_the_certificate_that_it_names() {
    let state = |leaf, answer| issued_by(leaf, AUTHORITY).answered(answer).unwrap();
    assert_eq!(state(LEAF, OF_LEAF), CertificateState::Revoked);
    assert_eq!(state(OTHER, OF_OTHER), CertificateState::Good);
    assert_eq!(state(OTHER, OF_LEAF), CertificateState::Unknown);
}

#[test]
fn an_answer_that_refuses_is_no_answer_and_what_is_none_cannot_be_read() {
    // OCSPResponse { unauthorized (6) }
    assert_eq!(issued_by(LEAF, AUTHORITY).answered(&[0x30, 3, 0x0a, 1, 6]).unwrap(), CertificateState::Unanswered);
    assert!(issued_by(LEAF, AUTHORITY).answered(b"no").is_err());
    assert!(Certificate::read("no", AUTHORITY).is_err());
}
