//! The tests of one folder: their names, the run that they share, and what each comes to.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Completion, Failed, Trial};
use tokio::runtime::Runtime;
use tokio::sync::{OnceCell, RwLock};
use tokio_util::sync::CancellationToken;

use super::{Options, TestingError};
use crate::provider::docker::image::Images;
use crate::report::record::{ScenarioRecord, ScenarioResult};
use crate::report::text;
use crate::scenario::{self, Entry, Scenario, Style};
use crate::suite::{Settings, Suite, SuiteError};

/// The tests of a folder.
pub(super) struct Tests {
    entries: Vec<Entry>,
    folder: String,
    shared: Arc<Shared>,
}

/// What all tests of a process share.
struct Shared {
    options: Options,
    settings: Settings,
    runtime: Runtime,
    /// Whether the run could be opened. The first test that really runs opens it: listing tests fetches nothing.
    opened: OnceCell<Result<(), Unopened>>,
    /// The run, while it is open.
    suite: RwLock<Option<Suite>>,
    records: Mutex<Vec<(usize, ScenarioRecord)>>,
}

/// A run that could not be opened, told by every test that would have been in it.
struct Unopened {
    why: String,
    /// This machine lacks something, and nothing is known to be wrong.
    is_lack: bool,
}

impl Tests {
    pub(super) fn find(folder: &Path, options: Options) -> Result<Self, TestingError> {
        let entries = scenario::load_all(&scenario::find(&[folder.to_owned()], &[])?)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(TestingError::Runtime)?;
        let folder = folder.display().to_string();
        let vaults: String = options.vaults.iter().fold(String::new(), |all, part| all + &format!(" --vault {part}"));
        let has_mysql = |entry: &Entry| entry.loaded.scenario.as_ref().is_some_and(|s| s.stack.mysql.is_some());
        let wanted = entries.iter().any(has_mysql);
        let settings = Settings {
            providers: vec![options.provider],
            images: Images::default(),
            vaults: options.vaults.clone(),
            postgres: options.postgres.clone(),
            postgres_bin: options.postgres_bin.clone(),
            mysql: wanted.then(|| options.mysql.clone()),
            toxiproxy: None,
            seed: options.seed,
            keep: false,
            reports: options.reports.clone(),
            command: format!(
                "leaseproof run {folder}{vaults} --postgres {} --mysql {} --provider {}",
                options.postgres, options.mysql, options.provider
            ),
        };
        let shared = Shared {
            options,
            settings,
            runtime,
            opened: OnceCell::new(),
            suite: RwLock::new(None),
            records: Mutex::default(),
        };
        Ok(Self { entries, folder, shared: Arc::new(shared) })
    }

    /// One test for each scenario on each server. Those that are left out for their tags say so when they run; whoever asks
    /// for a list, as cargo-nextest does to know what to run, is told there that they are ignored.
    pub(super) fn trials(&self, listed: bool) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (server, part) in self.shared.options.vaults.iter().enumerate() {
            for entry in &self.entries {
                let mut name = self.name(&entry.path);
                if self.shared.options.vaults.len() > 1 {
                    name = format!("{name} on {part}");
                }
                trials.push(self.trial(name, trials.len(), entry, server, listed));
            }
        }
        trials
    }

    /// The file's path below the folder, without its ending.
    fn name(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.folder).ok().filter(|below| !below.as_os_str().is_empty());
        below.unwrap_or(path).with_extension("").display().to_string()
    }

    fn trial(&self, name: String, run: usize, entry: &Entry, server: usize, listed: bool) -> Trial {
        let Some(scenario) = &entry.loaded.scenario else {
            let drawn = entry.loaded.render(Style::Plain);
            return Trial::test(name, move || Err(Failed::from(drawn)));
        };
        if !self.shared.options.tags.ask_for(scenario) {
            let (tags, first) = (scenario.tag_words(), scenario.tags.first().cloned());
            let asks = first.map_or_else(String::new, |tag| format!("; {}={tag} runs it", super::TAGS_VARIABLE));
            let left_out = move || Ok(Completion::ignored_with(format!("left out for its tags ({tags}){asks}")));
            return Trial::ignorable_test(name, left_out).with_ignored_flag(listed);
        }
        let (scenario, shared) = (Arc::new(scenario.clone()), self.shared.clone());
        Trial::ignorable_test(name, move || shared.runtime.block_on(shared.test(run, &scenario, server)))
    }

    /// Takes everything down and writes the reports, if anything ran at all.
    pub(super) fn close(self) -> Result<(), TestingError> {
        self.shared.runtime.block_on(async {
            let Some(suite) = self.shared.suite.write().await.take() else { return Ok(()) };
            let mut records = std::mem::take(&mut *self.shared.records.lock().unwrap_or_else(PoisonError::into_inner));
            records.sort_by_key(|(run, _)| *run);
            let folder = suite.folder().to_owned();
            let record = suite.close(records.into_iter().map(|(_, record)| record).collect()).await?;
            if record.secrets.is_clean() {
                return Ok(());
            }
            let files = record.secrets.found_in.into_iter().chain(record.secrets.unsearched).collect();
            Err(TestingError::Secrets { folder, files })
        })
    }
}

