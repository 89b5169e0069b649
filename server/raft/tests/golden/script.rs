//! The scripts' commands.

use std::{error::Error, fmt::Write as _};

use goldenscript::{Argument, Command, Context, Runner};
use lectern_raft::{
    Batch, Disk, Greeting, Input, NodeId, Replica, Role,
    eraftpb::{ConfChangeSingle, ConfChangeTransition, ConfChangeType, ConfChangeV2},
    found, founding_state,
    membership::Request,
};

use crate::cluster::{Cluster, describe, hello};

/// The connection of a hello that gets no answer back.
const HEARD: u64 = 0;

/// One script's cluster.
#[derive(Default)]
pub struct Script {
    cluster: Cluster,
}

type Outcome = Result<(), Box<dyn Error>>;

fn positional(command: &Command) -> Vec<&str> {
    command
        .args
        .iter()
        .filter_map(|argument| if let Argument::Positional(value) = argument { Some(value.as_str()) } else { None })
        .collect()
}

fn key<'a>(command: &'a Command, name: &str) -> Option<&'a str> {
    command.args.iter().find_map(|argument| match argument {
        Argument::KeyValue(key, value) if key == name => Some(value.as_str()),
        _ => None,
    })
}

fn node(text: &str) -> Result<NodeId, Box<dyn Error>> {
    Ok(text.parse()?)
}

impl Runner for Script {
    type Command = Command;

