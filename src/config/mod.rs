//! leaseproof.toml: the defaults of every run in a folder and below it. A flag goes before the environment, that before the
//! file, and that before what leaseproof itself takes.

mod key;
mod read;

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Command, CommandFactory as _, FromArgMatches as _};
use leaseproof_harness::scenario::mark::Place;
use leaseproof_harness::suite::Exit;

use crate::args::Args;
use crate::exit::Failure;
use crate::out;

pub(crate) use key::{KEYS, Key};

/// The name of the file.
pub(crate) const FILE: &str = "leaseproof.toml";

/// What a leaseproof.toml says.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// The file, as it is reached from the working folder; none where there is no such file.
    pub(crate) path: Option<PathBuf>,
    settings: Vec<Setting>,
}

/// One value of the file.
#[derive(Debug)]
struct Setting {
    key: &'static Key,
    /// As the command line would have it.
    values: Vec<String>,
    at: Place,
}

impl Config {
    /// The file of the working folder, or of the nearest folder above that has one.
    pub(crate) fn find() -> Result<Self, Failure> {
        let here = env::current_dir().map_err(Failure::environment)?;
        let mut way = PathBuf::new();
        for folder in here.ancestors() {
            if folder.join(FILE).is_file() {
                return Self::open(&way.join(FILE));
            }
            way.push("..");
        }
        Ok(Self::default())
    }

    fn open(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            let what = format!("cannot read {}", path.display());
            let exit = if error.kind() == io::ErrorKind::InvalidData { Exit::Usage } else { Exit::Environment };
            Failure::Told(exit, anyhow::Error::new(error).context(what))
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        match read::read(&text, folder) {
            Ok(settings) => Ok(Self { path: Some(path.to_owned()), settings }),
            Err(found) => {
                let drawn = found.iter().map(|it| it.render(path, &text, out::error_style()));
                let drawn = drawn.collect::<Vec<_>>().join("\n\n");
                Err(Failure::usage(anyhow::anyhow!("{} cannot be used\n\n{drawn}", path.display())))
            }
        }
    }

    /// The command line, with the file's values where it and the environment say nothing.
    pub(crate) fn command(&self) -> Command {
        let set = |command: Command| {
            let known: Vec<&Setting> = self.settings.iter().filter(|it| it.applies(&command)).collect();
            known.into_iter().fold(command, Setting::apply)
        };
        Args::command().mut_subcommands(set)
    }

    /// Reads the command line.
    pub(crate) fn parse(&self) -> Args {
        let matches = self.command().get_matches();
        // What does not fit the definition was refused in the line above.
        Args::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }

    /// Where the file says something of a key: `leaseproof.toml:3:8`.
    pub(crate) fn place_of(&self, key: &Key) -> Option<String> {
        let setting = self.settings.iter().find(|setting| setting.key.name == key.name)?;
        Some(format!("{}:{}", self.path.as_ref()?.display(), setting.at))
    }
}

impl Setting {
    /// Whether a command has such an argument, and a default for it.
    fn applies(&self, command: &Command) -> bool {
        // An upgrade has scenarios of its own, and a plan is of files that are named.
        let own = self.key.name == "scenarios" && ["upgrade", "plan"].contains(&command.get_name());
        !own && command.get_arguments().any(|arg| arg.get_id() == self.key.argument)
    }

    fn apply(command: Command, setting: &Self) -> Command {
        command.mut_arg(setting.key.argument, |arg| {
            let most = if matches!(arg.get_action(), ArgAction::Append) { usize::MAX } else { 1 };
            arg.default_values(setting.values.iter().take(most).cloned())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    fn config(text: &str) -> Config {
        Config { path: Some(FILE.into()), settings: read::read(text, Path::new("")).unwrap() }
    }

    fn run(config: &Config, line: &str) -> args::Run {
        let matches = config.command().try_get_matches_from(line.split(' ')).unwrap();
        match Args::from_arg_matches(&matches).unwrap().command {
            args::Command::Run(run) => *run,
            other => panic!("{other:?}"),
        }
    }

    const TEXT: &str = "jobs = 3\nvault = [\"openbao:2.7.0\", \"openbao:2.7.2\"]\nseed = 7\nscenarios = \"e2e\"\n\
        images = { postgres = \"my/postgres:17\" }\nprovider = \"docker\"\ntags = [\"slow\"]\n";

    #[test]
    fn what_the_file_says_is_the_default_of_every_command_that_takes_it() {
        let config = config(TEXT);
        let taken = run(&config, "leaseproof run");
        let vaults: Vec<String> = taken.servers.vault.iter().map(ToString::to_string).collect();
        assert_eq!((taken.jobs, taken.seed, vaults.join(" ")), (3, Some(7), "openbao:2.7.0 openbao:2.7.2".to_owned()));
        assert_eq!((taken.paths, taken.tag), (vec![PathBuf::from("e2e")], vec!["slow".to_owned()]));
        assert_eq!(taken.servers.image[0].image, "my/postgres:17");
        // One server at a time, and scenarios of its own.
        for line in ["leaseproof up x.yaml", "leaseproof upgrade --from openbao:2.7.0 --to openbao:2.7.2"] {
            config.command().try_get_matches_from(line.split(' ')).unwrap();
        }
        config.command().debug_assert();
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let taken = run(&config(TEXT), "leaseproof run other --jobs 5 --vault openbao:2.6.1 --all-tags");
        let vaults: Vec<String> = taken.servers.vault.iter().map(ToString::to_string).collect();
        assert_eq!(
            (taken.jobs, vaults.join(" "), taken.paths[0].clone()),
            (5, "openbao:2.6.1".to_owned(), "other".into())
        );
    }
}
