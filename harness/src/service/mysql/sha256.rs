//! What a server answers to a login over `sha256_password`, which the driver does not know. MySQL asks for it, for some names,
//! where there is no such account at all, so that nobody learns which accounts there are: to hear that a dropped user is
//! refused, one has to go through with it.
//! Source: dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html

use std::io;

use mysql_async::{Error, ServerError};
use mysql_common::constants::CapabilityFlags;
use mysql_common::crypto::encrypt;
use mysql_common::io::ParseBuf;
use mysql_common::packets::{AuthPlugin, AuthSwitchRequest, HandshakePacket, HandshakeResponse};
use mysql_common::proto::MySerialize as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::service::database::Login;

/// The plugin.
pub(super) const NAME: &str = "sha256_password";

/// What a client sends for the server's public key.
const KEY_PLEASE: [u8; 1] = [1];
/// How many bytes of a nonce count.
const NONCE: usize = 20;
/// What a packet begins with.
const OK: u8 = 0x00;
const MORE: u8 = 0x01;
const SWITCH: u8 = 0xfe;
const REFUSAL: u8 = 0xff;

/// Logs in. The connection is closed again: nobody could use it.
pub(super) async fn login(host: &str, port: u16, login: &Login) -> Result<(), Error> {
    let mut wire = Wire { stream: TcpStream::connect((host, port)).await.map_err(io)?, number: 0 };
    let greeting = wire.read().await?;
    let greeting: HandshakePacket<'_> = ParseBuf(&greeting).parse(()).map_err(io)?;
    let mut nonce = greeting.nonce();
    let capabilities = CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_PLUGIN_AUTH;
    let response = HandshakeResponse::new(
        Some(&KEY_PLEASE[..]),
        greeting.server_version_parsed().unwrap_or_default(),
        Some(login.username.as_bytes()),
        None::<&[u8]>,
        Some(AuthPlugin::Other(NAME.as_bytes().into())),
        capabilities,
        None,
        1 << 24,
    );
    let mut packet = Vec::new();
    response.serialize(&mut packet);
    wire.write(&packet).await?;
    loop {
        let packet = wire.read().await?;
        match packet.first() {
            Some(&OK) => return Ok(()),
            Some(&SWITCH) => {
                let switch: AuthSwitchRequest<'_> = ParseBuf(&packet).parse(()).map_err(io)?;
                if !matches!(switch.auth_plugin(), AuthPlugin::Other(name) if name.as_ref() == NAME.as_bytes()) {
                    return Err(unexpected("the server changed its mind about how to log in"));
                }
                nonce = switch.plugin_data().to_vec();
                wire.write(&KEY_PLEASE).await?;
            }
            Some(&MORE) => {
                let password = login.password.expose().bytes().chain([0]);
                let mixed: Vec<u8> = password.zip(nonce.iter().take(NONCE).cycle()).map(|(a, b)| a ^ b).collect();
                wire.write(&encrypt(&mixed, &packet[1..])).await?;
            }
            Some(&REFUSAL) => return Err(refused(&packet)),
            _ => return Err(unexpected("the server sent what no login has")),
        }
    }
}

/// The code, `#`, the SQLSTATE, and words.
fn refused(packet: &[u8]) -> Error {
    let code = packet.get(1..3).map_or(0, |code| u16::from_le_bytes([code[0], code[1]]));
    let text = |range: &[u8]| String::from_utf8_lossy(range).into_owned();
    let (state, message) = match packet.get(3) {
        Some(b'#') => (text(packet.get(4..9).unwrap_or_default()), text(packet.get(9..).unwrap_or_default())),
        _ => (String::new(), text(packet.get(3..).unwrap_or_default())),
    };
    Error::Server(ServerError { code, message, state })
}

fn unexpected(what: &str) -> Error {
    io(io::Error::new(io::ErrorKind::InvalidData, what))
}

fn io(error: io::Error) -> Error {
    Error::Io(error.into())
}

/// Packets: three bytes of length, one of number.
struct Wire {
    stream: TcpStream,
    number: u8,
}

impl Wire {
    async fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut head = [0; 4];
        self.stream.read_exact(&mut head).await.map_err(io)?;
        self.number = head[3].wrapping_add(1);
        let mut packet = vec![0; u32::from_le_bytes([head[0], head[1], head[2], 0]) as usize];
        self.stream.read_exact(&mut packet).await.map_err(io)?;
        Ok(packet)
    }

    async fn write(&mut self, packet: &[u8]) -> Result<(), Error> {
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
        let mut bytes = vec![length[0], length[1], length[2], self.number];
        bytes.extend_from_slice(packet);
        self.stream.write_all(&bytes).await.map_err(io)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_has_the_servers_code_state_and_words() {
        let error = refused(b"\xff\x15\x04#28000Access denied for user 'x'@'y'");
        let Error::Server(ServerError { code, state, message }) = error else { panic!("{error}") };
        assert_eq!((code, state.as_str(), message.as_str()), (1045, "28000", "Access denied for user 'x'@'y'"));
    }
}
