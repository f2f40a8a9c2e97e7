//! Looking: one call for each kind of thing that can be expected, written down as it was seen.

mod audit;
mod certificate;

use std::collections::BTreeSet;

use crate::call;
use crate::check::reading::asks_lookup;
use crate::consumer;
use crate::event::{Actor, Event, LedgerRead, Reply, StaticPassword, TokenAct};
use crate::outcome::Outcome;
use crate::scenario::file::{ExpectMetric, Node, Sql};
use crate::scenario::kept;
use crate::scenario::one::Expected;
use crate::scenario::word::{Name, Ref};
use crate::service::Seen;
use crate::service::database::{Login, read_table};
use crate::service::vault::BRIEF;
use crate::stack::DatabaseServer;
use crate::time::Interval;
use crate::world::{Missing, World};

/// Looks once at what is expected, and writes what was seen.
pub async fn look(world: &World, number: &str, expected: &Expected<'_>) -> Result<(), Missing> {
    let who = &Actor::Operator;
    let step = Some(number);
    match expected {
        Expected::Lease(lease) => {
            if asks_lookup(lease) {
                lookup(world, who, step, lease.of.as_str()).await?;
            }
            if lease.irrevocable.is_some() {
                irrevocable(world, who, step, lease.of.as_str()).await?;
            }
        }
        Expected::Leases(leases) => count_leases(world, who, step, &leases.of).await,
        Expected::Login(login) => log_in(world, who, step, login.with.as_str()).await?,
        Expected::Principal(principal) => self::principal(world, who, step, principal.of.as_str()).await?,
        Expected::Session(session) => self::session(world, who, step, session.of.as_str()).await?,
        Expected::Token(token) => self::token(world, who, step, &token.of).await?,
        Expected::StaticRole(role) => {
            static_role(world, who, step, &role.of, None, role.logs_in.is_some()).await?;
        }
        Expected::Health(expected) => health_of(world, who, step, expected.node.as_deref().copied()).await?,
        Expected::Metric(expected) => metric(world, who, step, expected).await?,
        Expected::Audit(expected) => audit::audit(world, who, number, expected).await?,
        Expected::Certificate(expected) => certificate::certificate(world, who, number, expected).await?,
        Expected::Api(api) => call::api(world, who, step, api).await?,
        Expected::Sql(sql) => self::sql(world, who, step, sql).await?,
        Expected::Consumer(expected) => consumer::look(world, who, step, expected.of.as_str()).await?,
        Expected::Ledger(_) => ledger(world, who, step).await,
    }
    Ok(())
}

/// `sys/health`.
pub async fn health(world: &World, who: &Actor, step: Option<&str>) {
    let seen = world.stack.vault.direct.within(BRIEF).health().await;
    world.seen(who, step, seen, |outcome| Event::Health { node: None, outcome });
}

/// `sys/health` of one node of a cluster, or of whichever is active.
async fn health_of(world: &World, who: &Actor, step: Option<&str>, node: Option<Node>) -> Result<(), Missing> {
    let Some(node) = node else {
        health(world, who, step).await;
        return Ok(());
    };
    let Some(found) = world.stack.vault.find(node).await else {
        // Nobody is so just now, which is an answer to whoever expects that somebody is.
        let now = Interval::at(world.history.now());
        let (why, detail) = (crate::outcome::Silence::Unreachable, format!("no node of the cluster is the {node}"));
        let outcome = Outcome::Unknown(crate::outcome::Unknown { why, detail });
        world.write(who, step, now, Event::Health { node: Some(node), outcome });
        return Ok(());
    };
    let seen = found.direct.within(BRIEF).health().await;
    world.seen(who, step, seen, |outcome| Event::Health { node: Some(found.name), outcome });
    Ok(())
}

