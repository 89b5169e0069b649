//! Orders of an operator about the selected node: the leader is asked what would happen, then the person, then it is ordered.

use lectern_tui_kit::action::{Action, Group};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Cx, Tone};
use lectern_tui_kit::text;

use crate::deed::Deed;
use crate::effects::{Effect, Heard, Monitor};
use crate::members::sentence;
use crate::model::Model;

/// Let it lead.
pub const TRANSFER: Action = Action::new("transfer", &["L"], "let it lead", "Hand leadership to the selected node.");
/// Drain it.
pub const DRAIN: Action = Action::new(
    "drain",
    &["D"],
    "drain",
    "Let the selected node lead no more, and give its vote away as soon as another can take it.",
);
/// Let it take part again.
pub const RESTORE: Action = Action::new("restore", &["R"], "restore", "Let the selected node take part again.");
/// Let it go.
pub const REMOVE: Action = Action::new(
    "remove",
    &["X"],
    "remove",
    "Let the selected node leave the cluster for good; its number is never used again.",
);

/// What operators can do with a node.
pub const MEMBERSHIP: Group =
    Group { name: "membership", title: "For operators", actions: &[TRANSFER, DRAIN, RESTORE, REMOVE] };

/// What an action orders.
pub fn deed_of(action: &Action) -> Option<Deed> {
    match *action {
        TRANSFER => Some(Deed::Transfer),
        DRAIN => Some(Deed::Drain),
        RESTORE => Some(Deed::Restore),
        REMOVE => Some(Deed::Remove),
        _ => None,
    }
}

/// Why an order about a node cannot be given now; none when it can, or when the action is no order.
pub fn disabled(action: &Action, node: Option<u64>, model: &Model) -> Option<String> {
    let deed = deed_of(action)?;
    let is_led = model.live().cluster.leader.is_some();
    if model.operator().is_none() && model.shows_certificate() && is_led {
        return Some("The nodes do not take your certificate for an operator's.".into());
    }
    if model.operator().is_none() && !model.shows_certificate() {
        return Some("For operators: start with --cert and --key; without TLS, with --operator-key.".into());
    }
    let Some(node) = node else { return Some("No node with a number is selected.".into()) };
    let cluster = &model.live().cluster;
    if !is_led {
        return Some("There is no leader that could carry it out.".into());
    }
    deed.pointless(node, cluster)
}

/// An order that is being talked about on a screen.
#[derive(Debug, Default)]
pub struct Orders {
    /// The request whose answer is awaited, or the question that waits for the person.
    pending: Option<(RequestId, Deed, u64)>,
}

impl Orders {
    /// Asks the leader what an order would lead to.
    pub fn begin(&mut self, deed: Deed, node: u64, cx: &mut Cx<'_, Monitor>) {
        let request = cx.request(Effect::Ask { deed, node });
        self.pending = Some((request, deed, node));
    }

    /// An answer about an order.
    pub fn heard(&mut self, request: RequestId, heard: Heard, cx: &mut Cx<'_, Monitor>) {
        match heard {
            Heard::Advice(advice) => {
                let Some((_, deed, node)) = self.pending.take_if(|(awaited, ..)| *awaited == request) else { return };
                match advice {
                    Ok(advice) => self.propose(deed, node, &advice, cx),
                    Err(failure) => cx.toast(Tone::Bad, sentence(&text::clean(&failure.sentence()))),
                }
            }
            done => tell(done, cx),
        }
    }

    fn propose(&mut self, deed: Deed, node: u64, advice: &str, cx: &mut Cx<'_, Monitor>) {
        let Some(question) = deed.question(node) else {
            cx.request(Effect::Order { deed, node });
            return;
        };
        let mut consequence = sentence(&text::clean(advice));
        if deed == Deed::Remove {
            consequence += " Its number is never used again.";
        }
        let request = cx.confirm(Confirm { question, consequence, yes: deed.verb().into() });
        self.pending = Some((request, deed, node));
    }

    /// The person said yes.
    pub fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Monitor>) {
        if let Some((_, deed, node)) = self.pending.take_if(|(awaited, ..)| *awaited == request) {
            cx.request(Effect::Order { deed, node });
        }
    }
}

/// Says what became of an order, wherever the person is by now.
pub fn tell(heard: Heard, cx: &mut Cx<'_, Monitor>) {
    match heard {
        Heard::Done(Ok(words)) => cx.toast(Tone::Good, sentence(&text::clean(&words))),
        Heard::Done(Err(failure)) => cx.toast(Tone::Bad, sentence(&text::clean(&failure.sentence()))),
        // Nobody waits for these any more.
        Heard::Status(_) | Heard::Advice(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{answer, no_answer, seen};

    #[test]
    fn why_no_order_can_be_given_is_what_is_in_the_way() {
        let why = |model: &Model| disabled(&TRANSFER, Some(2), model).unwrap_or_default();
        assert!(why(&seen()).contains("start with --cert and --key"), "nothing says who it is");
        let shown = seen().with_certificate(true);
        assert!(why(&shown).contains("do not take your certificate"), "{}", why(&shown));
        let mut dead = Model::new(vec![crate::testing::address(1)]).with_certificate(true);
        dead.take_in(no_answer(1, "connection refused"), 1_000);
        assert!(why(&dead).contains("no leader"), "it was started as it should be: {}", why(&dead));
        let mut known = seen().with_key_of(Some("ada".into()));
        assert_eq!(why(&known), "");
        known.take_in(answer(2, 0, 8, 1_204), 2_000);
        known.take_in(answer(3, 0, 8, 1_204), 2_000);
        assert!(why(&known).contains("no leader"), "{}", why(&known));
    }
}