    #[allow(clippy::too_many_lines)] // One arm a command.
    fn run(&mut self, command: &Command, _: &Context) -> Result<String, Box<dyn Error>> {
        let words = positional(command);
        let cluster = &mut self.cluster;
        match (command.name.as_str(), words.as_slice()) {
            ("cluster", [count]) => found_cluster(cluster, node(count)?, command)?,
            ("join", [id]) => {
                cluster.add(node(id)?, &[], |_| {});
                cluster.start(node(id)?)?;
            }
            ("campaign", [id]) => campaign(cluster, node(id)?),
            ("tick", ids) => tick(cluster, ids, key(command, "count").unwrap_or("1").parse()?)?,
            ("propose", [id, commands @ ..]) => {
                let propose = |data: &&str| Input::Propose { id: cluster.request(), data: data.as_bytes().to_vec() };
                let inputs = commands.iter().map(propose).collect();
                cluster.feed(node(id)?, inputs);
            }
            ("read", [id]) => {
                let input = Input::Read { id: cluster.request() };
                cluster.feed(node(id)?, vec![input]);
            }
            ("configure", [id, changes @ ..]) => {
                let input = Input::Configure { id: cluster.request(), change: change(changes, key(command, "leave"))? };
                cluster.feed(node(id)?, vec![input]);
            }
            ("transfer", [id]) => cluster.feed(node(id)?, vec![Input::Transfer { to: None }]),
            ("transfer", [id, to]) => cluster.feed(node(id)?, vec![Input::Transfer { to: Some(node(to)?) }]),
            ("deliver", []) => deliver(cluster, command)?,
            ("drop", []) => cluster.queue.clear(),
            ("messages", []) => {
                let lines: Vec<String> = cluster.queue.iter().map(|(_, _, parcel)| describe(parcel)).collect();
                for line in lines {
                    cluster.say(line);
                }
            }
            ("partition", ids) => {
                for id in ids {
                    cluster.cut.insert(node(id)?);
                }
            }
            ("heal", []) => cluster.cut.clear(),
            ("lost", [id, peer]) => {
                let input = Input::PeerLost { peer: node(peer)?, refused: key(command, "refused").is_some() };
                cluster.feed(node(id)?, vec![input]);
            }
            ("writes", [mode]) => cluster.manual_writes = *mode == "manual",
            ("installs", [mode]) => cluster.manual_installs = *mode == "manual",
            ("install", [id]) => {
                let installed = cluster.installed(node(id)?);
                cluster.feed(node(id)?, installed);
            }
            ("persist", [id]) => cluster.finish_writes(node(id)?),
            ("lose-snapshots", [mode]) => cluster.lose_snapshots = *mode == "yes",
            // The snapshot on its way from the first node to the second moves on.
            ("progress", [from, to]) => {
                let id = cluster.nodes[&node(from)?].sending.clone();
                cluster.feed(node(from)?, vec![Input::SnapshotProgress { to: node(to)?, id }]);
            }
            ("crash", [id]) => cluster.crash(node(id)?),
            ("restart", [id]) => {
                cluster.crash(node(id)?);
                cluster.start(node(id)?)?;
            }
            ("wipe", [id]) => wipe(cluster, node(id)?),
            ("call", [from, to]) => cluster.call(node(from)?, node(to)?),
            ("turned-away", [id, by]) => {
                let by = cluster.nodes[&node(by)?].config.hello.clone();
                cluster.feed(node(id)?, vec![Input::TurnedAway { by }]);
            }
            ("hello", [id]) => say_hello(cluster, node(id)?, command)?,
            ("clock", [id, offset]) => {
                let with = key(command, "with").map(node).transpose()?;
                cluster.compare_clocks(node(id)?, with, offset.parse()?);
            }
            // The node reads its system clock: so far ahead of the clock it stamps with.
            ("step-clock", [id, ahead]) => {
                cluster.feed(node(id)?, vec![Input::SystemClock { ahead_ms: ahead.parse()? }]);
            }
            // The node has started, and compared its clock with nobody's.
            ("forget-clocks", [id]) => {
                cluster.crash(node(id)?);
                cluster.start_without_clocks(node(id)?)?;
            }
            ("hash", [id, of, index, hash]) => {
                let input = Input::StateHash { node: node(of)?, index: index.parse()?, hash: [hash.parse()?; 32] };
                cluster.feed(node(id)?, vec![input]);
            }
            // The first node hears from the second one how far that has come.
            ("came-to", [id, peer, index]) => {
                let input = Input::PeerApplied { peer: node(peer)?, index: index.parse()? };
                cluster.feed(node(id)?, vec![input]);
            }
            ("damage", [id, what]) => damage(cluster, node(id)?, what, command)?,
            ("found", [id]) => {
                let id = node(id)?;
                found(&cluster.nodes[&id].disk, &hello(id), &[id])?;
            }
            // A command for the roster: `roster 1 enrol disk-4`, `roster 1 remove 3`.
            ("roster", [id, words @ ..]) => {
                let input = Input::Propose { id: cluster.request(), data: words.join(" ").into_bytes() };
                cluster.feed(node(id)?, vec![input]);
            }
            ("ask", [id, words @ ..]) => ask(cluster, node(id)?, words)?,
            ("members", [id]) => show_members(cluster, node(id)?),
            ("recover", [id, epoch]) => cluster.recover(node(id)?, epoch.parse()?)?,
            ("status", _) => status(cluster),
            (name, words) => return Err(format!("no command {name} with {words:?}").into()),
        }
        Ok(std::mem::take(&mut cluster.output))
    }
}

fn found_cluster(cluster: &mut Cluster, count: NodeId, command: &Command) -> Outcome {
    let ids: Vec<NodeId> = (1..=count).collect();
    let keep: Option<u64> = key(command, "keep").map(str::parse).transpose()?;
    let keep_ms: Option<u64> = key(command, "keep_ms").map(str::parse).transpose()?;
    let cap: Option<u64> = key(command, "cap").map(str::parse).transpose()?;
    let entry: Option<u64> = key(command, "entry").map(str::parse).transpose()?;
    let cache: Option<u64> = key(command, "cache").map(str::parse).transpose()?;
    let message: Option<u64> = key(command, "message").map(str::parse).transpose()?;
    cluster.hurried = key(command, "hurried").is_some();
    for id in &ids {
        cluster.add(*id, &ids, |config| {
            config.keep_entries = keep.unwrap_or(config.keep_entries);
            config.keep_ms = keep_ms.unwrap_or(config.keep_ms);
            config.cap_bytes = cap.unwrap_or(config.cap_bytes);
            config.cache_bytes = cache.unwrap_or(config.cache_bytes);
            config.max_message_bytes = message.unwrap_or(config.max_message_bytes);
            config.max_entry_bytes = entry.unwrap_or(config.max_entry_bytes);
            config.snapshot_stall_ms = 2_000;
            config.snapshot_timeout_ms = 2_000;
        });
    }
    for id in &ids {
        cluster.start(*id)?;
    }
    let strangers = key(command, "strangers").is_some();
    let pairs = ids.iter().flat_map(|from| ids.iter().map(move |to| (*from, *to)));
    for (from, to) in pairs.filter(|(from, to)| from != to && !strangers) {
        cluster.call(from, to);
    }
    cluster.output.clear();
    Ok(())
}

