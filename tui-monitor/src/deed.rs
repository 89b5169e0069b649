//! What an operator can do with a node: ask what it would lead to, and order it.

use std::fmt;

use lectern_cli::Error;
use lectern_cli::cluster::Cluster;
use lectern_client::Client;
use lectern_proto::v1::{self, MemberStanding};

/// Something an operator can do with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is to lead.
    Transfer,
    /// It is not to lead, and to give its vote away.
    Drain,
    /// It takes part again.
    Restore,
    /// It leaves for good.
    Remove,
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transfer => "transfer-leader",
            Self::Drain => "drain",
            Self::Restore => "restore",
            Self::Remove => "remove",
        })
    }
}

impl Deed {
    /// What is asked before it is done; none where it can be taken back at once.
    pub fn question(self, node: u64) -> Option<String> {
        match self {
            Self::Transfer => Some(format!("Let node {node} lead?")),
            Self::Drain => Some(format!("Drain node {node}?")),
            Self::Restore => None,
            Self::Remove => Some(format!("Remove node {node} from the cluster for good?")),
        }
    }

    /// The word on the button.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Transfer => "hand over",
            Self::Drain => "drain",
            Self::Restore => "restore",
            Self::Remove => "remove",
        }
    }

    /// What the leader says to it: what would happen. Nothing is changed.
    pub async fn ask(self, client: &Client, node: u64) -> Result<String, Error> {
        self.call(client, node, true).await
    }

    /// Orders it; returns what happens, or has happened. To be asked about before: a refusal of what was granted then
    /// means that an earlier try, whose answer was lost, has done it.
    pub async fn order(self, client: &Client, node: u64) -> Result<String, Error> {
        let ordered = self.call(client, node, false).await;
        match ordered {
            Err(error @ Error::Refused { .. }) => match Cluster::look(client).await {
                Ok(cluster) if self.is_wished(node, &cluster) => Ok(format!("it is so: {error}")),
                _ => Err(error),
            },
            other => other,
        }
    }

    async fn call(self, client: &Client, node_id: u64, only_ask: bool) -> Result<String, Error> {
        Ok(match self {
            Self::Transfer => client.call(v1::TransferLeaderRequest { node_id, only_ask }).await?.text,
            Self::Drain => client.call(v1::DrainNodeRequest { node_id, only_ask }).await?.text,
            Self::Restore => client.call(v1::RestoreNodeRequest { node_id, only_ask }).await?.text,
            Self::Remove => client.call(v1::RemoveNodeRequest { node_id, only_ask }).await?.text,
        })
    }

    /// Whether the leader knows that it is wanted.
    fn is_wished(self, node: u64, cluster: &Cluster) -> bool {
        let Some(membership) = cluster.membership.as_ref().filter(|membership| membership.seen_by_leader) else {
            return false;
        };
        let member = membership.members.iter().find(|member| member.node_id == node);
        match self {
            Self::Transfer => cluster.leader == Some(node),
            Self::Drain => member.is_some_and(|member| member.drained),
            Self::Restore => member.is_some_and(|member| !member.drained),
            Self::Remove => member.is_none_or(|member| member.standing() == MemberStanding::Leaving),
        }
    }

    /// Whether it has happened, by the word of the leader.
    pub fn is_done(self, node: u64, cluster: &Cluster) -> bool {
        let settled = cluster.membership.as_ref().is_some_and(|membership| !membership.joint);
        settled
            && self.is_wished(node, cluster)
            && match self {
                Self::Transfer | Self::Restore => true,
                Self::Drain => cluster.leader != Some(node) && cluster.standing(node) == Some(MemberStanding::Learner),
                Self::Remove => cluster.member(node).is_none(),
            }
    }

    /// Why it makes no sense now, as far as that is known here; the leader has the last word.
    pub fn pointless(self, node: u64, cluster: &Cluster) -> Option<String> {
        let member = cluster.member(node)?;
        let leads = cluster.leader == Some(node);
        let standing = member.standing();
        match self {
            Self::Transfer if leads => Some(format!("Node {node} leads already.")),
            Self::Transfer if standing != MemberStanding::Voter => {
                Some(format!("Node {node} is no voter, and only a voter can lead."))
            }
            Self::Drain if member.drained => Some(format!("Node {node} is drained already.")),
            Self::Restore if !member.drained => Some(format!("Node {node} is not drained.")),
            Self::Drain | Self::Restore if standing == MemberStanding::Leaving => {
                Some(format!("Node {node} is to leave the cluster."))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, member, with_members};

    fn cluster(members: &[v1::Member]) -> Cluster {
        let answers = (1..=3).map(|node| with_members(answer(node, 1, 7, 10), members.to_vec()));
        let views: Vec<_> = answers.filter_map(|answer| answer.result.ok()).map(|view| *view).collect();
        Cluster::from_views(&views)
    }

    fn standing(node: u64, standing: MemberStanding, drained: bool) -> v1::Member {
        v1::Member { drained, ..member(node, standing) }
    }

    #[test]
    fn what_was_ordered_has_happened_when_the_leader_says_so() {
        use MemberStanding::{Learner, Leaving, Voter};
        let with = |third: Option<v1::Member>| {
            cluster(&[member(1, Voter), member(2, Voter)].into_iter().chain(third).collect::<Vec<_>>())
        };
        let plain = with(Some(member(3, Voter)));
        assert!(![Deed::Transfer, Deed::Drain, Deed::Remove].iter().any(|deed| deed.is_done(3, &plain)));
        assert!(Deed::Transfer.is_done(1, &plain) && Deed::Restore.is_done(3, &plain));
        let draining = with(Some(standing(3, Voter, true)));
        assert!(!Deed::Drain.is_done(3, &draining), "it still votes");
        assert!(Deed::Drain.is_wished(3, &draining) && !Deed::Restore.is_done(3, &draining));
        assert!(Deed::Drain.is_done(3, &with(Some(standing(3, Learner, true)))));
        let leaving = with(Some(member(3, Leaving)));
        assert!(Deed::Remove.is_wished(3, &leaving) && !Deed::Remove.is_done(3, &leaving));
        assert!(Deed::Remove.is_done(3, &with(None)));
        let mut halfway = with(None);
        halfway.membership.as_mut().unwrap().joint = true;
        assert!(!Deed::Remove.is_done(3, &halfway));
        let mut hearsay = with(None);
        hearsay.membership.as_mut().unwrap().seen_by_leader = false;
        assert!(!Deed::Remove.is_done(3, &hearsay), "a node that lags may know nothing of it yet");
    }

    #[test]
    fn what_makes_no_sense_is_told_before_the_leader_is_asked() {
        use MemberStanding::{Learner, Voter};
        let cluster = cluster(&[member(1, Voter), standing(2, Voter, true), member(3, Learner)]);
        let why = |deed: Deed, node| deed.pointless(node, &cluster).unwrap_or_default();
        assert_eq!(why(Deed::Transfer, 1), "Node 1 leads already.");
        assert!(why(Deed::Transfer, 3).contains("no voter"));
        assert_eq!(why(Deed::Drain, 2), "Node 2 is drained already.");
        assert_eq!(why(Deed::Restore, 1), "Node 1 is not drained.");
        assert_eq!(why(Deed::Remove, 3), "");
    }
}
