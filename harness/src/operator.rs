//! The operator: does what the steps say, one call for each, and writes down what came of it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::book::{Credential, Token};
use crate::call;
use crate::engine::approle;
use crate::event::{Actor, Event, Reply, Revocation, TokenAct};
use crate::look;
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::{self, Method, TokenKind};
use crate::scenario::word::{Name, Ref};
use crate::scenario::{Dbms, Verb};
use crate::service::Seen;
use crate::service::database::Login;
use crate::service::vault::Vault;
use crate::service::vault::api::Issued;
use crate::time::Interval;
use crate::wait::Looks;
use crate::world::{Missing, World};

const WHO: &Actor = &Actor::Operator;

/// How long a rotation by hand is asked for again while the queue of rotations is in its way: two of the queue's own rounds.
const QUEUE: Duration = Duration::from_secs(10);

/// Does one step.
pub async fn perform(world: &World, number: &str, verb: &Verb) -> Result<(), Missing> {
    let step = Some(number);
    match verb {
        Verb::Issue(verb) => issue_step(world, step, verb).await,
        Verb::Read(verb) => look::static_role(world, WHO, step, &verb.static_role, Some(&verb.name), false).await,
        Verb::Renew(verb) => renew(world, step, verb).await,
        Verb::Revoke(verb) => revoke(world, step, verb).await,
        Verb::Rotate(verb) => {
            rotate(world, step, verb).await;
            Ok(())
        }
        Verb::Token(verb) => token(world, step, verb).await,
        Verb::Open(verb) => open(world, step, verb).await,
        Verb::Repair(verb) => repair(world, step, verb).await,
        Verb::Snapshot(verb) => snapshot(world, step, verb).await,
        Verb::Start(verb) => start(world, step, verb).await,
        Verb::Api(verb) => call::api(world, WHO, step, verb).await,
        Verb::Race(verb) => call::race(world, WHO, step, verb).await,
        Verb::Sql(verb) => look::sql(world, WHO, step, verb).await,
    }
}

async fn issue_step(world: &World, step: Option<&str>, verb: &file::Issue) -> Result<(), Missing> {
    let vault = world.vault_at(step, verb.node.as_deref().copied(), verb.token.as_deref()).await?;
    let name = verb.name.as_ref().map_or_else(|| format!("step {}", step.unwrap_or_default()), |name| name.to_string());
    let token = verb.token.as_ref().map(|token| token.to_string());
    let ttl = verb.ttl.map(|ttl| ttl.0.as_secs());
    issue(world, WHO, step, &vault, &name, Wanted { role: &verb.role, ttl, token }).await.map(drop)
}

/// What is asked of a dynamic role.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// The role.
    pub role: &'a Ref,
    /// The lifetime that is asked for, in seconds.
    pub ttl: Option<u64>,
    /// The name of the token to ask with; none for the root token.
    pub token: Option<String>,
}

/// Takes a credential and keeps it under a name; gives it back if there is one.
pub async fn issue(
    world: &World,
    who: &Actor,
    step: Option<&str>,
    vault: &Vault,
    name: &str,
    wanted: Wanted<'_>,
) -> Result<Outcome<Credential>, Missing> {
    let Wanted { role, ttl, token } = wanted;
    let dbms = world.dbms_of(role)?;
    let seen = vault.creds(role.mount.as_str(), role.name.as_str(), ttl).await;
    let kept = seen.outcome.clone().map(|reply: Reply<Issued>| {
        let Issued { lease, password, key } = reply.body;
        let password = world.history.secrets().learn(password);
        if let Some(key) = key {
            world.keep_key(name, key);
        }
        Credential {
            role: role.to_string(),
            ttl: lease.ttl,
            lease_id: lease.lease_id,
            login: Login { username: lease.username, password },
            dbms,
        }
    });
    if let Outcome::Ok(credential) = &kept {
        world.book.keep_credential(name, credential.clone());
    }
    let seen = bodies(seen, |issued| issued.lease);
    let (credential, role) = (name.to_owned(), role.to_string());
    world.seen(who, step, seen, |outcome| Event::Issued { credential, role, token, outcome });
    Ok(kept)
}

async fn renew(world: &World, step: Option<&str>, verb: &file::Renew) -> Result<(), Missing> {
    let increment = verb.increment.map(|length| length.0.as_secs());
    if let Some(lease) = &verb.lease {
        let held = credential(world, lease)?;
        let vault = world.vault_at(step, verb.node.as_deref().copied(), None).await?;
        let seen = vault.renew_lease(&held.lease_id, increment).await;
        let credential = lease.to_string();
        world.seen(WHO, step, seen, |outcome| Event::Renewed { credential, increment, outcome });
    }
    if let Some(name) = &verb.token {
        let vault = world.vault_at(step, verb.node.as_deref().copied(), Some(name)).await?;
        let seen = vault.renew_self(increment).await;
        let token = name.to_string();
        world.seen(WHO, step, seen, |outcome| Event::Token { token, act: TokenAct::Renewed, outcome });
    }
    Ok(())
}

