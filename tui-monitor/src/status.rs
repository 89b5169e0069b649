//! The subcommands.

use std::time::{Duration, Instant};

use lectern_cli::cluster::{Cluster, Member};
use lectern_cli::table::{cut, keep, spare};
use lectern_cli::{Result, Session, output, text};
use lectern_tui_kit::guide;

use crate::cli::{Cli, Command, MembersCommand, WaitArg};
use crate::deed::Deed;
use crate::{members, orders, screens, tokens};

/// Between two looks for a leader.
const POLL: Duration = Duration::from_millis(50);

/// Runs one subcommand.
pub async fn run(command: Command, session: Session) -> Result<()> {
    match command {
        Command::Status { wait_leader } => status(wait_leader, &session).await,
        Command::Watch { every } => watch(every, &session).await,
        Command::Members { command: None } => members::list(&session).await,
        Command::Members { command: Some(MembersCommand::History) } => members::history(&session).await,
        Command::Members { command: Some(MembersCommand::Await { node, standing, within }) } => {
            orders::member(node, standing, within, &session).await
        }
        Command::Members { command: Some(MembersCommand::Token(command)) } => tokens::run(command, &session).await,
        Command::Drain { order, wait } => orders::run(Deed::Drain, &order, &wait, &session).await,
        Command::Restore { order } => orders::run(Deed::Restore, &order, &WaitArg::default(), &session).await,
        Command::Remove { order, wait } => orders::run(Deed::Remove, &order, &wait, &session).await,
        Command::TransferLeader { node, yes } => orders::transfer(node, yes, &session).await,
        Command::Guide(command) => guide::run::<Cli>(&command, screens::SCOPES),
    }
}

async fn status(wait_leader: Option<Duration>, session: &Session) -> Result<()> {
    let started = Instant::now();
    let cluster = loop {
        let looked = Cluster::look(session.client()).await;
        let leads = looked.as_ref().is_ok_and(|cluster| cluster.leader.is_some());
        match wait_leader {
            Some(patience) if !leads && started.elapsed() < patience => tokio::time::sleep(POLL).await,
            _ => break looked?,
        }
    };
    if wait_leader.is_some() && cluster.leader.is_none() {
        return Err(orders::leaderless(&cluster));
    }
    session.show(cluster.json(), || describe(&cluster))
}

async fn watch(every: Duration, session: &Session) -> Result<()> {
    let mut last = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let cluster = match Cluster::look(session.client()).await {
            Ok(cluster) => cluster,
            // A cluster that is away is what an operator watches for: say so, and look again.
            Err(error) if error.is_transient() => Cluster::default(),
            Err(error) => return Err(error),
        };
        let line = summary(&cluster);
        if last.as_ref() != Some(&line) {
            output::show(session.is_json(), cluster.json(), || {
                format!("{}  {line}", text::time_to_the_second(text::now_ms()))
            });
            last = Some(line);
        }
    }
}

fn describe(cluster: &Cluster) -> String {
    let (voters, up) = cluster.votes();
    let head = match cluster.leader {
        Some(leader) => format!("Node {leader} leads in term {}.", cluster.term),
        None if cluster.all_held_back() => {
            format!("No leader in term {}: the nodes say below why none of them leads; writes wait.", cluster.term)
        }
        None if up * 2 > voters => {
            format!("No leader in term {}: the nodes are choosing one; writes wait.", cluster.term)
        }
        None => format!(
            "No majority: {up} of {voters} {} {}. Writes wait until a majority is back.",
            if voters == cluster.nodes.len() { "nodes" } else { "voters" },
            if up == 1 { "answers" } else { "answer" }
        ),
    };
    let rows = cluster.nodes.iter().map(|(number, member)| {
        let status = &member.status;
        vec![
            number.to_string(),
            status.client_address.clone(),
            member.role().to_owned(),
            own(member, || status.commit_index.to_string()),
            own(member, || status.applied_index.to_string()),
            own(member, || text::size(status.resident_bytes)),
            own(member, || format!("{} free", text::size(status.disk_free_bytes))),
        ]
    });
    let columns =
        [keep("node"), cut("address"), keep("role"), keep("commit"), keep("applied"), spare("memory"), spare("disk")];
    let table = text::table(&columns, rows, "No node is known.");
    let noticed = cluster.nodes.iter().filter(|(_, member)| !member.status.notice.is_empty());
    let lines = noticed.map(|(number, member)| format!("\nNode {number}: {}", text::clean(&member.status.notice)));
    let outside = cluster.outside.iter().map(|(number, address)| format!("\n{}", screens::outside(*number, address)));
    let operator = match cluster.operator.as_str() {
        "" => String::new(),
        name => format!("\nThe nodes know you as operator {}.", text::clean(name)),
    };
    format!("{head}\n\n{table}\n{}{}{operator}", lines.collect::<String>(), outside.collect::<String>())
}

/// A node's own word; a dash where it did not answer.
fn own(member: &Member, word: impl FnOnce() -> String) -> String {
    if member.reachable { word() } else { "–".into() }
}

/// What `watch` prints when it changes: roles and terms, not every index.
fn summary(cluster: &Cluster) -> String {
    if cluster.nodes.is_empty() {
        return "no node answers".into();
    }
    let nodes: Vec<String> =
        cluster.nodes.iter().map(|(number, member)| role_and_lag(*number, member, cluster)).collect();
    format!("term {}: {}", cluster.term, nodes.join(", "))
}

fn role_and_lag(number: u64, member: &Member, cluster: &Cluster) -> String {
    let behind = cluster.commit_index().saturating_sub(member.status.applied_index);
    let lag = if member.reachable && behind > 1000 { format!(" ({behind} behind)") } else { String::new() };
    format!("{number} {}{lag}", member.role())
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::{GetStatusResponse, NodeRole, NodeStatus};

    use super::*;

    #[test]
    fn without_a_majority_it_says_how_many_answer_and_knows_nothing_of_the_others() {
        let own = NodeStatus { node_id: 1, role: NodeRole::Follower.into(), applied_index: 7, ..NodeStatus::default() };
        let nodes = (1..=3).map(|node_id| NodeStatus { node_id, ..NodeStatus::default() }).collect();
        let view = GetStatusResponse { self_: Some(own), term: 5, nodes, ..GetStatusResponse::default() };
        let words = describe(&Cluster::from_views(&[view]));
        assert!(words.starts_with("No majority: 1 of 3 nodes answers."), "{words}");
        let dead = words.lines().find(|line| line.starts_with("2 ")).unwrap();
        assert!(!dead.contains('0') && dead.contains('–'), "{dead}");
    }

    #[test]
    fn a_node_that_was_asked_and_is_no_member_is_named() {
        let mut cluster = Cluster::default();
        cluster.outside.insert(2, "127.0.0.2:7600".into());
        assert!(describe(&cluster).ends_with(
            "Node 2 (127.0.0.2:7600) answers and is no member: it was removed, or a recovery left it behind."
        ));
    }
}
