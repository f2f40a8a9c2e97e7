//! Files that are watched: what was saved, once it is quiet again.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::exit::Failure;

/// An editor saves in several steps: writes beside, renames, touches. After so long without another it is done.
const QUIET: Duration = Duration::from_millis(100);

/// Scenario files and folders under watch.
pub(crate) struct Watch {
    changes: UnboundedReceiver<PathBuf>,
    /// What is watched for; shared with the watcher, which tells of nothing else.
    wanted: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// The folders through which it is watched.
    places: BTreeSet<PathBuf>,
    /// Dropped, it watches no more.
    watcher: RecommendedWatcher,
}

impl Watch {
    /// Watches files, and everything below folders.
    pub(crate) fn on(paths: &[PathBuf]) -> Result<Self, Failure> {
        let (tell, changes) = unbounded_channel();
        let wanted = Arc::new(Mutex::new(BTreeSet::<PathBuf>::new()));
        let asked = Arc::clone(&wanted);
        let on = move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(_)) {
                return;
            }
            let asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            for path in event.paths.iter().filter(|path| is_scenario(path)) {
                if asked.iter().any(|wanted| path.starts_with(wanted)) {
                    // Nobody waits any more: the watch is about to end.
                    let _ = tell.send(path.clone());
                }
            }
        };
        let watcher = notify::recommended_watcher(on).map_err(|error| failed(error, Path::new("files")))?;
        let mut watch = Self { changes, wanted, places: BTreeSet::new(), watcher };
        watch.also(paths)?;
        Ok(watch)
    }

    /// Watches these too: the fragments that the scenarios use. What is watched already is watched once.
    pub(crate) fn also(&mut self, paths: &[PathBuf]) -> Result<(), Failure> {
        for path in paths.iter().map(|path| real(path)) {
            // A file is watched through its folder: an editor that renames over it would take its watch away.
            let (place, mode) = if path.is_dir() {
                (path.clone(), RecursiveMode::Recursive)
            } else {
                (folder_of(&path), RecursiveMode::NonRecursive)
            };
            // A fragment may be missing with its whole folder; then the scenario that names it is what is saved next.
            let covered = self.places.contains(&place) || self.wanted().iter().any(|all| place.starts_with(all));
            if !covered && place.is_dir() {
                self.watcher.watch(&place, mode).map_err(|error| failed(error, &place))?;
                self.places.insert(place);
            }
            self.wanted().insert(path);
        }
        Ok(())
    }

    fn wanted(&self) -> MutexGuard<'_, BTreeSet<PathBuf>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was saved next, by its real path. It waits until it is quiet.
    pub(crate) async fn next(&mut self) -> BTreeSet<PathBuf> {
        let mut saved: BTreeSet<PathBuf> = self.changes.recv().await.into_iter().collect();
        while let Ok(Some(more)) = tokio::time::timeout(QUIET, self.changes.recv()).await {
            saved.insert(more);
        }
        saved
    }
}

/// A path without links and dots, as the system tells of changes. A file that is not there yet has at least such a folder.
pub(crate) fn real(path: &Path) -> PathBuf {
    let folder = || Some(std::fs::canonicalize(folder_of(path)).ok()?.join(path.file_name()?));
    std::fs::canonicalize(path).ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) => folder.to_owned(),
        None => path.to_owned(),
    }
}

fn is_scenario(path: &Path) -> bool {
    let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
    !hidden && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn failed(error: notify::Error, what: &Path) -> Failure {
    Failure::environment(anyhow::Error::new(error).context(format!("cannot watch {}", what.display())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Longer than any machine takes to tell of a change.
    const LONG: Duration = Duration::from_secs(30);

    async fn next(watch: &mut Watch) -> Vec<String> {
        let saved = tokio::time::timeout(LONG, watch.next()).await.unwrap();
        saved.iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }

    #[tokio::test]
    async fn a_file_that_is_written_or_renamed_over_is_told_once_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let (mine, other) = (folder.path().join("mine.yaml"), folder.path().join("other.yaml"));
        fs::write(&mine, "a").unwrap();
        let mut watch = Watch::on(std::slice::from_ref(&mine)).unwrap();
        fs::write(&other, "a").unwrap();
        fs::write(folder.path().join("mine.yaml.swp"), "a").unwrap();
        fs::write(&mine, "b").unwrap();
        assert_eq!(next(&mut watch).await, ["mine.yaml"]);
        let beside = folder.path().join("beside");
        fs::write(&beside, "c").unwrap();
        fs::rename(&beside, &mine).unwrap();
        assert_eq!(next(&mut watch).await, ["mine.yaml"]);
    }

    #[tokio::test]
    async fn a_fragment_elsewhere_is_told_once_it_is_watched_too_and_even_if_it_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("fragments")).unwrap();
        let (mine, fragment) = (folder.path().join("mine.yaml"), folder.path().join("fragments/role.yaml"));
        fs::write(&mine, "a").unwrap();
        let mut watch = Watch::on(std::slice::from_ref(&mine)).unwrap();
        watch.also(&[fragment.clone(), folder.path().join("nowhere/at/all.yaml")]).unwrap();
        fs::write(folder.path().join("fragments/other.yaml"), "a").unwrap();
        fs::write(&fragment, "a").unwrap();
        assert_eq!(next(&mut watch).await, ["role.yaml"]);
    }

    #[tokio::test]
    async fn everything_below_a_folder_is_told_new_files_too() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let mut watch = Watch::on(&[folder.path().to_owned()]).unwrap();
        fs::write(folder.path().join("deep/new.yaml"), "a").unwrap();
        assert_eq!(next(&mut watch).await, ["new.yaml"]);
    }
}
