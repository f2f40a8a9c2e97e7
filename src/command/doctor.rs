//! `leaseproof doctor`: what this machine has, and how the rest would be got.

use std::fmt::Write as _;

use leaseproof_harness::provider::docker::engine::Engine;
use leaseproof_harness::provider::docker::image::Images;
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::{self, DeadRun};
use leaseproof_harness::provider::native::fetch::Fetcher;
use leaseproof_harness::provider::native::find::Places;
use leaseproof_harness::provider::native::part::Part;
use leaseproof_harness::provider::native::survey::{Remedy, Standing};
use leaseproof_harness::suite::Exit;

use crate::args::Doctor;
use crate::console;
use crate::exit::Failure;
use crate::files::counted;
use crate::out;

pub(super) async fn run(args: &Doctor) -> Result<Exit, Failure> {
    let cache = Cache::usual().map_err(Failure::environment)?;
    let standings = Fetcher::new(Places::here(cache.clone())).survey(&args.parts).await;
    let dead = estate::dead_runs().await.map_err(Failure::environment)?;
    let mut text = "parts\n".to_owned();
    for standing in &standings {
        text.push_str(&part(standing));
    }
    let _ = writeln!(text, "provider\n  native: servers are processes of this machine");
    let _ = writeln!(text, "  docker: {}", containers(&args.parts).await);
    let _ = writeln!(text, "folders\n  cache: {}", cache.root().display());
    let _ = writeln!(text, "  home: {}", estate::base().display());
    let _ = writeln!(text, "leftovers\n  {}", leftovers(&dead));
    let missing = standings.iter().filter(|standing| !can_be_had(standing)).count();
    let _ = match missing {
        0 => writeln!(text, "ready: everything is here or is fetched by a run"),
        count => writeln!(text, "not ready: {} cannot be got as things are", counted(count, "part")),
    };
    out::text(&text)?;
    Ok(if missing == 0 { Exit::Held } else { Exit::Environment })
}

fn can_be_had(standing: &Standing) -> bool {
    matches!(standing.remedy, None | Some(Remedy::Fetch(_)))
}

fn part(standing: &Standing) -> String {
    let wanted = &standing.wanted;
    let mut text = match (&standing.found, &standing.remedy) {
        (Some(found), _) => format!("  {wanted}: {}\n", console::here(found)),
        (None, Some(Remedy::Fetch(command))) => format!("  {wanted}: not here; a run fetches it: {command}\n"),
        (None, Some(Remedy::Hindered { command, missing })) => {
            format!(
                "  {wanted}: not here, and cannot be fetched yet: {missing}\n    then a run fetches it: {command}\n"
            )
        }
        (None, Some(Remedy::ByHand(advice))) => format!("  {wanted}: not here: {advice}\n"),
        (None, None) => format!("  {wanted}: not here\n"),
    };
    for over in &standing.passed_over {
        let _ = writeln!(text, "    passed over {}: {}", over.program.display(), over.why);
    }
    text
}

/// What containers would run on. Lacking it hinders nobody, since there are processes.
async fn containers(parts: &[Part]) -> String {
    let engine = match Engine::connect().await {
        Ok(engine) => engine,
        Err(no) => return no.to_string(),
    };
    let mut text = format!("engine {}", engine.version());
    let images = Images::default();
    for part in parts {
        let image = match engine.image_here(part, &images).await {
            Ok(Some(image)) => format!("image {image}"),
            Ok(None) => match images.of(part) {
                Ok(names) => format!("no image is here; a run asks for {}", names.join(", else for ")),
                Err(no) => no.to_string(),
            },
            Err(no) => no.to_string(),
        };
        let _ = write!(text, "\n    {part}: {image}");
    }
    text
}

fn leftovers(dead: &[DeadRun]) -> String {
    if dead.is_empty() {
        return "none".to_owned();
    }
    let processes: usize = dead.iter().map(|run| run.processes.len()).sum();
    let runs = counted(dead.len(), "killed run");
    format!("of {runs}, processes still alive: {processes}; `leaseproof clean` removes them, and so does the next run")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(remedy: Remedy) -> Standing {
        let wanted = "vault:1.21.0".parse().unwrap();
        Standing { wanted, found: None, passed_over: Vec::new(), remedy: Some(remedy) }
    }

    #[test]
    fn a_part_that_a_run_fetches_is_no_reason_to_refuse() {
        let fetched = standing(Remedy::Fetch("pip install x".to_owned()));
        assert!(can_be_had(&fetched) && part(&fetched).contains("a run fetches it: pip install x"));
    }

    #[test]
    fn a_part_that_somebody_has_to_install_is_told_with_what_to_do() {
        let missing = "install python3".to_owned();
        let hindered = standing(Remedy::Hindered { command: "pip install x".to_owned(), missing });
        assert!(!can_be_had(&hindered) && part(&hindered).contains("install python3"));
        let by_hand = standing(Remedy::ByHand("put a `vault` on PATH".to_owned()));
        assert!(!can_be_had(&by_hand) && part(&by_hand).contains("put a `vault` on PATH"));
    }
}
