//! Themes: the shipped scenarios of incidents, and what becomes of one when it is somebody's own.

use std::path::Path;

use leaseproof_harness::scenario::did_you_mean;

use crate::shipped;

/// Where themes are among the shipped scenarios.
const FOLDER: &str = "scenarios/incidents/";
/// How a file names its schema to editors.
const MODELINE: &str = "# yaml-language-server: $schema=";

/// Something that goes wrong, as a scenario.
pub(super) struct Theme {
    /// How one asks for it.
    pub(super) key: String,
    /// The sentence that its scenario shows.
    pub(super) name: String,
    /// Why it matters.
    pub(super) about: String,
    /// The promises that it judges.
    pub(super) guarantees: Vec<String>,
    text: String,
}

impl Theme {
    /// The scenario's text under a name of its own, with the way to its schema.
    pub(super) fn text(&self, name: Option<&str>, schema: &Path) -> String {
        let line = |line: &str| match name {
            Some(name) if line.starts_with("name:") => format!("name: {}", written(name)),
            _ if line.starts_with(MODELINE) => format!("{MODELINE}{}", schema.display()),
            _ => line.to_owned(),
        };
        self.text.lines().map(line).fold(String::new(), |text, line| text + &line + "\n")
    }
}

/// Every theme, sorted.
pub(super) fn all() -> Vec<Theme> {
    let files = shipped::files().into_iter();
    files
        .filter_map(|file| {
            let key = file.path.strip_prefix(FOLDER)?.strip_suffix(".yaml")?.to_owned();
            let scenario = shipped::load(&file).scenario?;
            let about = scenario.about.unwrap_or_default();
            Some(Theme { key, name: scenario.name, about, guarantees: scenario.guarantees, text: file.text })
        })
        .collect()
}

/// The theme of a name, or what to say when there is none.
pub(super) fn find<'a>(themes: &'a [Theme], wanted: &str) -> Result<&'a Theme, String> {
    let same = wanted.trim().replace('-', "_").to_lowercase();
    if let Some(theme) = themes.iter().find(|theme| theme.key == same) {
        return Ok(theme);
    }
    let hint = match did_you_mean(wanted, themes.iter().map(|theme| theme.key.as_str())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`leaseproof new --list` shows them all".to_owned(),
    };
    Err(format!("there is no theme `{wanted}`: {hint}"))
}

/// A sentence as YAML takes it: quoted where it would mean something else.
fn written(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " ,.-_/()'".contains(c);
    let begins = name.starts_with(char::is_alphabetic);
    // Words that YAML reads as something else than a text have no space.
    if begins && name.contains(' ') && name.chars().all(plain) && !name.ends_with(' ') {
        return name.to_owned();
    }
    serde_json::Value::from(name).to_string()
}

#[cfg(test)]
mod tests {
    use leaseproof_harness::scenario;

    use super::*;

    #[test]
    fn every_theme_is_a_valid_scenario_under_any_name() {
        let themes = all();
        assert!(themes.len() >= 8, "{} themes", themes.len());
        for theme in &themes {
            for name in [None, Some("Ours: #1, \"quoted\" & 'said'"), Some("yes"), Some("A plain sentence")] {
                let text = theme.text(name, Path::new("scenario.schema.json"));
                let loaded = scenario::parse(&text);
                assert!(loaded.diagnostics.is_empty(), "{}: {:?}", theme.key, loaded.diagnostics);
                let scenario = loaded.scenario.unwrap();
                assert_eq!(scenario.name, name.unwrap_or(&theme.name));
                assert_eq!(scenario.guarantees, theme.guarantees);
                assert!(text.starts_with("# yaml-language-server: $schema=scenario.schema.json\n"));
            }
        }
    }

    #[test]
    fn every_theme_explains_itself_in_comments() {
        for theme in all() {
            let comments = theme.text.lines().filter(|line| line.trim_start().starts_with('#')).count();
            assert!(comments >= 4, "{}: {comments}", theme.key);
            assert!(theme.text.contains("# The incident"), "{} does not say where its incident is", theme.key);
        }
    }

    #[test]
    fn a_theme_is_found_by_its_name_and_a_misspelt_one_is_asked_back() {
        let themes = all();
        assert_eq!(find(&themes, "leader-is-lost").unwrap().key, "leader_is_lost");
        let error = find(&themes, "leader_is_lots").err().unwrap();
        assert!(error.contains("did you mean `leader_is_lost`?"), "{error}");
        assert!(find(&themes, "banana").err().unwrap().contains("--list"));
    }
}
