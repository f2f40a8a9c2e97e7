//! The scenarios that leaseproof ships with, part of the program: where examples and themes come from.

use std::io;
use std::path::Path;
use std::sync::Arc;

use leaseproof_harness::scenario::fragment::{Shelf, is_fragment};
use leaseproof_harness::scenario::{self, Loaded, Scenario};
use rust_embed::Embed;

/// The folder of leaseproof's own sources in which they lie.
const FOLDER: &str = "scenarios";

#[derive(Embed)]
#[folder = "scenarios/"]
struct Files;

/// A file that is shipped.
pub(crate) struct Shipped {
    /// Its path, as it is in leaseproof's own sources.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// Every shipped scenario file, sorted by path.
pub(crate) fn files() -> Vec<Shipped> {
    let mut files: Vec<Shipped> = Files::iter()
        .filter(|name| name.ends_with(".yaml"))
        .filter_map(|name| {
            let text = String::from_utf8_lossy(&Files::get(&name)?.data).into_owned();
            Some(Shipped { path: format!("{FOLDER}/{name}"), text })
        })
        .filter(|file| !is_fragment(file.text.as_bytes()))
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The fragments that they use, from the program too.
struct Fragments;

impl Shelf for Fragments {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let name = path.strip_prefix(FOLDER).ok().map(|name| name.to_string_lossy());
        let file = name.and_then(|name| Files::get(&name)).ok_or(io::ErrorKind::NotFound)?;
        Ok(file.data.into_owned())
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let paths = Files::iter().map(|name| Path::new(FOLDER).join(&*name));
        let names = paths.filter(|path| path.parent() == Some(folder));
        names.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }
}

/// Loads a shipped file.
pub(crate) fn load(file: &Shipped) -> Loaded {
    scenario::load_with(Path::new(&file.path), file.text.as_bytes(), &Fragments)
}

/// Every shipped scenario.
pub(crate) fn scenarios() -> Vec<Arc<Scenario>> {
    let loaded = files().into_iter().map(|file| load(&file));
    // All of them are valid, as a test has it.
    loaded.filter_map(|loaded| loaded.scenario.map(Arc::new)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_of_the_folder_is_part_of_the_program_and_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let there = scenario::find(&[folder], &[]).unwrap().len();
        assert_eq!((files().len(), scenarios().len()), (there, there));
    }
}
