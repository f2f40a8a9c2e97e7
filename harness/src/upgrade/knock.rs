//! Trying operations on a server that is there for nothing else. A description says too much where an operation is one of a
//! paid edition, and too little where one is served that it leaves out.

use serde_json::json;

use crate::outcome::{Cause, Outcome, Refusal};
use crate::scenario::file::Method;
use crate::service::vault::{BRIEF, Vault};

/// How a server takes an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It knows no such thing.
    Absent,
    /// It knows of it, and says that another edition has it.
    OtherEdition,
    /// It does it, or says what is wrong with the request.
    Served,
}

/// What HashiCorp Vault's free edition says of what it describes and has not.
const OTHER_EDITION: &str = "enterprise-only feature";
/// What both products say of what they do not know.
const UNKNOWN: [&str; 3] = ["unsupported path", "unsupported operation", "no handler for route"];

/// Tries an operation (`POST /pki/issue/{role}`) with nothing in it. `None`: it cannot be tried, or nobody can say.
pub(super) async fn knock(vault: &Vault, operation: &str) -> Option<Standing> {
    let (method, path) = operation.split_once(' ')?;
    let path = filled(path.trim_start_matches('/'));
    let methods: &[Method] = match method {
        // A list is described as a read.
        "GET" => &[Method::Get, Method::List],
        "POST" => &[Method::Post],
        "DELETE" => &[Method::Delete],
        // A patch is refused for its content type before anybody looks for its path.
        _ => return None,
    };
    let mut best = None;
    for method in methods {
        let body = (*method == Method::Post).then(|| json!({}));
        let outcome = vault.within(BRIEF).call(*method, &path, body).await.outcome;
        best = best.max(Some(standing(&outcome)?));
    }
    best
}

/// A path with a name in the place of each parameter.
fn filled(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "x" } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn standing<T>(outcome: &Outcome<T>) -> Option<Standing> {
    let Refusal { cause, message, .. } = match outcome {
        Outcome::Ok(_) => return Some(Standing::Served),
        Outcome::Refused(refusal) => refusal,
        // An answer that is no JSON, or none.
        Outcome::Unknown(_) => return None,
    };
    if message.contains(OTHER_EDITION) {
        return Some(Standing::OtherEdition);
    }
    if UNKNOWN.iter().any(|text| message.contains(text)) {
        return Some(Standing::Absent);
    }
    match cause {
        Cause::NotFound | Cause::InvalidRequest => Some(Standing::Served),
        // A sealed server, a failure within: that says nothing of the operation.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(Cause::NotFound, "1 error occurred:\n\t* unsupported path\n\n", Some(Standing::Absent))]
    #[case(Cause::InvalidRequest, "1 error occurred:\n\t* unsupported operation\n\n", Some(Standing::Absent))]
    #[case(Cause::NotFound, "enterprise-only feature", Some(Standing::OtherEdition))]
    #[case(Cause::NotFound, "", Some(Standing::Served))]
    #[case(Cause::InvalidRequest, "lease_id must be specified", Some(Standing::Served))]
    #[case(Cause::Sealed, "Vault is sealed", None)]
    #[case(Cause::Internal, "namespace doesn't exist", None)]
    #[case(Cause::PermissionDenied, "permission denied", None)]
    fn an_answer_says_whether_an_operation_is_there(
        #[case] cause: Cause,
        #[case] message: &str,
        #[case] is: Option<Standing>,
    ) {
        let refusal = Refusal { cause, code: String::new(), message: message.to_owned(), target_code: None };
        assert_eq!(standing::<()>(&Outcome::Refused(refusal)), is);
    }

    #[test]
    fn parameters_of_a_path_get_a_name() {
        assert_eq!(filled("sys/managed-keys/{type}/{name}/test/sign"), "sys/managed-keys/x/x/test/sign");
    }
}
