//! Whatever a file holds, the loader ends, does not panic, and answers with a scenario or with at least one error.

use std::path::Path;

use leaseproof_harness::scenario::{self, Style};
use proptest::prelude::*;
use proptest::sample::Index;

/// Loads, and holds what came of it to what must always be so.
fn check(bytes: &[u8]) {
    let path = Path::new("any.yaml");
    let loaded = scenario::load(path, bytes);
    assert_eq!(loaded.scenario.is_none(), loaded.has_errors(), "{:?}", loaded.diagnostics);
    for diagnostic in &loaded.diagnostics {
        assert!(diagnostic.at.line >= 1 && diagnostic.at.column >= 1, "{diagnostic:?}");
        assert!(!diagnostic.message.is_empty() && !diagnostic.message.contains('\n'), "{diagnostic:?}");
        assert!(!diagnostic.render(path, &loaded.sources.own().source, Style::Plain).is_empty());
    }
}

/// Good files, as they lie in `tests/good`.
#[expect(clippy::unwrap_used, reason = "only called from tests")]
fn good() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/good");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut texts: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .collect();
    texts.sort();
    assert!(!texts.is_empty());
    texts
}

/// One way to spoil a file.
#[derive(Debug, Clone)]
enum Spoil {
    DeleteLine(Index),
    DoubleLine(Index),
    Indent(Index, usize),
    SwapLines(Index, Index),
    SwapChars(Index),
    Delete(Index),
    Insert(Index, char),
    Cut(Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let index = any::<Index>;
    prop_oneof![
        index().prop_map(Spoil::DeleteLine),
        index().prop_map(Spoil::DoubleLine),
        (index(), 1..5_usize).prop_map(|(line, by)| Spoil::Indent(line, by)),
        (index(), index()).prop_map(|(a, b)| Spoil::SwapLines(a, b)),
        index().prop_map(Spoil::SwapChars),
        index().prop_map(Spoil::Delete),
        (index(), prop::sample::select("{}[]:,-&*!|>'\"%@`#?~ \t\n0aä".chars().collect::<Vec<_>>()))
            .prop_map(|(at, c)| Spoil::Insert(at, c)),
        index().prop_map(Spoil::Cut),
    ]
}

fn apply(text: &str, spoil: &Spoil) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut chars: Vec<char> = text.chars().collect();
    if lines.is_empty() || chars.len() < 2 {
        return text.to_owned();
    }
    let line = |at: &Index| at.index(lines.len());
    match spoil {
        Spoil::DeleteLine(at) => drop(lines.remove(line(at))),
        Spoil::DoubleLine(at) => lines.insert(line(at), lines[line(at)].clone()),
        Spoil::Indent(at, by) => {
            let at = line(at);
            lines[at].insert_str(0, &" ".repeat(*by));
        }
        Spoil::SwapLines(a, b) => {
            let (a, b) = (line(a), line(b));
            lines.swap(a, b);
        }
        Spoil::SwapChars(at) => {
            let at = at.index(chars.len() - 1);
            chars.swap(at, at + 1);
            return chars.into_iter().collect();
        }
        Spoil::Delete(at) => {
            chars.remove(at.index(chars.len()));
            return chars.into_iter().collect();
        }
        Spoil::Insert(at, c) => {
            chars.insert(at.index(chars.len()), *c);
            return chars.into_iter().collect();
        }
        Spoil::Cut(at) => {
            chars.truncate(at.index(chars.len()));
            return chars.into_iter().collect();
        }
    }
    lines.join("\n")
}

/// Text made of what YAML and scenarios are made of.
fn yamlish() -> impl Strategy<Value = String> {
    let words = [
        "name",
        "stack",
        "vault",
        "steps",
        "expect",
        "fault",
        "issue",
        "during",
        "guarantees",
        "LEASE-01",
        "cred",
        "as",
        "database/app",
        "5s",
        "true",
        "yes",
        "5",
        ": ",
        ":",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "&a ",
        "*a",
        "<<",
        "!!str ",
        "|\n",
        ">-\n ",
        "\"",
        "'",
        "#",
        "---\n",
        "...\n",
        "? ",
        "~",
        "\t",
        "%YAML 1.2\n",
        "\u{feff}",
        "\r\n",
        "\0",
        "ä",
        "😀",
    ];
    prop::collection::vec(prop::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_a_scenario_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }

    #[test]
    fn any_text_like_yaml_is_a_scenario_or_an_error(text in yamlish()) {
        check(text.as_bytes());
    }

    #[test]
    fn a_good_file_spoiled_is_a_scenario_or_an_error(which in any::<Index>(), spoils in prop::collection::vec(spoil(), 1..6)) {
        let good = good();
        let text = spoils.iter().fold(good[which.index(good.len())].clone(), |text, spoil| apply(&text, spoil));
        check(text.as_bytes());
    }

    #[test]
    fn a_tree_of_any_shape_is_a_scenario_or_an_error(keys in prop::collection::vec(("[a-z_]{1,12}", "\\PC{0,12}"), 0..20)) {
        let mut text = String::from("name: Any\nstack: {vault: {}}\nsteps:\n");
        for (key, value) in keys {
            text.push_str("  - ");
            text.push_str(&key);
            text.push_str(": ");
            text.push_str(&value);
            text.push('\n');
        }
        check(text.as_bytes());
    }
}
