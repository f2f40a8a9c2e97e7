//! Faults on the database, made by its own superuser: what a DBA, a migration or another tool does behind Vault's back.

use std::sync::Arc;

use super::{Effect, FaultError, must, shows, until_shows};
use crate::event::Part;
use crate::outcome::{Cause, Outcome};
use crate::scenario::file::{Method, RootKind};
use crate::scenario::one::Broken;
use crate::scenario::word::{Name, Ref};
use crate::secret::Secret;
use crate::service::postgres::launch::ROOT;
use crate::service::postgres::{Login, Session, identifier, literal};
use crate::stack::PostgresServer;
use crate::world::{Missing, World};

/// What undoes a fault on the database.
pub(super) enum Undo {
    RootPassword { connection: Ref, before: Secret },
    Sql { statement: String, then: &'static str },
    Sessions(Vec<Arc<Session>>),
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RootPassword { .. } => "RootPassword",
            Self::Sql { .. } => "Sql",
            Self::Sessions(_) => "Sessions",
        })
    }
}

/// The user that takes all connections.
const FILLER: &str = "leaseproof_filler";

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    let postgres = world.postgres()?;
    match broken {
        Broken::ChangeRootPassword(on) => change_root_password(world, postgres, &on.of).await,
        Broken::LockRoot(_) => {
            sql(postgres, &format!("ALTER ROLE {} NOLOGIN", identifier(ROOT))).await?;
            let seen = until_role(postgres, ROOT, "rolcanlogin", "f").await?;
            let statement = format!("ALTER ROLE {} LOGIN", identifier(ROOT));
            Ok(effect(Undo::Sql { statement, then: "it may log in again" }, Part::Root, seen))
        }
        Broken::RevokePrivilege(_) => {
            let (less, more, column) = match postgres.root {
                RootKind::Createrole => ("NOCREATEROLE", "CREATEROLE", "rolcreaterole"),
                RootKind::Superuser => ("NOSUPERUSER NOCREATEROLE", "SUPERUSER", "rolsuper"),
            };
            sql(postgres, &format!("ALTER ROLE {} {less}", identifier(ROOT))).await?;
            let seen = until_role(postgres, ROOT, column, "f").await?;
            let statement = format!("ALTER ROLE {} {more}", identifier(ROOT));
            Ok(effect(Undo::Sql { statement, then: "it has its privilege again" }, Part::Root, seen))
        }
        Broken::TerminateSessions(_) => terminate(postgres).await,
        Broken::ExhaustConnections(_) => exhaust(postgres).await,
        Broken::DropUser(on) => {
            let user = user_of(world, &on.of)?;
            let statement = format!("DROP OWNED BY {0}; DROP ROLE {0}", identifier(&user));
            sql(postgres, &statement).await?;
            let seen = until_gone(postgres, &user).await?;
            let disturbs = vec![Part::Credential(on.of.to_string())];
            Ok(Effect { undo: super::Undo::Nothing, disturbs, seen })
        }
        Broken::OwnObjects(on) => {
            let user = user_of(world, &on.of)?;
            let table = identifier(&format!("owned_by_{}", *on.of));
            sql(
                postgres,
                &format!(
                    "CREATE TABLE public.{table} (id int); ALTER TABLE public.{table} OWNER TO {}",
                    identifier(&user)
                ),
            )
            .await?;
            let owner = format!("SELECT count(*) FROM pg_tables WHERE tableowner = {}", literal(&user));
            let seen = until_returns(postgres, &owner, "1").await?;
            let statement = format!("DROP TABLE public.{table}");
            Ok(effect(Undo::Sql { statement, then: "the table is gone" }, Part::Credential(on.of.to_string()), seen))
        }
        other => Err(FaultError::Refused { what: other.to_string(), why: "it is no fault of a database".to_owned() }),
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let postgres = world.postgres()?;
    match undo {
        Undo::RootPassword { connection, before } => heal_root_password(world, postgres, &connection, before).await,
        Undo::Sql { statement, then } => {
            sql(postgres, &statement).await?;
            Ok(then.to_owned())
        }
        Undo::Sessions(sessions) => {
            drop(sessions);
            let count = format!("SELECT count(*) FROM pg_stat_activity WHERE usename = {}", literal(FILLER));
            let seen = until_returns(postgres, &count, "0").await?;
            sql(postgres, &format!("DROP ROLE {}", identifier(FILLER))).await?;
            Ok(seen)
        }
    }
}

fn effect(undo: Undo, disturbs: Part, seen: String) -> Effect {
    Effect { undo: super::Undo::Database(undo), disturbs: vec![disturbs], seen }
}

async fn change_root_password(world: &World, postgres: &PostgresServer, of: &Ref) -> Result<Effect, FaultError> {
    let before = postgres.root_password();
    let password = world.history.secrets().learn(Secret::random());
    set_root_password(postgres, &password).await?;
    let old = Login { username: ROOT.to_owned(), password: before.clone() };
    let old = &old;
    let seen = until_shows("the old password refused", || async move {
        shows(&postgres.direct.login(old).await.outcome, |refusal| refusal.cause == Cause::Authentication)
    })
    .await?;
    postgres.set_root_password(password);
    Ok(effect(Undo::RootPassword { connection: of.clone(), before }, Part::Root, seen))
}

