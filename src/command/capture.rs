//! `leaseproof capture`: a live server's shape as scenarios, read and never written.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use leaseproof_harness::capture::{self, CaptureError};
use leaseproof_harness::secret::Secret;
use leaseproof_harness::suite::Exit;

use crate::args::Capture;
use crate::exit::Failure;
use crate::files::counted;
use crate::out;

/// Where the token is when no file is named.
const TOKEN_VARIABLE: &str = "VAULT_TOKEN";

pub(super) async fn run(args: Capture) -> Result<Exit, Failure> {
    let token = token(args.token_file.as_deref())?;
    out::tell(&format_args!("reading {} (GET and LIST only)", args.addr));
    let live = capture::read::read(&args.addr, &token).await.map_err(failure)?;
    let files = capture::files(&live);
    capture::write(&args.into, &files).map_err(failure)?;
    let refused: Vec<_> = live.calls.iter().filter(|call| call.refused.is_some()).collect();
    for call in &refused {
        let why = call.refused.as_deref().unwrap_or_default();
        out::tell(&format_args!("not read: {}: {why}", call.what));
    }
    for file in &files {
        out::line(&args.into.join(&file.name).display())?;
    }
    let read = counted(live.calls.len() - refused.len(), "call");
    out::line(&format_args!(
        "{read} answered, {} refused; README.md says what was read and what is left out",
        refused.len()
    ))?;
    Ok(Exit::Held)
}

/// The token, which never stands on a command line.
fn token(file: Option<&Path>) -> Result<Secret, Failure> {
    let text = match file {
        Some(file) => std::fs::read_to_string(file)
            .with_context(|| format!("cannot read the token from {}", file.display()))
            .map_err(Failure::usage)?,
        None => std::env::var(TOKEN_VARIABLE)
            .map_err(|_| Failure::usage(anyhow!("no token: set {TOKEN_VARIABLE}, or name a file with --token-file")))?,
    };
    let text = text.trim();
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Failure::usage(anyhow!("the token is empty, or no token")));
    }
    Ok(Secret::new(text))
}

fn failure(error: CaptureError) -> Failure {
    match error {
        CaptureError::Address { .. } | CaptureError::NotEmpty(_) => Failure::usage(error),
        error => Failure::environment(error),
    }
}
