//! The catalogue of documented promises: what a verdict cites, in `guarantees.yaml` beside this crate's sources.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::scenario::{self, Diagnostic, Style};

/// The catalogue's text, part of the program.
const TEXT: &str = include_str!("../guarantees.yaml");

/// One documented promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Guarantee {
    /// Its name in scenario files and reports: `LEASE-03`.
    pub id: String,
    /// What it is about: `Leases`.
    pub section: String,
    /// Given, when, then: one or two sentences.
    pub promise: String,
    /// Where it is documented.
    pub source: Source,
    /// The versions of each product for which it holds.
    pub products: Products,
    /// The products for which it does not hold, each with the reason.
    pub not_on: Vec<NotOn>,
    /// What a reader of the documentation would not expect.
    pub surprises: Vec<String>,
    /// What products really do where they do not do what is documented.
    pub deviations: Vec<Deviation>,
    /// Why no scenario can judge it, if none can.
    pub untested: Option<String>,
}

impl Guarantee {
    /// What this product and version really does, if it is known not to do what is documented: `OpenBao 2.7.2`.
    pub fn deviation_on(&self, server: &str) -> Option<&Deviation> {
        let (product, version) = server.rsplit_once(' ')?;
        let is = |deviation: &&Deviation| {
            deviation.product.eq_ignore_ascii_case(product)
                && deviation.versions.split_whitespace().all(|range| holds(range, version))
        };
        self.deviations.iter().find(is)
    }

    /// Why it does not hold on this product (`vault` or `openbao`), where it does not.
    pub fn not_on(&self, product: &str) -> Option<&NotOn> {
        self.not_on.iter().find(|not| not.product == product)
    }
}

/// Whether a version lies in a range such as `>=2.0` or `<2.8`.
fn holds(range: &str, version: &str) -> bool {
    let numbers = |text: &str| -> Vec<u32> {
        let plain = text.split(['-', '+']).next().unwrap_or_default();
        plain.split('.').map(|part| part.parse().unwrap_or_default()).collect()
    };
    match (range.strip_prefix(">="), range.strip_prefix('<')) {
        (Some(least), _) => numbers(version) >= numbers(least),
        (None, Some(below)) => numbers(version) < numbers(below),
        (None, None) => false,
    }
}

/// Where a product does not do what is documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    /// `vault` or `openbao`.
    pub product: String,
    /// The versions that deviate: `>=2.0`, or `>=2.0 <2.8`.
    pub versions: String,
    /// What they really do.
    pub really: String,
    /// Whether they keep the promise at other times: then neither of the two is a change.
    #[serde(default)]
    pub sometimes: bool,
}

/// Where a promise is documented.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The page, without `https://`.
    pub page: String,
}

impl Source {
    /// The page as a link.
    pub fn url(&self) -> String {
        format!("https://{}", self.page)
    }
}

/// The versions for which a promise holds, such as `>=1.15`; `None` for a product for which it does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Products {
    /// HashiCorp Vault.
    #[serde(default)]
    pub vault: Option<String>,
    /// OpenBao.
    #[serde(default)]
    pub openbao: Option<String>,
}

impl Default for Products {
    fn default() -> Self {
        Self { vault: Some(">=1.15".to_owned()), openbao: Some(">=2.0".to_owned()) }
    }
}

/// A product for which a promise does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotOn {
    /// `vault` or `openbao`.
    pub product: String,
    /// Why not.
    pub because: String,
}

/// Every documented promise that leaseproof knows.
#[derive(Debug)]
pub struct Catalogue {
    all: Vec<Guarantee>,
}

impl Catalogue {
    /// The promise of that ID.
    pub fn get(&self, id: &str) -> Option<&Guarantee> {
        self.all.iter().find(|guarantee| guarantee.id == id)
    }

    /// All promises, by section and number.
    pub fn iter(&self) -> impl Iterator<Item = &Guarantee> {
        self.all.iter()
    }

    /// The ID that was probably meant by one that is not known.
    pub fn closest(&self, id: &str) -> Option<&str> {
        let upper = id.trim().to_uppercase().replace('_', "-");
        if let Some(same) = self.get(&upper) {
            return Some(&same.id);
        }
        scenario::did_you_mean(&upper, self.all.iter().map(|guarantee| guarantee.id.as_str()))
    }

    /// Reads a catalogue's text.
    fn read(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let (file, found) = scenario::decode_text::<File>(text);
        let file = file.filter(|_| found.is_empty()).ok_or(found)?;
        let all = file.sections.into_iter().flat_map(|section| {
            let Section { name, guarantees, .. } = section;
            guarantees.into_iter().map(move |entry| entry.of(&name))
        });
        Ok(Self { all: all.collect() })
    }
}

