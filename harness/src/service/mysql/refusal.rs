//! What the refusals of MySQL and MariaDB mean, by error code and SQLSTATE.
//! Sources: dev.mysql.com/doc/mysql-errors/en/server-error-reference.html, mariadb.com/kb/en/mariadb-error-code-reference

use std::io;

use mysql_async::{DriverError, Error, IoError};

use crate::outcome::{Cause, Outcome, Refusal, Silence, Unknown};

/// What an error of the driver means: an answer of the server, or silence.
pub(super) fn outcome<T>(error: &Error) -> Outcome<T> {
    match error {
        Error::Server(answer) => Outcome::Refused(Refusal {
            cause: cause(answer.code, &answer.state),
            code: format!("{}/{}", answer.code, answer.state),
            message: answer.message.clone(),
            target_code: None,
        }),
        _ => Outcome::Unknown(silence(error)),
    }
}

/// Codes come first: MySQL gives many unlike refusals the general SQLSTATEs HY000 and 42000.
fn cause(code: u16, state: &str) -> Cause {
    match code {
        // Access denied; no account for this host; password expired; account locked (MySQL, MariaDB).
        1045 | 1130 | 1698 | 1862 | 3118 | 4151 => Cause::Authentication,
        // Denied to a database, a table, a column, a routine; a global privilege is missing; no right to make users.
        1044 | 1142 | 1143 | 1227 | 1370 | 1410 => Cause::Privilege,
        // All connections taken; a user's own limit reached.
        1040 | 1203 | 1226 => Cause::TooManyConnections,
        // Shutting down; the session was killed; the server serves reads only.
        1053 | 1077 | 1079 | 1290 | 1317 | 1836 | 1927 | 3168 | 3169 => Cause::Unavailable,
        _ => match state {
            "28000" => Cause::Authentication,
            "08004" => Cause::TooManyConnections,
            "08S01" | "70100" => Cause::Unavailable,
            _ => Cause::Statement,
        },
    }
}

fn silence(error: &Error) -> Unknown {
    let (why, detail) = match error {
        Error::Io(IoError::Io(error)) => {
            let why = match error.kind() {
                io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable => Silence::Unreachable,
                _ => Silence::Lost,
            };
            (why, error.to_string())
        }
        Error::Driver(DriverError::ConnectionClosed) => (Silence::Lost, "the connection was closed".to_owned()),
        other => (Silence::Lost, other.to_string()),
    };
    Unknown { why, detail }
}

#[cfg(test)]
mod tests {
    use mysql_async::ServerError;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(1045, "28000", Cause::Authentication)]
    #[case(4151, "HY000", Cause::Authentication)]
    #[case(3118, "HY000", Cause::Authentication)]
    #[case(1142, "42000", Cause::Privilege)]
    #[case(1044, "42000", Cause::Privilege)]
    #[case(1227, "42000", Cause::Privilege)]
    #[case(1064, "42000", Cause::Statement)]
    #[case(1269, "HY000", Cause::Statement)]
    #[case(1396, "HY000", Cause::Statement)]
    #[case(1040, "08004", Cause::TooManyConnections)]
    #[case(1203, "42000", Cause::TooManyConnections)]
    #[case(1226, "42000", Cause::TooManyConnections)]
    #[case(1290, "HY000", Cause::Unavailable)]
    #[case(1053, "08S01", Cause::Unavailable)]
    #[case(1927, "70100", Cause::Unavailable)]
    fn a_refusal_has_the_cause_of_its_code(#[case] code: u16, #[case] state: &str, #[case] expected: Cause) {
        assert_eq!(cause(code, state), expected);
    }

    #[test]
    fn an_answer_of_the_server_is_told_with_code_and_sqlstate() {
        let answer = ServerError { code: 1045, message: "Access denied".to_owned(), state: "28000".to_owned() };
        let Outcome::Refused(refusal) = outcome::<()>(&Error::Server(answer)) else { panic!("it is an answer") };
        assert_eq!((refusal.cause, refusal.code.as_str()), (Cause::Authentication, "1045/28000"));
    }

    #[test]
    fn a_connection_that_fails_is_no_refusal() {
        let lost = |kind: io::ErrorKind| outcome::<()>(&Error::Io(IoError::Io(kind.into())));
        let why = |outcome| match outcome {
            Outcome::Unknown(unknown) => unknown.why,
            other => panic!("{other}"),
        };
        assert_eq!(why(lost(io::ErrorKind::ConnectionRefused)), Silence::Unreachable);
        assert_eq!(why(lost(io::ErrorKind::ConnectionReset)), Silence::Lost);
        assert_eq!(why(outcome::<()>(&Error::Driver(DriverError::ConnectionClosed))), Silence::Lost);
    }
}
