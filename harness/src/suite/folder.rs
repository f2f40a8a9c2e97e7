//! The report folder of a run, and the names of the folders in it.

use std::path::{Path, PathBuf};

use super::SuiteError;

/// A name that sorts by time and is new.
pub(super) fn make(reports: &Path, started: jiff::Timestamp) -> Result<(PathBuf, String), SuiteError> {
    let folder = |path: &Path, source| SuiteError::Folder { path: path.to_owned(), source };
    std::fs::create_dir_all(reports).map_err(|e| folder(reports, e))?;
    let stamp = started.strftime("%Y%m%dT%H%M%SZ").to_string();
    for attempt in 0_u32.. {
        let id = if attempt == 0 { stamp.clone() } else { format!("{stamp}-{attempt}") };
        let path = reports.join(&id);
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok((path, id)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && attempt < 1_000 => {}
            Err(error) => return Err(folder(&path, error)),
        }
    }
    Err(folder(reports, std::io::ErrorKind::AlreadyExists.into()))
}

/// A scenario's name as the name of a folder.
pub(super) fn slug(name: &str) -> String {
    let words: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { ' ' }).collect();
    let slug = words.split_whitespace().collect::<Vec<_>>().join("-");
    slug.chars().take(60).collect::<String>().trim_end_matches('-').to_owned()
}