/// The catalogue that is part of this program.
#[expect(clippy::missing_panics_doc, reason = "it cannot panic: a test reads the same text")]
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let read = Catalogue::read(TEXT).map_err(|found| {
            let path = std::path::Path::new("guarantees.yaml");
            found.iter().map(|d| d.render(path, TEXT, Style::Plain)).collect::<Vec<_>>().join("\n\n")
        });
        #[expect(clippy::expect_used, reason = "the text is part of the program, and a test reads it")]
        read.expect("guarantees.yaml can be read")
    })
}

// ------------------------------------------------------------------------------------------- the shape of the file

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    sections: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    name: String,
    /// What the IDs of this section begin with; a test holds them to it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for readers, and for the test that holds IDs to it"))]
    prefix: String,
    guarantees: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    promise: String,
    source: Source,
    #[serde(default)]
    products: Products,
    #[serde(default)]
    not_on: scenario::mark::Named<String>,
    #[serde(default)]
    surprises: Vec<String>,
    #[serde(default)]
    deviations: Vec<Deviation>,
    #[serde(default)]
    untested: Option<String>,
}

impl Entry {
    fn of(self, section: &str) -> Guarantee {
        Guarantee {
            id: self.id,
            section: section.to_owned(),
            promise: self.promise,
            source: self.source,
            products: self.products,
            not_on: (self.not_on.0.into_iter())
                .map(|(product, because)| NotOn { product: product.value.to_string(), because })
                .collect(),
            surprises: self.surprises,
            deviations: self.deviations,
            untested: self.untested,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_can_be_read_and_its_ids_are_ordered_and_given_once() {
        let (file, found) = scenario::decode_text::<File>(TEXT);
        assert!(found.is_empty(), "{found:#?}");
        for section in file.unwrap().sections {
            let ids: Vec<&str> = section.guarantees.iter().map(|entry| entry.id.as_str()).collect();
            let expected: Vec<String> = (1..=ids.len()).map(|n| format!("{}-{n:02}", section.prefix)).collect();
            assert_eq!(ids, expected, "section {}", section.name);
        }
        let ids: std::collections::BTreeSet<&str> = catalogue().iter().map(|g| g.id.as_str()).collect();
        assert_eq!(ids.len(), catalogue().iter().count());
    }

    #[test]
    fn every_promise_names_its_page_and_each_product_by_version_or_by_reason() {
        for guarantee in catalogue().iter() {
            let Guarantee { id, promise, source, products, not_on, .. } = guarantee;
            assert!(promise.ends_with('.') && !promise.contains('\n'), "{id}: {promise}");
            // The maker's own source and threads, for what the AWS engine does and no page of its documentation says.
            let pages = ["developer.hashicorp.com/", "openbao.org/", "github.com/hashicorp/vault/"];
            assert!(pages.iter().any(|site| source.page.starts_with(site)), "{id}");
            for (product, versions) in [("vault", &products.vault), ("openbao", &products.openbao)] {
                let excused = not_on.iter().any(|not| not.product == product);
                assert_eq!(versions.is_none(), excused, "{id}: {product}");
                let least = versions.as_deref().map(|v| v.strip_prefix(">=").unwrap());
                assert!(
                    least.is_none_or(|v| v.split('.').all(|part| part.parse::<u32>().is_ok())),
                    "{id}: {versions:?}"
                );
            }
        }
    }

    #[test]
    fn a_promise_that_a_product_does_not_make_says_why() {
        let schedule = catalogue().get("DBSTATIC-12").unwrap();
        assert!(schedule.not_on("openbao").unwrap().because.contains("no rotation schedule"));
        assert!(schedule.not_on("vault").is_none());
    }

    #[test]
    fn a_deviation_is_that_of_the_product_and_of_the_version() {
        let sync = catalogue().get("LEASE-02").unwrap();
        assert_eq!(sync.deviation_on("OpenBao 2.7.2").unwrap().product, "openbao");
        assert_eq!(sync.deviation_on("Vault 1.21.0").unwrap().product, "vault");
        assert!(sync.deviation_on("Vault 1.14.9").is_none() && sync.deviation_on("PostgreSQL 15.1").is_none());
        assert!(holds("<2.8", "2.7.10") && !holds("<2.8", "2.8.0") && holds(">=1.15", "1.15.0-rc1"));
        for deviation in catalogue().iter().flat_map(|guarantee| &guarantee.deviations) {
            assert!(["vault", "openbao"].contains(&deviation.product.as_str()), "{deviation:?}");
            let is_range = |range: &str| range.starts_with(">=") || range.starts_with('<');
            assert!(deviation.versions.split_whitespace().all(is_range), "{deviation:?}");
        }
    }

    #[test]
    fn a_mistyped_id_finds_the_one_that_was_meant() {
        assert_eq!(catalogue().closest("lease-03"), Some("LEASE-03"));
        assert_eq!(catalogue().closest("LEASE_7"), Some("LEASE-07"));
        assert_eq!(catalogue().closest("BANANA"), None);
        assert!(catalogue().get("LEASE-99").is_none());
    }
}
