//! The arguments of `leaseproof explain`.

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof explain
      lists what can be explained
  leaseproof explain LEASE-03
      what is promised, where that is documented, what surprises, which scenarios judge it
  leaseproof explain fault
      everything that can be broken
  leaseproof explain fault cut
      one fault: what it does, what it takes, where a scenario uses it

Exit codes: 0 explained, 2 nothing is known of that.")]
pub(crate) struct Explain {
    /// A promise (LEASE-03), the beginning of promises (LEASE), a family of words (fault), or a word of it (fault cut).
    pub(crate) topic: Vec<String>,
}
