//! Notices when the harness itself was held up: stopped by a signal, starved of the processor, or put to sleep with its
//! machine. What was due meanwhile came late, so what is seen afterwards may be the harness's own doing.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::event::{Actor, Event};
use crate::time::{Interval, Moment};
use crate::world::World;

/// Between two signs of life.
const TICK: Duration = Duration::from_millis(200);
/// How long it may take from one sign of life to the next. A machine that is merely busy stays below; what scenarios wait
/// for, and what they allow for, is counted in seconds.
const HELD_UP: Duration = Duration::from_millis(1_200);

/// Watches until it is told to stop.
pub async fn watch(world: Arc<World>, stop: CancellationToken) {
    let mut last = world.history.now();
    while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
        let now = world.history.now();
        if let Some(at) = held_up(last, now) {
            world.write(&Actor::Harness, None, at, Event::HeldUp);
        }
        last = now;
    }
}

/// The time in which the harness did not run, if that was long.
fn held_up(last: Moment, now: Moment) -> Option<Interval> {
    (now.since(last) > HELD_UP).then(|| Interval::new(last, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_machine_is_not_a_harness_that_was_held_up() {
        let at = Moment::from_millis;
        assert_eq!(held_up(at(1_000), at(2_000)), None);
        assert_eq!(held_up(at(1_000), at(4_000)), Some(Interval::new(at(1_000), at(4_000))));
    }
}