/// Ticks the node until it asks for votes.
fn campaign(cluster: &mut Cluster, id: NodeId) {
    for _ in 0..40 {
        let role = cluster.nodes[&id].replica.as_ref().unwrap().status().role;
        if matches!(role, Role::Candidate | Role::Leader) {
            return;
        }
        cluster.now += 20;
        cluster.feed(id, vec![Input::Tick]);
    }
}

fn tick(cluster: &mut Cluster, ids: &[&str], count: u64) -> Outcome {
    let mut chosen = Vec::new();
    for id in ids {
        chosen.push(node(id)?);
    }
    if chosen.is_empty() {
        chosen = cluster.nodes.keys().copied().collect();
    }
    for _ in 0..count {
        cluster.now += 20;
        for id in &chosen {
            cluster.feed(*id, vec![Input::Tick]);
        }
        if ids.is_empty() {
            cluster.deliver(|_, _, _| true);
        }
    }
    Ok(())
}

fn deliver(cluster: &mut Cluster, command: &Command) -> Outcome {
    let from = key(command, "from").map(node).transpose()?;
    let to = key(command, "to").map(node).transpose()?;
    let except = key(command, "except").map(str::to_owned);
    let kind = key(command, "kind").map(str::to_owned);
    cluster.deliver(|sender, receiver, text| {
        from.is_none_or(|from| from == sender)
            && to.is_none_or(|to| to == receiver)
            && except.as_ref().is_none_or(|kind| !text.contains(&format!(" {kind} ")))
            && kind.as_ref().is_none_or(|kind| text.contains(&format!(" {kind} ")))
    });
    Ok(())
}

/// `v4` makes 4 a voter, `l4` a learner, `r4` removes it. `leave=explicit` stays joint until told otherwise.
fn change(words: &[&str], leave: Option<&str>) -> Result<ConfChangeV2, Box<dyn Error>> {
    let mut change = ConfChangeV2::default();
    for word in words {
        let kind = match word.as_bytes().first() {
            Some(b'v') => ConfChangeType::AddNode,
            Some(b'l') => ConfChangeType::AddLearnerNode,
            Some(b'r') => ConfChangeType::RemoveNode,
            _ => return Err(format!("no change {word}").into()),
        };
        let mut single = ConfChangeSingle { node_id: node(&word[1..])?, ..ConfChangeSingle::default() };
        single.set_change_type(kind);
        change.changes.push(single);
    }
    if leave == Some("explicit") {
        change.set_transition(ConfChangeTransition::Explicit);
    }
    Ok(change)
}

/// The node's disk is replaced by an empty one, and founded again under the same number: as the first was.
fn wipe(cluster: &mut Cluster, id: NodeId) {
    cluster.crash(id);
    let voters = founding_state(&cluster.nodes[&id].disk).unwrap().conf_state.voters;
    cluster.add(id, &voters, |config| config.hello.incarnation = "another disk".into());
}

