//! `drain`, `restore`, `remove`, `transfer-leader`: the leader is asked first, then the person, then it is ordered, and waited
//! for where that was wanted.

use std::time::{Duration, Instant};

use lectern_cli::cluster::Cluster;
use lectern_cli::{Error, Result, Session, input, output, text};
use lectern_client::Code;
use lectern_proto::v1::MemberStanding;
use serde_json::json;

use crate::cli::{Belongs, OrderArgs, WaitArg};
use crate::deed::Deed;
use crate::members::sentence;

/// Between two looks at what becomes of an order.
const POLL: Duration = Duration::from_millis(200);

/// Carries out an order.
pub async fn run(deed: Deed, order: &OrderArgs, wait: &WaitArg, session: &Session) -> Result<()> {
    let OrderArgs { node, yes } = *order;
    let consequence = deed.ask(session.client(), node).await?;
    if let Some(question) = deed.question(node).filter(|_| !yes) {
        agree(&format!("{question}\n{}", sentence(&text::clean(&consequence))))?;
    }
    let ordered = deed.order(session.client(), node).await?;
    let waited = match wait.wait {
        Some(patience) => {
            until(node, patience, session, |cluster| deed.is_done(node, cluster)).await?;
            true
        }
        None => false,
    };
    let done = waited || matches!(deed, Deed::Transfer | Deed::Restore);
    let value = json!({"order": deed.to_string(), "node": node, "text": ordered, "done": done});
    session.show(value, || match (deed, waited) {
        (Deed::Drain, true) => format!("Node {node} is drained: it neither leads nor votes."),
        (Deed::Remove, true) => format!("Node {node} belongs to the cluster no more, and its number is used up."),
        _ => sentence(&text::clean(&ordered)),
    })
}

/// Hands leadership over: to the node that was named, else to the voter that is furthest.
pub async fn transfer(node: Option<u64>, yes: bool, session: &Session) -> Result<()> {
    let node = match node {
        Some(node) => node,
        None => successor(&Cluster::look(session.client()).await?)?,
    };
    run(Deed::Transfer, &OrderArgs { node, yes }, &WaitArg::default(), session).await
}

fn successor(cluster: &Cluster) -> Result<u64> {
    let may_lead = |number: &u64| {
        let member = cluster.member(*number);
        cluster.leader != Some(*number)
            && member.is_some_and(|member| member.standing() == MemberStanding::Voter && !member.drained)
    };
    let able = cluster.nodes.iter().filter(|(number, node)| node.reachable && may_lead(number));
    let furthest = able.max_by_key(|(_, node)| node.status.last_index);
    furthest.map(|(number, _)| *number).ok_or_else(|| {
        let message = "no other voter answers that is not drained: nobody could take over";
        Error::refused(Code::FailedPrecondition, "NO_SUCCESSOR", message)
    })
}

/// Asks a person, and only a person.
fn agree(question: &str) -> Result<()> {
    if input::confirm(question)? {
        return Ok(());
    }
    Err(Error::refused(Code::Cancelled, "DECLINED", "nothing was changed"))
}

/// Waits until a node belongs to the cluster, as a learner or as a voter.
pub async fn member(node: u64, standing: Belongs, patience: Duration, session: &Session) -> Result<()> {
    let belongs = |cluster: &Cluster| match cluster.standing(node) {
        Some(MemberStanding::Voter) => true,
        Some(MemberStanding::Learner) => standing == Belongs::Learner,
        _ => false,
    };
    until(node, patience, session, belongs).await?;
    let word = if standing == Belongs::Voter { "votes" } else { "belongs to the cluster" };
    session.show(json!({"node": node, "done": true}), || format!("Node {node} {word}."))
}

/// Waits until the cluster is so. What is to happen to the node is told meanwhile, to a person.
async fn until(node: u64, patience: Duration, session: &Session, is_so: impl Fn(&Cluster) -> bool) -> Result<()> {
    let started = Instant::now();
    let mut told = String::new();
    loop {
        let cluster = match Cluster::look(session.client()).await {
            Ok(cluster) => cluster,
            // An election is nothing to give up for.
            Err(error) if error.is_transient() => Cluster::default(),
            Err(error) => return Err(error),
        };
        if is_so(&cluster) {
            return Ok(());
        }
        let next = cluster.member(node).map(|member| text::clean(&member.next)).unwrap_or_default();
        if started.elapsed() >= patience {
            let why = if next.is_empty() { String::new() } else { format!(": node {node} {next}") };
            return Err(Error::Unreachable {
                reason: "NOT_YET".into(),
                message: format!("it has not happened after {}{why}", text::span(patience.as_secs())),
            });
        }
        // A countdown is one piece of news, and not one a second.
        let news = next.replace(|letter: char| letter.is_ascii_digit(), "");
        if output::is_watched() && !next.is_empty() && news != told {
            output::note(&format!("node {node} {next}"));
            told = news;
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::Member;

    use super::*;
    use crate::testing::{answer, member, with_members};

    #[test]
    fn leadership_goes_to_a_voter_that_answers_and_is_not_drained() {
        use MemberStanding::{Learner, Voter};
        let drained = Member { drained: true, ..member(2, Voter) };
        let members = vec![member(1, Voter), drained, member(3, Voter), member(4, Learner)];
        let looked = |nodes: &[u64]| {
            let answers = nodes.iter().map(|node| with_members(answer(*node, 1, 7, 10), members.clone()));
            Cluster::from_views(&answers.filter_map(|it| it.result.ok()).map(|view| *view).collect::<Vec<_>>())
        };
        assert_eq!(successor(&looked(&[1, 2, 3, 4])).unwrap(), 3);
        assert_eq!(successor(&looked(&[1, 2, 4])).unwrap_err().reason(), "NO_SUCCESSOR");
    }
}
