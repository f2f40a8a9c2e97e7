//! A Vault cluster as processes of this machine. Every node starts from the same initialised folder, and the list of its
//! peers is written into it as an operator does who recovers a cluster (`peers.json`): so they are voters from the first
//! election on, where nodes that join are not for ten seconds.
//! Source: developer.hashicorp.com/vault/docs/concepts/integrated-storage

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use serde_json::json;

use super::dialer::dialer;
use super::find::Found;
use super::lines::Lines;
use super::private::write_private;
use super::turn::Turn;
use super::up::{Native, Place, claim, http, name_of, next_of};
use super::vault_keys;
use crate::event::{Actor, Event};
use crate::front::{Backend, Front};
use crate::history::History;
use crate::link::{Door, Handle, Link, Proxy};
use crate::outcome::Outcome;
use crate::provider::{Programs, UpError};
use crate::scenario;
use crate::scenario::file::{Endpoint, Method, Node, Server};
use crate::service::vault::BRIEF;
use crate::stack::{Plugin, StackError, VaultNode, VaultServer};
use crate::wait;

/// How long a cluster may take until every node knows who leads. Far more than any needs.
const FORMS: Duration = Duration::from_secs(60);

/// A link and its ends.
pub(in crate::provider) type Laid = (Endpoint, Endpoint, Link);

/// A node that is to be, and the ways to it.
pub(in crate::provider) struct Planned {
    pub(in crate::provider) node: VaultNode,
    pub(in crate::provider) door: Door,
    /// Its own address, and the one behind its door.
    pub(in crate::provider) api: SocketAddr,
    pub(in crate::provider) cluster: SocketAddr,
    pub(in crate::provider) clients: Link,
}

/// Says which node, by its place, opened a connection: by the address of its end and that of the door. It may block.
pub(in crate::provider) type Dialer = Arc<dyn Fn(SocketAddr, SocketAddr) -> Option<usize> + Send + Sync>;

/// A cluster of nodes that are not started yet: what leads to the active one, and all links.
pub(in crate::provider) struct Connected {
    pub(in crate::provider) nodes: Vec<VaultNode>,
    pub(in crate::provider) front: Front,
    /// Where the observer finds the active one.
    pub(in crate::provider) observer: SocketAddr,
    /// The first is that of the clients.
    pub(in crate::provider) laid: Vec<Laid>,
}

impl Native {
    /// Brings a cluster up: every node unsealed, one of them active, and the others knowing it.
    pub(super) async fn cluster(
        &self,
        programs: &Programs,
        wanted: &scenario::Stack,
        plugin: Option<Plugin>,
        name: &str,
        lines: &Lines,
        history: &History,
    ) -> Result<(VaultServer, Vec<Laid>), UpError> {
        let program = &programs.vault;
        let plugins = plugin.as_ref().map(|plugin| plugin.folder.as_path());
        let turn =
            Turn::take().await.map_err(|e| UpError::Machine(format!("cannot wait for a cluster's turn: {e}")))?;
        let template = self.raft_template(program, wanted.key_threshold).await?;
        let keys = vault_keys::read(&template.data().join(vault_keys::FILE), history.secrets())?;
        let names = &Node::NUMBERED[..usize::from(wanted.nodes).min(Node::NUMBERED.len())];
        let mut doors = Vec::new();
        for _ in names {
            doors.push(Door::open(any_port()).await.map_err(StackError::from)?);
        }
        let peers = peers(names, &doors);
        let mut planned = Vec::new();
        for ((number, node), door) in (10..).zip(names).zip(doors) {
            let folder = self.folder_for(name, &node.to_string(), None)?;
            let data = folder.join("data");
            template.copy_to(&data, None).await.map_err(|e| UpError::Machine(e.to_string()))?;
            write_private(&data.join("raft/peers.json"), &peers, None)?;
            planned.push(self.plan(program, wanted, plugins, *node, &folder, door, (lines, number), history).await?);
        }
        let processes: Vec<_> = planned.iter().filter_map(|planned| planned.node.machine.process()).collect();
        let opened_by: Dialer = Arc::new(move |client, server| {
            let pids: Vec<_> = processes.iter().map(|process| process.pid()).collect();
            dialer(client, server, &pids)
        });
        let Connected { nodes, front, observer, laid } = connect(planned, lines, &opened_by).await?;
        let server = VaultServer {
            direct: http(observer, history)?,
            linked: http(laid[0].2.address(), history)?,
            nodes,
            front: Some(front.until_dropped(turn)),
            root_token: keys.root,
            keys: keys.unseal,
            storage: wanted.storage,
            product: name_of(program),
            next: next_of(programs, Some(&template), Some(peers)),
            aws_plugin: plugin,
        };
        server.start_again().await?;
        until_known(&server).await?;
        history.note(Actor::Harness, Event::Running { server: Server::Vault, product: server.product.clone() });
        Ok((server, laid))
    }

