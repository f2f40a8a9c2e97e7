//! Faults that wait for their moment: armed when they are injected, in effect when the moment has come. The link holds
//! everything back from the very byte on; what is to break is broken then, and only then is anything let go.

use std::sync::Arc;

use regex::Regex;
use tokio::task::JoinHandle;

use super::process::Target;
use super::{Effect, FaultError, network, process, vault};
use crate::event::{Actor, Event, Part};
use crate::link::{Coming, Moment, Protocol, ToxicId, Watch};
use crate::scenario::Dbms;
use crate::scenario::file::{Endpoint, When};
use crate::scenario::one::Broken;
use crate::stack::DatabaseServer;
use crate::world::World;

/// What undoes an armed fault.
#[derive(Debug)]
pub(super) struct Undo {
    from: Endpoint,
    to: Endpoint,
    armed: ToxicId,
    coming: Coming,
    title: String,
    /// What does the breaking when the moment has come.
    breaking: JoinHandle<Result<Then, FaultError>>,
}

/// What is broken when the moment has come, and how that is undone.
#[derive(Debug)]
enum Then {
    Network(network::Undo),
    Process(process::Undo),
    Vault(vault::Undo),
}

/// What is to be broken.
#[derive(Debug, Clone, Copy)]
enum Break {
    Down,
    Cut,
    Reset,
    Kill(Target),
    Seal,
}

/// The moment for which a fault waits, if it waits for one.
pub(super) fn moment<'a>(broken: &Broken<'a>) -> Option<&'a When> {
    match broken {
        Broken::Down(on) | Broken::Cut(on) | Broken::Reset(on) => on.when.as_deref(),
        Broken::Kill(on) => on.when.as_deref(),
        Broken::Seal(on) => on.when.as_deref(),
        _ => None,
    }
}

pub(super) async fn inject(world: &Arc<World>, broken: &Broken<'_>, when: &When) -> Result<Effect, FaultError> {
    let title = broken.to_string();
    let mut broken_too = Vec::new();
    let dbms = world.stack.databases().next().map_or(Dbms::Postgres, DatabaseServer::dbms);
    let ((from, to), what) = match broken {
        Broken::Down(on) => ((*on.from, *on.to), Break::Down),
        Broken::Cut(on) => ((*on.from, *on.to), Break::Cut),
        Broken::Reset(on) => ((*on.from, *on.to), Break::Reset),
        Broken::Kill(on) => {
            let (target, whom) = process::target(world, *on.server, on.node.map(|node| *node)).await?;
            broken_too = whom;
            (when.link(dbms), Break::Kill(target))
        }
        Broken::Seal(_) => {
            broken_too.push(Part::Vault);
            (when.link(dbms), Break::Seal)
        }
        _ => return Err(FaultError::Refused { what: title, why: "it cannot wait for a moment".to_owned() }),
    };
    // Vault seals itself while its requests are answered; what else is broken loses what was under way.
    let gives_back = matches!(what, Break::Seal);
    let watch = watch(when, to, gives_back).map_err(|why| FaultError::Refused { what: title.clone(), why })?;
    let (armed, coming) = network::link(world, from, to)?.arm(watch).await?;
    let breaking = tokio::spawn(break_then(world.clone(), (from, to), armed, coming.clone(), what, title.clone()));
    let mut disturbs = vec![Part::Link { from, to }];
    disturbs.extend(broken_too);
    let seen = "the link reads what is said, and waits for its moment".to_owned();
    Ok(Effect { undo: super::Undo::Armed(Undo { from, to, armed, coming, title, breaking }), disturbs, seen })
}

fn watch(when: &When, to: Endpoint, gives_back: bool) -> Result<Watch, String> {
    let whole: String;
    let (protocol, pattern) = match (&when.statement, &when.request, &when.action) {
        (Some(statement), ..) if Dbms::at(to) == Some(Dbms::Mysql) => (Protocol::MySql, statement.as_str()),
        (Some(statement), ..) => (Protocol::Postgres, statement.as_str()),
        (None, Some(request), _) => (Protocol::Http, request.as_str()),
        (None, None, Some(action)) => {
            // `DeleteUser` is not `DeleteUserPolicy`.
            whole = format!("^(?:{})$", action.as_str());
            (Protocol::Aws, whole.as_str())
        }
        (None, None, None) => return Err("it names no statement, request or action".to_owned()),
    };
    let pattern = Regex::new(pattern).map_err(|error| error.to_string())?;
    let moment = if when.after.is_some() { Moment::AfterDone } else { Moment::BeforeSent };
    Ok(Watch { protocol, pattern, moment, gives_back })
}

async fn break_then(
    world: Arc<World>,
    (from, to): (Endpoint, Endpoint),
    armed: ToxicId,
    mut coming: Coming,
    what: Break,
    title: String,
) -> Result<Then, FaultError> {
    coming.wait().await;
    let link = network::link(&world, from, to)?;
    let on_link = |what| Then::Network(network::Undo::one(from, to, what));
    let then = match what {
        Break::Down => {
            link.disable().await?;
            on_link(network::What::Enable)
        }
        Break::Cut => on_link(network::What::Remove(link.cut().await?)),
        Break::Reset => on_link(network::What::Remove(link.reset().await?)),
        Break::Kill(target) => {
            process::kill(&world, target).await?;
            // The dead leave no connection open: the other side is to learn of it.
            link.remove(armed).await?;
            Then::Process(process::Undo::Start(target))
        }
        Break::Seal => {
            let node = vault::sealable(&world).await?;
            // What was under way comes back while Vault seals itself: it waits for that, or ends it.
            let released = async {
                vault::until_sealing(node).await?;
                link.remove(armed).await.map_err(FaultError::from)
            };
            let sealing = async {
                tokio::try_join!(vault::ask_to_seal(&world, node), released)?;
                vault::until_sealed(node).await
            };
            let undo = vault::Undo::Unseal(node.name);
            if let Err(error) = sealing.await {
                // It may be sealed, or become so, all the same; that it was not seen is what is told.
                let _ = vault::heal(&world, undo).await;
                return Err(error);
            }
            Then::Vault(undo)
        }
    };
    world.history.note(Actor::Harness, Event::Note(format!("the moment came, and the fault took effect: {title}")));
    Ok(then)
}

pub(super) async fn heal(world: &World, undo: Undo) -> Result<String, FaultError> {
    let Undo { from, to, armed, coming, title, breaking } = undo;
    let link = network::link(world, from, to)?;
    if !coming.has_come() {
        breaking.abort();
        // It ends by being aborted, which is an error there; or the moment came just now, and what it broke is undone below.
        let came = breaking.await;
        link.remove(armed).await?;
        return match came {
            Ok(then) => undo_then(world, then?).await,
            Err(_) => Err(FaultError::NeverCame { title }),
        };
    }
    let broken = breaking.await.map_err(|error| FaultError::Unseen { what: title, last: error.to_string() });
    let then = match broken.and_then(|then| then) {
        Ok(then) => then,
        Err(error) => {
            // It may have let go of the link before it failed.
            let _ = link.remove(armed).await;
            return Err(error);
        }
    };
    if matches!(then, Then::Network(_)) {
        link.remove(armed).await?;
    }
    undo_then(world, then).await
}

async fn undo_then(world: &World, then: Then) -> Result<String, FaultError> {
    let seen = match then {
        Then::Network(undo) => network::heal(world, undo).await?,
        Then::Process(undo) => process::heal(world, undo).await?,
        Then::Vault(undo) => vault::heal(world, undo).await?,
    };
    Ok(format!("its moment had come; {seen}"))
}
