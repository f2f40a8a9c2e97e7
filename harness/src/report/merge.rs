//! Several runs as one: the shards of a run that was spread over machines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::{RECORD_VERSION, Record, SecretScan};
use super::{ReportError, read, write};

/// Runs that could not be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A run cannot be read, or the merged one not written.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The same run twice.
    #[error("run {run} is given twice, as {first} and {second}: leave one of them out")]
    Twice {
        /// The run's id.
        run: String,
        /// Where it was found first.
        first: PathBuf,
        /// Where it was found again.
        second: PathBuf,
    },
    /// The folder is in use.
    #[error("{0} is there already and not empty: name a new folder")]
    Occupied(PathBuf),
    /// A file could not be taken over.
    #[error("cannot copy {from} to {to}: {source}")]
    Copy {
        /// The file.
        from: PathBuf,
        /// Where it was to go.
        to: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Merges the runs of some folders into a new one: the record, every projection, and the folder of each scenario.
pub fn merge(runs: &[PathBuf], into: &Path) -> Result<Record, MergeError> {
    let mut records: Vec<(&Path, Record)> = Vec::new();
    for folder in runs {
        let record = read(folder)?;
        if let Some((first, _)) =
            records.iter().find(|(_, known)| known.run == record.run && known.started == record.started)
        {
            let (first, second) = (first.to_path_buf(), folder.clone());
            return Err(MergeError::Twice { run: record.run, first, second });
        }
        records.push((folder, record));
    }
    let is_occupied = fs::read_dir(into).is_ok_and(|mut entries| entries.next().is_some());
    if is_occupied {
        return Err(MergeError::Occupied(into.to_owned()));
    }
    fs::create_dir_all(into)
        .map_err(|source| MergeError::Report(ReportError::Write { path: into.to_owned(), source }))?;
    let name = into.file_name().map_or_else(|| "merged".to_owned(), |name| name.to_string_lossy().into_owned());
    let mut merged = frame(&name, &records);
    let mut taken = BTreeSet::new();
    for (number, (from, record)) in records.into_iter().enumerate() {
        let mut moved = BTreeMap::new();
        for mut scenario in record.scenarios {
            let was = scenario.folder.clone();
            // Shards number their scenarios each from 0.
            if taken.contains(&scenario.folder) {
                scenario.folder = format!("{}-{was}", number + 1);
            }
            copy(&from.join(&was), &into.join(&scenario.folder))?;
            taken.insert(scenario.folder.clone());
            moved.insert(was, scenario.folder.clone());
            merged.scenarios.push(scenario);
        }
        add(&mut merged.secrets, &record.secrets, &record.run, &moved);
    }
    write(&merged, into)?;
    Ok(merged)
}

/// A record of all the runs, without their scenarios.
fn frame(name: &str, records: &[(&Path, Record)]) -> Record {
    let all = |of: fn(&Record) -> &str, between: &str| {
        let mut words: Vec<&str> = Vec::new();
        for (_, record) in records {
            if !words.contains(&of(record)) {
                words.push(of(record));
            }
        }
        words.join(between)
    };
    let began = records.iter().filter_map(|(_, record)| record.started.parse::<jiff::Timestamp>().ok());
    let ended = records.iter().filter_map(|(_, record)| {
        let took = i64::try_from(record.took_ms).ok()?;
        Some(record.started.parse::<jiff::Timestamp>().ok()?.as_millisecond() + took)
    });
    let began = began.min();
    let took_ms = began.zip(ended.max()).and_then(|(began, ended)| u64::try_from(ended - began.as_millisecond()).ok());
    Record {
        version: RECORD_VERSION,
        run: name.to_owned(),
        leaseproof: all(|record| &record.leaseproof, ", "),
        started: began.map_or_else(String::new, |began| began.to_string()),
        // From the beginning of the first to the end of the last: they ran side by side.
        took_ms: took_ms.unwrap_or_default(),
        // Of each scenario its own stands beside it.
        seed: records.first().map_or(0, |(_, record)| record.seed),
        rerun: all(|record| &record.rerun, " && "),
        provider: all(|record| &record.provider, "; "),
        scenarios: Vec::new(),
        secrets: SecretScan::default(),
    }
}

/// Adds what a run's own search found, by the names that its files have now.
fn add(all: &mut SecretScan, one: &SecretScan, run: &str, moved: &BTreeMap<String, String>) {
    all.known += one.known;
    all.files += one.files;
    let now = |file: &String| {
        let into = file.split_once('/').and_then(|(folder, rest)| Some(format!("{}/{rest}", moved.get(folder)?)));
        into.unwrap_or_else(|| format!("{file} (of run {run})"))
    };
    all.found_in.extend(one.found_in.iter().map(now));
    all.unsearched.extend(one.unsearched.iter().map(now));
}

/// Takes over a folder with all that is in it. One that is not there is none: such a scenario did not get to run.
fn copy(from: &Path, to: &Path) -> Result<(), MergeError> {
    let failed = |source| MergeError::Copy { from: from.to_owned(), to: to.to_owned(), source };
    let entries = match fs::read_dir(from) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    fs::create_dir_all(to).map_err(failed)?;
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let (here, there) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().map_err(failed)?.is_dir() {
            copy(&here, &there)?;
        } else {
            fs::copy(&here, &there).map_err(failed)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{RECORD_FILE, sample};
    use super::*;

    /// Two shards of one run: one with the first half of the scenarios, one with the second.
    fn shards(root: &Path) -> Vec<PathBuf> {
        let whole = sample::record();
        let half = whole.scenarios.len() / 2;
        let parts = [whole.scenarios[..half].to_vec(), whole.scenarios[half..].to_vec()];
        let shard = |(number, scenarios): (usize, Vec<_>)| {
            let mut record = Record { run: format!("shard-{number}"), scenarios, ..whole.clone() };
            record.started = format!("2026-11-21T09:1{number}:00Z");
            record.secrets.files = 10;
            // Every shard begins to number at 0.
            record.scenarios[0].folder = "000-first".to_owned();
            let folder = root.join(&record.run);
            let logs = folder.join("000-first/logs");
            fs::create_dir_all(&logs).unwrap();
            fs::write(logs.join("vault.log"), format!("of shard {number}")).unwrap();
            write(&record, &folder).unwrap();
            folder
        };
        parts.into_iter().enumerate().map(shard).collect()
    }

    #[test]
    fn the_shards_of_a_run_become_one_with_every_scenario_and_its_files() {
        let root = tempfile::tempdir().unwrap();
        let (runs, into) = (shards(root.path()), root.path().join("all"));
        let merged = merge(&runs, &into).unwrap();
        let names = |record: &Record| record.scenarios.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&merged), names(&sample::record()));
        let folders: Vec<&str> =
            merged.scenarios.iter().map(|s| s.folder.as_str()).filter(|f| f.ends_with("000-first")).collect();
        assert_eq!(folders, ["000-first", "2-000-first"]);
        for (number, folder) in folders.iter().enumerate() {
            let log = fs::read_to_string(into.join(folder).join("logs/vault.log")).unwrap();
            assert_eq!(log, format!("of shard {number}"));
        }
        assert_eq!(read(&into).unwrap(), merged);
        let files = fs::read_dir(&into).unwrap().filter(|e| e.as_ref().unwrap().path().is_file()).count();
        assert_eq!(files, sample::PROJECTIONS.len());
        // The second began a minute after the first and took as long.
        assert_eq!(merged.took_ms, sample::record().took_ms + 60_000);
        assert_eq!((merged.secrets.files, merged.run.as_str()), (20, "all"));
    }

    #[test]
    fn a_secret_that_one_run_found_is_found_in_the_merged_one_too() {
        let root = tempfile::tempdir().unwrap();
        let runs = shards(root.path());
        let mut record = read(&runs[1]).unwrap();
        record.secrets.found_in = vec!["000-first/logs/vault.log".to_owned(), RECORD_FILE.to_owned()];
        write(&record, &runs[1]).unwrap();
        let merged = merge(&runs, &root.path().join("all")).unwrap();
        assert_eq!(merged.secrets.found_in, ["2-000-first/logs/vault.log", "record.json (of run shard-1)"]);
    }

    #[test]
    fn a_run_that_is_given_twice_and_a_folder_that_is_in_use_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let runs = shards(root.path());
        let twice = merge(&[runs[0].clone(), runs[0].clone()], &root.path().join("all"));
        assert!(matches!(twice, Err(MergeError::Twice { .. })), "{twice:?}");
        let occupied = merge(&runs, &runs[0]);
        assert!(matches!(occupied, Err(MergeError::Occupied(_))), "{occupied:?}");
        assert!(!root.path().join("all").exists());
    }

    #[test]
    fn a_run_of_a_later_version_is_refused_before_anything_is_written() {
        let root = tempfile::tempdir().unwrap();
        let runs = shards(root.path());
        fs::write(runs[1].join(RECORD_FILE), r#"{"version": 99, "leaseproof": "9.1.0"}"#).unwrap();
        let error = merge(&runs, &root.path().join("all")).unwrap_err();
        assert!(matches!(error, MergeError::Report(ReportError::Newer { found: 99, .. })), "{error}");
        assert!(!root.path().join("all").exists());
    }
}