fn say_hello(cluster: &mut Cluster, id: NodeId, command: &Command) -> Outcome {
    let peer = node(key(command, "node").unwrap_or("2"))?;
    let mut greeting = if cluster.nodes.contains_key(&peer) {
        cluster.greeting(peer, false)
    } else {
        Greeting { hello: hello(peer), configured_at: 0, member: false, durable: 0, welcomed: false }
    };
    if let Some(cluster_id) = key(command, "cluster") {
        cluster_id.clone_into(&mut greeting.hello.cluster_id);
    }
    if let Some(epoch) = key(command, "epoch") {
        greeting.hello.epoch = epoch.parse()?;
    }
    // As if its disk had been restored from an older copy.
    if let Some(durable) = key(command, "durable") {
        greeting.durable = durable.parse()?;
    }
    cluster.feed(id, vec![Input::Hello { connection: HEARD, greeting }]);
    Ok(())
}

/// What no crash does: bit rot, a restored backup, a careless hand.
fn damage(cluster: &mut Cluster, id: NodeId, what: &str, command: &Command) -> Outcome {
    let node = cluster.nodes.get_mut(&id).ok_or("no such node")?;
    let index: u64 = key(command, "index").unwrap_or("0").parse()?;
    let entry_key = |index: u64| [&b"e"[..], &index.to_be_bytes()].concat();
    match what {
        "entry" => node.disk.lose(&entry_key(index)),
        "hard-state" => node.disk.lose(b"m/hard_state"),
        "garbage" => {
            let mut batch = Batch::default();
            batch.put(entry_key(index), *b"\x01\xff\xff");
            node.disk.write(&batch)?;
            node.disk.sync()?;
        }
        "applied" => node.state.applied.index = index,
        _ => return Err(format!("no damage {what}").into()),
    }
    Ok(())
}

fn ask(cluster: &mut Cluster, id: NodeId, words: &[&str]) -> Outcome {
    let request = match words {
        ["join"] => Request::Join,
        ["remove", other] => Request::Remove(node(other)?),
        ["drain", other] => Request::Drain(node(other)?),
        ["restore", other] => Request::Restore(node(other)?),
        ["transfer", other] => Request::Transfer(node(other)?),
        _ => return Err(format!("nothing to ask in {words:?}").into()),
    };
    let replica = cluster.nodes[&id].replica.as_ref().ok_or("it is down")?;
    let line = match replica.ask(request) {
        Ok(answer) => format!("n{id} says {}: {}", if answer.granted { "yes" } else { "no" }, answer.text),
        Err(refused) => format!("n{id} cannot say: {refused:?}"),
    };
    cluster.say(line);
    Ok(())
}

/// Everyone as this node sees them.
fn show_members(cluster: &mut Cluster, id: NodeId) {
    let Some(status) = cluster.nodes[&id].replica.as_ref().map(Replica::membership_status) else { return };
    for member in status.members {
        let drained = if member.drained { " drained" } else { "" };
        let degraded = if member.degraded { " degraded" } else { "" };
        let next = if member.next.is_empty() { String::new() } else { format!(": {}", member.next) };
        cluster.say(format!("n{} {:?}{drained}{degraded}{next}", member.node, member.standing));
    }
    if let Some(next) = status.next_change {
        cluster.say(format!("next: {}", next.text));
    }
}

fn status(cluster: &mut Cluster) {
    let mut text = String::new();
    for (id, node) in &cluster.nodes {
        let Some(status) = node.replica.as_ref().map(Replica::status) else {
            let _ = writeln!(text, "n{id} is down");
            continue;
        };
        let (first, last) = (status.first_index, status.last_index);
        let conf = &status.conf_state;
        let _ = writeln!(
            text,
            "n{id} {:?} term {} log {first}..={last} commit {} applied {} voters {:?} learners {:?} state {:?}",
            status.role, status.term, status.commit, status.applied, conf.voters, conf.learners, node.state.commands
        );
        for peer in status.peers {
            if let Some(progress) = peer.progress {
                let paused = if progress.paused { " paused" } else { "" };
                let _ =
                    writeln!(text, "    n{} matched {} {:?}{paused}", peer.node, progress.matched, progress.sending);
            }
        }
        for notice in status.notices {
            let _ = writeln!(text, "    notice: {notice}");
        }
    }
    cluster.output += &text;
}
