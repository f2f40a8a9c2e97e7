//! The Toxiproxy server that a scenario's links are on, as a container: on this machine's own network, since its links lead
//! from this machine's addresses to this machine's ports.

use super::container::Blueprint;
use super::up::{Place, claim};
use crate::provider::UpError;
use crate::provider::native::find::{Found, How};
use crate::provider::native::lines::{self, Lines};
use crate::provider::native::name_of;
use crate::scenario::file::Endpoint;

/// This machine's own network.
const HOST: &str = "host";

impl Place<'_> {
    /// Starts it, in its image or, where there is none, as a program of this machine. The links that are `read` stay in this
    /// process.
    pub(super) async fn over_toxiproxy(
        &self,
        program: &Found,
        seed: u64,
        read: Vec<(Endpoint, Endpoint)>,
    ) -> Result<Lines, UpError> {
        if program.how != How::Image {
            return Lines::start(program, &self.folder, self.docker.owner(), seed, read, self.history).await;
        }
        let port = claim()?;
        let blueprint = Blueprint {
            network: HOST.to_owned(),
            arguments: lines::arguments(&port).to_vec(),
            environment: vec![lines::QUIET.map(str::to_owned).into()],
            ..self.blueprint(&"toxiproxy", program, Vec::new())?
        };
        Lines::on(self.container(blueprint).into(), port, name_of(program), seed, read, self.history).await
    }
}
