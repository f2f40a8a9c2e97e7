//! What the servers said, each line with its moment on the scenario's clock, so that the page can cut it to a moment.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use regex::{Captures, Regex};
use serde::Serialize;

use crate::report::record::ScenarioRecord;
use crate::report::text;
use crate::time::Moment;

/// How much of one log goes into the page; of a longer one its two ends do.
const LOG_BYTES: usize = 256 * 1024;
/// Where in a line its time is looked for: further on it is what the line speaks of.
const STAMP_WITHIN: usize = 64;
const QUARTER_HOUR: i64 = 15 * 60 * 1_000_000;

/// The log of one server.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Log {
    name: String,
    lines: Vec<(Moment, String)>,
}

/// The logs in a scenario's folder, in the order of their names. One that cannot be read says so in its only line.
pub(super) fn read(scenario: &ScenarioRecord, folder: &Path) -> Vec<Log> {
    let started = scenario.started.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    text::log_files(&folder.join(&scenario.folder).join("logs"))
        .iter()
        .map(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let lines = match fs::read(path) {
                Ok(bytes) => lines(&String::from_utf8_lossy(&bytes), started, &path.display().to_string()),
                Err(error) => vec![(Moment::START, format!("(this log cannot be read: {error})"))],
            };
            Log { name, lines }
        })
        .collect()
}

/// The lines with their moments. A line without a time of its own happened when the one before it did.
fn lines(log: &str, started: Option<i64>, path: &str) -> Vec<(Moment, String)> {
    let mut zero = None;
    let mut now = Moment::START;
    let all = log.lines().map(clean).filter(|line| !line.trim().is_empty());
    let all: Vec<_> = all
        .map(|line| {
            if let Some(stamp) = stamp(&line) {
                let zero = *zero.get_or_insert_with(|| zero_of(stamp, started));
                now = Moment(u64::try_from(stamp - zero).unwrap_or_default());
            }
            (now, line)
        })
        .collect();
    both_ends(all, path)
}

/// The scenario's start on the log's clock. Servers write the time of whatever zone they think they are in, and zones
/// differ by quarters of an hour, so the first line tells which.
fn zero_of(first: i64, started: Option<i64>) -> i64 {
    let Some(started) = started else { return first };
    let quarters = (first - started + QUARTER_HOUR / 2).div_euclid(QUARTER_HOUR);
    started + quarters * QUARTER_HOUR
}

/// A log that is too long for a page keeps its beginning and its end, and says where the rest is.
fn both_ends(mut lines: Vec<(Moment, String)>, path: &str) -> Vec<(Moment, String)> {
    let fitting = |lines: &mut dyn Iterator<Item = usize>| {
        let mut room = LOG_BYTES / 2;
        lines.take_while(|length| room.checked_sub(*length).map(|left| room = left).is_some()).count()
    };
    if lines.iter().map(|(_, line)| line.len()).sum::<usize>() <= LOG_BYTES {
        return lines;
    }
    let head = fitting(&mut lines.iter().map(|(_, line)| line.len()));
    let tail = fitting(&mut lines.iter().rev().map(|(_, line)| line.len()));
    let gap = head..lines.len() - tail;
    let note = format!("({} lines are left out here; all of them stand in {path})", gap.len());
    let at = lines[gap.start].0;
    lines.splice(gap, [(at, note)]);
    lines
}

/// Without colours and other control characters.
fn clean(line: &str) -> String {
    static COLOUR: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("\x1b\\[[0-9;]*[A-Za-z]").ok());
    let plain = COLOUR.as_ref().map_or(line.into(), |colour| colour.replace_all(line, ""));
    plain.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim_end().to_owned()
}

/// The time at the beginning of a line, in microseconds, as if it were UTC.
fn stamp(line: &str) -> Option<i64> {
    /// `2026-11-21T18:37:14.785Z`, `2026-11-21 18:37:13.934 UTC`, `2026-11-21  8:37:13`.
    static ISO: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"(\d{4})-(\d{2})-(\d{2})[T ] ?(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,6}))?").ok());
    /// `[21/Nov/2026 16:08:55]`.
    static WEB: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\[(\d{2})/([A-Z][a-z]{2})/(\d{4})[: ](\d{2}):(\d{2}):(\d{2})").ok());
    let beginning: String = line.chars().take(STAMP_WITHIN).collect();
    if let Some(found) = ISO.as_ref()?.captures(&beginning) {
        return micros(&found, [1, 2, 3], number(&found, 2)?);
    }
    let found = WEB.as_ref()?.captures(&beginning)?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|month| *month == &found[2])?;
    micros(&found, [3, 2, 1], i32::try_from(month).ok()? + 1)
}