/// A lookup of a credential's lease.
pub async fn lookup(world: &World, who: &Actor, step: Option<&str>, credential: &str) -> Result<(), Missing> {
    let held = held(world, credential)?;
    let seen = world.stack.vault.root().within(BRIEF).lookup_lease(&held.lease_id).await;
    world.seen(who, step, seen, |outcome| Event::LeaseRead { credential: credential.to_owned(), outcome });
    Ok(())
}

async fn irrevocable(world: &World, who: &Actor, step: Option<&str>, credential: &str) -> Result<(), Missing> {
    let held = held(world, credential)?;
    let seen = world.stack.vault.root().within(BRIEF).irrevocable_leases().await;
    let seen = seen.map(|reply| Reply {
        status: reply.status,
        warnings: reply.warnings,
        body: reply.body.contains(&held.lease_id),
    });
    world.seen(who, step, seen, |outcome| Event::IrrevocableListed { credential: credential.to_owned(), outcome });
    Ok(())
}

async fn count_leases(world: &World, who: &Actor, step: Option<&str>, role: &Ref) {
    let path = format!("{}/creds/{}", role.mount, role.name);
    let seen = world.stack.vault.root().within(BRIEF).list_leases(&path).await;
    let seen = seen.map(|reply| Reply {
        status: reply.status,
        warnings: reply.warnings,
        body: u32::try_from(reply.body.len()).unwrap_or(u32::MAX),
    });
    world.seen(who, step, seen, |outcome| Event::LeasesListed { role: role.to_string(), outcome });
}

/// A login with a credential or a kept password, straight at the target. Nothing is looked at where it would tell nothing.
pub async fn log_in(world: &World, who: &Actor, step: Option<&str>, name: &str) -> Result<(), Missing> {
    if !world.login_tells(name) {
        return Ok(());
    }
    let seen = if let Some(key) = world.book.key(name) {
        world.aws()?.direct.login(&key).await
    } else {
        let (server, login) = login_of(world, name)?;
        server.direct.login(&login).await
    };
    world.seen(who, step, seen, |outcome| Event::Login { credential: name.to_owned(), outcome });
    Ok(())
}

/// What the target says of a credential's user.
pub async fn principal(world: &World, who: &Actor, step: Option<&str>, credential: &str) -> Result<(), Missing> {
    let held = held(world, credential)?;
    let username = &held.login.username;
    let seen = if let Some(dbms) = held.dbms {
        let server = world.database(dbms)?;
        server.direct.principal(&server.admin, username).await
    } else {
        let aws = world.aws()?;
        aws.direct.principal(&aws.admin, username).await
    };
    world.seen(who, step, seen, |outcome| Event::PrincipalRead { credential: credential.to_owned(), outcome });
    Ok(())
}

/// What an open session can still do.
pub async fn session(world: &World, who: &Actor, step: Option<&str>, name: &str) -> Result<(), Missing> {
    let kept = world.book.session(name);
    let session = kept.ok_or_else(|| Missing { kind: "session", name: name.to_owned() })?;
    let server = &world.database(session.dbms)?.direct;
    let answers = server.run_in(&session, "select 1").await;
    let reads = server.run_in(&session, &read_table(server.words())).await;
    let at = Interval::new(answers.at.sent, reads.at.answered);
    let event = Event::SessionUsed {
        session: name.to_owned(),
        answers: answers.outcome.done(),
        reads_table: reads.outcome.done(),
    };
    world.write(who, step, at, event);
    Ok(())
}

async fn token(world: &World, who: &Actor, step: Option<&str>, name: &Name) -> Result<(), Missing> {
    let seen = world.vault_as(Some(name))?.within(BRIEF).lookup_self().await;
    let token = name.to_string();
    world.seen(who, step, seen, |outcome| Event::Token { token, act: TokenAct::Read, outcome });
    Ok(())
}

