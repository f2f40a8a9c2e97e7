//! Walking the legs of all scenarios, many at once, and those again that said nothing or may have been slow by chance.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use futures_util::{StreamExt as _, future, stream};
use tokio_util::sync::CancellationToken;

use super::answer::{self, Repeat, Trial};
use super::change::Leg;
use super::{diff, pace, retry};
use crate::event::Event;
use crate::history::{self, HISTORY_FILE};
use crate::report::record::{ScenarioRecord, ScenarioResult};
use crate::scenario::Scenario;
use crate::suite::{Course, Suite};

/// The number of the server that runs now, and of the one that is to come, among the suite's.
pub(super) const FROM: usize = 0;
pub(super) const TO: usize = 1;

/// What is run again has less company: of so many at once one is left.
const FEWER: usize = 4;

/// A leg that is to run.
#[derive(Clone)]
pub(super) struct Lap {
    pub(super) trial: usize,
    pub(super) leg: Leg,
    pub(super) scenario: Arc<Scenario>,
}

/// What runs, and what came of it so far.
pub(super) struct Walk<'a> {
    suite: &'a Suite,
    jobs: usize,
    repeat: u32,
    stop: CancellationToken,
    /// All scenarios, with the repeats that have run.
    pub(super) trials: Vec<Trial>,
    /// How many runs were begun.
    pub(super) runs: usize,
    /// How many repeats there are when nothing is left out.
    pub(super) expected: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(suite: &'a Suite, trials: Vec<Trial>, jobs: usize, repeat: u32, stop: CancellationToken) -> Self {
        Self { suite, jobs, repeat, stop, trials, runs: 0, expected: 0 }
    }

    /// Runs these legs, as often as each is repeated, and once more where too little was seen. One repeat of everything comes
    /// after the other: a machine that is busy for a while is so for both versions.
    pub(super) async fn rounds(&mut self, laps: &[Lap]) {
        self.repeats(laps, self.jobs).await;
        self.once_more(laps).await;
    }

    /// The same for legs that nobody knew of.
    pub(super) async fn more(&mut self, laps: &[Lap], why: &'static str) {
        if !laps.is_empty() && !self.stop.is_cancelled() {
            self.suite.more(laps.len() * self.repeat as usize, why);
            self.rounds(laps).await;
        }
    }

    /// Repeats those of these legs as often again whose times lie apart: by chance they do not so a second time.
    pub(super) async fn look_at_times_again(&mut self, laps: &[Lap]) {
        let apart: Vec<BTreeSet<Leg>> = self.trials.iter().map(answer::apart).collect();
        let laps: Vec<Lap> = laps.iter().filter(|lap| apart[lap.trial].contains(&lap.leg)).cloned().collect();
        if !laps.is_empty() && !self.stop.is_cancelled() {
            self.suite.more(laps.len() * self.repeat as usize, "times lie apart, and are looked at as often again");
            self.repeats(&laps, self.jobs.div_ceil(FEWER)).await;
        }
    }

    async fn repeats(&mut self, laps: &[Lap], jobs: usize) {
        let round: Vec<Lap> = (0..self.repeat).flat_map(|_| laps.iter().cloned()).collect();
        self.expected += round.len();
        for (lap, repeat) in self.round(round, jobs).await {
            self.trials[lap.trial].repeats.push(repeat);
        }
    }

    /// Runs once more what said nothing of an upgrade. What is seen now stands in the place of what was not seen then.
    async fn once_more(&mut self, laps: &[Lap]) {
        let (mut places, mut round) = (Vec::new(), Vec::new());
        for (trial, index) in retry::wanted(&self.trials) {
            let leg = self.trials[trial].repeats[index].leg;
            // Those that are no leg of this round had their turn.
            let Some(lap) = laps.iter().find(|lap| (lap.trial, lap.leg) == (trial, leg)) else { continue };
            places.push(index);
            round.push(lap.clone());
        }
        if round.is_empty() || self.stop.is_cancelled() {
            return;
        }
        self.suite.more(round.len(), "too little was seen the first time");
        // When it is stopped meanwhile, it is the last ones that are missing.
        let walked = self.round(round, self.jobs.div_ceil(FEWER)).await;
        for (index, (lap, repeat)) in places.into_iter().zip(walked) {
            // Cut off before its end, it says less than the first.
            if repeat.record.result != ScenarioResult::Interrupted {
                let place = &mut self.trials[lap.trial].repeats[index];
                let first = mem::replace(place, repeat);
                place.in_place_of = Some(Box::new(first));
            }
        }
    }

    /// Runs laps, each once, and gives what came of them in their order.
    async fn round(&mut self, laps: Vec<Lap>, jobs: usize) -> Vec<(Lap, Repeat)> {
        let first = self.runs;
        self.runs += laps.len();
        let this = &*self;
        let mut done: Vec<(usize, Lap, Repeat)> = stream::iter(laps.into_iter().enumerate())
            // What had not begun when the run was stopped does not begin.
            .filter(|_| future::ready(!this.stop.is_cancelled()))
            .map(|(index, lap)| async move {
                let course = lap.course(this.trials[lap.trial].again.clone());
                let record = this.suite.run_on(first + index, &lap.scenario, course).await;
                let repeat = seen(this.suite, lap.leg, record).await;
                (index, lap, repeat)
            })
            .buffer_unordered(jobs.max(1))
            .collect()
            .await;
        done.sort_by_key(|(index, ..)| *index);
        done.into_iter().map(|(_, lap, repeat)| (lap, repeat)).collect()
    }
}

impl Lap {
    fn course(&self, again: String) -> Course {
        let (server, next) = match self.leg {
            Leg::From | Leg::Control => (FROM, None),
            Leg::To => (TO, None),
            Leg::Through | Leg::Rollback => (FROM, Some(TO)),
        };
        // An ordinary run shows the legs of one version again; only the upgrade itself needs more.
        let rolls_back = self.leg == Leg::Rollback;
        Course { server, next, rolls_back, rerun: next.is_some().then_some(again) }
    }
}

/// What a run showed beside its verdicts, from its history.
async fn seen(suite: &Suite, leg: Leg, record: ScenarioRecord) -> Repeat {
    let path = suite.folder().join(&record.folder).join(HISTORY_FILE);
    let read = tokio::task::spawn_blocking(move || history::read(&path).unwrap_or_default());
    // A history that cannot be read compares with nothing; its record says how the run ended.
    let history = read.await.unwrap_or_default();
    Repeat {
        leg,
        answers: diff::answers(&history),
        times: pace::times(&history),
        was_held_up: history.iter().any(|entry| entry.event == Event::HeldUp),
        in_place_of: None,
        refused_data: (leg == Leg::Through).then(|| answer::upgrade_refused(&history)).flatten(),
        record,
    }
}
