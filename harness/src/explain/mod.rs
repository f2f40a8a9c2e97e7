//! What a word means: a promise of the catalogue, or a word of scenario files. The texts are those of the catalogue and of
//! the doc comments from which the schema is made; examples are found in scenarios.

mod example;
mod family;
mod promise;

use std::sync::Arc;

use crate::guarantee::catalogue;
use crate::scenario::{Scenario, did_you_mean};

use family::{FAMILIES, Words};

/// What something means, for someone to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What is explained: `LEASE-03`, `fault cut`.
    pub title: String,
    /// What it means, a paragraph each.
    pub about: Vec<String>,
    /// What belongs to it.
    pub lists: Vec<List>,
    /// Where it is used, if it is.
    pub example: Option<Example>,
}

/// Several things under one heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// What they are.
    pub heading: String,
    /// Each of them; the words for it may be empty.
    pub entries: Vec<(String, String)>,
}

/// A piece of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The file, and the line at which it begins.
    pub place: String,
    /// Its lines.
    pub text: String,
}

/// A word that nothing is known of.
#[derive(Debug, thiserror::Error)]
#[error("nothing is known of `{asked}`: {}", hint(.meant.as_deref()))]
pub struct Unknown {
    /// What was asked for.
    pub asked: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

fn hint(meant: Option<&str>) -> String {
    meant.map_or_else(
        || "`leaseproof explain` lists what can be explained".to_owned(),
        |word| format!("did you mean `leaseproof explain {word}`?"),
    )
}

/// Explains a topic: nothing at all (then what there is), an ID, the beginning of IDs (`LEASE`), a family of words
/// (`fault`), a word of it (`fault cut`), or the word alone (`cut`), which may have several meanings.
pub fn explain(topic: &[String], scenarios: &[Arc<Scenario>]) -> Result<Vec<Explanation>, Unknown> {
    let words = Words::of_the_schema();
    let topic: Vec<String> = topic.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned).collect();
    match topic.as_slice() {
        [] => Ok(vec![overview(&words)]),
        [one] => alone(one, &words, scenarios),
        [family, word] => within(family, word, &words, scenarios),
        [first, ..] => Err(Unknown { asked: topic.join(" "), meant: nearest(first, &words) }),
    }
}

fn alone(one: &str, words: &Words, scenarios: &[Arc<Scenario>]) -> Result<Vec<Explanation>, Unknown> {
    let upper = one.to_uppercase().replace('_', "-");
    if let Some(guarantee) = catalogue().get(&upper) {
        return Ok(vec![promise::explanation(guarantee, scenarios)]);
    }
    let section = promise::section(&upper);
    // `TOKEN` is promises; `token` is a step and an expectation before that.
    if one == upper
        && let Some(section) = section
    {
        return Ok(vec![section]);
    }
    let family = FAMILIES.iter().find(|family| family.name == one);
    // The word that leads to a family says no more than the family.
    let meanings = words.meanings(one).into_iter().filter(|of| family.is_none_or(|to| !words.leads(of, one, to)));
    let meanings = meanings.map(|family| words.word(family, one, scenarios));
    let all: Vec<Explanation> =
        family.map(|family| words.family(family)).into_iter().chain(meanings).chain(section).collect();
    if all.is_empty() { Err(Unknown { asked: one.to_owned(), meant: nearest(one, words) }) } else { Ok(all) }
}

fn within(name: &str, word: &str, words: &Words, scenarios: &[Arc<Scenario>]) -> Result<Vec<Explanation>, Unknown> {
    let unknown = |meant| Unknown { asked: format!("{name} {word}"), meant };
    let Some(family) = FAMILIES.iter().find(|family| family.name == name) else {
        let meant = did_you_mean(name, FAMILIES.iter().map(|family| family.name)).map(|near| format!("{near} {word}"));
        return Err(unknown(meant));
    };
    if words.has(family, word) {
        return Ok(vec![words.word(family, word, scenarios)]);
    }
    // Nobody has to know that `login` stands under `expect` to be told what it is.
    let elsewhere = words.meanings(word);
    if elsewhere.is_empty() {
        let near = did_you_mean(word, words.keys(family)).map(|near| format!("{name} {near}"));
        return Err(unknown(near.or_else(|| nearest(word, words))));
    }
    let mut found: Vec<Explanation> = elsewhere.into_iter().map(|family| words.word(family, word, scenarios)).collect();
    for explanation in &mut found {
        explanation.about.insert(0, format!("There is no {name} `{word}`; this is `{}`.", explanation.title));
    }
    Ok(found)
}