/// If Vault gets in with what it has (an operator has repaired it), there is nothing to undo; else the old password is
/// put back, which Vault still has.
async fn heal_root_password(
    world: &World,
    postgres: &PostgresServer,
    of: &Ref,
    before: Secret,
) -> Result<String, FaultError> {
    let vault = world.stack.vault.root();
    let reset = format!("{}/reset/{}", of.mount, of.name);
    if let Outcome::Ok(_) = vault.act(Method::Post, &reset, None).await.outcome {
        return Ok("vault gets in with what it has".to_owned());
    }
    set_root_password(postgres, &before).await?;
    postgres.set_root_password(before);
    must(&reset, vault.act(Method::Post, &reset, None).await.outcome)?;
    Ok("the old password is back, and vault gets in".to_owned())
}

async fn set_root_password(postgres: &PostgresServer, password: &Secret) -> Result<(), FaultError> {
    sql(postgres, &format!("ALTER ROLE {} PASSWORD {}", identifier(ROOT), literal(password.expose()))).await?;
    Ok(())
}

async fn terminate(postgres: &PostgresServer) -> Result<Effect, FaultError> {
    let of_root = format!("FROM pg_stat_activity WHERE usename = {}", literal(ROOT));
    let pids = sql(postgres, &format!("SELECT coalesce(string_agg(pid::text, ','), '') {of_root}")).await?;
    sql(postgres, &format!("SELECT pg_terminate_backend(pid) {of_root}")).await?;
    let pids = pids.unwrap_or_default();
    let left = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid::text = ANY(string_to_array({}, ','))",
        literal(&pids)
    );
    until_returns(postgres, &left, "0").await?;
    let ended = pids.split(',').filter(|pid| !pid.is_empty()).count();
    Ok(Effect { undo: super::Undo::Nothing, disturbs: vec![Part::Root], seen: format!("{ended} sessions ended") })
}

async fn exhaust(postgres: &PostgresServer) -> Result<Effect, FaultError> {
    let password = Secret::random();
    let create = format!("CREATE ROLE {} LOGIN PASSWORD {}", identifier(FILLER), literal(password.expose()));
    sql(postgres, &create).await?;
    let filler = Login { username: FILLER.to_owned(), password };
    let mut sessions = Vec::new();
    let mut looks = crate::wait::Looks::within(super::SHOWS);
    let seen = loop {
        match postgres.direct.open(&filler).await.outcome {
            Outcome::Ok(session) => sessions.push(session),
            Outcome::Refused(refusal) if refusal.cause == Cause::TooManyConnections => {
                let last = match left_to_take(postgres, sessions.len()).await {
                    Ok(left) if left == "0" => break refusal.to_string(),
                    Ok(left) => format!("{left} more will be free"),
                    Err(error) => error.to_string(),
                };
                if !looks.again().await {
                    return Err(FaultError::Unseen { what: "no connection left".to_owned(), last });
                }
            }
            no => return Err(FaultError::Refused { what: "a connection to fill".to_owned(), why: no.to_string() }),
        }
    };
    let seen = format!("{} connections are taken, the next was {seen}", sessions.len());
    Ok(effect(Undo::Sessions(sessions), Part::Postgres, seen))
}

/// How many connections of ordinary users are held by nobody who stays. A login that comes and goes, such as the probe's,
/// gives its connection back the moment after the filler was refused, and Vault would find it.
async fn left_to_take(postgres: &PostgresServer, taken: usize) -> Result<String, FaultError> {
    let query = format!(
        "SELECT greatest(0, current_setting('max_connections')::int \
         - current_setting('superuser_reserved_connections')::int - {taken} - count(*)) \
         FROM pg_stat_activity WHERE backend_type = 'client backend' AND usename <> {} \
         AND backend_start < clock_timestamp() - interval '2 seconds'",
        literal(FILLER)
    );
    Ok(sql(postgres, &query).await?.unwrap_or_default())
}

async fn sql(postgres: &PostgresServer, statement: &str) -> Result<Option<String>, FaultError> {
    must("a statement of the fault", postgres.direct.run(&postgres.admin, statement).await.outcome)
}

async fn until_role(postgres: &PostgresServer, role: &str, column: &str, value: &str) -> Result<String, FaultError> {
    let query = format!("SELECT {column} FROM pg_roles WHERE rolname = {}", literal(role));
    until_returns(postgres, &query, value).await
}

async fn until_gone(postgres: &PostgresServer, user: &str) -> Result<String, FaultError> {
    let query = format!("SELECT count(*) FROM pg_roles WHERE rolname = {}", literal(user));
    until_returns(postgres, &query, "0").await
}

async fn until_returns(postgres: &PostgresServer, query: &str, value: &str) -> Result<String, FaultError> {
    until_shows(query, || async move {
        match postgres.direct.run(&postgres.admin, query).await.outcome {
            Outcome::Ok(Some(cell)) if cell == value => Ok(format!("{query} → {cell}")),
            Outcome::Ok(cell) => Err(format!("{query} → {}", cell.unwrap_or_default())),
            no => Err(no.to_string()),
        }
    })
    .await
}

fn user_of(world: &World, credential: &Name) -> Result<String, FaultError> {
    let held = world.book.credential(credential.as_str());
    Ok(held.ok_or_else(|| Missing { kind: "credential", name: credential.to_string() })?.login.username)
}
