//! What is covered: every promise of the catalogue with its scenarios, the servers that it holds for and the faults under
//! which it is judged, and every row of the guides with the scenarios behind its promises.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use crate::guarantee::{Guarantee, catalogue};
use crate::scenario::{self, Action, Diagnostic, Scenario, Step, Style};

/// The guides' text, part of the program.
const TEXT: &str = include_str!("../guides.yaml");

/// A guide, row by row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// Its name.
    pub guide: String,
    /// What it is about.
    pub about: String,
    /// What it says.
    pub rows: Vec<Row>,
}

/// One thing that a guide says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// A symptom, a cause, a fix, a practice.
    pub says: String,
    /// How scenarios exercise it.
    #[serde(default)]
    pub exercised_by: Option<String>,
    /// Where the guide's own text does not work on real servers.
    #[serde(default)]
    pub wrong: Option<String>,
    /// The promises behind it.
    #[serde(default)]
    pub promises: Vec<String>,
    /// Why no scenario exercises it, if none does.
    #[serde(default)]
    pub untested: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    guides: Vec<Guide>,
}

/// The guides that are part of this program.
#[expect(clippy::missing_panics_doc, reason = "it cannot panic: a test reads the same text")]
pub fn guides() -> &'static [Guide] {
    static GUIDES: OnceLock<Vec<Guide>> = OnceLock::new();
    GUIDES.get_or_init(|| {
        let (file, found) = scenario::decode_text::<File>(TEXT);
        let read = file.filter(|_| found.is_empty()).ok_or_else(|| drawn(&found));
        #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
        read.expect("guides.yaml can be read").guides
    })
}

fn drawn(found: &[Diagnostic]) -> String {
    let path = std::path::Path::new("guides.yaml");
    found.iter().map(|d| d.render(path, TEXT, Style::Plain)).collect::<Vec<_>>().join("\n\n")
}

/// What is covered by some scenarios.
#[derive(Debug, Serialize)]
pub struct Coverage {
    /// Every promise of the catalogue.
    pub promises: Vec<Promise>,
    /// Every guide.
    pub guides: Vec<CoveredGuide>,
}

/// A promise, and what judges it.
#[derive(Debug, Serialize)]
pub struct Promise {
    /// The promise.
    #[serde(flatten)]
    pub guarantee: Guarantee,
    /// Where it is documented, as a link.
    pub url: String,
    /// The scenarios that judge it.
    pub scenarios: Vec<Judging>,
}

/// A scenario that judges a promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Judging {
    /// Its file.
    pub file: String,
    /// The kinds of faults that it injects; none when it shows what happens without one.
    pub faults: BTreeSet<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A guide, with the scenarios of each row.
#[derive(Debug, Serialize)]
pub struct CoveredGuide {
    /// Its name.
    pub guide: String,
    /// Its rows.
    pub rows: Vec<CoveredRow>,
}

/// A row of a guide, with its scenarios.
#[derive(Debug, Serialize)]
pub struct CoveredRow {
    /// The row.
    #[serde(flatten)]
    pub row: Row,
    /// The files of the scenarios behind its promises.
    pub scenarios: BTreeSet<String>,
}

impl Promise {
    /// Whether neither a scenario nor a reason stands for it.
    pub fn is_open(&self) -> bool {
        self.scenarios.is_empty() && self.guarantee.untested.is_none()
    }

    /// What stands for a product: the versions for which it holds, or why it does not.
    pub fn on(&self, product: &str) -> String {
        let products = &self.guarantee.products;
        let versions = if product == "vault" { &products.vault } else { &products.openbao };
        let excused = self.guarantee.not_on(product);
        let deviates = self.guarantee.deviations.iter().any(|deviation| deviation.product == product);
        match (versions, excused) {
            (_, Some(not)) => format!("no: {}", not.because),
            (Some(versions), None) if deviates => format!("{versions}, deviates"),
            (Some(versions), None) => versions.clone(),
            (None, None) => "no".to_owned(),
        }
    }
}

