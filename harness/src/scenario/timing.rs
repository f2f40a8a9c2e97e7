//! What cannot come true in the time that a scenario gives it. The earliest and the latest moment of each step are
//! counted along; an error is raised only where no run whatever could satisfy an expectation.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Dbms;
use super::diagnostic::Diagnostic;
use super::file::{
    Api, Expect, Fault, Issue, Method, Renew, Revoke, ScenarioFile, Sql, Step, TokenKind, TtlRange, Wait,
};
use super::lease::Lease;
use super::mark::{Marked, Place};
use super::ttl::{self, Ttls};
use super::word::{Length, SignedLength};
use crate::outcome::Cause;

/// How long a call may take at most before it counts as unanswered.
const CALL: Duration = Duration::from_secs(5);
/// How long a fault may take to show, and again to be healed.
const FAULT: Duration = Duration::from_secs(30);
/// Nobody waits longer for a test.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);
/// Servers count TTLs in whole seconds.
const SECOND: Duration = Duration::from_secs(1);
/// How long a stack may take from its static roles to the first step.
const SETUP: Duration = Duration::from_secs(60);

/// Reports what cannot come true, and warns of what may surprise.
pub(super) fn check(file: &ScenarioFile) -> Vec<Diagnostic> {
    let mut walk = Walk {
        file,
        earliest: Duration::ZERO,
        latest: Duration::ZERO,
        leases: BTreeMap::new(),
        roles_changed: false,
        rotated: false,
        found: ttl::surprises(file),
    };
    walk.steps(&file.steps);
    walk.found
}

struct Walk<'a> {
    file: &'a ScenarioFile,
    /// The earliest moment at which the present step can happen, since the first one began.
    earliest: Duration,
    /// The latest.
    latest: Duration,
    leases: BTreeMap<&'a str, Lease>,
    /// Whether a role or mount is no longer what the file says at its top.
    roles_changed: bool,
    /// Whether a static role was rotated by a step.
    rotated: bool,
    found: Vec<Diagnostic>,
}

impl<'a> Walk<'a> {
    fn steps(&mut self, steps: &'a [Marked<Step>]) {
        for step in steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &'a Step) {
        if let Some(issue) = &step.issue {
            self.issue(issue);
        } else if let Some(renew) = &step.renew {
            self.renew(renew);
        } else if let Some(revoke) = &step.revoke {
            self.revoke(revoke);
        } else if let Some(rotate) = &step.rotate {
            self.rotated |= rotate.static_role.is_some();
        } else if let Some(api) = &step.api {
            self.api(api);
        } else if step.snapshot.as_ref().is_some_and(|snapshot| snapshot.restore.is_some()) {
            self.nothing_is_sure();
        } else if let Some(sql) = &step.sql {
            self.sql(sql);
        } else if let Some(wait) = &step.wait {
            return self.wait(wait);
        } else if let Some(expect) = &step.expect {
            return self.expect(expect, step.within, step.for_at_least);
        } else if let Some(fault) = &step.fault {
            return self.fault(fault, step.during.as_deref());
        }
        self.latest += CALL;
    }

    fn fault(&mut self, fault: &'a Fault, during: Option<&'a [Marked<Step>]>) {
        self.roles_changed |= fault.tune_mount.is_some() || fault.change_role.is_some() || fault.delete_role.is_some();
        let dropped = fault.drop_user.as_ref().or(fault.delete_user.as_ref());
        if let Some(lease) = dropped.and_then(|on| self.leases.get_mut(on.of.as_str())) {
            lease.open = true;
        }
        self.latest += FAULT;
        if let Some(during) = during {
            self.steps(during);
            self.latest += FAULT;
        }
    }

    // ------------------------------------------------------------------------------------------ what moves a lease

    fn issue(&mut self, issue: &'a Marked<Issue>) {
        let Some(ttls) = ttl::of_role(self.file, &issue.role) else { return };
        let sure = !self.roles_changed && issue.token.as_ref().is_none_or(|token| self.outlives(token.as_str(), ttls));
        if let Some(range) = issue.answers.as_ref().and_then(|answers| answers.ttl.as_ref()).filter(|_| sure) {
            self.answered_ttl(range, ttls.issued, issue.role.at);
        }
        if let Some(name) = &issue.name {
            let role = issue.role.name.as_str().to_owned();
            let lease = Lease::new(role, name.at, ttls, self.earliest, self.latest);
            self.leases.insert(name.as_str(), Lease { open: !sure, of_token: issue.token.is_some(), ..lease });
        }
    }

