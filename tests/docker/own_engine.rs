//! A second Docker engine of the test's own, with all that it stores on a small file system in memory: in a mount namespace
//! that goes with it, on networks that it does not share with the usual one.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;

/// Mounts the file system and becomes the engine, which ends with the thread that started it. Where the system has a
/// containerd for all engines, this one is not to find it: that one's containers would not see what is mounted here.
const START: &str = r#"set -e
mount -t tmpfs -o "size=$2" leaseproof "$1/data"
if [ -d /run/containerd ]; then mount -t tmpfs leaseproof /run/containerd; fi
exec setpriv --pdeathsig TERM dockerd --config-file "$1/daemon.json" --host "unix://$1/docker.sock" --pidfile "$1/pid" \
    --data-root "$1/data" --exec-root "$1/exec" --bridge none --iptables=false --ip-forward=false \
    --default-address-pool base=10.213.0.0/16,size=24"#;
/// Room for the images, and for what unpacking them takes meanwhile.
const SIZE: u64 = 3 << 30;
/// How long it may take to start, or to end. It takes a second or two.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct OwnEngine {
    folder: tempfile::TempDir,
    daemon: Child,
}

impl OwnEngine {
    /// Starts it, and gives it these images of the usual engine.
    pub(crate) fn start(images: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for made in ["data", "exec"] {
            fs::create_dir(folder.path().join(made)).unwrap();
        }
        fs::write(folder.path().join("daemon.json"), "{}").unwrap();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "sh", "-c", START, "sh"]).arg(folder.path()).arg(SIZE.to_string());
        unshare.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).process_group(0);
        let engine = Self { daemon: unshare.spawn().unwrap(), folder };
        let end = Instant::now() + PATIENCE;
        while !engine.client(&["info"]).output().unwrap().status.success() {
            assert!(Instant::now() < end, "it does not answer; it said:\n{}", engine.log());
            std::thread::sleep(Duration::from_millis(100));
        }
        let mut save = Command::new("docker").arg("save").args(images).stdout(Stdio::piped()).spawn().unwrap();
        let mut load = engine.client(&["load", "--quiet"]);
        let loaded = load.stdin(save.stdout.take().unwrap()).output().unwrap();
        assert!(save.wait().unwrap().success() && loaded.status.success(), "{loaded:?}\n{}", engine.log());
        engine
    }

    /// Where it is, as DOCKER_HOST names it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.folder.path().join("docker.sock").display())
    }

    /// Makes its disk so small that just so many bytes are left on it.
    pub(crate) fn leave(&self, bytes: u64) {
        let pid = self.daemon.id();
        let data = self.folder.path().join("data");
        let seen = statvfs(&PathBuf::from(format!("/proc/{pid}/root{}", data.display()))).unwrap();
        let used = (seen.blocks() - seen.blocks_free()) * seen.fragment_size();
        let mut enter = Command::new("nsenter");
        enter.args(["--mount", "--target", &pid.to_string(), "mount", "-o"]);
        enter.arg(format!("remount,size={}", used + bytes)).arg(&data);
        assert!(enter.status().unwrap().success(), "the disk cannot be made smaller");
    }

    fn client(&self, words: &[&str]) -> Command {
        let mut docker = Command::new("docker");
        docker.args(words).env("DOCKER_HOST", self.host()).stdout(Stdio::null()).stderr(Stdio::null());
        docker
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        let Ok(pid) = i32::try_from(self.daemon.id()) else { return };
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        let end = Instant::now() + PATIENCE;
        while matches!(self.daemon.try_wait(), Ok(None)) {
            if Instant::now() > end {
                let _ = self.daemon.kill();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
