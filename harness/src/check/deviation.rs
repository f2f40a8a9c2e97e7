//! Steps that hold a known deviation from the documentation: what they say of a server that deviates, of one that has come to
//! keep the promise or keeps it at times, and of one that nobody knew to break it.

use crate::event::{Entry, Event};
use crate::guarantee;
use crate::outcome::{Judgement, Verdict};
use crate::plan::PlannedStep;
use crate::scenario::file::Server;

/// What a step's judgement means on the server of this history. A server that is known to deviate must still do so: another
/// behaviour is a change, as loud as a broken promise; but one that does so sometimes may keep its promise. One that is not
/// known to is held to the promise itself.
pub(super) fn judged(planned: &PlannedStep, judgement: Judgement, history: &[Entry]) -> Judgement {
    let Some(id) = planned.deviates.first() else { return judgement };
    let server = server(history);
    let known = guarantee::catalogue().get(id).and_then(|guarantee| guarantee.deviation_on(&server));
    let Judgement { verdict, because, evidence } = judgement;
    let (verdict, because) = match (known, verdict) {
        (Some(deviation), Verdict::Violated) if deviation.sometimes => {
            (Verdict::Held, format!("{server} kept {id} this time, from which it deviates at others: {because}"))
        }
        (Some(deviation), Verdict::Violated) => {
            let was = format!("a change: {server} was known to deviate from {id}: {}", deviation.really);
            (verdict, format!("{was} Now it was seen otherwise: {because}"))
        }
        (None, Verdict::Violated) => {
            (Verdict::Held, format!("{server} keeps {id}, from which others deviate: {because}"))
        }
        (None, Verdict::Held) => (
            Verdict::Violated,
            format!("{server} was not known to deviate from {id}, and does as others do: {because}"),
        ),
        (_, verdict) => (verdict, because),
    };
    Judgement { verdict, because, evidence }
}

/// The secrets server's own account of itself: `OpenBao 2.7.2`.
pub(super) fn server(history: &[Entry]) -> String {
    let is = |entry: &Entry| match &entry.event {
        Event::Running { server: Server::Vault, product } => Some(product.clone()),
        _ => None,
    };
    history.iter().find_map(is).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::event::{Actor, StaticPassword};
    use crate::tape::{Tape, last_step, reply};

    #[rstest]
    #[case::still_deviates("DBSTATIC-05", "OpenBao 2.7.2", Verdict::Held, Verdict::Held, "it")]
    #[case::has_changed(
        "DBSTATIC-05",
        "OpenBao 2.7.2",
        Verdict::Violated,
        Verdict::Violated,
        "a change: OpenBao 2.7.2 was"
    )]
    #[case::keeps_it("DBSTATIC-05", "Vault 1.21.0", Verdict::Violated, Verdict::Held, "Vault 1.21.0 keeps DBSTATIC-05")]
    #[case::deviates_too("DBSTATIC-05", "Vault 1.21.0", Verdict::Held, Verdict::Violated, "was not known to deviate")]
    #[case::nobody_can_say("DBSTATIC-05", "Vault 1.21.0", Verdict::Inconclusive, Verdict::Inconclusive, "it")]
    #[case::at_times_deviates("DBROOT-03", "Vault 1.21.0", Verdict::Held, Verdict::Held, "it")]
    #[case::at_times_keeps_it(
        "DBROOT-03",
        "Vault 1.21.0",
        Verdict::Violated,
        Verdict::Held,
        "kept DBROOT-03 this time"
    )]
    fn a_step_that_deviates_means_the_promise_where_no_deviation_is_known(
        #[case] id: &str,
        #[case] server: &str,
        #[case] seen: Verdict,
        #[case] means: Verdict,
        #[case] words: &str,
    ) {
        let text = format!(
            "name: One\nguarantees: [{id}]\nstack: {{ vault: {{}} }}\nsteps:\n  \
             - expect: {{ health: {{ status: 200 }} }}\n    deviates: [{id}]\n"
        );
        let step = last_step(&text);
        let mut tape = Tape::default();
        let running = Event::Running { server: Server::Vault, product: server.to_owned() };
        tape.put((0, 1), Actor::Harness, None, running);
        let judgement = Judgement { verdict: seen, because: "it was seen".to_owned(), evidence: Vec::new() };
        let judged = judged(&step, judgement, &tape.entries());
        assert_eq!(judged.verdict, means);
        assert!(judged.because.contains(words), "{}", judged.because);
    }

    const STATIC: &str = "name: One\nstack: { vault: {}, postgres: {} }\n\
        engines: { database: { postgres: { static_roles: { reporting: { rotation_period: 1h } } } } }\n\
        guarantees: [DBSTATIC-05]\nsteps:\n  - read: { static_role: database/reporting, as: kept }\n  \
        - expect: { static_role: { of: database/reporting, same_as: kept } }\n";

    #[rstest]
    #[case::it_has_changed("OpenBao 2.7.2", "    deviates: [DBSTATIC-05]\n", Verdict::Violated)]
    #[case::it_keeps_it("Vault 1.21.0", "    deviates: [DBSTATIC-05]\n", Verdict::Held)]
    #[case::the_harness_was_late("Vault 1.21.0", "", Verdict::Inconclusive)]
    fn a_rotation_that_came_in_its_time_is_what_a_deviating_step_asks_for(
        #[case] server: &str,
        #[case] deviates: &str,
        #[case] means: Verdict,
    ) {
        let step = last_step(&format!("{STATIC}{deviates}"));
        let mut tape = Tape::default();
        tape.harness((0, 1), Event::Running { server: Server::Vault, product: server.to_owned() });
        let read = |kept_as: Option<&str>, fingerprint: &str| Event::StaticRead {
            role: "database/reporting".to_owned(),
            kept_as: kept_as.map(str::to_owned),
            outcome: reply(
                200,
                StaticPassword { username: "reporting".to_owned(), fingerprint: fingerprint.to_owned(), ttl: 60 },
            ),
            login: None,
            rotated_meanwhile: None,
        };
        tape.operator((10, 20), "4.1", read(Some("kept"), "first"));
        let number = step.number.clone();
        tape.harness((30, 30), Event::StepBegan { number, title: String::new(), line: 1, fragment: None, ends: None });
        tape.operator((70_000, 70_010), &step.number, read(None, "second"));
        assert_eq!(crate::check::step(&step, &tape.entries()).unwrap().verdict, means);
    }
}
