//! Exit codes, and how a command that failed says so.

use std::fmt;
use std::io;
use std::process::ExitCode;

use leaseproof_harness::suite::Exit;

use crate::out;

/// The process's exit code.
pub(crate) fn code(exit: Exit) -> ExitCode {
    ExitCode::from(number(exit))
}

/// The exit code as a number.
pub(crate) fn number(exit: Exit) -> u8 {
    // The enum's numbers are the codes; none is above 130.
    exit as u8
}

/// The exit code as a word.
pub(crate) fn word(exit: Exit) -> &'static str {
    match exit {
        Exit::Held => "held",
        Exit::Violated => "violated",
        Exit::Usage => "usage",
        Exit::Environment => "environment",
        Exit::Inconclusive => "inconclusive",
        Exit::Interrupted => "interrupted",
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something to tell, and the exit code that goes with it.
    Told(Exit, anyhow::Error),
    /// What is wrong was already drawn.
    Drawn(Exit),
    /// Nobody reads our output any more. Nothing to tell, and nobody to tell it to.
    Unread,
}

impl Failure {
    /// The command line, or a file, is wrong.
    pub(crate) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self::Told(Exit::Usage, error.into())
    }

    /// This machine cannot do it.
    pub(crate) fn environment(error: impl Into<anyhow::Error>) -> Self {
        Self::Told(Exit::Environment, error.into())
    }

    /// Says it on stderr, with what it comes from, and gives the exit code.
    pub(crate) fn tell(self) -> ExitCode {
        match self {
            Self::Told(exit, error) => {
                say(&error);
                code(exit)
            }
            Self::Drawn(exit) => code(exit),
            Self::Unread => ExitCode::SUCCESS,
        }
    }
}

/// Says an error on stderr, with what it comes from.
pub(crate) fn say(error: &anyhow::Error) {
    out::tell(&Chain(error));
}

impl From<io::Error> for Failure {
    /// The `?` of writes to stdout.
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Unread;
        }
        Self::environment(anyhow::Error::new(error).context("cannot write the output"))
    }
}

/// An error and its causes, each once: many errors name their cause in their own sentence.
struct Chain<'a>(&'a anyhow::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        write!(f, "error: {said}")?;
        for cause in self.0.chain().skip(1) {
            let cause = cause.to_string();
            if !said.contains(&cause) {
                write!(f, "\n  because: {cause}")?;
            }
            said = cause;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_the_documented_ones() {
        let all = [Exit::Held, Exit::Violated, Exit::Usage, Exit::Environment, Exit::Inconclusive, Exit::Interrupted];
        assert_eq!(all.map(number), [0, 1, 2, 3, 4, 130]);
    }

    #[test]
    fn a_cause_is_told_once_though_its_error_names_it_too() {
        let cause = io::Error::new(io::ErrorKind::PermissionDenied, "no rights");
        let error = anyhow::Error::new(cause).context("cannot make r: no rights").context("the run failed");
        let told = Chain(&error).to_string();
        assert_eq!(told, "error: the run failed\n  because: cannot make r: no rights");
    }

    #[test]
    fn a_broken_pipe_is_no_failure_to_tell_of() {
        assert!(matches!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)), Failure::Unread));
        assert!(matches!(Failure::from(io::Error::from(io::ErrorKind::StorageFull)), Failure::Told(..)));
    }
}
