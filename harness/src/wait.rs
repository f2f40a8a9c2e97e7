//! Waiting for what one means: looking again, a little later each time, until it is so or the limit has passed.

use std::time::Duration;

use tokio::time::Instant;

/// The shortest pause between two looks, and the longest. In between it is a part of what has been waited already, so that
/// what is seen is seen at most so much late.
const SHORTEST: Duration = Duration::from_millis(3);
const LONGEST: Duration = Duration::from_millis(200);
const PART: u32 = 16;

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
    began: Instant,
    end: Instant,
    first: bool,
    last: bool,
}

impl Looks {
    /// Looks for at most this long.
    pub fn within(limit: Duration) -> Self {
        let began = Instant::now();
        Self { began, end: began + limit, first: true, last: false }
    }

    /// Waits for the time of the next look; `false` when the last one has been made.
    pub async fn again(&mut self) -> bool {
        if self.last {
            return false;
        }
        if self.first {
            self.first = false;
        } else {
            tokio::time::sleep((self.began.elapsed() / PART).clamp(SHORTEST, LONGEST)).await;
        }
        self.last = Instant::now() >= self.end;
        true
    }

    /// Whether no look follows the one that is being made.
    pub fn is_last(&self) -> bool {
        self.last
    }
}

/// Looks until what is looked for is there. The error is what the last look saw instead.
pub async fn until<T, E, F>(limit: Duration, mut look: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let mut looks = Looks::within(limit);
    // There is always a first look.
    looks.again().await;
    loop {
        match look().await {
            Err(_) if looks.again().await => {}
            done => return done,
        }
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

    #[tokio::test]
    async fn what_is_there_ends_the_looking_and_else_the_last_look_is_told() {
        let mut count = 0;
        let mut look = move || {
            count += 1;
            std::future::ready(if count == 3 { Ok(count) } else { Err(count) })
        };
        assert_eq!(until(Duration::from_secs(60), &mut look).await, Ok(3));
        assert_eq!(until(Duration::ZERO, &mut look).await, Err(4));
    }
}
