//! Who is called what: every name that a scenario declares, and what it may be used for.

use std::collections::BTreeMap;

use super::super::decode::Lost;
use super::super::diagnostic::Diagnostic;
use super::super::file::{Answer, Database, Fault, ScenarioFile, Step};
use super::super::hint::{did_you_mean, list_of};
use super::super::mark::{Marked, Place};
use super::super::word::{Name, Ref};

/// What a name may stand for. Names of one kind may not stand twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Credential,
    Token,
    Session,
    Snapshot,
    Client,
    Consumer,
    Value,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Credential, Self::Token, Self::Session, Self::Snapshot, Self::Client, Self::Consumer, Self::Value];

    /// Whether it is there before the first step.
    fn is_there_from_the_start(self) -> bool {
        matches!(self, Self::Client | Self::Consumer)
    }

    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Credential => "credential",
            Self::Token => "token",
            Self::Session => "session",
            Self::Snapshot => "snapshot",
            Self::Client => "client",
            Self::Consumer => "consumer",
            Self::Value => "kept value",
        }
    }

    /// How one comes into being, for help.
    fn origin(self) -> &'static str {
        match self {
            Self::Credential => "a step makes one: `- issue: {role: database/app, as: NAME}`",
            Self::Token => "a step makes one: `- token: {as: NAME}`",
            Self::Session => "a step makes one: `- open: {session: NAME, with: CREDENTIAL}`",
            Self::Snapshot => "a step saves one: `- snapshot: {save: NAME}`",
            Self::Client => "clients stand under `clients:` at the top of the file",
            Self::Consumer => "consumers stand under `consumers:` at the top of the file",
            Self::Value => "a step keeps one: `- api: {path: …, keeps: {NAME: data.field}}`",
        }
    }
}

/// A name as it was declared.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    pub(super) at: Place,
    /// Position among all steps, in the order in which they happen; 0 for what is there from the start.
    order: usize,
    /// Set when the step expects to be refused: then nothing comes into being.
    refused: bool,
    /// The static role behind a credential that a `read` step keeps: it has no lease.
    pub(super) is_static: bool,
    /// The role that a credential is of.
    role: Option<String>,
}

/// All names of a scenario.
#[derive(Debug, Default)]
pub(super) struct Names {
    declared: BTreeMap<(Kind, String), Declared>,
    order: usize,
}

impl Names {
    /// Collects every name of a file, and reports those that stand twice.
    pub(super) fn collect(file: &ScenarioFile, found: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        for (name, _) in file.clients.iter() {
            names.declare(Kind::Client, name, false, None, found);
        }
        for (name, _) in file.consumers.iter() {
            names.declare(Kind::Consumer, name, false, None, found);
        }
        names.collect_steps(&file.steps, found);
        names
    }

    fn collect_steps(&mut self, steps: &[Marked<Step>], found: &mut Vec<Diagnostic>) {
        for step in steps {
            self.order += 1;
            if let Some(issue) = &step.issue
                && let Some(name) = &issue.name
            {
                let role = Some((issue.role.name.as_str(), false));
                self.declare(Kind::Credential, name, is_refusal(issue.answers.as_ref()), role, found);
            }
            if let Some(read) = &step.read {
                let role = Some((read.static_role.name.as_str(), true));
                self.declare(Kind::Credential, &read.name, is_refusal(read.answers.as_ref()), role, found);
            }
            if let Some(token) = &step.token {
                self.declare(Kind::Token, &token.name, is_refusal(token.answers.as_ref()), None, found);
            }
            if let Some(open) = &step.open {
                self.declare(Kind::Session, &open.session, false, None, found);
            }
            if let Some(snapshot) = &step.snapshot
                && let Some(name) = &snapshot.save
            {
                self.declare(Kind::Snapshot, name, is_refusal(snapshot.answers.as_ref()), None, found);
            }
            if let Some(api) = step.api.as_ref().or(step.race.as_ref().map(|race| &race.api)) {
                let refused = is_refusal(api.answers.as_ref());
                for (name, _) in api.keeps.iter() {
                    // What a refusal carries can be kept too.
                    self.declare(Kind::Value, name, false, None, found);
                }
                if let Some(name) = &api.keeps_token {
                    self.declare(Kind::Token, name, refused, None, found);
                }
            }
            self.collect_steps(step.during.as_deref().unwrap_or_default(), found);
        }
    }

