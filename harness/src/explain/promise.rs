//! Promises: what is promised, where it is documented, what surprises, who judges it.

use std::sync::Arc;

use super::{Explanation, List};
use crate::coverage::Coverage;
use crate::guarantee::{Guarantee, catalogue};
use crate::scenario::Scenario;

pub(super) fn explanation(guarantee: &Guarantee, scenarios: &[Arc<Scenario>]) -> Explanation {
    let coverage = Coverage::of(scenarios);
    let covered = coverage.promises.iter().find(|promise| promise.guarantee.id == guarantee.id);
    let texts = |all: &[String]| all.iter().map(|text| (text.clone(), String::new())).collect();
    let mut lists = vec![List { heading: "Documented".to_owned(), entries: texts(&[guarantee.source.url()]) }];
    if let Some(promise) = covered {
        let products = [("OpenBao", promise.on("openbao")), ("Vault", promise.on("vault"))];
        let entries = products.map(|(product, holds)| (product.to_owned(), holds)).to_vec();
        lists.push(List { heading: "Holds for".to_owned(), entries });
    }
    lists.push(List { heading: "What surprises".to_owned(), entries: texts(&guarantee.surprises) });
    let deviations = guarantee.deviations.iter();
    let how = |sometimes| if sometimes { ", sometimes" } else { "" };
    let entries = deviations
        .map(|it| (format!("{} {}{}", it.product, it.versions, how(it.sometimes)), it.really.clone()))
        .collect();
    lists.push(List { heading: "Where servers do something else".to_owned(), entries });
    let judging = covered.map(|promise| promise.scenarios.as_slice()).unwrap_or_default();
    let mut entries: Vec<(String, String)> = judging
        .iter()
        .map(|one| {
            let faults: Vec<&str> = one.faults.iter().map(String::as_str).collect();
            let under = if faults.is_empty() { String::new() } else { format!("under {}", faults.join(", ")) };
            (one.file.clone(), under)
        })
        .collect();
    if let (true, Some(why)) = (entries.is_empty(), &guarantee.untested) {
        entries.push((format!("not testable: {why}"), String::new()));
    }
    lists.push(List { heading: "Judged by".to_owned(), entries });
    lists.retain(|list| !list.entries.is_empty());
    let title = format!("{} ({})", guarantee.id, guarantee.section);
    Explanation { title, about: vec![guarantee.promise.clone()], lists, example: None }
}

/// All promises whose IDs begin so, if any do.
pub(super) fn section(prefix: &str) -> Option<Explanation> {
    let of = || catalogue().iter().filter(|guarantee| start(&guarantee.id) == prefix);
    let first = of().next()?;
    let entries = of().map(|guarantee| (guarantee.id.clone(), guarantee.promise.clone())).collect();
    Some(Explanation {
        title: format!("{prefix} ({})", first.section),
        about: Vec::new(),
        lists: vec![List { heading: "Promises".to_owned(), entries }],
        example: None,
    })
}

/// The beginnings of IDs, in the order of the catalogue, each with what it is about.
pub(super) fn sections() -> Vec<(String, String)> {
    let mut sections: Vec<(String, String, usize)> = Vec::new();
    for guarantee in catalogue().iter() {
        match sections.iter_mut().find(|(known, ..)| known == start(&guarantee.id)) {
            Some((.., count)) => *count += 1,
            None => sections.push((start(&guarantee.id).to_owned(), guarantee.section.clone(), 1)),
        }
    }
    sections.into_iter().map(|(start, name, count)| (start, format!("{name} ({count})"))).collect()
}

fn start(id: &str) -> &str {
    id.rsplit_once('-').map_or(id, |(start, _)| start)
}
