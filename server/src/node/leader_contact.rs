//! When there last was a leader that worked: an outage begins there.
//!
//! A leader *opens* its term with a command that records how long there was none before it, and takes no other command
//! first. Until that command is applied the outage goes on, whoever calls itself leader: one that dies before has ended
//! nothing, and the next one must still tell of the whole gap.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// What the threads note and what the next leader asks for.
pub(super) struct LeaderContact {
    /// The newest term of which this node has applied a command.
    open_term: watch::Sender<u64>,
    /// The last sign of a leader with an open term, Unix milliseconds of the stamping clock; 0: none in this process.
    seen_at_ms: AtomicI64,
}

impl LeaderContact {
    pub(super) fn new() -> Self {
        Self { open_term: watch::Sender::new(0), seen_at_ms: AtomicI64::new(0) }
    }

    /// A command of this term is applied here. The first one of a term opens it.
    pub(super) fn command_applied(&self, term: u64) {
        self.open_term.send_if_modified(|open| {
            let newer = *open < term;
            *open = term.max(*open);
            newer
        });
    }

    /// This node leads in `term`, or heard from the node that does.
    pub(super) fn leader_seen(&self, term: u64, now_ms: i64) {
        if self.is_open(term) {
            self.seen_at_ms.store(now_ms, Ordering::Release);
        }
    }

    /// Since when there has been no working leader, told by the one whose term begins. `state_ms` is time in the state:
    /// the stamp of a command of an open term, so that there was a leader then.
    pub(super) fn leaderless_since_ms(&self, state_ms: i64) -> i64 {
        self.seen_at_ms.load(Ordering::Acquire).max(state_ms)
    }

    /// Waits until the term is open here, at most so long.
    pub(super) async fn opened(&self, term: u64, deadline: Duration) -> bool {
        if self.is_open(term) {
            return true;
        }
        let mut open_term = self.open_term.subscribe();
        tokio::time::timeout(deadline, open_term.wait_for(|open| *open >= term))
            .await
            .is_ok_and(|waited| waited.is_ok())
    }

    fn is_open(&self, term: u64) -> bool {
        *self.open_term.borrow() >= term
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_never_opened_its_term_does_not_end_the_outage() {
        let contact = LeaderContact::new();
        contact.command_applied(4);
        contact.leader_seen(4, 1_000);
        // The leader of term 4 is gone. Two more are elected: one dies before its first command, the other asks.
        for now_ms in [1_400, 1_450, 1_500] {
            contact.leader_seen(5, now_ms);
        }
        contact.leader_seen(6, 1_900);
        assert_eq!(contact.leaderless_since_ms(990), 1_000);
        contact.command_applied(6);
        contact.leader_seen(6, 2_000);
        assert_eq!(contact.leaderless_since_ms(990), 2_000);
    }

    #[test]
    fn a_node_that_was_away_or_has_just_started_believes_the_state() {
        let contact = LeaderContact::new();
        assert_eq!(contact.leaderless_since_ms(60_000), 60_000);
        contact.command_applied(4);
        contact.leader_seen(4, 1_000);
        assert_eq!(contact.leaderless_since_ms(60_000), 60_000, "a snapshot brought it there");
    }

    #[test]
    fn commands_of_earlier_terms_close_nothing() {
        let contact = LeaderContact::new();
        contact.command_applied(6);
        contact.command_applied(5);
        contact.leader_seen(6, 2_000);
        assert_eq!(contact.leaderless_since_ms(0), 2_000);
    }

    #[tokio::test]
    async fn who_waits_for_a_term_is_told_when_it_opens() {
        let contact = LeaderContact::new();
        assert!(!contact.opened(3, Duration::ZERO).await);
        let (opened, ()) =
            tokio::join!(contact.opened(3, Duration::from_secs(30)), async { contact.command_applied(3) });
        assert!(opened);
    }
}
