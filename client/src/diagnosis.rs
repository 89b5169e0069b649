//! Why a call found nobody to answer it: told from what each node says of itself when the call gives up, not from the
//! last attempt, which may have failed for want of time.

use std::collections::BTreeSet;
use std::time::Duration;

use lectern_proto::v1::GetStatusResponse;

use crate::error::UNREACHABLE;
use crate::{Client, ClientError};

/// How long the nodes are given to say how they are.
const PATIENCE: Duration = Duration::from_secs(1);

/// The error of a call that gave up. `reason` is a node's own word, where one gave one; `message` is what the last attempt
/// found.
pub(crate) async fn why_unreachable(client: &Client, reason: Option<String>, message: &str) -> ClientError {
    let reason = reason.unwrap_or_else(|| UNREACHABLE.into());
    if matches!(&*reason, UNREACHABLE | "NO_LEADER" | "NO_QUORUM") {
        let views = client.ask_all(PATIENCE).await.into_iter().filter_map(|(_, view)| view.ok()).collect::<Vec<_>>();
        if let Some((reason, message)) = of_the_cluster(&views) {
            return ClientError::not_done(reason, message);
        }
    }
    ClientError::not_done(&reason, message)
}

/// What keeps the cluster from working, by the views of the nodes that answered; none where they see nothing wrong, or
/// none answered.
fn of_the_cluster(views: &[GetStatusResponse]) -> Option<(&'static str, String)> {
    let answered = views.iter().filter_map(|view| view.self_.as_ref()).map(|node| node.node_id);
    let answered = answered.collect::<BTreeSet<_>>().len();
    let members = views.iter().map(|view| view.nodes.len()).max().unwrap_or(0).max(answered);
    let answer = if answered == 1 { "answers" } else { "answer" };
    if answered == 0 {
        None
    } else if answered * 2 <= members {
        Some(("NO_QUORUM", format!("no majority: {answered} of {members} nodes {answer}")))
    } else if views.iter().all(|view| view.leader_id == 0) {
        Some(("NO_LEADER", format!("no leader: {answered} of {members} nodes {answer}, and none of them leads")))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::NodeStatus;

    use super::*;

    fn view(node_id: u64, leader_id: u64) -> GetStatusResponse {
        let own = NodeStatus { node_id, ..NodeStatus::default() };
        let nodes = (1..=3).map(|node_id| NodeStatus { node_id, ..NodeStatus::default() }).collect();
        GetStatusResponse { self_: Some(own), leader_id, nodes, ..GetStatusResponse::default() }
    }

    #[test]
    fn a_lost_majority_is_told_from_a_lost_leader_and_from_a_busy_one() {
        let (reason, words) = of_the_cluster(&[view(1, 1)]).unwrap();
        assert_eq!((reason, &*words), ("NO_QUORUM", "no majority: 1 of 3 nodes answers"));
        assert_eq!(of_the_cluster(&[view(1, 0), view(1, 0)]).unwrap().0, "NO_QUORUM", "one node under two addresses");
        assert_eq!(of_the_cluster(&[view(1, 0), view(2, 0)]).unwrap().0, "NO_LEADER");
        assert_eq!(of_the_cluster(&[view(1, 2), view(2, 2)]), None);
        assert_eq!(of_the_cluster(&[]), None);
    }
}
