//! The scenario files that a command is about: found, read, and all that is wrong with them drawn.

use std::path::PathBuf;
use std::sync::Arc;

use leaseproof_harness::scenario::{self, Diagnostic, Entry, Scenario};
use leaseproof_harness::suite::Exit;

use crate::console::github;
use crate::exit::Failure;
use crate::out;

/// Scenario files, good and bad.
pub(crate) struct Files {
    /// In the order of the command line, the files of a folder sorted.
    pub(crate) entries: Vec<Entry>,
}

impl Files {
    /// Finds and reads them. Fails only when there is nothing to read.
    pub(crate) fn read(paths: &[PathBuf], filters: &[String]) -> Result<Self, Failure> {
        let found = scenario::find(paths, filters).map_err(Failure::usage)?;
        let entries = scenario::load_all(&found).map_err(Failure::usage)?;
        Ok(Self { entries })
    }

    /// Finds and reads them, and gives the scenarios if all are valid; else draws what is wrong. Warnings are for
    /// `validate` and `run` to draw.
    pub(crate) fn scenarios(paths: &[PathBuf], filters: &[String]) -> Result<Vec<Arc<Scenario>>, Failure> {
        let files = Self::read(paths, filters)?;
        if files.invalid() > 0 {
            files.draw();
        }
        files.valid()
    }

    /// Draws every diagnostic of every file on stderr, and how many files cannot be run.
    pub(crate) fn draw(&self) {
        let style = out::error_style();
        for entry in self.entries.iter().filter(|entry| !entry.loaded.diagnostics.is_empty()) {
            out::tell(&format_args!("{}\n", entry.loaded.render(style)));
            if github::is_here() {
                for it in &entry.loaded.diagnostics {
                    let file = entry.loaded.sources.text(it.at).path.display().to_string();
                    out::tell(&github::diagnostic(&file, it));
                }
            }
        }
        match (self.invalid(), self.entries.len()) {
            (0, _) => {}
            (_, 1) => out::tell(&"error: the file cannot be run"),
            (invalid, all) => out::tell(&format_args!("error: {invalid} of {all} files cannot be run")),
        }
    }

    /// The scenarios, if all are valid.
    pub(crate) fn valid(self) -> Result<Vec<Arc<Scenario>>, Failure> {
        if self.invalid() > 0 {
            return Err(Failure::Drawn(Exit::Usage));
        }
        Ok(self.entries.into_iter().filter_map(|entry| entry.loaded.scenario.map(Arc::new)).collect())
    }

    /// How many cannot be run.
    pub(crate) fn invalid(&self) -> usize {
        self.entries.iter().filter(|entry| entry.loaded.has_errors()).count()
    }

    /// How many warnings there are.
    pub(crate) fn warnings(&self) -> usize {
        self.entries
            .iter()
            .flat_map(|entry| &entry.loaded.diagnostics)
            .filter(|found| !Diagnostic::is_error(found))
            .count()
    }
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