    /// Whether a token surely lasts longer than a lease that it takes, so that it does not end it early.
    fn outlives(&self, name: &str, ttls: Ttls) -> bool {
        let mut plain = false;
        for_each_step(&self.file.steps, &mut |step| {
            if let Some(token) = step.token.as_ref().filter(|token| token.name.as_str() == name) {
                let service = token.kind.is_none_or(|kind| kind.value == TokenKind::Service);
                let unlimited = token.ttl.is_none() && token.explicit_max_ttl.is_none() && token.period.is_none();
                plain = service && unlimited && token.parent.is_none() && token.uses.is_none();
            }
        });
        plain && ttls.issued < ttl::SYSTEM_TTL
    }

    fn renew(&mut self, renew: &'a Marked<Renew>) {
        let refused = renew.answers.as_ref().is_some_and(|answers| answers.speaks_of_refusal());
        let Some(lease) = renew.lease.as_ref().and_then(|name| self.leases.get_mut(name.as_str())) else { return };
        if refused {
            // It may have reached the database all the same, and a short increment shortens the user's life there.
            lease.open |= renew.increment.is_some();
            return;
        }
        let asked = renew.increment.map_or(lease.ttls.issued, |increment| increment.0);
        let oldest = (self.latest + CALL).saturating_sub(lease.issued_latest);
        let surely_whole = oldest + asked <= lease.ttls.max;
        lease.open |= self.roles_changed || !surely_whole;
        lease.renewed(asked.min(lease.ttls.max), self.earliest, self.latest);
        let max = lease.ttls.max;
        if let Some(increment) = renew.increment.filter(|increment| increment.0 > max && renew.answers.is_none()) {
            let max = Length(max);
            self.found.push(
                Diagnostic::warning(increment.at, format!("the increment is above the lease's maximum TTL ({max})"))
                    .label("will be cut")
                    .help("the server answers 200 with what remains and a warning: assert it with `answers`"),
            );
        }
    }

    /// A revocation that is refused may still have dropped the user, or some of the leases below a prefix.
    fn revoke(&mut self, revoke: &Revoke) {
        if let Some(lease) = revoke.lease.as_ref().and_then(|name| self.leases.get_mut(name.as_str())) {
            lease.open = true;
        }
        let by_token = revoke.token.is_some() || revoke.accessor.is_some() || revoke.orphaning.is_some();
        for lease in self.leases.values_mut() {
            let of_role = revoke.prefix.as_ref().is_some_and(|role| role.name.as_str() == lease.role);
            lease.open |= of_role || (by_token && lease.of_token);
        }
    }

    /// Any call that writes may do anything; from then on nothing is sure.
    fn api(&mut self, api: &Api) {
        if api.method.is_some_and(|method| matches!(method.value, Method::Post | Method::Delete)) {
            self.nothing_is_sure();
        }
    }

    fn nothing_is_sure(&mut self) {
        self.roles_changed = true;
        self.rotated = true;
        self.leases.values_mut().for_each(|lease| lease.open = true);
    }

    fn sql(&mut self, sql: &Sql) {
        let of = sql.of.as_ref().map(|of| of.as_str());
        let touched = self.leases.iter_mut().filter(|(name, _)| of.is_none_or(|of| of == **name));
        touched.for_each(|(_, lease)| lease.open = true);
    }

    // ----------------------------------------------------------------------------------------------- what takes time

