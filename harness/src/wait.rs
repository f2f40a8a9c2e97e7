//! Waiting for what one means: looking again, a little later each time, until it is so or the limit has passed.

use std::time::Duration;

use tokio::time::Instant;

/// The first pause; a server on the same machine often needs no more.
const FIRST: Duration = Duration::from_millis(5);
/// The longest pause between two looks.
const LONGEST: Duration = Duration::from_millis(200);

/// Looks until something is seen, at most for `limit`; the last look comes after it has passed.
pub async fn until<T>(limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    let mut pause = FIRST;
    loop {
        let last = Instant::now() >= end;
        if let Some(seen) = look().await {
            return Some(seen);
        }
        if last {
            return None;
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 3 / 2).min(LONGEST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_look_comes_after_the_limit() {
        let began = Instant::now();
        let limit = Duration::from_millis(30);
        let late = until(limit, async || (began.elapsed() >= limit).then_some("seen")).await;
        assert_eq!(late, Some("seen"));
        let never: Option<()> = until(limit, async || None).await;
        assert_eq!(never, None);
    }
}
