//! AWS as it is stood in for: IAM and STS, each call signed, made once, on a connection of its own, with a deadline.

pub mod answer;
pub mod gate;
pub mod launch;
mod refusal;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;

pub use answer::Answer;

use super::{Seen, once};
use crate::event::Principal;
use crate::outcome::{Cause, Outcome, Silence, Unknown};
use crate::secret::Secret;
use crate::service::vault::HttpError;
use crate::time::Clock;

/// How long a call may take before it counts as unanswered. The stand-ins are Python programs on a busy machine.
pub const BRIEF: Duration = Duration::from_secs(5);
/// The region of all calls; IAM has but one.
pub const REGION: &str = "us-east-1";
/// What the names of users begin with that the engine makes.
const MADE_BY_VAULT: &str = "vault-";
/// How many users or keys one call lists; no scenario makes so many.
const PAGE: &str = "1000";

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its id, which is no secret.
    pub id: String,
    /// Its secret.
    pub secret: Secret,
    /// The token of an STS session.
    pub session_token: Option<Secret>,
}

/// The services that are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Users, keys, roles, policies.
    Iam,
    /// Sessions, and who one is.
    Sts,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The version of its API. Source: docs.aws.amazon.com/IAM/latest/APIReference, docs.aws.amazon.com/STS/latest/APIReference
    fn version(self) -> &'static str {
        match self {
            Self::Iam => "2010-05-08",
            Self::Sts => "2011-06-15",
        }
    }
}

/// A way to one server, at one address.
#[derive(Debug, Clone)]
pub struct Aws {
    http: reqwest::Client,
    address: String,
    deadline: Duration,
    clock: Clock,
}

