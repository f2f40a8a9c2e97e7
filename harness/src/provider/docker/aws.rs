//! What stands in for AWS as a container, and the AWS engine as a plugin in the container of who starts it.

use super::container::Blueprint;
use super::up::{Place, claim};
use crate::link::Link;
use crate::provider::native::aws::{gate, way};
use crate::provider::native::find::Found;
use crate::provider::native::name_of;
use crate::provider::{Programs, UpError};
use crate::scenario::Scenario;
use crate::scenario::file::{AwsProduct, Endpoint, Server};
use crate::service::aws::launch;
use crate::stack::aws::Ways;
use crate::stack::{AwsServer, Plugin};

/// Where it listens in its container: the port that its image exposes.
const fn port(product: AwsProduct) -> u16 {
    match product {
        AwsProduct::Moto => 5000,
        AwsProduct::Localstack => 4566,
    }
}

/// The folder of plugins in a container.
pub(super) const PLUGINS: &str = "/leaseproof/plugins";

impl Place<'_> {
    /// The server with the links from Vault and from the clients, if the scenario has one.
    pub(super) async fn aws(
        &self,
        programs: &Programs,
        scenario: &Scenario,
    ) -> Result<Option<(AwsServer, Link, Link)>, UpError> {
        let Some(product) = scenario.stack.aws else { return Ok(None) };
        let program = programs.aws.as_ref();
        let program = program.ok_or_else(|| UpError::Machine(format!("no {product} was found for this scenario")))?;
        let port = claim()?;
        let gates = [gate(port.address()).await?, gate(port.address()).await?];
        let from_vault = self.link(Endpoint::Vault, Endpoint::Aws, 5, gates[0].address()).await?;
        let from_clients = self.link(Endpoint::Clients, Endpoint::Aws, 6, gates[1].address()).await?;
        let blueprint = self.blueprint(&Server::Aws, program, vec![(port.number(), self::port(product))])?;
        let ways = Ways {
            direct: way(&port.address().to_string(), self.history)?,
            linked: way(&from_clients.address().to_string(), self.history)?,
            gates,
        };
        let machine = self.machine(Server::Aws, inside(product, program, blueprint), vec![port]);
        let server = AwsServer::start(machine, product, ways, name_of(program), self.history).await?;
        Ok(Some((server, from_vault, from_clients)))
    }
}

/// How it is started in a container.
fn inside(product: AwsProduct, program: &Found, blueprint: Blueprint) -> Blueprint {
    match product {
        AwsProduct::Moto => {
            let arguments = ["-H", "0.0.0.0", "-p", &port(product).to_string()].map(str::to_owned).to_vec();
            Blueprint { program: Some(program.program.display().to_string()), arguments, ..blueprint }
        }
        // What starts it is the image's own affair, and not the same in every one.
        AwsProduct::Localstack => {
            let listen = ("GATEWAY_LISTEN".to_owned(), format!("0.0.0.0:{}", port(product)));
            let settings = launch::LOCALSTACK.map(|(name, value)| (name.to_owned(), value.to_owned()));
            Blueprint { program: None, environment: settings.into_iter().chain([listen]).collect(), ..blueprint }
        }
    }
}

/// The plugin, in the container of the server that starts it.
pub(super) fn put_in(plugin: Plugin, blueprint: &mut Blueprint) -> Plugin {
    blueprint.programs.push((format!("{PLUGINS}/{}", plugin.command), plugin.folder.join(&plugin.command)));
    Plugin { folder: PLUGINS.into(), ..plugin }
}
