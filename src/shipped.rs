//! The scenarios that leaseproof ships with, part of the program: where examples and themes come from.

use std::path::Path;
use std::sync::Arc;

use leaseproof_harness::scenario::{self, Scenario};
use rust_embed::Embed;

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
            Some(Shipped { path: format!("scenarios/{name}"), text })
        })
        .collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Every shipped scenario.
pub(crate) fn scenarios() -> Vec<Arc<Scenario>> {
    let loaded = files().into_iter().map(|file| scenario::load(Path::new(&file.path), file.text.as_bytes()));
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