impl CoveredRow {
    /// Whether neither a scenario nor a reason stands for it.
    pub fn is_open(&self) -> bool {
        self.scenarios.is_empty() && self.row.untested.is_none()
    }
}

impl Coverage {
    /// What these scenarios cover.
    pub fn of(scenarios: &[Arc<Scenario>]) -> Self {
        let judging = judging(scenarios);
        let promise = |guarantee: &Guarantee| Promise {
            guarantee: guarantee.clone(),
            url: guarantee.source.url(),
            scenarios: judging.get(guarantee.id.as_str()).into_iter().flatten().cloned().collect(),
        };
        let row = |row: &Row| {
            let all = row.promises.iter().filter_map(|id| judging.get(id.as_str())).flatten();
            CoveredRow { row: row.clone(), scenarios: all.map(|judging| judging.file.clone()).collect() }
        };
        let covered =
            |guide: &Guide| CoveredGuide { guide: guide.guide.clone(), rows: guide.rows.iter().map(row).collect() };
        Self { promises: catalogue().iter().map(promise).collect(), guides: guides().iter().map(covered).collect() }
    }

    /// The promises for which neither a scenario nor a reason stands.
    pub fn open(&self) -> Vec<&str> {
        self.promises.iter().filter(|promise| promise.is_open()).map(|promise| promise.guarantee.id.as_str()).collect()
    }
}

/// The scenarios that judge each promise, as a whole or in one step.
fn judging(scenarios: &[Arc<Scenario>]) -> BTreeMap<&str, BTreeSet<Judging>> {
    let mut judging: BTreeMap<&str, BTreeSet<Judging>> = BTreeMap::new();
    for scenario in scenarios {
        let (mut ids, mut faults): (BTreeSet<&str>, _) = (BTreeSet::new(), BTreeSet::new());
        ids.extend(scenario.guarantees.iter().map(String::as_str));
        walk(&scenario.steps, &mut faults);
        let one = Judging {
            file: scenario.path.display().to_string(),
            faults,
            tags: scenario.tags.iter().map(ToString::to_string).collect(),
        };
        for id in ids {
            judging.entry(id).or_default().insert(one.clone());
        }
    }
    judging
}

fn walk(steps: &[Step], faults: &mut BTreeSet<String>) {
    for step in steps {
        if let Action::Fault(fault, during) = &step.action {
            faults.extend(fault.one().map(|broken| broken.kind().to_owned()));
            walk(during.as_deref().unwrap_or_default(), faults);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Coverage {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let entries = scenario::load_all(&scenario::find(&[folder], &[]).unwrap()).unwrap();
        let scenarios: Vec<_> = entries.into_iter().filter_map(|e| e.loaded.scenario.map(Arc::new)).collect();
        Coverage::of(&scenarios)
    }

    #[test]
    fn every_promise_of_the_catalogue_has_a_scenario_or_a_written_reason() {
        let open = shipped();
        assert!(open.open().is_empty(), "neither a scenario nor `untested:` in guarantees.yaml: {:?}", open.open());
    }

    #[test]
    fn a_promise_that_has_a_scenario_is_not_excused_from_having_one() {
        for promise in shipped().promises {
            let both = promise.guarantee.untested.is_some() && !promise.scenarios.is_empty();
            assert!(!both, "{} has a scenario and says why it has none", promise.guarantee.id);
        }
    }

    #[test]
    fn every_row_of_a_guide_leads_to_promises_of_the_catalogue_or_says_why_not() {
        let prefixes: BTreeSet<&str> = catalogue().iter().filter_map(|g| Some(g.id.split_once('-')?.0)).collect();
        for row in guides().iter().flat_map(|guide| &guide.rows) {
            assert!(row.promises.is_empty() == row.untested.is_some(), "{}", row.says);
            for id in &row.promises {
                let prefix = id.split_once('-').unwrap().0;
                assert!(!prefixes.contains(prefix) || catalogue().get(id).is_some(), "{}: {id}", row.says);
            }
        }
    }
}
