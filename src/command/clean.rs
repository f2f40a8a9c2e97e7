//! `leaseproof clean`: removes what killed runs left, and the cache if asked to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use leaseproof_harness::provider::docker::engine::Engine;
use leaseproof_harness::provider::docker::mark::Leftover;
use leaseproof_harness::provider::native::cache::Cache;
use leaseproof_harness::provider::native::estate::{self, DeadRun};
use leaseproof_harness::suite::Exit;

use crate::args::Clean;
use crate::exit::Failure;
use crate::files::counted;
use crate::out;

/// What leaseproof makes in its cache folder. Nothing else is removed: the folder may have been somebody's home.
const CACHED: [&str; 2] = ["parts", "templates"];

pub(super) async fn run(args: &Clean) -> Result<Exit, Failure> {
    let cache = Cache::usual().map_err(Failure::environment)?;
    if args.dry_run {
        return show(args, &cache).await;
    }
    let sweep = estate::sweep().await.map_err(Failure::environment)?;
    for run in &sweep.removed {
        out::line(&format_args!("removed {}", described(run)))?;
    }
    let containers = contained(true).await?;
    for left in &containers {
        out::line(&format_args!("removed {} {}", left.kind, left.name))?;
    }
    if sweep.removed.is_empty() && sweep.failed.is_empty() && containers.is_empty() {
        out::line(&"no killed run has left anything")?;
    }
    if sweep.alive > 0 {
        out::line(&format_args!("left alone: {} still alive", counted(sweep.alive, "run")))?;
    }
    for (run, error) in &sweep.failed {
        out::tell(&format_args!("error: cannot remove {}: {error}", run.folder.display()));
    }
    if args.cache {
        if sweep.alive > 0 {
            let error =
                anyhow::anyhow!("the cache is in use by a run; wait for its end, then run `leaseproof clean --cache`");
            return Err(Failure::environment(error));
        }
        for folder in empty(cache.root())? {
            out::line(&format_args!("removed {}", folder.display()))?;
        }
    }
    if sweep.failed.is_empty() { Ok(Exit::Held) } else { Err(Failure::Drawn(Exit::Environment)) }
}

async fn show(args: &Clean, cache: &Cache) -> Result<Exit, Failure> {
    let dead = estate::dead_runs().await.map_err(Failure::environment)?;
    for run in &dead {
        out::line(&format_args!("would remove {}", described(run)))?;
    }
    let containers = contained(false).await?;
    for left in &containers {
        out::line(&format_args!("would remove {} {}", left.kind, left.name))?;
    }
    if dead.is_empty() && containers.is_empty() {
        out::line(&"no killed run has left anything")?;
    }
    for folder in CACHED.iter().map(|name| cache.root().join(name)).filter(|folder| args.cache && folder.exists()) {
        out::line(&format_args!("would remove {}", folder.display()))?;
    }
    Ok(Exit::Held)
}

/// What dead runs left in the Docker engine, removed if that is wanted. Without an engine there is nothing.
async fn contained(remove: bool) -> Result<Vec<Leftover>, Failure> {
    let Ok(engine) = Engine::connect().await else { return Ok(Vec::new()) };
    let left = if remove { engine.sweep().await } else { engine.leftovers().await };
    left.map_err(Failure::environment)
}

fn described(run: &DeadRun) -> String {
    let processes: Vec<String> = run
        .processes
        .iter()
        .map(|left| {
            let program =
                left.program.as_ref().map_or_else(|| "unknown program".to_owned(), |p| p.display().to_string());
            format!("process {} ({program})", left.pid)
        })
        .collect();
    let folder = run.folder.display().to_string();
    if processes.is_empty() { folder } else { format!("{folder} with {}", processes.join(", ")) }
}

/// Removes what leaseproof has put into its cache folder, and the folder if nothing else is in it. Gives what it removed.
fn empty(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut removed = Vec::new();
    for folder in CACHED.map(|name| root.join(name)) {
        match fs::remove_dir_all(&folder) {
            Ok(()) => removed.push(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let told = anyhow::Error::new(error).context(format!("cannot remove {}", folder.display()));
                return Err(Failure::environment(told));
            }
        }
    }
    // Somebody else's files in it are a reason to leave it, and none to fail.
    let _ = fs::remove_dir(root);
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emptying_the_cache_leaves_what_is_not_its_own() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["parts/openbao", "templates", "holiday"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        assert_eq!(empty(root.path()).unwrap().len(), 2);
        let left: Vec<_> = fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["holiday"]);
    }

    #[test]
    fn a_cache_that_holds_nothing_else_goes_away_and_one_that_is_not_there_is_no_failure() {
        let parent = tempfile::tempdir().unwrap();
        let root = parent.path().join("cache");
        fs::create_dir_all(root.join("parts")).unwrap();
        empty(&root).unwrap();
        assert!(!root.exists());
        assert!(empty(&root).unwrap().is_empty());
    }
}
