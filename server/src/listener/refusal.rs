//! What was refused, in the log and in the metrics. A line for each would let anyone fill the disk: the same reason from the
//! same address is told once in a while, with how often it happened.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lectern_tls::{Problem, Untrusted};

use super::{Full, Listener};

/// The same reason from the same address is told this often.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Reasons and addresses that are remembered; beyond them nothing is told, only counted.
const REMEMBERED: usize = 256;

/// Why a connection was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// For metrics.
    label: &'static str,
    /// For the log.
    reason: String,
}

impl Refusal {
    fn new(label: &'static str, reason: impl Into<String>) -> Self {
        Self { label, reason: reason.into() }
    }

    /// It has not proven that it is a node of this cluster.
    pub(crate) fn unproven(reason: &str) -> Self {
        Self::new("unproven", reason)
    }

    /// It asks too early: this node cannot say who it is yet.
    pub(crate) fn starting(reason: &str) -> Self {
        Self::new("starting", reason)
    }

    /// For the log, and for who was refused.
    pub(crate) fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn busy() -> Self {
        Self::new("busy", "too many handshakes are under way")
    }

    pub(super) fn full(full: Full) -> Self {
        match full {
            Full::Everywhere(total) => Self::new(
                "full",
                format!("all {total} connections are in use; raise [limits] max_connections if so many are expected"),
            ),
            Full::Address(share) => Self::new(
                "full_address",
                format!(
                    "its address has {share} connections, all in use; raise [limits] max_connections_per_address if many programs share \
                     that address"
                ),
            ),
            Full::Newcomers(most) => {
                Self::new("newcomers", format!("{most} connections that have proven nothing yet have just come"))
            }
        }
    }

    pub(super) fn late(deadline: Duration) -> Self {
        Self::new("late", format!("it did not finish the handshake within {} s", deadline.as_secs()))
    }

    pub(super) fn no_tls_here() -> Self {
        Self::new("no_tls_here", "it speaks TLS, and this node has no [tls]; give it to all nodes or to none")
    }

    pub(super) fn untrusted(untrusted: &Untrusted) -> Self {
        Self::new(untrusted.label(), format!("its certificate is not accepted: {untrusted}"))
    }

    pub(super) fn of(problem: &Problem) -> Self {
        match problem {
            Problem::Untrusted(untrusted) => Self::untrusted(untrusted),
            Problem::NoCertificate => {
                Self::new("no_certificate", "it shows no certificate, and only nodes are served here")
            }
            Problem::NotAccepted(alert) => {
                Self::new("not_accepted", format!("it does not accept this node's certificate: {alert}"))
            }
            Problem::SpeaksClearText => Self::new(
                "clear_text",
                "it speaks clear text, and this node has [tls]; give it to all nodes or to none",
            ),
            Problem::SpeaksTls | Problem::Tls(_) => Self::new("tls", problem.to_string()),
        }
    }
}

/// Tells of refusals.
pub(crate) struct Refusals {
    which: Listener,
    told: Mutex<HashMap<(IpAddr, &'static str), Told>>,
}

struct Told {
    at: Instant,
    /// Since then, and not told.
    since: u64,
}

impl Refusals {
    pub(crate) fn new(which: Listener) -> Self {
        Self { which, told: Mutex::default() }
    }

    /// Counts a refusal, and tells of it unless the same one was told just now.
    pub(crate) fn note(&self, from: SocketAddr, refusal: &Refusal) {
        let listener = self.which.label();
        let labels = [("listener", listener), ("reason", refusal.label)];
        metrics::counter!("lectern_refused_connections_total", &labels).increment(1);
        if let Some(untold) = self.to_tell(from.ip(), refusal.label, Instant::now()) {
            let reason = &refusal.reason;
            tracing::warn!(listener, %from, reason, untold, "refused a connection");
        }
    }

    /// Counts an idle connection that was closed so that the one from this address has a place, and tells of it now and then.
    pub(super) fn note_made_room(&self, from: SocketAddr) {
        let listener = self.which.label();
        metrics::counter!("lectern_closed_connections_total", "listener" => listener, "reason" => "room").increment(1);
        if let Some(untold) = self.to_tell(from.ip(), "room", Instant::now()) {
            tracing::warn!(listener, %from, untold, "too many connections: an idle one was closed to make room for another");
        }
    }

    /// Counts connections that were closed because nothing was called on them.
    pub(super) fn note_idle(&self, closed: usize) {
        if closed > 0 {
            let listener = self.which.label();
            metrics::counter!("lectern_closed_connections_total", "listener" => listener, "reason" => "idle")
                .increment(closed as u64);
            tracing::debug!(listener, closed, "closed idle connections");
        }
    }

    /// How many like it went untold before, when this one is to be told.
    fn to_tell(&self, from: IpAddr, label: &'static str, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = told.get_mut(&(from, label)) {
            if now.duration_since(before.at) < TELL_EVERY {
                before.since += 1;
                return None;
            }
            let untold = before.since;
            *before = Told { at: now, since: 0 };
            return Some(untold);
        }
        if told.len() >= REMEMBERED {
            told.retain(|_, before| now.duration_since(before.at) < TELL_EVERY);
            if told.len() >= REMEMBERED {
                return None;
            }
        }
        told.insert((from, label), Told { at: now, since: 0 });
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + last))
    }

    #[test]
    fn the_same_refusal_is_told_once_in_a_while_with_how_often_it_happened() {
        let refusals = Refusals::new(Listener::Peers);
        let begun = Instant::now();
        assert_eq!(refusals.to_tell(address(1), "expired", begun), Some(0));
        for _ in 0..3 {
            assert_eq!(refusals.to_tell(address(1), "expired", begun), None);
        }
        assert_eq!(refusals.to_tell(address(1), "clear_text", begun), Some(0));
        assert_eq!(refusals.to_tell(address(2), "expired", begun), Some(0));
        assert_eq!(refusals.to_tell(address(1), "expired", begun + TELL_EVERY), Some(3));
    }

    #[test]
    fn a_crowd_of_addresses_fills_neither_the_memory_nor_the_log() {
        let refusals = Refusals::new(Listener::Clients);
        let begun = Instant::now();
        let told = (0..10_000).filter(|last| refusals.to_tell(address(*last), "late", begun).is_some()).count();
        assert_eq!(told, REMEMBERED);
        assert_eq!(refusals.to_tell(address(10_001), "late", begun + TELL_EVERY), Some(0));
    }
}
