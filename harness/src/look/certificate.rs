//! A certificate, as whoever relies on it sees it: its issuer's certificate and list are read, its OCSP responder asked.

use serde_json::Value;

use crate::certificate::{Certificate, CertificateError};
use crate::event::{Actor, CertificateRead, Event};
use crate::outcome::{Outcome, Silence, Unknown};
use crate::scenario::file::{CertificateState, ExpectCertificate, Method};
use crate::scenario::word::Name;
use crate::service::vault::{BRIEF, Vault};
use crate::time::Interval;
use crate::world::{Missing, World};

/// Where the engine is mounted when a scenario does not say.
const MOUNT: &str = "pki";

/// Looks at a certificate, and writes what was seen.
pub(super) async fn certificate(
    world: &World,
    who: &Actor,
    step: &str,
    expected: &ExpectCertificate,
) -> Result<(), Missing> {
    let kept = |name: &Name| {
        let value = world.book.value(name.as_str());
        let text = value.and_then(|value| value.as_str().map(str::to_owned));
        text.ok_or_else(|| Missing { kind: "kept value", name: name.to_string() })
    };
    let leaf = kept(&expected.of)?;
    let issuer = expected.issuer.as_ref().map(|name| kept(name)).transpose()?;
    let mount = expected.mount.as_deref().map_or(MOUNT, Name::as_str);
    let issuer = format!("{mount}/issuer/{}", issuer.as_deref().unwrap_or("default"));
    let sent = world.history.now();
    // Nobody needs a token for any of it.
    let vault = world.stack.vault.direct.within(BRIEF);
    let outcome = match read(&vault, expected, &leaf, &issuer, mount).await {
        Ok(read) => Outcome::Ok(read),
        Err(unknown) => Outcome::Unknown(unknown),
    };
    let at = Interval::new(sent, world.history.now());
    world.write(who, Some(step), at, Event::CertificateRead { certificate: expected.of.to_string(), outcome });
    Ok(())
}

async fn read(
    vault: &Vault,
    expected: &ExpectCertificate,
    leaf: &str,
    issuer: &str,
    mount: &str,
) -> Result<CertificateRead, Unknown> {
    let authority = field(vault, &format!("{issuer}/json"), "certificate").await?;
    let certificate = Certificate::read(leaf, &authority).map_err(garbled)?;
    let crl = match &expected.crl {
        Some(_) => {
            let list = field(vault, &format!("{issuer}/crl"), "crl").await?;
            Some(certificate.on_list(&list).map_err(garbled)?)
        }
        None => None,
    };
    let ocsp = match &expected.ocsp {
        Some(_) => Some(asked(vault, &certificate, mount).await?),
        None => None,
    };
    let [expired, authority_expired] = certificate.ended().map_err(garbled)?;
    Ok(CertificateRead { signed: certificate.is_signed().map_err(garbled)?, expired, authority_expired, crl, ocsp })
}

/// What the responder says. It takes the question in a path, as caches on the way want it.
async fn asked(vault: &Vault, certificate: &Certificate, mount: &str) -> Result<CertificateState, Unknown> {
    let question = certificate.question().map_err(garbled)?;
    let seen = vault.fetch(&format!("{mount}/ocsp/{}", in_a_path(&question))).await;
    match seen.outcome {
        Outcome::Ok(reply) => certificate.answered(&reply.body).map_err(garbled),
        // `unauthorized` and the like come with a status of their own.
        Outcome::Refused(_) => Ok(CertificateState::Unanswered),
        Outcome::Unknown(unknown) => Err(unknown),
    }
}

async fn field(vault: &Vault, path: &str, name: &str) -> Result<String, Unknown> {
    let seen = vault.call(Method::Get, path, None).await;
    match seen.outcome {
        Outcome::Ok(reply) => match &reply.body["data"][name] {
            Value::String(text) => Ok(text.clone()),
            _ => Err(Unknown { why: Silence::Garbled, detail: format!("{path} answers no {name}") }),
        },
        Outcome::Refused(refusal) => Err(Unknown { why: Silence::Garbled, detail: format!("{path}: {refusal}") }),
        Outcome::Unknown(unknown) => Err(unknown),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn garbled(error: CertificateError) -> Unknown {
    Unknown { why: Silence::Garbled, detail: error.to_string() }
}

/// Base64, with what means something else in a path written as its code.
fn in_a_path(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0_u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            // Six bits, so it is below 64.
            match LETTERS[(group >> (18 - 6 * place) & 63) as usize] {
                b'+' => text.push_str("%2B"),
                b'/' => text.push_str("%2F"),
                letter => text.push(char::from(letter)),
            }
        }
        text.push_str(&"%3D".repeat(3 - chunk.len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::in_a_path;

    #[test]
    fn a_question_is_spelt_so_that_a_path_can_hold_it() {
        assert_eq!(in_a_path(b"hello"), "aGVsbG8%3D");
        assert_eq!(in_a_path(&[0xfb, 0xff, 0xfe]), "%2B%2F%2F%2B");
        assert_eq!(in_a_path(b"a"), "YQ%3D%3D");
    }
}
