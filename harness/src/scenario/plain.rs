//! What an unquoted scalar means.

/// The meanings by YAML's core rules.
pub(crate) enum Plain {
    Null,
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Float(f64),
    /// What different YAML readers take for different things: `yes`, `017`.
    Ambiguous,
    Text,
}

pub(crate) fn plain(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        _ => {}
    }
    if ["yes", "no", "on", "off", "y", "n"].iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Plain::Ambiguous;
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Text;
    }
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Plain::Ambiguous;
    }
    if let Ok(number) = text.parse() {
        return Plain::Unsigned(number);
    }
    if let Ok(number) = text.parse() {
        return Plain::Signed(number);
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && digits.bytes().any(|b| b.is_ascii_digit()) => Plain::Float(number),
        _ => Plain::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_which_readers_of_yaml_disagree_are_ambiguous() {
        for text in ["yes", "No", "ON", "off", "y", "017", "-01"] {
            assert!(matches!(plain(text), Plain::Ambiguous), "{text}");
        }
        for text in ["yesterday", "1m", "28P01", "-", "+", ".", "1.2.3", "v1", "nan", "inf", "0x10"] {
            assert!(matches!(plain(text), Plain::Text), "{text}");
        }
        assert!(matches!(plain("0"), Plain::Unsigned(0)));
        assert!(matches!(plain("-5"), Plain::Signed(-5)));
        assert!(matches!(plain("2.5"), Plain::Float(f) if f > 2.4));
        assert!(matches!(plain("~"), Plain::Null));
    }
}
