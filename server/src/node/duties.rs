//! What a leader does unasked: the cluster's first command, the passing of time, feature levels, a key for receipts.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lectern_lms::{levels, lookup, receipts};
use lectern_proto::internal::v1::{
    Advance, ClusterChange, ClusterRecord, Command, Describe, FoundCluster, MemberCard, RaiseFeatureLevel,
    ReceiptKeyRecord, SetReceiptKey, cluster_change, command::Body,
};

use super::members::card_of;
use super::{Node, NodeError};
use crate::fatal;
use crate::init::Genesis;
use crate::services::secrets::{self, NoRandomness};

/// How often a leader looks at what is due. Also how late a scheduled release may be.
const INTERVAL: Duration = Duration::from_millis(100);

/// Time in the state is never older than this while there is a leader: an outage that begins on a quiet cluster is then
/// measured from its true beginning, within this much.
const HEARTBEAT_MS: i64 = 60_000;

/// A leader that did nothing for this long was asleep. If it still leads, so was everybody else: nobody could work, and that
/// is an outage like one between two leaders.
const SLEEP_MS: i64 = 3_000;

/// Runs for ever; does something only while this node leads and is ready. A new term is opened at once, since nothing else
/// is proposed before.
pub(super) async fn keep(node: Node, genesis: Option<Genesis>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut leading = node.shared.leading.subscribe();
    let mut begun_term = 0;
    let mut awake_at_ms = node.shared.clock.now_ms();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = leading.changed() => {}
        }
        let before_ms = std::mem::replace(&mut awake_at_ms, node.shared.clock.now_ms());
        let asleep_since = asleep_since(before_ms, awake_at_ms);
        let Some(term) = node.leading_term() else { continue };
        let done = if begun_term == term {
            keep_time(&node, asleep_since).await
        } else {
            let begun = begin_term(&node, genesis.as_ref()).await;
            if begun.is_ok() {
                begun_term = term;
            }
            begun
        };
        if let Err(problem) = done {
            tracing::debug!(%problem, "a leader's duty waits");
        }
        // A duty that took long was no sleep.
        awake_at_ms = awake_at_ms.max(node.shared.clock.now_ms());
    }
}

/// Since when this node did nothing at all, where that was for long: its machine was suspended, its process was stopped.
fn asleep_since(before_ms: i64, now_ms: i64) -> Option<i64> {
    (now_ms.saturating_sub(before_ms) >= SLEEP_MS).then_some(before_ms)
}

/// Opens a term: the cluster's founding, where it has not happened, and the gap without a leader.
async fn begin_term(node: &Node, genesis: Option<&Genesis>) -> Result<(), NodeError> {
    let cluster = cluster(node).await?;
    // Only a founded cluster has tokens to join with: a node without a genesis never leads one that is not.
    if let Some(genesis) = genesis.filter(|_| cluster.cluster_id.is_empty()) {
        tracing::info!(cluster = genesis.cluster_id, "founding the cluster");
        let found = FoundCluster {
            cluster_id: genesis.cluster_id.clone(),
            admin_username: genesis.admin_username.clone(),
            admin_code_hash: genesis.code_hash().unwrap_or_default(),
        };
        propose(node, Body::FoundCluster(found)).await?;
        return propose(node, Body::Advance(Advance::default())).await;
    }
    let since = node.shared.leader_contact.leaderless_since_ms(cluster.now_ms);
    propose(node, Body::Advance(Advance { leaderless_since_ms: (since > 0).then_some(since) })).await
}

