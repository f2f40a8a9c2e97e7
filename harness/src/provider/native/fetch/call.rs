//! A call of a client, and what it says meanwhile.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// How many of the client's last lines an error quotes.
const QUOTED: usize = 12;

/// A call of a client.
pub(in super::super) struct Call<'a> {
    pub(in super::super) program: &'a Path,
    pub(in super::super) args: Vec<&'a OsStr>,
    pub(in super::super) env: Option<(&'a str, &'a OsStr)>,
    /// Where it runs; where we do when `None`.
    pub(in super::super) folder: Option<&'a Path>,
}

impl<'a> Call<'a> {
    /// A call with these arguments.
    pub(in super::super) fn of<A: AsRef<OsStr> + ?Sized + 'a>(
        program: &'a Path,
        args: impl IntoIterator<Item = &'a A>,
    ) -> Self {
        Self { program, args: args.into_iter().map(AsRef::as_ref).collect(), env: None, folder: None }
    }
}

pub(super) async fn lines(stream: Option<impl AsyncRead + Unpin>, hear: &(impl Fn(String) + Sync)) -> io::Result<()> {
    let Some(stream) = stream else { return Ok(()) };
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        hear(line);
    }
    Ok(())
}

/// The last lines of what was said.
#[derive(Default)]
pub(super) struct Tail(Mutex<VecDeque<String>>);

impl Tail {
    pub(super) fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == QUOTED {
            lines.pop_front();
        }
        lines.push_back(line.into());
    }

    pub(super) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }
}
