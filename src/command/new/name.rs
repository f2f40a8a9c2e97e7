//! A name that no other scenario of the same run has: reports could not tell two of one name apart.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use leaseproof_harness::scenario;

use crate::args::SCENARIOS;

/// The name, or the same with a number behind it where it is taken.
pub(super) fn free(name: &str, folder: &Path) -> String {
    let taken = taken(folder);
    let numbered = (2..).map(|number| format!("{name} ({number})"));
    let mut all = std::iter::once(name.to_owned()).chain(numbered);
    // There are more numbers than files.
    all.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// The names of the scenarios with which one in this folder is run: those beside it, and all below `scenarios`, if it lies
/// there. Not all below any folder: somebody may write into a home folder.
fn taken(folder: &Path) -> BTreeSet<String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    // The folder itself may be yet to be made.
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let whole = whole.ancestors().find_map(|above| fs::canonicalize(above).ok()).unwrap_or_default();
    let root = whole.ancestors().find(|above| above.file_name().is_some_and(|name| name == SCENARIOS));
    let mut files = scenario::find(&beside(folder), &[]).unwrap_or_default();
    files.extend(root.and_then(|root| scenario::find(&[root.to_owned()], &[]).ok()).unwrap_or_default());
    let entries = files.into_iter().filter_map(|file| scenario::load_all(&[file]).ok()).flatten();
    entries.filter_map(|entry| entry.loaded.scenario.map(|scenario| scenario.name)).collect()
}

fn beside(folder: &Path) -> Vec<PathBuf> {
    let is_scenario = |path: &PathBuf| path.is_file() && path.extension().is_some_and(|e| e == "yaml" || e == "yml");
    fs::read_dir(folder).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).filter(is_scenario).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, file: &str, name: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = format!(
            "name: {name}\nstack: {{ vault: {{}} }}\nsteps:\n  - api: {{ path: sys/health, answers: {{ status: 200 }} }}\n"
        );
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_name_that_is_taken_gets_the_first_number_that_is_free() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(free("It holds", folder.path()), "It holds");
        write(folder.path(), "a.yaml", "It holds");
        write(folder.path(), "b.yaml", "It holds (2)");
        assert_eq!(free("It holds", folder.path()), "It holds (3)");
    }

    #[test]
    fn below_scenarios_all_folders_count_and_elsewhere_only_its_own() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "scenarios/theirs/a.yaml", "It holds");
        assert_eq!(free("It holds", &folder.path().join("scenarios/ours")), "It holds (2)");
        assert_eq!(free("It holds", folder.path()), "It holds");
    }
}
