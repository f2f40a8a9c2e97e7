//! Marks: the labels by which a container, network or volume is known as one run's, and what is found by them when that run is dead.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use testcontainers::bollard::query_parameters::{
    ListContainersOptions, ListNetworksOptions, ListVolumesOptions, RemoveVolumeOptions,
};

use super::engine::{Engine, EngineError, labelled, refused, status};
use crate::provider::native::estate;

/// The machine on which the run was started: its engine may serve others.
const MACHINE: &str = "leaseproof.machine";
/// The folder in which the run has its folder.
const HOME: &str = "leaseproof.home";
/// The run's folder, whose lock says whether the run is alive.
const RUN: &str = "leaseproof.run";
/// The scenario, within the run.
const SCENARIO: &str = "leaseproof.scenario";

/// What a container, network or volume of a run is marked with.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    run: PathBuf,
}

impl Mark {
    /// Of the run that has this folder.
    pub(super) fn new(run: &Path) -> Self {
        Self { run: run.to_owned() }
    }

    /// The labels of what belongs to the run itself.
    pub(super) fn labels(&self) -> Vec<(String, String)> {
        let home = self.run.parent().unwrap_or(&self.run);
        vec![
            (MACHINE.to_owned(), machine()),
            (HOME.to_owned(), home.display().to_string()),
            (RUN.to_owned(), self.run.display().to_string()),
        ]
    }

    /// The labels of what belongs to one of its scenarios.
    pub(super) fn labels_of(&self, scenario: &str) -> Vec<(String, String)> {
        let mut labels = self.labels();
        labels.push((SCENARIO.to_owned(), scenario.to_owned()));
        labels
    }

    /// The run's part of names: containers of two runs must not have the same.
    pub(super) fn word(&self) -> String {
        let name = self.run.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.rsplit('-').next().unwrap_or(name).to_owned()
    }
}

/// This machine's name: what another machine's run started on a shared engine is not ours to judge.
fn machine() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A container, network or volume of a dead run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// What it is: `container`, `network`, `volume`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The run that owned it.
    pub run: PathBuf,
}

impl Engine {
    /// What is left of dead runs of this machine and this base folder; containers come first.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, EngineError> {
        let base = estate::base();
        let base = base.canonicalize().unwrap_or(base);
        let labels = [format!("{MACHINE}={}", machine()), format!("{HOME}={}", base.display())];
        let mut alive: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let mut left = self.marked(&labels).await?;
        left.retain(|left| !*alive.entry(left.run.clone()).or_insert_with(|| estate::is_alive(&left.run)));
        Ok(left)
    }

    /// Removes what dead runs left, and says what it was.
    pub async fn sweep(&self) -> Result<Vec<Leftover>, EngineError> {
        let left = self.leftovers().await?;
        self.clear(&left).await?;
        Ok(left)
    }

    /// Removes everything of a run, or of one of its scenarios.
    pub(super) async fn remove_all(&self, mark: &Mark, scenario: Option<&str>) -> Result<(), EngineError> {
        let labels = scenario.map_or_else(|| mark.labels(), |scenario| mark.labels_of(scenario));
        let labels: Vec<String> = labels.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let all = self.marked(&labels).await?;
        self.clear(&all).await
    }

    async fn clear(&self, all: &[Leftover]) -> Result<(), EngineError> {
        for left in all {
            match left.kind {
                "container" => self.remove(&left.name).await?,
                "volume" => self.remove_volume(&left.name).await?,
                _ => self.remove_network(&left.name).await?,
            }
        }
        Ok(())
    }

    /// Containers, networks and volumes with these labels.
    async fn marked(&self, labels: &[String]) -> Result<Vec<Leftover>, EngineError> {
        let options = ListContainersOptions { all: true, filters: Some(labelled(labels)), ..Default::default() };
        let containers = self.client().list_containers(Some(options)).await;
        let containers = containers.map_err(|error| refused("list containers", &error))?;
        let options = ListNetworksOptions { filters: Some(labelled(labels)) };
        let networks = self.client().list_networks(Some(options)).await;
        let networks = networks.map_err(|error| refused("list networks", &error))?;
        let options = ListVolumesOptions { filters: Some(labelled(labels)) };
        let volumes = self.client().list_volumes(Some(options)).await;
        let volumes = volumes.map_err(|error| refused("list volumes", &error))?.volumes.unwrap_or_default();
        let run = |labels: Option<std::collections::HashMap<String, String>>| {
            labels.and_then(|labels| labels.get(RUN).map(PathBuf::from))
        };
        let containers = containers.into_iter().filter_map(|seen| {
            let name = seen.names.and_then(|names| names.first().map(|name| name.trim_start_matches('/').to_owned()));
            Some(Leftover { kind: "container", name: name.or(seen.id)?, run: run(seen.labels)? })
        });
        let networks = networks
            .into_iter()
            .filter_map(|seen| Some(Leftover { kind: "network", name: seen.name?, run: run(seen.labels)? }));
        let volumes = volumes
            .into_iter()
            .filter_map(|seen| Some(Leftover { kind: "volume", name: seen.name, run: run(Some(seen.labels))? }));
        Ok(containers.chain(networks).chain(volumes).collect())
    }

    /// Removes a volume; one that is not there is no failure.
    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        match self.client().remove_volume(name, None::<RemoveVolumeOptions>).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            Err(error) => Err(refused(&format!("remove the volume {name}"), &error)),
        }
    }

    /// Removes a network; one that is not there is no failure.
    pub(super) async fn remove_network(&self, name: &str) -> Result<(), EngineError> {
        match self.client().remove_network(name).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            Err(error) => Err(refused(&format!("remove the network {name}"), &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_alive_as_long_as_its_lock_is_held() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!estate::is_alive(&folder.path().join("gone")), "a run without a folder is over");
        let lock = std::fs::File::create(folder.path().join(estate::RUN_LOCK)).unwrap();
        assert!(!estate::is_alive(folder.path()), "nobody holds its lock");
        lock.lock().unwrap();
        assert!(estate::is_alive(folder.path()));
    }

    #[test]
    fn what_a_run_makes_is_marked_with_the_run_and_the_scenario() {
        let mark = Mark::new(Path::new("/tmp/lp/run-abc"));
        let labels = mark.labels_of("000-x");
        assert!(labels.contains(&(RUN.to_owned(), "/tmp/lp/run-abc".to_owned())));
        assert!(labels.contains(&(HOME.to_owned(), "/tmp/lp".to_owned())));
        assert!(labels.contains(&(SCENARIO.to_owned(), "000-x".to_owned())));
        assert_eq!(mark.word(), "abc");
    }
}
