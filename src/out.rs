//! The two streams: what was asked for goes to stdout, what is wrong goes to stderr.

use std::fmt;
use std::io::{self, IsTerminal, Write as _};

use leaseproof_harness::scenario::Style;

/// Writes to stdout, as it is. A broken pipe is the caller's `?`.
pub(crate) fn text(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes a line to stdout.
pub(crate) fn line(line: &dyn fmt::Display) -> io::Result<()> {
    text(&format!("{line}\n"))
}

/// Writes a line to stderr. There is nobody to tell when that fails.
pub(crate) fn tell(line: &dyn fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether stdout is shown in colour.
pub(crate) fn style() -> Style {
    style_of(&io::stdout())
}

/// How wide the terminal is on which stdout is read; nothing where it is none, and lines may be as long as they are.
pub(crate) fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(io::stdout()).map(|(columns, _)| usize::from(columns.0))
}

/// Whether stderr is shown in colour.
pub(crate) fn error_style() -> Style {
    style_of(&io::stderr())
}

/// Whether a person looks at both streams while the command runs. A build server's terminal is no person.
pub(crate) fn is_live() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && io::stderr().is_terminal() && !set("CI") && !is_dumb()
}

fn style_of(stream: &impl IsTerminal) -> Style {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if stream.is_terminal() && !plain && !is_dumb() { Style::Coloured } else { Style::Plain }
}

fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}
