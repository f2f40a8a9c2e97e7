//! Mutants of the AWS engine: some stand before Vault, some between Vault and AWS.

use serde_json::json;

use super::{RENEW, REVOKE, done, no_content, refused, renewed};
use crate::mutant::{Mutant, Reply, Turns, aws, aws_done, get, mutant, post};

const CREDS: &str = "aws/creds/*";
const STATIC: &str = "aws/static-creds/*";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("a revoke answers 204 and leaves the access key", "AWS-01", "the login was accepted")
            .on(post(REVOKE).answer(|_| Reply::empty(204)))
            .shows_in(&["aws/iam_user"]),
        mutant("AWS says that it has deleted and has not", "AWS-01", "the login was accepted")
            .on(aws("DeleteAccessKey").answer(aws_done))
            .on(aws("DeleteUser").answer(aws_done))
            .shows_in(&["aws/iam_user"]),
        mutant("an AWS lease cannot be renewed while AWS hangs", "AWS-02", "refused: lease_not_found")
            .on(post(RENEW).answered(done).rewrite(|_, reply| *reply = Reply::refusal(400, "lease not found")))
            .shows_in(&["aws/renewal_in_an_outage"]),
        mutant("an AWS lease is renewed beyond its maximum", "AWS-02", "not 3600s")
            .on(post(RENEW).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(3600)))
            .shows_in(&["aws/renewal_in_an_outage"]),
        mutant("a revoke answers 204 while AWS is away", "AWS-03", "expected a refusal and status 400, but done (204)")
            .on(post(REVOKE).answered(refused).rewrite(no_content))
            .shows_in(&["aws/revoke_in_an_outage"]),
        mutant("a session's lease is said to be renewable", "AWS-04", "renewable")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["renewable"] = json!(true)))
            .shows_in(&["aws/assumed_role"]),
        mutant("a session's lease is renewed", "AWS-04", "expected a refusal and status 400, but done (200)")
            .on(post(RENEW).answered(refused).rewrite(renewed))
            .shows_in(&["aws/assumed_role"]),
        mutant("the lease of a session cannot be revoked", "AWS-05", "the lease is there")
            .on(post(REVOKE).answer(|_| Reply::empty(204)))
            .shows_in(&["aws/assumed_role"]),
        mutant("a session outlives its role's maximum", "AWS-06", "7200s")
            .on(get(CREDS).answered(done).rewrite(|_, reply| reply.body["lease_duration"] = json!(7200))),
        mutant("rotate-root keeps the old key", "AWS-07", "LimitExceeded")
            .on(aws("DeleteAccessKey").turns(Turns::Only(0)).answer(aws_done))
            .shows_in(&["aws/rotate_root"]),
        mutant(
            "rotate-root without room for a second key answers 200",
            "AWS-07",
            "expected a refusal and status 500, but done (200)",
        )
        .on(post("aws/config/rotate-root").answered(refused).rewrite(|_, reply| {
            *reply = Reply::with(200, json!({ "data": { "access_key": "AKIAIOSFODNN7EXAMPLE" } }));
        }))
        .shows_in(&["aws/two_keys"]),
        mutant("a wrong root key is refused at once", "AWS-08", "status 204, but refused")
            .on(post("aws/config/root").answer(|_| Reply::refusal(400, "the key is not valid")))
            .shows_in(&["aws/root_not_verified"]),
        mutant(
            "a user deleted by hand is taken for revoked at once",
            "AWS-09",
            "expected a refusal and status 400, but done (204)",
        )
        .on(post(REVOKE).answered(refused).rewrite(no_content)),
        mutant("a user that AWS failed to finish has a lease", "AWS-10", "1 lease").on(get("sys/leases/lookup/*")
            .answer(|_| Reply::with(200, json!({ "data": { "keys": ["left-behind"] } })))),
        mutant("a user that AWS failed to finish is gone at once", "AWS-10", "0 users agree")
            .on(aws("CreateUser").turns(Turns::Only(0)).answer(|_| denied()))
            .shows_in(&["aws/half_made_user"]),
        mutant("a static role takes a period below a minute", "AWS-11", "done (204)")
            .on(post("aws/static-roles/hasty").answered(refused).rewrite(no_content))
            .shows_in(&["aws/static_role"]),
        mutant("an expired AWS lease leaves its user", "AWS-01", "the login was accepted")
            .on(aws("DeleteAccessKey").answer(aws_done))
            .on(aws("DeleteUser").answer(aws_done))
            .shows_in(&["aws/expiry"]),
        mutant(
            "whoever leads next answers a key that AWS does not know",
            "AWS-12",
            "another password than first or its password is refused",
        )
        .on(get(STATIC).turns(Turns::From(2)).rewrite(|_, reply| {
            reply.body["data"]["access_key"] = json!("AKIAIOSFODNN7EXAMPLE");
            reply.body["data"]["secret_key"] = json!("no key of anybody");
        }))
        .shows_in(&["aws/static_rotation_over_leader_loss"]),
        mutant("whoever leads next rotates no key", "AWS-12", "was not known to deviate from AWS-12")
            .on(get(STATIC).stale())
            .shows_in(&["aws/static_rotation_over_leader_loss"])
            .on_hashicorp(),
    ]
}

/// AWS fails before anything is made.
fn denied() -> Reply {
    let why = "<ErrorResponse><Error><Type>Receiver</Type><Code>ServiceUnavailable</Code><Message>not now</Message></Error>\
               <RequestId>mutant</RequestId></ErrorResponse>";
    Reply { status: 503, raw: why.into(), ..Reply::empty(503) }
}
