//! Images: which one a part runs in. The official one of a pinned version, else the one that `compose/images` builds from
//! packages, else whatever was named with `--image`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use futures_util::StreamExt as _;
use testcontainers::bollard::models::{ContainerCreateBody, HostConfig};
use testcontainers::bollard::query_parameters::{CreateContainerOptions, CreateImageOptions};

use super::engine::{Engine, EngineError, refused, status};
use crate::provider::native::fetch::Progress;
use crate::provider::native::find::{self, Found, How};
use crate::provider::native::part::{Part, Product, Version};

/// The Vault that is used when no version is named.
const VAULT_DEFAULT: &str = "1.21.0";
/// The PostgreSQL that is used when no version is named.
const POSTGRES_DEFAULT: u32 = 17;
/// The MySQL and the MariaDB that are used when no version is named.
const MYSQL_DEFAULT: &str = "9.7";
const MARIADB_DEFAULT: &str = "11.8";
/// The Moto, and the last LocalStack whose image asks for no account.
const MOTO: &str = "5.2.5";
const LOCALSTACK: &str = "4.14.0";
/// What the names of images that are built here begin with. None of them is ever pulled.
const OURS: &str = "leaseproof";
/// How long a registry may take to answer, or to go on, before it is called unreachable.
const PATIENCE: Duration = Duration::from_secs(20);

/// Images that were named for services, in place of the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Images(BTreeMap<String, String>);

/// One service's image: `openbao=registry.example/openbao:2.7.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The service: a part's name.
    pub service: String,
    /// The image.
    pub image: String,
}

/// The services that have images.
pub const SERVICES: [&str; 8] = ["openbao", "vault", "postgres", "mysql", "mariadb", "moto", "localstack", "toxiproxy"];

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("write SERVICE=IMAGE, as in openbao=openbao/openbao:2.7.2 (services: {})", SERVICES.join(", "));
        let (service, image) = text.split_once('=').ok_or_else(wrong)?;
        if image.is_empty() || !SERVICES.contains(&service) {
            return Err(wrong());
        }
        Ok(Self { service: service.to_owned(), image: image.to_owned() })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.service, self.image)
    }
}

impl FromIterator<Named> for Images {
    fn from_iter<I: IntoIterator<Item = Named>>(named: I) -> Self {
        Self(named.into_iter().map(|named| (named.service, named.image)).collect())
    }
}

impl Images {
    /// Those that were named.
    pub fn named(&self) -> impl Iterator<Item = Named> {
        self.0.iter().map(|(service, image)| Named { service: service.clone(), image: image.clone() })
    }

    /// The images that a part can run in, the first that is there counts.
    pub fn of(&self, part: &Part) -> Result<Vec<String>, ImageError> {
        let or = |version: &Option<Version>, usual: &str| {
            version.as_ref().map_or_else(|| usual.to_owned(), ToString::to_string)
        };
        let (official, version) = match part {
            Part::OpenBao(version) => ("openbao/openbao", version.to_string()),
            Part::Vault(version) => ("hashicorp/vault", or(version, VAULT_DEFAULT)),
            Part::Postgres(major) => ("postgres", major.unwrap_or(POSTGRES_DEFAULT).to_string()),
            Part::Mysql(version) => ("mysql", or(version, MYSQL_DEFAULT)),
            Part::MariaDb(version) => ("mariadb", or(version, MARIADB_DEFAULT)),
            Part::Moto => ("motoserver/moto", MOTO.to_owned()),
            Part::Localstack => ("localstack/localstack", LOCALSTACK.to_owned()),
            // Its makers publish theirs in a registry of their own: it is named, or built here.
            Part::Toxiproxy(version) => (OURS, version.to_string()),
            // The plugin is put into the container of who starts it.
            Part::VaultBinary(_) | Part::AwsPlugin => {
                return Err(ImageError::Program { part: part.clone() });
            }
        };
        let service = service(part);
        if let Some(named) = self.0.get(service) {
            return Ok(vec![named.clone()]);
        }
        let built = format!("{OURS}/{service}:{version}");
        Ok(if official == OURS { vec![built] } else { vec![format!("{official}:{version}"), built] })
    }
}

