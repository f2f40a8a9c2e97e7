//! Parts that only some scenarios need: each is looked for or fetched once, when the first of them comes.

use tokio::sync::OnceCell;

use super::Provider;
use super::native::fetch::{Fetcher, OnProgress};
use super::native::find::Found;
use super::native::part::{Part, Product};
use crate::scenario::Scenario;
use crate::scenario::consumer::Runs;
use crate::scenario::file::{AwsProduct, CredentialType};

/// The parts of a run that are had on demand.
#[derive(Debug)]
pub struct OnDemand {
    fetcher: Fetcher,
    processes: StandIns,
    containers: StandIns,
    plugin: Had,
}

type Had = OnceCell<Result<Found, Lack>>;

/// What stands in for AWS with one provider.
#[derive(Debug, Default)]
struct StandIns {
    moto: Had,
    localstack: Had,
}

/// Why a scenario does not get what it needs.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{why}")]
pub struct Lack {
    /// What is missing, and what to do.
    pub why: String,
    /// Whether this machine or this product lacks it; else something is wrong.
    pub is_lack: bool,
}

/// The parts that AWS takes.
#[derive(Debug, Clone, Default)]
pub struct AwsParts {
    /// What stands in for it.
    pub server: Option<Found>,
    /// The engine, for a secrets server that has none.
    pub plugin: Option<Found>,
}

impl OnDemand {
    /// Nothing is looked for yet.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher, processes: StandIns::default(), containers: StandIns::default(), plugin: Had::default() }
    }

    /// What a scenario takes of AWS on this secrets server, where this provider starts it.
    pub async fn aws(
        &self,
        scenario: &Scenario,
        vault: &Found,
        provider: &Provider,
        on: OnProgress<'_>,
    ) -> Result<AwsParts, Lack> {
        let mut parts = AwsParts::default();
        if let Some(product) = scenario.stack.aws {
            let (docker, stand_ins) = match provider {
                Provider::Native(_) => (None, &self.processes),
                Provider::Docker(docker) => (Some(docker), &self.containers),
            };
            let (cell, part) = match product {
                AwsProduct::Moto => (&stand_ins.moto, Part::Moto),
                AwsProduct::Localstack => (&stand_ins.localstack, Part::Localstack),
            };
            parts.server = Some(match docker {
                None => self.had(cell, part, on).await?,
                Some(docker) => {
                    let provide = || async {
                        let had = docker.provide(&part, on).await;
                        had.map_err(|error| Lack { why: error.to_string(), is_lack: error.is_lack() })
                    };
                    cell.get_or_init(provide).await.clone()?
                }
            });
        }
        let built_in = vault.product == Product::Vault;
        if let Some(engine) = scenario.aws.as_ref().filter(|_| !built_in) {
            if engine.roles.iter().any(|role| role.credential_type == CredentialType::SessionToken) {
                let why = "the AWS engine as a plugin is that of Vault 1.14, which has no `session_token`; \
                           run this scenario with --vault vault, 1.16 or newer"
                    .to_owned();
                return Err(Lack { why, is_lack: true });
            }
            parts.plugin = Some(self.had(&self.plugin, Part::AwsPlugin, on).await?);
        }
        Ok(parts)
    }

    /// The program that an agent of the scenario is, where that is not the secrets server's own: consumers run on this
    /// machine, also when the servers are containers.
    pub async fn agent(
        &self,
        scenario: &Scenario,
        vault: &Found,
        provider: &Provider,
        on: OnProgress<'_>,
    ) -> Result<Option<Found>, Lack> {
        let has_agent = scenario.consumers.iter().any(|consumer| matches!(consumer.runs, Runs::Agent(_)));
        if !has_agent || matches!(provider, Provider::Native(_)) {
            return Ok(None);
        }
        let part = match vault.product {
            Product::Vault => Part::Vault(Some(vault.version.clone())),
            _ => Part::OpenBao(vault.version.clone()),
        };
        let found = self.fetcher.provide(&part, None, on).await;
        found.map(Some).map_err(|error| Lack {
            why: format!("an agent is the secrets server's own program, as a process of this machine: {error}"),
            is_lack: error.is_lack(),
        })
    }

    async fn had(&self, cell: &Had, part: Part, on: OnProgress<'_>) -> Result<Found, Lack> {
        let provide = || async {
            let provided = self.fetcher.provide(&part, None, on).await;
            provided.map_err(|error| Lack { why: error.to_string(), is_lack: error.is_lack() })
        };
        cell.get_or_init(provide).await.clone()
    }
}
