//! How a server that stands in for AWS is started, and what is in it before Vault comes.

use std::time::Duration;

use super::{Aws, Key, Service};
use crate::outcome::Outcome;
use crate::scenario::file::AwsProduct;
use crate::secret::{KnownSecrets, Secret};

/// The harness's own user.
pub const ADMIN: &str = "leaseproof_admin";
/// Vault's own user. Not `vault-…`: those are the users that it makes.
pub const ROOT: &str = "leaseproof_vault_root";
/// The IAM role that assumed roles lead to.
pub const APPLICATION: &str = "leaseproof_application";
/// The name of the inline policy of a user that leaseproof makes.
pub const POLICY: &str = "everything";

/// What is in the server when Vault comes.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// The harness's own key.
    pub admin: Key,
    /// Vault's own key.
    pub root: Key,
    /// The ARN of the IAM role that assumed roles lead to.
    pub application: String,
}

/// How long one of the first calls may take: LocalStack loads a service when it is first asked.
const FIRST_CALLS: Duration = Duration::from_secs(60);

/// The arguments of Python that start the server on this port of loopback.
pub fn arguments(product: AwsProduct, port: u16) -> Vec<String> {
    let words = match product {
        AwsProduct::Moto => format!("-m moto.server -H 127.0.0.1 -p {port}"),
        AwsProduct::Localstack => "-m localstack.runtime.main".to_owned(),
    };
    words.split(' ').map(str::to_owned).collect()
}

/// What every LocalStack is set to: two services; and it works without the network, and tells nobody of what it does.
pub const LOCALSTACK: [(&str, &str); 3] =
    [("SERVICES", "iam,sts"), ("DISABLE_EVENTS", "1"), ("SKIP_SSL_CERT_DOWNLOAD", "1")];

/// The variables that set the server up, without secrets.
pub fn environment(product: AwsProduct, port: u16, folder: &std::path::Path) -> Vec<(&'static str, String)> {
    let folder = folder.display().to_string();
    let home = ("HOME", folder.clone());
    match product {
        AwsProduct::Moto => vec![home],
        AwsProduct::Localstack => {
            let own = [home, ("GATEWAY_LISTEN", format!("127.0.0.1:{port}")), ("LOCALSTACK_VOLUME_DIR", folder)];
            own.into_iter().chain(LOCALSTACK.map(|(name, value)| (name, value.to_owned()))).collect()
        }
    }
}

/// The path that answers 200 once the server does.
pub fn health(product: AwsProduct) -> &'static str {
    match product {
        AwsProduct::Moto => "moto-api/data.json",
        AwsProduct::Localstack => "_localstack/health",
    }
}

/// Makes the users, the role, and then has the server enforce IAM, where it can.
pub async fn prepare(aws: &Aws, product: AwsProduct, secrets: &KnownSecrets) -> Result<Prepared, String> {
    let aws = &aws.within(FIRST_CALLS);
    // Before it enforces IAM it takes any key.
    let anyone = Key { id: "test".to_owned(), secret: Secret::new("test"), session_token: None };
    let admin = user(aws, &anyone, ADMIN, secrets).await?;
    let root = user(aws, &anyone, ROOT, secrets).await?;
    let trust = policy("sts:AssumeRole", ("Principal", serde_json::json!({ "AWS": "*" })));
    let role = [("RoleName", APPLICATION), ("AssumeRolePolicyDocument", trust.as_str())];
    let made = must("CreateRole", aws.iam(&anyone, "CreateRole", &role).await.outcome)?;
    if product == AwsProduct::Moto {
        aws.enforce().await?;
        let asked = aws.ask(&anyone, Service::Sts, "GetCallerIdentity", &[]).await.outcome;
        if asked.refusal().is_none() {
            return Err(format!("it does not enforce IAM: a key that is not there is {asked}"));
        }
    }
    must("the harness's own key", aws.login(&admin).await.outcome)?;
    Ok(Prepared { admin, root, application: made.text("Arn") })
}

/// An IAM user who may do everything, and its key.
async fn user(aws: &Aws, by: &Key, name: &str, secrets: &KnownSecrets) -> Result<Key, String> {
    must("CreateUser", aws.iam(by, "CreateUser", &[("UserName", name)]).await.outcome)?;
    let everything = policy("*", ("Resource", serde_json::json!("*")));
    let put = [("UserName", name), ("PolicyName", POLICY), ("PolicyDocument", everything.as_str())];
    must("PutUserPolicy", aws.iam(by, "PutUserPolicy", &put).await.outcome)?;
    let key = must("CreateAccessKey", aws.create_key(by, name).await.outcome)?;
    Ok(Key { secret: secrets.learn(key.secret), ..key })
}

/// A policy document with one statement.
fn policy(action: &str, (key, value): (&str, serde_json::Value)) -> String {
    serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": action, key: value }] })
        .to_string()
}

fn must<T>(what: &str, outcome: Outcome<T>) -> Result<T, String> {
    match outcome {
        Outcome::Ok(value) => Ok(value),
        no => Err(format!("{what}: {no}")),
    }
}
