//! `members`: who belongs to the cluster, how they are, and what happens next.

use lectern_cli::cluster::{Cluster, Member, standing_word};
use lectern_cli::format::rfc3339;
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Error, Result, Session, json as shared, text};
use lectern_proto::v1::{self, Membership};
use serde_json::{Value, json};

use crate::orders::told;

/// Prints the members.
pub async fn list(session: &Session) -> Result<()> {
    let cluster = Cluster::look(session.client()).await?;
    let Some(membership) = &cluster.membership else {
        return Err(Error::not_done("NOT_KNOWN", "no node says yet who belongs to the cluster"));
    };
    session.show(json(&cluster, membership), || describe(&cluster, membership))
}

/// How a node is, in a word: only a leader knows.
pub fn health(member: &v1::Member, leads: bool) -> &'static str {
    match (member.silent_ms, member.healthy_ms) {
        _ if leads => "healthy",
        (Some(_), _) if member.degraded => "degraded",
        (Some(_), _) => "silent",
        (None, Some(_)) => "healthy",
        (None, None) => "behind",
    }
}

/// How a node belongs to the cluster, in words: `voter, drained`.
pub fn standing(member: &v1::Member) -> String {
    let word = standing_word(member.standing());
    if member.drained { format!("{word}, drained") } else { word.into() }
}

/// A sentence of a node as a person reads it: with a capital, and a full stop.
pub fn sentence(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}

fn node_of(cluster: &Cluster, member: &v1::Member) -> Member {
    cluster.nodes.get(&member.node_id).cloned().unwrap_or_else(|| Member {
        status: v1::NodeStatus { node_id: member.node_id, ..v1::NodeStatus::default() },
        reachable: false,
    })
}

/// Empty for what nobody said.
fn known(words: &str) -> Option<&str> {
    Some(words).filter(|words| !words.is_empty())
}

fn json(cluster: &Cluster, membership: &Membership) -> Value {
    let by_leader = membership.seen_by_leader;
    let members = membership.members.iter().map(|member| {
        let node = node_of(cluster, member);
        json!({
            "node": member.node_id, "standing": standing_word(member.standing()), "drained": member.drained,
            "role": node.role(), "reachable": node.reachable,
            "address": known(&node.status.client_address), "peer_address": known(&node.status.peer_address),
            "version": known(&node.status.version),
            "health": by_leader.then(|| health(member, cluster.leader == Some(member.node_id))),
            "silent_ms": member.silent_ms, "degraded": by_leader.then_some(member.degraded),
            "healthy_ms": member.healthy_ms, "next": known(&member.next),
        })
    });
    let next = membership.next_change.as_ref().map(|next| json!({"in_ms": next.in_ms, "text": next.text}));
    json!({
        "leader": cluster.leader, "term": cluster.term, "joint": membership.joint, "seen_by_leader": by_leader,
        "target_voters": membership.target_voters, "changes_total": membership.changes_total, "epoch": membership.epoch,
        "next_change": next, "members": members.collect::<Vec<_>>(),
    })
}

fn describe(cluster: &Cluster, membership: &Membership) -> String {
    let voters = text::count(cluster.voters().len(), "voter", "voters");
    let leads = match cluster.leader {
        Some(leader) => format!("Node {leader} leads in term {}", cluster.term),
        None => format!("No leader in term {}", cluster.term),
    };
    let mut head = vec![format!("{leads}; {voters}, up to {} by themselves.", membership.target_voters)];
    if membership.joint {
        head.push("Two sets of voters count: a change is half done.".into());
    }
    match &membership.next_change {
        Some(next) => head.push(format!("Next: {}", sentence(&text::clean(&next.text)))),
        None if membership.seen_by_leader => {}
        None => head.push(match cluster.leader {
            Some(leader) => format!("Node {leader} does not say yet what happens next: ask again in a moment."),
            None => "No leader answers: what happens next is not known.".into(),
        }),
    }
    let rows = membership.members.iter().map(|member| {
        let (node, leads) = (node_of(cluster, member), cluster.leader == Some(member.node_id));
        let or_dash = |words: &str| known(words).map_or_else(|| "–".to_owned(), ToOwned::to_owned);
        vec![
            member.node_id.to_string(),
            standing(member),
            node.role().to_owned(),
            or_dash(&node.status.client_address),
            or_dash(&node.status.version),
            or_dash(&node.status.peer_address),
            if membership.seen_by_leader { health(member, leads).into() } else { "–".into() },
        ]
    });
    let columns = [
        keep("node"),
        keep("standing"),
        keep("role"),
        keep("address"),
        spare("version"),
        spare("peers at"),
        keep("health"),
    ];
    let table = text::table(&columns, rows, "Nobody belongs to the cluster.");
    let next = membership.members.iter().filter(|member| !member.next.is_empty());
    let next = next.map(|member| format!("\nNode {} {}", member.node_id, text::clean(&member.next)));
    format!("{}\n\n{table}\n{}", head.join("\n"), next.collect::<String>())
}

