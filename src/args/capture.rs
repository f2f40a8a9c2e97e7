//! The arguments of `leaseproof capture`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  VAULT_TOKEN=... leaseproof capture --addr http://127.0.0.1:8200 --into scenarios/ours
  leaseproof capture --addr http://127.0.0.1:8200 --token-file ~/.vault-token --into scenarios/ours
  leaseproof upgrade scenarios/ours --from openbao:2.6.1 --to openbao:2.7.2
      tries the upgrade on what was captured

Only GET and LIST are called. No secret is read into a file: no credential, no connection string, no key. README.md in the \
folder lists every call, what the token may not read, and what is left out.

Exit codes: 0 captured; 2 usage; 3 the server cannot be read, or the folder not written.")]
pub(crate) struct Capture {
    /// The server's address.
    #[arg(long, value_name = "URL", env = "VAULT_ADDR", hide_env_values = true)]
    pub(crate) addr: String,
    /// A file that holds the token; VAULT_TOKEN is taken when this is left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The folder to write, new or empty.
    #[arg(long, value_name = "DIR")]
    pub(crate) into: PathBuf,
}
