//! `--watch`: the same again whenever a file is saved.

use std::collections::BTreeSet;
use std::path::PathBuf;

use leaseproof_harness::scenario::{self, Entry};
use leaseproof_harness::suite::Exit;
use tokio_util::sync::CancellationToken;

use super::run::{Signals, once};
use super::validate;
use crate::args::{Run, Validate};
use crate::exit::{self, Failure};
use crate::out;
use crate::watch::{Watch, real};

const WAITING: &str = "\nwatching: save a scenario to go again, Ctrl-C ends";

/// Validates now and after each save, until somebody ends it.
pub(super) async fn validate(args: Validate) -> Result<Exit, Failure> {
    let mut watch = Watch::on(&args.paths)?;
    let mut signals = Signals::listen().map_err(Failure::environment)?;
    loop {
        watch.also(&fragments(&args.paths))?;
        let exit = settled(validate::once(&args))?;
        out::tell(&WAITING);
        tokio::select! {
            _ = watch.next() => {}
            () = signals.next() => return Ok(exit),
        }
    }
}

/// Runs now everything that was asked for, and then what was saved. A save during a run ends it.
pub(super) async fn run(args: Run) -> Result<Exit, Failure> {
    let mut watch = Watch::on(&args.paths)?;
    let mut signals = Signals::listen().map_err(Failure::environment)?;
    let mut next = args.clone();
    loop {
        watch.also(&fragments(&args.paths))?;
        let stop = CancellationToken::new();
        let mut saved = BTreeSet::new();
        let ended = {
            let running = once(next.clone(), stop.clone());
            tokio::pin!(running);
            loop {
                tokio::select! {
                    ended = &mut running => break ended,
                    more = watch.next(), if saved.is_empty() => {
                        saved = more;
                        out::tell(&"saved: this run is stopped, and begins anew");
                        stop.cancel();
                    }
                }
            }
        };
        let was_interrupted = stop.is_cancelled() && saved.is_empty();
        let exit = settled(ended)?;
        if was_interrupted {
            return Ok(Exit::Interrupted);
        }
        // What was saved decides what runs next. A file that is gone, or none of those that were asked for, does not.
        loop {
            let paths = asked(&args, &saved);
            if !paths.is_empty() {
                next = Run { paths, ..args.clone() };
                break;
            }
            out::tell(&WAITING);
            tokio::select! {
                more = watch.next() => saved = more,
                () = signals.next() => return Ok(exit),
            }
        }
    }
}

/// The files among those asked for that were saved, or use a fragment that was.
fn asked(args: &Run, saved: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let entries = entries(&args.paths, &args.filter).into_iter();
    let is_saved = |path: &PathBuf| saved.contains(&real(path));
    entries
        .filter(|entry| is_saved(&entry.path) || entry.loaded.fragments.iter().any(is_saved))
        .map(|entry| entry.path)
        .collect()
}

/// The fragments that the scenarios use.
fn fragments(paths: &[PathBuf]) -> Vec<PathBuf> {
    entries(paths, &[]).into_iter().flat_map(|entry| entry.loaded.fragments).collect()
}

/// The files that can be read just now. One that cannot be is told by whoever runs or validates it.
fn entries(paths: &[PathBuf], filters: &[String]) -> Vec<Entry> {
    let found = scenario::find(paths, filters).unwrap_or_default();
    found.iter().filter_map(|path| scenario::load_all(std::slice::from_ref(path)).ok()).flatten().collect()
}

/// A file that is wrong, or gone for the moment, is told and no reason to end the watch. Anything else is.
fn settled(ended: Result<Exit, Failure>) -> Result<Exit, Failure> {
    match ended {
        Err(Failure::Drawn(exit)) => Ok(exit),
        Err(Failure::Told(Exit::Usage, error)) => {
            exit::say(&error);
            Ok(Exit::Usage)
        }
        Err(Failure::Told(Exit::Interrupted, _)) => Ok(Exit::Interrupted),
        ended => ended,
    }
}
