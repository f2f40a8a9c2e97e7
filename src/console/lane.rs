//! One running scenario as one line: what it shows, how far it is, and what is broken in it just now.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use leaseproof_harness::event::{Entry, Event, Phase};
use leaseproof_harness::outcome::Outcome;
use leaseproof_harness::report::text::cut;

/// What is known of a running scenario.
#[derive(Debug, Clone)]
pub(super) struct Lane {
    name: String,
    server: String,
    phase: Option<Phase>,
    step: Option<(String, String)>,
    faults: Vec<(u32, String)>,
    left: Left,
}

/// The time that is left of what a scenario waits for just now, if it waits. It goes on between two events, so whoever draws
/// the line looks at it by himself.
#[derive(Debug, Clone, Default)]
pub(super) struct Left(Arc<Mutex<Option<Instant>>>);

impl Left {
    fn ends(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    /// In words, in whole seconds; nothing when nobody waits.
    pub(super) fn words(&self, now: Instant) -> String {
        let ends = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = ends.map(|ends| ends.saturating_duration_since(now).as_secs_f64().ceil());
        left.filter(|seconds| *seconds > 0.0).map_or_else(String::new, |seconds| format!("{seconds}s left"))
    }
}

impl Lane {
    pub(super) fn new(name: &str, server: &str) -> Self {
        let (name, server) = (name.to_owned(), server.to_owned());
        Self { name, server, phase: None, step: None, faults: Vec::new(), left: Left::default() }
    }

    /// The time that is left of its wait.
    pub(super) fn left(&self) -> Left {
        self.left.clone()
    }

    /// Takes in what happened. Whether the line has changed.
    pub(super) fn learn(&mut self, entry: &Entry) -> bool {
        match &entry.event {
            Event::Phase(phase) => {
                self.phase = Some(*phase);
                self.step = None;
                self.left.ends(None);
            }
            Event::StepBegan { number, title, ends, .. } => {
                self.step = Some((number.clone(), title.clone()));
                self.left.ends(ends.map(|ends| Instant::now() + ends.since(entry.at.answered)));
            }
            Event::StepEnded { .. } => {
                self.left.ends(None);
                return false;
            }
            Event::FaultInjected { fault, title, .. } => self.faults.push((*fault, title.clone())),
            Event::FaultHealed { fault, outcome: Outcome::Ok(_) } => self.faults.retain(|(number, _)| number != fault),
            _ => return false,
        }
        true
    }

