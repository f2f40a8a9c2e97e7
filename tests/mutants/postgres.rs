//! The intermediary between Vault and PostgreSQL: it knows enough of the protocol to find the text of a statement, and puts
//! another in its place.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::mutant::SqlRule;
use crate::planted::{Counted, State};

/// The request for TLS and the one for GSS encryption: each is answered with one byte, and another start follows.
const ENCRYPTION: [u32; 2] = [80_877_103, 80_877_104];

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
            let start = untyped(&mut from_client).await?;
            to_server.write_all(&start).await?;
            let code = start.get(4..8).and_then(|code| code.try_into().ok()).map(u32::from_be_bytes);
            if !code.is_some_and(|code| ENCRYPTION.contains(&code)) {
                break;
            }
        }
        loop {
            let kind = from_client.read_u8().await?;
            let message = untyped(&mut from_client).await?;
            let message = changed(kind, message, rules, state);
            to_server.write_all(&[&[kind], message.as_slice()].concat()).await?;
        }
    };
    let down = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        ended = up => ended,
        ended = down => ended.map(|_| ()),
    }
}

/// A message without its type: its length, which counts itself, and what follows.
async fn untyped(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = length.to_be_bytes().to_vec();
    message.resize(usize::try_from(length).unwrap_or(4).max(4), 0);
    from.read_exact(&mut message[4..]).await?;
    Ok(message)
}

/// The message, with another statement in it if a rule says so.
fn changed(kind: u8, message: Vec<u8>, rules: &[Counted<SqlRule>], state: &State) -> Vec<u8> {
    // A query is its text; a statement to be prepared has a name before it and its parameters after.
    let name = match kind {
        b'Q' => 0,
        b'P' => message[4..].iter().position(|byte| *byte == 0).map_or(0, |end| end + 1),
        _ => return message,
    };
    let (before, rest) = message.split_at(4 + name);
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return message };
    let Ok(statement) = std::str::from_utf8(&rest[..end]) else { return message };
    let Some(instead) = substitute(statement, rules, state) else { return message };
    let body = [&before[4..], instead.as_bytes(), &rest[end..]].concat();
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [length.to_be_bytes().as_slice(), &body].concat()
}

/// What a rule puts in the place of a statement, if one does.
pub(crate) fn substitute(statement: &str, rules: &[Counted<SqlRule>], state: &State) -> Option<String> {
    if !state.is_armed() {
        return None;
    }
    let matching = rules.iter().find(|counted| statement.contains(counted.rule.contains))?;
    if !matching.rule.turns.has(matching.next()) {
        return None;
    }
    state.did();
    Some((matching.rule.instead)(statement))
}
