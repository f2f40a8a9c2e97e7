//! The Docker engine: found as Docker's own client finds it, and its refusals put into words that say what to do.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use testcontainers::bollard::Docker;
use testcontainers::bollard::container::LogOutput;
use testcontainers::bollard::errors::Error;
use testcontainers::bollard::exec::StartExecResults;
use testcontainers::bollard::models::ExecConfig;
use testcontainers::bollard::query_parameters::{
    DownloadFromContainerOptions, KillContainerOptions, LogsOptions, RemoveContainerOptions, WaitContainerOptions,
};
use testcontainers::core::client::docker_client_instance;
use tokio::io::AsyncReadExt as _;
use tokio_tar::Archive;

use crate::provider::native::port;

/// How long the engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// The variable with which Docker's clients are told where the engine is.
const HOST_VARIABLE: &str = "DOCKER_HOST";
/// Where it is when nobody says.
const USUAL: &str = "unix:///var/run/docker.sock";

/// A Docker engine that answers.
#[derive(Clone)]
pub struct Engine {
    client: Docker,
    version: String,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Docker engine {}", self.version)
    }
}

/// Why the engine did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Nobody answers.
    #[error(
        "no Docker engine answers at {host}: {why}; start it, point DOCKER_HOST at one, or use `--provider native`, which needs none"
    )]
    Silent {
        /// Where it was looked for.
        host: String,
        /// What happened.
        why: String,
    },
    /// This user may not.
    #[error(
        "this user may not use the Docker engine at {host}; join the group that owns the socket (usually `docker`), or use `--provider native`, which needs none"
    )]
    Forbidden {
        /// Where it is.
        host: String,
    },
    /// It says no.
    #[error("the Docker engine would not {what}: {why}{}", advice(.why))]
    Refused {
        /// What it was asked for.
        what: String,
        /// What it said.
        why: String,
    },
}

/// What to do about a refusal, by the words that the engine uses for it.
fn advice(why: &str) -> &'static str {
    let why = why.to_lowercase();
    if why.contains("no space left on device") {
        "; its disk is full: `docker system df` shows what fills it, `docker system prune` frees what nothing uses"
    } else if why.contains("port is already allocated") || why.contains("address already in use") {
        port::TAKEN
    } else if why.contains("address pool") {
        "; its networks are used up: `leaseproof clean` removes those of dead runs, `docker network prune` all unused \
         ones, and fewer `--jobs` need fewer"
    } else if why.contains("no such image") {
        "; build it with `compose/images/build.sh`, or name another with `--image`"
    } else if speaks_of_the_image(&why) {
        "; the image is not what it should be: name another with `--image`"
    } else {
        ""
    }
}

/// Whether it is what is in an image that the engine speaks of, in small letters.
fn speaks_of_the_image(why: &str) -> bool {
    let words = ["permission denied", "executable file not found", "exec format error", "unable to find user"];
    words.iter().any(|words| why.contains(words))
}

impl EngineError {
    /// What it said of an image, if that is not what it should be.
    pub(super) fn of_the_image(&self) -> Option<&str> {
        match self {
            Self::Refused { why, .. } if speaks_of_the_image(&why.to_lowercase()) => Some(why),
            _ => None,
        }
    }
}

impl Engine {
    /// The engine that DOCKER_HOST names, else this machine's.
    pub async fn connect() -> Result<Self, EngineError> {
        let host = std::env::var(HOST_VARIABLE).ok().filter(|host| !host.is_empty());
        let host = host.unwrap_or_else(|| USUAL.to_owned());
        if let Some(socket) = host.strip_prefix("unix://") {
            tokio::net::UnixStream::connect(socket).await.map_err(|error| match error.kind() {
                io::ErrorKind::PermissionDenied => EngineError::Forbidden { host: host.clone() },
                _ => EngineError::Silent { host: host.clone(), why: error.to_string() },
            })?;
        }
        let silent = |why: String| EngineError::Silent { host: host.clone(), why };
        let client = docker_client_instance().await.map_err(|error| silent(error.to_string()))?;
        let said = tokio::time::timeout(PATIENCE, client.version()).await;
        let said = said.map_err(|_| silent(format!("no answer within {} s", PATIENCE.as_secs())))?;
        let said = said.map_err(|error| silent(error.to_string()))?;
        Ok(Self { client, version: said.version.unwrap_or_else(|| "of unknown version".to_owned()) })
    }

    /// The engine's version.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The engine's own interface.
    pub(super) fn client(&self) -> &Docker {
        &self.client
    }

    /// Kills a container; one that does not run is left as it is.
    pub(super) async fn kill(&self, name: &str) -> Result<(), EngineError> {
        self.signal(name, "SIGKILL").await?;
        self.exit(name).await.map(|_| ())
    }

