//! Asking servers for the descriptions of their APIs, and trying what only one of them describes, on stacks that are made for
//! this and go again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::knock::knock;
use super::surface::{self, Described};
use crate::outcome::Outcome;
use crate::scenario::file::Method;
use crate::scenario::{self, Scenario};
use crate::service::vault::Vault;
use crate::suite::Suite;

/// Engines that servers have built in. One that a server has not is not described by it, and that is a difference.
const ENGINES: [&str; 9] = ["database", "kv", "kubernetes", "ldap", "pki", "rabbitmq", "ssh", "totp", "transit"];
/// The same of auth methods.
const METHODS: [&str; 7] = ["approle", "cert", "jwt", "kubernetes", "ldap", "radius", "userpass"];

/// A stack of a secrets server and nothing else.
const ALONE: &str = "\
name: A server that describes itself
stack: { vault: {} }
steps: [{ expect: { health: { status: 200 } } }]
";

/// Asks two of the suite's servers; `run` is the number of the first among all runs.
pub(super) async fn describe(suite: &Suite, [from, to]: [usize; 2], run: usize) -> Result<[Described; 2], String> {
    let names = [format!("{run:03}-description"), format!("{:03}-description", run + 1)];
    let alone = alone()?;
    let stack = suite.bring_up(from, &names[0], &alone).await.map_err(|error| error.to_string())?;
    let described = match suite.bring_up(to, &names[1], &alone).await {
        Ok(other) => {
            let described = both(&stack.vault.root(), &other.vault.root()).await;
            let gone = suite.take_down(to, other, &names[1]).await.map_err(|error| error.to_string());
            gone.and(described)
        }
        Err(error) => Err(error.to_string()),
    };
    suite.take_down(from, stack, &names[0]).await.map_err(|error| error.to_string())?;
    described
}

async fn both(from: &Vault, to: &Vault) -> Result<[Described; 2], String> {
    let mut described = [ask(from).await?, ask(to).await?];
    for operation in surface::of_one(&described[0], &described[1]) {
        for (vault, described) in [from, to].into_iter().zip(&mut described) {
            if let Some(standing) = knock(vault, &operation).await {
                described.tried.insert(operation.clone(), standing);
            }
        }
    }
    Ok(described)
}

fn alone() -> Result<Scenario, String> {
    scenario::parse(ALONE).scenario.ok_or_else(|| "the stack for it is not valid".to_owned())
}

async fn ask(vault: &Vault) -> Result<Described, String> {
    let mut built_in = BTreeSet::new();
    let kinds = [("mounts", surface::ENGINE, ENGINES.as_slice()), ("auth", surface::METHOD, METHODS.as_slice())];
    for (folder, word, kinds) in kinds {
        for kind in kinds {
            let mount = vault.act(Method::Post, &format!("sys/{folder}/{kind}"), Some(json!({ "type": kind }))).await;
            match mount.outcome {
                Outcome::Ok(_) => drop(built_in.insert(format!("{word}{kind}"))),
                // It has it not.
                Outcome::Refused(_) => {}
                Outcome::Unknown(unknown) => return Err(format!("{word}{kind}: {unknown}")),
            }
        }
    }
    match vault.call(Method::Get, surface::PATH, None).await.outcome {
        Outcome::Ok(reply) => Ok(Described { surface: surface::read(&reply.body), built_in, tried: BTreeMap::new() }),
        no => Err(no.to_string()),
    }
}