    fn wait(&mut self, wait: &Marked<Wait>) {
        if let Some(length) = wait.length {
            self.not_too_long(length.0, length.at);
            self.pass(length.0, length.0);
        }
        if let Some(between) = &wait.between {
            let [least, most] = between.value;
            self.not_too_long(most.0, between.at);
            self.pass(least.0, most.0.max(least.0));
        }
        let plus = wait.plus.map_or(Duration::ZERO, |plus| plus.0);
        let Some(end_of) = &wait.end_of else { return };
        let Some(lease) = self.leases.get(end_of.as_str()).cloned() else { return };
        if lease.open {
            // Its end is not known, but no renewal reaches past the maximum.
            self.latest = self.latest.max(lease.issued_latest + CALL + lease.ttls.max + plus);
            return;
        }
        self.not_too_long(lease.granted + plus, end_of.at);
        self.earliest = self.earliest.max(lease.since_earliest + lease.granted + plus);
        self.latest = self.latest.max(lease.since_latest + CALL + lease.granted + plus);
    }

    fn pass(&mut self, least: Duration, most: Duration) {
        self.earliest += least;
        self.latest += most;
    }

    fn not_too_long(&mut self, length: Duration, at: Place) {
        if length > LONGEST_WAIT {
            let (length, most) = (Length(length), Length(LONGEST_WAIT));
            self.found.push(
                Diagnostic::error(at, format!("this waits for {length}, and {most} is the most"))
                    .label("too long for a test")
                    .help("set short TTLs for the test: `roles: {app: {default_ttl: 10s, max_ttl: 30s}}`"),
            );
        }
    }

    // ---------------------------------------------------------------------------------------------- what must be so

    fn expect(&mut self, expect: &'a Expect, within: Option<Marked<Length>>, stays: Option<Marked<Length>>) {
        // The last moment at which it may first be seen so.
        let last_look = self.latest + CALL + within.map_or(Duration::ZERO, |within| within.0);
        if let Some(within) = within.filter(|within| within.0 > LONGEST_WAIT) {
            self.found.push(
                Diagnostic::warning(within.at, format!("`within` lets this scenario run for {}", within.value))
                    .label("longer than 30m")
                    .help("it ends as soon as it comes true; until then, whoever waits for the run waits for this"),
            );
        }
        self.expect_end(expect, last_look);
        self.expect_ttl(expect, last_look);
        self.expect_backstop(expect);
        self.expect_rotation(expect, last_look);
        if let Some(api) = &expect.api {
            self.api(api);
        }
        if let Some(sql) = &expect.sql {
            self.sql(sql);
        }
        let stays = stays.map_or(Duration::ZERO, |stays| stays.0);
        self.earliest += stays;
        self.latest = last_look + stays;
    }

    /// A lease that nothing has ended cannot be over before its TTL has passed.
    fn expect_end(&mut self, expect: &Expect, last_look: Duration) {
        let lease = expect.lease.as_ref().filter(|lease| lease.gone.is_some_and(|gone| gone.value));
        let login = expect.login.as_ref();
        let login = login.filter(|login| login.refused.is_some_and(|cause| cause.value == Cause::Authentication));
        let principal = expect.principal.as_ref().filter(|p| p.exists.is_some_and(|exists| !exists.value));
        let ends = [
            lease.map(|l| (&l.of, "the lease cannot be gone yet: it lasts")),
            login.map(|l| (&l.with, "the login cannot be refused yet: its lease lasts")),
            principal.map(|p| (&p.of, "the user cannot be gone yet: its lease lasts")),
        ];
        for (name, message) in ends.into_iter().flatten() {
            let Some(lease) = self.leases.get(name.as_str()).filter(|lease| !lease.open) else { continue };
            let most = last_look.saturating_sub(lease.since_latest);
            if lease.granted > most {
                let granted = Length(lease.granted);
                self.found.push(
                    Diagnostic::error(name.at, format!("{message} {granted}, and nothing ends it before"))
                        .label(format!("looked for at most {} after it began", Length(most)))
                        .see(lease.at, format!("lasts {granted}"))
                        .help(format!("allow more time (`within`), wait for the end first (`- wait: {{end_of: {}}}`),\nrevoke it, or give the role a shorter `default_ttl`", name.value)),
                );
            }
        }
    }