    /// Sends a signal to a container's program; one that does not run is left as it is.
    pub(super) async fn signal(&self, name: &str, signal: &str) -> Result<(), EngineError> {
        let options = KillContainerOptions { signal: signal.to_owned() };
        match self.client.kill_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(409) || status(&error) == Some(404) => Ok(()),
            Err(error) => Err(refused(&format!("send {signal} to {name}"), &error)),
        }
    }

    /// Waits until a container does not run, and says how it ended.
    pub(super) async fn exit(&self, name: &str) -> Result<String, EngineError> {
        let options = WaitContainerOptions { condition: "not-running".to_owned() };
        let mut ends = self.client.wait_container(name, Some(options));
        let code = match ends.next().await {
            Some(Ok(end)) => end.status_code,
            Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
            Some(Err(error)) => return Err(refused(&format!("wait for {name}"), &error)),
            None => return Ok("unknown exit status".to_owned()),
        };
        let state = self.client.inspect_container(name, None).await.ok().and_then(|seen| seen.state);
        let starved = state.and_then(|state| state.oom_killed).unwrap_or_default();
        Ok(format!("exit status: {code}{}", if starved { ", for want of memory" } else { "" }))
    }

    /// A container's address on a network, if it runs there.
    pub(super) async fn address(&self, name: &str, network: &str) -> Result<Option<IpAddr>, EngineError> {
        let seen = self.client.inspect_container(name, None).await;
        let seen = seen.map_err(|error| refused(&format!("look at {name}"), &error))?;
        let networks = seen.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        let address = networks.get(network).and_then(|network| network.ip_address.as_deref());
        Ok(address.and_then(|address| address.parse().ok()))
    }

    /// What stands in a file of a container, whether it runs or not.
    pub(super) async fn file(&self, name: &str, path: &str) -> Result<Vec<u8>, EngineError> {
        let what = format!("copy {path} out of {name}");
        let options = DownloadFromContainerOptions { path: path.to_owned() };
        let mut pieces = self.client.download_from_container(name, Some(options));
        let mut archive = Vec::new();
        while let Some(piece) = pieces.next().await {
            archive.extend_from_slice(&piece.map_err(|error| refused(&what, &error))?);
        }
        let failed = |error: io::Error| EngineError::Refused { what: what.clone(), why: error.to_string() };
        let mut archive = Archive::new(archive.as_slice());
        let mut bytes = Vec::new();
        if let Some(entry) = archive.entries().map_err(failed)?.next().await {
            entry.map_err(failed)?.read_to_end(&mut bytes).await.map_err(failed)?;
        }
        Ok(bytes)
    }

    /// Runs a program in a container that runs, and gives what it said. A status other than 0 is a refusal.
    pub(super) async fn run_in(&self, name: &str, command: &[&str]) -> Result<Vec<u8>, EngineError> {
        let what = format!("run `{}` in {name}", command.join(" "));
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            ..ExecConfig::default()
        };
        let failed = |error: Error| refused(&what, &error);
        let run = self.client.create_exec(name, config).await.map_err(failed)?.id;
        let (mut said, mut complained) = (Vec::new(), String::new());
        if let StartExecResults::Attached { mut output, .. } =
            self.client.start_exec(&run, None).await.map_err(failed)?
        {
            while let Some(piece) = output.next().await {
                match piece.map_err(failed)? {
                    LogOutput::StdErr { message } => complained += &String::from_utf8_lossy(&message),
                    other => said.extend_from_slice(&other.into_bytes()),
                }
            }
        }
        match self.client.inspect_exec(&run).await.map_err(failed)?.exit_code {
            Some(0) => Ok(said),
            code => Err(EngineError::Refused { what, why: format!("exit status {code:?}: {}", complained.trim()) }),
        }
    }

    /// What a container has written, from its first start on.
    pub(super) async fn log(&self, name: &str) -> Vec<u8> {
        let options = LogsOptions { stdout: true, stderr: true, tail: "all".to_owned(), ..LogsOptions::default() };
        let mut lines = self.client.logs(name, Some(options));
        let mut log = Vec::new();
        // A container that is gone has no log any more, and nobody to ask for it.
        while let Some(Ok(piece)) = lines.next().await {
            log.extend_from_slice(&piece.into_bytes());
        }
        log
    }

    /// Removes a container, running or not, with what it stored; one that is not there is no failure.
    pub(super) async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        match self.client.remove_container(name, Some(options)).await {
            Ok(()) => Ok(()),
            Err(error) if status(&error) == Some(404) => Ok(()),
            // Somebody else is at it.
            Err(error) if status(&error) == Some(409) => self.until_gone(name).await,
            Err(error) => Err(refused(&format!("remove the container {name}"), &error)),
        }
    }

    async fn until_gone(&self, name: &str) -> Result<(), EngineError> {
        let mut looks = crate::wait::Looks::within(PATIENCE * 4);
        while looks.again().await {
            match self.client.inspect_container(name, None).await {
                Err(error) if status(&error) == Some(404) => return Ok(()),
                _ => {}
            }
        }
        Err(EngineError::Refused { what: format!("remove the container {name}"), why: "it is still there".to_owned() })
    }
}

/// The HTTP status of a refusal.
pub(super) fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// A refusal in words.
pub(super) fn refused(what: &str, error: &Error) -> EngineError {
    let why = match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    };
    EngineError::Refused { what: what.to_owned(), why }
}

/// A filter by labels, as the engine takes it.
pub(super) fn labelled(labels: &[String]) -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), labels.to_vec())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("write /var/lib/docker/tmp/x: no space left on device", "docker system df")]
    #[case("driver failed: Bind for 127.0.0.1:20010 failed: port is already allocated", "run it again")]
    #[case("could not find an available, non-overlapping IPv4 address pool", "fewer `--jobs`")]
    fn a_refusal_says_what_to_do(#[case] why: &str, #[case] told: &str) {
        let error = EngineError::Refused { what: "start it".to_owned(), why: why.to_owned() };
        assert!(error.to_string().contains(why) && error.to_string().contains(told), "{error}");
        assert_eq!(error.of_the_image(), None);
    }

    #[rstest::rstest]
    #[case("exec: \"bao\": executable file not found in $PATH: unknown")]
    #[case("exec /bin/bao: exec format error")]
    fn an_image_that_is_not_what_it_should_be_is_told_from_an_engine_that_cannot(#[case] why: &str) {
        let error = EngineError::Refused { what: "start it".to_owned(), why: why.to_owned() };
        assert_eq!(error.of_the_image(), Some(why));
        assert!(error.to_string().contains("--image"), "{error}");
    }
}
