//! The arguments of `leaseproof clean`.

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof clean --dry-run
      shows the processes and folders that killed runs left
  leaseproof clean
      removes them, and touches nothing of a run that is alive
  leaseproof clean --cache
      removes the fetched programs as well: the next run fetches them again")]
pub(crate) struct Clean {
    /// Only show what would be removed.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Remove the cache folder as well.
    #[arg(long)]
    pub(crate) cache: bool,
}
