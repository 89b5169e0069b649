//! Handing leadership over.

use std::cmp::Reverse;

use crate::{Disk, NodeId, Replica, membership::Wish};

impl<D: Disk> Replica<D> {
    /// Hands leadership to this peer, or to the best one. Whether it worked shows in [`crate::Effect::RoleChanged`].
    pub(crate) fn transfer(&mut self, to: Option<NodeId>) {
        if self.frozen() || !self.is_leader() {
            return;
        }
        match to.or_else(|| self.successor()) {
            Some(to) if to != self.config.node && self.conf_state.voters.contains(&to) => self.raw.transfer_leader(to),
            Some(to) => self.notice(format!("node {to} cannot take over: it is no other voter")),
            None => self.notice("no other voter answers that could take over".to_owned()),
        }
    }

    /// The voter that holds most of the log among those heard within an election timeout, the lowest number first; one that
    /// is drained or to leave only where there is no other.
    fn successor(&self) -> Option<NodeId> {
        let silence = self.config.silence_ms();
        let others = self.conf_state.voters.iter().copied().filter(|voter| *voter != self.config.node);
        let answering = others.filter(|voter| {
            self.peers.last_heard(*voter).is_some_and(|heard| self.now.saturating_sub(heard) <= silence)
        });
        let matched = |voter| self.raw.raft.prs().get(voter).map_or(0, |progress| progress.matched);
        let stays = |voter| self.roster.wish(voter) == Wish::Stay;
        answering.max_by_key(|voter| (stays(*voter), matched(*voter), Reverse(*voter)))
    }

    /// A leader whose clock is wrong may not stamp: another takes over, if one answers. Until then it takes no proposals.
    pub(crate) fn hand_over_if_clock_is_wrong(&mut self) {
        let verdict = self.clock_verdict();
        if verdict.good || !self.is_leader() {
            self.leads_with_wrong_clock = false;
            return;
        }
        if self.raw.raft.lead_transferee.is_some() {
            return;
        }
        if !std::mem::replace(&mut self.leads_with_wrong_clock, true) {
            self.notice(if verdict.compared && verdict.offset_ms.unsigned_abs() <= self.config.max_clock_offset_ms {
                "no majority of the cluster's clocks agrees with this node's: it hands leadership over".to_owned()
            } else if verdict.compared {
                format!(
                    "this node's clock is off by {} ms from the cluster's: it hands leadership over",
                    verdict.offset_ms
                )
            } else {
                "this node's clock has been compared with no majority's: it hands leadership over".to_owned()
            });
        }
        if let Some(to) = self.successor() {
            self.raw.transfer_leader(to);
        }
    }
}
