//! How connections come in: accepted, in TLS where the node has certificates, and handed to tonic when they are sound.
//!
//! tonic's own TLS has one configuration for ever and logs nothing of what it refuses. Here each connection gets the
//! certificates of its moment, and a refusal is a line in the log and a count.
//!
//! Invariants:
//! * No handshake in the loop that accepts: a slow caller holds up nobody.
//! * Handshakes under way are bounded in number and in time.
//! * What is handed on has said who it is: its [`Origin`].
//! * Connections are bounded in number, on each listener for itself: see [`crowd`]. One without a place is told so, and gone
//!   a moment later.

mod connection;
mod crowd;
mod refusal;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lectern_tls::{Accepts, Name, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_stream::wrappers::ReceiverStream;

use crate::descriptors;
use crate::tls::Tls;
pub(crate) use connection::{Connection, Origin};
use connection::{Stay, Waiting};
pub use crowd::Room;
pub(crate) use crowd::{Calls, OpenCall};
use crowd::{Crowd, Full};
pub(crate) use refusal::{Refusal, Refusals};

/// A caller that is not done by then is not waited for.
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// Handshakes under way at once on one listener: some 20 MiB.
const HANDSHAKES: usize = 512;
/// A caller that is refused gets this long to notice it …
const HANG_UP_DEADLINE: Duration = Duration::from_secs(1);
/// … and so many bytes to say meanwhile.
const MOST_TO_HEAR: usize = 64 << 10;
/// Sound connections that wait for tonic.
const READY: usize = 16;
/// Without a place a caller has this long to be told so, or to get one after all.
const TELL_DEADLINE: Duration = Duration::from_secs(5);
/// How often the idle ones are looked for.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// When the system can accept no more (too many open files), a moment passes before the next try.
const AFTER_FAILURE: Duration = Duration::from_millis(100);
/// The first byte of a TLS connection.
const TLS_HANDSHAKE: u8 = 0x16;
/// What TLS gets from a node without certificates: both its library and a person see that this is not TLS.
const NO_TLS_HERE: &[u8] = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nThis node has no TLS.\n";

/// A listener of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listener {
    /// For programs, and for nodes that pass calls on.
    Clients,
    /// For nodes.
    Peers,
    /// For whoever collects metrics.
    Metrics,
}

impl Listener {
    fn label(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Peers => "peers",
            Self::Metrics => "metrics",
        }
    }

    fn accepts(self) -> Accepts {
        match self {
            Self::Clients | Self::Metrics => Accepts::Everybody,
            Self::Peers => Accepts::Nodes,
        }
    }

    /// How many of `room` may be taken by connections on which no call has begun: among nodes it begins with a proof.
    fn newcomers(self, room: Room) -> usize {
        match self {
            Self::Clients | Self::Metrics => room.total,
            Self::Peers => room.total / 2,
        }
    }
}

/// Sound connections, for `serve_with_incoming`: as many as there is room for. Accepting ends when the stream is dropped.
pub(crate) fn incoming(
    listener: TcpListener,
    which: Listener,
    room: Room,
    tls: Option<Tls>,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(READY);
    let gate = Gate {
        which,
        tls,
        crowd: Crowd::new(room, which.newcomers(room)),
        handshakes: Arc::new(Semaphore::new(HANDSHAKES)),
        told: Arc::new(Semaphore::new(descriptors::TOLD)),
        refusals: Refusals::new(which),
    };
    tokio::spawn(accept_all(listener, Arc::new(gate), ready));
    ReceiverStream::new(stream)
}

/// What every connection has to pass.
struct Gate {
    which: Listener,
    tls: Option<Tls>,
    crowd: Arc<Crowd>,
    /// Places for handshakes.
    handshakes: Arc<Semaphore>,
    /// Places for those that have none.
    told: Arc<Semaphore>,
    refusals: Refusals,
}

