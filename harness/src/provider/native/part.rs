//! Parts: the servers' programs that a run wants, as people name them (`openbao:2.7.2`, `vault`, `postgres:16`, `moto`).

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::scenario::Dbms;

/// The OpenBao that is used when none is named.
const OPENBAO_DEFAULT: &str = "2.7.2";
/// The Toxiproxy that is used when none is named: the one that the conformance test holds the in-process proxy against.
const TOXIPROXY_DEFAULT: &str = "2.12.0";
/// The names that parts begin with.
const NAMES: [&str; 9] =
    ["openbao", "vault", "postgres", "mysql", "mariadb", "toxiproxy", "moto", "localstack", "aws-plugin"];
/// What people write instead.
const OTHER_NAMES: [(&str, &str); 4] =
    [("bao", "openbao"), ("postgresql", "postgres"), ("pg", "postgres"), ("hashicorp", "vault")];

/// A program that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// OpenBao of exactly this version.
    OpenBao(Version),
    /// HashiCorp's Vault: `vault` on PATH, of this version if one is named.
    Vault(Option<Version>),
    /// This very binary, Vault or OpenBao, of whatever version.
    VaultBinary(PathBuf),
    /// PostgreSQL of this major version, or any from [`Part::OLDEST_POSTGRES`] on.
    Postgres(Option<u32>),
    /// MySQL of this version, or when none is named any MySQL or MariaDB from [`Part::OLDEST_MYSQL`] and
    /// [`Part::OLDEST_MARIADB`] on.
    Mysql(Option<Version>),
    /// MariaDB, of this version if one is named.
    MariaDb(Option<Version>),
    /// Toxiproxy's server of exactly this version.
    Toxiproxy(Version),
    /// Moto's server, of the version that leaseproof pins.
    Moto,
    /// LocalStack's community edition, of the version that leaseproof pins for the machine's Python.
    Localstack,
    /// The AWS secrets engine as a plugin, of the version that leaseproof pins.
    AwsPlugin,
}

/// What a program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    /// OpenBao.
    OpenBao,
    /// HashiCorp's Vault.
    Vault,
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    Mysql,
    /// MariaDB, which answers to MySQL's names.
    MariaDb,
    /// Toxiproxy's server.
    Toxiproxy,
    /// Moto.
    Moto,
    /// LocalStack.
    Localstack,
    /// The AWS secrets engine as a plugin.
    AwsPlugin,
}

/// A version as its program says it, compared by its leading numbers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version {
    text: String,
    numbers: Vec<u32>,
}

/// Why a text names no part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PartError {
    /// The name is not known.
    #[error("no part is called `{name}`{} There are openbao:VERSION, vault[:VERSION], /path/to/vault, postgres[:MAJOR], mysql[:VERSION], mariadb[:VERSION], toxiproxy[:VERSION], moto, localstack and aws-plugin", did_you_mean(meant.as_deref()))]
    Unknown {
        /// What was written before the colon.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
    /// The version is not one.
    #[error("`{version}` is no version of {name}; write {example}")]
    Version {
        /// The part.
        name: &'static str,
        /// What was written after the colon.
        version: String,
        /// What could be written.
        example: &'static str,
    },
}

fn did_you_mean(meant: Option<&str>) -> String {
    meant.map_or_else(|| ".".to_owned(), |meant| format!(", did you mean `{meant}`?"))
}

impl Part {
    /// The oldest PostgreSQL that counts when none is named.
    pub const OLDEST_POSTGRES: u32 = 14;
    /// The oldest MySQL that counts when none is named.
    pub const OLDEST_MYSQL: u32 = 8;
    /// The oldest MariaDB that counts when none is named.
    pub const OLDEST_MARIADB: u32 = 10;

