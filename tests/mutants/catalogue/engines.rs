//! Mutants of AppRole, wrapping, KV, PKI, SSH, TOTP, transit, quotas and audit.

use std::time::Duration;

use serde_json::{Value, json};

use super::{CREDS, done, every_user, no_content, no_warning, refused};
use crate::mutant::{Call, Deed, Mutant, Reply, Turns, delete, get, mutant, post};

const LOGIN: &str = "auth/approle/login";
const LOOKUP_SELF: &str = "auth/token/lookup-self";
const RENEW_SELF: &str = "auth/token/renew-self";
const UNWRAP: &str = "sys/wrapping/unwrap";
const ISSUE: &str = "pki/issue/*";
const REVOKED: &str = "pki/certs/revoked";
const KV: &str = "kv/data/app";
/// The empty list of an authority that nobody here knows.
const STRANGERS_CRL: &str = "-----BEGIN X509 CRL-----\n\
    MIGvMFYCAQEwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKYSBzdHJhbmdlchcNMjYx\n\
    MTIxMTYyNDUwWhgPMjEyNjEwMjgxNjI0NTBaoA4wDDAKBgNVHRQEAwIBATAKBggq\n\
    hkjOPQQDAgNJADBGAiEA3y2qfgcs7srZdyd4TD5MoXObYPJvKu8PCU0nlnhsMQcC\n\
    IQD+JTywr7xfzX4+DzBbLJO0hIM4opheb02abcx/0rPEXw==\n\
    -----END X509 CRL-----\n";

pub(super) fn mutants() -> Vec<Mutant> {
    [logins(), wrappers(), versions(), certificates(), others()].into_iter().flatten().collect()
}

fn logins() -> Vec<Mutant> {
    vec![
        mutant("a secret_id is good once more than allowed", "APPROLE-01", "accepted")
            .on(post(LOGIN).answered(refused).turns(Turns::Only(0)).rewrite(logged_in))
            .shows_in(&["approle/uses_under_parallel_logins"]),
        mutant("a secret_id is good once less than allowed", "APPROLE-01", "expected success")
            .on(post(LOGIN).turns(Turns::Only(2)).answer(|_| Reply::refusal(400, "invalid role or secret ID")))
            .shows_in(&["approle/uses_one_after_the_other"]),
        mutant("a secret_id that has ended logs in for ever", "APPROLE-02", "done (200)")
            .on(post(LOGIN).answered(refused).rewrite(logged_in))
            .shows_in(&["approle/tidied_by_hand"]),
        mutant("a tidy by hand is refused", "APPROLE-02", "expected success and status 202")
            .on(post("auth/approle/tidy/secret-id").answer(|_| Reply::refusal(400, "tidy is not for you")))
            .shows_in(&["approle/tidied_by_hand"]),
        mutant("a token ends with its secret_id", "APPROLE-03", "refused: permission_denied")
            .on(get(LOOKUP_SELF).answered(done).rewrite(|_, reply| *reply = Reply::refusal(403, "permission denied"))),
        mutant("a role is not locked after five failures", "APPROLE-04", "done (200)")
            .on(post(LOGIN).answered(|reply| reply.status == 403).rewrite(logged_in)),
        mutant("a token of a deleted role is renewed", "APPROLE-05", "done (200)")
            .on(post(RENEW_SELF).answered(refused).rewrite(logged_in)),
        mutant("a secret_id logs in from anywhere", "APPROLE-06", "done (200)")
            .on(post(LOGIN).answered(refused).rewrite(logged_in)),
        mutant("a secret_id outlives what its role allows", "APPROLE-07", "done (200)").on(post(
            "auth/approle/role/app/secret-id",
        )
        .answered(refused)
        .rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "data": { "secret_id": "made up", "secret_id_ttl": 120 } }));
        })),
        mutant("a token that has expired is renewed", "AGENT-02", "done (200)")
            .on(post(RENEW_SELF).answered(|reply| reply.status == 403).rewrite(logged_in)),
    ]
}

