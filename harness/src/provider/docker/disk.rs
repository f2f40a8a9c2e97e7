//! Small disks for containers: file systems in memory as the engine's volumes, and a container that holds them, so that they
//! stay while whoever writes to them is down. From that container they are looked at, filled and freed.

use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::sync::Arc;

use testcontainers::bollard::models::VolumeCreateRequest;

use super::container::{Container, ContainerError, Data};
use super::engine::{Engine, EngineError, refused};
use super::up::{Place, broken, claim};
use crate::provider::native::audit::{ENTRIES, FILE, STORAGE};
use crate::provider::native::template::Template;
use crate::provider::{Programs, UpError};
use crate::scenario;
use crate::scenario::AuditKind as Wanted;
use crate::scenario::file::Seal;
use crate::stack::audit::{AuditDevice, AuditFile, AuditKind, Receiver};
use crate::stack::disk::Disk;

/// Where they are in the containers.
const DISKS: &str = "/leaseproof/disks";
/// Says what stands in a file, and before that one byte, by which an empty file is told from one that is not there.
const READ: &str = r#"if [ -e "$1" ]; then printf . && cat "$1"; fi"#;
/// Moves a file away and makes a folder in its place; says so if there was one.
const BLOCK: &str = r#"if [ -e "$1" ]; then mv "$1" "$2" && mkdir "$1" && echo moved; fi"#;
/// Puts it back.
const UNBLOCK: &str = r#"if [ -e "$2" ]; then rmdir "$1" && mv "$2" "$1"; fi"#;
/// Writes until no more fits, and gives the last bytes back.
const FILL: &str = r#"cat /dev/zero 2>&1 > "$1" | grep -q "No space left" && truncate -s "-$2" "$1""#;
/// Where the holder finds what is to be on the disk of storage: copied from there, files take no room that they only reserve.
const TEMPLATE: &str = "/leaseproof/template";
const FILLER: &str = "filler";
/// The disk of storage. Those of audit devices have names that begin otherwise.
const STORED: &str = "storage";

/// A disk of its own as a volume.
#[derive(Debug)]
pub struct Volume {
    holder: Arc<Container>,
    /// Where it is in every container that has it.
    path: String,
}

