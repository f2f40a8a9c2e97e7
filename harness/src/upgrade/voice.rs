//! A server's own words, without the names, numbers and addresses that are others in every run.

/// A text in which everything that is made anew in each run is replaced by `…`.
pub(super) fn plain(text: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        let word = if is_made_anew(word) || is_product(word) { "…" } else { word };
        if word != "…" || words.last() != Some(&"…") {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Two products say the same of themselves under their own names.
fn is_product(word: &str) -> bool {
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    ["Vault", "OpenBao"].contains(&bare.strip_suffix("'s").unwrap_or(bare))
}

/// Names, addresses, durations and numbers have digits in them; a server's own words have not, but for a few.
fn is_made_anew(word: &str) -> bool {
    const OWN: [&str; 8] = ["x509", "base64", "sha256", "SHA256", "oauth2", "pkcs8", "http2", "ed25519"];
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let has_digit = bare.bytes().any(|b| b.is_ascii_digit());
    let is_code = bare.len() == 5 && bare.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
    has_digit && !is_code && !OWN.contains(&bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("permission denied", "permission denied")]
    #[case("dial tcp 127.0.0.1:20011: connect: connection refused", "dial tcp … connect: connection refused")]
    #[case("role \"v-root-app-x7Hq2\" does not exist (SQLSTATE 42704)", "role … does not exist (SQLSTATE 42704)")]
    #[case(
        "TTL of \"768h0m0s\" exceeded the effective max_ttl of \"20m0s\"",
        "TTL of … exceeded the effective max_ttl of …"
    )]
    fn what_is_made_anew_in_each_run_is_no_part_of_the_voice(#[case] text: &str, #[case] voice: &str) {
        assert_eq!(plain(text), voice);
    }

    #[test]
    fn two_products_that_say_the_same_of_themselves_have_one_voice() {
        let text = |name: &str| format!("it will be printed to {name}'s server logs");
        assert_eq!(plain(&text("Vault")), plain(&text("OpenBao")));
    }

    #[test]
    fn two_runs_of_one_error_have_one_voice() {
        let text =
            |id: &str, port: u16| format!("failed to revoke entry: lease {id}: dial tcp 127.0.0.1:{port}: refused");
        assert_eq!(plain(&text("database/creds/app/a1", 1)), plain(&text("database/creds/app/b2c3", 22)));
    }
}
