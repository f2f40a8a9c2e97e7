//! "Did you mean": the known word nearest to one that is not known.

/// The known word that was most probably meant, if any comes near.
pub fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    // Comparing is quadratic in the length; nothing that is known is longer than this.
    const LONGEST: usize = 80;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| (distance(&lower, &candidate.to_lowercase().replace('-', "_")), candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.len().max(word.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; one that is the beginning of the other counts as near however long the rest is.
fn distance(word: &str, candidate: &str) -> usize {
    let edits = strsim::damerau_levenshtein(word, candidate);
    let shorter = word.len().min(candidate.len());
    let begins = shorter >= 4 && (candidate.starts_with(word) || word.starts_with(candidate));
    if begins { edits.min(2) } else { edits }
}

/// Words in backquotes, separated by commas, broken into lines that a terminal can hold.
pub(crate) fn list_of<S: AsRef<str>>(words: &[S]) -> String {
    const WIDTH: usize = 90;
    let (mut text, mut column) = (String::new(), 0);
    for (index, word) in words.iter().enumerate() {
        let word = format!("`{}`", word.as_ref());
        if index > 0 {
            let newline = column + word.len() > WIDTH;
            text.push_str(if newline { ",\n" } else { ", " });
            column = if newline { 0 } else { column + 2 };
        }
        column += word.len();
        text.push_str(&word);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let known = ["issue", "renew", "revoke", "revocation_statements"];
        assert_eq!(did_you_mean("isue", known), Some("issue"));
        assert_eq!(did_you_mean("Revoke", known), Some("revoke"));
        assert_eq!(did_you_mean("revocation", known), Some("revocation_statements"));
        assert_eq!(did_you_mean("banana", known), None);
        assert_eq!(did_you_mean("", known), None);
    }
}