/// What there is to explain.
fn overview(words: &Words) -> Explanation {
    let families = FAMILIES
        .iter()
        .map(|family| (family.name.to_owned(), format!("{} ({} words)", family.about, words.keys(family).count())));
    Explanation {
        title: "What can be explained".to_owned(),
        about: vec![
            "Name a promise (`LEASE-03`), the beginning of its name (`LEASE`), a family of words (`fault`), or a word \
             (`fault cut`, or `cut` alone)."
                .to_owned(),
        ],
        lists: vec![
            List { heading: "Words of scenario files".to_owned(), entries: families.collect() },
            List { heading: "Promises".to_owned(), entries: promise::sections() },
        ],
        example: None,
    }
}

/// What was probably meant by a word that is not known.
fn nearest(word: &str, words: &Words) -> Option<String> {
    let all: Vec<(&str, &str)> =
        FAMILIES.iter().flat_map(|family| words.keys(family).map(move |key| (family.name, key))).collect();
    let near = did_you_mean(word, all.iter().map(|(_, key)| *key));
    let family = did_you_mean(word, FAMILIES.iter().map(|family| family.name)).map(str::to_owned);
    let key = near.and_then(|near| all.iter().find(|(_, key)| *key == near));
    key.map(|(family, key)| format!("{family} {key}"))
        .or(family)
        .or_else(|| catalogue().closest(word).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario;

    fn shipped() -> Vec<Arc<Scenario>> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let entries = scenario::load_all(&scenario::find(&[folder], &[]).unwrap()).unwrap();
        entries.into_iter().filter_map(|e| e.loaded.scenario.map(Arc::new)).collect()
    }

    fn topic(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn titles(text: &str) -> Vec<String> {
        explain(&topic(text), &[]).unwrap().into_iter().map(|one| one.title).collect()
    }

    #[test]
    fn every_word_of_every_family_has_a_meaning() {
        let words = Words::of_the_schema();
        for family in FAMILIES {
            assert!(words.keys(family).count() > 0, "{} has no words: was its definition renamed?", family.name);
            for key in words.keys(family) {
                let explanation = words.word(family, key, &[]);
                assert!(explanation.about.iter().any(|text| text.len() > 3), "{} {key}", family.name);
            }
        }
    }

    #[test]
    fn every_step_fault_and_expectation_has_an_example_among_the_shipped_scenarios() {
        let (words, shipped) = (Words::of_the_schema(), shipped());
        let without: Vec<String> = FAMILIES
            .iter()
            .filter(|family| ["step", "fault", "expect", "always"].contains(&family.name))
            .flat_map(|family| words.keys(family).map(move |key| (family, key)))
            .filter(|(family, key)| words.word(family, key, &shipped).example.is_none())
            .map(|(family, key)| format!("{} {key}", family.name))
            .collect();
        assert_eq!(without, Vec::<String>::new());
    }

    #[test]
    fn an_example_holds_the_word_and_its_place_is_that_of_the_file() {
        let shipped = shipped();
        let cut = explain(&topic("fault cut"), &shipped).unwrap().remove(0);
        let example = cut.example.unwrap();
        assert!(example.text.starts_with("- fault: { cut:"), "{}", example.text);
        let (file, line) = example.place.rsplit_once(':').unwrap();
        let source = std::fs::read_to_string(file).unwrap();
        let first = source.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
        assert_eq!(first.trim(), example.text.lines().next().unwrap());
    }

    #[test]
    fn a_promise_says_what_is_promised_where_and_who_judges_it() {
        let found = explain(&topic("lease-03"), &shipped()).unwrap().remove(0);
        let all = format!("{found:?}");
        for part in ["LEASE-03", "developer.hashicorp.com", "back off", "expiry_in_an_outage.yaml"] {
            assert!(all.contains(part), "{part}: {all}");
        }
    }

    #[rstest::rstest]
    #[case("fault cut", &["fault cut"])]
    #[case("cut", &["fault cut"])]
    #[case("token", &["step token", "expect token"])]
    #[case("step login", &["expect login"])]
    #[case("expect", &["expect"])]
    fn a_word_is_found_with_its_family_without_it_and_under_a_wrong_one(#[case] asked: &str, #[case] found: &[&str]) {
        let titles = titles(asked);
        for title in found {
            assert!(titles.iter().any(|t| t == title), "{titles:?}");
        }
    }

    #[rstest::rstest]
    #[case("fault cutt", "fault cut")]
    #[case("falt cut", "fault cut")]
    #[case("exhaust_conections", "fault exhaust_connections")]
    #[case("LEAES-03", "LEASE-03")]
    fn what_is_misspelt_is_asked_back(#[case] asked: &str, #[case] meant: &str) {
        let error = explain(&topic(asked), &[]).unwrap_err();
        assert_eq!(error.meant.as_deref(), Some(meant));
        assert!(error.to_string().contains("did you mean"), "{error}");
    }

    #[test]
    fn what_is_like_nothing_leads_to_the_list() {
        let error = explain(&topic("xylophone"), &[]).unwrap_err().to_string();
        assert!(error.contains("`leaseproof explain` lists"), "{error}");
    }
}
