//! Our toxics in Toxiproxy's words: types, attributes and units.

use std::collections::HashMap;
use std::time::Duration;

use crate::link::Toxic;

/// What Toxiproxy takes for a toxic: its type and its attributes.
pub(super) type Spelt = (&'static str, HashMap<String, u32>);

/// The toxic as Toxiproxy takes it, or why it cannot be said there.
pub(super) fn spell(toxic: &Toxic) -> Result<Spelt, String> {
    let attributes = match *toxic {
        Toxic::Latency { latency, jitter } => vec![("latency", millis(latency)?), ("jitter", millis(jitter)?)],
        Toxic::Bandwidth { bytes_per_second } => vec![("rate", kilobytes(bytes_per_second)?)],
        Toxic::SlowClose { delay } => vec![("delay", millis(delay)?)],
        // There, a timeout of 0 is one without end.
        Toxic::Timeout { timeout } => {
            vec![("timeout", timeout.map_or(Ok(0), |time| millis(time).map(|ms| ms.max(1)))?)]
        }
        Toxic::ResetPeer { after } => vec![("timeout", millis(after)?)],
        Toxic::Slicer { average, variation, delay } => vec![
            ("average_size", number(average as u128)?),
            ("size_variation", number(variation as u128)?),
            ("delay", number(delay.as_micros())?),
        ],
        Toxic::LimitData { bytes } => vec![("bytes", number(u128::from(bytes))?)],
    };
    let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Ok((toxic.name(), attributes))
}

/// Whole milliseconds; a shorter time is one.
fn millis(time: Duration) -> Result<u32, String> {
    number(time.as_nanos().div_ceil(1_000_000))
}

fn kilobytes(bytes: u64) -> Result<u32, String> {
    if bytes.is_multiple_of(1_000) {
        return number(u128::from(bytes / 1_000));
    }
    Err(format!("it counts in whole kilobytes per second, and {bytes} bytes are none; write a multiple of 1000"))
}

fn number(number: u128) -> Result<u32, String> {
    u32::try_from(number).map_err(|_| format!("{number} is more than it can count; write at most {}", u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelt(toxic: &Toxic) -> (String, Vec<(String, u32)>) {
        let (name, attributes) = spell(toxic).unwrap();
        let mut attributes: Vec<_> = attributes.into_iter().collect();
        attributes.sort();
        (name.to_owned(), attributes)
    }

    #[test]
    fn units_are_toxiproxys() {
        let latency = Toxic::Latency { latency: Duration::from_micros(1_500), jitter: Duration::from_millis(3) };
        assert_eq!(spelt(&latency), ("latency".into(), vec![("jitter".into(), 3), ("latency".into(), 2)]));
        let bandwidth = Toxic::Bandwidth { bytes_per_second: 4_000 };
        assert_eq!(spelt(&bandwidth), ("bandwidth".into(), vec![("rate".into(), 4)]));
        let slicer = Toxic::Slicer { average: 9, variation: 1, delay: Duration::from_millis(2) };
        let attributes = vec![("average_size".into(), 9), ("delay".into(), 2_000), ("size_variation".into(), 1)];
        assert_eq!(spelt(&slicer), ("slicer".into(), attributes));
    }

    #[test]
    fn a_timeout_without_end_is_zero_and_no_other_is() {
        let timeout = |timeout| spelt(&Toxic::Timeout { timeout }).1[0].1;
        assert_eq!(timeout(None), 0);
        assert_eq!(timeout(Some(Duration::ZERO)), 1);
        assert_eq!(timeout(Some(Duration::from_secs(1))), 1_000);
    }

    #[test]
    fn what_cannot_be_said_exactly_is_refused_with_what_to_write() {
        assert!(spell(&Toxic::Bandwidth { bytes_per_second: 1_500 }).unwrap_err().contains("multiple of 1000"));
        assert!(spell(&Toxic::LimitData { bytes: u64::MAX }).unwrap_err().contains("at most 4294967295"));
    }
}