    /// What the part's program must be, where the part says so.
    pub fn product(&self) -> Option<Product> {
        match self {
            Self::OpenBao(_) => Some(Product::OpenBao),
            Self::Vault(_) => Some(Product::Vault),
            Self::VaultBinary(_) => None,
            Self::Postgres(_) => Some(Product::Postgres),
            Self::Mysql(_) => Some(Product::Mysql),
            Self::MariaDb(_) => Some(Product::MariaDb),
            Self::Toxiproxy(_) => Some(Product::Toxiproxy),
            Self::Moto => Some(Product::Moto),
            Self::Localstack => Some(Product::Localstack),
            Self::AwsPlugin => Some(Product::AwsPlugin),
        }
    }

    /// Whether it is a server that the database engine makes users on, and which.
    pub fn dbms(&self) -> Option<Dbms> {
        match self {
            Self::Postgres(_) => Some(Dbms::Postgres),
            Self::Mysql(_) | Self::MariaDb(_) => Some(Dbms::Mysql),
            Self::OpenBao(_)
            | Self::Vault(_)
            | Self::VaultBinary(_)
            | Self::Toxiproxy(_)
            | Self::Moto
            | Self::Localstack
            | Self::AwsPlugin => None,
        }
    }

    /// The Toxiproxy that is used when none is named.
    pub fn toxiproxy() -> Self {
        let numbers = TOXIPROXY_DEFAULT.split('.').filter_map(|number| number.parse().ok()).collect();
        Self::Toxiproxy(Version { text: TOXIPROXY_DEFAULT.to_owned(), numbers })
    }

    /// Whether a program that says this of itself is the part.
    pub fn accepts(&self, product: Product, version: &Version) -> bool {
        match self {
            Self::OpenBao(wanted) => product == Product::OpenBao && version.is(wanted),
            Self::Vault(wanted) => product == Product::Vault && wanted.as_ref().is_none_or(|wanted| version.is(wanted)),
            Self::VaultBinary(_) => matches!(product, Product::OpenBao | Product::Vault),
            Self::Postgres(Some(major)) => product == Product::Postgres && version.major() == *major,
            Self::Postgres(None) => product == Product::Postgres && version.major() >= Self::OLDEST_POSTGRES,
            Self::Mysql(Some(wanted)) => product == Product::Mysql && version.is(wanted),
            Self::Mysql(None) => match product {
                Product::Mysql => version.major() >= Self::OLDEST_MYSQL,
                Product::MariaDb => version.major() >= Self::OLDEST_MARIADB,
                _ => false,
            },
            Self::MariaDb(Some(wanted)) => product == Product::MariaDb && version.is(wanted),
            Self::MariaDb(None) => product == Product::MariaDb && version.major() >= Self::OLDEST_MARIADB,
            Self::Toxiproxy(wanted) => product == Product::Toxiproxy && version.is(wanted),
            Self::Moto | Self::Localstack | Self::AwsPlugin => self.product() == Some(product),
        }
    }
}

impl FromStr for Part {
    type Err = PartError;

    fn from_str(text: &str) -> Result<Self, PartError> {
        if text.contains('/') {
            return Ok(Self::VaultBinary(text.into()));
        }
        let (name, version) = match text.split_once(':') {
            Some((name, version)) => (name, Some(version)),
            None => (text, None),
        };
        match name {
            "openbao" => openbao(version.unwrap_or(OPENBAO_DEFAULT)),
            "vault" => {
                Ok(Self::Vault(version.map(|text| leading("vault", "numbers, as in vault:1.21.0", text)).transpose()?))
            }
            "mysql" => {
                Ok(Self::Mysql(version.map(|text| leading("mysql", "numbers, as in mysql:8.4", text)).transpose()?))
            }
            "mariadb" => {
                let read = |text| leading("mariadb", "numbers, as in mariadb:10.11", text);
                Ok(Self::MariaDb(version.map(read).transpose()?))
            }
            "postgres" => Ok(Self::Postgres(version.map(major).transpose()?)),
            "toxiproxy" => version.map_or_else(|| Ok(Self::toxiproxy()), toxiproxy),
            "moto" => pinned(Self::Moto, "moto", version),
            "localstack" => pinned(Self::Localstack, "localstack", version),
            "aws-plugin" => pinned(Self::AwsPlugin, "aws-plugin", version),
            _ => Err(PartError::Unknown { name: name.into(), meant: meant(name, version) }),
        }
    }
}

