//! The schemas in a real editor's language server: what is wrong in a scenario is marked, the keys that fit are offered, and
//! what they mean is shown. Where node or npm is missing the test says so, and fails where all must run.

#![expect(clippy::unwrap_used, reason = "a test may panic; these helpers are no tests themselves")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What speaks to the language server, and what brings it: exact versions.
const FILES: [&str; 3] = ["check.mjs", "package.json", "package-lock.json"];

/// The answers of the language server; none where it cannot be had.
fn ask(requests: &Value) -> Option<Vec<Value>> {
    if let Some(missing) = ["node", "npm"].into_iter().find(|program| !answers(program)) {
        let why = format!("NOT TESTED: the schema in an editor: there is no {missing}");
        assert!(std::env::var_os("LEASEPROOF_REQUIRE_EDITOR").is_none(), "{why}");
        let _ = writeln!(std::io::stderr(), "!! {why}");
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = tempfile::tempdir().unwrap();
    for file in FILES {
        fs::copy(root.join("tests/editor").join(file), scratch.path().join(file)).unwrap();
    }
    let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    let installed = Command::new("npm").args(words).current_dir(scratch.path()).output().unwrap();
    assert!(installed.status.success(), "npm ci: {}", String::from_utf8_lossy(&installed.stderr));
    let mut node = Command::new("node");
    node.arg("check.mjs").arg(root.join("scenarios")).current_dir(scratch.path());
    let mut node = node.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    node.stdin.take().unwrap().write_all(requests.to_string().as_bytes()).unwrap();
    let answered = node.wait_with_output().unwrap();
    assert!(answered.status.success(), "{}", String::from_utf8_lossy(&answered.stderr));
    Some(serde_json::from_slice(&answered.stdout).unwrap())
}

fn answers(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

const WRONG: &str = "\
# yaml-language-server: $schema=../scenario.schema.json
name: With mistakes
guarantees: [LEASE-999]
stack: { vault: {} }
steps:
  - isue: { role: database/app }
  - wait: { for: 30 seconds }
  - issue:
      role: database/app
\x20     \n\
\x20     as: cred
  - fault: { c }
";

const RIGHT: &str = "\
# yaml-language-server: $schema=../scenario.schema.json
name: What a fragment brings is left out
use: ../fragments/anything.yaml
with: { ttl: 5s }
steps:
  - use: ../fragments/anything_else.yaml
  - wait: { for: 1s }
";

const FRAGMENT: &str = "\
# yaml-language-server: $schema=../fragment.schema.json
fragment: With parameters
parameters:
  ttl: { is: duration, default: 5s }
stack: { postgres: { max_connections: \"${most}\" } }
engines: { database: { postgres: { roles: { app: { default_ttl: \"${ttl}\", max_ttl: 5 } } } } }
";

fn lines(answer: &Value) -> Vec<u64> {
    answer["diagnostics"].as_array().unwrap().iter().map(|it| it["line"].as_u64().unwrap()).collect()
}

#[test]
fn an_editor_marks_what_is_wrong_offers_what_fits_and_says_what_it_means() {
    let requests = json!([
        // In the empty line of `issue`, and after `fault: { `; on `wait` and on `as`.
        { "file": "mine/wrong.yaml", "text": WRONG, "complete": [[9, 6], [11, 13]], "hover": [[6, 6], [10, 7]] },
        { "file": "mine/right.yaml", "text": RIGHT },
        { "file": "mine/fragment.yaml", "text": FRAGMENT },
    ]);
    let Some(answers) = ask(&requests) else { return };
    let [wrong, right, fragment] = answers.as_slice() else { panic!("{answers:?}") };

    let marked = lines(wrong);
    for line in [2, 5, 6] {
        assert!(marked.contains(&line), "line {line} is not marked: {wrong:#}");
    }
    assert!(wrong["diagnostics"].to_string().contains("Property isue is not allowed"), "{wrong:#}");
    assert!(!marked.contains(&3) && !marked.contains(&1), "{wrong:#}");
    let offered = |at: usize, word: &str| wrong["completions"][at].as_array().unwrap().contains(&json!(word));
    for word in ["token", "ttl", "answers", "node"] {
        assert!(offered(0, word), "`{word}` is not offered in `issue`: {wrong:#}");
    }
    for word in ["cut", "down", "seal"] {
        assert!(offered(1, word), "`{word}` is not offered in `fault`: {wrong:#}");
    }
    let shown = |at: usize, text: &str| wrong["hovers"][at].as_str().unwrap().contains(text);
    assert!(shown(0, "Lets time pass"), "{wrong:#}");
    assert!(shown(1, "The name under which later steps speak of the credential"), "{wrong:#}");

    assert_eq!(right["diagnostics"], json!([]), "a file that leaves the rest to fragments is whole");
    assert_eq!(lines(fragment), [5], "a parameter may stand for a number and a duration, 5 is none: {fragment:#}");
}
