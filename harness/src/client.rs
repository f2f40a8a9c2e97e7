//! Clients: they hold a credential as an application does. Each logs in with its AppRole, takes a credential, uses it all
//! the time over its own links, renews lease and token at a fraction of their TTLs, and takes new ones when renewal ends.
//! A client never retries a call: what failed is done again only in its next turn.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::engine::approle;
use crate::event::{Actor, Event, TokenAct};
use crate::operator::{Wanted, bodies, issue, keep_token};
use crate::outcome::{Cause, Outcome};
use crate::plan::PlannedClient;
use crate::scenario::Client;
use crate::secret::Secret;
use crate::service::Seen;
use crate::service::database::Login;
use crate::service::vault::Vault;
use crate::world::{Missing, World};

/// How long a client waits for Vault before it gives a call up.
const DEADLINE: Duration = Duration::from_secs(10);
/// The pause after a call that failed, and the shortest between two turns.
const TURN: Duration = Duration::from_secs(1);

/// What the two halves of a client share: the credential that it uses now.
type Present = watch::Sender<Option<(String, Login)>>;

/// Runs a client until it is told to stop.
pub async fn run(world: Arc<World>, planned: PlannedClient, stop: CancellationToken) {
    let present: Present = watch::Sender::new(None);
    let keeper = Keeper { world: &world, client: &planned.client, present: &present, taken: 0 };
    let both = async {
        sleep(planned.starts_after).await;
        tokio::join!(keeper.keep(), use_it(&world, &planned.client, &present));
    };
    tokio::select! {
        () = both => {}
        () = stop.cancelled() => {}
    }
}

/// Uses the present credential, all the time.
async fn use_it(world: &World, client: &Client, present: &Present) {
    let who = Actor::Client(client.name.to_string());
    let mut holds = present.subscribe();
    // What the client lacks before its first credential is no gap: it has not begun yet.
    if holds.wait_for(Option::is_some).await.is_err() {
        return;
    }
    loop {
        let turn = Instant::now();
        let held = holds.borrow_and_update().clone();
        match held {
            Some((credential, login)) => {
                let Ok(seen) = work(world, client, &credential, &login).await else { return };
                let refused = seen.outcome.refusal().is_some_and(|refusal| refusal.cause == Cause::Authentication);
                world.seen(&who, None, seen, |outcome| Event::Used {
                    credential: Some(credential.clone()),
                    outcome: Some(outcome),
                });
                if refused {
                    // Told to the keeper, who takes another; unless it already has.
                    present.send_if_modified(|now| {
                        let same = now.as_ref().is_some_and(|(name, _)| *name == credential);
                        if same {
                            *now = None;
                        }
                        same
                    });
                }
            }
            None => {
                world.history.note(who.clone(), Event::Used { credential: None, outcome: None });
            }
        }
        sleep_until(turn + client.uses_every).await;
    }
}

/// Uses a credential as an application does, over the client's own link: a query, or a signed request to AWS.
async fn work(world: &World, client: &Client, credential: &str, login: &Login) -> Result<Seen<()>, Missing> {
    match world.book.key(credential) {
        Some(key) => Ok(world.aws()?.linked.login(&key).await),
        None => Ok(world.database_of(&client.holds)?.linked.work(login).await),
    }
}

/// The half that talks to Vault.
struct Keeper<'a> {
    world: &'a World,
    client: &'a Client,
    present: &'a Present,
    taken: u32,
}

/// A token and when to renew it.
struct HeldToken {
    vault: Vault,
    renew_at: Instant,
    ttl: u64,
}

/// How a turn with Vault ended.
enum Turn {
    /// Go on.
    Done,
    /// The token is no good any more.
    LogInAgain,
    /// The credential is no good any more, or cannot be renewed.
    TakeAnother,
}

