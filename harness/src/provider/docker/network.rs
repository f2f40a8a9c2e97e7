//! A scenario's own network, and the address on it by which containers reach this machine's links.

use std::net::{IpAddr, TcpListener};

use testcontainers::bollard::models::{NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest};

use super::engine::{Engine, EngineError, refused};

/// A network that is there.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// Its name.
    pub(super) name: String,
    /// This machine's address on it: links that containers use listen there, and nowhere else.
    pub(super) gateway: IpAddr,
}

impl Engine {
    /// Makes a bridge network.
    pub(super) async fn network(&self, name: &str, labels: Vec<(String, String)>) -> Result<Network, EngineError> {
        let what = format!("make the network {name}");
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels.into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        self.client().create_network(request).await.map_err(|error| refused(&what, &error))?;
        let seen = self.client().inspect_network(name, None).await.map_err(|error| refused(&what, &error))?;
        let configs = seen.ipam.and_then(|ipam| ipam.config).unwrap_or_default();
        let gateway = configs.into_iter().find_map(|config| config.gateway?.parse::<IpAddr>().ok());
        let why = match gateway {
            Some(gateway) if TcpListener::bind((gateway, 0)).is_ok() => {
                return Ok(Network { name: name.to_owned(), gateway });
            }
            Some(gateway) => format!(
                "its gateway {gateway} is no address of this machine: the engine runs elsewhere, or in a virtual \
                 machine, and links could not be reached from its containers; use `--provider native`"
            ),
            None => "it has no gateway".to_owned(),
        };
        // Not left behind; the first error is the one that counts.
        let _ = self.remove_network(name).await;
        Err(EngineError::Refused { what, why })
    }

    /// Takes a container off a network.
    pub(super) async fn disconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        let request = NetworkDisconnectRequest { container: container.to_owned(), force: Some(false) };
        let what = format!("take {container} off {network}");
        self.client().disconnect_network(network, request).await.map_err(|error| refused(&what, &error))
    }

    /// Puts a container back on a network; its ports on this machine are open again when this returns.
    pub(super) async fn reconnect(&self, container: &str, network: &str) -> Result<(), EngineError> {
        let request = NetworkConnectRequest { container: container.to_owned(), endpoint_config: None };
        let what = format!("put {container} on {network}");
        self.client().connect_network(network, request).await.map_err(|error| refused(&what, &error))
    }
}
