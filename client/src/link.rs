//! What a program may say about its connection.

use std::time::Instant;

/// The state of the connection to the cluster, as the last calls found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing has answered yet.
    Connecting,
    /// A node answered.
    Up {
        /// Its address.
        node: String,
        /// The leader's address, where known.
        leader: Option<String>,
    },
    /// Calls are being retried.
    Retrying {
        /// Since when nothing has succeeded.
        since: Instant,
        /// Why, in words.
        reason: String,
    },
    /// A call gave up.
    Down {
        /// Why, in words.
        reason: String,
    },
}

impl Link {
    pub(crate) fn up(&mut self, node: &str, leader: Option<&str>) -> bool {
        if let Self::Up { node: old_node, leader: old_leader } = self
            && old_node == node
            && old_leader.as_deref() == leader
        {
            return false;
        }
        *self = Self::Up { node: node.into(), leader: leader.map(Into::into) };
        true
    }

    pub(crate) fn retrying(&mut self, now: Instant, reason: &str) -> bool {
        match self {
            Self::Retrying { reason: old, .. } if old == reason => false,
            Self::Retrying { reason: old, .. } => {
                *old = reason.into();
                true
            }
            _ => {
                *self = Self::Retrying { since: now, reason: reason.into() };
                true
            }
        }
    }

    pub(crate) fn down(&mut self, reason: &str) -> bool {
        let down = Self::Down { reason: reason.into() };
        let changed = *self != down;
        *self = down;
        changed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_link_keeps_the_moment_its_trouble_began() {
        let start = Instant::now();
        let mut link = Link::Connecting;
        assert!(link.retrying(start, "refused"));
        assert!(!link.retrying(start + Duration::from_secs(1), "refused"));
        assert!(link.retrying(start + Duration::from_secs(2), "no leader"));
        assert_eq!(link, Link::Retrying { since: start, reason: "no leader".into() });
        assert!(link.up("a", None));
        assert!(!link.up("a", None));
        assert!(link.up("a", Some("b")));
        assert!(link.down("gone"));
        assert!(!link.down("gone"));
    }
}
