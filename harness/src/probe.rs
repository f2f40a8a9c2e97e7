//! The probe: looks at Vault, at the target and at each held credential all the time; finely around an expected change,
//! seldom otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::check::lease::{Life, lives};
use crate::event::Actor;
use crate::look;
use crate::time::Moment;
use crate::world::World;

/// Between two looks when nothing is about to change.
const SELDOM: Duration = Duration::from_secs(2);
/// Between two looks at a credential that is about to end, or has just ended.
const FINELY: Duration = Duration::from_millis(250);
/// How long before its end a credential is watched finely, and how long after.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(8);
/// A credential that has been over for so long is not looked at any more; the last reads look once again.
const FORGET: Duration = Duration::from_secs(60);

/// Looks until it is told to stop.
pub async fn run(world: Arc<World>, stop: CancellationToken) {
    tokio::select! {
        () = look_around(&world) => {}
        () = stop.cancelled() => {}
    }
}

async fn look_around(world: &World) {
    let who = Actor::Probe;
    let mut last_look: BTreeMap<String, Moment> = BTreeMap::new();
    let mut last_round: Option<Moment> = None;
    loop {
        let now = world.history.now();
        if last_round.is_none_or(|last| now.since(last) >= SELDOM) {
            last_round = Some(now);
            look::health(world, &who, None).await;
        }
        let lives = lives(&world.history.entries());
        for (name, life) in &lives {
            let pace = pace(life, now);
            let due = last_look.get(name).is_none_or(|last| pace.is_some_and(|pace| now.since(*last) >= pace));
            if due && pace.is_some() {
                last_look.insert(name.clone(), now);
                // A credential that the book does not know was never kept; there is nothing to log in with.
                let _ = look::log_in(world, &who, None, name).await;
            }
        }
        sleep(FINELY).await;
    }
}

/// How often to look at a credential; `None`: no more.
fn pace(life: &Life, now: Moment) -> Option<Duration> {
    let Some(end) = life.end() else { return Some(SELDOM) };
    if now > end.answered.plus(FORGET) {
        return None;
    }
    let near = now.plus(BEFORE) >= end.sent && now <= end.answered.plus(AFTER);
    let just_ended = life.ended_early.as_ref().is_some_and(|early| now <= early.sent.plus(AFTER));
    Some(if near || just_ended { FINELY } else { SELDOM })
}
