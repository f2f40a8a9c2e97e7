//! Who opened a connection: which of some processes of this machine holds its other end, as /proc tells.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4};

/// The place of the process, among these, that holds the end at `client` of a connection to `server`; none when it is no
/// process of them, or the connection is over already.
pub(super) fn dialer(client: SocketAddr, server: SocketAddr, among: &[Option<i32>]) -> Option<usize> {
    let (SocketAddr::V4(client), SocketAddr::V4(server)) = (client, server) else { return None };
    let socket = format!("socket:[{}]", inode(&fs::read_to_string("/proc/net/tcp").ok()?, client, server)?);
    among.iter().position(|pid| pid.is_some_and(|pid| holds(pid, &socket)))
}

/// The inode of the socket that is at one address and leads to the other.
fn inode(table: &str, local: SocketAddrV4, remote: SocketAddrV4) -> Option<u64> {
    let (local, remote) = (hex(local), hex(remote));
    table.lines().find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let ours = fields.next() == Some(local.as_str()) && fields.next() == Some(remote.as_str());
        // State, queues, timer, retransmissions, user, timeout, and then the inode; 0 once no process holds the socket.
        ours.then(|| fields.nth(6)?.parse().ok().filter(|inode| *inode != 0)).flatten()
    })
}

/// As the kernel writes an address: the bytes of the host in the machine's own order.
fn hex(address: SocketAddrV4) -> String {
    format!("{:08X}:{:04X}", u32::from_ne_bytes(address.ip().octets()), address.port())
}

fn holds(pid: i32, socket: &str) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == socket))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_process_that_opened_a_connection_is_known_until_it_closes_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (_server, from) = listener.accept().unwrap();
        let at = listener.local_addr().unwrap();
        let me = i32::try_from(std::process::id()).unwrap();
        assert_eq!(dialer(from, at, &[None, Some(1), Some(me)]).filter(|at| *at == 2), Some(2));
        assert_eq!(dialer(from, at, &[None]), None);
        drop(client);
        assert_eq!(dialer(from, at, &[Some(me)]), None);
    }

    #[test]
    fn only_the_line_with_both_addresses_counts() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 111 1 x\n\
            1: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 222 1 x\n";
        let address = |port| SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, port);
        if cfg!(target_endian = "little") {
            assert_eq!(inode(table, address(50_000), address(8_080)), Some(222));
            assert_eq!(inode(table, address(50_000), address(8_081)), None);
        }
    }
}
