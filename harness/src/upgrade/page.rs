//! The page of an upgrade: for people as HTML and Markdown, for pipelines as JSON. Pure but for [`write()`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;

use askama::Template;

use super::change::{Change, Leg, Severity};
use super::report::{Case, Report};
use crate::report::{ReportError, all, put};

/// The report for pipelines.
pub const JSON_FILE: &str = "upgrade.json";
/// The report for people.
pub const HTML_FILE: &str = "upgrade.html";
/// The report for step summaries and people.
pub const MARKDOWN_FILE: &str = "upgrade.md";

/// Of the places that show one change, so many are shown with all that is known of them; the JSON has all.
const SHOWN: usize = 3;
/// So many more are named.
const NAMED: usize = 40;

/// Writes all forms of the report into a run's folder.
pub fn write(report: &Report, folder: &Path) -> Result<(), ReportError> {
    let broken = |file, reason: String| ReportError::Build { file, reason };
    all([
        serde_json::to_vec_pretty(report)
            .map_err(|e| broken(JSON_FILE, e.to_string()))
            .and_then(|bytes| put(folder, JSON_FILE, &bytes)),
        html(report).map_err(|e| broken(HTML_FILE, e.to_string())).and_then(|t| put(folder, HTML_FILE, t.as_bytes())),
        put(folder, MARKDOWN_FILE, markdown(report).as_bytes()),
    ])
}

/// The report as a page.
pub fn html(report: &Report) -> Result<String, askama::Error> {
    Page { report, nonce: nonce(report) }.render()
}

/// Allows this page's own style and no other. It depends on all that the report says, so nothing in it can name it.
fn nonce(report: &Report) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{report:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[derive(Template)]
#[template(path = "page.upgrade.html")]
struct Page<'a> {
    report: &'a Report,
    nonce: String,
}

impl Page<'_> {
    fn style() -> &'static str {
        include_str!("page.css")
    }

    fn severities() -> [Severity; 4] {
        SEVERITIES
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a template passes by reference")]
    fn of(&self, severity: &Severity) -> Vec<&Change> {
        of(self.report, *severity)
    }

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "a template passes by reference")]
    fn headline(severity: &Severity) -> &'static str {
        headline(*severity)
    }

    fn others(change: &Change) -> (Vec<&str>, usize) {
        others(change)
    }

    fn shown() -> usize {
        SHOWN
    }

    fn leg(case: &Case, leg: Leg) -> String {
        leg_word(case, leg)
    }

    fn scope(report: &Report) -> String {
        scope(report)
    }

    fn left_behind() -> &'static str {
        LEFT_BEHIND
    }

    fn run_again() -> &'static str {
        RUN_AGAIN
    }

    fn class(&self) -> String {
        self.report.answer.to_string().to_lowercase().replace(' ', "-")
    }
}

const SEVERITIES: [Severity; 4] = [Severity::Blocker, Severity::Breaking, Severity::Notable, Severity::Minor];

/// How much the answer rests on.
fn scope(report: &Report) -> String {
    let of = |leg| report.scenarios.iter().filter(|case| case.result(leg).is_some()).count();
    let all = report.scenarios.len();
    let mut words = format!("{all} scenario{}", if all == 1 { "" } else { "s" });
    for (count, what) in [(of(Leg::Through), "through the upgrade"), (of(Leg::Rollback), "and back")] {
        if count > 0 {
            let _ = write!(words, ", {count} {what}");
        }
    }
    words
}

/// What a rollback leaves to whoever orders it.
const LEFT_BEHIND: &str =
    "To be removed by hand after a rollback: users that the new version made, of which nobody has a lease";

/// What a busy machine costs.
const RUN_AGAIN: &str = "Run once more, since too little was seen at first";

fn of(report: &Report, severity: Severity) -> Vec<&Change> {
    report.changes.iter().filter(|change| change.severity == severity).collect()
}

fn headline(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocker => "Blockers: promises that would not be kept any more",
        Severity::Breaking => "Breaking: what works now and would be refused, or be gone",
        Severity::Notable => "Notable: other answers, defaults and times",
        Severity::Minor => "Minor: what is new, and what is only said in other words",
    }
}

