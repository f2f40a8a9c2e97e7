//! What is overheard on the clients' links while consumers run: how often credentials are asked for, and who logs in at
//! PostgreSQL. What is said again and again is written once a second, with how often it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::event::{Actor, Event, Heard};
use crate::link::{Overheard, Protocol};
use crate::scenario::file::Endpoint;
use crate::scenario::word::Ref;
use crate::time::{Clock, Interval};
use crate::world::World;

/// What is alike within this time is one entry.
const TOGETHER: Duration = Duration::from_secs(1);
/// Between two looks at what is to be written.
const TURN: Duration = Duration::from_millis(250);

/// What was heard and is not written yet.
type Waiting = Mutex<BTreeMap<Heard, (Interval, u32)>>;

/// Listens on the links that consumers use, and writes what is heard until it is told to stop. Nothing of this is heard on
/// links that a Toxiproxy server has; those of a scenario with consumers stay in this process.
pub(super) async fn listen(world: Arc<World>, stop: CancellationToken) {
    let waiting: Arc<Waiting> = Arc::default();
    let roles: Vec<Ref> = world.consumers.iter().flat_map(|consumer| consumer.spec.may_issue.clone()).collect();
    for (to, protocol) in [(Endpoint::Vault, Protocol::Http), (Endpoint::Postgres, Protocol::Postgres)] {
        let Some(link) = world.stack.links.get(Endpoint::Clients, to) else { continue };
        let (waiting, roles, clock) = (Arc::clone(&waiting), roles.clone(), *world.history.clock());
        let told = move |heard| {
            if let Some(heard) = of_interest(heard, &roles) {
                put(&waiting, heard, &clock);
            }
        };
        link.listen(protocol, Arc::new(told));
    }
    while stop.run_until_cancelled(tokio::time::sleep(TURN)).await.is_some() {
        let now = world.history.now();
        write(&world, &waiting, |at| now.since(at.sent) >= TOGETHER);
    }
    write(&world, &waiting, |_| true);
}

fn put(waiting: &Waiting, heard: Heard, clock: &Clock) {
    let now = clock.now();
    let mut waiting = lock(waiting);
    let (at, count) = waiting.entry(heard).or_insert((Interval::at(now), 0));
    at.answered = now;
    *count = count.saturating_add(1);
}

fn write(world: &World, waiting: &Waiting, due: impl Fn(Interval) -> bool) {
    let taken: Vec<_> = {
        let mut waiting = lock(waiting);
        let (now, later) = std::mem::take(&mut *waiting).into_iter().partition(|(_, (at, _))| due(*at));
        *waiting = later;
        BTreeMap::into_iter(now).collect()
    };
    for (heard, (at, count)) in taken {
        world.write(&Actor::Harness, None, at, Event::Heard { heard, count });
    }
}

/// Requests for the roles of consumers, and logins.
fn of_interest(heard: Overheard, roles: &[Ref]) -> Option<Heard> {
    match heard {
        Overheard::Request { request, status } => {
            let path = request.strip_prefix("GET /v1/")?;
            let path = path.split_once('?').map_or(path, |(path, _)| path);
            let role = roles.iter().find(|role| path == format!("{}/creds/{}", role.mount, role.name))?;
            Some(Heard::Asked { role: role.to_string(), status })
        }
        Overheard::Login { username, refused } => Some(Heard::LoggedIn { username, refused }),
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, BTreeMap<Heard, (Interval, u32)>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_for_a_consumers_roles_are_heard_and_no_others() {
        let roles: [Ref; 1] = ["database/app".parse().unwrap()];
        let request = |request: &str| Overheard::Request { request: request.to_owned(), status: 200 };
        let asked = Some(Heard::Asked { role: "database/app".to_owned(), status: 200 });
        assert_eq!(of_interest(request("GET /v1/database/creds/app"), &roles), asked);
        assert_eq!(of_interest(request("GET /v1/database/creds/app?x=y"), &roles), asked);
        for other in ["GET /v1/database/creds/apple", "PUT /v1/sys/leases/renew", "GET /v1/sys/health"] {
            assert_eq!(of_interest(request(other), &roles), None);
        }
    }

    #[test]
    fn what_is_alike_is_counted_together() {
        let (waiting, clock) = (Waiting::default(), Clock::start());
        let asked = |status| Heard::Asked { role: "database/app".to_owned(), status };
        for status in [200, 500, 500] {
            put(&waiting, asked(status), &clock);
        }
        let counts: Vec<u32> = lock(&waiting).values().map(|(_, count)| *count).collect();
        assert_eq!(counts, [1, 2]);
    }
}
