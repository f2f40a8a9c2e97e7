//! The history of one scenario run: every event, numbered, written to `history.jsonl` as it happens, so that a crash
//! of the harness loses nothing that was seen before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::event::{Actor, Entry, Event};
use crate::secret::KnownSecrets;
use crate::shape::Shape;
use crate::time::{Clock, Interval, Moment};

/// The history's file in a scenario's report folder.
pub const HISTORY_FILE: &str = "history.jsonl";

/// A history that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The file system refused.
    #[error("cannot {act} the history {path}: {source}")]
    File {
        /// What was tried.
        act: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line is not an entry.
    #[error("{path}, line {line}: not an entry of a history: {source}; was it written by another version?")]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why not.
        source: serde_json::Error,
    },
}

/// Where events are written. Cheap to clone; all clones write one history. Every text in an event is cleaned of known
/// secrets before it is kept or shown.
#[derive(Debug, Clone)]
pub struct History {
    clock: Clock,
    secrets: KnownSecrets,
    written: Arc<Mutex<Written>>,
}

#[derive(Debug)]
struct Written {
    entries: Vec<Entry>,
    file: Option<File>,
    /// The first failure to write; told at the end, since the run itself can go on.
    failure: Option<HistoryError>,
    path: PathBuf,
    listener: Option<Listener>,
}

/// Somebody who is told every entry as it is written.
pub struct Listener(pub Box<dyn Fn(&Entry) + Send>);

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Listener")
    }
}

impl History {
    /// A history that is kept in memory and written to `folder`.
    pub fn create(
        folder: &Path,
        clock: Clock,
        secrets: KnownSecrets,
        listener: Option<Listener>,
    ) -> Result<Self, HistoryError> {
        let path = folder.join(HISTORY_FILE);
        let file =
            File::create(&path).map_err(|source| HistoryError::File { act: "create", path: path.clone(), source })?;
        Ok(Self::with(Some(file), path, clock, secrets, listener))
    }

    /// A history that is kept in memory only.
    pub fn in_memory(clock: Clock, secrets: KnownSecrets) -> Self {
        Self::with(None, PathBuf::new(), clock, secrets, None)
    }

    fn with(
        file: Option<File>,
        path: PathBuf,
        clock: Clock,
        secrets: KnownSecrets,
        listener: Option<Listener>,
    ) -> Self {
        let written = Written { entries: Vec::new(), file, failure: None, path, listener };
        Self { clock, secrets, written: Arc::new(Mutex::new(written)) }
    }

    /// The run's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// The secrets of this run.
    pub fn secrets(&self) -> &KnownSecrets {
        &self.secrets
    }

    /// Writes an event and gives its number.
    pub fn write(&self, at: Interval, who: Actor, step: Option<String>, event: Event) -> u64 {
        self.write_answer(at, who, step, event, None)
    }

    /// Writes an answer of Vault's, with its shape, and gives its number.
    pub fn write_answer(
        &self,
        at: Interval,
        who: Actor,
        step: Option<String>,
        event: Event,
        shape: Option<Box<Shape>>,
    ) -> u64 {
        let mut written = self.lock();
        let seq = written.entries.len() as u64;
        let entry = Entry { seq, at, who, step, event, shape };
        // An event is built from parts that hold no secret; this is the second line of defence.
        let (entry, line) = self.cleaned(entry);
        if let Some(listener) = &written.listener {
            (listener.0)(&entry);
        }
        let failed = written.file.as_mut().and_then(|file| writeln!(file, "{line}").err());
        if let Some(source) = failed {
            let path = written.path.clone();
            written.file = None;
            written.failure.get_or_insert(HistoryError::File { act: "write", path, source });
        }
        written.entries.push(entry);
        seq
    }

    /// Writes something that happened at this very moment.
    pub fn note(&self, who: Actor, event: Event) -> u64 {
        self.write(Interval::at(self.now()), who, None, event)
    }

    /// All entries so far.
    pub fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    /// Reads the entries so far where they are. Nothing is written meanwhile, so `read` must be quick.
    pub fn read<T>(&self, read: impl FnOnce(&[Entry]) -> T) -> T {
        read(&self.lock().entries)
    }

    /// The first failure to write to the file, if there was one.
    pub fn failure(&self) -> Option<HistoryError> {
        self.lock().failure.take()
    }

    fn cleaned(&self, entry: Entry) -> (Entry, String) {
        // Events are plain data with text keys: serialising them cannot fail.
        let line = serde_json::to_string(&entry).unwrap_or_default();
        if !self.secrets.found_in(&line) {
            return (entry, line);
        }
        let clean = self.secrets.redact(&line);
        if let Ok(entry) = serde_json::from_str(&clean) {
            return (entry, clean);
        }
        let event = Event::Note("an event was dropped: it held a secret".to_owned());
        let entry = Entry { event, shape: None, ..entry };
        let line = serde_json::to_string(&entry).unwrap_or_default();
        (entry, line)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a history back. A last line that was torn off, as a killed harness leaves it, is not an entry.
pub fn read(path: &Path) -> Result<Vec<Entry>, HistoryError> {
    let file = |source| HistoryError::File { act: "read", path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(file)?);
    let mut entries = Vec::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(file)? == 0 {
            break;
        }
        let torn = !line.ends_with(b"\n");
        match serde_json::from_slice(&line) {
            Ok(entry) => entries.push(entry),
            Err(_) if torn || line.trim_ascii().is_empty() => {}
            Err(source) => return Err(HistoryError::Line { path: path.to_owned(), line: number, source }),
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn what_is_written_is_read_back_and_secrets_are_cleaned_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = KnownSecrets::default();
        secrets.learn(Secret::new("very-secret-password"));
        let history = History::create(folder.path(), Clock::start(), secrets, None).unwrap();
        history.note(Actor::Harness, Event::Note("it said very-secret-password".to_owned()));
        history.note(Actor::Client("web".to_owned()), Event::Used { credential: None, outcome: None });
        let back = read(&folder.path().join(HISTORY_FILE)).unwrap();
        assert_eq!(back, history.entries());
        assert_eq!(back[0].event, Event::Note("it said [redacted]".to_owned()));
        assert_eq!(back[1].seq, 1);
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_a_bad_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let history = History::create(folder.path(), Clock::start(), KnownSecrets::default(), None).unwrap();
        history.note(Actor::Harness, Event::Note("whole".to_owned()));
        let path = folder.path().join(HISTORY_FILE);
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{whole}{}", &whole[..whole.len() / 2])).unwrap();
        assert_eq!(read(&path).unwrap(), history.entries());
        std::fs::write(&path, format!("{whole}{{\n{whole}")).unwrap();
        assert!(matches!(read(&path), Err(HistoryError::Line { line: 2, .. })));
    }
}
