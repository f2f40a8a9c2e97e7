//! Vault in containers: a node, and a server that stands alone.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::aws::put_in;
use super::container::Data;
use super::up::{FILES, Place, claim};
use crate::history::History;
use crate::provider::native::cluster::Laid;
use crate::provider::native::find::Found;
use crate::provider::native::part::Product;
use crate::provider::native::port::Port;
use crate::provider::native::template::Template;
use crate::provider::native::{alone, http, next_of, vault_keys};
use crate::provider::{Programs, UpError};
use crate::scenario;
use crate::scenario::file::{Endpoint, Node, Server, Storage};
use crate::service::vault::launch::{Launch, Transit};
use crate::stack::{Machine, Plugin, VaultNode, VaultServer};

/// Where it listens in its container, for clients and for its peers.
const API: u16 = 8200;
const CLUSTER: u16 = 8201;
/// Who may read what is copied into a container, whoever owned it on this machine.
const ROOT: &str = "0:0";

/// What a server is given beside its image.
pub(super) struct Extras {
    /// What unseals it, if it is not key shares.
    pub(super) seal: Option<Transit>,
    /// The AWS engine, where it has none built in.
    pub(super) plugin: Option<Plugin>,
    /// The volumes of each node's container: name, path.
    pub(super) volumes: Vec<Vec<(String, String)>>,
    /// Where it keeps its data, if not in its own folder.
    pub(super) data: Option<String>,
}

/// What a node is made of.
pub(super) struct Order<'a> {
    pub(super) server: Server,
    /// Its name in a cluster, and where its peers reach it.
    pub(super) member: Option<(Node, String)>,
    /// What its container is called.
    pub(super) called: String,
    pub(super) storage: Storage,
    pub(super) seal: Option<Transit>,
    pub(super) plugin: Option<Plugin>,
    /// For clients; and, in a cluster, for its peers.
    pub(super) ports: Vec<Port>,
    /// The address that it gives to others.
    pub(super) api: String,
    /// The folder that it starts with, and files beside what is in there.
    pub(super) data: Option<(&'a Template, Vec<(String, String)>)>,
    pub(super) volumes: Vec<(String, String)>,
    /// Where it keeps its data, if not in its own folder.
    pub(super) folder: Option<String>,
    pub(super) audited: bool,
    pub(super) more: &'a serde_json::Map<String, serde_json::Value>,
    pub(super) history: &'a History,
}

impl<'a> Order<'a> {
    /// A node on raft that stands alone, with key shares and nothing special.
    pub(super) fn alone(
        server: Server,
        ports: Vec<Port>,
        api: String,
        more: &'a serde_json::Map<String, serde_json::Value>,
        history: &'a History,
    ) -> Self {
        Self {
            server,
            member: None,
            called: server.to_string(),
            storage: Storage::Raft,
            seal: None,
            plugin: None,
            ports,
            api,
            data: None,
            volumes: Vec::new(),
            folder: None,
            audited: false,
            more,
            history,
        }
    }
}

