//! report.html: one file for people, with style, script and data inside. It loads nothing, so that it can be opened from
//! a folder or a build server's artifacts; it runs no script but its own, whatever stands in names and errors.

mod log;
mod overview;
#[cfg(test)]
mod tests;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;

use askama::Template;
use serde::Serialize;

use self::log::Log;
use self::overview::{Choices, Grouping};
use super::record::{Record, ScenarioRecord, ScenarioResult, StepRecord};
use super::timeline::{self, Timeline};
use super::{HTML_FILE, ReportError, words};
use crate::event::{Entry, FragmentLine};
use crate::history::{self, HISTORY_FILE, HistoryError};
use crate::outcome::Verdict;

const STYLE: &str = concat!(
    include_str!("page.css"),
    include_str!("overview.css"),
    include_str!("timeline.css"),
    include_str!("narrow.css"),
    include_str!("print.css")
);
const SCRIPT: &str = concat!(
    include_str!("page.js"),
    include_str!("overview.js"),
    include_str!("drawing.js"),
    include_str!("timeline.js"),
    include_str!("latency.js"),
    include_str!("pointer.js"),
    include_str!("log.js"),
    include_str!("start.js")
);

/// The record as a page. Histories are read from the scenarios' folders.
pub(super) fn render(record: &Record, folder: &Path) -> Result<String, ReportError> {
    let broken = |reason: String| ReportError::Build { file: HTML_FILE, reason };
    let mut scenarios = Vec::with_capacity(record.scenarios.len());
    for (index, scenario) in record.scenarios.iter().enumerate() {
        scenarios.push(View::of(index, scenario, folder).map_err(|e| broken(e.to_string()))?);
    }
    scenarios.sort_by_key(|view| words::WORST_FIRST.iter().position(|r| *r == view.scenario.result));
    let page = Page {
        nonce: nonce(record),
        headline: words::counts(record),
        choices: Choices::of(record),
        groupings: overview::groupings(record),
        record,
        scenarios,
    };
    page.render().map_err(|e| broken(e.to_string()))
}

/// Allows this page's own script and no other. It depends on all that the record says, so that nothing in the record can
/// name it; and rendering again gives the same page.
fn nonce(record: &Record) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{record:?}").hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    nonce: String,
    headline: String,
    choices: Choices<'a>,
    groupings: Vec<Grouping<'a>>,
    record: &'a Record,
    scenarios: Vec<View<'a>>,
}

impl Page<'_> {
    fn style() -> &'static str {
        STYLE
    }

    fn script() -> &'static str {
        SCRIPT
    }

    fn took(&self) -> String {
        words::took(self.record.took_ms)
    }

    /// The results with their counts, the worst first.
    fn counts(&self) -> Vec<(ScenarioResult, usize)> {
        words::WORST_FIRST.iter().map(|&result| (result, words::count(self.record, result))).collect()
    }
}

/// A scenario as the page shows it.
struct View<'a> {
    index: usize,
    scenario: &'a ScenarioRecord,
    /// The picture and the events, as JSON that can stand in a script element; none without a history.
    data: Option<String>,
    /// Why there is no history, or not all of it.
    history: String,
}

impl<'a> View<'a> {
    fn of(index: usize, scenario: &'a ScenarioRecord, folder: &Path) -> Result<Self, serde_json::Error> {
        let (entries, history) = match history::read(&folder.join(&scenario.folder).join(HISTORY_FILE)) {
            Ok(entries) => (entries, String::new()),
            Err(HistoryError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => (
                Vec::new(),
                "There is no history: the scenario did not get so far, or its folder is not here.".to_owned(),
            ),
            // The record alone is still worth a page; the reader is told what is missing.
            Err(error) => (Vec::new(), format!("The history could not be read: {error}")),
        };
        let data = if entries.is_empty() { None } else { Some(data(scenario, &entries, log::read(scenario, folder))?) };
        Ok(Self { index, scenario, data, history })
    }

    fn took(&self) -> String {
        words::took(self.scenario.took_ms)
    }

    fn guarantee_ids(&self) -> String {
        self.scenario.guarantees.iter().map(|g| g.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// The faults' titles, in a form that the script can take apart again.
    fn fault_titles(&self) -> String {
        self.scenario.faults.iter().map(|f| f.title.as_str()).collect::<Vec<_>>().join("\n")
    }

    fn address(source: &str) -> &str {
        words::address(source).unwrap_or_default()
    }

    fn line_of(&self, step: &StepRecord) -> &str {
        words::said(self.scenario, step.line, step.fragment.as_ref()).map_or("", |(_, text)| text)
    }

    /// Where a step stands, in words: `line 14`, or `fragments/login.yaml:5, line 14`.
    fn place_of(line: usize, fragment: Option<&FragmentLine>) -> String {
        match fragment {
            Some(FragmentLine { file, line: there }) => format!("{file}:{there}, line {line}"),
            None => format!("line {line}"),
        }
    }

    fn lasted(step: &StepRecord) -> String {
        words::took(u64::try_from(step.to.since(step.from).as_millis()).unwrap_or(u64::MAX))
    }

    /// The scenario's text, with what came of each line that was judged.
    fn lines(&self) -> impl Iterator<Item = SourceLine<'_>> {
        self.scenario.source.lines().enumerate().map(|(index, text)| {
            let number = index + 1;
            let steps: Vec<_> = self.scenario.steps.iter().filter(|step| step.line == number).collect();
            let judged = steps.iter().map(|step| step.judgement.verdict);
            let rules = self.scenario.always.iter().filter(|rule| rule.line == number);
            let verdict = judged.chain(rules.map(|rule| rule.judgement.verdict)).max();
            SourceLine { number, text, verdict: verdict.filter(|v| *v != Verdict::Held), steps }
        })
    }
}

/// A line of the scenario file, with the steps that stand on it.
struct SourceLine<'a> {
    number: usize,
    text: &'a str,
    verdict: Option<Verdict>,
    steps: Vec<&'a StepRecord>,
}

impl SourceLine<'_> {
    fn class(&self) -> String {
        self.verdict.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

/// What the script needs to draw a scenario when it is opened.
#[derive(Serialize)]
struct Data<'a> {
    timeline: Timeline,
    steps: Vec<StepTime<'a>>,
    entries: &'a [Entry],
    /// What each entry is, in words; in the order of the entries.
    titles: Vec<String>,
    logs: Vec<Log>,
}

#[derive(Serialize)]
struct StepTime<'a> {
    number: &'a str,
    from: u64,
    to: u64,
}

fn data(scenario: &ScenarioRecord, entries: &[Entry], logs: Vec<Log>) -> Result<String, serde_json::Error> {
    let steps = scenario.steps.iter().map(|s| StepTime { number: &s.number, from: s.from.0, to: s.to.0 }).collect();
    let titles = entries.iter().map(timeline::title).collect();
    let json = serde_json::to_string(&Data { timeline: timeline::of(entries), steps, entries, titles, logs })?;
    Ok(in_script(&json))
}

/// JSON in which nothing can end or open an element. These characters stand in JSON only within strings.
fn in_script(json: &str) -> String {
    json.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}
