//! A server in a container: what it is made of, and what can be done to it. Stopped or killed it keeps its files, its
//! address and its log.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use testcontainers::bollard::models::{HostConfig, HostConfigLogConfig, PortBinding};
use testcontainers::core::Mount;
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, CopyTargetOptions, GenericImage, ImageExt as _};
use tokio::sync::Mutex;

use super::engine::{Engine, EngineError};
use crate::wait::Looks;

/// How long an engine may take to start a container; it is what a machine under load needs, and far more than usual.
const STARTS: Duration = Duration::from_secs(120);

/// How long a container may take to be frozen: what it takes to catch it between two of its own forks.
const FREEZES: Duration = Duration::from_secs(20);

/// What a container is made of.
#[derive(Debug, Clone)]
pub struct Blueprint {
    /// Its name, which its peers reach it by.
    pub name: String,
    /// The image: `openbao/openbao:2.7.2`.
    pub image: String,
    /// The network.
    pub network: String,
    /// What marks it as its run's.
    pub labels: Vec<(String, String)>,
    /// The program, by its name on the image's PATH; when there is none, what the image itself starts.
    pub program: Option<String>,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// As whom, when not as the image says.
    pub user: Option<String>,
    /// Its environment.
    pub environment: Vec<(String, String)>,
    /// Files that are put into it: path, text.
    pub files: Vec<(String, String)>,
    /// Programs of this machine that are put into it: path, program.
    pub programs: Vec<(String, PathBuf)>,
    /// What is on its disk when it is new, and gone with that disk.
    pub data: Option<Data>,
    /// Volumes: name, path.
    pub volumes: Vec<(String, String)>,
    /// Ports: on this machine's loopback, in the container.
    pub ports: Vec<(u16, u16)>,
}

/// Data that a server starts with.
#[derive(Debug, Clone)]
pub struct Data {
    /// Where, in the container.
    pub path: String,
    /// The folder that is copied there.
    pub from: PathBuf,
    /// Files beside: path below it, text.
    pub files: Vec<(String, String)>,
}

/// A server's container. It is there from the first start on.
#[derive(Debug)]
pub struct Container {
    engine: Engine,
    blueprint: Blueprint,
    log: PathBuf,
    made: Mutex<Option<ContainerAsync<GenericImage>>>,
    addresses: Addresses,
    /// Whether its disk is another one than that which its data lay on.
    has_new_disk: AtomicBool,
    /// What it said before its disk was lost, and with it the engine's own record of that.
    said: std::sync::Mutex<Vec<u8>>,
}

/// Which container has which address on the scenario's network. It is another one after each start.
#[derive(Debug, Clone, Default)]
pub struct Addresses(Arc<std::sync::Mutex<BTreeMap<IpAddr, String>>>);

impl Addresses {
    /// The name of the container that has it, or had it last.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&address).cloned()
    }

    fn note(&self, address: IpAddr, name: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(address, name.to_owned());
    }
}

/// Why a container could not be started or moved.
#[derive(Debug, thiserror::Error)]
pub enum ContainerError {
    /// The engine said no.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The engine would not start it.
    #[error("cannot start {image} as a container: {source}{log}")]
    Start {
        /// The image.
        image: String,
        /// What the engine said.
        source: EngineError,
        /// Its last words, on lines of their own, if it said any.
        log: String,
    },
    /// It was never started.
    #[error("the container {0} was never started")]
    NotMade(String),
}

impl Container {
    /// A container that is not there yet; its log is taken to this file.
    pub fn new(engine: Engine, blueprint: Blueprint, log: PathBuf, addresses: Addresses) -> Self {
        let (made, said) = (Mutex::default(), std::sync::Mutex::default());
        Self { engine, blueprint, log, made, addresses, has_new_disk: AtomicBool::new(false), said }
    }

