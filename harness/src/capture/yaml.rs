//! Values as YAML that a person reads and the loader takes: plain where that is plain, quoted where it is not.

use std::fmt::Write as _;

/// A text in one line.
pub(super) fn text(text: &str) -> String {
    let plain = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-./".contains(&b))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain {
        text.to_owned()
    } else if text.chars().any(char::is_control) {
        // JSON's quotes are YAML's too, and know every escape.
        serde_json::Value::from(text).to_string()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A text after a key: as a block when it has several lines and nothing that a block would change.
pub(super) fn block(value: &str, indent: usize) -> String {
    let trimmed = value.trim_end_matches('\n');
    let is_block = trimmed.contains('\n')
        && !trimmed.starts_with([' ', '\n', '\t'])
        && trimmed.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
    if !is_block {
        return text(value);
    }
    let mut block = String::from(if value.ends_with('\n') { "|" } else { "|-" });
    for line in trimmed.lines() {
        if line.is_empty() {
            block.push('\n');
        } else {
            let _ = write!(block, "\n{:indent$}{line}", "");
        }
    }
    block
}

/// What a comment says, whatever stands in it.
pub(super) fn comment(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("app", "app")]
    #[case("true", "'true'")]
    #[case("", "''")]
    #[case("8h", "'8h'")]
    #[case("it's", "'it''s'")]
    #[case("a\u{1}b", "\"a\\u0001b\"")]
    fn a_text_is_quoted_where_yaml_would_read_something_else(#[case] value: &str, #[case] yaml: &str) {
        assert_eq!(text(value), yaml);
    }

    #[test]
    fn several_lines_are_a_block_that_a_person_can_read() {
        assert_eq!(block("path \"a\" {\n}\n", 4), "|\n    path \"a\" {\n    }");
        assert_eq!(block("one", 4), "one");
        assert_eq!(block(" a\nb", 4), "\" a\\nb\"");
    }
}