/// Why a part has no image.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// It is a program of this machine.
    #[error(
        "{part} is a program of this machine, which does not run in a container; use `--provider native`, or an image with `--image`"
    )]
    Program {
        /// The part.
        part: Part,
    },
    /// None is here, and none can be pulled.
    #[error(
        "there is no image of {part}: {} {} not here, and pulling failed: {why}; build it with `compose/images/build.sh {}`, name another with `--image`, or use `--provider native`",
        tried.join(" and "), if tried.len() == 1 { "is" } else { "are" }, service(part)
    )]
    Missing {
        /// The part.
        part: Part,
        /// The images looked for.
        tried: Vec<String>,
        /// Why the first could not be pulled.
        why: String,
    },
    /// It is something else.
    #[error("{image} cannot be used as {part}: {why}; name another with `--image`")]
    Wrong {
        /// The part.
        part: Part,
        /// The image.
        image: String,
        /// What it is.
        why: String,
    },
    /// The engine said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ImageError {
    /// Whether this machine just does not have it; else something is wrong.
    pub fn is_lack(&self) -> bool {
        matches!(self, Self::Program { .. } | Self::Missing { .. })
    }
}

fn service(part: &Part) -> &'static str {
    match part {
        Part::OpenBao(_) => "openbao",
        Part::Vault(_) | Part::VaultBinary(_) => "vault",
        Part::Postgres(_) => "postgres",
        Part::Toxiproxy(_) => "toxiproxy",
        Part::Mysql(_) => "mysql",
        Part::MariaDb(_) => "mariadb",
        Part::Moto => "moto",
        Part::Localstack => "localstack",
        Part::AwsPlugin => "aws-plugin",
    }
}

/// The server's program, by its name on the image's PATH.
fn program(product: Product) -> &'static str {
    match product {
        Product::OpenBao => "bao",
        Product::Vault => "vault",
        Product::Postgres => "postgres",
        Product::Toxiproxy => "/toxiproxy",
        Product::Mysql => "mysqld",
        Product::MariaDb => "mariadbd",
        Product::Moto => "moto_server",
        Product::Localstack => "python",
        Product::AwsPlugin => crate::provider::native::built::AWS_PLUGIN_FILE,
    }
}

impl Engine {
    /// The image of a part that is here, without pulling anything.
    pub async fn image_here(&self, part: &Part, images: &Images) -> Result<Option<String>, ImageError> {
        for image in images.of(part)? {
            match self.client().inspect_image(&image).await {
                Ok(_) => return Ok(Some(image)),
                Err(error) if status(&error) == Some(404) => {}
                Err(error) => return Err(refused(&format!("look at the image {image}"), &error).into()),
            }
        }
        Ok(None)
    }

    /// The image of a part, pulled if need be.
    pub async fn image(
        &self,
        part: &Part,
        images: &Images,
        on: &(dyn Fn(Progress) + Send + Sync),
    ) -> Result<String, ImageError> {
        if let Some(image) = self.image_here(part, images).await? {
            return Ok(image);
        }
        let tried = images.of(part)?;
        let Some(wanted) = tried.first().cloned() else {
            return Err(ImageError::Missing { part: part.clone(), tried, why: "none is known".to_owned() });
        };
        if wanted.starts_with(&format!("{OURS}/")) {
            let why = "such an image is built, and in no registry".to_owned();
            return Err(ImageError::Missing { part: part.clone(), tried, why });
        }
        on(Progress::Fetching { part: part.clone(), with: format!("docker pull {wanted}") });
        match self.pull(part, &wanted, on).await {
            Ok(()) => Ok(wanted),
            Err(why) => Err(ImageError::Missing { part: part.clone(), tried, why }),
        }
    }

    async fn pull(&self, part: &Part, image: &str, on: &(dyn Fn(Progress) + Send + Sync)) -> Result<(), String> {
        let options = CreateImageOptions { from_image: Some(image.to_owned()), ..CreateImageOptions::default() };
        let mut steps = self.client().create_image(Some(options), None, None);
        let mut last = String::new();
        loop {
            let step = tokio::time::timeout(PATIENCE, steps.next()).await;
            let step = step.map_err(|_| format!("nothing came for {} s", PATIENCE.as_secs()))?;
            let Some(step) = step else { return Ok(()) };
            let step = step.map_err(|error| refused("pull", &error)).map_err(|error| match error {
                EngineError::Refused { why, .. } => why,
                other => other.to_string(),
            })?;
            if let Some(error) = step.error_detail.and_then(|detail| detail.message) {
                return Err(error);
            }
            let line = step.status.unwrap_or_default();
            if line != last && !line.is_empty() {
                on(Progress::Output { part: part.clone(), line: line.clone() });
                last = line;
            }
        }
    }

