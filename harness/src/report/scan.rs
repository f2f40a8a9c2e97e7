//! The search for secrets: the last thing a run does is to look for every secret it knew in every file it wrote.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use aho_corasick::AhoCorasick;

use super::record::SecretScan;
use crate::secret::KnownSecrets;

/// Searches every file under a run's folder, and the files' names, for every known secret: as it is, and as JSON, XML,
/// base64 and percent encoding would spell it. Links are not followed. What cannot be read is named in `unsearched`.
pub fn scan(folder: &Path, secrets: &KnownSecrets) -> SecretScan {
    let searchable = secrets.searchable();
    let spellings: BTreeSet<Vec<u8>> = searchable.iter().flat_map(|s| spellings(s.expose())).collect();
    let mut scan = SecretScan { known: secrets.count(), ..SecretScan::default() };
    let searcher = match AhoCorasick::new(&spellings) {
        Ok(searcher) => searcher,
        Err(error) => {
            scan.unsearched.push(format!("{}: {error}", folder.display()));
            return scan;
        }
    };
    let files = files_under(folder, &mut scan.unsearched);
    for path in files {
        let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
        scan.files += 1;
        // A name that itself holds a secret must not carry it on into the record.
        let telling = searcher.is_match(name.as_bytes());
        let name = if telling { format!("a file whose name holds a secret, in {}", folder.display()) } else { name };
        match holds(&searcher, &path) {
            Ok(found) if found || telling => scan.found_in.push(name),
            Ok(_) => {}
            Err(error) => scan.unsearched.push(format!("{name}: {error}")),
        }
    }
    scan
}

fn holds(searcher: &AhoCorasick, path: &Path) -> io::Result<bool> {
    // Reads in blocks, and finds what lies across two of them.
    match searcher.try_stream_find_iter(File::open(path)?) {
        Ok(mut found) => found.next().transpose().map(|first| first.is_some()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// All regular files under a folder, in the order of their names.
fn files_under(folder: &Path, unsearched: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let listing = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let entries = match listing {
            Ok(entries) => entries,
            Err(error) => {
                unsearched.push(format!("{}: {error}", folder.display()));
                continue;
            }
        };
        for entry in entries {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                Ok(_) => {}
                Err(error) => unsearched.push(format!("{}: {error}", entry.path().display())),
            }
        }
    }
    files.sort();
    files
}

/// The ways in which a secret can be spelt in a report or a log.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let mut spellings = vec![
        secret.as_bytes().to_vec(),
        // In a script of report.html these three are escaped once more.
        json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026").into_bytes(),
        json.into_bytes(),
        markup(secret, ["&quot;", "&apos;"]).into_bytes(),
        markup(secret, ["&#34;", "&#39;"])
            .replace("&amp;", "&#38;")
            .replace("&lt;", "&#60;")
            .replace("&gt;", "&#62;")
            .into_bytes(),
        percent(secret, |byte| format!("%{byte:02X}")).into_bytes(),
        percent(secret, |byte| format!("%{byte:02x}")).into_bytes(),
    ];
    for skipped in 0..3 {
        spellings.push(base64(secret.as_bytes(), skipped, *b"+/"));
        spellings.push(base64(secret.as_bytes(), skipped, *b"-_"));
    }
    spellings
}

fn markup(secret: &str, quotes: [&str; 2]) -> String {
    let text = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', quotes[0]).replace('\'', quotes[1])
}

fn percent(secret: &str, escape: fn(u8) -> String) -> String {
    let spell = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => escape(byte),
    };
    secret.bytes().map(spell).collect()
}

