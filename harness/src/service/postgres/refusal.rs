//! What PostgreSQL's refusals mean, by SQLSTATE. Source: postgresql.org/docs/current/errcodes-appendix.html

use std::io;

use tokio_postgres::error::SqlState;

use crate::outcome::{Cause, Outcome, Refusal, Silence, Unknown};

/// What an error of the driver means: an answer of the server, or silence.
pub fn outcome<T>(error: &tokio_postgres::Error) -> Outcome<T> {
    match error.as_db_error() {
        Some(answer) => Outcome::Refused(Refusal {
            cause: cause(answer.code(), answer.message()),
            code: answer.code().code().to_owned(),
            message: answer.message().to_owned(),
            target_code: None,
        }),
        None => Outcome::Unknown(silence(error)),
    }
}

fn cause(code: &SqlState, message: &str) -> Cause {
    match code.code() {
        "28P01" | "28000" => Cause::Authentication,
        "42501" => Cause::Privilege,
        "42704" => Cause::RoleGone,
        "22023" if message.contains("invalid role OID") => Cause::RoleGone,
        "53300" => Cause::TooManyConnections,
        "57P01" | "57P02" | "57P03" | "57P05" => Cause::Unavailable,
        _ => Cause::Statement,
    }
}

fn silence(error: &tokio_postgres::Error) -> Unknown {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind);
    let why = match kind {
        Some(io::ErrorKind::ConnectionRefused | io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            Silence::Unreachable
        }
        _ => Silence::Lost,
    };
    let detail = if error.is_closed() { "the connection was closed".to_owned() } else { innermost.to_string() };
    Unknown { why, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_is_shutting_down_says_nothing_of_a_credential() {
        for code in ["57P01", "57P03"] {
            assert_eq!(cause(&SqlState::from_code(code), ""), Cause::Unavailable);
        }
        assert_eq!(cause(&SqlState::from_code("28P01"), ""), Cause::Authentication);
        assert_eq!(cause(&SqlState::from_code("22023"), "invalid role OID: 5"), Cause::RoleGone);
        assert_eq!(cause(&SqlState::from_code("2BP01"), ""), Cause::Statement);
    }
}