    /// What an image is: it is asked for its version, as a program on this machine is.
    pub(super) async fn examine(
        &self,
        part: &Part,
        image: &str,
        labels: &[(String, String)],
    ) -> Result<Found, ImageError> {
        let wrong = |why: String| ImageError::Wrong { part: part.clone(), image: image.to_owned(), why };
        if let Part::Moto | Part::Localstack = part {
            return called(part, image).ok_or_else(|| wrong("its tag is not its version".to_owned()));
        }
        let product = part.product().ok_or_else(|| ImageError::Program { part: part.clone() })?;
        let said = self.say(image, program(product), labels).await.map_err(|error| match error.of_the_image() {
            Some(why) => wrong(why.to_owned()),
            None => error.into(),
        })?;
        let first = said.lines().next().unwrap_or_default();
        // A warning may stand before it: MariaDB warns of a network without a MAC address.
        let read = said.lines().find_map(find::read_version);
        let (product, version) = read.ok_or_else(|| wrong(format!("its version is not understood: {first:?}")))?;
        if !part.accepts(product, &version) {
            return Err(wrong(format!("it is {product} {version}")));
        }
        Ok(Found { part: part.clone(), product, version, program: program(product).into(), how: How::Image })
    }

    /// What a program of an image says when it is asked for its version.
    async fn say(&self, image: &str, program: &str, labels: &[(String, String)]) -> Result<String, EngineError> {
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            entrypoint: Some(vec![program.to_owned()]),
            cmd: Some(vec!["--version".to_owned()]),
            labels: Some(labels.iter().cloned().collect()),
            host_config: Some(HostConfig { network_mode: Some("none".to_owned()), ..HostConfig::default() }),
            ..ContainerCreateBody::default()
        };
        let what = format!("ask {image} for its version");
        let made = self.client().create_container(None::<CreateContainerOptions>, body).await;
        let name = made.map_err(|error| refused(&what, &error))?.id;
        let ran = match self.client().start_container(&name, None).await {
            Ok(()) => self.exit(&name).await.map(|_| ()),
            Err(error) => Err(refused(&what, &error)),
        };
        let said = self.log(&name).await;
        self.remove(&name).await?;
        ran.map(|()| String::from_utf8_lossy(&said).into_owned())
    }
}

/// What an image is by its tag: neither of the two says its version when it is asked.
fn called(part: &Part, image: &str) -> Option<Found> {
    let (_, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let version = Version::parse(tag)?;
    let product = part.product()?;
    Some(Found { part: part.clone(), product, version, program: program(product).into(), how: How::Image })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_runs_in_its_official_image_or_in_the_one_built_here() {
        let images = Images::default();
        let of = |part: &str| images.of(&part.parse().unwrap()).unwrap();
        assert_eq!(of("openbao:2.7.1"), ["openbao/openbao:2.7.1", "leaseproof/openbao:2.7.1"]);
        assert_eq!(of("vault"), ["hashicorp/vault:1.21.0", "leaseproof/vault:1.21.0"]);
        assert_eq!(of("postgres:16"), ["postgres:16", "leaseproof/postgres:16"]);
        assert_eq!(of("mysql"), ["mysql:9.7", "leaseproof/mysql:9.7"]);
        assert_eq!(of("mariadb:10.11"), ["mariadb:10.11", "leaseproof/mariadb:10.11"]);
        assert_eq!(of("localstack"), ["localstack/localstack:4.14.0", "leaseproof/localstack:4.14.0"]);
        assert_eq!(of("toxiproxy"), ["leaseproof/toxiproxy:2.12.0"]);
    }

    #[test]
    fn an_image_that_was_named_is_the_only_one() {
        let images: Images = ["postgres=mine/pg:1".parse().unwrap()].into_iter().collect();
        assert_eq!(images.of(&Part::Postgres(Some(16))).unwrap(), ["mine/pg:1"]);
    }

    #[rstest::rstest]
    #[case("motoserver/moto:5.2.5", Some("5.2.5"))]
    #[case("here.example:5000/moto", None)]
    #[case("moto:latest", None)]
    fn an_image_that_does_not_say_its_version_is_what_its_tag_says(#[case] image: &str, #[case] version: Option<&str>) {
        let found = called(&Part::Moto, image).map(|found| found.version.to_string());
        assert_eq!(found.as_deref(), version);
    }

    #[test]
    fn a_program_of_this_machine_has_no_image() {
        let error = Images::default().of(&Part::VaultBinary("/x/bao".into())).unwrap_err().to_string();
        assert!(error.contains("--provider native"), "{error}");
    }

    #[rstest::rstest]
    #[case("openboa=x")]
    #[case("openbao")]
    #[case("postgres=")]
    fn an_image_without_its_service_is_refused(#[case] text: &str) {
        assert!(text.parse::<Named>().unwrap_err().contains("SERVICE=IMAGE"));
    }
}
