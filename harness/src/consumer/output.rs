//! What a consumer writes: read from a pipe as it comes, so that one that floods it fills neither disk nor memory. The
//! beginning and the end are kept; all of it is searched for secrets.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use tokio::net::unix::pipe;
use tokio_util::sync::CancellationToken;

use crate::secret::KnownSecrets;

/// How much of the beginning is kept, and of the end.
const BEGINNING: usize = 1 << 20;
const END: usize = 64 << 10;
/// How much is read at once, and the pause after it once the beginning is full: a flood then waits for us, and takes no
/// processor from the servers.
const READ: usize = 64 << 10;
const PAUSE: Duration = Duration::from_millis(10);
/// A secret that lies across two reads is found when so much of the first is looked at again with the second.
const OVERLAP: usize = 256;

/// What a consumer has written. It has no derived `Debug`: anybody's password may stand in it.
pub(super) struct Output {
    pipe: pipe::Receiver,
    kept: Mutex<Kept>,
    secrets: KnownSecrets,
}

#[derive(Default)]
struct Kept {
    beginning: Vec<u8>,
    end: VecDeque<u8>,
    /// How much of what came after the beginning has gone by.
    gone: u64,
    /// The last bytes that were read, to look at again.
    seam: Vec<u8>,
    /// Whether a secret was seen in what came after the beginning.
    secret_went_by: bool,
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Output {
    /// Makes the pipe at this path. It stays open for writers as long as this lives.
    pub(super) fn open(path: &Path, secrets: KnownSecrets) -> io::Result<Self> {
        mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        let pipe = pipe::OpenOptions::new().read_write(true).open_receiver(path)?;
        Ok(Self { pipe, kept: Mutex::default(), secrets })
    }

    /// Reads until it is told to stop.
    pub(super) async fn read(self: Arc<Self>, stop: CancellationToken) {
        let reading = async {
            while self.pipe.readable().await.is_ok() {
                self.take();
                if self.kept().gone > 0 {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        };
        stop.run_until_cancelled(reading).await;
    }

    /// Reads what is there now, but no more than a pipe holds: whoever still writes must not keep us here.
    pub(super) fn take(&self) {
        let mut kept = self.kept();
        let mut buffer = vec![0; READ];
        for _ in 0..2 {
            match self.pipe.try_read(&mut buffer) {
                Ok(length) if length > 0 => kept.put(&buffer[..length], &self.secrets),
                _ => return,
            }
        }
    }

    /// What is kept, as text; what is left out in the middle is said there.
    pub(super) fn text(&self) -> String {
        let kept = self.kept();
        let mut text = String::from_utf8_lossy(&kept.beginning).into_owned();
        let left_out = kept.gone - kept.end.len() as u64;
        if left_out > 0 {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n… {left_out} bytes are not kept …\n");
        }
        let (first, second) = kept.end.as_slices();
        text.push_str(&String::from_utf8_lossy(&[first, second].concat()));
        text
    }

    /// The last lines, cleaned of secrets.
    pub(super) fn last_lines(&self, count: usize) -> String {
        let text = self.text();
        let lines: Vec<&str> = text.lines().rev().take(count).collect();
        let tail: Vec<&str> = lines.into_iter().rev().collect();
        self.secrets.redact(&tail.join("\n"))
    }

    /// How much was written in all, and how much of it is not kept.
    pub(super) fn size(&self) -> (u64, u64) {
        let kept = self.kept();
        (kept.beginning.len() as u64 + kept.gone, kept.gone - kept.end.len() as u64)
    }

    /// Whether a secret was seen in what came after the beginning, most of which is not kept.
    pub(super) fn secret_went_by(&self) -> bool {
        self.kept().secret_went_by
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn put(&mut self, bytes: &[u8], secrets: &KnownSecrets) {
        let (first, rest) = bytes.split_at(bytes.len().min(BEGINNING - self.beginning.len()));
        self.beginning.extend(first);
        if self.seam.is_empty() && !rest.is_empty() {
            self.seam.extend(&self.beginning[self.beginning.len().saturating_sub(OVERLAP)..]);
        }
        if rest.is_empty() {
            return;
        }
        self.gone += rest.len() as u64;
        self.seam.extend(rest);
        self.secret_went_by |= secrets.found_in(&String::from_utf8_lossy(&self.seam));
        self.seam.drain(..self.seam.len().saturating_sub(OVERLAP));
        self.end.extend(rest);
        let too_many = self.end.len().saturating_sub(END);
        self.end.drain(..too_many);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;
    use crate::secret::Secret;

    async fn written(chunks: &[&[u8]], secrets: &KnownSecrets) -> Arc<Output> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("output");
        let output = Arc::new(Output::open(&path, secrets.clone()).unwrap());
        let stop = CancellationToken::new();
        let reader = tokio::spawn(Arc::clone(&output).read(stop.clone()));
        let all: Vec<Vec<u8>> = chunks.iter().map(|chunk| chunk.to_vec()).collect();
        let length: usize = all.iter().map(Vec::len).sum();
        let writing = tokio::task::spawn_blocking(move || {
            let mut pipe = OpenOptions::new().append(true).open(path).unwrap();
            for chunk in &all {
                pipe.write_all(chunk).unwrap();
            }
        });
        writing.await.unwrap();
        while output.size().0 < length as u64 {
            tokio::task::yield_now().await;
            output.take();
        }
        stop.cancel();
        reader.await.unwrap();
        output
    }

    #[tokio::test]
    async fn what_is_written_is_kept_and_its_last_lines_are_told_without_secrets() {
        let secrets = KnownSecrets::default();
        secrets.learn(Secret::new("very-secret-password"));
        let output = written(&[b"one\ntwo\n", b"password=very-secret-password\n"], &secrets).await;
        assert_eq!(output.text(), "one\ntwo\npassword=very-secret-password\n");
        assert_eq!(output.last_lines(2), "two\npassword=[redacted]");
        assert_eq!((output.size(), output.secret_went_by()), ((38, 0), false));
    }

    #[tokio::test]
    async fn a_flood_is_not_kept_and_its_beginning_and_end_are() {
        let flood = vec![b'x'; 3 << 20];
        let output = written(&[b"first\n", &flood, b"\nlast\n"], &KnownSecrets::default()).await;
        let text = output.text();
        assert!(text.starts_with("first\n") && text.ends_with("\nlast\n"));
        assert!(text.len() < BEGINNING + END + 100, "{}", text.len());
        assert_eq!(output.size().0, 12 + (3 << 20));
        assert!(text.contains("bytes are not kept"));
    }

    #[tokio::test]
    async fn a_secret_in_the_middle_of_a_flood_is_seen_though_it_is_not_kept() {
        let secrets = KnownSecrets::default();
        secrets.learn(Secret::new("very-secret-password"));
        let flood = vec![b'x'; 2 << 20];
        let output = written(&[&flood, b"very-secret-", b"password", &flood], &secrets).await;
        assert!(output.secret_went_by());
        assert!(!output.text().contains("very-secret-password"));
        assert!(!written(&[&flood, &flood], &secrets).await.secret_went_by());
    }
}
