//! A port that stays the proxy's own, whether it listens or not.
//!
//! A socket that is bound but does not listen holds the port: Linux answers connection attempts with a reset, which the
//! client knows as "connection refused", and gives the port to nobody else. The listener is a second socket beside it.
//! Both may share the port because both have SO_REUSEADDR; while nobody listens, the holder gives that up, or any
//! server that sets it (most do) could take the port.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

/// Connections that may wait for being accepted.
const BACKLOG: i32 = 1024;

/// A port held, and at times listened on.
pub(crate) struct Port {
    address: SocketAddr,
    holder: Socket,
    listener: Option<TcpListener>,
}

impl Port {
    /// Takes a port (0: any that is free) and listens on it. Needs a tokio runtime around it.
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let holder = bound(address)?;
        let address = holder.local_addr()?.as_socket().unwrap_or(address);
        let mut port = Self { address, holder, listener: None };
        port.listen()?;
        Ok(port)
    }

    /// The address, with the port that it really is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where connections come in, while they do.
    pub(crate) fn listener(&self) -> Option<&TcpListener> {
        self.listener.as_ref()
    }

    /// Listens; nothing changes if it does already, or if it fails.
    pub(crate) fn listen(&mut self) -> io::Result<()> {
        if self.listener.is_none() {
            self.holder.set_reuse_address(true)?;
            match listening(self.address) {
                Ok(listener) => self.listener = Some(listener),
                Err(e) => {
                    self.refuse();
                    return Err(e);
                }
            }
        }
        Ok(())
    }

    /// Refuses connections from now on, and keeps the port.
    pub(crate) fn refuse(&mut self) {
        self.listener = None;
        // It can fail only for what is no open socket.
        let _ = self.holder.set_reuse_address(false);
    }

    /// A connection that the kernel has completed by now, whether tokio knows of it yet or not.
    pub(crate) fn accept_now(&self) -> Option<TcpStream> {
        let (client, _) = socket2::SockRef::from(self.listener.as_ref()?).accept().ok()?;
        client.set_nonblocking(true).ok()?;
        TcpStream::from_std(client.into()).ok()
    }
}

fn listening(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = bound(address)?;
    listener.listen(BACKLOG)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener.into())
}

fn bound(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream as StdStream};

    use super::*;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn a_port_that_refuses_is_given_to_nobody_else() {
        let mut port = Port::open(ANY).unwrap();
        for _ in 0..3 {
            let clients: Vec<_> = (0..4).map(|_| StdStream::connect(port.address()).unwrap()).collect();
            // A client may know of its connection a little before the listener does.
            let accepted: Vec<_> =
                clients.iter().map(|_| std::iter::repeat_with(|| port.accept_now()).flatten().next()).collect();
            port.refuse();
            // Closing on this side first leaves connections in TIME_WAIT on the port, as a stack's faults do.
            drop(accepted);
            assert_eq!(StdStream::connect(port.address()).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
            // tokio and std both set SO_REUSEADDR; the third is any-address, the last one sets nothing.
            let thieves = [
                TcpListener::bind(port.address()).await.map(drop),
                std::net::TcpListener::bind(port.address()).map(drop),
                std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port.address().port())).map(drop),
                Socket::new(Domain::IPV4, Type::STREAM, None).and_then(|s| s.bind(&port.address().into())),
            ];
            for theft in thieves {
                assert_eq!(theft.unwrap_err().kind(), io::ErrorKind::AddrInUse);
            }
            port.listen().unwrap();
        }
    }

    #[tokio::test]
    async fn a_port_in_use_is_not_shared() {
        let port = Port::open(ANY).unwrap();
        let Err(second) = Port::open(port.address()) else { panic!("two listeners on one port") };
        assert_eq!(second.kind(), io::ErrorKind::AddrInUse);
    }
}
