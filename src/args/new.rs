//! The arguments of `leaseproof new`.

use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  leaseproof new
      asks for theme, name and file
  leaseproof new --list
      shows the themes: incidents, each a scenario that runs as it is
  leaseproof new --theme leader_is_lost --name \"Our leader dies on a Monday\" --to scenarios/monday.yaml
      asks nothing

No file is ever overwritten. The JSON Schema is written beside the scenario, unless a folder above has it, so that \
editors complete and check it.

Exit codes: 0 written, 2 usage, 3 the file cannot be written.")]
pub(crate) struct New {
    /// The theme: what goes wrong.
    #[arg(long, value_name = "THEME", conflicts_with = "list")]
    pub(crate) theme: Option<String>,
    /// The sentence that the scenario shows [default: the theme's own].
    #[arg(long, value_name = "SENTENCE", conflicts_with = "list")]
    pub(crate) name: Option<String>,
    /// The file to write [default: THEME.yaml].
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    pub(crate) to: Option<PathBuf>,
    /// Only show the themes.
    #[arg(long)]
    pub(crate) list: bool,
}
