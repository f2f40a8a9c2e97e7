//! What is seen at the target: users, logins and sessions.

use std::collections::{HashMap, HashSet};

use super::picture::Picture;
use super::{LaneKind, Mark, Tone, label};
use crate::event::{Entry, Event};
use crate::outcome::Outcome;
use crate::time::Moment;

/// What is known of the target while a history is read.
#[derive(Default)]
pub(super) struct Target {
    /// The credential with which a session was opened.
    sessions: HashMap<String, String>,
    /// The credential that a user was made for.
    users: HashMap<String, String>,
    /// The credentials that have a user.
    with_user: HashSet<String>,
    /// The users that are there, by their names on the lane: when each was last seen.
    there: HashMap<String, Moment>,
}

impl Target {
    /// A user that Vault says it made. Empty names are those of sessions without a user.
    pub(super) fn learn(&mut self, credential: &str, username: &str) {
        if !username.is_empty() {
            self.users.insert(username.to_owned(), credential.to_owned());
            self.with_user.insert(credential.to_owned());
        }
    }

    fn has_user(&self, credential: &str) -> bool {
        self.with_user.contains(credential)
    }

    /// By what a user is called here: its credential, else its own name.
    fn name<'a>(&'a self, username: &'a str) -> &'a str {
        self.users.get(username).map_or(username, String::as_str)
    }
}

impl Picture {
    /// A look at the target, by a step, a probe or a ledger.
    pub(super) fn look(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Login { credential, outcome } => {
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
                self.login(entry, credential, outcome);
            }
            Event::PrincipalRead { credential, outcome } => {
                self.tick(LaneKind::Target, "", entry, label::mark(&entry.event));
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
                match outcome {
                    Outcome::Ok(Some(_)) => self.there(entry, credential),
                    Outcome::Ok(None) => self.gone(credential),
                    Outcome::Refused(_) | Outcome::Unknown(_) => {}
                }
            }
            Event::SessionOpened { session, credential, outcome } => {
                self.target.sessions.insert(session.clone(), credential.clone());
                self.tick(LaneKind::Credential, credential, entry, label::mark(&entry.event));
                self.login(entry, credential, outcome);
                self.session(entry, session);
            }
            Event::SessionUsed { session, .. } => {
                let credential = self.target.sessions.get(session).cloned().unwrap_or_else(|| session.clone());
                self.tick(LaneKind::Credential, &credential, entry, label::mark(&entry.event));
                self.session(entry, session);
            }
            Event::Ledger(read) => {
                self.tick(LaneKind::Vault, "", entry, (&read.leases).into());
                self.tick(LaneKind::Target, "", entry, (&read.principals).into());
                if let Outcome::Ok(users) = &read.principals {
                    self.ledger(entry, users);
                }
            }
            _ => {}
        }
    }

    /// What a login came to. An accepted one shows that its user is there; a refused one has other reasons too.
    pub(super) fn login(&mut self, entry: &Entry, credential: &str, outcome: &Outcome<()>) {
        let label = label::of(&entry.event);
        self.lane(LaneKind::Credential, credential).see(1, entry, Mark::from(outcome).into(), label);
        if matches!(outcome, Outcome::Ok(())) && self.target.has_user(credential) {
            self.there(entry, credential);
        }
    }

    fn session(&mut self, entry: &Entry, session: &str) {
        let mark = label::mark(&entry.event);
        self.tick(LaneKind::Session, session, entry, mark);
        let label = label::of(&entry.event);
        self.lane(LaneKind::Session, session).see(0, entry, mark.into(), label);
    }

    /// The users that Vault made, all of them: who is not among them is gone.
    fn ledger(&mut self, entry: &Entry, users: &[String]) {
        let names: Vec<String> = users.iter().map(|user| self.target.name(user).to_owned()).collect();
        let made = |name: &&String| self.target.has_user(name) && !names.contains(name);
        let missing: Vec<String> = self.target.there.keys().filter(made).cloned().collect();
        for name in missing {
            self.gone(&name);
        }
        for name in names {
            self.there(entry, &name);
        }
    }

    fn there(&mut self, entry: &Entry, name: &str) {
        if self.target.there.insert(name.to_owned(), entry.at.answered).is_none() {
            let end = self.timeline.to;
            self.lane(LaneKind::Principals, "").begin(entry, Tone::There, name.to_owned(), end);
        }
    }

    fn gone(&mut self, name: &str) {
        if let Some(last) = self.target.there.remove(name) {
            self.end_principal(name, last);
        }
    }

    /// A user was there until it was last seen; when it went after that, nobody knows.
    fn end_principal(&mut self, name: &str, last: Moment) {
        if let Some(bar) = self.lane(LaneKind::Principals, "").bars.iter_mut().rfind(|bar| bar.label == name) {
            bar.to = last;
        }
    }

    /// Whoever was not seen to go.
    pub(super) fn end_looks(&mut self) {
        for (name, last) in std::mem::take(&mut self.target.there) {
            self.end_principal(&name, last);
        }
    }
}
