//! metrics.txt: the figures of a run in OpenMetrics text, for whoever keeps them over time.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::record::{DifferenceKind, Record, ScenarioRecord};
use super::words::WORST_FIRST;
use crate::outcome::Verdict;

/// The upper ends of the buckets of a step's time, in milliseconds.
const BUCKETS_MS: [u64; 9] = [10, 50, 100, 500, 1_000, 5_000, 10_000, 60_000, 300_000];

const VERDICTS: [Verdict; 3] = [Verdict::Held, Verdict::Violated, Verdict::Inconclusive];

/// The record's figures. Every family is there in every run, and its samples are in the same order.
pub(super) fn render(record: &Record) -> String {
    let mut text = Text::default();
    run(&mut text, record);
    results(&mut text, record);
    promises(&mut text, record);
    steps(&mut text, record);
    text.0.push_str("# EOF\n");
    text.0
}

fn run(text: &mut Text, record: &Record) {
    text.family("leaseproof_run", "info", None, "What ran.");
    let seed = record.seed.to_string();
    let labels = [
        ("run", record.run.as_str()),
        ("leaseproof", &record.leaseproof),
        ("provider", &record.provider),
        ("seed", &seed),
    ];
    text.sample("leaseproof_run_info", &labels, "1");
    text.family("leaseproof_run_duration_seconds", "gauge", Some("seconds"), "How long the run took.");
    text.sample("leaseproof_run_duration_seconds", &[], &seconds(record.took_ms));
    text.family("leaseproof_secrets_known", "gauge", None, "Secrets that the run knew and searched its output for.");
    text.sample("leaseproof_secrets_known", &[], &record.secrets.known.to_string());
    text.family("leaseproof_secrets_leaked_files", "gauge", None, "Files of the run in which a secret was found.");
    text.sample("leaseproof_secrets_leaked_files", &[], &record.secrets.found_in.len().to_string());
}

fn results(text: &mut Text, record: &Record) {
    text.family("leaseproof_scenarios", "gauge", None, "Scenario runs by server and result.");
    for server in servers(record) {
        for result in WORST_FIRST {
            let count = record.scenarios.iter().filter(|s| s.server == server && s.result == result).count();
            let labels = [("server", server), ("result", &result.to_string())];
            text.sample("leaseproof_scenarios", &labels, &count.to_string());
        }
    }
    let name = "leaseproof_scenario_duration_seconds";
    text.family(name, "gauge", Some("seconds"), "How long each scenario run took.");
    for scenario in &record.scenarios {
        let ScenarioRecord { name: sentence, file, server, folder, .. } = scenario;
        let result = scenario.result.to_string();
        let labels = [
            ("scenario", sentence.as_str()),
            ("file", file),
            ("server", server),
            ("result", &result),
            // What tells repeats apart.
            ("folder", folder),
        ];
        text.sample(name, &labels, &seconds(scenario.took_ms));
    }
    text.family("leaseproof_faults", "gauge", None, "Faults that were injected, by whether their healing was seen.");
    for server in servers(record) {
        let faults = || of(record, server).flat_map(|s| &s.faults);
        let healed = faults().filter(|fault| fault.to.is_some()).count();
        for (word, count) in [("yes", healed), ("no", faults().count() - healed)] {
            text.sample("leaseproof_faults", &[("server", server), ("healed", word)], &count.to_string());
        }
    }
    let name = "leaseproof_ledger_differences";
    text.family(name, "gauge", None, "Differences of the ledgers at the end of scenarios.");
    for server in servers(record) {
        use DifferenceKind::{EarlyDeath, LeftoverSession, Orphan, OrphanByNature, Zombie};
        for kind in [Orphan, Zombie, EarlyDeath, LeftoverSession, OrphanByNature] {
            let count = of(record, server).flat_map(|s| &s.differences).filter(|d| d.kind == kind).count();
            text.sample(name, &[("server", server), ("kind", &word(kind))], &count.to_string());
        }
    }
}

fn promises(text: &mut Text, record: &Record) {
    let name = "leaseproof_guarantee_scenarios";
    text.family(name, "gauge", None, "Scenario runs that judged a promise, by verdict.");
    let mut counts: BTreeMap<(&str, &str), [usize; 3]> = BTreeMap::new();
    for scenario in &record.scenarios {
        for guarantee in &scenario.guarantees {
            let count = counts.entry((&scenario.server, &guarantee.id)).or_default();
            if let Some(index) = VERDICTS.iter().position(|verdict| *verdict == guarantee.judgement.verdict) {
                count[index] += 1;
            }
        }
    }
    for ((server, guarantee), all) in counts {
        for (verdict, count) in VERDICTS.iter().zip(all) {
            let labels = [("server", server), ("guarantee", guarantee), ("verdict", &word(verdict))];
            text.sample(name, &labels, &count.to_string());
        }
    }
}

fn steps(text: &mut Text, record: &Record) {
    let name = "leaseproof_step_duration_seconds";
    text.family(name, "histogram", Some("seconds"), "How long steps took.");
    for server in servers(record) {
        let took = |step: &super::record::StepRecord| step.to.since(step.from).as_millis();
        let all: Vec<u128> = of(record, server).flat_map(|s| &s.steps).map(took).collect();
        for bucket in BUCKETS_MS {
            let count = all.iter().filter(|ms| **ms <= u128::from(bucket)).count();
            let labels = [("server", server), ("le", &seconds(bucket))];
            text.sample(&format!("{name}_bucket"), &labels, &count.to_string());
        }
        text.sample(&format!("{name}_bucket"), &[("server", server), ("le", "+Inf")], &all.len().to_string());
        text.sample(&format!("{name}_count"), &[("server", server)], &all.len().to_string());
        let sum = u64::try_from(all.iter().sum::<u128>()).unwrap_or(u64::MAX);
        text.sample(&format!("{name}_sum"), &[("server", server)], &seconds(sum));
    }
}

