//! Small disks for containers: file systems in memory as the engine's volumes, and a container that holds them, so that they
//! stay while whoever writes to them is down. From that container they are looked at, filled and freed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use testcontainers::bollard::models::VolumeCreateRequest;

use super::container::{Container, ContainerError, Data};
use super::engine::{Engine, EngineError, refused};
use super::up::{Place, broken, claim};
use crate::provider::native::audit::{ENTRIES, STORAGE};
use crate::provider::native::template::Template;
use crate::provider::{Programs, UpError};
use crate::scenario;
use crate::scenario::AuditKind as Wanted;
use crate::scenario::file::Seal;
use crate::stack::audit::{AuditDevice, AuditFile, AuditKind, Receiver};
use crate::stack::disk::Disk;

/// Where they are in the containers.
const DISKS: &str = "/leaseproof/disks";
/// Writes until no more fits, and gives the last bytes back.
const FILL: &str = r#"cat /dev/zero 2>&1 > "$1" | grep -q "No space left" && truncate -s "-$2" "$1""#;
/// Where the holder finds what is to be on the disk of storage: copied from there, files take no room that they only reserve.
const TEMPLATE: &str = "/leaseproof/template";
const FILLER: &str = "filler";

/// A disk of its own as a volume.
#[derive(Debug)]
pub struct Volume {
    holder: Arc<Container>,
    /// Where it is in every container that has it.
    path: String,
}

impl Volume {
    /// What stands in a file on it.
    pub async fn read(&self, path: &Path) -> Result<Vec<u8>, ContainerError> {
        self.holder.run(&["cat", &path.display().to_string()]).await
    }

    /// How long a file on it is.
    pub async fn size(&self, path: &Path) -> Result<u64, ContainerError> {
        let said = self.holder.run(&["stat", "-c", "%s", &path.display().to_string()]).await?;
        Ok(String::from_utf8_lossy(&said).trim().parse().unwrap_or_default())
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

    fn filler(&self) -> String {
        format!("{}/{FILLER}", self.path)
    }
}

/// What the secrets server of a scenario writes to, beside its own folder.
#[derive(Default)]
pub(super) struct Disks {
    /// Volumes of its container: name, path.
    pub(super) volumes: Vec<(String, String)>,
    /// Where its data is, if not in its own folder.
    pub(super) data: Option<String>,
    pub(super) audit: Vec<AuditDevice>,
    pub(super) disk: Option<Disk>,
}

impl Place<'_> {
    /// Makes them, with their holder.
    pub(super) async fn disks(&self, programs: &Programs, wanted: &scenario::Stack) -> Result<Disks, UpError> {
        let files = wanted.audit.iter().filter_map(|device| match device.kind {
            Wanted::File { own_disk: true } => Some((device.name.as_str(), ENTRIES)),
            // It has all the room that it can use.
            Wanted::File { own_disk: false } => Some((device.name.as_str(), STORAGE)),
            Wanted::Socket => None,
        });
        let mut volumes = Vec::new();
        for (name, bytes) in files.chain(wanted.own_disk.then_some(("storage", STORAGE))) {
            let volume = self.called(&format!("disk-{name}"));
            self.docker.engine.volume(&volume, bytes, &self.labels).await.map_err(broken)?;
            volumes.push((volume, format!("{DISKS}/{name}")));
        }
        // A server that something else unseals makes its own.
        let template = match wanted.seal {
            Seal::Shamir if wanted.own_disk => Some(self.raft_template(&programs.vault, wanted.key_threshold).await?),
            _ => None,
        };
        let mut disks = Disks::default();
        if !volumes.is_empty() {
            let holder = Arc::new(self.holder(programs, &volumes, template.as_ref()).await?);
            let on = |name: &str| Volume { holder: Arc::clone(&holder), path: format!("{DISKS}/{name}") };
            for device in wanted.audit.iter().filter(|device| device.kind != Wanted::Socket) {
                let volume = on(device.name.as_str());
                let path = Path::new(&volume.path).join("audit.log");
                let file = AuditFile { path: path.clone(), disk: Some(Disk::Volume(volume)) };
                let kind = AuditKind::File { path, files: vec![file] };
                disks.audit.push(AuditDevice { name: device.name.clone(), kind });
            }
            disks.disk = wanted.own_disk.then(|| Disk::Volume(on("storage")));
            disks.data = wanted.own_disk.then(|| format!("{DISKS}/storage"));
            disks.volumes = volumes;
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
            let (from, to) = (format!("{TEMPLATE}/."), format!("{DISKS}/storage"));
            holder.run(&["cp", "-r", "--sparse=always", &from, &to]).await.map_err(broken)?;
        }
        Ok(holder)
    }
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
