//! What an operator asks for, judged before it is written down.

use super::{
    Change, Observations, Place, Settings, Wish,
    decide::{Obstacle, decide, dismiss},
    outlook::majority_in_words,
    view::View,
};
use crate::NodeId;

/// What an operator, or a node that wants to join, asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A new node wants to join.
    Join,
    /// This node is to leave for good.
    Remove(NodeId),
    /// This node is not to lead, and to give its vote away when another can take it.
    Drain(NodeId),
    /// This node takes part again after it was drained.
    Restore(NodeId),
    /// This node is to lead.
    Transfer(NodeId),
}

/// Whether it may be done, and what will happen or what is in the way, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// It may be done.
    pub granted: bool,
    /// A sentence or two.
    pub text: String,
    /// The leader is so new that it does not know who is well: a moment later the answer may be another one.
    pub provisional: bool,
}

/// No request needs more changes than this before it is fulfilled.
const MOST_CHANGES: usize = 32;

impl Answer {
    fn yes(text: impl Into<String>) -> Self {
        Self { granted: true, text: text.into(), provisional: false }
    }

    fn no(text: impl Into<String>) -> Self {
        Self { granted: false, text: text.into(), provisional: false }
    }
}

/// Judges a request. Nothing is changed: what is granted is written to the log by the caller, and carried out by
/// [`super::decide`] as soon as it is safe, by whoever leads then.
#[must_use]
pub fn answer(seen: &Observations, settings: &Settings, now: u64, request: Request) -> Answer {
    let view = View { seen, settings, now };
    let (Request::Remove(node) | Request::Drain(node) | Request::Restore(node) | Request::Transfer(node)) = request
    else {
        return join(&view);
    };
    let Some(place) = seen.nodes.get(&node).map(|seen| seen.place) else {
        return Answer::no(format!("there is no node {node} in the cluster"));
    };
    let answer = match request {
        Request::Remove(_) => remove(&view, node, place),
        Request::Drain(_) => drain(&view, node, place),
        Request::Restore(_) => return restore(&view, node),
        Request::Transfer(_) | Request::Join => transfer(&view, node, place),
    };
    // Who is well shows only in what was committed a while ago.
    let known = |since: u64| now.saturating_sub(since) > settings.lag_ms;
    Answer { provisional: place == Place::Voter && !seen.contact_since.is_some_and(known), ..answer }
}

fn join(view: &View) -> Answer {
    let expected = view.members() + view.seen.at(Place::Enrolled).count();
    if expected >= view.settings.max_members {
        return Answer::no(format!(
            "there are {expected} members, the most there may be: remove one that is not needed first"
        ));
    }
    Answer::yes("it becomes a learner, and a voter once it has been healthy for a while and there is room")
}

fn remove(view: &View, node: NodeId, place: Place) -> Answer {
    if view.seen.wish(node) == Wish::Leave {
        return Answer::yes(format!("node {node} is to leave already"));
    }
    match place {
        Place::Enrolled => Answer::yes(format!("node {node} has never joined; its number is used up")),
        Place::Learner => Answer::yes(format!("node {node} is a learner, and leaves at once")),
        Place::Voter => match dismissal(view, node, Wish::Leave) {
            Ok(text) => Answer::yes(text),
            Err(why) => Answer::no(format!("node {node} cannot be removed now: {}", remedy(view, &why))),
        },
    }
}

fn drain(view: &View, node: NodeId, place: Place) -> Answer {
    match (view.seen.wish(node), place) {
        (Wish::Leave, _) => Answer::no(format!("node {node} is to leave the cluster")),
        (Wish::Drained, _) => Answer::yes(format!("node {node} is drained already")),
        (_, Place::Enrolled) => Answer::no(format!("node {node} has not joined yet")),
        (_, Place::Learner) => Answer::yes(format!("node {node} is a learner, and stays one")),
        (_, Place::Voter) => match dismissal(view, node, Wish::Drained) {
            Ok(text) => Answer::yes(text),
            Err(Refusal::NoSuccessor) => {
                Answer::no(format!("node {node} cannot be drained now: {}", remedy(view, &Refusal::NoSuccessor)))
            }
            Err(Refusal::Vote(why)) => Answer::yes(format!(
                "node {node} does not lead from now on; it keeps its vote for now: {}",
                why.reason()
            )),
        },
    }
}

fn restore(view: &View, node: NodeId) -> Answer {
    match view.seen.wish(node) {
        Wish::Drained => Answer::yes(format!("node {node} may vote and lead again")),
        Wish::Stay => Answer::no(format!("node {node} is not drained")),
        Wish::Leave => Answer::no(format!("node {node} is to leave the cluster, and a number is never used twice")),
    }
}

fn transfer(view: &View, node: NodeId, place: Place) -> Answer {
    if node == view.seen.leader {
        return Answer::no(format!("node {node} leads already"));
    }
    if place != Place::Voter {
        return Answer::no(format!("node {node} is no voter, and only a voter can lead"));
    }
    if view.seen.wish(node) != Wish::Stay {
        return Answer::no(format!("node {node} is drained or to leave: it is not to lead"));
    }
    if !view.healthy(node) {
        return Answer::no(format!("node {node} does not answer or is behind: it could not take over"));
    }
    Answer::yes(format!("node {} hands leadership to node {node}", view.seen.leader))
}

/// Why a voter cannot be let go.
enum Refusal {
    /// It leads, and nobody else can.
    NoSuccessor,
    /// It cannot give up its vote.
    Vote(Obstacle),
}

/// What will happen once `wish` is known, if everybody stays as they are, until the node votes no more.
fn dismissal(view: &View, node: NodeId, wish: Wish) -> Result<String, Refusal> {
    let mut seen = view.seen.clone();
    (seen.ready, seen.joint, seen.busy, seen.contact_since) = (true, false, false, Some(0));
    if let Some(seen) = seen.nodes.get_mut(&node) {
        seen.wish = wish;
    }
    let settled = Settings { settle_ms: 0, ..view.settings.clone() };
    let mut sentences = Vec::new();
    for _ in 0..MOST_CHANGES {
        let votes = seen.voters().contains(&node);
        let Some(change) = decide(&seen, &settled, view.now).filter(|_| votes) else { break };
        if matches!(change, Change::HandOver { .. }) || change.nodes().contains(&node) {
            sentences.push(change.sentence());
        }
        seen = change.made_in(&seen);
    }
    if !seen.voters().contains(&node) {
        return Ok(sentences.join("; then "));
    }
    if seen.leader == node {
        return Err(Refusal::NoSuccessor);
    }
    let view = View { seen: &seen, ..*view };
    Err(Refusal::Vote(dismiss(&view, node).err().unwrap_or(Obstacle::NoSpare)))
}

fn remedy(view: &View, refusal: &Refusal) -> String {
    match refusal {
        Refusal::NoSuccessor => {
            format!("it leads, and no other healthy voter could take over ({})", majority_in_words(view))
        }
        Refusal::Vote(why @ Obstacle::NoSpare) => {
            format!("{}; let another node join first, and try again once it is ready to vote", why.reason())
        }
        Refusal::Vote(why @ Obstacle::NoMajority { .. }) => {
            format!("{}; bring a voter back first", why.reason())
        }
    }
}
