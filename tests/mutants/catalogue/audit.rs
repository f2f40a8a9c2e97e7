//! Mutants of audit devices. What a device has taken is read where it lies, so a mutant forges it there.

use std::io::Write as _;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use leaseproof_harness::scenario::file::Method;
use serde_json::{Value, json};

use super::{CREDS, issued, no_content, refused};
use crate::mutant::{Call, Deed, Mutant, Reply, Turns, get, mutant, nothing, post};
use crate::planted::Backdoor;

const HEALTH: &str = "sys/health";

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant("secrets stand in clear in an audit log", "AUDIT-01", "hold a secret in clear")
            .on(post("sys/leases/renew").turns(Turns::Only(0)).instead(in_clear))
            .shows_in(&["audit/every_request_makes_two_entries"]),
        mutant("a request has no entry of its response", "AUDIT-01", "have no response")
            .on(get(CREDS).turns(Turns::Only(0)).instead(|backdoor, call| {
                forge(backdoor, call, json!({ "type": "request", "request": { "id": "made up", "path": "made/up" } }))
            }))
            .shows_in(&["audit/every_request_makes_two_entries"]),
        mutant("the HMAC of a password is another", "AUDIT-01", "the HMAC stands nowhere")
            .on(post("sys/audit-hash/log").rewrite(|_, reply| reply.body["data"]["hash"] = json!("hmac-sha256:00")))
            .shows_in(&["audit/every_request_makes_two_entries"]),
        mutant("one device that fails stops everything", "AUDIT-02", "expected success")
            .on(get(CREDS).answer(|_| Reply::refusal(500, "internal error")))
            .shows_in(&["audit/one_of_two_is_enough"]),
        mutant("a request is served that no device takes", "AUDIT-03", "expected status 500, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued))
            .shows_in(&["audit/disk_full"]),
        mutant("a server seals that no device takes anything of", "AUDIT-03", "expected status 500, but done (204)")
            .on(post("sys/seal").answered(refused).rewrite(no_content))
            .shows_in(&["audit/disk_full"]),
        mutant("nothing is revoked while no device takes anything", "AUDIT-04", "the login was accepted")
            .statement("DROP ROLE", nothing)
            .shows_in(&["audit/disk_full"]),
        mutant("a server whose device was full stays silent", "AUDIT-05", "expected success")
            .on(get(CREDS).turns(Turns::From(2)).answer(|_| Reply::refusal(500, "internal error")))
            .shows_in(&["audit/disk_full"]),
        mutant("a look at the health is audited", "AUDIT-07", "such entries")
            .on(get(CREDS).turns(Turns::Only(0)).instead(|backdoor, call| {
                forge(backdoor, call, json!({ "type": "response", "request": { "id": "made up", "path": HEALTH } }))
            }))
            .shows_in(&["audit/every_request_makes_two_entries"]),
        mutant("the end of a lease is audited", "AUDIT-01", "such entries")
            .on(get(CREDS).turns(Turns::Only(0)).instead(|backdoor, call| {
                let request = json!({ "id": "made up", "path": "database/creds/app", "operation": "revoke" });
                forge(backdoor, call, json!({ "type": "response", "request": request }))
            }))
            .shows_in(&["audit/expiry_leaves_no_entry"]),
        mutant("a request is served whose file is in the way", "AUDIT-03", "expected status 500, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued))
            .shows_in(&["audit/path_that_cannot_be_written"]),
        mutant("a login is undone whose response cannot be audited", "APPROLE-01", "done (200)")
            .on(post("auth/approle/login").turns(Turns::Only(1)).rewrite(|_, reply| {
                *reply = Reply::with(200, json!({ "auth": { "client_token": "made up", "lease_duration": 60 } }));
            }))
            .shows_in(&["audit/response_that_cannot_be_audited"]),
        mutant("a leader that cannot audit serves", "AUDIT-03", "expected status 500, but done (200)")
            .on(get(CREDS).answered(refused).rewrite(issued))
            .shows_in(&["audit/full_disk_at_the_leader"]),
        mutant("a device that is disabled takes requests with it", "AUDIT-02", "expected success")
            .on(get(CREDS).turns(Turns::From(1)).answer(|_| Reply::refusal(500, "internal error")))
            .shows_in(&["audit/disabled_while_requests_go_on"]),
        mutant("failures of audit devices are not counted", "METRIC-02", "it is 0")
            .on(get("sys/metrics").rewrite(|_, reply| super::hide(reply, "vault_audit_log_request_failure")))
            .shows_in(&["audit/disk_full"]),
    ]
}

/// The file that the device `log` writes to.
async fn file(backdoor: &Backdoor) -> String {
    let seen = backdoor.root().call(Method::Get, "sys/audit", None).await.outcome;
    let body = seen.ok().map(|reply| reply.body.clone()).unwrap_or_default();
    body["data"]["log/"]["options"]["file_path"].as_str().unwrap_or_default().to_owned()
}

/// Has the device write everything as it is from now on.
fn in_clear(backdoor: Arc<Backdoor>, call: Call) -> BoxFuture<'static, Reply> {
    async move {
        let options = json!({ "file_path": file(&backdoor).await, "log_raw": "true" });
        let path = || "sys/audit/log".to_owned();
        backdoor.act(vec![Deed::Api("DELETE", path(), Value::Null)]).await;
        backdoor.act(vec![Deed::Api("POST", path(), json!({ "type": "file", "options": options }))]).await;
        passed_on(&backdoor, call).await
    }
    .boxed()
}

/// Appends an entry to the file.
fn forge(backdoor: Arc<Backdoor>, call: Call, mut entry: Value) -> BoxFuture<'static, Reply> {
    async move {
        entry["time"] = json!("2000-01-01T00:00:00Z");
        let line = entry.to_string();
        // Entries are found by how they begin.
        let line = format!("{{\"time\":\"2000-01-01T00:00:00Z\",{}\n", line.trim_start_matches('{'));
        if let Ok(mut file) = std::fs::OpenOptions::new().append(true).open(file(&backdoor).await) {
            // What does not succeed shows as a mutant that survives.
            let _ = file.write_all(line.as_bytes());
        }
        passed_on(&backdoor, call).await
    }
    .boxed()
}

/// The real answer.
async fn passed_on(backdoor: &Backdoor, call: Call) -> Reply {
    let method = if call.method == "GET" { Method::Get } else { Method::Post };
    let body = (!call.body.is_null()).then_some(call.body);
    let answer = backdoor.root().answer(method, &call.path, body).await.outcome;
    answer.ok().map_or_else(
        || Reply::refusal(502, "nobody answered"),
        |answer| Reply::with(answer.status, answer.body.clone()),
    )
}
