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
    let consequence = told(deed.ask(session.client(), node).await, session).await?;
    if let Some(question) = deed.question(node).filter(|_| !yes) {
        agree(&format!("{question}\n{}", sentence(&text::clean(&consequence))))?;
    }
    let ordered = told(deed.order(session.client(), node).await, session).await?;
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

/// What came of a call to the leader. That there is none is told to an operator by who is silent.
pub async fn told<T>(outcome: Result<T>, session: &Session) -> Result<T> {
    match outcome {
        Err(error) if matches!(error.reason(), "NO_QUORUM" | "NO_LEADER") => {
            Err(match Cluster::look(session.client()).await {
                Ok(cluster) if cluster.leader.is_none() => leaderless(&cluster),
                _ => error,
            })
        }
        other => other,
    }
}

/// Why nobody leads, to whoever can do something about it.
pub fn leaderless(cluster: &Cluster) -> Error {
    let (voters, up) = cluster.votes();
    if up * 2 > voters {
        return Error::not_done("NO_LEADER", "no majority of the nodes reports one leader");
    }
    let silent =
        cluster.voters().into_iter().filter(|number| !cluster.nodes.get(number).is_some_and(|it| it.reachable));
    let silent: Vec<String> = silent.map(|number| number.to_string()).collect();
    let (who, them) = match silent.as_slice() {
        [one] => (format!("node {one} is silent"), "it"),
        many => (format!("nodes {} are silent", many.join(", ")), "them"),
    };
    let answers = if up == 1 { "answers" } else { "answer" };
    Error::not_done("NO_QUORUM", format!("no majority: {up} of {voters} voters {answers}; {who}")).advised(format!(
        "start {them} again: nothing that was acknowledged is lost; if they are gone for good, `lectern-server recover --help` says \
         how one that is left goes on"
    ))
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
    let belongs = |cluster: &Cluster| belongs(node, standing, cluster);
    until(node, patience, session, belongs).await?;
    let word = if standing == Belongs::Voter { "votes" } else { "belongs to the cluster" };
    session.show(json!({"node": node, "done": true}), || format!("Node {node} {word}."))
}

/// Whether a leader says that the node belongs to the cluster so. One that is silent votes on nothing.
fn belongs(node: u64, standing: Belongs, cluster: &Cluster) -> bool {
    let led = cluster.leader.is_some() && cluster.membership.as_ref().is_some_and(|it| it.seen_by_leader);
    let Some(member) = cluster.member(node).filter(|_| led) else { return false };
    match (member.standing(), standing) {
        (MemberStanding::Voter, Belongs::Voter) => member.silent_ms.is_none(),
        (MemberStanding::Voter | MemberStanding::Learner, Belongs::Learner) => true,
        _ => false,
    }
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
            return Err(not_yet(node, patience, &cluster));
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

/// Why it has not happened, and whether it will.
fn not_yet(node: u64, patience: Duration, cluster: &Cluster) -> Error {
    let waited = format!("it has not happened after {}", text::span(patience.as_secs()));
    let not_yet = |why: String| Error::not_done("NOT_YET", format!("{waited}{why}"));
    match cluster.member(node) {
        _ if cluster.nodes.is_empty() => not_yet(": no node answers".into()),
        _ if cluster.leader.is_none() => {
            let why = leaderless(cluster);
            not_yet(format!(": {why}")).advised(why.advice())
        }
        None => not_yet(format!(": no node {node} belongs to the cluster, or is about to"))
            .advised("`lectern-monitor members` shows who does; a node that joins is given the next number"),
        Some(member) if member.next.is_empty() => not_yet(String::new()),
        Some(member) => not_yet(format!(": node {node} {}", text::clean(&member.next))),
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::Member;

    use super::*;
    use crate::testing::{answer, member, with_members};

    /// What node 1 and, where it is up, node 2 of three voters and a learner say.
    fn seen_by(nodes: &[u64], leader: u64, silent: Option<u64>) -> Cluster {
        use MemberStanding::{Learner, Voter};
        let mut members: Vec<_> = (1..=3).map(|node| member(node, Voter)).collect();
        members.push(member(4, Learner));
        for member in &mut members {
            member.silent_ms = silent.filter(|node| *node == member.node_id).map(|_| 9_000);
        }
        let answers = nodes.iter().map(|node| with_members(answer(*node, leader, 7, 10), members.clone()));
        Cluster::from_views(&answers.filter_map(|it| it.result.ok()).map(|view| *view).collect::<Vec<_>>())
    }

    #[test]
    fn a_lost_majority_is_told_by_who_is_silent_and_what_to_do() {
        let lost = leaderless(&seen_by(&[1], 0, None));
        assert_eq!(lost.to_string(), "no majority: 1 of 3 voters answers; nodes 2, 3 are silent");
        assert_eq!((lost.reason(), lost.exit_code()), ("NO_QUORUM", 4));
        assert!(lost.advice().contains("lectern-server recover"), "{}", lost.advice());
        let electing = leaderless(&seen_by(&[1, 2], 0, None));
        assert_eq!(electing.reason(), "NO_LEADER");
        assert!(electing.advice().contains("choosing a leader"), "{}", electing.advice());
    }

    #[test]
    fn only_a_leaders_word_counts_for_who_belongs_to_the_cluster() {
        let led = seen_by(&[1, 2], 1, Some(3));
        assert!(belongs(2, Belongs::Voter, &led) && belongs(4, Belongs::Learner, &led));
        assert!(!belongs(4, Belongs::Voter, &led) && !belongs(9, Belongs::Learner, &led));
        assert!(!belongs(3, Belongs::Voter, &led), "it is silent");
        assert!(!belongs(2, Belongs::Voter, &seen_by(&[1], 0, None)), "hearsay of a node without a leader");
    }

    #[test]
    fn what_will_not_happen_by_itself_is_not_promised() {
        let patience = Duration::from_secs(2);
        let nobody = not_yet(9, patience, &seen_by(&[1, 2], 1, None));
        assert!(nobody.to_string().contains("no node 9 belongs to the cluster"), "{nobody}");
        assert!(!nobody.advice().contains("by itself"), "{}", nobody.advice());
        let lost = not_yet(2, patience, &seen_by(&[1], 0, None));
        assert!(lost.to_string().contains("nodes 2, 3 are silent"), "{lost}");
        let soon = not_yet(4, patience, &seen_by(&[1, 2], 1, None));
        assert!(soon.reason() == "NOT_YET" && soon.advice().contains("by itself"), "{}", soon.advice());
    }

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