    /// The line, at most `width` characters wide: the name gives way first, then the rest.
    pub(super) fn line(&self, width: usize) -> String {
        let phase = self.phase.map_or_else(|| "starting".to_owned(), |phase| phase.to_string());
        let mut state = match &self.step {
            Some((number, title)) => format!("{number} {title}"),
            None => phase,
        };
        if !self.faults.is_empty() {
            let faults: Vec<&str> = self.faults.iter().map(|(_, title)| title.as_str()).collect();
            state = format!("[broken: {}] {state}", faults.join(", "));
        }
        let name = format!("{} ({})", self.name, self.server);
        let room = width.saturating_sub(state.chars().count() + 2).max(width / 3);
        cut(&format!("{}  {state}", cut(&name, room)), width)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::Duration;

    use leaseproof_harness::event::Actor;
    use leaseproof_harness::outcome::Unknown;
    use leaseproof_harness::report::record::{ScenarioRecord, ScenarioResult};
    use leaseproof_harness::scenario::{Scenario, parse};
    use leaseproof_harness::time::{Interval, Moment};

    use super::*;

    const NAME: &str = "A database outage delays revocation and never loses it";

    pub(in super::super) fn scenario() -> Scenario {
        parse(include_str!("../../tests/good/design_example.yaml")).scenario.unwrap()
    }

    pub(in super::super) fn record(result: ScenarioResult, reason: &str) -> ScenarioRecord {
        ScenarioRecord {
            name: NAME.to_owned(),
            about: None,
            file: "scenarios/lease/outage.yaml".to_owned(),
            source: String::new(),
            fragments: Vec::new(),
            server: "OpenBao 2.7.2".to_owned(),
            provider: "native".to_owned(),
            products: Vec::new(),
            result,
            reason: reason.to_owned(),
            seed: 42,
            rerun: "leaseproof run scenarios/lease/outage.yaml --seed 42".to_owned(),
            folder: "000-outage".to_owned(),
            started: "2026-11-21T09:15:00Z".to_owned(),
            took_ms: 48_200,
            guarantees: Vec::new(),
            phases: Vec::new(),
            steps: Vec::new(),
            faults: Vec::new(),
            always: Vec::new(),
            differences: Vec::new(),
        }
    }

    fn learn(lane: &mut Lane, event: Event) -> bool {
        let at = Interval::at(Moment::START);
        lane.learn(&Entry { seq: 0, at, who: Actor::Harness, step: None, event, shape: None })
    }

    fn fault(title: &str) -> Event {
        Event::FaultInjected { fault: 1, title: title.to_owned(), disturbs: Vec::new(), seen: String::new() }
    }

    #[test]
    fn a_line_says_the_phase_then_the_step_then_what_is_broken() {
        let mut lane = Lane::new(NAME, "OpenBao 2.7.2");
        assert_eq!(lane.line(120), format!("{NAME} (OpenBao 2.7.2)  starting"));
        assert!(learn(&mut lane, Event::Phase(Phase::StackUp)));
        assert!(lane.line(120).ends_with("  stack up"));
        let step = Event::StepBegan {
            number: "4.2".to_owned(),
            title: "cut vault→postgres".to_owned(),
            line: 15,
            fragment: None,
            ends: None,
        };
        assert!(learn(&mut lane, step));
        assert!(learn(&mut lane, fault("cut vault→postgres")));
        assert!(
            lane.line(160).ends_with("  [broken: cut vault→postgres] 4.2 cut vault→postgres"),
            "{}",
            lane.line(160)
        );
    }

    #[test]
    fn a_fault_leaves_the_line_only_when_its_healing_was_seen() {
        let mut lane = Lane::new(NAME, "OpenBao 2.7.2");
        learn(&mut lane, fault("kill vault"));
        let unseen = Outcome::Unknown(Unknown::deadline(Duration::from_secs(5)));
        learn(&mut lane, Event::FaultHealed { fault: 1, outcome: unseen });
        assert!(lane.line(160).contains("kill vault"));
        learn(&mut lane, Event::FaultHealed { fault: 1, outcome: Outcome::Ok("answered".to_owned()) });
        assert!(!lane.line(160).contains("kill vault"));
    }

    #[test]
    fn a_line_is_never_wider_than_the_terminal_and_the_name_gives_way_first() {
        let mut lane = Lane::new(NAME, "OpenBao 2.7.2");
        learn(&mut lane, Event::Phase(Phase::Baseline));
        for width in 0..140 {
            let shown = lane.line(width);
            assert!(shown.chars().count() <= width.max(1), "{width}: {shown}");
        }
        assert!(lane.line(40).ends_with("…  baseline"), "{}", lane.line(40));
    }

    #[test]
    fn what_is_left_of_a_wait_is_told_in_whole_seconds_until_it_is_over() {
        let mut lane = Lane::new(NAME, "OpenBao 2.7.2");
        let (left, before) = (lane.left(), Instant::now());
        assert_eq!(left.words(before), "");
        let waits = |ends| Event::StepBegan {
            number: "4.2".to_owned(),
            title: "wait".to_owned(),
            line: 15,
            fragment: None,
            ends,
        };
        learn(&mut lane, waits(Some(Moment::from_millis(10_000))));
        // The test itself may have taken a while.
        let words: Vec<String> = [0, 4, 3_600].map(|later| left.words(before + Duration::from_secs(later))).to_vec();
        assert!(["10s left", "11s left"].contains(&words[0].as_str()), "{words:?}");
        assert!(["6s left", "7s left"].contains(&words[1].as_str()), "{words:?}");
        assert_eq!(words[2], "");
        learn(&mut lane, waits(None));
        assert_eq!(left.words(before), "");
    }

    #[test]
    fn what_changes_nothing_of_the_line_does_not_draw_it_again() {
        let mut lane = Lane::new(NAME, "OpenBao 2.7.2");
        assert!(!learn(&mut lane, Event::Note("x".to_owned())));
    }
}
