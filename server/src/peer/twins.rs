//! Two processes with one identity: a node's directory was copied, and both copies run.
//!
//! A process is known by its *boot*, made when it starts. While one boot of a node is connected and heard, another one of the same
//! node is turned away: each would confirm what the other does not have. Once the first is gone, the next counts: a restart.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use lectern_raft::NodeId;

/// Whoever was not heard for this long is gone: its machine may have died without closing its connections. Longer than the
/// keep-alive of a stream.
const GONE_AFTER: Duration = Duration::from_secs(4);

/// The processes that this node has to do with.
#[derive(Debug, Default)]
pub(super) struct Twins {
    known: HashMap<NodeId, Known>,
}

#[derive(Debug)]
struct Known {
    boot: Vec<u8>,
    /// What it says of itself, for people.
    address: String,
    /// Streams to and from it.
    streams: u32,
    heard: Instant,
}

impl Twins {
    /// A stream of this process begins, unless another one of the same node is there.
    pub(super) fn arrive(&mut self, node: NodeId, boot: &[u8], address: &str, now: Instant) -> Result<(), String> {
        match self.known.get_mut(&node) {
            Some(known) if known.boot == boot => {
                known.streams += 1;
                known.heard = now;
                Ok(())
            }
            Some(known) if known.streams > 0 && now.duration_since(known.heard) < GONE_AFTER => Err(format!(
                "another process is node {node} already, at {}: two run on copies of one data directory. Stop this one, empty its data \
                 directory, and let it join under a number of its own",
                known.address
            )),
            _ => {
                let known = Known { boot: boot.to_vec(), address: address.to_owned(), streams: 1, heard: now };
                self.known.insert(node, known);
                Ok(())
            }
        }
    }

    /// Something came from it.
    pub(super) fn hear(&mut self, node: NodeId, boot: &[u8], now: Instant) {
        if let Some(known) = self.known.get_mut(&node).filter(|known| known.boot == boot) {
            known.heard = now;
        }
    }

    /// A stream of this process ended.
    pub(super) fn leave(&mut self, node: NodeId, boot: &[u8]) {
        if let Some(known) = self.known.get_mut(&node).filter(|known| known.boot == boot) {
            known.streams = known.streams.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_turned_away_while_the_first_is_there_and_a_restart_is_not() {
        let mut twins = Twins::default();
        let now = Instant::now();
        assert_eq!(twins.arrive(2, b"one", "10.0.0.2:7601", now), Ok(()));
        assert_eq!(twins.arrive(2, b"one", "10.0.0.2:7601", now), Ok(()), "its other stream");
        let refused = twins.arrive(2, b"two", "10.0.0.9:7601", now).unwrap_err();
        assert!(refused.contains("10.0.0.2:7601"), "{refused}");
        twins.leave(2, b"two");
        twins.leave(2, b"one");
        assert!(twins.arrive(2, b"two", "", now).is_err(), "one stream is left");
        twins.leave(2, b"one");
        assert_eq!(twins.arrive(2, b"two", "10.0.0.2:7601", now), Ok(()));
        twins.leave(2, b"one");
        assert!(twins.arrive(2, b"one", "", now).is_err(), "what the first left behind ends nothing of the second");
    }

    #[test]
    fn a_machine_that_died_silently_does_not_keep_its_node_away() {
        let mut twins = Twins::default();
        let now = Instant::now();
        twins.arrive(2, b"one", "", now).unwrap();
        twins.hear(2, b"one", now + Duration::from_secs(2));
        assert!(twins.arrive(2, b"two", "", now + GONE_AFTER).is_err());
        assert!(twins.arrive(2, b"two", "", now + Duration::from_secs(2) + GONE_AFTER).is_ok());
    }
}