async fn revoke(world: &World, step: Option<&str>, verb: &file::Revoke) -> Result<(), Missing> {
    let vault = world.stack.vault.root();
    let force = verb.force.is_some_and(|force| *force);
    let sync = verb.sync.map(|sync| *sync);
    let mut body = json!({});
    if let Some(sync) = sync {
        body["sync"] = json!(sync);
    }
    let (path, what) = if let Some(lease) = &verb.lease {
        let lease_id = credential(world, lease)?.lease_id;
        // The force variant takes its prefix in the path, and a whole lease id is one.
        let path = if force { format!("sys/leases/revoke-force/{lease_id}") } else { "sys/leases/revoke".to_owned() };
        if !force {
            body["lease_id"] = json!(lease_id);
        }
        (path, Revocation::Lease(lease.to_string()))
    } else if let Some(role) = &verb.prefix {
        let kind = if force { "revoke-force" } else { "revoke-prefix" };
        (format!("sys/leases/{kind}/{}/creds/{}", role.mount, role.name), Revocation::Prefix(role.to_string()))
    } else if let Some(name) = &verb.accessor {
        body["accessor"] = json!(token_of(world, name)?.accessor.expose());
        ("auth/token/revoke-accessor".to_owned(), Revocation::Token(name.to_string()))
    } else if let Some(name) = &verb.orphaning {
        body["token"] = json!(token_of(world, name)?.token.expose());
        ("auth/token/revoke-orphan".to_owned(), Revocation::Orphaning(name.to_string()))
    } else if let Some(name) = &verb.token {
        body["token"] = json!(token_of(world, name)?.token.expose());
        ("auth/token/revoke".to_owned(), Revocation::Token(name.to_string()))
    } else {
        return Ok(());
    };
    let seen = vault.act(Method::Post, &path, Some(body)).await;
    world.seen(WHO, step, seen, |outcome| Event::Revoked { what, sync, force, outcome });
    Ok(())
}

async fn rotate(world: &World, step: Option<&str>, verb: &file::Rotate) {
    let (kind, of, root) = match (&verb.static_role, &verb.root) {
        (Some(role), _) => ("rotate-role", role, false),
        (None, Some(connection)) => ("rotate-root", connection, true),
        (None, None) => return,
    };
    let path = if root && world.is_aws(of) {
        format!("{}/config/rotate-root", of.mount)
    } else {
        format!("{}/{kind}/{}", of.mount, of.name)
    };
    let vault = world.stack.vault.root();
    let what = of.to_string();
    let mut asks = Looks::within(QUEUE);
    while asks.again().await {
        let seen = vault.act(Method::Post, &path, Some(json!({}))).await;
        if asks.is_last() || !queue_has_it(&seen.outcome) {
            world.seen(WHO, step, seen, |outcome| Event::Rotated { what, root, outcome });
            return;
        }
        let note = format!("the queue of rotations had {what} in its hands (500, duplicate item); asked again");
        world.write(WHO, step, seen.at, Event::Note(note));
    }
}

/// OpenBao's answer when its own queue has put the role back while the rotation by hand was under way, as it does when it is
/// filled after a start. The password has been changed and the next call is answered well: an operator would ask again.
/// What is known of it stands in `scenarios/FINDINGS.md`.
fn queue_has_it<T>(outcome: &Outcome<T>) -> bool {
    outcome.refusal().is_some_and(|no| no.cause == Cause::Internal && no.message.contains("duplicate item"))
}

async fn token(world: &World, step: Option<&str>, verb: &file::Token) -> Result<(), Missing> {
    let root = world.stack.vault.root();
    let (policies, seen) = approle::write_token_policies(&root, &verb.may_issue).await;
    if let Some(refused) = seen {
        let token = verb.name.to_string();
        let refused = refused.map(|reply| Reply { status: reply.status, warnings: reply.warnings, body: nothing() });
        world.seen(WHO, step, refused, |outcome| Event::Token { token, act: TokenAct::Made, outcome });
        return Ok(());
    }
    let mut body = json!({ "policies": policies });
    let seconds = |length: crate::scenario::word::Length| json!(format!("{}s", length.0.as_secs()));
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[key] = value;
        }
    };
    set("ttl", verb.ttl.map(|v| seconds(v.value)));
    set("explicit_max_ttl", verb.explicit_max_ttl.map(|v| seconds(v.value)));
    set("period", verb.period.map(|v| seconds(v.value)));
    set("num_uses", verb.uses.map(|v| json!(*v)));
    set("type", verb.kind.map(|v| json!(if *v == TokenKind::Batch { "batch" } else { "service" })));
    let vault = world.vault_as(verb.parent.as_deref())?;
    let seen = vault.new_token("auth/token/create", body).await;
    keep_token(world, verb.name.as_str(), &seen);
    let token = verb.name.to_string();
    let seen = bodies(seen, |new| new.state);
    world.seen(WHO, step, seen, |outcome| Event::Token { token, act: TokenAct::Made, outcome });
    Ok(())
}