    /// Where its log is taken to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Makes and starts it, or starts it again; returns as soon as its program runs.
    pub async fn start(&self) -> Result<(), ContainerError> {
        let mut made = self.made.lock().await;
        if let Some(made) = made.as_ref() {
            return match made.start().await {
                Ok(()) => self.note_address().await,
                Err(error) => Err(self.not_started(&error).await),
            };
        }
        match self.request().start().await {
            Ok(container) => {
                *made = Some(container);
                self.note_address().await
            }
            Err(error) => {
                let error = self.not_started(&error).await;
                // What was made before it failed is not left behind; the first error is the one that counts.
                let _ = self.engine.remove(&self.blueprint.name).await;
                Err(error)
            }
        }
    }

    async fn not_started(&self, error: &testcontainers::TestcontainersError) -> ContainerError {
        let source = self.refused("start", error);
        ContainerError::Start { image: self.blueprint.image.clone(), source, log: self.last_words().await }
    }

    /// Asks it to stop, and kills it after the grace.
    pub async fn stop(&self, grace: Duration) -> Result<(), ContainerError> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let made = self.made.lock().await;
        let made = made.as_ref().ok_or_else(|| self.not_made())?;
        made.stop_with_timeout(Some(seconds)).await.map_err(|error| self.refused("stop", &error).into())
    }

    /// Kills it; returns when it does not run any more.
    pub async fn kill(&self) -> Result<(), ContainerError> {
        if self.made.lock().await.is_none() {
            return Ok(());
        }
        Ok(self.engine.kill(&self.blueprint.name).await?)
    }

    /// Sends SIGHUP to its program; one that does not run is left as it is.
    pub async fn hang_up(&self) -> Result<(), ContainerError> {
        if self.made.lock().await.is_none() {
            return Ok(());
        }
        Ok(self.engine.signal(&self.blueprint.name, "SIGHUP").await?)
    }

    /// Freezes all of it.
    pub async fn pause(&self) -> Result<(), ContainerError> {
        let made = self.made.lock().await;
        let made = made.as_ref().ok_or_else(|| self.not_made())?;
        let mut looks = Looks::within(FREEZES);
        let mut last = self.not_made();
        while looks.again().await {
            match made.pause().await {
                Ok(()) => return Ok(()),
                Err(error) => last = self.refused("pause", &error).into(),
            }
            // A container that is busy starting processes can escape the kernel's freezer; the engine lets it thaw again.
            if !last.to_string().contains("unable to freeze") {
                break;
            }
        }
        Err(last)
    }

    /// Lets it go on.
    pub async fn resume(&self) -> Result<(), ContainerError> {
        let made = self.made.lock().await;
        let made = made.as_ref().ok_or_else(|| self.not_made())?;
        made.unpause().await.map_err(|error| self.refused("resume", &error).into())
    }

    /// Takes it off its network.
    pub async fn disconnect(&self) -> Result<(), ContainerError> {
        Ok(self.engine.disconnect(&self.blueprint.name, &self.blueprint.network).await?)
    }

    /// Puts it back on its network, on which it has another address then.
    pub async fn connect(&self) -> Result<(), ContainerError> {
        self.engine.reconnect(&self.blueprint.name, &self.blueprint.network).await?;
        self.note_address().await
    }

    /// Waits until it does not run, and says how it ended.
    pub async fn exited(&self) -> Result<String, ContainerError> {
        Ok(self.engine.exit(&self.blueprint.name).await?)
    }

    /// Runs a program in it, and gives what that said. A status other than 0 is an error.
    pub async fn run(&self, command: &[&str]) -> Result<Vec<u8>, ContainerError> {
        Ok(self.engine.run_in(&self.blueprint.name, command).await?)
    }

    /// Takes its disk away, with all that it stored. It ends, and is to be started again with an empty one.
    pub async fn lose_disk(&self) -> Result<(), ContainerError> {
        let log = self.engine.log(&self.blueprint.name).await;
        self.said.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&log);
        self.has_new_disk.store(true, Ordering::Relaxed);
        self.remove().await
    }

    /// What stands in a file of it, whether it runs or not.
    pub async fn file(&self, path: &str) -> Result<Vec<u8>, ContainerError> {
        Ok(self.engine.file(&self.blueprint.name, path).await?)
    }

    /// Writes what it has logged so far into its log file.
    pub async fn take_log(&self) {
        let mut log = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        log.extend(self.engine.log(&self.blueprint.name).await);
        // The file is missing then, and whoever wants it says so.
        let _ = fs::write(&self.log, log);
    }

    /// Removes it with everything in it.
    pub async fn remove(&self) -> Result<(), ContainerError> {
        match self.made.lock().await.take() {
            None => Ok(()),
            Some(made) => match made.rm().await {
                Ok(()) => Ok(()),
                // Half removed by somebody else, or gone: what counts is that it is.
                Err(_) => Ok(self.engine.remove(&self.blueprint.name).await?),
            },
        }
    }

    async fn note_address(&self) -> Result<(), ContainerError> {
        let address = self.engine.address(&self.blueprint.name, &self.blueprint.network).await?;
        // None when it has ended already, which whoever waits for it hears.
        if let Some(address) = address {
            self.addresses.note(address, &self.blueprint.name);
        }
        Ok(())
    }

    fn request(&self) -> ContainerRequest<GenericImage> {
        let Blueprint { name, image, network, labels, program, arguments, user, environment, .. } =
            self.blueprint.clone();
        let Blueprint { files, programs, data, volumes, ports, .. } = self.blueprint.clone();
        let (image, tag) = image.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')).unwrap_or((&image, "latest"));
        let mut image = GenericImage::new(image, tag);
        if let Some(program) = program {
            image = image.with_entrypoint(&program);
        }
        let mut request = image
            .with_cmd(arguments)
            .with_container_name(name)
            .with_network(network)
            .with_labels(labels)
            .with_startup_timeout(STARTS)
            .with_host_config_modifier(move |host| publish(host, &ports));
        if let Some(user) = user {
            request = request.with_user(user);
        }
        for (name, value) in environment {
            request = request.with_env_var(name, value);
        }
        for (path, text) in files {
            request = request.with_copy_to(CopyTargetOptions::new(path).with_mode(0o644), text.into_bytes());
        }
        for (path, program) in programs {
            request = request.with_copy_to(CopyTargetOptions::new(path).with_mode(0o755), program);
        }
        for (volume, path) in volumes {
            request = request.with_mount(Mount::volume_mount(volume, path));
        }
        if let Some(Data { path, from, files }) = data.filter(|_| !self.has_new_disk.load(Ordering::Relaxed)) {
            request = request.with_copy_to(CopyTargetOptions::new(&path), from);
            for (file, text) in files {
                let file = CopyTargetOptions::new(format!("{path}/{file}")).with_mode(0o600);
                request = request.with_copy_to(file, text.into_bytes());
            }
        }
        request
    }

    /// The last lines of its log, for an error.
    async fn last_words(&self) -> String {
        let log = self.engine.log(&self.blueprint.name).await;
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().rev().take(12).collect();
        lines.into_iter().rev().fold(String::new(), |all, line| all + "\n" + line)
    }

    fn refused(&self, what: &str, error: &testcontainers::TestcontainersError) -> EngineError {
        EngineError::Refused { what: format!("{what} {}", self.blueprint.name), why: chain(error) }
    }

    fn not_made(&self) -> ContainerError {
        ContainerError::NotMade(self.blueprint.name.clone())
    }
}

/// Loopback only, on ports that stay the same over a restart; and a log that can be read whatever the engine's default is.
fn publish(host: &mut HostConfig, ports: &[(u16, u16)]) {
    let binding = |port: u16| PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: Some(port.to_string()) };
    let bindings = ports.iter().map(|&(here, there)| (format!("{there}/tcp"), Some(vec![binding(here)])));
    host.port_bindings = Some(bindings.collect());
    host.publish_all_ports = Some(false);
    host.log_config = Some(HostConfigLogConfig { typ: Some("json-file".to_owned()), config: None });
}

/// An error with its causes, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.contains(&next) {
            said = format!("{said}: {next}");
        }
        cause = error.source();
    }
    said
}