/// Lets time pass where something is due or an outage is to be told of, raises the feature level once all members understand
/// it, sees to it that receipts can be signed, and writes down where the members are.
async fn keep_time(node: &Node, asleep_since: Option<i64>) -> Result<(), NodeError> {
    let now_ms = node.now_ms();
    let (due, cluster, receipt_key) = node
        .read_stale(move |store, _| {
            let due = lectern_lms::schedule::next_due(store)?;
            Ok((due, lookup::cluster(store)?, receipts::current_key(store)?))
        })
        .await?
        .unwrap_or_else(|problem: lectern_lms::StoreError| fatal::stop(&problem.to_string()));
    let idle_ms = now_ms.saturating_sub(cluster.now_ms);
    if asleep_since.is_some() || due.is_some_and(|due_ms| due_ms <= now_ms) || idle_ms >= HEARTBEAT_MS {
        propose(node, Body::Advance(Advance { leaderless_since_ms: asleep_since })).await?;
    }
    match node.shared.board.common_feature_level() {
        Some(common) if common > cluster.feature_level => {
            propose(node, Body::RaiseFeatureLevel(RaiseFeatureLevel { level: common })).await
        }
        _ if cluster.feature_level >= levels::HAND_INS && !can_sign(node, receipt_key.as_ref()) => {
            let reason = "no node of this cluster could sign with the key before";
            let reason = if receipt_key.is_some() { reason } else { "" };
            match node.new_receipt_key(reason) {
                Ok(body) => propose(node, body).await,
                Err(problem) => fatal::stop(&problem.to_string()),
            }
        }
        _ if node.keeps_members() => describe_members(node).await,
        _ => Ok(()),
    }
}

/// Whether the nodes of this cluster can sign with a key. Those of one that was restored from another one's backup cannot.
fn can_sign(node: &Node, key: Option<&ReceiptKeyRecord>) -> bool {
    key.is_some_and(|key| node.keys().receipt_key(&key.salt).public().as_bytes() == key.public_key)
}

/// What a member says of itself in its handshake is for all to know, once it is something new.
async fn describe_members(node: &Node) -> Result<(), NodeError> {
    let members = node.members();
    for (node_id, member) in node.shared.board.introduced() {
        let Some(known) = members.card(node_id) else { continue };
        let card = card_of(&member);
        if card == (MemberCard { join_token_id: Vec::new(), ..known }) {
            continue;
        }
        let describe = cluster_change::Kind::Describe(Describe { node_id, card: Some(card) });
        node.propose_change(ClusterChange { operator: String::new(), kind: Some(describe) }).await?;
    }
    Ok(())
}

async fn cluster(node: &Node) -> Result<ClusterRecord, NodeError> {
    let read = node.read(|store, _| lookup::cluster(store)).await?;
    Ok(read.unwrap_or_else(|problem| fatal::stop(&problem.to_string())))
}

async fn propose(node: &Node, body: Body) -> Result<(), NodeError> {
    let outcome = node.propose_now(Command { body: Some(body), ..Command::default() }).await?;
    if let Some(lectern_proto::internal::v1::outcome::Result::Refusal(refusal)) = outcome.result {
        tracing::warn!(reason = refusal.reason, message = refusal.message, "a leader's duty was refused");
    }
    Ok(())
}

impl Node {
    /// The command that sets a fresh key for receipts.
    pub(crate) fn new_receipt_key(&self, reason: &str) -> Result<Body, NoRandomness> {
        let salt = secrets::new_salt()?;
        let public = self.keys().receipt_key(&salt).public();
        let (key_id, public_key) = (public.id(), public.as_bytes().to_vec());
        Ok(Body::SetReceiptKey(SetReceiptKey { salt, public_key, key_id, reason: reason.into() }))
    }

    /// The term that this node leads and is ready in.
    fn leading_term(&self) -> Option<u64> {
        let term = *self.shared.leading.borrow();
        (term > 0 && !self.shared.stopping.load(Ordering::Acquire)).then_some(term)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_silence_is_a_sleep() {
        assert_eq!(asleep_since(10_000, 10_100), None);
        assert_eq!(asleep_since(10_000, 12_999), None);
        assert_eq!(asleep_since(10_000, 13_000), Some(10_000));
        assert_eq!(asleep_since(10_000, 4_000), None, "its clock was put right");
    }
}
