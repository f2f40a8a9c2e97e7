//! Steps: one verb each, its modifiers, and what the verb is about.

use std::collections::BTreeSet;

use super::super::Dbms;
use super::super::diagnostic::Diagnostic;
use super::super::file::{self, Answer, Repair, Revoke, Rotate, Sql, Token, Wait};
use super::super::hint::{did_you_mean, list_of};
use super::super::mark::{Marked, Place};
use super::super::word::Name;
use super::super::{Action, Step, Timing, Verb};
use super::Resolver;
use super::choice::{exactly_one, given, place};
use super::names::{Declared, Kind, Target};

/// The calls whose answers differ in what they carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Issue,
    Renew,
    Api,
    Other,
}

impl Resolver<'_> {
    /// Reports a name that stands for nothing.
    pub(super) fn name(&mut self, kind: Kind, name: &Marked<Name>) -> Option<Declared> {
        self.names.check(kind, name, self.now, self.lost, &mut self.found).cloned()
    }

    /// Reports a credential that is not there or has no lease.
    pub(super) fn lease(&mut self, name: &Marked<Name>) {
        if let Some(declared) = self.name(Kind::Credential, name).filter(|declared| declared.is_static) {
            self.error(
                Diagnostic::error(name.at, format!("`{}` has no lease: it is a static role's password", name.value))
                    .label("no lease")
                    .see(declared.at, "read here")
                    .help("a lease comes from an `issue` step"),
            );
        }
    }

    pub(super) fn steps(&mut self, steps: &[Marked<file::Step>]) -> Vec<Step> {
        steps.iter().filter_map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &Marked<file::Step>) -> Option<Step> {
        self.now += 1;
        let given = given!(step;
            issue, read, renew, revoke, rotate, token, open, repair, snapshot, start, api, race, sql, wait, expect,
            fault);
        let verb = exactly_one("a step", step.at, &given, self.lost, &mut self.found);
        self.modifiers(step, verb);
        let mut cites = self.cites(step.cites.as_deref());
        let deviates = step.deviates.as_deref().map(|ids| self.deviations(ids)).unwrap_or_default();
        cites.extend(deviates.iter().filter(|id| !cites.contains(id)).cloned().collect::<Vec<_>>());
        // Judged even where two verbs stand in one step: each may hold an error of its own.
        let action = self.action(step);
        Some(Step { at: step.at, action: action?, cites, deviates })
    }

    fn action(&mut self, step: &file::Step) -> Option<Action> {
        let verb = self.verb(step);
        let expect = step.expect.as_ref().map(|expect| {
            self.expect(expect);
            Action::Expect(Box::new(expect.value.clone()), timing(step))
        });
        let wait = step.wait.as_ref().map(|wait| {
            self.wait(wait);
            Action::Wait(Box::new(wait.value.clone()))
        });
        let fault = step.fault.as_ref().map(|fault| {
            self.fault(fault);
            let during = step.during.as_ref().map(|during| self.steps(during));
            Action::Fault(Box::new(fault.value.clone()), during)
        });
        verb.map(|verb| Action::Do(Box::new(verb))).or(expect).or(wait).or(fault)
    }

    fn verb(&mut self, step: &file::Step) -> Option<Verb> {
        let mut verb = None;
        if let Some(issue) = &step.issue {
            self.role(&issue.role);
            self.node(issue.node);
            self.token_to_ask_with(issue.token.as_ref());
            self.asked_ttl(issue);
            self.answer(issue.answers.as_ref(), Call::Issue);
            verb = Some(Verb::Issue(issue.value.clone()));
        }
        if let Some(read) = &step.read {
            self.reference(Target::StaticRole, &read.static_role);
            self.answer(read.answers.as_ref(), Call::Other);
            verb = Some(Verb::Read(read.value.clone()));
        }
        if let Some(renew) = &step.renew {
            let given = given!(renew; lease, token);
            exactly_one("`renew`", renew.at, &given, self.lost, &mut self.found);
            self.node(renew.node);
            renew.lease.as_ref().inspect(|name| self.lease(name));
            renew.token.as_ref().inspect(|name| self.note(Kind::Token, name));
            self.answer(renew.answers.as_ref(), Call::Renew);
            verb = Some(Verb::Renew(renew.value.clone()));
        }
        if let Some(revoke) = &step.revoke {
            self.revoke(revoke);
            verb = Some(Verb::Revoke(revoke.value.clone()));
        }
        if let Some(rotate) = &step.rotate {
            self.rotate(rotate);
            verb = Some(Verb::Rotate(rotate.value.clone()));
        }
        if let Some(token) = &step.token {
            self.token(token);
            verb = Some(Verb::Token(token.value.clone()));
        }
        if let Some(open) = &step.open {
            self.note(Kind::Credential, &open.with);
            self.opens_a_session(&open.with);
            verb = Some(Verb::Open(open.value.clone()));
        }
        if let Some(repair) = &step.repair {
            self.repair(repair);
            verb = Some(Verb::Repair(repair.value.clone()));
        }
        if let Some(snapshot) = &step.snapshot {
            self.snapshot(snapshot);
            self.answer(snapshot.answers.as_ref(), Call::Other);
            verb = Some(Verb::Snapshot(snapshot.value.clone()));
        }
        if let Some(start) = &step.start {
            self.start(start);
            verb = Some(Verb::Start(start.value.clone()));
        }
        if let Some(api) = &step.api {
            self.api(api);
            verb = Some(Verb::Api(api.value.clone()));
        }
        if let Some(race) = &step.race {
            self.race(race);
            verb = Some(Verb::Race(Box::new(race.value.clone())));
        }
        if let Some(sql) = &step.sql {
            self.sql(sql);
            verb = Some(Verb::Sql(sql.value.clone()));
        }
        verb
    }

    /// Reports a name that stands for nothing; for where nothing else is asked of it.
    pub(super) fn note(&mut self, kind: Kind, name: &Marked<Name>) {
        self.name(kind, name);
    }

    fn token_to_ask_with(&mut self, token: Option<&Marked<Name>>) {
        if let Some(token) = token {
            self.note(Kind::Token, token);
        }
    }

    fn modifiers(&mut self, step: &Marked<file::Step>, verb: Option<&'static str>) {
        let Some(verb) = verb else { return };
        let during = step.during.as_ref().map(|during| during.first().map_or(step.at, |first| first.at));
        if let Some(when) = step.fault.as_ref().and_then(|fault| fault.when()).filter(|_| during.is_none()) {
            self.error(
                Diagnostic::error(when.at, "no step brings this moment about")
                    .label("the fault waits for it")
                    .help("give the fault a `during` with the step that does"),
            );
        }
        if let Some(at) = during.filter(|_| verb != "fault") {
            self.misplaced("during", at, verb, "`during` says what happens while a `fault` lasts");
        } else if step.during.as_ref().is_some_and(Vec::is_empty) && !self.lost.wounded(step.at) {
            self.error(
                Diagnostic::error(step.at, "nothing happens `during` this fault")
                    .label("an empty `during`")
                    .help("leave `during` out for a fault that lasts to the end of the scenario, or put steps into it"),
            );
        }
        for (key, length) in [("within", step.within), ("for_at_least", step.for_at_least)] {
            let Some(length) = length else { continue };
            if verb != "expect" {
                self.misplaced(key, length.at, verb, "only an `expect` step has a time in which it must come true");
            } else if length.0.is_zero() {
                self.error(
                    Diagnostic::error(length.at, format!("`{key}` is 0s"))
                        .label("no time at all")
                        .help(format!("leave `{key}` out to look once, now")),
                );
            }
        }
        if let (Some(within), Some(for_at_least)) = (step.within, step.for_at_least) {
            self.error(
                Diagnostic::error(for_at_least.at, "`within` and `for_at_least` cannot stand in one step")
                    .label("must stay so")
                    .see(within.at, "must become so")
                    .help("make two steps of it: first `within`, then the same with `for_at_least`"),
            );
        }
        for (key, ids) in [("cites", &step.cites), ("deviates", &step.deviates)] {
            let first = ids.as_deref().and_then(<[_]>::first);
            if let Some(first) = first.filter(|_| verb == "fault" || verb == "wait") {
                let help = format!("a fault or a wait judges no promise; put `{key}` to what does");
                self.misplaced(key, first.at, verb, &help);
            }
        }
    }

    fn misplaced(&mut self, key: &str, at: Place, verb: &str, help: &str) {
        self.error(Diagnostic::error(at, format!("`{key}` does not belong to `{verb}`")).label("not here").help(help));
    }

    /// The promises that a step judges: its own, or those of the whole scenario.
    pub(super) fn cites(&mut self, cites: Option<&[Marked<String>]>) -> Vec<String> {
        let all: Vec<&str> = self.file.guarantees.iter().map(|id| id.as_str()).collect();
        let Some(cites) = cites else { return all.into_iter().map(str::to_owned).collect() };
        for id in cites.iter().filter(|id| !all.contains(&id.as_str())) {
            if self.lost.word(id.as_str()) {
                continue;
            }
            let error = Diagnostic::error(id.at, format!("`{}` is not among the scenario's guarantees", id.value))
                .label("not named at the top of the file");
            let known = crate::guarantee::catalogue().get(id.as_str()).is_some();
            let help = match did_you_mean(id.as_str(), all.iter().copied()).filter(|_| !known) {
                Some(meant) => format!("did you mean `{meant}`? or add it to `guarantees:`"),
                None if all.is_empty() => format!("name it at the top: `guarantees: [{}]`", id.value),
                None => format!("add it to `guarantees:`, where {} stand", list_of(&all)),
            };
            self.error(error.help(help));
        }
        let unique: BTreeSet<&str> = cites.iter().map(|id| id.as_str()).collect();
        unique.into_iter().map(str::to_owned).collect()
    }

    /// Promises with a known deviation; reports those that have none.
    fn deviations(&mut self, ids: &[Marked<String>]) -> Vec<String> {
        let known = self.cites(Some(ids));
        for id in ids {
            let guarantee = crate::guarantee::catalogue().get(id.as_str());
            if guarantee.is_some_and(|guarantee| guarantee.deviations.is_empty()) {
                self.error(
                    Diagnostic::error(id.at, format!("no server is known to deviate from `{}`", id.value))
                        .label("has no deviation in the catalogue")
                        .help("write what servers really do under `deviations:` in harness/guarantees.yaml"),
                );
            }
        }
        known
    }

    fn revoke(&mut self, revoke: &Marked<Revoke>) {
        let given = given!(revoke; lease, prefix, token, accessor, orphaning);
        let what = exactly_one("`revoke`", revoke.at, &given, self.lost, &mut self.found);
        revoke.lease.as_ref().inspect(|name| self.lease(name));
        if let Some(prefix) = &revoke.prefix {
            self.role(prefix);
        }
        for token in [&revoke.token, &revoke.accessor, &revoke.orphaning].into_iter().flatten() {
            self.note(Kind::Token, token);
        }
        if let Some(what) = what.filter(|what| !matches!(*what, "lease" | "prefix")) {
            for (key, at) in [("sync", place(revoke.sync.as_ref())), ("force", place(revoke.force.as_ref()))] {
                let Some(at) = at else { continue };
                self.misplaced(key, at, what, "only leases and prefixes are revoked with `sync` or `force`");
            }
        } else if let (Some(sync), Some(force)) = (revoke.sync, revoke.force)
            && force.value
        {
            self.error(
                Diagnostic::error(sync.at, "`revoke-force` knows no `sync`")
                    .label("not with `force: true`")
                    .see(force.at, "forced here")
                    .help("leave `sync` out"),
            );
        }
        self.answer(revoke.answers.as_ref(), Call::Other);
    }

    fn rotate(&mut self, rotate: &Marked<Rotate>) {
        let given = given!(rotate; static_role, root);
        exactly_one("`rotate`", rotate.at, &given, self.lost, &mut self.found);
        if let Some(role) = &rotate.static_role {
            self.reference(Target::StaticRole, role);
            self.not_of_aws(role, "the AWS engine rotates a static role by its own clock only");
        }
        if let Some(root) = &rotate.root {
            self.reference(Target::Connection, root);
        }
        self.answer(rotate.answers.as_ref(), Call::Other);
    }

    fn repair(&mut self, repair: &Marked<Repair>) {
        let given = given!(repair; password_of, reset);
        exactly_one("`repair`", repair.at, &given, self.lost, &mut self.found);
        for connection in [&repair.password_of, &repair.reset].into_iter().flatten() {
            self.reference(Target::Connection, connection);
            self.not_of_aws(
                connection,
                "the AWS engine has no pool and no password: write `aws/config/root` with an `api` step",
            );
        }
        self.answer(repair.answers.as_ref(), Call::Other);
    }

    fn token(&mut self, token: &Marked<Token>) {
        self.token_to_ask_with(token.parent.as_ref());
        for role in &token.may_issue {
            self.role(role);
        }
        for (key, length) in
            [("ttl", token.ttl), ("explicit_max_ttl", token.explicit_max_ttl), ("period", token.period)]
        {
            self.above_zero(key, length.as_ref());
        }
        if let Some(uses) = token.uses.filter(|uses| uses.value == 0) {
            self.error(
                Diagnostic::error(uses.at, "`uses` is 0, which the server takes for no limit")
                    .label("must be at least 1")
                    .help("leave it out for a token without a limit"),
            );
        }
        self.answer(token.answers.as_ref(), Call::Other);
    }

    pub(super) fn api(&mut self, api: &Marked<file::Api>) {
        self.node(api.node);
        let path = api.path.trim();
        let bare = path.trim_start_matches('/');
        let bare = bare.strip_prefix("v1/").unwrap_or(bare);
        if bare.is_empty() {
            self.error(Diagnostic::error(api.path.at, "the path is empty").label("no path"));
        } else if bare != api.path.value {
            self.error(
                Diagnostic::error(api.path.at, "an API path is written from below `/v1/`, without a slash before it")
                    .label("too much in front")
                    .help(format!("write `{bare}`")),
            );
        }
        if let Some(at) = api.body.as_ref().map(|_| api.path.at)
            && !self.lost.wounded(api.at)
            && matches!(
                api.method.map_or_else(file::Method::default, |m| m.value),
                file::Method::Get | file::Method::List
            )
        {
            self.error(
                Diagnostic::error(at, "a call that only reads sends no body")
                    .label("this call reads")
                    .help("say `method: POST`, or leave `body` out"),
            );
        }
        self.token_to_ask_with(api.token.as_ref());
        self.above_zero("wrap_ttl", api.wrap_ttl.as_ref());
        self.kept_by(api);
        self.answer(api.answers.as_ref(), Call::Api);
    }

    /// It must be clear which server a statement runs on.
    fn sql_place(&mut self, sql: &Marked<Sql>) {
        if let Some(on) = sql.on {
            self.needs(on.value, on.at);
            self.excludes("with", place(sql.with.as_ref()), "on", Some(on.at));
            self.excludes("session", place(sql.session.as_ref()), "on", Some(on.at));
            return;
        }
        let servers: Vec<&str> = Dbms::ALL.into_iter().filter(|dbms| self.has(*dbms)).map(Dbms::word).collect();
        let told = sql.with.is_some() || sql.session.is_some() || sql.of.is_some() || self.lost.wounded(sql.at);
        match servers[..] {
            [] => self.error(
                Diagnostic::error(sql.run.at, "there is no database to run SQL on")
                    .label("nowhere to run")
                    .help("add one to the stack: `stack: {vault: {}, postgres: {}}`"),
            ),
            [first, _, ..] if !told => self.error(
                Diagnostic::error(sql.run.at, "nothing says which of the two databases this runs on")
                    .label("may run on either")
                    .help(format!("name it: `on: {first}`")),
            ),
            _ => {}
        }
    }

    pub(super) fn sql(&mut self, sql: &Marked<Sql>) {
        self.sql_place(sql);
        if sql.run.trim().is_empty() {
            self.error(Diagnostic::error(sql.run.at, "the statement is empty").label("no SQL"));
        }
        self.kept_in(&sql.run, sql.run.at);
        let names = sql.run.contains("{{name}}");
        match &sql.of {
            None if names && !self.lost.wounded(sql.at) => self.error(
                Diagnostic::error(sql.run.at, "nothing says whose name {{name}} stands for")
                    .label("mentions {{name}}")
                    .help("name the credential: `of: cred`"),
            ),
            Some(of) if !names => self.error(
                Diagnostic::error(of.at, "`of` is of no use: the statement does not mention {{name}}")
                    .label("not used")
                    .help("write {{name}} where the credential's user belongs, or leave `of` out"),
            ),
            _ => {}
        }
        for credential in [&sql.of, &sql.with].into_iter().flatten() {
            self.note(Kind::Credential, credential);
        }
        sql.session.as_ref().inspect(|session| self.note(Kind::Session, session));
        self.excludes("with", place(sql.with.as_ref()), "session", place(sql.session.as_ref()));
        self.excludes("returns", place(sql.returns.as_ref()), "refused", place(sql.refused.as_ref()));
    }

    /// Reports two keys that contradict each other.
    pub(super) fn excludes(&mut self, first: &str, first_at: Option<Place>, second: &str, second_at: Option<Place>) {
        if let (Some(first_at), Some(second_at)) = (first_at, second_at) {
            self.error(
                Diagnostic::error(second_at, format!("`{first}` and `{second}` exclude each other"))
                    .label(format!("`{second}`"))
                    .see(first_at, format!("`{first}`"))
                    .help("keep one of the two"),
            );
        }
    }

    fn wait(&mut self, wait: &Marked<Wait>) {
        let [between, end_of] = given!(wait; between, end_of);
        let given = [("for", place(wait.length.as_ref())), between, end_of];
        exactly_one("`wait`", wait.at, &given, self.lost, &mut self.found);
        self.above_zero("for", wait.length.as_ref());
        if let Some(between) = &wait.between
            && between.value[0] >= between.value[1]
        {
            self.error(
                Diagnostic::error(between.at, "the bounds of `between` are the wrong way round")
                    .label("must be a shorter and a longer time")
                    .help("write it like `between: [1s, 5s]`"),
            );
        }
        wait.end_of.as_ref().inspect(|name| self.lease(name));
        if let Some(plus) = wait.plus.filter(|_| wait.end_of.is_none() && !self.lost.wounded(wait.at)) {
            self.error(
                Diagnostic::error(plus.at, "`plus` belongs to `end_of`")
                    .label("there is no `end_of` here")
                    .help("a fixed time is `for` alone"),
            );
        }
    }

    fn answer(&mut self, answer: Option<&Marked<Answer>>, call: Call) {
        if let Some(answer) = answer {
            self.check_answer(answer, call);
        }
    }
}

fn timing(step: &file::Step) -> Timing {
    match (step.within, step.for_at_least) {
        (Some(within), _) => Timing::Within(within.0),
        (None, Some(length)) => Timing::ForAtLeast(length.0),
        (None, None) => Timing::Now,
    }
}
