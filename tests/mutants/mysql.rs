//! The intermediary between Vault and MySQL: it knows enough of the protocol to find the text of a statement, and puts another
//! in its place.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::mutant::SqlRule;
use crate::planted::{Counted, State};
use crate::postgres::substitute;

/// The commands that carry a statement: a query, and one to be prepared.
const STATEMENTS: [u8; 2] = [0x03, 0x16];

/// Serves until it is dropped.
pub(crate) async fn serve(listener: TcpListener, real: String, rules: Vec<Counted<SqlRule>>, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let (real, rules, state) = (real.clone(), rules.clone(), state.clone());
        tokio::spawn(async move {
            // What a broken connection comes to is seen at its two ends.
            let _ = pass(client, &real, &rules, &state).await;
        });
    }
}

async fn pass(client: TcpStream, real: &str, rules: &[Counted<SqlRule>], state: &State) -> io::Result<()> {
    let server = TcpStream::connect(real).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let up = async {
        loop {
            // Three bytes of length, the least first, and the number of the packet within its exchange.
            let mut head = [0_u8; 4];
            from_client.read_exact(&mut head).await?;
            let [low, middle, high, number] = head;
            let mut packet = vec![0; u32::from_le_bytes([low, middle, high, 0]) as usize];
            from_client.read_exact(&mut packet).await?;
            let instead = statement(number, &packet).and_then(|statement| substitute(statement, rules, state));
            if let Some(instead) = instead {
                packet.truncate(1);
                packet.extend_from_slice(instead.as_bytes());
            }
            let [low, middle, high, _] = u32::try_from(packet.len()).unwrap_or(u32::MAX).to_le_bytes();
            to_server.write_all(&[[low, middle, high, number].as_slice(), &packet].concat()).await?;
        }
    };
    let down = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        ended = up => ended,
        ended = down => ended.map(|_| ()),
    }
}

/// The text of a statement, if that is what a packet carries. A command begins an exchange, so its number is 0; what a client
/// says of itself when it logs in has a higher one.
fn statement(number: u8, packet: &[u8]) -> Option<&str> {
    let (command, text) = packet.split_first()?;
    if number == 0 && STATEMENTS.contains(command) { std::str::from_utf8(text).ok() } else { None }
}