    fn expect_ttl(&mut self, expect: &Expect, last_look: Duration) {
        let Some(expected) = &expect.lease else { return };
        let Some(range) = &expected.ttl else { return };
        let Some(lease) = self.leases.get(expected.of.as_str()).filter(|lease| !lease.open) else { return };
        let (youngest, oldest) =
            (self.earliest.saturating_sub(lease.since_earliest), last_look.saturating_sub(lease.since_latest));
        let (low, high) = (lease.granted.saturating_sub(oldest), lease.granted.saturating_sub(youngest));
        let at = lease.at;
        self.ttl_within(range, low, high, at);
    }

    fn answered_ttl(&mut self, range: &Marked<TtlRange>, ttl: Duration, at: Place) {
        self.ttl_within(range, ttl, ttl, at);
    }

    /// Reports a range that a TTL, which surely lies between two bounds, cannot meet.
    fn ttl_within(&mut self, range: &Marked<TtlRange>, least: Duration, most: Duration, see: Place) {
        let too_high = range.at_least.is_some_and(|at_least| at_least > signed(most + SECOND));
        // A lease that may be over by then can show any TTL below zero: its revocation is overdue.
        let surely_left = Some(least).filter(|least| !least.is_zero());
        let too_low = surely_left
            .is_some_and(|least| range.at_most.is_some_and(|at_most| at_most < signed(least.saturating_sub(SECOND))));
        if !too_high && !too_low {
            return;
        }
        let (word, bound) = if too_high { ("at most", most) } else { ("at least", least) };
        self.found.push(
            Diagnostic::error(range.at, format!("the TTL is {word} {} here, so this cannot come true", Length(bound)))
                .label(if too_high { "too high" } else { "too low" })
                .see(see, "the lease")
                .help(
                    "TTLs come from the role's `default_ttl` and `max_ttl`, and from the mount where the role has none",
                ),
        );
    }

    /// The database stops a user by itself only when the creation statement told it when.
    fn expect_backstop(&mut self, expect: &Expect) {
        let Some(principal) = &expect.principal else { return };
        let Some(after) = &principal.valid_after_lease_end else { return };
        let Some(lease) = self.leases.get(principal.of.as_str()) else { return };
        let database = self.file.engines.database.as_ref();
        let Some((dbms, role)) = database.and_then(|database| database.role(&lease.role)) else { return };
        if dbms == Dbms::Mysql {
            self.found.push(
                Diagnostic::error(after.at, "MySQL does not know when a user ends")
                    .label("a user has no end of its own there")
                    .help("only a revocation removes it; say `exists` alone"),
            );
            return;
        }
        let Some(statements) = role.creation_statements.as_ref() else { return };
        if let Some(first) = statements.first()
            && !statements.iter().any(|statement| statement.contains("{{expiration}}"))
        {
            self.found.push(
                Diagnostic::error(after.at, "the database does not know when this user ends")
                    .label("there is no VALID UNTIL")
                    .see(first.at, "does not mention {{expiration}}")
                    .help("write VALID UNTIL '{{expiration}}' into the creation statement"),
            );
        }
    }

    fn expect_rotation(&mut self, expect: &Expect, last_look: Duration) {
        let Some(expected) = &expect.static_role else { return };
        let Some(changed) = expected.changed_since.as_ref().filter(|_| !self.rotated) else { return };
        let database = self.file.engines.database.as_ref();
        let role = database.and_then(|database| database.static_role(expected.of.name.as_str()));
        let Some(period) = role.map(|role| role.rotation_period).filter(|period| period.0 > last_look + SETUP) else {
            return;
        };
        let period_text = period.value;
        self.found.push(
            Diagnostic::warning(
                changed.at,
                format!("no rotation falls into this scenario: one is due every {period_text}"),
            )
            .label("will hardly have changed")
            .see(period.at, "the period")
            .help("shorten `rotation_period`, or rotate with a step: `- rotate: {static_role: …}`"),
        );
    }
}

fn signed(length: Duration) -> SignedLength {
    SignedLength { millis: i64::try_from(length.as_millis()).unwrap_or(i64::MAX) }
}

fn for_each_step<'a>(steps: &'a [Marked<Step>], visit: &mut impl FnMut(&'a Step)) {
    for step in steps {
        visit(step);
        for_each_step(step.during.as_deref().unwrap_or_default(), visit);
    }
}