impl Place<'_> {
    /// A node, ready to be started; without a link yet. The plugin, if it has one, as it lies in the container.
    pub(super) fn node(&self, program: &Found, order: Order<'_>) -> Result<(VaultNode, Option<Plugin>), UpError> {
        let inside = [API, CLUSTER];
        let ports = order.ports.iter().map(Port::number).zip(inside).collect();
        let mut blueprint = self.blueprint(&order.called, program, ports)?;
        let plugin = order.plugin.map(|plugin| put_in(plugin, &mut blueprint));
        let usual = match program.product {
            Product::Vault => "/vault/file",
            _ => "/openbao/file",
        };
        let data = order.folder.as_deref().unwrap_or(usual);
        blueprint.volumes = order.volumes;
        if order.data.is_some() || order.folder.is_some() {
            blueprint.user = Some(ROOT.to_owned());
        }
        if let Some((template, files)) = order.data {
            blueprint.data = Some(Data { path: data.to_owned(), from: template.data().to_owned(), files });
        }
        let (name, peers) = order.member.unzip();
        let data = PathBuf::from(data);
        let settings = Launch {
            storage: order.storage,
            data: &data,
            listen: format!("0.0.0.0:{API}"),
            node_id: name.map_or_else(|| "one".to_owned(), |name| name.to_string()),
            seal: order.seal,
            cluster: format!("0.0.0.0:{CLUSTER}"),
            clustered: name.is_some(),
            peers: peers.unwrap_or_else(|| format!("{}:{CLUSTER}", blueprint.name)),
            api: order.api,
            hashicorp: program.product == Product::Vault,
            plugins: plugin.as_ref().map(|plugin| plugin.folder.as_path()),
            audited: order.audited,
            more: order.more,
        };
        let file = format!("{FILES}/vault.json");
        blueprint.arguments = vec!["server".to_owned(), format!("-config={file}")];
        blueprint.files = vec![(file, settings.configuration())];
        let api_of_peers = Some(format!("{}:{API}", blueprint.name));
        let direct = http(order.ports[0].address(), order.history)?;
        let machine = Machine::new(order.server, self.container(blueprint), order.history.clone()).keeping(order.ports);
        let node = VaultNode {
            machine: match name {
                Some(name) => machine.of_node(name),
                None => machine,
            },
            name: name.unwrap_or(Node::Vault1),
            data,
            api_of_peers,
            linked: direct.clone(),
            direct,
            has_moved: AtomicBool::new(false),
        };
        Ok((node, plugin))
    }

    /// The secrets server: active, with its links.
    pub(super) async fn vault(
        &self,
        programs: &Programs,
        wanted: &scenario::Stack,
        extras: Extras,
    ) -> Result<(VaultServer, Vec<Laid>), UpError> {
        let Extras { seal, plugin, volumes, data: folder } = extras;
        if wanted.nodes > 1 {
            return self.cluster(programs, wanted, plugin, volumes).await;
        }
        let program = &programs.vault;
        let port = claim()?;
        let link = self.link(Endpoint::Clients, Endpoint::Vault, 0, port.address()).await?;
        let sealed_elsewhere = seal.is_some();
        // A folder that key shares unseal is of no use to a server that something else does.
        let template = match wanted.storage {
            Storage::Raft if !sealed_elsewhere => Some(self.raft_template(program, wanted.key_threshold).await?),
            _ => None,
        };
        let order = Order {
            storage: wanted.storage,
            seal,
            plugin,
            // On a disk of its own it lies already.
            data: template.as_ref().filter(|_| folder.is_none()).map(|template| (template, Vec::new())),
            volumes: volumes.into_iter().next().unwrap_or_default(),
            folder,
            audited: !wanted.audit.is_empty(),
            ..Order::alone(Server::Vault, vec![port], link.address().to_string(), &wanted.configuration, self.history)
        };
        let (node, plugin) = self.node(program, order)?;
        let mut server = alone(node, wanted.storage, program).await?;
        server.linked = http(link.address(), self.history)?;
        server.nodes[0].linked = server.linked.clone();
        (server.aws_plugin, server.next) = (plugin, next_of(programs, None, None));
        let secrets = self.history.secrets();
        let keys = match &template {
            Some(template) => vault_keys::read(&template.data().join(vault_keys::FILE), secrets)?,
            None if sealed_elsewhere => vault_keys::init_sealed_elsewhere(&server.direct, secrets).await?,
            None => vault_keys::init(&server.direct, wanted.key_threshold, secrets).await?,
        };
        (server.keys, server.root_token) = (keys.unseal, keys.root);
        server.unseal_anew(sealed_elsewhere, self.history).await?;
        Ok((server, vec![(Endpoint::Clients, Endpoint::Vault, link)]))
    }
}
