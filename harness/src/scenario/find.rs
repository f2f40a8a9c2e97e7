//! Which files a run is about: the scenarios named on the command line and those in the folders named there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::beside;
use super::diagnostic::Diagnostic;
use super::load::{Loaded, load};
use super::mark::Place;

/// Deeper folders are not looked into: a link that leads back upwards must not go on for ever.
const DEEPEST: usize = 16;

/// Why the scenarios of a run could not be found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// A path that is not there.
    #[error("{path}: there is no such file or folder", path = path.display())]
    Missing {
        /// The path, as it was given.
        path: PathBuf,
    },
    /// A path that cannot be read.
    #[error("{path}: cannot be read: {source}", path = path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder in which no scenario lies.
    #[error("{path}: holds no scenario: no file below it ends in .yaml or .yml", path = path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// Filters that leave nothing.
    #[error("no scenario's path contains {filters}; {count} are there: run `leaseproof list` to see them")]
    FilteredOut {
        /// The filters, as they were given.
        filters: String,
        /// How many scenarios there are without them.
        count: usize,
    },
    /// No path at all.
    #[error("no file and no folder was named: name scenarios, or the folder that holds them")]
    NoPath,
}

/// A scenario file that was read.
#[derive(Debug)]
pub struct Entry {
    /// Its path, as it will be shown.
    pub path: PathBuf,
    /// What came of it.
    pub loaded: Loaded,
}

/// The scenario files that are meant by files and folders, in a stable order: the paths in the order given, the files of
/// a folder sorted by path. A file that is meant twice is taken once. With filters, only files whose path contains one.
pub fn find(paths: &[PathBuf], filters: &[String]) -> Result<Vec<PathBuf>, FindError> {
    if paths.is_empty() {
        return Err(FindError::NoPath);
    }
    let (mut files, mut seen) = (Vec::new(), BTreeSet::new());
    for path in paths {
        for file in below(path)? {
            let real =
                fs::canonicalize(&file).map_err(|source| FindError::Unreadable { path: file.clone(), source })?;
            if seen.insert(real) {
                files.push(file);
            }
        }
    }
    if filters.is_empty() {
        return Ok(files);
    }
    let count = files.len();
    files.retain(|file| filters.iter().any(|filter| file.to_string_lossy().contains(filter.as_str())));
    if files.is_empty() {
        return Err(FindError::FilteredOut { filters: format!("`{}`", filters.join("` or `")), count });
    }
    Ok(files)
}

fn below(path: &Path) -> Result<Vec<PathBuf>, FindError> {
    let unreadable = |source| FindError::Unreadable { path: path.to_owned(), source };
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FindError::Missing { path: path.to_owned() }),
        Err(error) => Err(unreadable(error)),
        Ok(metadata) if metadata.is_dir() => {
            let mut files = Vec::new();
            collect(path, 0, &mut files)?;
            if files.is_empty() {
                return Err(FindError::Empty { path: path.to_owned() });
            }
            files.sort();
            Ok(files)
        }
        Ok(_) => Ok(vec![path.to_owned()]),
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), FindError> {
    let unreadable = |source| FindError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            if !hidden && depth < DEEPEST {
                collect(&path, depth + 1, files)?;
            }
        } else if !hidden && path.extension().is_some_and(|e| e == "yaml" || e == "yml") && !is_fragment(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file says that it is a fragment. One that cannot be read may be a scenario, and is an error when it is loaded.
fn is_fragment(path: &Path) -> bool {
    read(path).is_ok_and(|bytes| super::fragment::is_fragment(&bytes))
}

/// Reads and loads files. Two scenarios of one name are an error in the second: reports could not tell them apart.
pub fn load_all(paths: &[PathBuf]) -> Result<Vec<Entry>, FindError> {
    let mut entries = Vec::with_capacity(paths.len());
    let mut names: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in paths {
        let bytes = read(path)?;
        let mut loaded = load(path, &bytes);
        look_beside(&mut loaded);
        if let Some(scenario) = &loaded.scenario {
            if let Some(first) = names.get(&scenario.name) {
                let error =
                    Diagnostic::error(name_place(&loaded), format!("two scenarios are named `{}`", scenario.name))
                        .label("the second of that name")
                        .help(format!(
                            "the first is {}: give each its own name, so that reports can tell them apart",
                            first.display()
                        ));
                loaded.scenario = None;
                loaded.diagnostics.push(error);
            } else {
                names.insert(scenario.name.clone(), path.clone());
            }
        }
        entries.push(Entry { path: path.clone(), loaded });
    }
    Ok(entries)
}

/// Finds out whether what a scenario needs beside its file is there.
fn look_beside(loaded: &mut Loaded) {
    let missing = loaded.scenario.as_ref().map(beside::missing).unwrap_or_default();
    if !missing.is_empty() {
        loaded.scenario = None;
        loaded.diagnostics.extend(missing);
    }
}

/// Reads a file, but not more of it than it takes to see that it is too large.
fn read(path: &Path) -> Result<Vec<u8>, FindError> {
    use io::Read as _;
    let unreadable = |source| FindError::Unreadable { path: path.to_owned(), source };
    let most = super::node::LARGEST_FILE as u64 + 1;
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(unreadable)?.take(most).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn name_place(loaded: &Loaded) -> Place {
    loaded.scenario.as_ref().map(|scenario| scenario.name_at).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../tests/good/design_example.yaml");

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn files_come_in_a_stable_order_and_each_once() {
        let folder = folder(&[("b.yaml", ""), ("a/z.yml", ""), ("a/notes.txt", ""), (".hidden/x.yaml", "")]);
        let (b, root) = (folder.path().join("b.yaml"), folder.path().to_owned());
        let found = find(&[b.clone(), root.clone(), root.join("a/../b.yaml")], &[]).unwrap();
        assert_eq!(found, [b, root.join("a/z.yml")]);
    }

    #[test]
    fn a_path_that_is_not_there_and_a_folder_without_scenarios_are_errors() {
        let folder = folder(&[("notes.txt", "")]);
        let missing = find(&[folder.path().join("nowhere.yaml")], &[]).unwrap_err();
        assert!(matches!(missing, FindError::Missing { .. }), "{missing}");
        let empty = find(&[folder.path().to_owned()], &[]).unwrap_err();
        assert!(matches!(empty, FindError::Empty { .. }), "{empty}");
        assert!(matches!(find(&[], &[]), Err(FindError::NoPath)));
    }

    #[test]
    fn a_filter_that_leaves_nothing_says_how_many_there_are() {
        let folder = folder(&[("a.yaml", ""), ("b.yaml", "")]);
        let paths = [folder.path().to_owned()];
        assert_eq!(find(&paths, &["b.y".to_owned()]).unwrap(), [folder.path().join("b.yaml")]);
        let error = find(&paths, &["zebra".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`zebra`; 2 are there"), "{error}");
    }

    #[test]
    fn two_scenarios_of_one_name_are_an_error_that_names_both_files() {
        let folder = folder(&[("a.yaml", GOOD), ("b.yaml", GOOD)]);
        let entries = load_all(&find(&[folder.path().to_owned()], &[]).unwrap()).unwrap();
        assert!(entries[0].loaded.scenario.is_some(), "{:?}", entries[0].loaded.diagnostics);
        let second = &entries[1].loaded;
        assert!(second.scenario.is_none() && second.has_errors());
        let drawn = second.render(crate::scenario::Style::Plain);
        assert!(drawn.contains("a.yaml") && drawn.contains("b.yaml:2:7"), "{drawn}");
    }
}