/// A part of which leaseproof knows one version alone.
fn pinned(part: Part, name: &'static str, version: Option<&str>) -> Result<Part, PartError> {
    match version {
        None => Ok(part),
        Some(version) => Err(PartError::Version {
            name,
            version: version.into(),
            example: "the name alone: leaseproof pins the version that its scenarios were run on",
        }),
    }
}

fn openbao(text: &str) -> Result<Part, PartError> {
    exact("openbao", text, "all three numbers, as in openbao:2.7.2").map(Part::OpenBao)
}

fn toxiproxy(text: &str) -> Result<Part, PartError> {
    exact("toxiproxy", text, "all three numbers, as in toxiproxy:2.12.0").map(Part::Toxiproxy)
}

/// Two runs with the same name must use the same program, so "the newest 2.7" is no name.
fn exact(name: &'static str, text: &str, example: &'static str) -> Result<Version, PartError> {
    let whole = Version::parse(text).filter(|version| version.numbers.len() == 3);
    whole.ok_or_else(|| PartError::Version { name, version: text.into(), example })
}

/// A version that may leave out its last numbers.
fn leading(name: &'static str, example: &'static str, text: &str) -> Result<Version, PartError> {
    Version::parse(text).ok_or_else(|| PartError::Version { name, version: text.into(), example })
}

fn major(text: &str) -> Result<u32, PartError> {
    let wrong = |_| PartError::Version {
        name: "postgres",
        version: text.into(),
        example: "the major version alone, as in postgres:16",
    };
    text.parse().map_err(wrong)
}

fn meant(name: &str, version: Option<&str>) -> Option<String> {
    let name = name.to_lowercase();
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, known)| *known);
    let near = || {
        NAMES
            .into_iter()
            .map(|known| (strsim::damerau_levenshtein(known, &name), known))
            .filter(|(distance, _)| *distance <= 3)
            .min()
            .map(|(_, known)| known)
    };
    let known = other.or_else(near)?;
    Some(version.map_or_else(|| known.to_owned(), |version| format!("{known}:{version}")))
}

