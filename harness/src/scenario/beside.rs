//! What a scenario needs beside its file: the folders and programs of its consumers. Looked at before anything starts.

use super::consumer::{Runs, find_program, may_run};
use super::diagnostic::Diagnostic;
use super::{Consumer, Scenario};

/// What is not there, each at its place in the file.
pub(super) fn missing(scenario: &Scenario) -> Vec<Diagnostic> {
    scenario.consumers.iter().filter_map(of_consumer).collect()
}

fn of_consumer(consumer: &Consumer) -> Option<Diagnostic> {
    if let Some((folder, at)) = consumer.folder.as_ref().filter(|(folder, _)| !folder.is_dir()) {
        let error = Diagnostic::error(*at, format!("there is no folder {}", folder.display()));
        return Some(error.label("no such folder").help("it is looked for beside the scenario's file"));
    }
    let here = consumer.folder.as_ref().map(|(folder, _)| folder.as_path());
    let is_inline = |file: &str| consumer.files.iter().any(|(name, _)| name == file);
    let lies_here = |file: &str| here.map(|here| here.join(file)).filter(|file| file.is_file());
    match &consumer.runs {
        Runs::Program(program, _) => {
            let name = program.trim_start_matches("./");
            let refuse = |what: String, help: String| {
                Some(Diagnostic::error(consumer.runs_at, what).label("cannot be executed").help(help))
            };
            match lies_here(name) {
                Some(file) if !may_run(&file) => refuse(
                    format!("{} is not a program that may be executed", file.display()),
                    format!("`chmod +x {}`, or name what runs it: `[sh, {program}]`", file.display()),
                ),
                None if is_inline(name) => refuse(
                    format!("`{program}` is a text that stands under `files`, and no program"),
                    format!("name what runs it: `[sh, {program}]`"),
                ),
                None if find_program(program, here).is_none() => {
                    let help = match here {
                        Some(here) => format!("it is looked for in {} and on PATH", here.display()),
                        None => {
                            "it is looked for on PATH; a program of your own lies in a `folder` beside the scenario"
                                .into()
                        }
                    };
                    let error = Diagnostic::error(consumer.runs_at, format!("there is no program `{program}`"));
                    Some(error.label("not found").help(help))
                }
                Some(_) | None => None,
            }
        }
        Runs::Agent(file) if !is_inline(file) && lies_here(file).is_none() => {
            let error = Diagnostic::error(consumer.runs_at, format!("the agent has no file `{file}`"));
            Some(error.label("not among its files").help("put it into its `folder`, or write it under `files`"))
        }
        Runs::Shell(_) | Runs::Agent(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use super::super::load;
    use super::*;

    /// What is missing for a consumer that is declared so, in a folder where `app/` has a script that may be run, one that
    /// may not, and a configuration file.
    fn found(consumer: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let app = folder.path().join("app");
        fs::create_dir(&app).unwrap();
        for (name, mode) in [("runs.sh", 0o755), ("lies.sh", 0o644), ("agent.hcl", 0o644)] {
            fs::write(app.join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(app.join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        let text = format!(
            "name: One\nstack: {{ vault: {{}} }}\nconsumers: {{ app: {consumer} }}\n\
             steps: [{{ expect: {{ health: {{ status: 200 }} }} }}]\n"
        );
        let path = folder.path().join("one.yaml");
        let loaded = load(Path::new(&path), text.as_bytes());
        let scenario = loaded.scenario.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
        missing(&scenario).into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn what_is_there_is_not_missed() {
        for there in [
            "{ program: [./runs.sh], folder: app }",
            "{ program: [runs.sh], folder: app }",
            "{ program: [sh, lies.sh], folder: app }",
            "{ shell: exit 0 }",
            "{ agent: agent.hcl, folder: app }",
            "{ agent: a.hcl, files: { a.hcl: '' } }",
        ] {
            assert_eq!(found(there), Vec::<String>::new(), "{there}");
        }
    }

    #[test]
    fn a_folder_a_program_and_a_configuration_that_are_not_there_are_told_before_anything_starts() {
        for (consumer, says) in [
            ("{ shell: exit 0, folder: nowhere }", "there is no folder "),
            ("{ program: [no-such-program-anywhere] }", "there is no program `no-such-program-anywhere`"),
            ("{ program: [./gone.sh], folder: app }", "there is no program `./gone.sh`"),
            ("{ program: [./lies.sh], folder: app }", "is not a program that may be executed"),
            (
                "{ program: [here.sh], files: { here.sh: 'exit 0' } }",
                "a text that stands under `files`, and no program",
            ),
            ("{ agent: other.hcl, folder: app }", "the agent has no file `other.hcl`"),
        ] {
            let found = found(consumer);
            assert!(found.len() == 1 && found[0].contains(says), "{consumer}: {found:?}");
        }
    }
}