/// Reads a static role; keeps the password under a name if one is given, and logs in with it if that is asked for.
pub async fn static_role(
    world: &World,
    who: &Actor,
    step: Option<&str>,
    role: &Ref,
    keep_as: Option<&Name>,
    try_it: bool,
) -> Result<(), Missing> {
    let dbms = world.dbms_of(role)?;
    let vault = world.stack.vault.root();
    let seen = vault.static_creds(role.mount.as_str(), role.name.as_str()).await;
    let Seen { mut at, mut outcome, shape } = seen;
    let (mut login, mut rotated_meanwhile) = (None, None);
    if let Outcome::Ok(reply) = &mut outcome {
        let password = world.history.secrets().learn(reply.body.password.clone());
        let present = Login { username: reply.body.username.clone(), password };
        if let Some(name) = keep_as {
            if let Some(dbms) = dbms {
                world.book.keep_password(name.as_str(), dbms, present.clone());
            }
            if let Some(key) = &reply.body.key {
                world.keep_key(name.as_str(), key.clone());
            }
        }
        if try_it {
            let tried = match &reply.body.key {
                Some(key) => world.aws()?.direct.login(key).await,
                None => world.database_of(role)?.direct.login(&present).await,
            };
            at = Interval::new(at.sent, tried.at.answered);
            if tried.outcome.refusal().is_some() {
                let again = vault.static_creds(role.mount.as_str(), role.name.as_str()).await;
                rotated_meanwhile = again.outcome.ok().map(|again| again.body.password != reply.body.password);
            }
            login = Some(tried.outcome);
        }
    }
    let outcome = outcome.map(|reply| Reply {
        status: reply.status,
        warnings: reply.warnings,
        body: StaticPassword {
            username: reply.body.username,
            fingerprint: world.book.fingerprint(&reply.body.password),
            ttl: reply.body.ttl,
        },
    });
    let kept_as = keep_as.map(ToString::to_string);
    let event = Event::StaticRead { role: role.to_string(), kept_as, outcome, login, rotated_meanwhile };
    world.history.write_answer(at, who.clone(), step.map(str::to_owned), event, shape);
    Ok(())
}

/// A metric, as the text that Prometheus would fetch says it.
async fn metric(world: &World, who: &Actor, step: Option<&str>, expected: &ExpectMetric) -> Result<(), Missing> {
    let vault = world.vault_at(step, expected.node.as_deref().copied(), None).await?.within(BRIEF);
    let seen = vault.fetch("sys/metrics?format=prometheus").await;
    let name = expected.name.value.clone();
    let seen = seen.map(|reply| sum_of(&name, &String::from_utf8_lossy(&reply.body)));
    world.seen(who, step, seen, |outcome| Event::Metric { name, outcome });
    Ok(())
}

/// The sum of all series of one name: lines such as `name{label="x"} 3`.
fn sum_of(name: &str, text: &str) -> Option<f64> {
    let value = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let rest = match rest.strip_prefix('{') {
            Some(labels) => labels.rsplit_once('}')?.1,
            None => rest.starts_with(' ').then_some(rest)?,
        };
        rest.split_whitespace().next()?.parse::<f64>().ok()
    };
    text.lines().filter_map(value).reduce(|sum, value| sum + value)
}

/// Any SQL.
pub async fn sql(world: &World, who: &Actor, step: Option<&str>, sql: &Sql) -> Result<(), Missing> {
    let value = |name: &str| world.book.value(name);
    let filled = kept::text(&sql.run, &value);
    let mut statement = filled.map_err(|name| Missing { kind: "kept value", name: name.to_owned() })?;
    let mut server = match sql.on {
        Some(on) => world.database(on.value)?,
        None => world.only_database()?,
    };
    if let Some(of) = &sql.of {
        let (at, login) = login_of(world, of.as_str())?;
        statement = statement.replace("{{name}}", &login.username);
        server = at;
    }
    let seen = match (&sql.session, &sql.with) {
        (Some(name), _) => {
            let kept = world.book.session(name.as_str());
            let session = kept.ok_or_else(|| Missing { kind: "session", name: name.to_string() })?;
            world.database(session.dbms)?.direct.run_in(&session, &statement).await
        }
        (None, Some(with)) => {
            let (server, login) = login_of(world, with.as_str())?;
            server.direct.run(&login, &statement).await
        }
        (None, None) => server.direct.run(&server.admin, &statement).await,
    };
    world.seen(who, step, seen, |outcome| Event::Sql { statement, outcome });
    Ok(())
}

