//! A Vault cluster as containers. It comes up as one of processes does; who opened a connection between two nodes is told by
//! the address that its container has on the scenario's network.

use std::net::SocketAddr;
use std::sync::Arc;

use super::up::{Place, claim};
use super::vault::Order;
use crate::event::{Actor, Event};
use crate::link::Door;
use crate::provider::native::cluster::{Connected, Dialer, Laid, Planned, connect, peers, until_known};
use crate::provider::native::turn::Turn;
use crate::provider::native::{http, name_of, next_of, vault_keys};
use crate::provider::{Programs, UpError};
use crate::scenario;
use crate::scenario::file::{Endpoint, Node, Server};
use crate::stack::{Plugin, StackError, VaultServer};

impl Place<'_> {
    /// Brings a cluster up: every node unsealed, one of them active, and the others knowing it.
    pub(super) async fn cluster(
        &self,
        programs: &Programs,
        wanted: &scenario::Stack,
        plugin: Option<Plugin>,
        volumes: Vec<Vec<(String, String)>>,
    ) -> Result<(VaultServer, Vec<Laid>), UpError> {
        let program = &programs.vault;
        let turn = Turn::take().await;
        let turn = turn.map_err(|error| UpError::Machine(format!("cannot wait for a cluster's turn: {error}")))?;
        let template = self.raft_template(program, wanted.key_threshold).await?;
        let keys = vault_keys::read(&template.data().join(vault_keys::FILE), self.history.secrets())?;
        let names = &Node::NUMBERED[..usize::from(wanted.nodes).min(Node::NUMBERED.len())];
        let mut doors = Vec::new();
        for _ in names {
            let any_port = SocketAddr::new(self.network.gateway, 0);
            doors.push(Door::open(any_port).await.map_err(StackError::from)?);
        }
        let peers = peers(names, &doors);
        let (mut planned, mut inside) = (Vec::new(), None);
        for (((number, name), door), volumes) in (10..).zip(names).zip(doors).zip(volumes) {
            let ports = vec![claim()?, claim()?];
            let (api, cluster) = (ports[0].address(), ports[1].address());
            let clients = self.link(Endpoint::Clients, (*name).into(), number, api).await?;
            let api_of_clients = clients.address().to_string();
            let order = Order {
                member: Some((*name, door.address().to_string())),
                called: name.to_string(),
                plugin: plugin.clone(),
                data: Some((&template, vec![("raft/peers.json".to_owned(), peers.clone())])),
                volumes,
                audited: !wanted.audit.is_empty(),
                ..Order::alone(Server::Vault, ports, api_of_clients, &wanted.configuration, self.history)
            };
            let (mut node, put_in) = self.node(program, order)?;
            node.linked = http(clients.address(), self.history)?;
            inside = put_in;
            planned.push(Planned { node, door, api, cluster, clients });
        }
        let containers: Vec<String> = names.iter().map(|name| self.called(name)).collect();
        let addresses = self.addresses.clone();
        let opened_by: Dialer = Arc::new(move |client, _| {
            let opener = addresses.of(client.ip())?;
            containers.iter().position(|container| *container == opener)
        });
        let Connected { nodes, front, observer, laid } = connect(planned, &self.lines, &opened_by).await?;
        let server = VaultServer {
            direct: http(observer, self.history)?,
            linked: http(laid[0].2.address(), self.history)?,
            nodes,
            front: Some(front.until_dropped(turn)),
            root_token: keys.root,
            keys: keys.unseal,
            storage: wanted.storage,
            product: name_of(program),
            next: next_of(programs, None, None),
            aws_plugin: inside,
        };
        server.start_again().await?;
        until_known(&server).await?;
        self.history.note(Actor::Harness, Event::Running { server: Server::Vault, product: server.product.clone() });
        Ok((server, laid))
    }
}
