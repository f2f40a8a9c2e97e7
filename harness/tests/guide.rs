//! Every YAML snippet of the authoring guide, read as what it is: a whole scenario, a fragment, a part of a file, or steps.
#![expect(clippy::expect_used, reason = "a test that cannot read the guide has failed")]

use std::io;
use std::path::Path;

use leaseproof_harness::scenario::fragment::Shelf;
use leaseproof_harness::scenario::{self, Diagnostic, Loaded, Style};

const STACK: &str = "stack: { vault: {} }\n";
const STEPS: &str = "steps:\n  - api: { path: sys/health, answers: { status: 200 } }\n";
/// What is wrong with the words themselves, wherever they stand. The rest only a whole scenario can have right: that every
/// name is made somewhere, and that the stack has what a fault breaks.
const OF_WORDS: [&str; 11] = [
    "unknown key",
    "this is not YAML",
    " must be ",
    " has no value",
    " cannot be `",
    " needs `",
    " has no unit",
    "is not a duration",
    "is not a name",
    "is not a fraction",
    "names no mount",
];

/// The fragments that the guide names: the one that it shows, and one that it leaves to the reader.
struct Shown(String);

impl Shelf for Shown {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.file_name().and_then(|name| name.to_str()) {
            Some("postgres_role.yaml") => Ok(self.0.clone().into_bytes()),
            Some("works_until_its_end.yaml") => Ok("\
                fragment: A credential works until its lease ends\nparameters: { cred: { is: name } }\nsteps:\n  \
                - expect: { login: { with: \"${cred}\", accepted: true } }\n"
                .into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn names(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// The snippets with the line of the guide at which each begins.
fn snippets() -> Vec<(usize, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/README.md");
    let guide = std::fs::read_to_string(path).expect("the guide is there");
    let (mut found, mut open) = (Vec::new(), None);
    for (index, line) in guide.lines().enumerate() {
        match &mut open {
            None if line.trim() == "```yaml" => open = Some((index + 2, String::new())),
            None => {}
            Some(_) if line.trim() == "```" => found.extend(open.take()),
            Some((_, text)) => text.extend([line, "\n"]),
        }
    }
    found
}

/// The key with which a snippet begins; `-` for steps.
fn first_key(text: &str) -> &str {
    let line = text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty()).unwrap_or_default();
    line.split([':', ' ']).next().unwrap_or_default()
}

/// A snippet as a whole file.
fn whole(text: &str) -> String {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    match first_key(text) {
        "" => format!("name: A snippet\n{STACK}{STEPS}{text}"),
        "name" => text.to_owned(),
        "-" => {
            let key =
                if text.starts_with("- credential_gap") || text.starts_with("- no_") { "always" } else { "steps" };
            let steps: String = text.lines().flat_map(|line| ["  ", line, "\n"]).collect();
            let rest = if key == "always" { STEPS } else { "" };
            format!("name: A snippet\n{STACK}{rest}{key}:\n{steps}")
        }
        _ => {
            let (stack, steps) = (if has("stack:") { "" } else { STACK }, if has("steps:") { "" } else { STEPS });
            format!("name: A snippet\n{stack}{text}{steps}")
        }
    }
}

fn wrong(loaded: &Loaded, is_whole: bool) -> Vec<&Diagnostic> {
    let of_words = |it: &Diagnostic| OF_WORDS.iter().any(|words| it.message.contains(words));
    loaded.diagnostics.iter().filter(|it| it.is_error() && (is_whole || of_words(it))).collect()
}

#[test]
fn every_snippet_of_the_authoring_guide_is_as_the_loader_wants_it() {
    let snippets = snippets();
    assert!(snippets.len() > 20, "only {} snippets were found", snippets.len());
    let fragment = snippets.iter().find(|(_, text)| first_key(text) == "fragment");
    let shelf = Shown(fragment.map(|(_, text)| text.clone()).expect("the guide shows a fragment"));
    let mut complaints = Vec::new();
    for (line, text) in snippets.iter().filter(|(_, text)| first_key(text) != "fragment") {
        let loaded = scenario::load_with(Path::new("mine/one.yaml"), whole(text).as_bytes(), &shelf);
        for found in wrong(&loaded, first_key(text) == "name") {
            complaints.push(format!("the snippet at line {line}:\n{}", found.draw(&loaded.sources, Style::Plain)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n\n"));
}
