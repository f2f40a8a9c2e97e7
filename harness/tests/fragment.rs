//! Fragments: what they bring, what place it has, and that nothing in them goes on for ever.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use leaseproof_harness::scenario::fragment::Shelf;
use leaseproof_harness::scenario::{self, Action, Loaded, Style};

/// Fragments that stand in the test.
struct Made(BTreeMap<PathBuf, String>);

impl Shelf for Made {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).map(|text| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn names(&self, folder: &Path) -> Vec<String> {
        let below = self.0.keys().filter(|path| path.parent() == Some(folder));
        below.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }
}

fn load(text: &str, fragments: &[(&str, &str)]) -> Loaded {
    let made = fragments.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned()));
    scenario::load_with(Path::new("mine/one.yaml"), text.as_bytes(), &Made(made.collect()))
}

const ROLE: &str = "\
fragment: A role
parameters:
  ttl: { is: duration, default: 10s }
stack: { postgres: {} }
engines: { database: { postgres: { roles: { app: { default_ttl: \"${ttl}\", max_ttl: 1h } } } } }
";
const LOGIN: &str = "\
fragment: A credential that works
parameters:
  as: { is: name }
steps:
  - issue: { role: database/app, as: \"${as}\" }
  - expect: { login: { with: \"${as}\", accepted: true } }
";

fn two_logins() -> Loaded {
    let text = "name: Two\nuse: ../shared/role.yaml\nwith: { ttl: 30s }\nstack: { vault: {} }\nsteps:\n  \
                - use: ../shared/login.yaml\n    with: { as: first }\n  - wait: { for: 1s }\n  \
                - use: ../shared/login.yaml\n    with: { as: second }\n";
    load(text, &[("shared/role.yaml", ROLE), ("shared/login.yaml", LOGIN)])
}

#[test]
fn what_a_fragment_holds_stands_where_it_is_used_with_its_parameters_filled_in() {
    let loaded = two_logins();
    let scenario = loaded.scenario.expect("the scenario is valid");
    let role = &scenario.database.as_ref().expect("a database").connections[0].roles[0];
    assert_eq!(role.default_ttl.map(|ttl| ttl.as_secs()), Some(30));
    assert!(scenario.stack.postgres.is_some());
    assert_eq!(scenario.steps.len(), 5);
    assert!(matches!(scenario.steps[2].action, Action::Wait(_)));
    let fragments: Vec<_> = scenario.sources.fragments().map(|text| text.path.clone()).collect();
    assert_eq!(fragments, [Path::new("shared/role.yaml"), Path::new("shared/login.yaml")]);
    assert_eq!(loaded.fragments.len(), 2);
}

#[test]
fn every_step_knows_its_line_in_the_fragment_and_the_line_that_uses_it() {
    let scenario = two_logins().scenario.expect("the scenario is valid");
    let place = |index: usize| {
        let at = scenario.steps[index].at;
        let fragment = scenario.sources.in_fragment(at).map(|(text, line)| (text.path.clone(), line));
        (scenario.sources.in_own(at).line, fragment)
    };
    let there = |line| Some((PathBuf::from("shared/login.yaml"), line));
    assert_eq!(place(0), (6, there(5)));
    assert_eq!(place(1), (6, there(6)));
    assert_eq!(place(2), (8, None));
    assert_eq!(place(4), (9, there(6)));
}

#[test]
fn a_value_that_stands_alone_keeps_its_kind_and_within_a_text_it_is_put_in_as_it_was_written() {
    let sealed = "fragment: Asks\nparameters: { asked: { is: number }, where: {} }\nsteps:\n  - api: { method: POST, path: \
                  \"${where}/${asked}\", body: { \"${where}\": \"${asked}\", text: \"no ${asked}, $${asked}\" }, answers: { status: \
                  503 } }\n  - use: waits.yaml\n    with: { length: \"${asked}s\" }\n";
    let waits = "fragment: Waits\nparameters: { length: { is: duration } }\nsteps:\n  - wait: { for: \"${length}\" }\n";
    let text = "name: One\nstack: { vault: {} }\nsteps:\n  - fault: { seal: {} }\n    during:\n      - use: in/sealed.yaml\n        \
                with: { asked: 2, where: sys }\n";
    let loaded = load(text, &[("mine/in/sealed.yaml", sealed), ("mine/in/waits.yaml", waits)]);
    assert!(loaded.diagnostics.is_empty(), "{}", loaded.render(Style::Plain));
    let steps = loaded.scenario.expect("the scenario is valid").steps;
    let Action::Fault(_, Some(during)) = &steps[0].action else { panic!("{steps:?}") };
    let [asks, waits] = during.as_slice() else { panic!("{during:?}") };
    let Action::Do(verb) = &asks.action else { panic!("{asks:?}") };
    let scenario::Verb::Api(api) = verb.as_ref() else { panic!("{verb:?}") };
    assert_eq!(api.path.value, "sys/2");
    let body = serde_json::Value::Object(api.body.clone().expect("a body").0);
    assert_eq!(body, serde_json::json!({ "sys": 2, "text": "no 2, ${asked}" }));
    let Action::Wait(wait) = &waits.action else { panic!("{waits:?}") };
    assert_eq!(wait.length.map(|length| length.to_string()), Some("2s".to_owned()));
}

#[test]
fn a_plan_with_fragments_is_that_of_the_same_steps_written_out() {
    let text = "name: Two\nstack: { vault: {}, postgres: {} }\nengines: { database: { postgres: { roles: { app: { \
                default_ttl: 30s, max_ttl: 1h } } } } }\nsteps:\n  - issue: { role: database/app, as: first }\n  \
                - expect: { login: { with: first, accepted: true } }\n  - wait: { for: 1s }\n  \
                - issue: { role: database/app, as: second }\n  - expect: { login: { with: second, accepted: true } }\n";
    let plan = |loaded: Loaded| {
        let scenario = loaded.scenario.expect("the scenario is valid");
        leaseproof_harness::plan::Plan::new(scenario.into(), 7).to_string()
    };
    assert_eq!(plan(load(text, &[])), plan(two_logins()));
}

#[test]
fn a_chain_that_is_too_deep_and_a_fragment_that_multiplies_both_end() {
    let name = |n: usize| format!("mine/f{n}.yaml");
    let uses = |n: usize, times: usize| {
        format!("fragment: Number {n}\nsteps:\n{}", format!("  - use: f{}.yaml\n", n + 1).repeat(times))
    };
    let last = "fragment: The last\nsteps:\n  - wait: { for: 1s }\n";
    for (length, times, said) in [(20, 1, "more than 8 deep"), (7, 10, "more than 200 fragments")] {
        let mut made: Vec<(String, String)> = (0..length).map(|n| (name(n), uses(n, times))).collect();
        made.push((name(length), last.to_owned()));
        let made: Vec<(&str, &str)> = made.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let loaded = load("name: Deep\nstack: { vault: {} }\nsteps:\n  - use: f0.yaml\n", &made);
        let drawn = loaded.render(Style::Plain);
        assert!(loaded.scenario.is_none() && drawn.contains(said), "{drawn}");
    }
}

#[test]
fn a_nest_that_is_too_deep_only_with_its_fragments_is_refused() {
    let nest = |inner: &str| {
        let mut steps = format!("- use: {inner}");
        for _ in 0..8 {
            steps = format!("- fault: {{ seal: {{}} }}\n  during:\n    {}", steps.replace('\n', "\n    "));
        }
        format!("fragment: A nest\nsteps:\n  {}\n", steps.replace('\n', "\n  "))
    };
    let (a, b, c) = (nest("b.yaml"), nest("c.yaml"), nest("d.yaml"));
    let last = "fragment: The last\nsteps:\n  - wait: { for: 1s }\n";
    let made = [("mine/a.yaml", a.as_str()), ("mine/b.yaml", &b), ("mine/c.yaml", &c), ("mine/d.yaml", last)];
    let loaded = load("name: Deep\nstack: { vault: {} }\nsteps:\n  - use: a.yaml\n", &made);
    assert!(loaded.render(Style::Plain).contains("nested deeper than 40 levels"), "{}", loaded.render(Style::Plain));
}

#[test]
fn the_walk_through_a_folder_finds_scenarios_and_no_fragments() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("role.yaml"), ROLE).expect("can be written");
    std::fs::write(path("one.yaml"), "name: One\n").expect("can be written");
    assert_eq!(scenario::find(&[folder.path().to_owned()], &[]).expect("finds"), [path("one.yaml")]);
    std::fs::remove_file(path("one.yaml")).expect("can be removed");
    let error = scenario::find(&[folder.path().to_owned()], &[]).expect_err("holds only a fragment");
    assert!(error.to_string().contains("holds no scenario"), "{error}");
}

#[test]
fn a_fragment_from_the_disk_is_found_from_the_folder_of_the_file_that_uses_it() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("shared")).expect("can be made");
    std::fs::write(folder.path().join("shared/outer.yaml"), "fragment: A\nsteps:\n  - use: inner.yaml\n")
        .expect("written");
    std::fs::write(folder.path().join("shared/inner.yaml"), "fragment: B\nsteps:\n  - wait: { for: 2s }\n")
        .expect("written");
    let text = "name: One\nstack: { vault: {} }\nsteps:\n  - use: shared/outer.yaml\n  - api: { path: sys/health, answers: { status: 200 } }\n";
    let loaded = scenario::load(&folder.path().join("one.yaml"), text.as_bytes());
    assert_eq!(loaded.scenario.as_ref().map(|s| s.steps.len()), Some(2), "{}", loaded.render(Style::Plain));
}
