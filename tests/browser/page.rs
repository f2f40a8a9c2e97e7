//! The reports that the browser looks at, all made from one real run that is kept in tests/browser/run.

use std::fs;
use std::path::{Path, PathBuf};

use leaseproof_harness::report::{self, record::Record};
use serde_json::Value;

/// What names, reasons and events of the hostile report try to be.
const ATTACK: &str =
    "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>\"'><!--";
/// What the big report has.
const SCENARIOS: usize = 200;
const EVENTS: usize = 100_000;

/// Makes a report in each of `real`, `hostile` and `big` of a folder.
pub(super) fn all(pages: &Path) -> Result<(), String> {
    real(&pages.join("real"))?;
    hostile(&pages.join("hostile"))?;
    big(&pages.join("big"))
}

fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/run")
}

fn record() -> Result<Record, String> {
    report::read(&kept()).map_err(|error| error.to_string())
}

/// The report of the run as it was.
pub(super) fn real(into: &Path) -> Result<(), String> {
    let record = record()?;
    for scenario in &record.scenarios {
        copy(&kept().join(&scenario.folder), &into.join(&scenario.folder))?;
    }
    render(&record, into)
}

/// The same, with markup wherever a text comes from elsewhere.
fn hostile(into: &Path) -> Result<(), String> {
    let mut record = record()?;
    for scenario in &mut record.scenarios {
        let folder = into.join(&scenario.folder);
        copy(&kept().join(&scenario.folder), &folder)?;
        rewrite(&folder.join("history.jsonl"), |entry| attack(&mut entry["event"]))?;
        for log in ["vault.log", "postgres.log"] {
            let log = folder.join("logs").join(log);
            let text = fs::read_to_string(&log).unwrap_or_default();
            write(&log, &format!("{text}\n{ATTACK}\n"))?;
        }
        for text in [&mut scenario.name, &mut scenario.reason, &mut scenario.source, &mut scenario.server] {
            ATTACK.clone_into(text);
        }
        scenario.steps.iter_mut().for_each(|step| ATTACK.clone_into(&mut step.title));
        scenario.faults.iter_mut().for_each(|fault| ATTACK.clone_into(&mut fault.title));
        for guarantee in &mut scenario.guarantees {
            guarantee.source = format!("javascript:{ATTACK}");
            ATTACK.clone_into(&mut guarantee.id);
            ATTACK.clone_into(&mut guarantee.promise);
        }
    }
    ATTACK.clone_into(&mut record.provider);
    render(&record, into)
}

/// The texts of an event that are nobody's enumeration: titles, names, messages.
fn attack(event: &mut Value) {
    match event {
        Value::Object(fields) => {
            for (key, value) in fields {
                let free = ["title", "credential", "session", "message", "detail", "seen", "statement", "because"];
                if value.is_string() && free.contains(&key.as_str()) {
                    *value = ATTACK.into();
                } else {
                    attack(value);
                }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(attack),
        _ => {}
    }
}

/// The scenarios of the run over and over; the first has half of all events, one round after the other.
fn big(into: &Path) -> Result<(), String> {
    let mut record = record()?;
    let kinds = std::mem::take(&mut record.scenarios);
    let mut events = 0;
    for index in 0..SCENARIOS {
        let kind = &kinds[index % kinds.len()];
        let history = fs::read_to_string(kept().join(&kind.folder).join("history.jsonl")).map_err(|e| e.to_string())?;
        let wanted =
            if index == 0 { EVENTS / 2 } else { EVENTS.saturating_sub(events).div_ceil(SCENARIOS - index).max(1) };
        let mut scenario = kind.clone();
        scenario.name = format!("{} ({index})", kind.name);
        scenario.folder = format!("scenario-{index}");
        let (text, count) = repeated(&history, wanted)?;
        events += count;
        write(&into.join(&scenario.folder).join("history.jsonl"), &text)?;
        copy(&kept().join(&kind.folder).join("logs"), &into.join(&scenario.folder).join("logs"))?;
        record.scenarios.push(scenario);
    }
    render(&record, into)
}

/// A history again and again, each time a minute later, until it has so many events.
fn repeated(history: &str, events: usize) -> Result<(String, usize), String> {
    let entries: Vec<Value> =
        history.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    let mut text = String::new();
    let mut count = 0;
    while count < events {
        let later = count / entries.len() * 60_000_000;
        for entry in &entries {
            let mut entry = entry.clone();
            entry["seq"] = count.into();
            for end in ["sent", "answered"] {
                entry["at"][end] = (entry["at"][end].as_u64().unwrap_or_default() + later as u64).into();
            }
            text += &entry.to_string();
            text.push('\n');
            count += 1;
        }
    }
    Ok((text, count))
}

fn rewrite(file: &Path, change: impl Fn(&mut Value)) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut changed = String::new();
    for line in text.lines() {
        let mut entry: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        change(&mut entry);
        changed += &entry.to_string();
        changed.push('\n');
    }
    write(file, &changed)
}

fn render(record: &Record, into: &Path) -> Result<(), String> {
    report::write(record, into).map_err(|error| error.to_string())
}

fn write(file: &Path, text: &str) -> Result<(), String> {
    fs::create_dir_all(file.parent().unwrap()).map_err(|error| error.to_string())?;
    fs::write(file, text).map_err(|error| format!("{}: {error}", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|error| error.to_string())?;
    for entry in fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry.map_err(|error| error.to_string())?;
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
