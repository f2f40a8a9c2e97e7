//! Texts that several projections share: durations for people, counts of results, places in files.

use std::collections::BTreeSet;
use std::path::Path;

use super::record::{FaultRecord, Record, ScenarioRecord, ScenarioResult};
use crate::event::FragmentLine;

/// All results, the worst first: the order in which reports show them.
pub(super) const WORST_FIRST: [ScenarioResult; 6] = [
    ScenarioResult::Violated,
    ScenarioResult::Interrupted,
    ScenarioResult::Broken,
    ScenarioResult::Inconclusive,
    ScenarioResult::Skipped,
    ScenarioResult::Held,
];

/// How many scenarios came to a result.
pub(super) fn count(record: &Record, result: ScenarioResult) -> usize {
    record.scenarios.iter().filter(|s| s.result == result).count()
}

/// The counts in words, the worst first, without those that are zero: `1 violated, 5 held`.
pub(super) fn counts(record: &Record) -> String {
    let counts: Vec<_> = WORST_FIRST
        .iter()
        .map(|&result| (count(record, result), result))
        .filter(|(count, _)| *count > 0)
        .map(|(count, result)| format!("{count} {result}"))
        .collect();
    if counts.is_empty() { "no scenario ran".to_owned() } else { counts.join(", ") }
}

/// The scenarios, the worst first, else in the order of the record.
pub(super) fn worst_first(record: &Record) -> Vec<&ScenarioRecord> {
    let mut scenarios: Vec<_> = record.scenarios.iter().collect();
    scenarios.sort_by_key(|s| WORST_FIRST.iter().position(|r| *r == s.result));
    scenarios
}

/// Every known deviation that was seen, each once: the server, the promise, and what the server really does.
pub(super) fn deviations(record: &Record) -> BTreeSet<(&str, &str, &str)> {
    let mut all = BTreeSet::new();
    for ScenarioRecord { server, guarantees, .. } in &record.scenarios {
        let known = guarantees.iter().filter_map(|g| Some((g.id.as_str(), g.deviation.as_deref()?)));
        all.extend(known.map(|(id, really)| (server.as_str(), id, really)));
    }
    all
}

/// Milliseconds as a person says them: `850 ms`, `12.3 s`, `2 min 5 s`.
pub(super) fn took(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}

/// The theme of a scenario: the folder in which its file lies.
pub(super) fn theme(scenario: &ScenarioRecord) -> &str {
    let folder = Path::new(&scenario.file).parent().and_then(Path::file_name).and_then(|name| name.to_str());
    folder.unwrap_or("scenarios")
}

/// A place in the scenario's file: `scenarios/lease/outage.yaml:14`; the file alone when there is no line.
pub(super) fn place(scenario: &ScenarioRecord, line: usize) -> String {
    if line == 0 { scenario.file.clone() } else { format!("{}:{line}", scenario.file) }
}

/// A line of the scenario's file, without the space around it; none when there is no such line.
pub(super) fn line_of(scenario: &ScenarioRecord, line: usize) -> Option<&str> {
    let text = scenario.source.lines().nth(line.checked_sub(1)?)?.trim();
    (!text.is_empty()).then_some(text)
}

/// Where something is said: in the scenario's file, or in a fragment and where the scenario uses it.
pub(super) fn places(scenario: &ScenarioRecord, line: usize, fragment: Option<&FragmentLine>) -> String {
    match fragment {
        Some(FragmentLine { file, line: there }) => format!("{file}:{there}, used at {}", place(scenario, line)),
        None => place(scenario, line),
    }
}

/// The line where something is said, without the space around it: of the fragment, else of the scenario's file.
pub(super) fn said<'r>(
    scenario: &'r ScenarioRecord,
    line: usize,
    fragment: Option<&FragmentLine>,
) -> Option<(usize, &'r str)> {
    let Some(FragmentLine { file, line: there }) = fragment else {
        return line_of(scenario, line).map(|text| (line, text));
    };
    let source = scenario.fragments.iter().find(|record| record.file == *file)?;
    let text = source.source.lines().nth(there.checked_sub(1)?)?.trim();
    (!text.is_empty()).then_some((*there, text))
}

/// When a fault was there, in one line.
pub(super) fn window(fault: &FaultRecord) -> String {
    match fault.to {
        Some(to) => format!("{} from {} (in effect at {}) to {to}", fault.title, fault.from, fault.in_effect),
        None => {
            format!(
                "{} from {} (in effect at {}), not healed: {}",
                fault.title, fault.from, fault.in_effect, fault.healed
            )
        }
    }
}

/// `seq` numbers as a reader finds them in history.jsonl: `#3, #17`.
pub(super) fn seqs(evidence: &[u64]) -> String {
    evidence.iter().map(|seq| format!("#{seq}")).collect::<Vec<_>>().join(", ")
}

/// The address of a documentation page, if the source is one. Anything else is shown as text: a record may come from
/// elsewhere, and a link must not run a script.
pub(super) fn address(source: &str) -> Option<&str> {
    let clean =
        source.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | '"' | '(' | ')'));
    (clean && (source.starts_with("https://") || source.starts_with("http://"))).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(0, "0 ms")]
    #[case(999, "999 ms")]
    #[case(12_345, "12.3 s")]
    #[case(125_900, "2 min 5 s")]
    fn a_duration_reads_as_a_person_says_it(#[case] ms: u64, #[case] said: &str) {
        assert_eq!(took(ms), said);
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(
            address("https://openbao.org/docs/concepts/lease/"),
            Some("https://openbao.org/docs/concepts/lease/")
        );
        assert_eq!(address("javascript:alert(1)"), None);
        assert_eq!(address("https://x/\"onclick=alert(1)"), None);
    }
}
