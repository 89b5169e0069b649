//! The decision: at most one change, from what is seen now.

use std::collections::BTreeSet;

use super::{Change, LEAST_VOTERS, Observations, Place, Settings, Wish, view::View, words::nodes};
use crate::{
    NodeId,
    mutation::{Mutation, mutated},
};

/// Why a voter keeps its vote although it should not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nobody can take its place, and fewer voters would be too few.
    NoSpare,
    /// Those healthy voters that would be left are no majority of these.
    NoMajority { healthy: BTreeSet<NodeId>, of: BTreeSet<NodeId> },
}

impl Obstacle {
    /// As a reason: "…: no spare is ready".
    pub(super) fn reason(&self) -> String {
        match self {
            Self::NoSpare => "no spare is ready to take its place".to_owned(),
            Self::NoMajority { healthy, of } => {
                format!("the healthy voters that would be left ({}) are no majority of {}", nodes(healthy), nodes(of))
            }
        }
    }
}

/// What is to be done now, if anything.
///
/// Pure: it sees nothing but its arguments. In this order, the first that applies:
///
/// | rule | when | what |
/// |---|---|---|
/// | guard | not committed in its own term, no majority for `settle_ms`, joint, or a change in flight | nothing |
/// | hand over | the leader is drained or to leave, and a healthy voter is not | it leads from now on |
/// | leave | a learner is to leave | it is removed |
/// | admit | a node is enrolled, and there is room | it becomes a learner |
/// | swap | a voter is offline for `replace_ms`, drained or to leave, and there is a spare | the spare votes in its place |
/// | shrink | no spare, at least five voters, and two of them should not vote (or an operator removes one) | two give up their votes |
/// | promote | two spares and room for two more voters | they become voters |
/// | forget | a learner is silent for `forget_ms` | it is removed |
///
/// Whatever it is, the healthy voters it leaves are a majority of the voters before *and* after: they can finish it alone.
#[must_use]
pub fn decide(seen: &Observations, settings: &Settings, now: u64) -> Option<Change> {
    let view = View { seen, settings, now };
    if !may_act(&view) {
        return None;
    }
    hand_over(&view)
        .or_else(|| leave(&view))
        .or_else(|| admit(&view))
        .or_else(|| view.unwanted().into_iter().find_map(|node| dismiss(&view, node).ok()))
        .or_else(|| promote(&view))
        .or_else(|| forget(&view))
}

fn may_act(view: &View) -> bool {
    let seen = view.seen;
    let settled = seen.contact_since.is_some_and(|since| since.saturating_add(view.settings.settle_ms) <= view.now)
        || mutated(Mutation::ChangesUnsettled);
    let votes = seen.nodes.get(&seen.leader).is_some_and(|leader| leader.place == Place::Voter);
    seen.ready && settled && votes && !seen.joint && !seen.busy
}

fn hand_over(view: &View) -> Option<Change> {
    let unwanted = view.seen.wish(view.seen.leader) != Wish::Stay && !mutated(Mutation::LeaderDismissed);
    let to = unwanted.then(|| view.successor()).flatten()?;
    safe(view, Change::HandOver { to }).ok()
}

fn leave(view: &View) -> Option<Change> {
    let node = view.seen.at(Place::Learner).find(|node| view.seen.wish(*node) == Wish::Leave)?;
    safe(view, Change::Remove { node }).ok()
}

fn admit(view: &View) -> Option<Change> {
    let node = view.seen.at(Place::Enrolled).next()?;
    let room = view.members() < view.settings.max_members;
    room.then(|| safe(view, Change::Admit { node }).ok()).flatten()
}

/// How a voter other than the leader gives up its vote.
pub(super) fn dismiss(view: &View, node: NodeId) -> Result<Change, Obstacle> {
    let (voters, out) = (view.seen.voters().len(), view.dismissed(node));
    if let Some(into) = view.spares().first().copied() {
        return safe(view, Change::Swap { out, into });
    }
    // Without another to take its place: by two where the number of voters is odd, so that it stays so.
    if voters.is_multiple_of(2) && voters > LEAST_VOTERS {
        return safe(view, Change::Shrink { out: vec![out] });
    }
    let partner = if voters >= LEAST_VOTERS + 2 { view.partner(node) } else { None };
    let partner = partner.ok_or(Obstacle::NoSpare)?;
    safe(view, Change::Shrink { out: vec![out, view.dismissed(partner)] })
}

fn promote(view: &View) -> Option<Change> {
    let voters = view.seen.voters().len();
    let more = if voters.is_multiple_of(2) { 1 } else { 2 };
    let mut nodes = view.spares();
    if voters + more > view.settings.target_voters || nodes.len() < more {
        return None;
    }
    nodes.truncate(more);
    safe(view, Change::Promote { nodes }).ok()
}

fn forget(view: &View) -> Option<Change> {
    let gone = |node: &NodeId| view.silent_ms(*node) >= view.settings.forget_ms && !view.healthy(*node);
    let node = view.seen.at(Place::Learner).find(gone)?;
    safe(view, Change::Remove { node }).ok()
}

/// Makes the change in mind first: those healthy voters that are left must be able to finish it without the others.
fn safe(view: &View, change: Change) -> Result<Change, Obstacle> {
    let before = view.seen.voters();
    let after = change.voters_after(&before);
    let healthy = view.healthy_of(&after);
    for voters in [before, after] {
        if healthy.intersection(&voters).count() <= voters.len() / 2 && !mutated(Mutation::ChangesUnsafely) {
            return Err(Obstacle::NoMajority { healthy: &healthy & &voters, of: voters });
        }
    }
    Ok(change)
}