fn number(found: &Captures<'_>, group: usize) -> Option<i32> {
    found.get(group)?.as_str().parse().ok()
}

fn micros(found: &Captures<'_>, [year, _, day]: [usize; 3], month: i32) -> Option<i64> {
    let small = |number: i32| i8::try_from(number).ok();
    let of = |group| small(number(found, group)?);
    let date = Date::new(i16::try_from(number(found, year)?).ok()?, small(month)?, of(day)?).ok()?;
    let fraction = found.get(7).map_or(0, |digits| format!("{:0<6}", digits.as_str()).parse().unwrap_or_default());
    let time = Time::new(of(4)?, of(5)?, of(6)?, fraction * 1_000).ok()?;
    let zoned = DateTime::from_parts(date, time).to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: &str = "2026-11-21T18:37:13.500Z";

    fn told(log: &str) -> Vec<(u64, String)> {
        let started = STARTED.parse::<Timestamp>().unwrap().as_microsecond();
        lines(log, Some(started), "logs/x.log").into_iter().map(|(at, line)| (at.0 / 1_000, line)).collect()
    }

    #[test]
    fn the_time_of_every_server_is_read() {
        for (line, ms) in [
            ("2026-11-21T18:37:14.785Z [INFO]  core: post-unseal setup complete", 1_285),
            ("2026-11-21 18:37:13.934 UTC [23244] LOG:  starting PostgreSQL 15.18", 434),
            ("2026-11-21 18:37:20 0 [Note] InnoDB: Number of transaction pools: 1", 6_500),
            ("127.0.0.1 - - [21/Nov/2026 18:37:16] \"GET /moto-api/data.json HTTP/1.1\" 200 -", 2_500),
        ] {
            assert_eq!(told(line), [(ms, line.to_owned())]);
        }
    }

    #[test]
    fn a_server_in_another_zone_is_understood_by_its_first_line() {
        let log =
            "2026-11-22 00:22:14.000 +0545 [1] LOG:  one\n2026-11-22 00:52:14.000 +0545 [1] LOG:  half an hour later";
        assert_eq!(told(log).iter().map(|(ms, _)| *ms).collect::<Vec<_>>(), [500, 1_800_500]);
    }

    #[test]
    fn a_line_without_a_time_belongs_to_the_one_before_it_and_colours_are_left_out() {
        let log = "banner\n2026-11-21T18:37:15.5Z [WARN] \u{1b}[31mred\u{1b}[0m\n\tcaused by: dial\n\n";
        let lines = ["banner", "2026-11-21T18:37:15.5Z [WARN] red", " caused by: dial"];
        assert_eq!(told(log), [0, 2_000, 2_000].into_iter().zip(lines.map(str::to_owned)).collect::<Vec<_>>());
    }

    #[test]
    fn a_time_that_a_line_speaks_of_is_not_its_own() {
        let far = format!("{} shut down at 2026-11-21 18:40:00", "x".repeat(STAMP_WITHIN));
        assert_eq!(told(&far), [(0, far.clone())]);
    }

    #[test]
    fn a_log_that_is_too_long_keeps_both_ends_and_says_what_is_left_out() {
        let line = |second: usize| {
            format!("2026-11-21T18:{:02}:{:02}.000Z {}", 38 + second / 60, second % 60, "é".repeat(500))
        };
        let log: Vec<String> = (0..600).map(line).collect();
        let kept = told(&log.join("\n"));
        assert!(kept.iter().map(|(_, line)| line.len()).sum::<usize>() <= LOG_BYTES + 200);
        assert_eq!((&kept[0].1, &kept[kept.len() - 1].1), (&log[0], &log[599]));
        let note = kept.iter().position(|(_, line)| line.contains("left out")).unwrap();
        assert!(kept[note].1.starts_with(&format!("({} lines", 600 - (kept.len() - 1))), "{}", kept[note].1);
        assert!(kept[note].1.contains("logs/x.log") && kept.is_sorted_by_key(|(ms, _)| *ms));
    }
}