/// All ledgers, one after the other: the target's, Vault's, and the target's again. If the target's changed meanwhile, the
/// two readings do not belong together and nothing is said.
pub async fn ledger(world: &World, who: &Actor, step: Option<&str>) {
    let before = principals(world).await;
    let vault = world.stack.vault.root().within(BRIEF);
    let mut leases: Outcome<Vec<String>> = Outcome::Ok(Vec::new());
    for path in world.role_paths() {
        let listed = vault.list_leases(&path).await;
        leases = both(leases, listed);
    }
    let after = principals(world).await;
    let at = Interval::new(before.at.sent, after.at.answered);
    let principals = match (before.outcome, after.outcome) {
        (Outcome::Ok(before), Outcome::Ok(after)) if set(&before) != set(&after) => {
            Outcome::Unknown(crate::outcome::Unknown {
                why: crate::outcome::Silence::Garbled,
                detail: "users came or went while the ledgers were being read".to_owned(),
            })
        }
        (Outcome::Ok(_), after) => after,
        (before, _) => before,
    };
    world.write(who, step, at, Event::Ledger(LedgerRead { leases, principals }));
}

/// The users that Vault made, at every target of the stack.
async fn principals(world: &World) -> Seen<Vec<String>> {
    let sent = world.history.now();
    let mut all: Outcome<Vec<String>> = Outcome::Ok(Vec::new());
    let mut add = |here: Outcome<Vec<String>>| match (&mut all, here) {
        (Outcome::Ok(all), Outcome::Ok(here)) => all.extend(here),
        (Outcome::Ok(_), no) => all = no,
        _ => {}
    };
    for server in world.stack.databases() {
        add(server.direct.principals(&server.admin).await.outcome);
    }
    if let Some(aws) = &world.stack.aws {
        add(aws.direct.principals(&aws.admin).await.outcome);
    }
    Seen { at: Interval::new(sent, world.history.now()), outcome: all, shape: None }
}

fn set(names: &[String]) -> BTreeSet<&String> {
    names.iter().collect()
}

fn both(sofar: Outcome<Vec<String>>, next: Seen<Reply<Vec<String>>>) -> Outcome<Vec<String>> {
    match (sofar, next.outcome) {
        (Outcome::Ok(mut all), Outcome::Ok(reply)) => {
            all.extend(reply.body);
            Outcome::Ok(all)
        }
        (Outcome::Ok(_), no) => no.map(|reply| reply.body),
        (no, _) => no,
    }
}

fn held(world: &World, credential: &str) -> Result<crate::book::Credential, Missing> {
    world.book.credential(credential).ok_or_else(|| Missing { kind: "credential", name: credential.to_owned() })
}

fn login_of<'a>(world: &'a World, name: &str) -> Result<(&'a DatabaseServer, Login), Missing> {
    let held = world.book.login(name);
    let (dbms, login) = held.ok_or_else(|| Missing { kind: "credential", name: name.to_owned() })?;
    Ok((world.database(dbms)?, login))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_sum_of_its_series_and_no_other_metric() {
        let text = "# TYPE vault_x counter\nvault_x{path=\"a b\"} 2\nvault_x 1.5\nvault_x_total 9\nvault_xy{} 4\n";
        assert_eq!(sum_of("vault_x", text), Some(3.5));
        assert_eq!(sum_of("vault_x_total", text), Some(9.0));
        assert_eq!(sum_of("vault", text), None);
    }
}
