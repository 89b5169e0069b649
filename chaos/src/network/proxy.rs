//! TCP proxies between the nodes: one for each ordered pair. They delay, and where there are no namespaces they cut.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::{Addresses, Cuts, PEER_PORT};
use crate::dice::Dice;

/// Bytes read at once.
const CHUNK: usize = 64 * 1024;
/// Chunks under way in one direction: more wait in the sender's own buffers.
const UNDER_WAY: usize = 64;

/// How late things come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// At least.
    pub least: Duration,
    /// At most; nothing overtakes anything.
    pub most: Duration,
}

/// What holds for one direction of a pair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Passage {
    closed: bool,
    weather: Weather,
}

/// The proxies of a run. They end with the runtime.
#[derive(Debug)]
pub struct Proxies {
    passages: BTreeMap<(u32, u32), watch::Sender<Passage>>,
}

impl Proxies {
    /// Opens all of them.
    pub async fn open(addresses: &Addresses) -> io::Result<Self> {
        let passages: BTreeMap<_, _> =
            addresses.pairs().into_iter().map(|pair| (pair, watch::Sender::new(Passage::default()))).collect();
        for (from, to) in addresses.pairs() {
            let listen = parse(&addresses.pair(from, to))?;
            let listener = TcpListener::bind(listen)
                .await
                .map_err(|error| io::Error::new(error.kind(), format!("a proxy cannot listen on {listen}: {error}")))?;
            let target = parse(&addresses.peer(to))?;
            let face = parse(&format!("{}:0", addresses.pair_host(to, from)))?;
            let (there, back) = (passages[&(from, to)].subscribe(), passages[&(to, from)].subscribe());
            tokio::spawn(serve(listener, face, target, there, back));
        }
        Ok(Self { passages })
    }

    /// Cuts exactly these.
    pub fn cut(&self, cuts: &Cuts) {
        for (pair, passage) in &self.passages {
            let closed = cuts.contains(pair);
            passage.send_if_modified(|passage| std::mem::replace(&mut passage.closed, closed) != closed);
        }
    }

    /// Sets the weather of every direction.
    pub fn weather(&self, of: impl Fn(u32, u32) -> Weather) {
        for ((from, to), passage) in &self.passages {
            let weather = of(*from, *to);
            passage.send_if_modified(|passage| std::mem::replace(&mut passage.weather, weather) != weather);
        }
    }
}

fn parse(address: &str) -> io::Result<SocketAddr> {
    address.parse().map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, format!("`{address}` is no address")))
}

async fn serve(
    listener: TcpListener,
    face: SocketAddr,
    target: SocketAddr,
    there: watch::Receiver<Passage>,
    back: watch::Receiver<Passage>,
) {
    debug_assert_eq!(target.port(), PEER_PORT);
    loop {
        match listener.accept().await {
            Ok((near, _)) => {
                tokio::spawn(carry(near, face, target, there.clone(), back.clone()));
            }
            // Out of descriptors, or a connection that was gone at once: the next one may do.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

/// One connection. Where the far end does not answer, the near one is closed: that is what it would have met.
async fn carry(
    near: TcpStream,
    face: SocketAddr,
    target: SocketAddr,
    mut there: watch::Receiver<Passage>,
    back: watch::Receiver<Passage>,
) {
    if open(&mut there).await.is_none() {
        return;
    }
    let Ok(far) = dial(face, target).await else { return };
    // Small messages are not to be gathered.
    if near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).is_err() {
        return;
    }
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::join!(pump(near_read, far_write, there), pump(far_read, near_write, back));
}

async fn dial(face: SocketAddr, target: SocketAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(face)?;
    socket.connect(target).await
}

/// Waits until the passage is open; none when the run is over.
async fn open(passage: &mut watch::Receiver<Passage>) -> Option<Passage> {
    passage.wait_for(|passage| !passage.closed).await.ok().map(|passage| *passage)
}

/// Carries one direction of a connection until either end is gone.
async fn pump(mut from: OwnedReadHalf, to: OwnedWriteHalf, mut passage: watch::Receiver<Passage>) {
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    let writer = tokio::spawn(deliver(receiver, to, passage.clone()));
    let mut dice = Dice::new(0, 0);
    let mut due = Instant::now();
    loop {
        let mut chunk = vec![0; CHUNK];
        let count = match from.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        chunk.truncate(count);
        let Some(Passage { weather, .. }) = open(&mut passage).await else { break };
        let span = u64::try_from(weather.most.saturating_sub(weather.least).as_millis()).unwrap_or(0);
        let late = weather.least + Duration::from_millis(dice.below(span + 1));
        due = due.max(Instant::now() + late);
        if sender.send((due, chunk)).await.is_err() {
            break;
        }
    }
    drop(sender);
    // What was read is delivered; how it ended is the other direction's business.
    let _ = writer.await;
}

async fn deliver(
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut to: OwnedWriteHalf,
    mut passage: watch::Receiver<Passage>,
) {
    while let Some((due, chunk)) = chunks.recv().await {
        tokio::time::sleep_until(due).await;
        if open(&mut passage).await.is_none() || to.write_all(&chunk).await.is_err() {
            break;
        }
    }
    // The other end may be gone already.
    let _ = to.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two nodes on a net of the test's own, the second one echoing.
    async fn echoing(net: &str) -> (Proxies, TcpStream) {
        let addresses = Addresses::new(net, 1);
        let listener = TcpListener::bind(addresses.peer(2)).await.unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, from)) = listener.accept().await {
                assert!(from.ip().to_string().ends_with(".121"), "2 knows 1 by the address of the pair, not {from}");
                tokio::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    tokio::io::copy(&mut read, &mut write).await
                });
            }
        });
        let proxies = Proxies::open(&addresses).await.unwrap();
        let stream = TcpStream::connect(addresses.pair(1, 2)).await.unwrap();
        (proxies, stream)
    }

    async fn echo(stream: &mut TcpStream) -> Duration {
        let begun = Instant::now();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
        begun.elapsed()
    }

    #[tokio::test]
    async fn what_is_delayed_comes_late_and_whole() {
        let (proxies, mut stream) = echoing("127.78.1").await;
        echo(&mut stream).await;
        let (least, most) = (Duration::from_millis(50), Duration::from_millis(60));
        proxies.weather(|from, _| if from == 1 { Weather { least, most } } else { Weather::default() });
        assert!(echo(&mut stream).await >= least);
    }

    #[tokio::test]
    async fn what_is_cut_one_way_comes_after_the_cut() {
        let (proxies, mut stream) = echoing("127.78.2").await;
        echo(&mut stream).await;
        // What 2 says does not come to 1: the echo waits.
        proxies.cut(&Cuts::from([(2, 1)]));
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        let early = tokio::time::timeout(Duration::from_millis(100), stream.read_exact(&mut answer)).await;
        assert!(early.is_err(), "the cut let something through");
        proxies.cut(&Cuts::new());
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");
    }
}
