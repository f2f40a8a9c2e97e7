//! Placeholders in what a consumer is given: `{{vault_address}}`. No secret has one: secrets are in files of their own, and
//! only where those are can be written.

use super::hint::did_you_mean;
use super::kept;

/// All that a placeholder can stand for.
pub const NAMES: [&str; 8] = [
    "vault_address",
    "database_host",
    "database_port",
    "database_name",
    "role_id_file",
    "secret_id_file",
    "token_file",
    "folder",
];

/// The text with every placeholder filled. What else stands between double braces is another program's template, and stays.
pub fn fill(text: &str, value: &impl Fn(&str) -> Option<String>) -> String {
    let (mut filled, mut from) = (String::new(), 0);
    for (at, name) in kept::names(text) {
        if let Some(value) = value(name) {
            filled.push_str(&text[from..at.start]);
            filled.push_str(&value);
            from = at.end;
        }
    }
    filled.push_str(&text[from..]);
    filled
}

/// A word between double braces that is none of the placeholders and looks like one: with what was meant.
pub fn misspelt(text: &str) -> Option<(&str, &'static str)> {
    let unknown = kept::names(text).map(|(_, name)| name).filter(|name| !NAMES.contains(name));
    // What templates have there, `end` and `else`, is like none of them.
    unknown.filter(|name| name.contains('_')).find_map(|name| Some((name, did_you_mean(name, NAMES)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_and_templates_stay_as_they_are() {
        let text =
            "at {{vault_address}} {{ with secret \"database/creds/app\" }}{{ .Data.username }}{{ end }} {{folder}}";
        let value = |name: &str| (name == "vault_address").then(|| "http://127.0.0.1:1".to_owned());
        let template = "{{ with secret \"database/creds/app\" }}{{ .Data.username }}{{ end }}";
        assert_eq!(fill(text, &value), format!("at http://127.0.0.1:1 {template} {{{{folder}}}}"));
    }

    #[test]
    fn a_misspelt_placeholder_is_told_from_a_template() {
        assert_eq!(misspelt("{{vault_adress}}"), Some(("vault_adress", "vault_address")));
        assert_eq!(misspelt("{{vault_address}} {{ end }} {{else}} {{ .Data }}"), None);
    }
}
