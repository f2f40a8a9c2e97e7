//! The arguments of `leaseproof schema`.

use clap::ValueEnum;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof schema > scenario.schema.json
  leaseproof schema fragment > fragment.schema.json
  leaseproof schema record > record.schema.json

An editor completes and checks a scenario whose first line is
  # yaml-language-server: $schema=scenario.schema.json")]
pub(crate) struct Schema {
    /// Of what.
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(crate) of: SchemaOf,
}

/// What has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    /// Scenario files.
    Scenario,
    /// Fragments, which scenarios use.
    Fragment,
    /// record.json, which every run writes.
    Record,
}