fn servers(record: &Record) -> Vec<&str> {
    let mut servers: Vec<&str> = Vec::new();
    for scenario in &record.scenarios {
        if !servers.contains(&scenario.server.as_str()) {
            servers.push(&scenario.server);
        }
    }
    servers
}

fn of<'a>(record: &'a Record, server: &'a str) -> impl Iterator<Item = &'a ScenarioRecord> {
    record.scenarios.iter().filter(move |scenario| scenario.server == server)
}

/// A value of an enum as record.json has it.
fn word(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Milliseconds as seconds, as OpenMetrics wants every time: without zeros at the end, and with a point.
fn seconds(ms: u64) -> String {
    let text = format!("{}.{:03}", ms / 1_000, ms % 1_000);
    let short = text.trim_end_matches('0');
    if short.ends_with('.') { format!("{short}0") } else { short.to_owned() }
}

/// OpenMetrics text.
#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, unit: Option<&str>, help: &str) {
        let _ = writeln!(self.0, "# TYPE {name} {kind}");
        if let Some(unit) = unit {
            let _ = writeln!(self.0, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.0, "# HELP {name} {}", escaped(help));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        if !labels.is_empty() {
            let all: Vec<String> = labels.iter().map(|(key, text)| format!("{key}=\"{}\"", escaped(text))).collect();
            let _ = write!(self.0, "{{{}}}", all.join(","));
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use regex::Regex;

    use super::*;
    use crate::report::sample;

    /// Holds a text to the grammar of OpenMetrics 1.0: families in one piece with their metadata before them, names and
    /// units that fit, labels that are escaped, no sample twice, buckets that grow, the end marked.
    fn check(text: &str) -> Result<usize, String> {
        let name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
        let label = r#"[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*""#;
        let sample = Regex::new(&format!(r"^({name})(?:\{{({label}(?:,{label})*)\}})? (-?\d+(?:\.\d+)?)$")).unwrap();
        let meta = Regex::new(&format!("^# (TYPE|UNIT|HELP) ({name}) (.+)$")).unwrap();
        let body = text.strip_suffix("# EOF\n").ok_or("the end is not marked")?;
        let (mut seen, mut families) = (BTreeSet::new(), BTreeSet::new());
        let (mut family, mut kind, mut last) = (String::new(), String::new(), 0.0_f64);
        for line in body.lines() {
            if let Some(found) = meta.captures(line) {
                if &found[1] == "TYPE" {
                    family = found[2].to_owned();
                    kind = found[3].to_owned();
                    last = 0.0;
                    if !families.insert(family.clone()) {
                        return Err(format!("{family} is in two pieces"));
                    }
                    if !["info", "gauge", "histogram"].contains(&kind.as_str()) {
                        return Err(format!("{family}: no kind: {kind}"));
                    }
                } else if found[2] != family {
                    return Err(format!("{line}: not within its family"));
                }
                if &found[1] == "UNIT" && !family.ends_with(&format!("_{}", &found[3])) {
                    return Err(format!("{line}: the name does not end in its unit"));
                }
                continue;
            }
            let found = sample.captures(line).ok_or_else(|| format!("no sample: {line}"))?;
            let suffix = found[1].strip_prefix(family.as_str()).ok_or_else(|| format!("{line}: another family's"))?;
            let fits: &[&str] = match kind.as_str() {
                "info" => &["_info"],
                "histogram" => &["_bucket", "_count", "_sum"],
                _ => &[""],
            };
            if !fits.contains(&suffix) {
                return Err(format!("{line}: no suffix of a {kind}"));
            }
            let value: f64 = found[3].parse().map_err(|e| format!("{line}: {e}"))?;
            if suffix == "_bucket" {
                if value < last {
                    return Err(format!("{line}: buckets do not grow"));
                }
                last = if line.contains("le=\"+Inf\"") { 0.0 } else { value };
            }
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            if !seen.insert((found[1].to_owned(), labels.to_owned())) {
                return Err(format!("{line}: twice"));
            }
        }
        Ok(seen.len())
    }

    #[test]
    fn the_figures_of_a_run_are_open_metrics() {
        let text = render(&sample::record());
        let samples = check(&text).unwrap_or_else(|why| panic!("{why}\n{text}"));
        assert!(samples > 30, "{samples}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_run_of_nothing_and_names_with_every_kind_of_sign_are_open_metrics_too() {
        let mut record = sample::record();
        record.scenarios[0].name = "a \"quoted\" \\ name\nof two lines, {with} = signs".to_owned();
        check(&render(&record)).unwrap();
        record.scenarios.clear();
        check(&render(&record)).unwrap();
    }

    #[test]
    fn repeats_of_a_scenario_are_samples_of_their_own() {
        let mut record = sample::record();
        let mut again = record.scenarios[0].clone();
        again.folder = "001-again".to_owned();
        record.scenarios.push(again);
        check(&render(&record)).unwrap();
    }

    #[rstest::rstest]
    #[case("a 1\n")]
    #[case("# TYPE a gauge\n# HELP a A.\nb 1\n# EOF\n")]
    #[case("# TYPE a gauge\n# HELP a A.\na{x=\"1\"} 1\na{x=\"1\"} 2\n# EOF\n")]
    #[case("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n")]
    #[case("# TYPE a gauge\na{x=\"\"\"} 1\n# EOF\n")]
    #[case("# TYPE a gauge\na NaNa\n# EOF\n")]
    fn the_check_refuses_what_is_none(#[case] text: &str) {
        assert!(check(text).is_err(), "{text}");
    }
}
