//! Faults on a database server and on Vault's own user there. What is said to the server is in its own words.

use std::sync::Arc;

use super::{Effect, FaultError, must, shows, until_shows};
use crate::event::Part;
use crate::outcome::{Cause, Outcome};
use crate::scenario::Dbms;
use crate::scenario::file::Method;
use crate::scenario::one::Broken;
use crate::scenario::word::{Name, Ref};
use crate::secret::Secret;
use crate::service::database::{Login, Proof, ROOT, Session};
use crate::service::postgres::words::{identifier, literal};
use crate::stack::DatabaseServer;
use crate::world::{Missing, World};

/// What undoes a fault on a database.
pub(super) struct Undo {
    dbms: Dbms,
    what: What,
}

enum What {
    RootPassword { connection: Ref, before: Secret },
    Sql { statement: String, then: &'static str },
    Sessions(Vec<Arc<Session>>),
}

impl std::fmt::Debug for Undo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.what {
            What::RootPassword { .. } => "RootPassword",
            What::Sql { .. } => "Sql",
            What::Sessions(_) => "Sessions",
        })
    }
}

/// The user that takes all connections.
const FILLER: &str = "leaseproof_filler";

pub(super) async fn inject(world: &World, broken: &Broken<'_>) -> Result<Effect, FaultError> {
    match broken {
        Broken::ChangeRootPassword(on) => change_root_password(world, world.database_of(&on.of)?, &on.of).await,
        Broken::LockRoot(on) => {
            let database = world.database_of(&on.of)?;
            let words = database.direct.words();
            sql(database, &words.lock(ROOT)).await?;
            let seen = until(database, &words.locked(ROOT)).await?;
            let what = What::Sql { statement: words.unlock(ROOT), then: "it may log in again" };
            Ok(effect(database, what, Part::Root, seen))
        }
        Broken::RevokePrivilege(on) => {
            let database = world.database_of(&on.of)?;
            let words = database.direct.words();
            sql(database, &words.disarm_root(database.root)).await?;
            let seen = until(database, &words.disarmed_root(database.root)).await?;
            let what = What::Sql { statement: words.arm_root(database.root), then: "it has its privilege again" };
            Ok(effect(database, what, Part::Root, seen))
        }
        Broken::TerminateSessions(on) => terminate(world.database_of(&on.of)?).await,
        Broken::ExhaustConnections(on) => exhaust(world.database_of(&on.of)?).await,
        Broken::DropUser(on) => {
            let (database, user) = user_of(world, &on.of)?;
            let words = database.direct.words();
            sql(database, &words.drop_user(&user)).await?;
            let seen = until(database, &words.gone(&user)).await?;
            let disturbs = vec![Part::Credential(on.of.to_string())];
            Ok(Effect { undo: super::Undo::Nothing, disturbs, seen })
        }
        Broken::OwnObjects(on) => own_objects(world, &on.of).await,
        other => Err(FaultError::Refused { what: other.to_string(), why: "it is no fault of a database".to_owned() }),
    }
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let database = world.database(undo.dbms)?;
    match undo.what {
        What::RootPassword { connection, before } => heal_root_password(world, database, &connection, before).await,
        What::Sql { statement, then } => {
            sql(database, &statement).await?;
            Ok(then.to_owned())
        }
        What::Sessions(sessions) => {
            drop(sessions);
            let words = database.direct.words();
            let none = Proof { query: words.sessions(FILLER), returns: "" };
            until(database, &none).await?;
            sql(database, &words.drop_user(FILLER)).await?;
            Ok("the connections are free again".to_owned())
        }
    }
}

fn effect(database: &DatabaseServer, what: What, disturbs: Part, seen: String) -> Effect {
    let undo = super::Undo::Database(Undo { dbms: database.dbms(), what });
    Effect { undo, disturbs: vec![disturbs], seen }
}

async fn change_root_password(world: &World, database: &DatabaseServer, of: &Ref) -> Result<Effect, FaultError> {
    let before = database.root_password();
    let password = world.history.secrets().learn(Secret::random());
    set_root_password(database, &password).await?;
    let old = Login { username: ROOT.to_owned(), password: before.clone() };
    let old = &old;
    let seen = until_shows("the old password refused", || async move {
        shows(&database.direct.login(old).await.outcome, |refusal| refusal.cause == Cause::Authentication)
    })
    .await?;
    database.set_root_password(password);
    Ok(effect(database, What::RootPassword { connection: of.clone(), before }, Part::Root, seen))
}

