//! What stands against a scenario: every step, invariant and promise that was not held, in the order in which a reader
//! looks for the cause.

use super::record::{ScenarioRecord, ScenarioResult};
use crate::event::FragmentLine;
use crate::outcome::{Judgement, Verdict};

/// One judgement that was not "held", with what was judged.
pub(super) struct Complaint<'a> {
    /// What was judged: `step 4.2: login with cred is refused`.
    pub(super) about: String,
    /// Its line in the scenario file; 0 when there is none.
    pub(super) line: usize,
    /// Its line in a fragment.
    pub(super) fragment: Option<&'a FragmentLine>,
    /// The judgement.
    pub(super) judgement: &'a Judgement,
}

/// The complaints that explain a scenario's result: violations when it is violated, else whatever stayed open. Steps come
/// first, since they have lines.
pub(super) fn of(scenario: &ScenarioRecord) -> Vec<Complaint<'_>> {
    let explains = |judgement: &Judgement| match scenario.result {
        ScenarioResult::Violated => judgement.verdict == Verdict::Violated,
        _ => judgement.verdict != Verdict::Held,
    };
    let steps = scenario.steps.iter().map(|s| Complaint {
        about: format!("step {}: {}", s.number, s.title),
        line: s.line,
        fragment: s.fragment.as_ref(),
        judgement: &s.judgement,
    });
    let always = scenario.always.iter().map(|i| Complaint {
        about: format!("always: {}", i.title),
        line: i.line,
        fragment: i.fragment.as_ref(),
        judgement: &i.judgement,
    });
    let promises = scenario.guarantees.iter().map(|g| Complaint {
        about: format!("{}: {}", g.id, g.promise),
        line: 0,
        fragment: None,
        judgement: &g.judgement,
    });
    steps.chain(always).chain(promises).filter(|c| explains(c.judgement)).collect()
}