/// Prints what became of the configuration, and who asked for it.
pub async fn history(session: &Session) -> Result<()> {
    let events = told(session.client().call(v1::ListMembershipEventsRequest {}).await, session).await?.events;
    let value = events.iter().map(|event| {
        let (at, operator) = (rfc3339(event.at_ms), known(&event.operator));
        json!({"at": at, "index": event.index, "operator": operator, "text": event.text})
    });
    session.show(shared::list("events", value.collect()), || {
        let rows = events.iter().map(|event| {
            let who = known(&event.operator).unwrap_or("–");
            vec![text::time_to_the_second(event.at_ms), text::clean(who), text::clean(&event.text)]
        });
        text::table(&[keep("time"), keep("operator"), cut("what happened")], rows, "Nothing has changed yet.")
    })
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::{MemberStanding, NextChange};

    use super::*;
    use crate::testing::{answer, member, with_members};

    fn seen() -> Cluster {
        use MemberStanding::{Learner, Voter};
        let silent = v1::Member {
            silent_ms: Some(72_000),
            degraded: true,
            healthy_ms: None,
            next: "offline 1:12; replaced at 5:00 if a spare is healthy".into(),
            ..member(3, Voter)
        };
        let learner = v1::Member { drained: true, healthy_ms: None, ..member(4, Learner) };
        let members = vec![member(1, Voter), member(2, Voter), silent, learner];
        let answers = (1..=2).map(|node| with_members(answer(node, 1, 7, 10), members.clone()));
        Cluster::from_views(&answers.filter_map(|answer| answer.result.ok()).map(|view| *view).collect::<Vec<_>>())
    }

    #[test]
    fn members_are_told_with_their_health_and_what_happens_next() {
        let mut cluster = seen();
        let membership = cluster.membership.as_mut().unwrap();
        membership.joint = true;
        membership.next_change = Some(NextChange { in_ms: 6_000, text: "node 4 becomes a voter, in 6 s".into() });
        let membership = membership.clone();
        let words = describe(&cluster, &membership);
        for part in [
            "Node 1 leads in term 7; 3 voters, up to 5 by themselves.",
            "Two sets of voters count",
            "Next: Node 4 becomes a voter, in 6 s.",
            "learner, drained",
            "degraded",
            "behind",
            "Node 3 offline 1:12; replaced at 5:00 if a spare is healthy",
        ] {
            assert!(words.contains(part), "`{part}` is missing:\n{words}");
        }
        let value = json(&cluster, &membership);
        assert_eq!(value["members"][2]["silent_ms"], 72_000);
        assert_eq!(
            (&value["members"][0]["health"], &value["members"][3]["drained"]),
            (&json!("healthy"), &json!(true))
        );
        assert_eq!(value["next_change"]["in_ms"], 6_000);
    }

    #[test]
    fn what_only_a_leader_knows_is_not_made_up_without_one() {
        let mut cluster = seen();
        cluster.leader = None;
        let membership = cluster.membership.as_mut().unwrap();
        membership.seen_by_leader = false;
        let membership = membership.clone();
        assert_eq!(json(&cluster, &membership)["members"][0]["health"], Value::Null);
        assert!(describe(&cluster, &membership).contains("No leader answers: what happens next is not known."));
        // The one that leads has not looked around yet.
        cluster.leader = Some(1);
        let words = describe(&cluster, &membership);
        assert!(words.contains("Node 1 leads") && words.contains("Node 1 does not say yet"), "{words}");
        assert!(!words.contains("No leader"), "{words}");
    }
}