async fn accept_all(listener: TcpListener, gate: Arc<Gate>, ready: mpsc::Sender<io::Result<Connection>>) {
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = looks.tick() => {
                gate.look_after_the_idle();
                continue;
            }
            () = ready.closed() => return,
        };
        match accepted {
            Ok((tcp, from)) => gate.admit(tcp, from, &ready),
            Err(error) => {
                let advice = descriptors::advice(&error.to_string()).unwrap_or_default();
                tracing::warn!(listener = gate.which.label(), "cannot accept connections: {error}{advice}");
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

impl Gate {
    /// Closes what has been idle for too long.
    fn look_after_the_idle(&self) {
        self.refusals.note_idle(self.crowd.close_idle());
        #[allow(clippy::cast_precision_loss)] // A count for a gauge.
        metrics::gauge!("lectern_connections", "listener" => self.which.label()).set(self.crowd.len() as f64);
    }

    /// Gives a connection its place, and shakes hands in a task of its own.
    fn admit(self: &Arc<Self>, tcp: TcpStream, from: SocketAddr, ready: &mpsc::Sender<io::Result<Connection>>) {
        let Ok(handshake) = Arc::clone(&self.handshakes).try_acquire_owned() else {
            self.refusals.note(from, &Refusal::busy());
            return;
        };
        let Some((stay, origin)) = self.find_place(from) else { return };
        let (gate, ready) = (Arc::clone(self), ready.clone());
        tokio::spawn(async move {
            let _handshake = handshake;
            let shaken = tokio::time::timeout(HANDSHAKE_DEADLINE, gate.shake_hands(tcp, stay, origin)).await;
            match shaken.unwrap_or_else(|_| Err(Some(Refusal::late(HANDSHAKE_DEADLINE)))) {
                // Without a receiver the node is stopping.
                Ok(connection) => drop(ready.send(Ok(connection)).await),
                Err(Some(refusal)) => gate.refusals.note(from, &refusal),
                Err(None) => {}
            }
        });
    }

    /// A place, or a moment to be told that there is none; neither when even those who are told are too many.
    fn find_place(&self, from: SocketAddr) -> Option<(Stay, Origin)> {
        let origin = Origin { address: Some(from), ..Origin::default() };
        match self.crowd.enter(from.ip()) {
            Ok(entered) => {
                if entered.instead_of_another {
                    self.refusals.note_made_room(from);
                }
                let calls = Some(entered.place.calls());
                Some((Stay::of(entered), Origin { calls, ..origin }))
            }
            Err(full) => {
                self.refusals.note(from, &Refusal::full(full));
                let telling = Arc::clone(&self.told).try_acquire_owned().ok()?;
                let waiting = Waiting::new(Arc::clone(&self.crowd), from.ip());
                let stay = Stay::moment(TELL_DEADLINE, Arc::clone(&waiting), telling);
                Some((stay, Origin { waiting: Some(waiting), ..origin }))
            }
        }
    }

    /// An error without a refusal is a caller that went away, as probes of load balancers do.
    async fn shake_hands(&self, tcp: TcpStream, stay: Stay, origin: Origin) -> Result<Connection, Option<Refusal>> {
        tcp.set_nodelay(true).map_err(|_| None)?;
        let Some(tls) = &self.tls else {
            return clear(tcp).await.map(|tcp| Connection::new(tcp, origin, stay));
        };
        let config = tls.accepting(self.which.accepts());
        let stream = match TlsAcceptor::from(config).accept(tcp).into_fallible().await {
            Ok(stream) => stream,
            Err((error, _)) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(None),
            Err((error, tcp)) => {
                hang_up(tcp).await;
                return Err(Problem::in_error(&error).map(|problem| Refusal::of(&problem)));
            }
        };
        let name = match stream.get_ref().1.peer_certificates().and_then(<[_]>::first) {
            Some(certificate) => Some(Name::of(certificate).map_err(|untrusted| Some(Refusal::untrusted(&untrusted)))?),
            None => None,
        };
        Ok(Connection::new(stream, Origin { name, ..origin }, stay))
    }
}

/// What a caller without a place is told.
fn words(full: Full) -> String {
    match full {
        Full::Everywhere(total) => {
            format!("this node has its {total} connections, all in use; try another node, or again in a moment")
        }
        Full::Address(share) => {
            format!("this node has {share} connections from your address, all in use; close some, or try another node")
        }
        Full::Newcomers(most) => {
            format!(
                "{most} connections that have said nothing of use have just come to this node; try again in a moment"
            )
        }
    }
}

/// Ends a connection so that the caller reads the last word: were it closed with something still to be read, the system
/// would throw that word away.
async fn hang_up(mut tcp: TcpStream) {
    let heard = async {
        tcp.shutdown().await?;
        let mut rest = [0; 4_096];
        let mut left = MOST_TO_HEAR;
        while left > 0 {
            match tcp.read(&mut rest).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        io::Result::Ok(())
    };
    // A caller that goes on talking, or is gone, is not waited for.
    let _hung_up = tokio::time::timeout(HANG_UP_DEADLINE, heard).await;
}

/// Looks at the first byte, so that a caller that speaks TLS is told, and told of.
async fn clear(mut tcp: TcpStream) -> Result<TcpStream, Option<Refusal>> {
    let mut first = [0];
    match tcp.peek(&mut first).await {
        Ok(0) | Err(_) => Err(None),
        Ok(_) if first[0] == TLS_HANDSHAKE => {
            // Who does not listen has the log of this node.
            let _not_told = tcp.write_all(NO_TLS_HERE).await;
            hang_up(tcp).await;
            Err(Some(Refusal::no_tls_here()))
        }
        Ok(_) => Ok(tcp),
    }
}
