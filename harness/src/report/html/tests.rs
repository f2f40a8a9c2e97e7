//! Tests of the page as text; tests/report_page.rs looks at it in a browser.

use std::fs;

use super::*;
use crate::event::Event;
use crate::report::sample;

/// A run's folder with the sample's record and history.
fn folder(record: &Record) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let scenario = folder.path().join(&record.scenarios[1].folder);
    fs::create_dir(&scenario).unwrap();
    write_history(&scenario, &sample::tape::history());
    folder
}

fn write_history(folder: &Path, entries: &[Entry]) {
    let lines: Vec<_> = entries.iter().map(|e| serde_json::to_string(e).unwrap() + "\n").collect();
    fs::write(folder.join(HISTORY_FILE), lines.concat()).unwrap();
}

/// What stands in the page's script elements: the data of each history, and the page's own script.
fn scripts(page: &str) -> Vec<&str> {
    page.split("<script").skip(1).map(|s| s[s.find('>').unwrap() + 1..].split("</script").next().unwrap()).collect()
}

#[test]
fn the_page_holds_every_scenario_and_the_data_of_every_history() {
    let record = sample::record();
    let page = render(&record, folder(&record).path()).unwrap();
    assert_eq!(page.matches("<article ").count(), record.scenarios.len());
    let scripts = scripts(&page);
    assert_eq!(scripts.len(), 2);
    let data: serde_json::Value = serde_json::from_str(scripts[0]).unwrap();
    assert_eq!(data["entries"], serde_json::to_value(sample::tape::history()).unwrap());
    assert!(data["timeline"]["lanes"].as_array().is_some_and(|lanes| lanes.len() > 5));
    assert_eq!(data["steps"][1]["number"], "2");
    assert_eq!(data["titles"].as_array().map(Vec::len), data["entries"].as_array().map(Vec::len));
}

#[test]
fn the_page_loads_nothing_from_elsewhere() {
    let record = sample::record();
    let page = render(&record, folder(&record).path()).unwrap();
    for loads in [" src=", "<link", "@import", "url(h", "<iframe", "fetch("] {
        assert!(!page.contains(loads), "{loads}");
    }
    assert!(page.contains("default-src 'none'"));
}

const ATTACK: &str =
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\"'><!--";

/// A record and a history in which every text that comes from elsewhere tries to be more than text.
fn hostile() -> (Record, Vec<Entry>) {
    let mut record = sample::record();
    let scenario = &mut record.scenarios[1];
    for text in [&mut scenario.name, &mut scenario.reason, &mut scenario.source, &mut scenario.server] {
        ATTACK.clone_into(text);
    }
    ATTACK.clone_into(&mut scenario.steps[0].title);
    ATTACK.clone_into(&mut scenario.steps[5].judgement.because);
    ATTACK.clone_into(&mut scenario.faults[0].title);
    scenario.guarantees[0].source = "javascript:document.title='owned'".to_owned();
    ATTACK.clone_into(&mut scenario.guarantees[1].id);
    ATTACK.clone_into(&mut record.provider);
    let mut entries = sample::tape::history();
    for entry in &mut entries {
        match &mut entry.event {
            Event::Note(text)
            | Event::StepBegan { title: text, .. }
            | Event::FaultInjected { title: text, .. }
            | Event::Login { credential: text, .. }
            | Event::Issued { credential: text, .. } => ATTACK.clone_into(text),
            _ => {}
        }
    }
    (record, entries)
}

#[test]
fn markup_in_names_reasons_sources_and_events_is_inert() {
    let (record, entries) = hostile();
    let folder = folder(&record);
    write_history(&folder.path().join(&record.scenarios[1].folder), &entries);
    let page = render(&record, folder.path()).unwrap();
    assert!(!page.contains("<script>") && !page.contains("<img") && !page.contains("href=\"javascript:"));
    assert_eq!(page.matches("<!--").count(), 0);
    assert!(!page.contains("\"'>"), "a quote ended an attribute");
    let data: serde_json::Value = serde_json::from_str(scripts(&page)[0]).unwrap();
    assert_eq!(data["entries"], serde_json::to_value(entries).unwrap(), "and yet the data is what it was");
}

#[test]
fn a_missing_history_and_a_broken_one_are_two_different_sentences() {
    let record = sample::record();
    let folder = folder(&record);
    fs::write(folder.path().join(&record.scenarios[1].folder).join(HISTORY_FILE), "{}\n{}\n").unwrap();
    let page = render(&record, folder.path()).unwrap();
    assert_eq!(page.matches("There is no history").count(), record.scenarios.len() - 1);
    assert_eq!(page.matches("The history could not be read").count(), 1);
}

#[test]
fn rendering_again_gives_the_same_page() {
    let record = sample::record();
    let folder = folder(&record);
    assert_eq!(render(&record, folder.path()).unwrap(), render(&record, folder.path()).unwrap());
}
