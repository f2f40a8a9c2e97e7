//! The words of a scenario file that are more than text: durations with units, fractions, names, references.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A word that cannot be read. The text says what was expected and how to write it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WordError(String);

/// A length of time with its unit: `500ms`, `90s`, `1m30s`, `24h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Length(pub Duration);

impl Length {
    /// So many whole seconds.
    pub const fn secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }
}

/// Each unit and its milliseconds, longest first: the order in which they may follow one another.
const UNITS: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];
/// No server takes more than about this; it also keeps all sums far from overflow.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

impl FromStr for Length {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let wrong = |why: &str| WordError(format!("{why}: a duration is written like 500ms, 90s, 1m30s or 24h"));
        if text.is_empty() {
            return Err(wrong("an empty duration"));
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(WordError(format!(
                "`{text}` has no unit: write {text}s for seconds, or {text}ms, {text}m, {text}h"
            )));
        }
        let (mut rest, mut total, mut next_unit) = (text, 0_u64, 0_usize);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            if digits == 0 {
                return Err(wrong(&format!("`{text}` is not a duration")));
            }
            let count: u64 = rest[..digits].parse().map_err(|_| wrong(&format!("`{text}` is too long")))?;
            let tail = &rest[digits..];
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let unit = &tail[..letters];
            if unit.is_empty() {
                return Err(wrong(&format!("`{text}` is not a duration")));
            }
            let Some(place) = UNITS.iter().position(|(name, _)| *name == unit) else {
                return Err(wrong(&format!("`{unit}` in `{text}` is no unit of time (ms, s, m, h, d)")));
            };
            if place < next_unit {
                return Err(wrong(&format!("the units of `{text}` are out of order")));
            }
            next_unit = place + 1;
            total = count.checked_mul(UNITS[place].1).and_then(|ms| total.checked_add(ms)).unwrap_or(u64::MAX);
            rest = &tail[letters..];
        }
        let length = Duration::from_millis(total);
        if length > LONGEST {
            return Err(wrong(&format!("`{text}` is more than a hundred years")));
        }
        Ok(Self(length))
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, millis) in UNITS {
            if rest >= millis {
                write!(f, "{}{name}", rest / millis)?;
                rest %= millis;
            }
        }
        Ok(())
    }
}

/// A length of time that may lie in the past: the TTL of a lease whose revocation is overdue, as `-5s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignedLength {
    /// Milliseconds, negative when past.
    pub millis: i64,
}

impl SignedLength {
    /// In whole seconds, as Vault counts TTLs.
    pub const fn secs(seconds: i64) -> Self {
        Self { millis: seconds * 1_000 }
    }
}

impl FromStr for SignedLength {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let (sign, length) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let length: Length = length.parse()?;
        Ok(Self { millis: sign * i64::try_from(length.0.as_millis()).unwrap_or(i64::MAX) })
    }
}

impl fmt::Display for SignedLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.millis < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Length(Duration::from_millis(self.millis.unsigned_abs())))
    }
}

/// A part of a whole, above 0 and below 1: `2/3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Fraction {
    /// This part of a duration.
    pub fn of(self, whole: Duration) -> Duration {
        whole * self.numerator / self.denominator
    }
}

impl FromStr for Fraction {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let wrong = || WordError(format!("`{text}` is not a fraction above 0 and below 1: write it like 2/3"));
        let (above, below) = text.split_once('/').ok_or_else(wrong)?;
        let numerator = above.trim().parse().map_err(|_| wrong())?;
        let denominator = below.trim().parse().map_err(|_| wrong())?;
        if numerator == 0 || numerator >= denominator {
            return Err(wrong());
        }
        Ok(Self { numerator, denominator })
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.numerator, self.denominator)
    }
}

/// A name that the scenario gives to something: a letter, then letters, digits, `_` or `-`; at most 40 of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The text of the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let fits = text.len() <= 40
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(WordError(format!(
                "`{}` is not a name: a letter, then letters, digits, `_` or `-`, at most 40",
                text.chars().take(60).collect::<String>()
            )))
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role, static role or connection below its mount: `database/app`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ref {
    /// The engine's mount: `database`.
    pub mount: Name,
    /// What is meant there: `app`.
    pub name: Name,
}

impl FromStr for Ref {
    type Err = WordError;

    fn from_str(text: &str) -> Result<Self, WordError> {
        let (mount, name) = text
            .split_once('/')
            .ok_or_else(|| WordError(format!("`{text}` names no mount: write it as mount/name, like database/app")))?;
        Ok(Self { mount: mount.parse()?, name: name.parse()? })
    }
}

impl fmt::Display for Ref {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.mount, self.name)
    }
}

/// Reads a word from its text.
struct WordVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = WordError>> Visitor<'_> for WordVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Gives a word its place in serde and in the schema: it is read from and written as its text.
macro_rules! word {
    ($type:ident, $schema_name:literal, $pattern:literal, $description:literal, $examples:tt) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                // `deserialize_str`, not `_string`: the loader hands over any scalar so, and the word judges it.
                deserializer.deserialize_str(WordVisitor(PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $schema_name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "description": $description,
                    "examples": $examples
                })
            }
        }
    };
}

word!(
    Length,
    "Duration",
    r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$",
    "A length of time with its unit (ms, s, m, h, d).",
    ["500ms", "90s", "1m30s", "24h"]
);
word!(
    SignedLength,
    "SignedDuration",
    r"^-?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$",
    "A length of time with its unit; negative when it lies in the past.",
    ["0s", "-5s", "1m"]
);
word!(Fraction, "Fraction", r"^\d+\s*/\s*\d+$", "A part of a whole, above 0 and below 1.", ["2/3", "1/2"]);
word!(
    Name,
    "Name",
    "^[A-Za-z][A-Za-z0-9_-]{0,39}$",
    "A name: a letter, then letters, digits, `_` or `-`; at most 40.",
    ["cred", "web-1"]
);
word!(
    Ref,
    "Reference",
    "^[A-Za-z][A-Za-z0-9_-]{0,39}/[A-Za-z][A-Za-z0-9_-]{0,39}$",
    "A role, static role or connection below its mount.",
    ["database/app", "database/postgres"]
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_written_the_same() {
        for text in ["500ms", "90s", "1m30s", "24h", "7d", "1h1m1s1ms", "0s"] {
            let length: Length = text.parse().unwrap();
            assert_eq!(length.to_string().parse::<Length>().unwrap(), length, "{text}");
        }
        assert_eq!("90s".parse::<Length>().unwrap().to_string(), "1m30s");
    }

    #[test]
    fn a_duration_without_a_unit_says_how_to_write_it() {
        let error = "30".parse::<Length>().unwrap_err().to_string();
        assert!(error.contains("write 30s"), "{error}");
        for bad in ["", "s", "1x", "1s1m", "-5s", "99999999999999999999s", "1 s", "200000d"] {
            assert!(bad.parse::<Length>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fraction_lies_between_nothing_and_all() {
        assert_eq!("2/3".parse::<Fraction>().unwrap().of(Duration::from_secs(60)), Duration::from_secs(40));
        for bad in ["0/3", "3/3", "1/0", "0.5", "-1/2"] {
            assert!(bad.parse::<Fraction>().is_err(), "{bad}");
        }
    }
}
