//! Asking a server for the description of its API, on a stack that is made for this and goes again.

use serde_json::json;

use super::surface::{self, Described};
use crate::outcome::Outcome;
use crate::scenario::file::Method;
use std::collections::BTreeSet;

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

/// Asks one of the suite's servers.
pub(super) async fn describe(suite: &Suite, server: usize, run: usize) -> Result<Described, String> {
    let name = format!("{run:03}-description");
    let stack = suite.bring_up(server, &name, &alone()?).await.map_err(|error| error.to_string())?;
    let described = ask(&stack.vault.root()).await;
    suite.take_down(server, stack, &name).await.map_err(|error| error.to_string())?;
    described
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
        Outcome::Ok(reply) => Ok(Described { surface: surface::read(&reply.body), built_in }),
        no => Err(no.to_string()),
    }
}
