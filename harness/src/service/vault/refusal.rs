//! What Vault's refusals mean. OpenBao and HashiCorp Vault use the same statuses and texts, but unevenly: a failed `creds`
//! is 500 and a failed renewal 400, so the status alone says little.

use crate::outcome::{Cause, Refusal};

/// Texts that mean one thing wherever they stand, in the order in which they are looked for.
const BY_TEXT: [(&str, Cause); 21] = [
    ("vault is sealed", Cause::Sealed),
    ("is sealed", Cause::Sealed),
    ("failed previous revocation", Cause::Irrevocable),
    ("invalid lease", Cause::InvalidLease),
    ("lease not found", Cause::LeaseNotFound),
    ("lease is not renewable", Cause::NotRenewable),
    ("tokens cannot be renewed", Cause::NotRenewable),
    ("past the max ttl", Cause::PastMaxTtl),
    ("lease expired", Cause::LeaseExpired),
    ("lease is expired", Cause::LeaseExpired),
    ("is not an allowed role", Cause::NotAllowedRole),
    ("could not find role", Cause::UnknownRole),
    ("unknown role", Cause::UnknownRole),
    ("no static role with name", Cause::UnknownRole),
    ("failed to find entry for connection", Cause::UnknownRole),
    ("route entry is tainted", Cause::Tainted),
    ("tainted", Cause::Tainted),
    ("rate limit quota exceeded", Cause::RateLimited),
    ("lease count quota exceeded", Cause::RateLimited),
    ("unsupported path", Cause::NotFound),
    ("no handler for route", Cause::NotFound),
];

/// Texts of the Go runtime and the database drivers for a target that cannot be reached.
const UNREACHABLE: [&str; 10] = [
    "connection refused",
    "connection reset by peer",
    "broken pipe",
    "no route to host",
    "unexpected eof",
    "conn closed",
    "driver: bad connection",
    "invalid connection",
    "use of closed network connection",
    "error=eof",
];

/// Texts for a target that keeps silent until Vault gives up.
const SILENT: [&str; 4] = ["context canceled", "context deadline exceeded", "i/o timeout", "timeout: context"];

/// Gives an answer that is not 2xx its cause.
pub fn refusal(status: u16, errors: &[String]) -> Refusal {
    let message = errors.join("; ");
    let text = message.to_lowercase();
    let target_code = target_code(&message);
    Refusal { cause: cause(status, &text, target_code.is_some()), code: status.to_string(), message, target_code }
}

fn cause(status: u16, text: &str, target_answered: bool) -> Cause {
    if status == 403 {
        return Cause::PermissionDenied;
    }
    if let Some((_, cause)) = BY_TEXT.iter().find(|(part, _)| text.contains(part)) {
        return *cause;
    }
    if target_answered {
        return Cause::TargetRefused;
    }
    if UNREACHABLE.iter().any(|part| text.contains(part))
        || (text.contains("failed to connect") && text.ends_with("eof"))
    {
        return Cause::TargetUnreachable;
    }
    if SILENT.iter().any(|part| text.contains(part)) {
        return Cause::TargetSilent;
    }
    match status {
        // 307: a standby that cannot hand on what it is asked, as when the leader is just lost, names another node.
        307 | 429 | 473 => Cause::Standby,
        404 => Cause::NotFound,
        503 => Cause::Sealed,
        500.. => Cause::Internal,
        _ => Cause::InvalidRequest,
    }
}

/// The code that a target gave and Vault passed on: `(SQLSTATE 28P01)` from PostgreSQL, `Error 1045 (28000)` from MySQL,
/// `NoSuchEntity: …` with `status code: 404` from AWS.
fn target_code(message: &str) -> Option<String> {
    if let Some(code) = aws_code(message) {
        return Some(code);
    }
    if let Some((_, after)) = message.rsplit_once("SQLSTATE ") {
        let code: String = after.chars().take_while(char::is_ascii_alphanumeric).collect();
        return (code.len() == 5).then_some(code);
    }
    let (_, after) = message.split_once("Error ")?;
    let code: String = after.chars().take_while(char::is_ascii_digit).collect();
    (code.len() == 4).then_some(code)
}