impl Keeper<'_> {
    async fn keep(mut self) {
        loop {
            let Some(mut token) = self.log_in().await else {
                sleep(TURN).await;
                continue;
            };
            self.keep_with(&mut token).await;
        }
    }

    /// Holds credentials with one token, until that is no good any more.
    async fn keep_with(&mut self, token: &mut HeldToken) {
        loop {
            let name = format!("{}#{}", self.client.name, self.taken + 1);
            let who = self.who();
            let role = &self.client.holds;
            let of = Some(self.client.name.to_string());
            let wanted = Wanted { role, ttl: None, token: of };
            let outcome = issue(self.world, &who, None, &token.vault, &name, wanted).await;
            let held = match outcome {
                Ok(Outcome::Ok(held)) => held,
                Ok(Outcome::Refused(refusal)) if refusal.cause == Cause::PermissionDenied => {
                    sleep(TURN).await;
                    return;
                }
                Ok(Outcome::Refused(_) | Outcome::Unknown(_)) | Err(_) => {
                    sleep(TURN).await;
                    continue;
                }
            };
            self.taken += 1;
            self.present.send_replace(Some((name.clone(), held.login.clone())));
            if matches!(self.hold(token, &name, &held.lease_id, held.ttl).await, Turn::LogInAgain) {
                return;
            }
        }
    }

    /// Holds one credential until it must be replaced.
    async fn hold(&mut self, token: &mut HeldToken, name: &str, lease_id: &str, ttl: u64) -> Turn {
        let mut renew_at = self.renewal(ttl);
        let mut ending = false;
        let mut present = self.present.subscribe();
        loop {
            let next = renew_at.min(token.renew_at);
            tokio::select! {
                () = sleep_until(next) => {}
                // Its own use was refused: no renewal brings it back.
                _ = present.wait_for(Option::is_none) => return Turn::TakeAnother,
            }
            if token.renew_at <= Instant::now() {
                if let Turn::LogInAgain = self.renew_token(token).await {
                    return Turn::LogInAgain;
                }
                continue;
            }
            if ending {
                return Turn::TakeAnother;
            }
            let seen = token.vault.renew_lease(lease_id, None).await;
            let outcome = seen.outcome.clone();
            let credential = name.to_owned();
            self.world.seen(&self.who(), None, seen, |outcome| Event::Renewed { credential, increment: None, outcome });
            match outcome {
                Outcome::Ok(reply) => {
                    renew_at = self.renewal(reply.body.ttl);
                    // The server caps what is left at the maximum: when it gives less than before, renewal is ending,
                    // and what comes next is another credential.
                    ending = reply.body.ttl < ttl;
                }
                Outcome::Refused(refusal) => match refusal.cause {
                    Cause::PermissionDenied => return Turn::LogInAgain,
                    Cause::LeaseNotFound | Cause::LeaseExpired | Cause::InvalidLease | Cause::NotRenewable => {
                        return Turn::TakeAnother;
                    }
                    Cause::PastMaxTtl | Cause::Irrevocable | Cause::UnknownRole => return Turn::TakeAnother,
                    _ => renew_at = Instant::now() + TURN,
                },
                Outcome::Unknown(_) => renew_at = Instant::now() + TURN,
            }
        }
    }

    async fn log_in(&self) -> Option<HeldToken> {
        let vault = self.world.stack.vault.linked.within(DEADLINE);
        let with = self.world.approles.get(self.client.name.as_str())?;
        let seen = approle::login(&vault, with).await;
        keep_token(self.world, self.client.name.as_str(), &seen);
        let token: Option<Secret> = seen.outcome.ok().map(|reply| reply.body.token.clone());
        let ttl = seen.outcome.ok().map_or(0, |reply| reply.body.state.ttl);
        self.world.seen(&self.who(), None, bodies(seen, |new| new.state), |outcome| Event::Token {
            token: self.client.name.to_string(),
            act: TokenAct::Made,
            outcome,
        });
        Some(HeldToken { vault: vault.with_token(&token?), renew_at: self.renewal(ttl), ttl })
    }

    async fn renew_token(&self, token: &mut HeldToken) -> Turn {
        let seen = token.vault.renew_self(None).await;
        let outcome = seen.outcome.clone();
        self.world.seen(&self.who(), None, seen, |outcome| Event::Token {
            token: self.client.name.to_string(),
            act: TokenAct::Renewed,
            outcome,
        });
        match outcome {
            Outcome::Ok(reply) if reply.body.ttl < token.ttl => Turn::LogInAgain,
            Outcome::Ok(reply) => {
                token.renew_at = self.renewal(reply.body.ttl);
                Turn::Done
            }
            Outcome::Refused(refusal) if refusal.cause == Cause::PermissionDenied => Turn::LogInAgain,
            Outcome::Refused(_) | Outcome::Unknown(_) => {
                token.renew_at = Instant::now() + TURN;
                Turn::Done
            }
        }
    }

    fn renewal(&self, ttl: u64) -> Instant {
        Instant::now() + self.client.renews_at.of(Duration::from_secs(ttl)).max(TURN)
    }

    fn who(&self) -> Actor {
        Actor::Client(self.client.name.to_string())
    }
}
