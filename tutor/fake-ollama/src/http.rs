//! Just enough HTTP/1.1: one request a connection, the answer in chunks.

use std::io;
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{After, Reply, Seen, Shared, lock, obedient};

const MOST_REQUEST_BYTES: usize = 8 << 20;

/// Counts a request as open for as long as it lives.
struct Open<'a> {
    shared: &'a Shared,
    over: bool,
}

impl<'a> Open<'a> {
    fn new(shared: &'a Shared) -> Open<'a> {
        shared.seen.send_modify(|seen| *seen = Seen { begun: seen.begun + 1, open: seen.open + 1, ..*seen });
        Open { shared, over: false }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let left = usize::from(!self.over);
        self.shared.seen.send_modify(|seen| *seen = Seen { open: seen.open - 1, left: seen.left + left, ..*seen });
    }
}

/// Answers one connection.
pub(crate) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let Ok(request) = read(&mut stream).await else { return };
    lock(&shared.requests).push(request.clone());
    let mut open = Open::new(&shared);
    let reply = lock(&shared.reply).clone();
    // What fails here fails because the caller left, and that is what is counted.
    open.over = write(&mut stream, reply, &request).await.is_ok();
}

/// The JSON of a request's body.
async fn read(stream: &mut TcpStream) -> io::Result<Value> {
    let mut bytes = Vec::new();
    loop {
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(head) = head {
            let length = length(&bytes[..head]);
            if bytes.len() >= head + 4 + length {
                return Ok(serde_json::from_slice(&bytes[head + 4..head + 4 + length]).unwrap_or_default());
            }
        }
        if bytes.len() > MOST_REQUEST_BYTES || stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

async fn write(stream: &mut TcpStream, reply: Reply, request: &Value) -> io::Result<()> {
    let (pieces, after) = match reply {
        Reply::Refusal(status, error) => {
            let body = json!({ "error": error }).to_string();
            let head =
                format!("HTTP/1.1 {status} Refused\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            return stream.write_all((head + &body).as_bytes()).await;
        }
        Reply::Obedient => (obedient::answer(request), After::End),
        Reply::Pieces(pieces, after) => (pieces, after),
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await?;
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        stream.write_all(piece).await?;
        stream.write_all(b"\r\n").await?;
        stream.flush().await?;
    }
    match after {
        After::End => stream.write_all(b"0\r\n\r\n").await,
        After::Cut => Ok(()),
        After::Silence => {
            // Until the caller leaves, which is an end of file here.
            let mut rest = [0; 64];
            while stream.read(&mut rest).await? > 0 {}
            Err(io::ErrorKind::ConnectionAborted.into())
        }
    }
}
