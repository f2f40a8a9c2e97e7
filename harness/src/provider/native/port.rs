//! Loopback TCP ports that stay ours while a server is down: claimed by a lock, outside what the kernel hands out.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use rand::RngExt as _;

use super::claim::{self, Claim};

/// Ports are taken from here, less what the kernel gives to outgoing connections.
const USABLE: RangeInclusive<u16> = 15_000..=65_000;
/// Fewer ports than this outside the kernel's range, and the whole of [`USABLE`] is taken instead.
const FEWEST: usize = 512;
/// What Linux uses when it does not say.
const KERNEL_DEFAULT: RangeInclusive<u16> = 32_768..=60_999;

/// What to do about a port that was free when it was claimed.
pub const TAKEN: &str = "; something else took that port while nobody of this run listened on it: `ss -ltnp` shows who has it; run it again";

/// A loopback port that no other run takes until this is dropped, whether a server listens on it or not.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _claim: Claim,
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
        claim::open_to_all(folder).map_err(|source| PortError::Folder { path: folder.into(), source })?;
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

    /// Whether somebody listens on it.
    pub fn is_taken(&self) -> bool {
        TcpListener::bind(self.address()).is_err()
    }

    /// The claim on this very port; `None` when it is claimed or listened on.
    fn try_claim(folder: &Path, number: u16) -> Result<Option<Self>, PortError> {
        let name = number.to_string();
        let taken = Claim::try_take(folder, &name);
        let Some(claim) = taken.map_err(|source| PortError::Folder { path: folder.join(name), source })? else {
            return Ok(None);
        };
        // A claim excludes other runs, not other programs.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok();
        Ok(free.then_some(Self { number, _claim: claim }))
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
        assert!(Claim::try_take(folder.path(), &number.to_string()).unwrap().is_some());
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
}
