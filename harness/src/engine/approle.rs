//! AppRole, as clients log in: one role and one policy for each client.
//! Source: developer.hashicorp.com/vault/api-docs/auth/approle

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::database::seconds;
use super::{SetupError, must};
use crate::event::Reply;
use crate::outcome::Outcome;
use crate::scenario::file::{ConsumerAuth, Method};
use crate::scenario::mark::Marked;
use crate::scenario::word::{Name, Ref};
use crate::scenario::{Client, Consumer};
use crate::secret::Secret;
use crate::service::Seen;
use crate::service::vault::Vault;
use crate::service::vault::api::NewToken;

/// What a client logs in with.
#[derive(Debug, Clone)]
pub struct AppRole {
    role_id: Secret,
    secret_id: Secret,
}

impl AppRole {
    /// Its role ID.
    pub fn role_id(&self) -> &Secret {
        &self.role_id
    }

    /// Its secret ID.
    pub fn secret_id(&self) -> &Secret {
        &self.secret_id
    }
}

/// What a consumer is given to authenticate with.
#[derive(Debug, Clone)]
pub enum Given {
    /// An AppRole of its own.
    AppRole(AppRole),
    /// A token.
    Token(Secret),
}

/// Where AppRole is mounted.
pub const PATH: &str = "auth/approle";

/// Mounts AppRole, once for all clients.
pub async fn mount(vault: &Vault) -> Result<(), SetupError> {
    let body = json!({ "type": "approle" });
    must("sys/auth/approle", vault.act(Method::Post, "sys/auth/approle", Some(body)).await)
}

/// The name of a client's policy.
pub fn policy_name(client: &str) -> String {
    format!("leaseproof-{client}")
}

/// Writes a policy that lets its holder take credentials from these roles, or from none.
pub async fn write_policy(vault: &Vault, name: &str, may_issue: &[Ref]) -> Seen<Reply<()>> {
    let creds = |role: &Ref| (format!("{}/creds/{}", role.mount, role.name), vec!["read"]);
    // An empty policy is refused, so a holder may always make child tokens, which are no stronger than itself.
    let child = ("auth/token/create".to_owned(), vec!["create", "update"]);
    let paths: Map<String, Value> = may_issue
        .iter()
        .map(creds)
        .chain([child])
        .map(|(path, capabilities)| (path, json!({ "capabilities": capabilities })))
        .collect();
    let rules = json!({ "path": paths }).to_string();
    vault.act(Method::Post, &format!("sys/policies/acl/{name}"), Some(json!({ "policy": rules }))).await
}

/// Writes the policies of a token that may make child tokens and take credentials from these roles; gives their names, and
/// the first call that was not done.
///
/// One policy for each role, whoever holds it: a child's policies must be among its parent's by name, so policies that
/// were named after tokens would forbid every child.
pub async fn write_token_policies(vault: &Vault, may_issue: &[Marked<Ref>]) -> (Vec<String>, Option<Seen<Reply<()>>>) {
    let mut policies = vec!["default".to_owned()];
    let for_role =
        |role: &Marked<Ref>| (format!("leaseproof.issue.{}.{}", role.mount, role.name), vec![role.value.clone()]);
    for (name, roles) in
        [("leaseproof.tokens".to_owned(), Vec::new())].into_iter().chain(may_issue.iter().map(for_role))
    {
        let seen = write_policy(vault, &name, &roles).await;
        if !matches!(seen.outcome, Outcome::Ok(_)) {
            return (policies, Some(seen));
        }
        policies.push(name);
    }
    (policies, None)
}

/// Writes a client's policy and role, and takes what it logs in with.
pub async fn set_up(vault: &Vault, client: &Client) -> Result<AppRole, SetupError> {
    let ttls = [client.token_ttl, client.token_max_ttl];
    write_role(vault, client.name.as_str(), std::slice::from_ref(&client.holds), &[], ttls).await
}

/// Writes a consumer's policy, and takes what it is given to authenticate with.
pub async fn give(vault: &Vault, consumer: &Consumer) -> Result<Given, SetupError> {
    let (name, ttls) = (consumer.name.as_str(), [consumer.token_ttl, consumer.token_max_ttl]);
    match consumer.auth {
        ConsumerAuth::Approle => {
            write_role(vault, name, &consumer.may_issue, &consumer.policies, ttls).await.map(Given::AppRole)
        }
        ConsumerAuth::Token => {
            let policy = policy_name(name);
            must(&policy, write_policy(vault, &policy, &consumer.may_issue).await)?;
            let [ttl, explicit_max_ttl] = ttls.map(seconds);
            let body = json!({
                "policies": with_own(policy, &consumer.policies),
                "display_name": name,
                "no_parent": true,
                "ttl": ttl,
                "explicit_max_ttl": explicit_max_ttl,
            });
            let path = "auth/token/create";
            let made = must(path, vault.call(Method::Post, path, Some(body)).await)?;
            Ok(Given::Token(Secret::new(made["auth"]["client_token"].as_str().unwrap_or_default())))
        }
    }
}

/// The names of policies: one's own, and others.
fn with_own(own: String, others: &[Name]) -> Vec<String> {
    std::iter::once(own).chain(others.iter().map(ToString::to_string)).collect()
}

/// Writes a policy and an AppRole of this name, which has other policies too, and takes what logs in with it.
async fn write_role(
    vault: &Vault,
    name: &str,
    may_issue: &[Ref],
    policies: &[Name],
    ttls: [Duration; 2],
) -> Result<AppRole, SetupError> {
    let policy = policy_name(name);
    must(&policy, write_policy(vault, &policy, may_issue).await)?;
    let path = format!("auth/approle/role/{name}");
    let [token_ttl, token_max_ttl] = ttls.map(seconds);
    let body = json!({
        "token_policies": with_own(policy, policies),
        "token_ttl": token_ttl,
        "token_max_ttl": token_max_ttl,
    });
    must(&path, vault.act(Method::Post, &path, Some(body)).await)?;
    let role_id = must(&path, vault.call(Method::Get, &format!("{path}/role-id"), None).await)?;
    let secret_id = must(&path, vault.call(Method::Post, &format!("{path}/secret-id"), Some(json!({}))).await)?;
    let text = |value: &Value| Secret::new(value.as_str().unwrap_or_default());
    Ok(AppRole { role_id: text(&role_id["data"]["role_id"]), secret_id: text(&secret_id["data"]["secret_id"]) })
}

/// Logs in.
pub async fn login(vault: &Vault, with: &AppRole) -> Seen<Reply<NewToken>> {
    let body = json!({ "role_id": with.role_id.expose(), "secret_id": with.secret_id.expose() });
    vault.new_token("auth/approle/login", body).await
}