/// AWS's code, as its SDK writes it: the first word that stands alone between colons before `status code: 404, request id`.
/// Moto names no code where it refuses a key; then it is the HTTP status.
fn aws_code(message: &str) -> Option<String> {
    let (before, after) = message.rsplit_once("status code: ")?;
    let status: String = after.chars().take_while(char::is_ascii_digit).collect();
    if status.len() != 3 || !after.contains("request id") {
        return None;
    }
    let is_code = |part: &&str| {
        part.starts_with(|c: char| c.is_ascii_uppercase()) && part.chars().all(|c| c.is_ascii_alphanumeric())
    };
    let code = before.split(": ").map(str::trim).find(is_code);
    Some(code.map_or(status, str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses and texts as real servers answered them.
    const SEEN: [(u16, &str, Cause, Option<&str>); 21] = [
        (503, "Vault is sealed", Cause::Sealed, None),
        (403, "permission denied", Cause::PermissionDenied, None),
        (403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n", Cause::PermissionDenied, None),
        (400, "invalid lease", Cause::InvalidLease, None),
        (400, "lease not found", Cause::LeaseNotFound, None),
        (400, "lease expired", Cause::LeaseExpired, None),
        (400, "lease is expired and has failed previous revocation attempts", Cause::Irrevocable, None),
        (400, "past the max TTL, cannot renew", Cause::PastMaxTtl, None),
        (400, "unknown role: nope", Cause::UnknownRole, None),
        (500, "\"x\" is not an allowed role", Cause::NotAllowedRole, None),
        (404, "unsupported path", Cause::NotFound, None),
        (429, "request path \"x\": rate limit quota exceeded", Cause::RateLimited, None),
        (
            500,
            "1 error occurred:\n\t* failed to connect to `user=vault_root`: failed SASL auth: FATAL: password authentication failed for user \"vault_root\" (SQLSTATE 28P01)",
            Cause::TargetRefused,
            Some("28P01"),
        ),
        (400, "failed to revoke: Error 1045 (28000): Access denied for user", Cause::TargetRefused, Some("1045")),
        (
            500,
            "1 error occurred:\n\t* failed to connect: dial tcp 127.0.0.1:5432: connect: connection refused",
            Cause::TargetUnreachable,
            None,
        ),
        (500, "1 error occurred:\n\t* context canceled", Cause::TargetSilent, None),
        // MySQL's driver, of a pooled connection whose server went away.
        (
            400,
            "failed to revoke entry: resp: (*logical.Response)(nil) err: invalid connection",
            Cause::TargetUnreachable,
            None,
        ),
        (
            500,
            "1 error occurred:\n\t* error calling CreateAccessKey: LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2\n\tstatus code: 409, request id: x\n\n",
            Cause::TargetRefused,
            Some("LimitExceeded"),
        ),
        (
            400,
            "failed to revoke entry: resp: (*logical.Response)(nil) err: NoSuchEntity: The user with name v cannot be found.\n\tstatus code: 404, request id: x",
            Cause::TargetRefused,
            Some("NoSuchEntity"),
        ),
        (400, "Error creating IAM user: : \n\tstatus code: 403, request id: x", Cause::TargetRefused, Some("403")),
        (
            400,
            "Error creating IAM user: RequestError: send request failed\ncaused by: Post \"http://127.0.0.1:1/\": dial tcp 127.0.0.1:1: connect: connection refused",
            Cause::TargetUnreachable,
            None,
        ),
    ];

    #[test]
    fn every_refusal_that_real_servers_gave_has_its_cause() {
        for (status, text, cause, code) in SEEN {
            let refusal = refusal(status, &[text.to_owned()]);
            assert_eq!(refusal.cause, cause, "{status} {text}");
            assert_eq!(refusal.target_code.as_deref(), code, "{status} {text}");
        }
    }

    #[test]
    fn an_unreachable_target_is_never_taken_for_one_that_refuses() {
        let refusal = refusal(400, &["failed to revoke: dial tcp 127.0.0.1:1: connect: connection refused".to_owned()]);
        assert_ne!(refusal.cause, Cause::TargetRefused);
    }
}