    /// `role` is that of a credential, and whether it is a static one.
    fn declare(
        &mut self,
        kind: Kind,
        name: &Marked<Name>,
        refused: bool,
        role: Option<(&str, bool)>,
        found: &mut Vec<Diagnostic>,
    ) {
        let key = (kind, name.as_str().to_owned());
        if let Some(first) = self.declared.get(&key) {
            found.push(
                Diagnostic::error(name.at, format!("two {}s are named `{}`", kind.noun(), name.value))
                    .label("the second")
                    .see(first.at, "the first")
                    .help(if name.at.start == first.at.start && name.at.text != 0 {
                        // A fragment that is used twice.
                        "make the name a parameter of the fragment, so that each use gives its own"
                    } else {
                        "give each its own name, so that later steps say which they mean"
                    }),
            );
            return;
        }
        let is_static = role.is_some_and(|(_, is_static)| is_static);
        let role = role.map(|(role, _)| role.to_owned());
        self.declared.insert(key, Declared { at: name.at, order: self.order, refused, is_static, role });
    }

    /// Whether the name stands for this, or was lost together with an error that is reported already.
    pub(super) fn known(&self, kind: Kind, name: &str, lost: &Lost) -> bool {
        self.get(kind, name).is_some() || lost.name(name)
    }

    /// The name of the role that a credential is of.
    pub(super) fn role_of(&self, credential: &Name) -> Option<&str> {
        self.get(Kind::Credential, credential.as_str())?.role.as_deref()
    }

    pub(super) fn get(&self, kind: Kind, name: &str) -> Option<&Declared> {
        self.declared.get(&(kind, name.to_owned()))
    }

    /// Reports a name that stands for nothing, or for nothing yet. `now` is the position of the step that uses it.
    pub(super) fn check(
        &self,
        kind: Kind,
        name: &Marked<Name>,
        now: usize,
        lost: &Lost,
        found: &mut Vec<Diagnostic>,
    ) -> Option<&Declared> {
        let (text, noun) = (name.as_str(), kind.noun());
        let Some(declared) = self.get(kind, text) else {
            if !self.known(kind, text, lost) {
                found.push(self.unknown(kind, name, lost));
            }
            return None;
        };
        if declared.order == now && !kind.is_there_from_the_start() {
            // Two verbs in one step, which is reported as that.
            return None;
        }
        if declared.order > now && !kind.is_there_from_the_start() {
            found.push(
                Diagnostic::error(name.at, format!("the {noun} `{text}` is used before the step that makes it"))
                    .label("not there yet")
                    .see(declared.at, "made here")
                    .help("put this step after the one that makes it"),
            );
            return None;
        }
        if declared.refused {
            found.push(
                Diagnostic::error(name.at, format!("there is no {noun} `{text}`: its step expects to be refused"))
                    .label("stands for nothing")
                    .see(declared.at, "expected to be refused"),
            );
            return None;
        }
        Some(declared)
    }

    fn unknown(&self, kind: Kind, name: &Marked<Name>, lost: &Lost) -> Diagnostic {
        let (text, noun) = (name.as_str(), kind.noun());
        let error = Diagnostic::error(name.at, format!("there is no {noun} `{text}`"));
        if let Some(other) = Kind::ALL.into_iter().find(|other| self.get(*other, text).is_some()) {
            let error = error.label(format!("`{text}` is a {}, not a {noun}", other.noun()));
            return match self.get(other, text) {
                Some(declared) => error.see(declared.at, format!("the {} `{text}`", other.noun())),
                None => error,
            };
        }
        let of_kind: Vec<&str> =
            self.declared.keys().filter(|(k, _)| *k == kind).map(|(_, name)| name.as_str()).collect();
        let help = match did_you_mean(text, of_kind.iter().copied()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if of_kind.is_empty() && lost.nothing() => {
                format!("this scenario has no {noun}; {}", kind.origin())
            }
            None if of_kind.is_empty() => kind.origin().to_owned(),
            None => format!("the {noun}s of this scenario are {}", list_of(&of_kind)),
        };
        error.label(format!("no such {noun}")).help(help)
    }
}

