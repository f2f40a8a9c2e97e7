//! What AWS's refusals mean, by its own codes.
//! Source: docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

use super::Answer;
use crate::outcome::{Cause, Outcome, Refusal};

/// What an answer comes to.
pub(super) fn outcome(status: u16, answer: Answer) -> Outcome<Answer> {
    if (200..300).contains(&status) {
        return Outcome::Ok(answer);
    }
    let (code, message) = (answer.text("Code"), answer.text("Message"));
    let cause = cause(status, &code);
    let code = if code.is_empty() { status.to_string() } else { code };
    Outcome::Refused(Refusal { cause, code, message, target_code: None })
}

fn cause(status: u16, code: &str) -> Cause {
    match code {
        "InvalidClientTokenId"
        | "SignatureDoesNotMatch"
        | "ExpiredToken"
        | "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "AuthFailure" => Cause::Authentication,
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Cause::Privilege,
        "NoSuchEntity" => Cause::NotFound,
        "LimitExceeded" | "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => Cause::RateLimited,
        _ if status >= 500 => Cause::Unavailable,
        _ => Cause::InvalidRequest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statuses and bodies as Moto and LocalStack answered them.
    const SEEN: [(u16, &str, Cause, &str); 6] = [
        (
            403,
            "<ErrorResponse><Errors><Error><Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message></Error></Errors></ErrorResponse>",
            Cause::Authentication,
            "InvalidClientTokenId",
        ),
        (
            403,
            "<E><Code>SignatureDoesNotMatch</Code><Message>x</Message></E>",
            Cause::Authentication,
            "SignatureDoesNotMatch",
        ),
        (403, "<E><Code>AccessDenied</Code><Message>x</Message></E>", Cause::Privilege, "AccessDenied"),
        (404, "<E><Code>NoSuchEntity</Code><Message>x</Message></E>", Cause::NotFound, "NoSuchEntity"),
        (409, "<E><Code>LimitExceeded</Code><Message>x</Message></E>", Cause::RateLimited, "LimitExceeded"),
        (503, "", Cause::Unavailable, "503"),
    ];

    #[test]
    fn every_refusal_has_its_cause() {
        for (status, body, cause, code) in SEEN {
            let outcome = outcome(status, Answer::new(body.to_owned()));
            let refusal = outcome.refusal().unwrap();
            assert_eq!((refusal.cause, refusal.code.as_str()), (cause, code), "{status} {body}");
        }
    }

    #[test]
    fn a_server_that_throttles_or_fails_says_nothing_of_a_key() {
        for (status, code) in [(400, "Throttling"), (500, "InternalFailure"), (503, "")] {
            assert!(!matches!(cause(status, code), Cause::Authentication | Cause::Privilege), "{status} {code}");
        }
    }
}