/// Keeps a new token under a name, if there is one.
pub fn keep_token(world: &World, name: &str, seen: &Seen<Reply<crate::service::vault::api::NewToken>>) {
    if let Outcome::Ok(reply) = &seen.outcome {
        let learn = |secret: &crate::secret::Secret| world.history.secrets().learn(secret.clone());
        let token = Token { token: learn(&reply.body.token), accessor: learn(&reply.body.accessor) };
        world.book.keep_token(name, token);
    }
}

async fn open(world: &World, step: Option<&str>, verb: &file::Open) -> Result<(), Missing> {
    let login = world.book.login(verb.with.as_str());
    let (dbms, login) = login.ok_or_else(|| Missing { kind: "credential", name: verb.with.to_string() })?;
    let seen = world.database(dbms)?.direct.open(&login).await;
    if let Outcome::Ok(session) = &seen.outcome {
        world.book.keep_session(verb.session.as_str(), session.clone());
    }
    let (session, credential) = (verb.session.to_string(), verb.with.to_string());
    let outcome = seen.outcome.done();
    world.write(WHO, step, seen.at, Event::SessionOpened { session, credential, outcome });
    Ok(())
}

async fn repair(world: &World, step: Option<&str>, verb: &file::Repair) -> Result<(), Missing> {
    let vault = world.stack.vault.root();
    let (path, body) = if let Some(of) = &verb.password_of {
        let password = world.database_of(of)?.root_password();
        (format!("{}/config/{}", of.mount, of.name), json!({ "password": password.expose() }))
    } else if let Some(of) = &verb.reset {
        (format!("{}/reset/{}", of.mount, of.name), json!({}))
    } else {
        return Ok(());
    };
    let seen = vault.act(Method::Post, &path, Some(body)).await;
    world.seen(WHO, step, seen, |outcome| Event::api(Method::Post, path, outcome));
    Ok(())
}

async fn snapshot(world: &World, step: Option<&str>, verb: &file::Snapshot) -> Result<(), Missing> {
    let vault = world.stack.vault.root();
    let (method, path, seen) = if let Some(name) = &verb.save {
        let path = "sys/storage/raft/snapshot";
        let seen = vault.fetch(path).await;
        if let Outcome::Ok(reply) = &seen.outcome {
            world.book.keep_snapshot(name.as_str(), reply.body.clone());
        }
        (Method::Get, path, seen)
    } else if let Some(name) = &verb.restore {
        let kept = world.book.snapshot(name.as_str());
        let kept = kept.ok_or_else(|| Missing { kind: "snapshot", name: name.to_string() })?;
        let force = verb.force.is_some_and(|force| *force);
        let path = if force { "sys/storage/raft/snapshot-force" } else { "sys/storage/raft/snapshot" };
        (Method::Post, path, vault.post_bytes(path, kept.as_ref().clone()).await)
    } else {
        return Ok(());
    };
    let path = path.to_owned();
    world.seen(WHO, step, bodies(seen, |_| ()), |outcome| Event::api(method, path, outcome));
    Ok(())
}

async fn start(world: &World, step: Option<&str>, verb: &file::Start) -> Result<(), Missing> {
    let sent = world.history.now();
    let node = verb.node.map(|node| *node);
    let server = *verb.server;
    let started = if let Some(dbms) = Dbms::of(server) {
        world.database(dbms)?.start_again().await
    } else {
        let missing = || Missing { kind: "server", name: server.to_string() };
        let vault = world.stack.vault_of(server).ok_or_else(missing)?;
        let place = node.and_then(file::Node::index).unwrap_or_default();
        let started = vault.nodes.get(place).ok_or_else(missing)?;
        match started.machine.start().await {
            Ok(()) => started.until_answering().await,
            no => no,
        }
    };
    let (came_up, seen) = match started {
        Ok(()) => (true, "it came up".to_owned()),
        Err(error) => (false, world.history.secrets().redact(&error.to_string())),
    };
    let at = Interval::new(sent, world.history.now());
    world.write(WHO, step, at, Event::Started { server, node, came_up, seen });
    Ok(())
}

/// The same call with another body.
pub fn bodies<T, U>(seen: Seen<Reply<T>>, body: impl FnOnce(T) -> U) -> Seen<Reply<U>> {
    seen.map(|reply| Reply { status: reply.status, warnings: reply.warnings, body: body(reply.body) })
}

const fn nothing() -> crate::event::TokenState {
    crate::event::TokenState { ttl: 0, renewable: false }
}

fn credential(world: &World, name: &Name) -> Result<Credential, Missing> {
    world.book.credential(name.as_str()).ok_or_else(|| Missing { kind: "credential", name: name.to_string() })
}

fn token_of(world: &World, name: &Name) -> Result<Token, Missing> {
    world.book.token(name.as_str()).ok_or_else(|| Missing { kind: "token", name: name.to_string() })
}
