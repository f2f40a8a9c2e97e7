//! What is overheard on the clients' links while consumers run: how often credentials are asked for, the requests that the
//! scenario listens for, and who logs in at PostgreSQL. What is said again and again is written once a second, with how often it was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use regex::Regex;
use tokio_util::sync::CancellationToken;

use crate::event::{Actor, Event, Heard};
use crate::link::{Overheard, Protocol};
use crate::scenario::file::Endpoint;
use crate::scenario::one::Throughout;
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
    let wanted = Arc::new(Wanted::of(&world));
    for (to, protocol) in [(Endpoint::Vault, Protocol::Http), (Endpoint::Postgres, Protocol::Postgres)] {
        let Some(link) = world.stack.links.get(Endpoint::Clients, to) else { continue };
        let (waiting, wanted, clock) = (Arc::clone(&waiting), Arc::clone(&wanted), *world.history.clock());
        let told = move |heard| wanted.of_interest(heard).into_iter().for_each(|heard| put(&waiting, heard, &clock));
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

/// What is worth an entry, beside logins.
struct Wanted {
    /// The roles of consumers.
    roles: Vec<Ref>,
    /// The requests that the scenario listens for.
    requests: Vec<Regex>,
}

impl Wanted {
    fn of(world: &World) -> Self {
        let listened = world.plan.scenario.always.iter().filter_map(|invariant| match invariant.what.one() {
            Some(Throughout::AsksEvery(asks)) => Regex::new(&asks.request).ok(),
            _ => None,
        });
        let roles = world.consumers.iter().flat_map(|consumer| consumer.spec.may_issue.clone());
        Self { roles: roles.collect(), requests: listened.collect() }
    }

    fn of_interest(&self, heard: Overheard) -> Vec<Heard> {
        match heard {
            Overheard::Request { request, status } => {
                let asked = self.asked(&request).map(|role| Heard::Asked { role, status });
                let matching = self.requests.iter().filter(|wanted| wanted.is_match(&request));
                let made = matching.map(|wanted| Heard::Requested { request: wanted.to_string(), status });
                asked.into_iter().chain(made).collect()
            }
            Overheard::Login { username, refused } => vec![Heard::LoggedIn { username, refused }],
        }
    }

    /// The role whose credentials a request asks for.
    fn asked(&self, request: &str) -> Option<String> {
        let path = request.strip_prefix("GET /v1/")?;
        let path = path.split_once('?').map_or(path, |(path, _)| path);
        let role = self.roles.iter().find(|role| path == format!("{}/creds/{}", role.mount, role.name))?;
        Some(role.to_string())
    }
}

fn lock(waiting: &Waiting) -> MutexGuard<'_, BTreeMap<Heard, (Interval, u32)>> {
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(requests: &[&str]) -> Wanted {
        let requests = requests.iter().map(|request| Regex::new(request).unwrap()).collect();
        Wanted { roles: vec!["database/app".parse().unwrap()], requests }
    }

    fn request(request: &str) -> Overheard {
        Overheard::Request { request: request.to_owned(), status: 200 }
    }

    #[test]
    fn requests_for_a_consumers_roles_are_heard_and_no_others() {
        let wanted = wanted(&[]);
        let asked = [Heard::Asked { role: "database/app".to_owned(), status: 200 }];
        assert_eq!(wanted.of_interest(request("GET /v1/database/creds/app")), asked);
        assert_eq!(wanted.of_interest(request("GET /v1/database/creds/app?x=y")), asked);
        for other in ["GET /v1/database/creds/apple", "PUT /v1/sys/leases/renew", "GET /v1/sys/health"] {
            assert_eq!(wanted.of_interest(request(other)), []);
        }
    }

    #[test]
    fn requests_that_are_listened_for_are_heard_by_their_expression() {
        let renewal = "(PUT|POST) /v1/sys/leases/renew$";
        let wanted = wanted(&[renewal, "creds/app"]);
        let made = |request: &str| Heard::Requested { request: request.to_owned(), status: 200 };
        assert_eq!(wanted.of_interest(request("PUT /v1/sys/leases/renew")), [made(renewal)]);
        assert_eq!(wanted.of_interest(request("PUT /v1/sys/leases/renewal")), []);
        assert_eq!(wanted.of_interest(request("GET /v1/database/creds/app")).len(), 2);
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
