//! junit.xml: a suite for each server, a case for each scenario, with all that a build server can show.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::record::{Record, ScenarioRecord, ScenarioResult};
use super::{JUNIT_FILE, ReportError, complaint, words};

/// The record as JUnit XML.
pub(super) fn render(record: &Record) -> Result<String, ReportError> {
    let mut report = Report::new("leaseproof");
    report.timestamp = record.started.parse().ok();
    report.set_time(Duration::from_millis(record.took_ms));
    report.add_test_suites(servers(record).into_iter().map(|server| suite(record, server)));
    report.add_test_suite(own_suite(record));
    report.to_string().map_err(|e| ReportError::Build { file: JUNIT_FILE, reason: e.to_string() })
}

/// The servers in the order in which the record names them first.
fn servers(record: &Record) -> Vec<&str> {
    let mut servers = Vec::new();
    for scenario in &record.scenarios {
        if !servers.contains(&scenario.server.as_str()) {
            servers.push(&scenario.server);
        }
    }
    servers
}

fn suite(record: &Record, server: &str) -> TestSuite {
    let scenarios: Vec<_> = record.scenarios.iter().filter(|s| s.server == server).collect();
    let mut suite = TestSuite::new(server);
    suite.timestamp = scenarios.iter().map(|s| s.started.as_str()).min().and_then(|s| s.parse().ok());
    suite.set_time(Duration::from_millis(scenarios.iter().map(|s| s.took_ms).sum()));
    suite.add_property(Property::new("run", record.run.as_str()));
    suite.add_property(Property::new("leaseproof", record.leaseproof.as_str()));
    suite.add_property(Property::new("provider", record.provider.as_str()));
    suite.add_property(Property::new("seed", record.seed.to_string()));
    suite.add_test_cases(scenarios.into_iter().map(case));
    suite
}

/// What leaseproof asks of itself: a run that wrote a secret into its reports has failed, whatever its scenarios did.
fn own_suite(record: &Record) -> TestSuite {
    let scan = &record.secrets;
    let mut status =
        if scan.is_clean() { TestCaseStatus::success() } else { TestCaseStatus::non_success(NonSuccessKind::Failure) };
    if !scan.is_clean() {
        status.set_type("secret");
        status.set_message("a secret was found in the run's own output, or a file could not be searched");
        status.set_description([scan.found_in.as_slice(), scan.unsearched.as_slice()].concat().join("\n"));
    }
    let mut case = TestCase::new("No secret reaches the run's own output", status);
    case.set_classname("leaseproof");
    let mut suite = TestSuite::new("leaseproof");
    suite.add_test_case(case);
    suite
}

fn case(scenario: &ScenarioRecord) -> TestCase {
    let mut case = TestCase::new(scenario.name.as_str(), status(scenario));
    case.set_classname(words::theme(scenario));
    case.set_time(Duration::from_millis(scenario.took_ms));
    case.timestamp = scenario.started.parse().ok();
    let guarantees: Vec<_> = scenario.guarantees.iter().map(|g| g.id.as_str()).collect();
    case.add_property(Property::new("seed", scenario.seed.to_string()));
    case.add_property(Property::new("guarantees", guarantees.join(" ")));
    case.add_property(Property::new("file", scenario.file.as_str()));
    case.add_property(Property::new("products", scenario.products.join(", ")));
    case.add_property(Property::new("folder", scenario.folder.as_str()));
    case.add_property(Property::new("rerun", scenario.rerun.as_str()));
    case
}

fn status(scenario: &ScenarioRecord) -> TestCaseStatus {
    let mut status = match scenario.result {
        ScenarioResult::Held => return TestCaseStatus::success(),
        ScenarioResult::Skipped => TestCaseStatus::skipped(),
        ScenarioResult::Violated => TestCaseStatus::non_success(NonSuccessKind::Failure),
        ScenarioResult::Inconclusive | ScenarioResult::Broken | ScenarioResult::Interrupted => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    status.set_message(scenario.reason.as_str());
    if scenario.result != ScenarioResult::Skipped {
        status.set_type(scenario.result.to_string());
        status.set_description(body(scenario));
    }
    status
}

/// What a person reads who sees nothing but the build server's page.
fn body(scenario: &ScenarioRecord) -> String {
    let mut text = format!("{}\n", scenario.reason);
    for complaint in complaint::of(scenario) {
        let _ = write!(text, "\n{}\n", complaint.about);
        if complaint.line > 0 {
            let _ = writeln!(text, "  at {}", words::places(scenario, complaint.line, complaint.fragment));
        }
        if let Some((number, line)) = words::said(scenario, complaint.line, complaint.fragment) {
            let _ = writeln!(text, "  {number} | {line}");
        }
        let _ = writeln!(text, "  {}: {}", complaint.judgement.verdict, complaint.judgement.because);
        if !complaint.judgement.evidence.is_empty() {
            let seqs = words::seqs(&complaint.judgement.evidence);
            let _ = writeln!(text, "  evidence: {seqs} in {}/history.jsonl", scenario.folder);
        }
    }
    for difference in &scenario.differences {
        let _ = write!(text, "\n{} {}: {}\n", difference.kind, difference.what, difference.detail);
    }
    for fault in &scenario.faults {
        let _ = write!(text, "\nfault {}: {}\n", fault.fault, words::window(fault));
    }
    let _ = write!(text, "\nrun this again: {}\n", scenario.rerun);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_result_has_its_form_in_junit() {
        insta::assert_snapshot!(render(&sample::record()).unwrap());
    }

    #[test]
    fn a_secret_in_the_output_is_a_failure_of_its_own() {
        let mut record = sample::record();
        record.scenarios.clear();
        record.secrets.found_in = vec!["lease/history.jsonl".to_owned()];
        let xml = render(&record).unwrap();
        assert!(xml.contains("failures=\"1\"") && xml.contains("lease/history.jsonl"), "{xml}");
    }

    #[test]
    fn markup_and_control_characters_in_names_and_reasons_stay_text() {
        let mut record = sample::record();
        record.scenarios.truncate(2);
        let text = "</failure><script>alert('x')</script>]]>\u{1b}[31m & \"quoted\"";
        record.scenarios[1].name = text.to_owned();
        record.scenarios[1].reason = text.to_owned();
        let xml = render(&record).unwrap();
        assert!(!xml.contains("<script>") && !xml.contains('\u{1b}') && !xml.contains("]]>"), "{xml}");
        assert_eq!(xml.matches("</failure>").count(), 1, "{xml}");
    }
}
