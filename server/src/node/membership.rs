//! What operators, and nodes that join, ask of the cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lectern_proto::internal::v1::{ClusterChange, ClusterEntry, Outcome};
use lectern_proto::v1::{self, MemberStanding, NextChange};
use lectern_raft::membership::{Answer, MemberStatus, MembershipStatus, Request, Standing};
use lectern_raft::{Input, NodeId};
use prost::Message as _;

use super::{CLUSTER_ENTRY_VERSION, MEMBERS_FEATURE_LEVEL, Member, Members, Node, NodeError};
use crate::belonging::ClusterKeys;

/// The replica judges within one step; only a stalled node takes this long.
const JUDGEMENT_DEADLINE: Duration = Duration::from_secs(2);
/// A leader that is so new that it does not know who is well is asked again for this long …
const PROVISIONAL_PATIENCE: Duration = Duration::from_secs(5);
/// … this often.
const PROVISIONAL_PAUSE: Duration = Duration::from_millis(100);
/// raft-rs gives up handing leadership over after an election timeout; this is a few of them.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(3);

impl Node {
    /// Judges a request, on the leader; nothing is changed. One that was elected a moment ago is given the moment to hear from the
    /// others, as far as the caller waits for it.
    pub(crate) async fn ask(&self, request: Request) -> Result<Answer, NodeError> {
        let deadline = Instant::now() + PROVISIONAL_PATIENCE;
        loop {
            let answer = self.ask_once(request).await?;
            if !answer.provisional || Instant::now() >= deadline {
                return Ok(answer);
            }
            tokio::time::sleep(PROVISIONAL_PAUSE).await;
        }
    }

    async fn ask_once(&self, request: Request) -> Result<Answer, NodeError> {
        self.opened().await?;
        let answer = self.shared.inbox.ask(request);
        match tokio::time::timeout(JUDGEMENT_DEADLINE, answer).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(why))) => Err(self.shared.refusal(why)),
            Ok(Err(_)) => Err(NodeError::Stopping),
            Err(_) => Err(NodeError::Busy),
        }
    }

    /// Whether all nodes understand entries about the cluster.
    pub(crate) fn keeps_members(&self) -> bool {
        self.shared.board.feature_level() >= MEMBERS_FEATURE_LEVEL
    }

    /// Replicates a change of the members and waits until this node has applied it. Only the leader takes it.
    pub(crate) async fn propose_change(&self, change: ClusterChange) -> Result<Outcome, NodeError> {
        self.opened().await?;
        let stamped_at_ms = self.shared.clock.now_ms();
        let entry = ClusterEntry { version: CLUSTER_ENTRY_VERSION, stamped_at_ms, change: Some(change) };
        let room = self.command_room(entry.encoded_len())?;
        self.submit(entry.encode_to_vec(), room).await
    }

    /// Hands leadership to `to`, which was judged before; says whether it leads then.
    pub(crate) async fn transfer(&self, to: NodeId) -> bool {
        let mut changed = self.status_changed();
        self.shared.inbox.push(Input::Transfer { to: Some(to) });
        let leads = || self.leader().is_some_and(|leader| leader.node_id == to);
        let handed_over = async { while !leads() && changed.changed().await.is_ok() {} };
        let _late = tokio::time::timeout(TRANSFER_DEADLINE, handed_over).await;
        leads()
    }

    /// Who belongs to the cluster, as applied here.
    pub(crate) fn members(&self) -> Arc<Members> {
        self.shared.members.borrow().clone()
    }

    /// Everyone who belongs to the cluster, this node included, as far as it can describe them.
    pub(crate) fn described(&self) -> BTreeMap<NodeId, Member> {
        let mut all = self.shared.board.others();
        all.insert(self.node_id(), self.shared.board.own().clone());
        all
    }

    /// The newest feature level that all nodes understand.
    pub(crate) fn feature_level(&self) -> u32 {
        self.shared.board.feature_level()
    }

    /// What only the nodes of the cluster know.
    pub(crate) fn keys(&self) -> &ClusterKeys {
        &self.shared.keys
    }

    /// Raised when a lost majority is recovered.
    pub(crate) fn epoch(&self) -> u64 {
        self.shared.epoch
    }
}

/// What the replica says of the members and what comes next, in the contract's words.
pub(super) fn shown(seen: MembershipStatus) -> (Vec<v1::Member>, Option<NextChange>) {
    let next_change = seen.next_change.map(|next| NextChange { in_ms: next.in_ms, text: next.text });
    (seen.members.into_iter().map(member).collect(), next_change)
}

fn member(seen: MemberStatus) -> v1::Member {
    let standing = match seen.standing {
        Standing::Voter => MemberStanding::Voter,
        Standing::Learner => MemberStanding::Learner,
        Standing::Joining => MemberStanding::Joining,
        Standing::Leaving => MemberStanding::Leaving,
    };
    v1::Member {
        node_id: seen.node,
        standing: standing.into(),
        drained: seen.drained,
        silent_ms: seen.silent_ms,
        degraded: seen.degraded,
        healthy_ms: seen.healthy_ms,
        next: seen.next,
    }
}