fn wrappers() -> Vec<Mutant> {
    vec![
        mutant("a wrapped token unwraps twice", "WRAP-01", "done (200)")
            .on(post(UNWRAP).answered(refused).rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "data": { "data": { "colour": "blue" } } }));
            }))
            .shows_in(&["wrapping/lookup_does_not_use_up"]),
        mutant("a lookup uses a wrapping token up", "WRAP-02", "wrapping token is not valid")
            .on(post("sys/wrapping/lookup").after(Duration::ZERO, |call, _| {
                vec![Deed::Api("POST", UNWRAP.to_owned(), call.body.clone())]
            })),
        mutant("a credential dies with its wrapper", "WRAP-03", "it returned 0")
            .on(get(CREDS).after(Duration::from_secs(2), |_, _| vec![every_user("DROP OWNED BY %1$I; DROP ROLE %1$I")])),
    ]
}

fn versions() -> Vec<Mutant> {
    vec![
        mutant("two writers pass one check-and-set", "KV-01", "accepted").on(post(KV)
            .answered(refused)
            .turns(Turns::Only(0))
            .rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "data": { "version": 1 } }));
            })),
        mutant("a deleted version answers without its metadata", "KV-02", "metadata")
            .on(get(KV).answered(refused).rewrite(nothing_there)),
        mutant("a destroyed version comes back", "KV-03", "done (200)").on(get(KV).answered(refused).rewrite(blue)),
        mutant("the oldest version stays beyond the limit", "KV-04", "done (200)")
            .on(get(KV).when(|call| call.query == "version=1").answered(refused).rewrite(blue)),
        mutant("a version outlives its deadline", "KV-05", "done (200)").on(get(KV).answered(refused).rewrite(blue)),
        mutant("a write that was answered is lost in a kill", "KV-06", "not_found")
            .on(get(KV).answered(done).rewrite(nothing_there)),
    ]
}

fn certificates() -> Vec<Mutant> {
    vec![
        mutant("a leaf outlives its authority", "PKI-01", "done (200)")
            .on(post(ISSUE).answered(refused).rewrite(certificate)),
        mutant("a TTL is cut without a warning", "PKI-02", "expected a warning")
            .on(post(ISSUE).answered(done).rewrite(no_warning)),
        mutant("a leaf lives longer than its role allows", "PKI-02", "it has not ended")
            .on(post(ISSUE)
                .turns(Turns::Only(0))
                .request(|call| call.body = json!({ "common_name": "a.example", "not_after": "2126-01-01T00:00:00Z" })))
            .on(post(ISSUE).turns(Turns::Only(0)).rewrite(|_, reply| {
                reply.body["warnings"] = json!(["TTL was cut, it says"]);
            })),
        mutant("a revoked authority issues", "PKI-10", "done (200)")
            .on(post("pki_int/issue/*").answered(refused).rewrite(certificate))
            .shows_in(&["pki/issuer_revoked"]),
        mutant("every certificate has a lease", "PKI-03", "lease_id")
            .on(post(ISSUE).answered(done).rewrite(|_, reply| reply.body["lease_id"] = json!("pki/issue/web/made-up"))),
        mutant("a CRL misses a certificate", "PKI-04", "data.certificate").on(get("pki/cert/crl").stale()),
        mutant("a CRL that was signed earlier is served for ever", "PKI-04", "by its CRL good")
            .on(get("pki/issuer/default/crl").stale())
            .shows_in(&["pki/crl_and_ocsp_agree"]),
        mutant("OCSP says good of a revoked certificate", "PKI-04", "by OCSP good")
            // Of two certificates that are asked about in turn, the second.
            .on(get("pki/ocsp/*").turns(Turns::Every(2)).stale())
            .shows_in(&["pki/crl_and_ocsp_agree"]),
        mutant("a CRL of another authority is served", "PKI-04", "by its CRL not_signed")
            .on(get("pki/issuer/default/crl").rewrite(|_, reply| reply.body["data"]["crl"] = json!(STRANGERS_CRL)))
            .shows_in(&["pki/crl_and_ocsp_agree"]),
        mutant("a revoked certificate is not listed", "PKI-04", "data.keys").on(get(REVOKED).rewrite(nobody)),
        mutant("a lease's revocation leaves its certificate good", "PKI-05", "data.keys")
            .on(get(REVOKED).rewrite(nobody)),
        mutant("an expired certificate is revoked without a word", "PKI-06", "expected a warning")
            .on(post("pki/revoke").rewrite(no_warning)),
        mutant("a certificate is stored though it is not to be", "PKI-07", "done (200)")
            .on(get("pki/cert/*").answered(refused).rewrite(certificate)),
        mutant("a CRL may be rebuilt after it has ended", "PKI-08", "done (204)")
            .on(post("pki/config/crl").answered(refused).rewrite(no_content)),
        mutant("a new root is the default at once", "PKI-09", "data.issuer_id").on(get("pki/issuer/default")
            .turns(Turns::Only(1))
            .rewrite(|_, reply| {
                reply.body["data"]["issuer_id"] = json!("another");
            })),
        mutant("an issuer issues that may not", "PKI-10", "done (200)")
            .on(post(ISSUE).answered(refused).rewrite(certificate)),
        mutant("revoked certificates go with their issuer", "PKI-11", "data.keys").on(get(REVOKED).rewrite(nobody)),
        mutant("nobody reads a CRL without a token", "PKI-12", "permission_denied")
            .on(get("pki/cert/ca").answer(|_| Reply::refusal(403, "permission denied"))),
    ]
}