/// If Vault gets in with what it has (an operator has repaired it), there is nothing to undo; else the old password is
/// put back, which Vault still has.
async fn heal_root_password(
    world: &World,
    database: &DatabaseServer,
    of: &Ref,
    before: Secret,
) -> Result<String, FaultError> {
    let vault = world.stack.vault.root();
    let reset = format!("{}/reset/{}", of.mount, of.name);
    if let Outcome::Ok(_) = vault.act(Method::Post, &reset, None).await.outcome {
        return Ok("vault gets in with what it has".to_owned());
    }
    set_root_password(database, &before).await?;
    database.set_root_password(before);
    must(&reset, vault.act(Method::Post, &reset, None).await.outcome)?;
    Ok("the old password is back, and vault gets in".to_owned())
}

async fn set_root_password(database: &DatabaseServer, password: &Secret) -> Result<(), FaultError> {
    sql(database, &database.direct.words().set_password(ROOT, password)).await?;
    Ok(())
}

async fn terminate(database: &DatabaseServer) -> Result<Effect, FaultError> {
    let words = database.direct.words();
    let there = sessions(database).await?;
    for number in &there {
        // One that has ended meanwhile cannot be ended; whether all are gone is seen below.
        let _ = database.direct.run(&database.admin, &words.end_session(*number)).await;
    }
    let there = &there;
    until_shows("the sessions gone", || async move {
        match sessions(database).await {
            Ok(left) if there.iter().all(|number| !left.contains(number)) => Ok(String::new()),
            Ok(left) => Err(format!("{} are there", left.len())),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?;
    let seen = format!("{} sessions ended", there.len());
    Ok(Effect { undo: super::Undo::Nothing, disturbs: vec![Part::Root], seen })
}

/// The numbers of the sessions that Vault's own user has.
async fn sessions(database: &DatabaseServer) -> Result<Vec<u64>, FaultError> {
    let numbers = sql(database, &database.direct.words().sessions(ROOT)).await?.unwrap_or_default();
    Ok(numbers.split(',').filter_map(|number| number.parse().ok()).collect())
}

async fn exhaust(database: &DatabaseServer) -> Result<Effect, FaultError> {
    let password = Secret::random();
    sql(database, &database.direct.words().create_user(FILLER, &password)).await?;
    let filler = Login { username: FILLER.to_owned(), password };
    let mut sessions = Vec::new();
    let mut looks = crate::wait::Looks::within(super::SHOWS);
    let seen = loop {
        match database.direct.open(&filler).await.outcome {
            Outcome::Ok(session) => sessions.push(session),
            Outcome::Refused(refusal) if refusal.cause == Cause::TooManyConnections => {
                // A login that comes and goes, such as the probe's, gives its connection back the moment after the filler
                // was refused, and Vault would find it.
                let left = sql(database, &database.direct.words().left_to_take(FILLER, sessions.len())).await;
                let last = match left.map(Option::unwrap_or_default) {
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
    Ok(effect(database, What::Sessions(sessions), Part::from(database.dbms().server()), seen))
}

/// On PostgreSQL alone: elsewhere users own nothing, which the scenario's check says.
async fn own_objects(world: &World, credential: &Name) -> Result<Effect, FaultError> {
    let (database, user) = user_of(world, credential)?;
    let table = identifier(&format!("owned_by_{credential}"));
    let owner = identifier(&user);
    sql(database, &format!("CREATE TABLE public.{table} (id int); ALTER TABLE public.{table} OWNER TO {owner}"))
        .await?;
    let query = format!("SELECT count(*) FROM pg_tables WHERE tableowner = {}", literal(&user));
    let seen = until(database, &Proof { query, returns: "1" }).await?;
    let what = What::Sql { statement: format!("DROP TABLE public.{table}"), then: "the table is gone" };
    Ok(effect(database, what, Part::Credential(credential.to_string()), seen))
}

async fn sql(database: &DatabaseServer, statement: &str) -> Result<Option<String>, FaultError> {
    must("a statement of the fault", database.direct.run(&database.admin, statement).await.outcome)
}

async fn until(database: &DatabaseServer, proof: &Proof) -> Result<String, FaultError> {
    let Proof { query, returns } = proof;
    until_shows(query, || async move {
        match database.direct.run(&database.admin, query).await.outcome {
            Outcome::Ok(cell) if cell.as_deref().unwrap_or_default() == *returns => Ok(format!("{query} → {returns}")),
            Outcome::Ok(cell) => Err(format!("{query} → {}", cell.unwrap_or_default())),
            no => Err(no.to_string()),
        }
    })
    .await
}

fn user_of<'w>(world: &'w World, credential: &Name) -> Result<(&'w DatabaseServer, String), FaultError> {
    let held = world.book.credential(credential.as_str());
    let held = held.ok_or_else(|| Missing { kind: "credential", name: credential.to_string() })?;
    let dbms =
        held.dbms.ok_or_else(|| Missing { kind: "database user of credential", name: credential.to_string() })?;
    Ok((world.database(dbms)?, held.login.username))
}
