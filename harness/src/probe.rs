//! The probe: looks at Vault, at the target and at each held credential all the time; finely around an expected change,
//! seldom otherwise, and no more at what has been seen to be over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::check::lease::{Life, lives};
use crate::event::{Actor, Entry, Event};
use crate::look;
use crate::outcome::Cause;
use crate::time::Moment;
use crate::world::World;

/// Between two looks when nothing is about to change.
const SELDOM: Duration = Duration::from_secs(2);
/// Between two looks at a credential that is about to end, or may just have ended.
const FINELY: Duration = Duration::from_millis(250);
/// How long before its end a credential is watched finely, and how long after.
const BEFORE: Duration = Duration::from_secs(1);
const AFTER: Duration = Duration::from_secs(8);

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
        for (name, pace) in world.history.read(|entries| watched(entries, now)) {
            if last_look.get(&name).is_none_or(|last| now.since(*last) >= pace) {
                // A credential that the book does not know was never kept; there is nothing to log in with.
                let _ = look::log_in(world, &who, None, &name).await;
                last_look.insert(name, now);
            }
        }
        sleep(FINELY).await;
    }
}

/// The credentials to look at, and how often.
fn watched(history: &[Entry], now: Moment) -> Vec<(String, Duration)> {
    let mut lives = lives(history);
    // Once it was refused after its end, it does not come back: the last reads look at it once more.
    for entry in history {
        if let Event::Login { credential, outcome } = &entry.event
            && outcome.refusal().is_some_and(|refusal| refusal.cause == Cause::Authentication)
            && lives.get(credential).is_some_and(|life| life.over_since(entry.at).is_some())
        {
            lives.remove(credential);
        }
    }
    lives.into_iter().map(|(name, life)| (name, pace(&life, now))).collect()
}

fn pace(life: &Life, now: Moment) -> Duration {
    let near_its_end = life.end().is_some_and(|end| now.plus(BEFORE) >= end.sent && now <= end.answered.plus(AFTER));
    let ended_early = life.ended_early.as_ref().is_some_and(|early| now <= early.sent.plus(AFTER));
    if near_its_end || ended_early { FINELY } else { SELDOM }
}