impl Aws {
    /// A way to the server at `address` (`127.0.0.1:5000`).
    pub fn new(address: &str, clock: Clock) -> Result<Self, HttpError> {
        // No pool, no retry, no redirect, no proxy of the environment: what is sent is what is asked for.
        let http = reqwest::Client::builder()
            .pool_max_idle_per_host(0)
            .retry(reqwest::retry::never())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { http, address: address.to_owned(), deadline: BRIEF, clock })
    }

    /// The same server, given up on after `deadline`.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        Self { deadline, ..self.clone() }
    }

    /// `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// One signed call.
    pub async fn ask(&self, key: &Key, service: Service, action: &str, params: &[(&str, &str)]) -> Seen<Answer> {
        let sent = async {
            let request = match self.request(key, service, action, params) {
                Ok(request) => request,
                Err(detail) => return Outcome::Unknown(Unknown { why: Silence::Unreachable, detail }),
            };
            let answer = async {
                let response = request.send().await?;
                Ok((response.status().as_u16(), response.text().await?))
            };
            match answer.await {
                Ok((status, text)) => refusal::outcome(status, Answer::new(text)),
                Err(error) => Outcome::Unknown(super::vault::silence(&error)),
            }
        };
        once(self.clock, self.deadline, sent).await
    }

    fn request(
        &self,
        key: &Key,
        service: Service,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<reqwest::RequestBuilder, String> {
        let url = format!("http://{}/", self.address);
        let all = [("Action", action), ("Version", service.version())];
        // Encoded by the URL type: what a query is, a form is too.
        let form = reqwest::Url::parse_with_params(&url, all.iter().chain(params)).map_err(|e| e.to_string())?;
        let body = form.query().unwrap_or_default().to_owned();
        let token = key.session_token.as_ref().map(|token| token.expose().to_owned());
        let identity = Credentials::new(&key.id, key.secret.expose(), token, None, "leaseproof").into();
        let settings = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name(service.name())
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|e| e.to_string())?
            .into();
        let content = ("content-type", "application/x-www-form-urlencoded");
        let signable =
            SignableRequest::new("POST", url.as_str(), [content].into_iter(), SignableBody::Bytes(body.as_bytes()))
                .map_err(|e| e.to_string())?;
        let (signature, _) = sign(signable, &settings).map_err(|e| e.to_string())?.into_parts();
        let mut request = self.http.post(url).header(content.0, content.1);
        for (name, value) in signature.headers() {
            request = request.header(name, value);
        }
        Ok(request.body(body))
    }

    /// Asks who the key is (`GetCallerIdentity`), which needs a good key and no right whatever: AWS's login.
    pub async fn login(&self, key: &Key) -> Seen<()> {
        self.ask(key, Service::Sts, "GetCallerIdentity", &[]).await.map(|_| ())
    }

    /// A call of IAM.
    pub async fn iam(&self, key: &Key, action: &str, params: &[(&str, &str)]) -> Seen<Answer> {
        self.ask(key, Service::Iam, action, params).await
    }

    /// A new access key of a user.
    pub async fn create_key(&self, admin: &Key, user: &str) -> Seen<Key> {
        self.iam(admin, "CreateAccessKey", &[("UserName", user)]).await.map(|answer| Key {
            id: answer.text("AccessKeyId"),
            secret: Secret::new(answer.text("SecretAccessKey")),
            session_token: None,
        })
    }

    /// The ids of a user's access keys; none when there is no such user.
    pub async fn keys_of(&self, admin: &Key, user: &str) -> Seen<Vec<String>> {
        let seen = self.iam(admin, "ListAccessKeys", &[("UserName", user), ("MaxItems", PAGE)]).await;
        let outcome = match seen.outcome {
            Outcome::Ok(answer) => Outcome::Ok(answer.texts("AccessKeyId")),
            Outcome::Refused(refusal) if refusal.cause == Cause::NotFound => Outcome::Ok(Vec::new()),
            Outcome::Refused(refusal) => Outcome::Refused(refusal),
            Outcome::Unknown(unknown) => Outcome::Unknown(unknown),
        };
        Seen { at: seen.at, outcome, shape: None }
    }

    /// Everything that Vault made and that is still there: each access key by its id, and a user without keys by its name.
    pub async fn principals(&self, admin: &Key) -> Seen<Vec<String>> {
        self.made_by_vault(admin).await.map(|users| {
            let ids = users.into_iter().flat_map(|(user, keys)| if keys.is_empty() { vec![user] } else { keys });
            ids.collect()
        })
    }

    /// The access key of that id, if one of the users that Vault made has it. AWS knows no end of it.
    pub async fn principal(&self, admin: &Key, id: &str) -> Seen<Option<Principal>> {
        self.owner(admin, id)
            .await
            .map(|owner| owner.map(|_| Principal { valid_until: None, can_login: true, hosts: Vec::new() }))
    }

    /// The name of the user that Vault made and that has this access key.
    pub async fn owner(&self, admin: &Key, id: &str) -> Seen<Option<String>> {
        let users = self.made_by_vault(admin).await;
        users.map(|users| users.into_iter().find(|(_, keys)| keys.iter().any(|key| key == id)).map(|(user, _)| user))
    }

    /// The users that Vault made, each with the ids of its keys.
    async fn made_by_vault(&self, admin: &Key) -> Seen<Vec<(String, Vec<String>)>> {
        let listed = self.iam(admin, "ListUsers", &[("MaxItems", PAGE)]).await;
        let mut at = listed.at;
        let users: BTreeSet<String> = match listed.outcome {
            Outcome::Ok(answer) if answer.text("IsTruncated") == "true" => {
                let detail = format!("more than {PAGE} users");
                return Seen { at, outcome: Outcome::Unknown(Unknown { why: Silence::Garbled, detail }), shape: None };
            }
            Outcome::Ok(answer) => answer.texts("UserName").into_iter().collect(),
            Outcome::Refused(refusal) => return Seen { at, outcome: Outcome::Refused(refusal), shape: None },
            Outcome::Unknown(unknown) => return Seen { at, outcome: Outcome::Unknown(unknown), shape: None },
        };
        let mut found = Vec::new();
        for user in users.into_iter().filter(|user| user.starts_with(MADE_BY_VAULT)) {
            let keys = self.keys_of(admin, &user).await;
            at = crate::time::Interval::new(at.sent, keys.at.answered);
            match keys.outcome {
                Outcome::Ok(keys) => found.push((user, keys)),
                Outcome::Refused(refusal) => return Seen { at, outcome: Outcome::Refused(refusal), shape: None },
                Outcome::Unknown(unknown) => return Seen { at, outcome: Outcome::Unknown(unknown), shape: None },
            }
        }
        Seen { at, outcome: Outcome::Ok(found), shape: None }
    }
}

impl Aws {
    /// Whether the server answers 200 on this path, or why not.
    pub async fn answers(&self, path: &str) -> Result<(), String> {
        let request = self.http.get(format!("http://{}/{path}", self.address)).timeout(self.deadline);
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("status {}", response.status())),
            Err(error) => Err(super::vault::silence(&error).to_string()),
        }
    }

    /// Has Moto look at keys and policies from now on. Source: docs.getmoto.org/en/latest/docs/iam.html
    async fn enforce(&self) -> Result<(), String> {
        let request = self.http.post(format!("http://{}/moto-api/reset-auth", self.address));
        let request = request.timeout(self.deadline).header("content-type", "text/plain").body("0");
        match request.send().await {
            Ok(response) if response.status().is_success() => Ok(()),
            Ok(response) => Err(format!("reset-auth: status {}", response.status())),
            Err(error) => Err(super::vault::silence(&error).to_string()),
        }
    }
}
