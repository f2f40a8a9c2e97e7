//! `leaseproof new`: writes a scenario from a theme.

mod name;
mod theme;

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use dialoguer::console::Term;
use dialoguer::{Input, Select};
use leaseproof_harness::scenario::{self, schema};
use leaseproof_harness::suite::Exit;

use crate::args::New;
use crate::command::run::Signals;
use crate::exit::Failure;
use crate::out;
use theme::Theme;

/// What editors look into.
const SCHEMA: &str = "scenario.schema.json";
/// How many folders above the scenario's own may hold the schema.
const ABOVE: usize = 3;

/// What is to be written.
struct Wish<'a> {
    theme: &'a Theme,
    name: Option<String>,
    to: PathBuf,
}

pub(super) async fn run(args: New) -> Result<Exit, Failure> {
    // A question that is left with Ctrl-C puts the terminal right before it ends; else the signal would end us at once.
    let _listening = Signals::listen().map_err(Failure::environment)?;
    tokio::task::spawn_blocking(move || choose_and_write(&args)).await.map_err(Failure::environment)?
}

fn choose_and_write(args: &New) -> Result<Exit, Failure> {
    let themes = theme::all();
    if args.list {
        out::text(&list(&themes))?;
        return Ok(Exit::Held);
    }
    let wish = match &args.theme {
        Some(wanted) => {
            let theme = theme::find(&themes, wanted).map_err(|error| Failure::usage(anyhow!(error)))?;
            let to = args.to.clone().unwrap_or_else(|| file_of(theme));
            Wish { theme, name: args.name.clone(), to }
        }
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => ask(&themes, args)?,
        None => {
            let why = "name a theme with --theme; `leaseproof new --list` shows them. On a terminal it asks";
            return Err(Failure::usage(anyhow!(why)));
        }
    };
    write(&wish)
}

fn list(themes: &[Theme]) -> String {
    let mut text = String::new();
    for theme in themes {
        let _ = writeln!(text, "{}\n    {} ({})\n", theme.key, theme.name, theme.guarantees.join(", "));
    }
    text + "leaseproof new --theme THEME writes one\n"
}

fn file_of(theme: &Theme) -> PathBuf {
    format!("{}.yaml", theme.key).into()
}

/// Asks for what the command line leaves open.
fn ask<'a>(themes: &'a [Theme], args: &New) -> Result<Wish<'a>, Failure> {
    let failed = |error: dialoguer::Error| {
        // It was hidden for the choice. A terminal that cannot be written to has told why already.
        let _ = Term::stderr().show_cursor();
        let dialoguer::Error::IO(error) = error;
        if error.kind() == io::ErrorKind::Interrupted {
            return Failure::Told(Exit::Interrupted, anyhow!("interrupted: nothing is written"));
        }
        Failure::environment(anyhow::Error::new(error).context("cannot ask on this terminal"))
    };
    let names: Vec<&str> = themes.iter().map(|theme| theme.name.as_str()).collect();
    let chosen =
        Select::new().with_prompt("What goes wrong").items(&names).default(0).interact_opt().map_err(failed)?;
    let Some(theme) = chosen.and_then(|index| themes.get(index)) else {
        return Err(Failure::usage(anyhow!("no theme was chosen: nothing is written")));
    };
    out::tell(&format_args!("  {}", theme.about));
    let asked = |prompt: &str, default: String| Input::new().with_prompt(prompt).default(default).interact_text();
    let name = match args.name.clone() {
        Some(name) => Ok(name),
        None => asked("The sentence that it shows", theme.name.clone()),
    };
    let name = name.map_err(failed)?;
    let to = match args.to.clone() {
        Some(to) => Ok(to),
        None => asked("The file", file_of(theme).display().to_string()).map(PathBuf::from),
    };
    let to = to.map_err(failed)?;
    Ok(Wish { theme, name: Some(name), to })
}

fn write(wish: &Wish<'_>) -> Result<Exit, Failure> {
    let folder = wish.to.parent().unwrap_or(Path::new(""));
    let (schema, is_there) = schema_for(folder);
    // A theme's own sentence is only a proposal; what somebody says is meant.
    let asked = wish.name.clone().filter(|name| *name != wish.theme.name);
    let name = asked.unwrap_or_else(|| name::free(&wish.theme.name, folder));
    let name = Some(name).filter(|name| *name != wish.theme.name);
    let text = wish.theme.text(name.as_deref(), &schema);
    // A name can make it invalid: nothing is written then.
    let loaded = scenario::load(&wish.to, text.as_bytes());
    if loaded.has_errors() {
        out::tell(&format_args!("{}\n\nerror: nothing is written", loaded.render(out::error_style())));
        return Err(Failure::Drawn(Exit::Usage));
    }
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Failure::usage(anyhow!("{path} is there already, and is left as it is: name another file with --to"))
            }
            _ => Failure::environment(anyhow::Error::new(error).context(format!("cannot write {path}"))),
        }
    };
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(folder).map_err(|error| {
            Failure::environment(anyhow::Error::new(error).context(format!("cannot make {}", folder.display())))
        })?;
    }
    put(&wish.to, &text).map_err(failed(&wish.to))?;
    out::line(&format_args!("wrote {}", wish.to.display()))?;
    if !is_there {
        let path = folder.join(SCHEMA);
        put(&path, &schema::schema()).map_err(failed(&path))?;
        out::line(&format_args!("wrote {}, which editors complete and check by", path.display()))?;
    }
    let file = leaseproof_harness::suite::quoted(&wish.to.display().to_string());
    out::text(&format!(
        "\nnext:\n  leaseproof plan {file}   # what will happen\n  leaseproof run {file}    # for real\n"
    ))?;
    Ok(Exit::Held)
}

/// The way from a folder to the schema, and whether it is there: beside the scenario, or in a folder above.
fn schema_for(folder: &Path) -> (PathBuf, bool) {
    let mut way = PathBuf::new();
    for _ in 0..=ABOVE {
        if folder.join(&way).join(SCHEMA).is_file() {
            return (way.join(SCHEMA), true);
        }
        way.push("..");
    }
    (SCHEMA.into(), false)
}

/// Writes a new file; one that is there stays as it is.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a file is worth nothing, and it was not there before.
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_a_schema_leads_to_the_nearest_folder_that_has_it() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("a/b");
        fs::create_dir_all(&below).unwrap();
        assert_eq!(schema_for(&below), (PathBuf::from(SCHEMA), false));
        fs::write(root.path().join(SCHEMA), "{}").unwrap();
        assert_eq!(schema_for(&below), (PathBuf::from("../..").join(SCHEMA), true));
        fs::write(below.join(SCHEMA), "{}").unwrap();
        assert_eq!(schema_for(&below), (PathBuf::from(SCHEMA), true));
    }

    #[test]
    fn a_file_that_is_there_is_never_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("mine.yaml");
        fs::write(&path, "mine").unwrap();
        assert_eq!(put(&path, "other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