impl Version {
    /// Reads `2.7.2`, `v1.21.0+ent`, `16.14` or `18beta1`; `None` when it does not begin with a number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().strip_prefix('v').unwrap_or(text.trim());
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let numbers = text[..end].trim_end_matches('.').split('.').map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { text: text.into(), numbers })
    }

    /// The first number.
    pub fn major(&self) -> u32 {
        self.numbers.first().copied().unwrap_or_default()
    }

    /// Its numbers, most significant first, for comparing.
    pub fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// Whether this is the wanted one, which may leave out numbers: 1.21.0 is a 1.21, and 1.2 is none.
    pub fn is(&self, wanted: &Self) -> bool {
        self.text == wanted.text || (wanted.plain() && self.numbers.starts_with(&wanted.numbers))
    }

    /// Whether it is numbers alone.
    fn plain(&self) -> bool {
        self.text.chars().all(|c| c.is_ascii_digit() || c == '.')
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OpenBao(version) => write!(f, "openbao:{version}"),
            Self::Vault(Some(version)) => write!(f, "vault:{version}"),
            Self::Vault(None) => f.write_str("vault"),
            Self::VaultBinary(path) => write!(f, "{}", path.display()),
            Self::Postgres(Some(major)) => write!(f, "postgres:{major}"),
            Self::Postgres(None) => f.write_str("postgres"),
            Self::Mysql(Some(version)) => write!(f, "mysql:{version}"),
            Self::Mysql(None) => f.write_str("mysql"),
            Self::MariaDb(Some(version)) => write!(f, "mariadb:{version}"),
            Self::MariaDb(None) => f.write_str("mariadb"),
            Self::Toxiproxy(version) => write!(f, "toxiproxy:{version}"),
            Self::Moto => f.write_str("moto"),
            Self::Localstack => f.write_str("localstack"),
            Self::AwsPlugin => f.write_str("aws-plugin"),
        }
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenBao => "OpenBao",
            Self::Vault => "Vault",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL",
            Self::MariaDb => "MariaDB",
            Self::Toxiproxy => "Toxiproxy",
            Self::Moto => "Moto",
            Self::Localstack => "LocalStack",
            Self::AwsPlugin => "AWS secrets engine",
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("openbao", "openbao:2.7.2")]
    #[case("openbao:v2.6.1", "openbao:2.6.1")]
    #[case("vault", "vault")]
    #[case("vault:1.21.0", "vault:1.21.0")]
    #[case("./bin/vault", "./bin/vault")]
    #[case("postgres", "postgres")]
    #[case("postgres:16", "postgres:16")]
    #[case("mysql", "mysql")]
    #[case("mysql:8.4", "mysql:8.4")]
    #[case("mariadb:10.11", "mariadb:10.11")]
    #[case("toxiproxy", "toxiproxy:2.12.0")]
    #[case("toxiproxy:2.11.0", "toxiproxy:2.11.0")]
    fn a_part_is_read_as_people_write_it(#[case] written: &str, #[case] shown: &str) {
        assert_eq!(written.parse::<Part>().unwrap().to_string(), shown);
    }

    #[rstest]
    #[case("openboa:2.7.2", "did you mean `openbao:2.7.2`?")]
    #[case("bao", "did you mean `openbao`?")]
    #[case("postgresql:15", "did you mean `postgres:15`?")]
    #[case("Vault", "did you mean `vault`?")]
    #[case("openbao:2.7", "all three numbers, as in openbao:2.7.2")]
    #[case("toxiproxy:2", "all three numbers, as in toxiproxy:2.12.0")]
    #[case("vault:latest", "as in vault:1.21.0")]
    #[case("postgres:16.2", "the major version alone")]
    #[case("mariabd:10.11", "did you mean `mariadb:10.11`?")]
    #[case("mysql:latest", "as in mysql:8.4")]
    fn a_text_that_names_no_part_is_answered_with_what_to_write(#[case] written: &str, #[case] help: &str) {
        let error = written.parse::<Part>().unwrap_err().to_string();
        assert!(error.contains(help), "{error}");
    }

    #[test]
    fn a_name_far_from_all_is_answered_with_what_there_is() {
        let error = "kubernetes".parse::<Part>().unwrap_err();
        assert_eq!(error, PartError::Unknown { name: "kubernetes".into(), meant: None });
    }

    #[rstest]
    #[case("vault:1.2", "1.21.0", false)]
    #[case("vault:1.21", "1.21.0", true)]
    #[case("vault:1.21.0", "1.21.0+ent", true)]
    #[case("vault:1.21.0+ent", "1.21.0", false)]
    fn a_version_is_compared_by_whole_numbers(#[case] part: &str, #[case] version: &str, #[case] accepted: bool) {
        let part: Part = part.parse().unwrap();
        assert_eq!(part.accepts(Product::Vault, &Version::parse(version).unwrap()), accepted);
    }

    #[test]
    fn mysql_without_a_version_is_mariadb_too_and_with_one_it_is_not() {
        let accepts = |part: &str, product, version| {
            part.parse::<Part>().unwrap().accepts(product, &Version::parse(version).unwrap())
        };
        assert!(accepts("mysql", Product::MariaDb, "10.11.19-MariaDB-0+deb12u1"));
        assert!(accepts("mysql", Product::Mysql, "9.7.4") && !accepts("mysql", Product::Mysql, "5.7.44"));
        assert!(!accepts("mysql:10.11", Product::MariaDb, "10.11.19-MariaDB"));
        assert!(!accepts("mariadb", Product::Mysql, "9.7.4"));
    }

    #[test]
    fn any_postgres_from_14_on_counts_when_none_is_named() {
        let accepts = |text| Part::Postgres(None).accepts(Product::Postgres, &Version::parse(text).unwrap());
        assert!(accepts("14.9") && accepts("18beta1") && !accepts("13.4"));
    }
}