fn leg_word(case: &Case, leg: Leg) -> String {
    case.result(leg).map_or_else(|| "–".to_owned(), |record| record.result.to_string())
}

/// The report as Markdown.
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# {}: {} → {}\n\n{}.\n\n", report.answer, report.from, report.to, plain(&report.because));
    let _ = writeln!(
        text,
        "Run {} · started {} · {} · each leg {} × · leaseproof {}\n",
        report.run,
        report.started,
        scope(report),
        report.repeat,
        report.leaseproof
    );
    list(&mut text, "Not decided", &report.undecided);
    for severity in SEVERITIES {
        let changes = of(report, severity);
        if !changes.is_empty() {
            let _ = writeln!(text, "## {} ({})\n", headline(severity), changes.len());
        }
        for change in changes {
            one(&mut text, change);
        }
    }
    list(&mut text, LEFT_BEHIND, &report.left_behind);
    list(&mut text, "Not the upgrade's doing: it holds neither before nor after", &report.as_before);
    table(&mut text, report);
    list(&mut text, RUN_AGAIN, &report.run_again);
    list(&mut text, "Also compared, and not", &report.compared);
    let _ = writeln!(text, "## Run all of it again\n\n```sh\n{}\n```", report.rerun);
    text
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "## {title}\n");
    for line in lines {
        let _ = writeln!(text, "- {}", plain(line));
    }
    text.push('\n');
}

fn one(text: &mut String, change: &Change) {
    let _ = writeln!(text, "### {}\n", plain(&change.what));
    let _ = writeln!(text, "- now: {}\n- then: {}", plain(&change.from), plain(&change.to));
    for promise in &change.promises {
        let _ = writeln!(text, "- promised ({}, {}): {}", promise.id, promise.source, plain(&promise.promise));
    }
    for evidence in change.evidence.iter().take(SHOWN) {
        let step = if evidence.step.is_empty() { String::new() } else { format!(", step {}", evidence.step) };
        let _ = writeln!(
            text,
            "- seen in `{}`{step}: {} ({} leg{})",
            evidence.place,
            plain(&evidence.title),
            evidence.leg,
            if evidence.runs.is_empty() { String::new() } else { format!("; {}", evidence.runs.join(", ")) }
        );
    }
    let (named, rest) = others(change);
    if !named.is_empty() {
        let named: Vec<String> = named.iter().map(|place| format!("`{place}`")).collect();
        let rest = if rest == 0 { String::new() } else { format!(", and {rest} more, which {JSON_FILE} lists") };
        let _ = writeln!(text, "- and in {}{rest}", named.join(", "));
    }
    if let Some(evidence) = change.evidence.first() {
        let _ = writeln!(text, "- again: `{}`", evidence.again);
    }
    text.push('\n');
}

/// The places beyond those that are shown: the names of some, each once, and how many more there are.
fn others(change: &Change) -> (Vec<&str>, usize) {
    let beyond = change.evidence.iter().skip(SHOWN).map(|evidence| evidence.place.as_str());
    let each: BTreeSet<&str> = beyond.collect();
    let rest = each.len().saturating_sub(NAMED);
    (each.into_iter().take(NAMED).collect(), rest)
}

fn table(text: &mut String, report: &Report) {
    if report.scenarios.is_empty() {
        return;
    }
    let _ = writeln!(text, "## Scenarios\n\n| Scenario | {} | {} | through |", report.from, report.to);
    text.push_str("|---|---|---|---|\n");
    for case in &report.scenarios {
        let mut legs = [Leg::From, Leg::To, Leg::Through].map(|leg| leg_word(case, leg));
        if case.result(Leg::Control).is_some() {
            let _ = write!(legs[2], " (with a restart alone: {})", leg_word(case, Leg::Control));
        }
        if case.result(Leg::Rollback).is_some() {
            let _ = write!(legs[2], "; rolled back: {}", leg_word(case, Leg::Rollback));
        }
        if !case.route.is_empty() {
            let _ = write!(legs[2], "<br>{}", plain(&case.route));
        }
        let _ = writeln!(text, "| {} | {} |", plain(&case.name), legs.join(" | "));
    }
    text.push('\n');
}

