//! Runs that are made once more. On a busy machine too little is seen now and then, and a server starts too late: that says
//! nothing of an upgrade, and what is seen the second time stands in its place. No run is made a third time.

use std::collections::BTreeSet;

use super::answer::{Repeat, Trial};
use super::change::Leg;
use crate::report::record::ScenarioResult;

/// So many runs of a leg of which none held are no chance.
const NO_CHANCE: usize = 3;

/// The runs that are to be made once more: the number of the trial, and of the run among its repeats.
pub fn wanted(trials: &[Trial]) -> Vec<(usize, usize)> {
    let hopeless = hopeless(trials);
    let mut wanted = Vec::new();
    for (trial, of) in trials.iter().enumerate() {
        for (index, repeat) in of.repeats.iter().enumerate() {
            let is_first = repeat.in_place_of.is_none();
            let wants = match repeat.record.result {
                ScenarioResult::Inconclusive if repeat.refused_data.is_none() => true,
                // A server that did not start in time may have had a slow machine, or there is no hope of it.
                ScenarioResult::Inconclusive | ScenarioResult::Broken => !hopeless.contains(&repeat.leg),
                ScenarioResult::Held
                | ScenarioResult::Skipped
                | ScenarioResult::Interrupted
                | ScenarioResult::Violated => false,
            };
            if is_first && wants {
                wanted.push((trial, index));
            }
        }
    }
    wanted
}

/// The legs on which nothing held in any scenario, and not by chance.
fn hopeless(trials: &[Trial]) -> BTreeSet<Leg> {
    let repeats = || trials.iter().flat_map(|trial| &trial.repeats);
    // A promise is broken too where a server never serves.
    let has_held = |repeat: &Repeat| repeat.record.result == ScenarioResult::Held;
    let legs: BTreeSet<Leg> = repeats().map(|repeat| repeat.leg).collect();
    let is_hopeless = |leg: &Leg| {
        let of = || repeats().filter(|repeat| repeat.leg == *leg);
        of().count() >= NO_CHANCE && !of().any(has_held)
    };
    legs.into_iter().filter(is_hopeless).collect()
}

/// What came of the runs of a trial that were made once more, each in a sentence.
pub fn told(trial: &Trial) -> Vec<String> {
    let told = |repeat: &Repeat| {
        let first = repeat.in_place_of.as_deref()?;
        let (leg, name, then) = (repeat.leg, &repeat.record.name, repeat.record.result);
        let (was, why) = (first.record.result, reason(first));
        Some(format!("“{name}”, {leg} leg: {was} at first ({}: {why}); once more: {then}", first.record.folder))
    };
    trial.repeats.iter().filter_map(told).collect()
}

/// Why a run was not decided, and whether the machine was at fault.
pub fn undecided(repeat: &Repeat) -> String {
    match repeat.in_place_of.as_deref() {
        None => reason(repeat),
        Some(first) => format!("{}; nor when it was first run: {}", reason(repeat), reason(first)),
    }
}

fn reason(repeat: &Repeat) -> String {
    let reason = &repeat.record.reason;
    // A log that follows is in the run's folder.
    let reason = reason.lines().next().unwrap_or_default();
    if repeat.was_held_up {
        format!("{reason} (the machine was too busy for leaseproof itself)")
    } else {
        reason.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::tests::{repeat, trial};
    use super::*;
    use Leg::{From, Through, To};
    use ScenarioResult::{Broken, Held, Inconclusive, Violated};

    #[test]
    fn what_said_nothing_is_run_once_more_and_not_a_third_time() {
        let mut trials = [trial(&[(From, Held), (To, Inconclusive), (Through, Violated), (Through, Broken)])];
        assert_eq!(wanted(&trials), [(0, 1), (0, 3)]);
        let first = std::mem::replace(&mut trials[0].repeats[1], repeat(To, Inconclusive));
        trials[0].repeats[1].in_place_of = Some(Box::new(first));
        assert_eq!(wanted(&trials), [(0, 3)]);
    }

    #[test]
    fn data_that_every_scenario_saw_refused_are_not_tried_again_and_those_that_one_saw_refused_are() {
        let refused = |legs: &[(Leg, ScenarioResult)]| {
            let mut trial = trial(legs);
            for repeat in trial.repeats.iter_mut().filter(|repeat| repeat.record.result == Inconclusive) {
                repeat.refused_data = Some("vault ended while it was starting".to_owned());
            }
            trial
        };
        let mut every = [(); 3].map(|()| refused(&[(From, Held), (To, Held), (Through, Inconclusive)]));
        assert_eq!(wanted(&every), []);
        // A client without a credential is that server's doing as well.
        every[2] = trial(&[(From, Held), (To, Held), (Through, Violated)]);
        assert_eq!(wanted(&every), []);
        let one = [refused(&[(From, Held), (Through, Inconclusive)]), refused(&[(Through, Held), (Through, Violated)])];
        assert_eq!(wanted(&one), [(0, 1)]);
        // One alone may be chance.
        assert_eq!(wanted(&every[..1]), [(0, 2)]);
    }

    #[test]
    fn a_run_that_was_made_once_more_is_told_with_why_and_what_came_of_it() {
        let mut trial = trial(&[(From, Held), (To, Inconclusive)]);
        assert!(told(&trial).is_empty());
        trial.repeats[1].was_held_up = true;
        let first = std::mem::replace(&mut trial.repeats[1], repeat(To, Held));
        trial.repeats[1].in_place_of = Some(Box::new(first));
        let told = told(&trial).remove(0);
        for part in ["to leg: inconclusive at first", "too busy for leaseproof itself", "once more: held"] {
            assert!(told.contains(part), "{told}");
        }
    }
}