/// Whether an answer speaks of a call that is refused.
fn is_refusal(answer: Option<&Marked<Answer>>) -> bool {
    answer.is_some_and(|answer| answer.speaks_of_refusal())
}

/// What a reference below a mount can lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Role,
    StaticRole,
    Connection,
}

impl Target {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::StaticRole => "static role",
            Self::Connection => "connection",
        }
    }

    fn names(self, database: &Database) -> Vec<&str> {
        match self {
            Self::Role => {
                database.connections().flat_map(|(_, c)| c.roles.iter().map(|(name, _)| name.as_str())).collect()
            }
            Self::StaticRole => {
                database.connections().flat_map(|(_, c)| c.static_roles.iter().map(|(name, _)| name.as_str())).collect()
            }
            Self::Connection => database.connections().map(|(dbms, _)| dbms.word()).collect(),
        }
    }
}

/// The name of the database engine's mount.
pub(super) const DATABASE: &str = "database";

/// Reports a reference that leads nowhere; `true` when it leads somewhere.
pub(super) fn check_ref(
    target: Target,
    reference: &Marked<Ref>,
    database: Option<&Database>,
    lost: &Lost,
    found: &mut Vec<Diagnostic>,
) -> bool {
    let (mount, name, noun) = (reference.mount.as_str(), reference.name.as_str(), target.noun());
    let Some(database) = database.filter(|_| mount == DATABASE) else {
        if !lost.word(mount) {
            found.push(unknown_mount(reference, mount, database.is_some()));
        }
        return false;
    };
    if target.names(database).contains(&name) {
        return true;
    }
    if lost.word(name) {
        return false;
    }
    let error = Diagnostic::error(reference.at, format!("there is no {noun} `{}`", reference.value));
    let others = [Target::Role, Target::StaticRole, Target::Connection];
    let other = others.into_iter().find(|other| other.names(database).contains(&name));
    let names = target.names(database);
    let meant = did_you_mean(name, names.iter().copied());
    found.push(match (other, meant) {
        (Some(other), _) => error.label(format!("this is a {}, not a {noun}", other.noun())),
        (None, Some(meant)) => error.label(format!("no such {noun}")).help(format!("did you mean `{mount}/{meant}`?")),
        (None, None) if names.is_empty() => error.label(format!("the connection has no {noun}s")).help(format!(
            "declare it below `engines: {{database: {{postgres: {{{}s: …}}}}}}`",
            noun.replace(' ', "_")
        )),
        (None, None) => error.label(format!("no such {noun}")).help(format!(
            "the {noun}s are {}",
            list_of(&names.iter().map(|name| format!("{mount}/{name}")).collect::<Vec<_>>())
        )),
    });
    false
}

fn unknown_mount(reference: &Marked<Ref>, mount: &str, mounted: bool) -> Diagnostic {
    let error = Diagnostic::error(reference.at, format!("nothing is mounted at `{mount}`")).label("no such mount");
    if !mounted {
        return error.help("mount the engine at the top of the file: `engines: {database: {postgres: {…}}}`");
    }
    error.help(format!("the database engine is mounted at `{DATABASE}`: write `{DATABASE}/{}`", reference.name))
}

/// The client whose token or policy a fault touches, if it touches one.
pub(super) fn client_of(fault: &Fault) -> Option<&Marked<Name>> {
    [&fault.revoke_token, &fault.expire_token, &fault.narrow_policy]
        .into_iter()
        .find_map(|on| on.as_ref().map(|on| &on.value.of))
}
