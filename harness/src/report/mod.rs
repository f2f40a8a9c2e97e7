//! What a run leaves behind: the [`record`], and its projections for people and machines. Nothing here knows servers:
//! a record and its histories are enough to render an old run again.

pub mod annotation;
pub mod diff;
pub mod merge;
pub mod record;
pub mod scan;
pub mod text;
pub mod timeline;

mod comparison;
mod complaint;
mod html;
mod junit;
mod metrics;
#[cfg(test)]
mod sample;
mod summary;
mod words;

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use record::{RECORD_VERSION, Record};
use serde::Deserialize;

use crate::secret::KnownSecrets;

/// The record's file in a run's folder.
pub const RECORD_FILE: &str = "record.json";
/// The projection for build servers.
pub const JUNIT_FILE: &str = "junit.xml";
/// The projection for people: one page.
pub const HTML_FILE: &str = "report.html";
/// The projection for step summaries and people.
pub const SUMMARY_FILE: &str = "summary.md";
/// The projection for whoever keeps figures over time: OpenMetrics text.
pub const METRICS_FILE: &str = "metrics.txt";

/// A report that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system refused a file.
    #[error("cannot write {path}: {source}; {remedy}", remedy = remedy(source))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no record to read.
    #[error("cannot read {path}: {source}; give the folder of a run, such as reports/<run-id>")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not a record.
    #[error("{path} is not a record of a run: {source}; run the scenarios again to get a new one")]
    Shape {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: serde_json::Error,
    },
    /// The record is of a later version than this program knows.
    #[error(
        "{path} was written by leaseproof {leaseproof} (record version {found}, this one reads up to {RECORD_VERSION}); \
         render it with that version or a later one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// Who wrote it.
        leaseproof: String,
    },
    /// A projection could not be built from a valid record.
    #[error("cannot build {file}: {reason}; this is a defect of leaseproof: please report it with the record.json")]
    Build {
        /// The file.
        file: &'static str,
        /// Why not.
        reason: String,
    },
    /// More than one file failed; the others were written.
    #[error("several reports could not be written: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  "))]
    Several(Vec<ReportError>),
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "make room on that disk, then render it again with `leaseproof report <folder>`"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "choose a folder that can be written to, or change its permissions"
        }
        io::ErrorKind::NotFound => "the run's folder is gone: was it removed during the run?",
        _ => "look at the disk and the folder, then render it again with `leaseproof report <folder>`",
    }
}

/// Writes the record and all its projections into a run's folder. Each file appears whole or not at all; a file that
/// fails does not keep the others from being tried.
pub fn write(record: &Record, folder: &Path) -> Result<(), ReportError> {
    let json = serde_json::to_vec_pretty(record)
        .map_err(|e| ReportError::Build { file: RECORD_FILE, reason: e.to_string() })
        .and_then(|bytes| put(folder, RECORD_FILE, &bytes));
    all([json, render(record, folder)])
}

/// The end of a run: writes everything, searches what was written for every known secret, and writes again with what
/// the search found.
pub fn conclude(record: &mut Record, folder: &Path, secrets: &KnownSecrets) -> Result<(), ReportError> {
    // What fails here fails again below, where it is reported.
    let _ = write(record, folder);
    record.secrets = scan::scan(folder, secrets);
    write(record, folder)
}

/// Saves a record that could not be written where it belongs: alone, in a new folder among the system's temporary ones.
/// Gives that folder; `leaseproof report` makes the rest of it.
pub fn rescue(record: &Record) -> Result<PathBuf, ReportError> {
    let folder = std::env::temp_dir().join(format!("leaseproof-{}", record.run));
    // One that is there already is somebody else's.
    fs::create_dir(&folder).map_err(|source| ReportError::Write { path: folder.clone(), source })?;
    let json = serde_json::to_vec_pretty(record)
        .map_err(|e| ReportError::Build { file: RECORD_FILE, reason: e.to_string() })
        .and_then(|bytes| put(&folder, RECORD_FILE, &bytes));
    json.map(|()| folder)
}

/// Writes the projections of a record, and leaves the record itself as it is.
pub fn render(record: &Record, folder: &Path) -> Result<(), ReportError> {
    all([
        junit::render(record).and_then(|text| put(folder, JUNIT_FILE, text.as_bytes())),
        html::render(record, folder).and_then(|text| put(folder, HTML_FILE, text.as_bytes())),
        put(folder, SUMMARY_FILE, summary(record).as_bytes()),
        put(folder, METRICS_FILE, metrics::render(record).as_bytes()),
    ])
}

/// One page of Markdown: what summary.md holds.
pub fn summary(record: &Record) -> String {
    summary::render(record)
}

/// Reads the record of a run back from its folder.
pub fn read(folder: &Path) -> Result<Record, ReportError> {
    #[derive(Deserialize)]
    struct Header {
        version: u32,
        #[serde(default)]
        leaseproof: String,
    }
    let path = folder.join(RECORD_FILE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(source) => return Err(ReportError::Read { path, source }),
    };
    // The version comes first: a later shape may well not fit the struct of this one.
    match serde_json::from_slice::<Header>(&bytes) {
        Ok(header) if header.version > RECORD_VERSION => {
            return Err(ReportError::Newer { path, found: header.version, leaseproof: header.leaseproof });
        }
        Ok(_) => {}
        Err(source) => return Err(ReportError::Shape { path, source }),
    }
    serde_json::from_slice(&bytes).map_err(|source| ReportError::Shape { path, source })
}

