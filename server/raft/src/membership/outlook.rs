//! What will happen next and when, if everybody stays as they are now: said by running [`decide`] ahead of time, so that the
//! words and the deeds cannot differ.

use std::collections::BTreeMap;

use super::{
    Change, Observations, Place, Settings, Wish,
    decide::{decide, dismiss},
    view::View,
    words::{moment, nodes, stopwatch},
};
use crate::NodeId;

/// The next change, if everybody who answers goes on to and everybody who is silent stays so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upcoming {
    /// When, in milliseconds from now.
    pub in_ms: u64,
    /// What.
    pub change: Change,
    /// In words: "node 4 votes in the place of node 2, which stays as a learner, in 6 s".
    pub text: String,
}

/// What will happen next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outlook {
    /// The next change, if any is to come.
    pub next: Option<Upcoming>,
    /// What is to be known of each node, where there is anything.
    pub nodes: BTreeMap<NodeId, String>,
}

/// See [`Outlook`].
#[must_use]
pub fn outlook(seen: &Observations, settings: &Settings, now: u64) -> Outlook {
    let view = View { seen, settings, now };
    let next = upcoming(&view);
    let about = |node: &NodeId| {
        let text = next.as_ref().and_then(|next| told_by(next, &view, *node)).unwrap_or_else(|| state(&view, *node));
        (*node, text)
    };
    let nodes = seen.nodes.keys().map(about).filter(|(_, text)| !text.is_empty()).collect();
    Outlook { next, nodes }
}

/// Nothing but time changes what is decided, and only at these moments: the first that decides something is the next.
fn upcoming(view: &View) -> Option<Upcoming> {
    let View { seen, settings, now } = *view;
    let settled = seen.contact_since.map(|since| since.saturating_add(settings.settle_ms));
    let mut moments: Vec<u64> = settled.into_iter().chain([now]).collect();
    for node in seen.nodes.values() {
        moments.extend(node.healthy_since.map(|since| since.saturating_add(settings.ready_ms)));
        let silences = [settings.replace_ms, settings.forget_ms];
        moments.extend(node.silent_since.iter().flat_map(|since| silences.map(|ms| since.saturating_add(ms))));
    }
    moments.retain(|at| *at >= now);
    moments.sort_unstable();
    let (at, change) = moments.into_iter().find_map(|at| Some((at, decide(seen, settings, at)?)))?;
    let in_ms = at - now;
    let text = format!("{}, {}", change.sentence(), moment(in_ms));
    Some(Upcoming { in_ms, change, text })
}

/// What the next change means for a node it is about.
fn told_by(next: &Upcoming, view: &View, node: NodeId) -> Option<String> {
    let when = moment(next.in_ms);
    let silent = silence(view, node);
    let gives_up = |leaves: bool, to: String| {
        let then = if leaves { "leaves the cluster" } else { "becomes a learner" };
        format!("{silent}{then} {when}{to}")
    };
    match &next.change {
        Change::HandOver { to } if *to == node => Some(format!("leads {when}")),
        Change::HandOver { to } if node == view.seen.leader => Some(format!("hands leadership to node {to} {when}")),
        Change::Admit { node: joining } if *joining == node => Some(format!("becomes a learner {when}")),
        Change::Promote { nodes } if nodes.contains(&node) => Some(format!("becomes a voter {when}")),
        Change::Swap { out, into } if *into == node => {
            Some(format!("becomes a voter {when}, in the place of node {}", out.node))
        }
        Change::Swap { out, into } if out.node == node => {
            Some(gives_up(out.leaves, format!("; node {into} votes in its place")))
        }
        Change::Shrink { out } => {
            let out = out.iter().find(|out| out.node == node)?;
            Some(gives_up(out.leaves, String::new()))
        }
        Change::Remove { node: leaving } if *leaving == node => Some(format!("{silent}leaves the cluster {when}")),
        _ => None,
    }
}

/// What is to be known of a node that the next change is not about.
fn state(view: &View, node: NodeId) -> String {
    match view.seen.nodes.get(&node).map(|seen| seen.place) {
        Some(Place::Enrolled) if view.members() >= view.settings.max_members => {
            format!("waits: there are {} members, the most there may be", view.members())
        }
        Some(Place::Enrolled) => format!("joins {}", in_time(view)),
        Some(Place::Learner) => learner(view, node),
        Some(Place::Voter) => voter(view, node),
        None => String::new(),
    }
}

fn learner(view: &View, node: NodeId) -> String {
    let silent = silence(view, node);
    if view.seen.wish(node) == Wish::Leave {
        return format!("{silent}leaves {}", in_time(view));
    }
    if !silent.is_empty() {
        return format!("{silent}removed at {}", stopwatch(view.settings.forget_ms));
    }
    if view.seen.wish(node) == Wish::Drained {
        return "stays without a vote while it is drained".to_owned();
    }
    match view.ready_at(node) {
        None => "is behind and catches up".to_owned(),
        Some(at) if at > view.now => format!("ready to vote {}", moment(at - view.now)),
        Some(_) if view.seen.voters().len() < view.settings.target_voters && view.spares().len() < 2 => {
            "ready to vote: waits for a second one, because voters come in pairs".to_owned()
        }
        Some(_) => "ready to vote in the place of one that goes offline".to_owned(),
    }
}

fn voter(view: &View, node: NodeId) -> String {
    if node == view.seen.leader {
        let stays = view.seen.wish(node) == Wish::Stay;
        return if stays { String::new() } else { "leads on, because no other healthy voter is to stay".to_owned() };
    }
    let silent = silence(view, node);
    if view.unwanted().contains(&node) {
        let reason = dismiss(view, node).err().map_or(String::new(), |obstacle| format!(": {}", obstacle.reason()));
        return format!("{silent}keeps its vote{reason}");
    }
    if !silent.is_empty() {
        return format!("{silent}replaced at {} if a spare is healthy", stopwatch(view.settings.replace_ms));
    }
    if view.healthy(node) { String::new() } else { "is behind and catches up".to_owned() }
}

/// When something happens that nothing but a majority is needed for.
fn in_time(view: &View) -> &'static str {
    if view.seen.busy || view.seen.joint { "after the change that is under way" } else { "when a majority is healthy" }
}

/// "offline 1:12; ", or nothing where it answers.
fn silence(view: &View, node: NodeId) -> String {
    let silent = view.seen.nodes.get(&node).is_some_and(|seen| seen.silent_since.is_some());
    if silent && node != view.seen.leader {
        format!("offline {}; ", stopwatch(view.silent_ms(node)))
    } else {
        String::new()
    }
}

/// Who is healthy among the voters, for a person who wonders why nothing happens.
pub(super) fn majority_in_words(view: &View) -> String {
    let voters = view.seen.voters();
    let healthy = view.healthy_of(&voters);
    format!("voters: {}; healthy: {}", nodes(&voters), nodes(&healthy))
}
