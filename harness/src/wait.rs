//! Waiting for what one means: looking again, a little later each time, until it is so or the limit has passed.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause; a server on the same machine often needs no more.
const FIRST: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_millis(200);

/// A series of looks at something, further and further apart. The last look comes after the limit has passed.
///
/// ```
/// # use leaseproof_harness::wait::Looks;
/// # async fn example(mut is_so: impl FnMut() -> bool) -> bool {
/// let mut looks = Looks::within(std::time::Duration::from_secs(5));
/// while looks.again().await {
///     if is_so() {
///         return true;
///     }
/// }
/// false
/// # }
/// ```
#[derive(Debug)]
pub struct Looks {
    end: Instant,
    pause: Option<Duration>,
    last: bool,
}

impl Looks {
    /// Looks for at most this long.
    pub fn within(limit: Duration) -> Self {
        Self { end: Instant::now() + limit, pause: None, last: false }
    }

    /// Waits for the time of the next look; `false` when the last one has been made.
    pub async fn again(&mut self) -> bool {
        if self.last {
            return false;
        }
        match self.pause {
            None => self.pause = Some(FIRST),
            Some(pause) => {
                tokio::time::sleep(pause).await;
                self.pause = Some((pause * 3 / 2).min(LONGEST));
            }
        }
        self.last = Instant::now() >= self.end;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_look_comes_after_the_limit() {
        let began = Instant::now();
        let limit = Duration::from_millis(30);
        let mut looks = Looks::within(limit);
        let mut last = Duration::ZERO;
        while looks.again().await {
            last = began.elapsed();
        }
        assert!(last >= limit, "{last:?}");
    }

    #[tokio::test]
    async fn there_is_one_look_even_without_time() {
        let mut looks = Looks::within(Duration::ZERO);
        assert!(looks.again().await);
        assert!(!looks.again().await);
    }
}