impl Volume {
    /// What stands in a file on it.
    pub async fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let said = self.sh(READ, &[path]).await.map_err(io::Error::other)?;
        said.split_first().map(|(_, bytes)| bytes.to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// How long a file on it is.
    pub async fn size(&self, path: &Path) -> Result<u64, ContainerError> {
        let said = self.holder.run(&["stat", "-c", "%s", &path.display().to_string()]).await?;
        Ok(String::from_utf8_lossy(&said).trim().parse().unwrap_or_default())
    }

    /// Moves a file on it away and has a folder lie in its place; `false` when there is no such file.
    pub async fn block(&self, path: &Path, aside: &Path) -> Result<bool, ContainerError> {
        Ok(!self.sh(BLOCK, &[path, aside]).await?.is_empty())
    }

    /// Puts it back.
    pub async fn unblock(&self, path: &Path, aside: &Path) -> Result<(), ContainerError> {
        self.sh(UNBLOCK, &[path, aside]).await.map(drop)
    }

    /// Fills it to the last page, and gives so many bytes back.
    pub async fn fill(&self, leaves: u32) -> Result<(), ContainerError> {
        self.holder.run(&["sh", "-c", FILL, "sh", &self.filler(), &leaves.to_string()]).await.map(drop)
    }

    /// Gives back what filled it.
    pub async fn free(&self) -> Result<(), ContainerError> {
        self.holder.run(&["rm", "-f", &self.filler()]).await.map(drop)
    }

    /// Ends what holds it, and with that the disk.
    pub async fn remove(&self) -> Result<(), ContainerError> {
        self.holder.remove().await
    }

    /// Runs a script in the container that holds it.
    async fn sh(&self, script: &str, paths: &[&Path]) -> Result<Vec<u8>, ContainerError> {
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        let words: Vec<&str> = ["sh", "-c", script, "sh"].into_iter().chain(paths.iter().map(String::as_str)).collect();
        self.holder.run(&words).await
    }

    fn filler(&self) -> String {
        format!("{}/{FILLER}", self.path)
    }
}

/// What the secrets server of a scenario writes to, beside its own folder.
#[derive(Default)]
pub(super) struct Disks {
    /// The volumes of each node's container: name, path. All nodes have them at the same paths.
    pub(super) volumes: Vec<Vec<(String, String)>>,
    /// Where its data is, if not in its own folder.
    pub(super) data: Option<String>,
    pub(super) audit: Vec<AuditDevice>,
    pub(super) disk: Option<Disk>,
}

impl Place<'_> {
    /// Makes them, with their holder.
    pub(super) async fn disks(&self, programs: &Programs, wanted: &scenario::Stack) -> Result<Disks, UpError> {
        let files = wanted.audit.iter().filter_map(|device| match device.kind {
            Wanted::File { own_disk: true } => Some((format!("audit-{}", device.name), ENTRIES)),
            // It has all the room that it can use.
            Wanted::File { own_disk: false } => Some((format!("audit-{}", device.name), STORAGE)),
            Wanted::Socket => None,
        });
        let storage = wanted.own_disk.then(|| (STORED.to_owned(), STORAGE));
        let (mut held, mut volumes) = (Vec::new(), vec![Vec::new(); usize::from(wanted.nodes)]);
        for (name, bytes) in files.chain(storage) {
            for (node, volumes) in (1..).zip(&mut volumes) {
                let own = of_node(&name, node, wanted.nodes);
                let volume = self.called(&format!("disk-{own}"));
                self.docker.engine.volume(&volume, bytes, &self.labels).await.map_err(broken)?;
                held.push((volume.clone(), format!("{DISKS}/{own}")));
                volumes.push((volume, format!("{DISKS}/{name}")));
            }
        }
        // A server that something else unseals makes its own.
        let template = match wanted.seal {
            Seal::Shamir if wanted.own_disk => Some(self.raft_template(&programs.vault, wanted.key_threshold).await?),
            _ => None,
        };
        let mut disks = Disks { volumes, ..Disks::default() };
        if !held.is_empty() {
            let holder = Arc::new(self.holder(programs, &held, template.as_ref()).await?);
            let on = |name: &str| Volume { holder: Arc::clone(&holder), path: format!("{DISKS}/{name}") };
            for device in wanted.audit.iter().filter(|device| device.kind != Wanted::Socket) {
                let name = format!("audit-{}", device.name);
                let file = |node| {
                    let volume = on(&of_node(&name, node, wanted.nodes));
                    AuditFile { path: Path::new(&volume.path).join(FILE), disk: Some(Disk::Volume(volume)) }
                };
                let (path, files) = (Path::new(DISKS).join(&name).join(FILE), (1..=wanted.nodes).map(file).collect());
                disks.audit.push(AuditDevice { name: device.name.clone(), kind: AuditKind::File { path, files } });
            }
            disks.disk = wanted.own_disk.then(|| Disk::Volume(on(STORED)));
            disks.data = wanted.own_disk.then(|| format!("{DISKS}/{STORED}"));
        }
        for device in wanted.audit.iter().filter(|device| device.kind == Wanted::Socket) {
            let receiver = Receiver::listen(claim()?, self.network.gateway).await;
            let receiver = receiver.map_err(|error| UpError::Machine(format!("an audit device: {error}")))?;
            disks.audit.push(AuditDevice { name: device.name.clone(), kind: AuditKind::Socket(receiver) });
        }
        // They are enabled in the order of the scenario.
        disks.audit.sort_by_key(|device| wanted.audit.iter().position(|wanted| wanted.name == device.name));
        Ok(disks)
    }

    /// What holds them: PostgreSQL's image has the programs that it takes, which that of a secrets server need not have.
    async fn holder(
        &self,
        programs: &Programs,
        volumes: &[(String, String)],
        template: Option<&Template>,
    ) -> Result<Container, UpError> {
        let image = programs.postgres.as_ref();
        let image = image.ok_or_else(|| UpError::Machine("there is no image to hold a disk".to_owned()))?;
        let mut blueprint = self.blueprint(&"disks", image, Vec::new())?;
        blueprint.program = Some("tail".to_owned());
        blueprint.arguments = ["-f", "/dev/null"].map(str::to_owned).to_vec();
        // Who may read what others have written.
        blueprint.user = Some("0:0".to_owned());
        blueprint.volumes = volumes.to_vec();
        blueprint.data = template.map(|template| Data {
            path: TEMPLATE.to_owned(),
            from: template.data().to_owned(),
            files: Vec::new(),
        });
        let holder = self.container(blueprint);
        holder.start().await.map_err(broken)?;
        if template.is_some() {
            let (from, to) = (format!("{TEMPLATE}/."), format!("{DISKS}/{STORED}"));
            holder.run(&["cp", "-r", "--sparse=always", &from, &to]).await.map_err(broken)?;
        }
        Ok(holder)
    }
}

/// What the disk of a node is called where those of all nodes are.
fn of_node(name: &str, node: u8, nodes: u8) -> String {
    if nodes > 1 { format!("{name}-{node}") } else { name.to_owned() }
}

impl Engine {
    /// Makes a file system in memory of so many bytes, to which everybody may write. It is there while a container has it.
    async fn volume(&self, name: &str, bytes: u64, labels: &[(String, String)]) -> Result<(), EngineError> {
        let options = [("type", "tmpfs"), ("device", "tmpfs"), ("o", &format!("size={bytes},mode=1777"))];
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            driver_opts: Some(options.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
            labels: Some(labels.iter().cloned().collect::<HashMap<_, _>>()),
            ..VolumeCreateRequest::default()
        };
        let made = self.client().create_volume(request).await;
        made.map(drop).map_err(|error| refused(&format!("make the volume {name}"), &error))
    }
}