/// A text on one line, in which nothing is markup.
fn plain(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|").replace('*', "\\*").replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::super::change::{Evidence, Promise};
    use super::super::report::{Answer, LegRecord, REPORT_VERSION};
    use super::*;
    use crate::report::record::ScenarioResult;

    fn evidence(step: &str) -> Evidence {
        Evidence {
            scenario: "Leases live on".to_owned(),
            place: format!("scenarios/upgrade/leases.yaml:{step}"),
            step: format!("4.{step}"),
            title: "renew cred".to_owned(),
            leg: Leg::Through,
            runs: vec!["003-leases".to_owned()],
            again: "leaseproof upgrade a.yaml --from openbao:1 --to openbao:2".to_owned(),
        }
    }

    fn report() -> Report {
        let change = |severity, what: &str| Change {
            severity,
            what: what.to_owned(),
            from: "200".to_owned(),
            to: "404 <script>".to_owned(),
            promises: vec![],
            evidence: (1..5).map(|step| evidence(&step.to_string())).collect(),
        };
        let mut blocker = change(Severity::Blocker, "“Leases live on” does not hold through the upgrade");
        blocker.promises.push(Promise {
            id: "SEAL-04".to_owned(),
            promise: "it keeps its end".to_owned(),
            source: "docs/lease".to_owned(),
        });
        let leg = |leg, result| LegRecord { leg, result, reason: String::new(), runs: vec!["000".to_owned()] };
        Report {
            version: REPORT_VERSION,
            run: "20261121T130000Z".to_owned(),
            leaseproof: "0.1.0".to_owned(),
            started: "2026-11-21T13:00:00Z".to_owned(),
            from: "OpenBao 2.6.1".to_owned(),
            to: "OpenBao 2.7.2".to_owned(),
            answer: Answer::NoGo,
            because: blocker.what.clone(),
            changes: vec![blocker, change(Severity::Minor, "GET sys/x has a new field data.a")],
            undecided: vec!["“Another” was not decided on the new version: no answer".to_owned()],
            as_before: vec!["“A third” does not hold, nor before: | no".to_owned()],
            scenarios: vec![Case {
                name: "Leases live on".to_owned(),
                file: "scenarios/upgrade/leases.yaml".to_owned(),
                legs: vec![
                    leg(Leg::From, ScenarioResult::Held),
                    leg(Leg::To, ScenarioResult::Held),
                    leg(Leg::Through, ScenarioResult::Violated),
                    leg(Leg::Control, ScenarioResult::Held),
                ],
                route: "an upgrade was put after line 9".to_owned(),
            }],
            run_again: vec![
                "“Another”, from leg: inconclusive at first (002-another: no answer); once more: held".to_owned(),
            ],
            left_behind: vec!["“Leases live on”, orphans by nature: the user of meanwhile app".to_owned()],
            compared: vec!["the descriptions of the two APIs".to_owned()],
            repeat: 3,
            rerun: "leaseproof upgrade --from openbao:1 --to openbao:2 --seed 7".to_owned(),
        }
    }

    #[test]
    fn the_page_in_markdown_has_the_answer_first_and_everything_it_rests_on() {
        insta::assert_snapshot!(markdown(&report()));
    }

    #[test]
    fn the_page_in_html_is_whole_and_runs_nothing_that_stands_in_a_report() {
        let page = html(&report()).unwrap();
        insta::assert_snapshot!(page);
        assert!(!page.contains("<script"));
    }

    #[test]
    fn the_forms_of_a_report_are_written_and_the_json_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        write(&report(), folder.path()).unwrap();
        let json = std::fs::read(folder.path().join(JSON_FILE)).unwrap();
        assert_eq!(serde_json::from_slice::<Report>(&json).unwrap(), report());
        assert!(folder.path().join(HTML_FILE).exists() && folder.path().join(MARKDOWN_FILE).exists());
    }
}