/// The JSON Schema of [`Record`], as it stands in `reports/record.schema.json`.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Record).to_value())
}

pub(crate) fn all(results: impl IntoIterator<Item = Result<(), ReportError>>) -> Result<(), ReportError> {
    let mut failures = Vec::new();
    for failure in results.into_iter().filter_map(Result::err) {
        match failure {
            ReportError::Several(more) => failures.extend(more),
            one => failures.push(one),
        }
    }
    match failures.pop() {
        None => Ok(()),
        Some(only) if failures.is_empty() => Err(only),
        Some(last) => {
            failures.push(last);
            Err(ReportError::Several(failures))
        }
    }
}

/// Writes beside the place and renames, so that nobody ever reads half a file.
pub(crate) fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), ReportError> {
    let path = folder.join(name);
    let beside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = File::create(&beside)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            // Reports hold no secret and are collected by other users than the one who ran.
            file.set_permissions(Permissions::from_mode(0o644))?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&beside, &path));
    written.map_err(|source| {
        // The half file is worth nothing; that it cannot be removed either changes nothing of the failure.
        let _ = fs::remove_file(&beside);
        ReportError::Write { path, source }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_is_written_is_read_back_and_no_temporary_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let record = sample::record();
        write(&record, folder.path()).unwrap();
        assert_eq!(read(folder.path()).unwrap(), record);
        assert_eq!(names(folder.path()), sample::PROJECTIONS);
        let mode = fs::metadata(folder.path().join(RECORD_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn a_secret_in_the_record_itself_is_found_when_a_run_is_concluded() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = KnownSecrets::default();
        let mut record = sample::record();
        conclude(&mut record, folder.path(), &secrets).unwrap();
        assert_eq!((record.secrets.files, record.secrets.is_clean()), (sample::PROJECTIONS.len(), true));

        record.scenarios[0].reason = "logged in with hunter2-hunter2".to_owned();
        secrets.learn(crate::secret::Secret::new("hunter2-hunter2"));
        conclude(&mut record, folder.path(), &secrets).unwrap();
        assert!(record.secrets.found_in.contains(&RECORD_FILE.to_owned()), "{:?}", record.secrets);
        assert_eq!(read(folder.path()).unwrap(), record);
    }

    #[test]
    fn a_full_disk_and_a_read_only_one_say_what_to_do() {
        let error =
            |kind: io::ErrorKind| ReportError::Write { path: "r/junit.xml".into(), source: kind.into() }.to_string();
        assert!(error(io::ErrorKind::StorageFull).contains("make room"));
        assert!(error(io::ErrorKind::ReadOnlyFilesystem).contains("choose a folder"));
    }

    #[test]
    fn a_record_of_a_later_version_is_refused_by_its_version_and_not_by_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(RECORD_FILE), r#"{"version": 99, "leaseproof": "9.1.0", "else": []}"#).unwrap();
        let error = read(folder.path()).unwrap_err();
        assert!(matches!(error, ReportError::Newer { found: 99, .. }), "{error}");
        assert!(error.to_string().contains("leaseproof 9.1.0"), "{error}");
    }

    #[test]
    fn a_folder_without_a_record_and_a_file_that_is_none_are_two_different_errors() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read(folder.path()), Err(ReportError::Read { .. })));
        fs::write(folder.path().join(RECORD_FILE), "{}").unwrap();
        assert!(matches!(read(folder.path()), Err(ReportError::Shape { .. })));
    }

    #[test]
    fn one_file_that_cannot_be_written_is_named_and_the_others_are_written() {
        let folder = tempfile::tempdir().unwrap();
        // A folder that stands where the file should go cannot be replaced, whoever runs the test.
        fs::create_dir(folder.path().join(JUNIT_FILE)).unwrap();
        let error = write(&sample::record(), folder.path()).unwrap_err();
        assert!(matches!(&error, ReportError::Write { path, .. } if path.ends_with(JUNIT_FILE)), "{error}");
        assert_eq!(names(folder.path()), sample::PROJECTIONS);
    }

    #[test]
    fn every_file_that_fails_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let ReportError::Several(failures) = write(&sample::record(), &gone).unwrap_err() else {
            panic!("nothing can be written into a folder that is not there");
        };
        assert_eq!(failures.len(), sample::PROJECTIONS.len());
        assert!(failures[0].to_string().contains("removed during the run"), "{}", failures[0]);
    }

    #[test]
    fn the_committed_schema_is_that_of_the_record() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/record.schema.json");
        if std::env::var_os("LEASEPROOF_BLESS").is_some() {
            fs::write(&path, schema()).unwrap();
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(committed, schema(), "run the tests with LEASEPROOF_BLESS=1 to write reports/record.schema.json");
    }
}