    #[expect(clippy::too_many_arguments, reason = "they are all that a node is made of")]
    async fn plan(
        &self,
        program: &Found,
        wanted: &scenario::Stack,
        plugins: Option<&Path>,
        name: Node,
        folder: &Path,
        door: Door,
        (lines, number): (&Lines, u64),
        history: &History,
    ) -> Result<Planned, UpError> {
        let ports = [claim()?, claim()?];
        let (api, cluster) = (ports[0].address(), ports[1].address());
        let clients = lines.lay(Endpoint::Clients, name.into(), number, api).await?;
        let place = Place {
            server: Server::Vault,
            seal: None,
            name: Some(name),
            folder,
            data: &folder.join("data"),
            ports,
            door: Some(door.address()),
            api: clients.address().to_string(),
            plugins,
            audited: !wanted.audit.is_empty(),
            more: &wanted.configuration,
        };
        let mut node = place.node(program, wanted.storage, self.estate.owner(), history)?;
        node.linked = http(clients.address(), history)?;
        Ok(Planned { node, door, api, cluster, clients })
    }
}

/// The list of the nodes and the doors at which they reach each other, as an operator writes it who recovers a cluster.
pub(in crate::provider) fn peers(names: &[Node], doors: &[Door]) -> String {
    let peer =
        |(name, door): (&Node, &Door)| json!({ "id": name, "address": door.address().to_string(), "non_voter": false });
    serde_json::Value::Array(names.iter().zip(doors).map(peer).collect()).to_string()
}

/// The links between the nodes and from the clients to them, and the front before all.
pub(in crate::provider) async fn connect(
    planned: Vec<Planned>,
    lines: &Lines,
    opened_by: &Dialer,
) -> Result<Connected, UpError> {
    // No fault can name these two: one is the observer's, the other stands behind the clients' link.
    let steer = async |to| Proxy::start(any_port(), to, 0).await.map_err(StackError::from);
    let steering = steer(planned[0].clients.address()).await?;
    let observer = steer(planned[0].api).await?;
    let clients = lines.lay(Endpoint::Clients, Endpoint::Vault, 0, steering.address()).await?;
    let names: Vec<Node> = planned.iter().map(|planned| planned.node.name).collect();
    let mut peer_links = Vec::new();
    let (mut nodes, mut doors, mut backends, mut client_links) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, planned) in (100..).step_by(10).zip(planned) {
        let Planned { node, mut door, api, cluster, clients } = planned;
        let to = Endpoint::from(node.name);
        let mut inward: Vec<Option<Handle>> = Vec::new();
        for (from, nth) in names.iter().zip(number..) {
            if *from == node.name {
                inward.push(None);
                continue;
            }
            let link = Proxy::behind(door.address(), cluster, nth);
            inward.push(Some(link.handle()));
            peer_links.push((Endpoint::from(*from), to, Link::InProcess(link)));
        }
        let opened_by = Arc::clone(opened_by);
        door.attend(Arc::new(move |client, server| inward.get(opened_by(client, server)?)?.clone()));
        backends.push(Backend { vault: node.direct.clone(), direct: api, linked: clients.address() });
        client_links.push((Endpoint::Clients, to, clients));
        doors.push(door);
        nodes.push(node);
    }
    let (at, front) = (observer.address(), Front::follow(backends, observer, steering, doors));
    let mut laid = vec![(Endpoint::Clients, Endpoint::Vault, clients)];
    laid.extend(client_links);
    laid.extend(peer_links);
    Ok(Connected { nodes, front, observer: at, laid })
}

fn any_port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

/// Waits until every node knows who leads: before that a standby can forward nothing.
pub(in crate::provider) async fn until_known(server: &VaultServer) -> Result<(), StackError> {
    let leads = |node: &VaultNode| {
        let (vault, name) = (node.direct.within(BRIEF), node.name);
        async move {
            match vault.call(Method::Get, "sys/leader", None).await.outcome {
                Outcome::Ok(reply)
                    if reply.body["leader_cluster_address"].as_str().is_some_and(|at| !at.is_empty()) =>
                {
                    Ok(())
                }
                Outcome::Ok(_) => Err(format!("{name} knows no leader")),
                no => Err(format!("{name}: {no}")),
            }
        }
    };
    let known = wait::until(FORMS, || try_join_all(server.nodes.iter().map(leads))).await;
    known.map(drop).map_err(|why| StackError::Vault { what: "to form a cluster", why })
}
