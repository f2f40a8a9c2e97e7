//! Files that cannot lie in a folder as text: too large, too deep, no text at all. And what every diagnostic can do.

use std::fmt::Write as _;
use std::path::Path;

use leaseproof_harness::scenario::{self, Loaded, Severity, Style};

const GOOD: &str = "name: A good one\nstack: { vault: {} }\nsteps:\n  - expect: { health: { status: 200 } }\n";

fn load(bytes: &[u8]) -> Loaded {
    scenario::load(Path::new("made.yaml"), bytes)
}

/// The one error of a file, as `line:column message`.
fn only_error(bytes: &[u8]) -> String {
    let loaded = load(bytes);
    assert!(loaded.scenario.is_none());
    let [only] = loaded.diagnostics.as_slice() else { panic!("not one error: {:#?}", loaded.diagnostics) };
    format!("{} {}", only.at, only.message)
}

#[test]
fn a_file_that_is_no_text_is_refused_at_its_first_bad_byte() {
    let bytes = [GOOD.as_bytes(), b"about: caf\xe9\n"].concat();
    assert_eq!(only_error(&bytes), "5:11 the file is not UTF-8 text");
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(load(&utf16).has_errors());
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_not_read() {
    let mut text = GOOD.to_owned();
    while text.len() <= 1024 * 1024 {
        text.push_str("# filled up with remarks that nobody reads\n");
    }
    assert!(only_error(text.as_bytes()).starts_with("1:1 the file is too large"));
    text.truncate(1024 * 1024);
    assert!(load(text.as_bytes()).scenario.is_some(), "exactly the limit is good");
}

#[test]
fn nesting_without_end_is_refused_whatever_it_is_made_of() {
    for (open, count) in [("[", 500_000), ("{a: ", 200_000), ("- ", 400_000), ("? ", 400_000), ("[{a: ", 100_000)] {
        let text = open.repeat(count);
        assert!(only_error(text.as_bytes()).contains("nested deeper than 40 levels"), "{open}");
    }
    let mut ladder = String::new();
    for level in 0..500 {
        writeln!(ladder, "{}a:", " ".repeat(level)).unwrap();
    }
    assert!(only_error(ladder.as_bytes()).contains("nested deeper than 40 levels"));
}

#[test]
fn a_line_as_long_as_a_file_may_be_is_drawn_as_a_few() {
    let long = "x".repeat(1_000_000);
    for text in [
        format!("name: {{ a: \"{long}\""),
        format!("name: 'A good one' # {long}\nstack: 5\nsteps: []\n"),
        format!("{{name: {long}, stack: 5, nme: 5, steps: []}}"),
        format!("{long}: 5\n"),
        format!(
            "name: Names\nstack: {{ vault: {{}} }}\nsteps: [ {{ expect: {{ token: {{ of: {long}, alive: true }} }} }} ]\n"
        ),
    ] {
        let loaded = load(text.as_bytes());
        assert!(loaded.has_errors());
        let drawn = loaded.render(Style::Plain);
        assert!(drawn.len() < 20_000, "{} bytes for {}", drawn.len(), &text[..40]);
    }
}

#[test]
fn more_keys_than_a_scenario_can_need_are_not_read() {
    let many = format!("[{}]", "a,".repeat(60_000));
    assert!(only_error(many.as_bytes()).contains("more than 50000 keys and values"));
}

#[test]
fn a_bomb_of_aliases_dies_at_its_first_anchor() {
    let mut bomb = "a0: &a0 [lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let before = level - 1;
        writeln!(bomb, "a{level}: &a{level} [*a{before}, *a{before}, *a{before}]").unwrap();
    }
    assert_eq!(only_error(bomb.as_bytes()), "1:5 YAML anchors are not supported");
}

#[test]
fn a_thousand_mistakes_are_told_as_fifty() {
    let mut text = "name: Many mistakes\nstack: { vault: {} }\nsteps:\n".to_owned();
    for _ in 0..1_000 {
        text.push_str("  - expect: { helth: {} }\n");
    }
    let loaded = load(text.as_bytes());
    assert_eq!(loaded.diagnostics.len(), 50);
    assert!(loaded.scenario.is_none());
    let mut text = "name: Many names\nstack: { vault: {} }\nsteps:\n".to_owned();
    for _ in 0..1_000 {
        text.push_str("  - expect: { token: { of: nobody, alive: true } }\n");
    }
    let loaded = load(text.as_bytes());
    assert_eq!(loaded.diagnostics.len(), 50);
    assert!(loaded.render(Style::Plain).contains("950 more are not shown"));
}

#[test]
fn carriage_returns_and_a_byte_order_mark_change_nothing() {
    assert!(load(GOOD.as_bytes()).scenario.is_some());
    assert!(load(GOOD.replace('\n', "\r\n").as_bytes()).scenario.is_some());
    assert!(load(format!("\u{feff}{GOOD}").as_bytes()).scenario.is_some());
    let bad = GOOD.replace("200", "20").replace('\n', "\r\n");
    assert_eq!(only_error(bad.as_bytes()), "4:33 20 is no HTTP status");
}

#[test]
fn columns_count_characters_and_places_count_bytes() {
    let text = "name: A good one\nabout: \"äöü\"\nstack: { vault: {} }\nsteps: [ { expect: { \"helth\": {} } }, { \"ä\": 1 } ]\n";
    let loaded = load(text.as_bytes());
    let places: Vec<(usize, usize, &str)> =
        loaded.diagnostics.iter().map(|d| (d.at.line, d.at.column, &text[d.at.start..d.at.end])).collect();
    assert_eq!(places, [(4, 22, "\"helth\""), (4, 41, "\"ä\"")]);
}

#[test]
fn a_diagnostic_is_one_line_for_editors_and_json_for_programs() {
    let loaded = load(GOOD.replace("200", "20").as_bytes());
    let only = &loaded.diagnostics[0];
    assert_eq!(only.line(Path::new("a/b.yaml")), "a/b.yaml:4:33: error: 20 is no HTTP status");
    assert_eq!(only.severity, Severity::Error);
    let json = serde_json::to_value(only).unwrap();
    assert_eq!(json["severity"], "error");
    assert_eq!((&json["at"]["line"], &json["at"]["column"]), (&4.into(), &33.into()));
    let coloured = only.render(Path::new("a.yaml"), &loaded.sources.own().source, Style::Coloured);
    assert!(coloured.contains("\u{1b}["), "colours are drawn");
    assert!(!only.render(Path::new("a.yaml"), &loaded.sources.own().source, Style::Plain).contains('\u{1b}'));
}

#[test]
fn what_stands_in_a_file_cannot_write_to_the_terminal() {
    let text = "name: Colours\nstack: { vault: {} }\nsteps:\n  - \"\\e[31mred\\a\": {}\n";
    let drawn = load(text.as_bytes()).render(Style::Plain);
    assert!(!drawn.contains(['\u{1b}', '\u{7}']), "{drawn}");
    let raw = "name: Colours\nstack: { vault: {} }\nsteps:\n  - a: \u{1b}[31m\n";
    assert!(!load(raw.as_bytes()).render(Style::Plain).contains('\u{1b}'));
}
