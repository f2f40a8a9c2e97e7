//! Who opened a connection: which of some processes of this machine holds its other end, as the kernel tells.

use std::fs;
use std::io;
use std::net::SocketAddr;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as Kernel};

/// The place of the process, among these, that holds the end at `client` of a connection to `server`; none when it is no
/// process of them, or the connection is over already.
pub(super) fn dialer(client: SocketAddr, server: SocketAddr, among: &[Option<i32>]) -> Option<usize> {
    let socket = format!("socket:[{}]", inode(client, server).ok()??);
    among.iter().position(|pid| pid.is_some_and(|pid| holds(pid, &socket)))
}

/// The inode of the socket that is at one address and leads to the other. Asked of the kernel by these two: `/proc/net/tcp`
/// tells it too, but writes out every connection of the machine first, and whoever waits for that decides late.
fn inode(local: SocketAddr, remote: SocketAddr) -> io::Result<Option<u32>> {
    let SocketAddr::V4(_) = local else { return Ok(None) };
    let mut kernel = Socket::new(NETLINK_SOCK_DIAG)?;
    kernel.bind_auto()?;
    kernel.connect(&Kernel::new(0, 0))?;
    let socket_id = SocketId {
        source_address: local.ip(),
        source_port: local.port(),
        destination_address: remote.ip(),
        destination_port: remote.port(),
        // Any: a cookie would ask for one socket that was seen before.
        cookie: [0xff; 8],
        ..SocketId::new_v4()
    };
    let request = InetRequest {
        family: AF_INET,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::empty(),
        states: StateFlags::all(),
        socket_id,
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut question = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    question.finalize();
    let mut bytes = vec![0; question.buffer_len()];
    question.serialize(&mut bytes);
    kernel.send(&bytes, 0)?;
    let (answer, _) = kernel.recv_from_full()?;
    let answer = NetlinkMessage::<SockDiagMessage>::deserialize(&answer).map_err(io::Error::other)?;
    let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(found)) = answer.payload else { return Ok(None) };
    // A listener answers for a connection that is over; and no process holds the inode 0.
    let id = &found.header.socket_id;
    let same = (id.destination_address, id.destination_port) == (remote.ip(), remote.port());
    Ok(Some(found.header.inode).filter(|inode| same && *inode != 0))
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
    fn a_listener_at_the_address_is_not_taken_for_a_connection_from_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = "127.0.0.1:9".parse().unwrap();
        assert_eq!(inode(listener.local_addr().unwrap(), nobody).unwrap(), None);
    }
}
