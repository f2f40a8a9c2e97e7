//! Loopback TCP ports that stay ours while a server is down: claimed by a lock, outside what the kernel hands out.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;
use rand::RngExt as _;

/// Ports are taken from here, less what the kernel gives to outgoing connections.
const USABLE: RangeInclusive<u16> = 15_000..=65_000;
/// Fewer ports than this outside the kernel's range, and the whole of [`USABLE`] is taken instead.
const FEWEST: usize = 512;
/// What Linux uses when it does not say.
const KERNEL_DEFAULT: RangeInclusive<u16> = 32_768..=60_999;

/// A loopback port that no other run takes until this is dropped, whether a server listens on it or not.
#[derive(Debug)]
pub struct Port {
    number: u16,
    claim: File,
}

/// Why no port could be claimed.
#[derive(Debug, thiserror::Error)]
pub enum PortError {
    /// The folder in which ports are claimed cannot be used.
    #[error("cannot use {} to claim ports: {source}; make it a folder that every user may write to, or remove it", path.display())]
    Folder {
        /// The folder, or the claim in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Every port is claimed or listened on.
    #[error("none of the {tried} loopback ports tried is free; end what listens there, or wait for other runs")]
    NoneFree {
        /// How many ports were tried.
        tried: usize,
    },
}

impl Port {
    /// Claims a free port, starting the search at random so that runs seldom meet.
    pub fn claim() -> Result<Self, PortError> {
        // One folder for all users of the machine: ports are shared by all of them too.
        Self::claim_in(&std::env::temp_dir().join("leaseproof-ports"))
    }

    /// Claims a free port by a lock in the given folder; only claims in the same folder exclude each other.
    pub fn claim_in(folder: &Path) -> Result<Self, PortError> {
        open_to_all(folder).map_err(|source| PortError::Folder { path: folder.into(), source })?;
        let candidates = candidates(&kernel_range());
        let first = rand::rng().random_range(0..candidates.len());
        for &number in candidates[first..].iter().chain(&candidates[..first]) {
            if let Some(port) = Self::try_claim(folder, number)? {
                return Ok(port);
            }
        }
        Err(PortError::NoneFree { tried: candidates.len() })
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }

    /// The claim on this very port; `None` when it is claimed or listened on.
    fn try_claim(folder: &Path, number: u16) -> Result<Option<Self>, PortError> {
        let path = folder.join(number.to_string());
        let failed = |source| PortError::Folder { path: path.clone(), source };
        let claim = open_claim(&path).map_err(failed)?;
        match claim.try_lock() {
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
            Ok(()) => {}
        }
        // A claim excludes other runs, not other programs.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(free.then_some(Self { number, claim }))
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        // Closing is not enough: a process that is just being forked may hold the same open file for a moment more.
        // Nothing can be done where unlocking fails, and closing follows anyway.
        let _ = self.claim.unlock();
    }
}

/// Makes the folder if it is missing, writable to everyone as /tmp is: the next run may be another user's.
fn open_to_all(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o1777)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens the file that stands for a port. An existing one is only read, as it may be another user's, and a link is not
/// followed. It is never removed: a lock on a removed file excludes nobody.
fn open_claim(path: &Path) -> io::Result<File> {
    let existing = || OpenOptions::new().read(true).custom_flags(OFlag::O_NOFOLLOW.bits()).open(path);
    match existing() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => existing(),
        Err(error) => Err(error),
        Ok(file) => {
            // Whatever our umask: other users must be able to open it, or this port is lost to them.
            file.set_permissions(Permissions::from_mode(0o644))?;
            Ok(file)
        }
    }
}

/// The ports that the kernel gives to outgoing connections: any of them can be taken while our server is down.
fn kernel_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    parse_range(&text).unwrap_or(KERNEL_DEFAULT)
}

fn parse_range(text: &str) -> Option<RangeInclusive<u16>> {
    let mut bounds = text.split_whitespace().map(str::parse);
    Some(bounds.next()?.ok()?..=bounds.next()?.ok()?)
}

fn candidates(kernel: &RangeInclusive<u16>) -> Vec<u16> {
    let outside: Vec<u16> = USABLE.filter(|port| !kernel.contains(port)).collect();
    // Some machines give nearly all ports to outgoing connections. A port that is only very likely to stay ours is then
    // better than none.
    if outside.len() < FEWEST { USABLE.collect() } else { outside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_port_is_not_claimed_twice_and_is_free_again_when_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::claim_in(folder.path()).unwrap();
        let number = port.number();
        assert!(Port::try_claim(folder.path(), number).unwrap().is_none());
        drop(port);
        // Another program may have taken the port by now, but the lock must be free.
        assert!(open_claim(&folder.path().join(number.to_string())).unwrap().try_lock().is_ok());
    }

    #[test]
    fn a_port_that_another_program_listens_on_is_not_claimed() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let number = listener.local_addr().unwrap().port();
        assert!(Port::try_claim(folder.path(), number).unwrap().is_none());
    }

    #[test]
    fn a_claimed_port_lies_outside_what_the_kernel_hands_out() {
        let folder = tempfile::tempdir().unwrap();
        let port = Port::claim_in(folder.path()).unwrap();
        let kernel = kernel_range();
        assert!(!kernel.contains(&port.number()) || candidates(&kernel).len() == USABLE.count());
    }

    #[test]
    fn a_kernel_that_hands_out_nearly_all_ports_still_leaves_some_to_claim() {
        assert_eq!(candidates(&(1024..=65_535)).len(), USABLE.count());
        assert_eq!(candidates(&(32_768..=60_999)).first(), Some(&15_000));
        assert!(!candidates(&(32_768..=60_999)).contains(&40_000));
    }

    #[test]
    fn many_threads_claim_many_ports_and_no_two_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let ports: Vec<Port> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| (0..8).map(|_| Port::claim_in(folder.path()).unwrap()).collect::<Vec<_>>()))
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 128);
    }

    #[test]
    fn a_link_in_place_of_a_claim_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("elsewhere");
        fs::write(&target, "").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("20000")).unwrap();
        assert!(open_claim(&folder.path().join("20000")).is_err());
    }
}