/// The base64 digits that depend on nothing but the secret, when `before` bytes (modulo 3) stand before it in what was
/// encoded. `user:password` in a header puts the password at any of the three.
fn base64(secret: &[u8], before: usize, last_two: [u8; 2]) -> Vec<u8> {
    let mut digits = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    digits[62..].copy_from_slice(&last_two);
    let bits: Vec<bool> = secret.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect();
    // Digits have 6 bits, so the first whole digit of the secret begins this many bits into it.
    let first = (6 - before * 8 % 6) % 6;
    let value = |six: &[bool]| six.iter().fold(0, |value, bit| value * 2 + usize::from(*bit));
    bits[first..].chunks_exact(6).map(|six| digits[value(six)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    const SECRET: &str = "pa\"ss<w/ö>rd&1+2'";

    fn scan_of(content: &[u8]) -> SecretScan {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        fs::write(folder.path().join("logs/vault.log"), content).unwrap();
        fs::write(folder.path().join("plan.txt"), "1 issue").unwrap();
        let secrets = KnownSecrets::default();
        secrets.learn(Secret::new(SECRET));
        scan(folder.path(), &secrets)
    }

    // The encoded forms were made by other programs (Python's base64, urllib, html and json), not by this one.
    #[rstest::rstest]
    #[case::as_it_is(SECRET)]
    #[case::json(r#"{"p":"pa\"ss<w/ö>rd&1+2'"}"#)]
    #[case::json_in_a_script(r#"{"p":"pa\"ss\u003cw/ö\u003erd\u00261+2'"}"#)]
    #[case::xml("<p>pa&quot;ss&lt;w/ö&gt;rd&amp;1+2&apos;</p>")]
    #[case::html("<p>pa&#34;ss&#60;w/ö&#62;rd&#38;1+2&#39;</p>")]
    #[case::percent("p=pa%22ss%3Cw%2F%C3%B6%3Erd%261%2B2%27")]
    #[case::percent_small("p=pa%22ss%3cw%2f%c3%b6%3erd%261%2b2%27")]
    #[case::base64("cGEic3M8dy/Dtj5yZCYxKzIn")]
    #[case::base64_after_one_byte("OnBhInNzPHcvw7Y+cmQmMSsyJw==")]
    #[case::base64_after_two_bytes("YTpwYSJzczx3L8O2PnJkJjErMic=")]
    #[case::base64_for_addresses("OnBhInNzPHcvw7Y-cmQmMSsyJw")]
    fn a_secret_is_found_however_it_is_spelt(#[case] content: &str) {
        let scan = scan_of(format!("before {content} after").as_bytes());
        assert_eq!(scan.found_in, ["logs/vault.log"]);
        assert!(!scan.is_clean());
    }

    #[test]
    fn a_clean_folder_is_clean_and_says_how_much_was_searched() {
        let scan = scan_of(b"nothing of it: pa, ss, rd");
        assert_eq!((scan.known, scan.files, scan.is_clean()), (1, 2, true));
    }

    #[test]
    fn a_secret_across_two_blocks_of_a_large_file_is_found() {
        for before in [4_090, 8_190, 65_530, 131_070] {
            let content = [vec![b'x'; before], SECRET.as_bytes().to_vec(), vec![b'y'; 200_000]].concat();
            assert_eq!(scan_of(&content).found_in, ["logs/vault.log"], "{before} bytes before it");
        }
    }

    #[test]
    fn a_secret_in_a_files_name_is_found_and_not_repeated() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("hvs.abcdefghij.txt"), "").unwrap();
        let secrets = KnownSecrets::default();
        secrets.learn(Secret::new("hvs.abcdefghij"));
        let found_in = scan(folder.path(), &secrets).found_in;
        assert!(found_in.len() == 1 && !found_in[0].contains("abcdefghij"), "{found_in:?}");
    }

    #[test]
    fn a_folder_that_cannot_be_read_is_not_clean() {
        let folder = tempfile::tempdir().unwrap();
        let scan = scan(&folder.path().join("gone"), &KnownSecrets::default());
        assert_eq!((scan.files, scan.unsearched.len()), (0, 1));
        assert!(!scan.is_clean());
    }
}
