//! Expectations and answers: they must be about something, assert something, and not contradict themselves.

use super::super::diagnostic::Diagnostic;
use super::super::file::{
    Answer, CertificateState, Expect, ExpectCertificate, ExpectLease, ExpectLogin, ExpectPrincipal, ExpectSession,
    ExpectStaticRole, ExpectToken, TtlRange,
};
use super::super::mark::{Marked, Place};
use super::Resolver;
use super::choice::{at_least_one, exactly_one, given, place};
use super::names::{Kind, Target};
use super::step::Call;

impl Resolver<'_> {
    pub(super) fn expect(&mut self, expect: &Marked<Expect>) {
        let given = given!(expect;
            lease, leases, login, principal, session, token, static_role, health, metric, audit, certificate, api, sql, consumer,
            ledger);
        exactly_one("`expect`", expect.at, &given, self.lost, &mut self.found);
        if let Some(lease) = &expect.lease {
            self.expect_lease(lease);
        }
        if let Some(leases) = &expect.leases {
            self.role(&leases.of);
        }
        if let Some(login) = &expect.login {
            self.expect_login(login);
        }
        if let Some(principal) = &expect.principal {
            self.expect_principal(principal);
        }
        if let Some(session) = &expect.session {
            self.expect_session(session);
        }
        if let Some(token) = &expect.token {
            self.expect_token(token);
        }
        if let Some(role) = &expect.static_role {
            self.expect_static_role(role);
        }
        if let Some(health) = &expect.health {
            self.status(&health.status);
            self.node(health.node);
        }
        if let Some(metric) = &expect.metric {
            self.expect_metric(metric);
        }
        if let Some(certificate) = &expect.certificate {
            self.expect_certificate(certificate);
        }
        if let Some(audit) = &expect.audit {
            self.expect_audit(audit);
        }
        if let Some(consumer) = &expect.consumer {
            self.holder(&consumer.of);
        }
        if let Some(api) = &expect.api {
            self.api(api);
            self.keeps_nothing(api);
        }
        if let Some(sql) = &expect.sql {
            self.sql(sql);
        }
        let engine = self.database_file().is_some() || self.file.engines.aws.is_some();
        if let Some(ledger) = expect.ledger.filter(|_| !engine && self.lost.nothing()) {
            self.error(
                Diagnostic::error(ledger.at, "there is no engine whose ledger could be looked at")
                    .label("asserts nothing, so it could not fail")
                    .help("mount the engine at the top of the file: `engines: {database: {postgres: {…}}}`"),
            );
        }
    }

    pub(super) fn asserts(&mut self, what: &str, at: Place, given: &[super::choice::Given]) {
        at_least_one(what, at, given, self.lost, &mut self.found);
    }

    fn expect_lease(&mut self, lease: &Marked<ExpectLease>) {
        self.lease(&lease.of);
        self.asserts("this `lease` expectation", lease.at, &given!(lease; gone, ttl, renewable, irrevocable));
        self.range("ttl", lease.ttl.as_ref());
        let Some(gone) = lease.gone.filter(|gone| gone.value) else { return };
        for (key, at) in given!(lease; ttl, renewable, irrevocable) {
            let Some(at) = at else { continue };
            self.error(
                Diagnostic::error(at, format!("a lease that is gone has no `{key}`"))
                    .label("cannot be known")
                    .see(gone.at, "expected to be gone")
                    .help("make two steps of it, or keep `gone` alone"),
            );
        }
    }

    fn expect_login(&mut self, login: &Marked<ExpectLogin>) {
        self.note(Kind::Credential, &login.with);
        let given = given!(login; accepted, refused);
        exactly_one("`login`", login.at, &given, self.lost, &mut self.found);
        self.tells(login);
        if let Some(accepted) = login.accepted.filter(|accepted| !accepted.value) {
            self.error(
                Diagnostic::error(accepted.at, "`accepted: false` would take an outage for a refusal")
                    .label("says nothing of the cause")
                    .help("name the cause: `refused: authentication`"),
            );
        }
    }

    fn expect_certificate(&mut self, certificate: &Marked<ExpectCertificate>) {
        for name in [Some(&certificate.of), certificate.issuer.as_ref()].into_iter().flatten() {
            self.note(Kind::Value, name);
        }
        let (mount, at) = certificate.mount.as_ref().map_or(("pki", certificate.at), |m| (m.as_str(), m.at));
        let engines = &self.file.engines;
        let mounted = match mount {
            "pki" => engines.pki.is_some(),
            "pki_int" => engines.pki_int.is_some(),
            _ => false,
        };
        if !mounted && self.lost.nothing() {
            self.error(
                Diagnostic::error(at, format!("no engine that issues certificates is mounted at `{mount}`"))
                    .label("nobody to ask")
                    .help("mount it at the top of the file: `engines: {pki: {…}}`, or name another: `mount: pki_int`"),
            );
        }
        let given = given!(certificate; crl, ocsp, expired, authority_expired);
        self.asserts("this `certificate` expectation", certificate.at, &given);
        let list =
            certificate.crl.filter(|state| !matches!(state.value, CertificateState::Good | CertificateState::Revoked));
        if let Some(state) = list {
            self.error(
                Diagnostic::error(state.at, format!("a CRL never says `{}`", state.value))
                    .label("`good` or `revoked`")
                    .help("who is not on the list is good"),
            );
        }
    }

    fn expect_principal(&mut self, principal: &Marked<ExpectPrincipal>) {
        self.note(Kind::Credential, &principal.of);
        let given = given!(principal; exists, valid_after_lease_end);
        self.has_a_user(&principal.of);
        self.asserts("this `principal` expectation", principal.at, &given);
        self.range("valid_after_lease_end", principal.valid_after_lease_end.as_ref());
        if let Some(after) = &principal.valid_after_lease_end {
            self.aws_knows_no_end(&principal.of, after.at);
            self.lease(&principal.of);
            if let Some(exists) = principal.exists.filter(|exists| !exists.value) {
                self.excludes("exists: false", Some(exists.at), "valid_after_lease_end", Some(after.at));
            }
        }
    }

    fn expect_session(&mut self, session: &Marked<ExpectSession>) {
        self.note(Kind::Session, &session.of);
        self.asserts("this `session` expectation", session.at, &given!(session; alive, reads_table));
        if let (Some(alive), Some(reads)) = (session.alive, session.reads_table)
            && !alive.value
        {
            self.error(
                Diagnostic::error(reads.at, "a session that is not alive answers nothing about tables")
                    .label("cannot be known")
                    .see(alive.at, "expected to be dead")
                    .help("keep `alive: false` alone"),
            );
        }
    }

    fn expect_token(&mut self, token: &Marked<ExpectToken>) {
        self.note(Kind::Token, &token.of);
        self.asserts("this `token` expectation", token.at, &given!(token; alive, ttl));
        self.range("ttl", token.ttl.as_ref());
        if let (Some(alive), Some(ttl)) = (token.alive.filter(|alive| !alive.value), &token.ttl) {
            self.excludes("alive: false", Some(alive.at), "ttl", Some(ttl.at));
        }
    }

    fn expect_static_role(&mut self, role: &Marked<ExpectStaticRole>) {
        self.reference(Target::StaticRole, &role.of);
        let given = given!(role; changed_since, same_as, ttl, logs_in);
        self.asserts("this `static_role` expectation", role.at, &given);
        self.range("ttl", role.ttl.as_ref());
        for read in [&role.changed_since, &role.same_as].into_iter().flatten() {
            let Some(declared) = self.name(Kind::Credential, read).filter(|declared| !declared.is_static) else {
                continue;
            };
            self.error(
                Diagnostic::error(read.at, format!("`{}` is not a static role's password", read.value))
                    .label("comes from an `issue` step")
                    .see(declared.at, "issued here")
                    .help("name a `read` step's credential"),
            );
        }
        if let (Some(changed), Some(same)) = (&role.changed_since, &role.same_as)
            && changed.value == same.value
        {
            self.excludes("changed_since", Some(changed.at), "same_as", Some(same.at));
        }
    }

    fn status(&mut self, status: &Marked<u16>) {
        if !(100..=599).contains(&status.value) {
            self.error(
                Diagnostic::error(status.at, format!("{} is no HTTP status", status.value)).label("from 100 to 599"),
            );
        }
    }

    /// Reports bounds that nothing can satisfy, or that say nothing.
    fn range(&mut self, key: &str, range: Option<&Marked<TtlRange>>) {
        let Some(range) = range else { return };
        match (range.at_least, range.at_most) {
            (Some(least), Some(most)) if least > most => self.error(
                Diagnostic::error(range.at, format!("`{key}` cannot be at least {least} and at most {most}"))
                    .label("no value lies between")
                    .help("swap the two bounds"),
            ),
            (None, None) if !self.lost.wounded(range.at) => self.error(
                Diagnostic::error(range.at, format!("`{key}` has no bounds, so it could not fail"))
                    .label("neither `at_least` nor `at_most`")
                    .help("write one value, or bounds: {at_least: 50s, at_most: 1m}"),
            ),
            _ => {}
        }
    }

    pub(super) fn check_answer(&mut self, answer: &Marked<Answer>, call: Call) {
        let mut given =
            given!(answer; lost, status, served, refused, target_code, error, warning, ttl, renewable, data).to_vec();
        let fields = answer.fields.iter().next().map(|(way, _)| way.at);
        given.push(("fields", fields));
        self.asserts("this `answers`", answer.at, &given);
        for (key, at) in given.into_iter().skip(1) {
            self.excludes("lost", place(answer.lost.as_ref()), key, at);
        }
        self.range("ttl", answer.ttl.as_ref());
        if let Some(status) = &answer.status {
            self.status(status);
        }
        if let Some(served) = answer.served.filter(|served| !served.value) {
            self.error(
                Diagnostic::error(served.at, "`served: false` says nothing of the cause")
                    .label("could be an outage")
                    .help("name what is answered: `status: 500`, or `refused:` with the cause"),
            );
        }
        self.target_code(answer);
        self.refusal_or_success(answer);
        let needs_lease = [("ttl", place(answer.ttl.as_ref())), ("renewable", place(answer.renewable.as_ref()))];
        for (key, at) in needs_lease.into_iter().filter(|_| matches!(call, Call::Api | Call::Other)) {
            self.carries_no(key, at, "only the answers to `issue` and `renew` speak of a lease");
        }
        if call != Call::Api {
            self.carries_no("fields", fields, "only the answer to `api` is looked at field by field");
        }
        if call != Call::Renew {
            let at = place(answer.data.as_ref());
            self.carries_no("data", at, "`data` asks whether the reply to `renew` carries a password");
        }
        for (key, text) in [("error", &answer.error), ("warning", &answer.warning)] {
            if let Some(text) = text.as_ref().filter(|text| text.trim().is_empty()) {
                self.error(
                    Diagnostic::error(text.at, format!("`{key}` is empty, and every text contains nothing"))
                        .label("could not fail"),
                );
            }
        }
    }

    fn carries_no(&mut self, key: &str, at: Option<Place>, help: &str) {
        if let Some(at) = at {
            self.error(
                Diagnostic::error(at, format!("this answer has no `{key}`")).label("never in this answer").help(help),
            );
        }
    }

    fn target_code(&mut self, answer: &Answer) {
        let Some(code) = &answer.target_code else { return };
        let sqlstate = code.len() == 5 && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
        let number = code.len() == 4 && code.bytes().all(|b| b.is_ascii_digit());
        let of_aws = self.file.engines.aws.is_some() && super::aws::is_code(code);
        if !sqlstate && !number && !of_aws {
            self.error(
                Diagnostic::error(
                    code.at,
                    format!("`{}` is no SQLSTATE and no error code of MySQL", super::super::node::brief(code)),
                )
                .label("five digits and capital letters, or four digits")
                .help("a wrong password is 28P01 on PostgreSQL and 1045 on MySQL, a missing privilege 42501 and 1142"),
            );
        }
    }

    /// Reports an answer that would have to be a refusal and a success at once.
    fn refusal_or_success(&mut self, answer: &Answer) {
        let status = answer.status;
        let good = place(status.filter(|s| s.value < 400).as_ref());
        let bad = place(status.filter(|s| s.value >= 400).as_ref());
        let given_good = given!(answer; served, ttl, renewable, data, warning);
        let given_bad = given!(answer; refused, target_code, error);
        let success = good.map(|at| ("status", at)).or_else(|| first(&given_good));
        let refusal = bad.map(|at| ("status", at)).or_else(|| first(&given_bad));
        if let (Some((success, success_at)), Some((refusal, refusal_at))) = (success, refusal) {
            self.error(
                Diagnostic::error(refusal_at, "no answer is a success and a refusal at once")
                    .label(format!("`{refusal}` speaks of a refusal"))
                    .see(success_at, format!("`{success}` speaks of a success"))
                    .help("keep what belongs to one of the two"),
            );
        }
    }
}

fn first(given: &[super::choice::Given]) -> Option<(&'static str, Place)> {
    given.iter().find_map(|(key, at)| at.map(|at| (*key, at)))
}