fn others() -> Vec<Mutant> {
    vec![
        mutant("an audit device that leads nowhere is enabled", "AUDIT-06", "done (204)")
            .on(post("sys/audit/nowhere").answered(refused).rewrite(no_content)),
        mutant("a quota lets one more through", "QUOTA-01", "accepted")
            .on(get(KV).answered(|reply| reply.status == 429).turns(Turns::Only(0)).rewrite(blue)),
        mutant("a one-time password verifies twice", "SSH-01", "accepted").on(post("ssh/verify")
            .answered(refused)
            .turns(Turns::Only(0))
            .rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "data": { "username": "ubuntu", "ip": "10.1.2.3" } }));
            })),
        mutant("a key is signed for too long", "SSH-02", "done (200)")
            .on(post("ssh/sign/ca").answered(refused).rewrite(certificate)),
        mutant("a one-time code validates twice", "TOTP-01", "accepted").on(post("totp/code/app")
            .answered(refused)
            .rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "data": { "valid": true } }));
            })),
        mutant("what is below the minimum version is decrypted", "TRANSIT-01", "done (200)").on(post(
            "transit/decrypt/app",
        )
        .answered(refused)
        .rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "data": { "plaintext": "aGVsbG8=" } }));
        })),
        mutant("a key is deleted that may not be", "TRANSIT-02", "done (204)")
            .on(delete("transit/keys/app").answered(refused).rewrite(no_content)),
    ]
}

fn logged_in(_: &Call, reply: &mut Reply) {
    let auth = json!({ "client_token": "made up", "accessor": "made up", "lease_duration": 60, "renewable": true });
    *reply = Reply::with(200, json!({ "auth": auth }));
}

fn nothing_there(_: &Call, reply: &mut Reply) {
    *reply = Reply::with(404, json!({ "errors": [] }));
}

fn blue(_: &Call, reply: &mut Reply) {
    let data = json!({ "data": { "colour": "blue" }, "metadata": { "version": 1 } });
    *reply = Reply::with(200, json!({ "data": data }));
}

fn certificate(_: &Call, reply: &mut Reply) {
    *reply =
        Reply::with(200, json!({ "data": { "certificate": "made up", "expiration": 1, "signed_key": "made up" } }));
}

/// An empty list, as if nothing had been revoked.
fn nobody(_: &Call, reply: &mut Reply) {
    *reply = Reply::with(200, json!({ "data": { "keys": Value::Array(Vec::new()) } }));
}
