//! Faults on AWS: requests that are answered in its place, and what an administrator does behind Vault's back.

use super::{Effect, FaultError, must, shows, until_shows};
use crate::engine;
use crate::event::Part;
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::Endpoint;
use crate::scenario::one::Broken;
use crate::scenario::word::Name;
use crate::service::aws::gate::{Rule, RuleId};
use crate::service::aws::launch::ROOT;
use crate::service::aws::{Aws, Key};
use crate::stack::AwsServer;
use crate::world::{Missing, World};

/// What undoes a fault on AWS.
#[derive(Debug)]
pub(super) enum Undo {
    Rule { from: Endpoint, to: Endpoint, rule: RuleId, code: &'static str },
    NewRootKey,
    SecondRootKey(Key),
}

/// What is asked through a gate that answers every request: it needs no right.
const HARMLESS: &str = "GetUser";

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    match broken {
        Broken::Throttle(t) => {
            let action = t.action.as_ref().map(|action| action.value.clone());
            answer(world, (*t.from, *t.to), Rule::throttling(action)).await
        }
        Broken::FailRequests(t) => {
            let action = t.action.as_ref().map(|action| action.value.clone());
            let status = t.status.map_or(503, |status| status.value);
            answer(world, (*t.from, *t.to), Rule::failure(action, status)).await
        }
        Broken::DeleteRootKey(_) => delete_root_key(world).await,
        Broken::SecondRootKey(_) => {
            let aws = world.aws()?;
            let key = must("CreateAccessKey", aws.direct.create_key(&aws.admin, ROOT).await.outcome)?;
            let key = Key { secret: world.history.secrets().learn(key.secret), ..key };
            let seen = until_keys(aws, 2).await?;
            Ok(effect(Undo::SecondRootKey(key), Part::Root, seen))
        }
        Broken::DeleteUser(on) => delete_user(world, &on.of).await,
        other => Err(FaultError::Refused { what: other.to_string(), why: "it is no fault of AWS".to_owned() }),
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let aws = world.aws()?;
    match undo {
        Undo::Rule { from, to, rule, code } => {
            aws.gate(from).remove(rule);
            let through = &through(world, from, to)?;
            until_shows("AWS answering itself", || async move {
                match through.login(&aws.admin).await.outcome {
                    Outcome::Refused(refusal) if refusal.code == code => Err(refusal.to_string()),
                    // Another fault may hold link or server; this one is over when nobody answers in AWS's place.
                    other => Ok(format!("a request is {other}")),
                }
            })
            .await
        }
        Undo::NewRootKey => {
            let Some(scenario_engine) = &world.plan.scenario.aws else { return Ok("there is no engine".to_owned()) };
            let key = must("CreateAccessKey", aws.direct.create_key(&aws.admin, ROOT).await.outcome)?;
            let key = Key { secret: world.history.secrets().learn(key.secret), ..key };
            let written = engine::aws::write_root(&world.stack, scenario_engine, &key).await;
            written.map_err(|error| FaultError::Refused { what: error.what, why: error.why })?;
            must("a login with vault's new key", aws.direct.login(&key).await.outcome)?;
            Ok("vault has a new key, which AWS lets in".to_owned())
        }
        Undo::SecondRootKey(key) => {
            let delete = [("UserName", ROOT), ("AccessKeyId", key.id.as_str())];
            must("DeleteAccessKey", aws.direct.iam(&aws.admin, "DeleteAccessKey", &delete).await.outcome)?;
            until_keys(aws, 1).await
        }
    }
}

fn effect(undo: Undo, disturbs: Part, seen: String) -> Effect {
    Effect { undo: super::Undo::Aws(undo), disturbs: vec![disturbs], seen }
}

/// Puts a rule in force at the gate behind a link.
async fn answer(world: &World, (from, to): (Endpoint, Endpoint), rule: Rule) -> Result<Effect, FaultError> {
    let aws = world.aws()?;
    let action = rule.action.clone().unwrap_or_else(|| HARMLESS.to_owned());
    let code = rule.code;
    let through = &through(world, from, to)?;
    let rule = aws.gate(from).add(rule);
    let action = action.as_str();
    let seen = until_shows("an answer in AWS's place", || async move {
        shows(&through.iam(&aws.admin, action, &[]).await.outcome, |refusal| refusal.code == code)
    })
    .await?;
    Ok(effect(Undo::Rule { from, to, rule, code }, Part::Link { from, to }, seen))
}

/// A way to AWS over a link, as whoever is at its other end has it.
fn through(world: &World, from: Endpoint, to: Endpoint) -> Result<Aws, FaultError> {
    let missing = || Missing { kind: "link", name: format!("{from}→{to}") };
    let link = world.stack.links.get(from, to).ok_or_else(missing)?;
    Aws::new(&link.address().to_string(), *world.history.clock())
        .map_err(|error| FaultError::Refused { what: "a way over the link".to_owned(), why: error.to_string() })
}

/// Deletes every key of Vault's own user: which of them Vault uses, it alone knows once it has rotated it.
async fn delete_root_key(world: &World) -> Result<Effect, FaultError> {
    let aws = world.aws()?;
    for id in must("ListAccessKeys", aws.direct.keys_of(&aws.admin, ROOT).await.outcome)? {
        let delete = [("UserName", ROOT), ("AccessKeyId", id.as_str())];
        must("DeleteAccessKey", aws.direct.iam(&aws.admin, "DeleteAccessKey", &delete).await.outcome)?;
    }
    let seen = until_shows("vault's first key refused", || async move {
        if aws.product == crate::scenario::file::AwsProduct::Localstack {
            return Ok("it is no longer listed; LocalStack lets it in all the same".to_owned());
        }
        shows(&aws.direct.login(&aws.root).await.outcome, |refusal| refusal.cause == Cause::Authentication)
    })
    .await?;
    until_keys(aws, 0).await?;
    Ok(effect(Undo::NewRootKey, Part::Root, seen))
}

async fn until_keys(aws: &AwsServer, count: usize) -> Result<String, FaultError> {
    until_shows("vault's own keys", || async move {
        match aws.direct.keys_of(&aws.admin, ROOT).await.outcome {
            Outcome::Ok(keys) if keys.len() == count => Ok(format!("vault's own user has {count} keys")),
            Outcome::Ok(keys) => Err(format!("vault's own user has {} keys", keys.len())),
            no => Err(no.to_string()),
        }
    })
    .await
}

/// Deletes a user as an administrator does: keys and policies first, since IAM deletes no user that has any.
async fn delete_user(world: &World, credential: &Name) -> Result<Effect, FaultError> {
    let aws = world.aws()?;
    let held = world.book.credential(credential.as_str());
    let held = held.ok_or_else(|| Missing { kind: "credential", name: credential.to_string() })?;
    let id = held.login.username.as_str();
    let owner = must("ListUsers", aws.direct.owner(&aws.admin, id).await.outcome)?;
    let user = owner.ok_or_else(|| Missing { kind: "IAM user of credential", name: credential.to_string() })?;
    let user = user.as_str();
    let call = |action: &'static str, params: Vec<(&'static str, String)>| async move {
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
        must(action, aws.direct.iam(&aws.admin, action, &params).await.outcome)
    };
    let named = || ("UserName", user.to_owned());
    for id in must("ListAccessKeys", aws.direct.keys_of(&aws.admin, user).await.outcome)? {
        call("DeleteAccessKey", vec![named(), ("AccessKeyId", id)]).await?;
    }
    let policies = call("ListUserPolicies", vec![named()]).await?;
    for name in policies.texts("member") {
        call("DeleteUserPolicy", vec![named(), ("PolicyName", name)]).await?;
    }
    call("DeleteUser", vec![named()]).await?;
    let seen = until_shows("the user gone", || async move {
        match aws.direct.iam(&aws.admin, "GetUser", &[("UserName", user)]).await.outcome {
            Outcome::Refused(refusal) if refusal.cause == Cause::NotFound => Ok(refusal.to_string()),
            Outcome::Ok(_) => Err("it is there".to_owned()),
            no => Err(no.to_string()),
        }
    })
    .await?;
    Ok(Effect { undo: super::Undo::Nothing, disturbs: vec![Part::Credential(credential.to_string())], seen })
}