impl Shared {
    async fn test(&self, run: usize, scenario: &Arc<Scenario>, server: usize) -> Result<Completion, Failed> {
        if let Err(unopened) = self.opened.get_or_init(|| self.open()).await {
            let Unopened { why, is_lack } = unopened;
            return if *is_lack { self.cannot_run(why) } else { Err(why.into()) };
        }
        let suite = self.suite.read().await;
        let Some(suite) = suite.as_ref() else { return Err("the run has ended before this test".into()) };
        let record = suite.run_one(run, scenario, server).await;
        self.records.lock().unwrap_or_else(PoisonError::into_inner).push((run, record.clone()));
        match record.result {
            ScenarioResult::Held => Ok(Completion::Completed),
            ScenarioResult::Skipped => self.cannot_run(&record.reason),
            _ => Err(text::failure(&record, suite.folder(), Style::Plain).into()),
        }
    }

    async fn open(&self) -> Result<(), Unopened> {
        // What happens on the way is in the reports; a test binary shows tests.
        let opened = Suite::open(self.settings.clone(), Arc::new(|_| {}), CancellationToken::new()).await;
        let suite = opened.map_err(|error| Unopened { why: error.to_string(), is_lack: is_lack(&error) })?;
        *self.suite.write().await = Some(suite);
        Ok(())
    }

    fn cannot_run(&self, why: &str) -> Result<Completion, Failed> {
        if self.options.require_all {
            return Err(format!("cannot run here, and {}=1 asks for all: {why}", super::REQUIRE_ALL_VARIABLE).into());
        }
        Ok(Completion::ignored_with(why))
    }
}

/// Whether the error says that this machine lacks something, and not that something is wrong.
fn is_lack(error: &SuiteError) -> bool {
    matches!(error, SuiteError::Fetch(error) if error.is_lack())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use libtest_mimic::Arguments;

    use super::*;

    const GOOD: &str = include_str!("../../../tests/good/natural_expiry.yaml");

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// A server that no machine has and no client offers.
    fn impossible(folder: &Path, require_all: bool) -> Options {
        let reports = folder.join("reports");
        Options { vaults: vec!["vault:0.0.1".parse().unwrap()], reports, require_all, ..Options::default() }
    }

    fn run(folder: &Path, options: Options) -> libtest_mimic::Conclusion {
        let tests = Tests::find(folder, options).unwrap();
        // Into a file: what fails here on purpose must not stand among the failures of these tests.
        let log = format!("--logfile={}", folder.join("log").display());
        let arguments = Arguments::from_iter(["tests", &log, "--test-threads=2"]);
        let conclusion = libtest_mimic::run(&arguments, tests.trials(arguments.list));
        tests.close().unwrap();
        conclusion
    }

    #[test]
    fn a_list_says_which_scenarios_are_left_out_for_their_tags() {
        let tagged = format!("{GOOD}tags: [slow]\n");
        let folder = folder(&[("often.yaml", GOOD), ("slow.yaml", &tagged.replace("name: ", "name: Another "))]);
        let tests = Tests::find(folder.path(), Options::default()).unwrap();
        let ignored = |trials: Vec<Trial>| trials.iter().map(Trial::has_ignored_flag).collect::<Vec<_>>();
        assert_eq!(ignored(tests.trials(true)), [false, true]);
        assert_eq!(ignored(tests.trials(false)), [false, false]);
    }

    #[test]
    fn a_test_is_named_after_its_file_and_after_its_server_when_there_are_several() {
        let folder = folder(&[("lease/expiry.yaml", GOOD)]);
        let one = Tests::find(folder.path(), Options::default()).unwrap();
        assert_eq!(one.trials(false)[0].name(), "lease/expiry");
        let vaults = vec!["openbao:2.6.1".parse().unwrap(), "vault".parse().unwrap()];
        let two = Tests::find(folder.path(), Options { vaults, ..Options::default() }).unwrap();
        let names: Vec<String> = two.trials(false).iter().map(|trial| trial.name().to_owned()).collect();
        assert_eq!(names, ["lease/expiry on openbao:2.6.1", "lease/expiry on vault"]);
    }

    #[test]
    fn a_folder_without_scenarios_is_refused() {
        let folder = folder(&[("notes.txt", "")]);
        let error = Tests::find(folder.path(), Options::default()).err().unwrap().to_string();
        assert!(error.contains("holds no scenario"), "{error}");
    }

    #[test]
    fn a_file_that_is_not_valid_is_a_test_that_fails() {
        let folder = folder(&[("bad.yaml", "name: x\n")]);
        let conclusion = run(folder.path(), impossible(folder.path(), false));
        assert_eq!((conclusion.num_failed, conclusion.num_ignored), (1, 0));
    }

    #[test]
    fn a_scenario_whose_tags_nobody_asks_for_is_ignored_also_when_all_must_run() {
        let tagged = GOOD.replacen("stack:", "tags: [slow]\nstack:", 1);
        let folder = folder(&[("slow.yaml", &tagged)]);
        let left_out = run(folder.path(), impossible(folder.path(), true));
        assert_eq!((left_out.num_ignored, left_out.num_failed), (1, 0));
        let asked = Options { tags: scenario::Tags::All, ..impossible(folder.path(), true) };
        assert_eq!(run(folder.path(), asked).num_failed, 1);
    }

    #[test]
    fn a_scenario_that_cannot_run_here_is_ignored_and_fails_when_all_are_asked_for() {
        let folder = folder(&[("good.yaml", GOOD)]);
        let lenient = run(folder.path(), impossible(folder.path(), false));
        assert_eq!((lenient.num_ignored, lenient.num_failed, lenient.num_passed), (1, 0, 0));
        let strict = run(folder.path(), impossible(folder.path(), true));
        assert_eq!((strict.num_ignored, strict.num_failed, strict.num_passed), (0, 1, 0));
    }
}
