//! A change that a screen makes by itself, mostly after a question: asked, sent, and told when it was not done.

use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Confirm, Tone};
use lectern_tui_kit::sending::Sending;

use crate::effects::{Change, Effect, Made};
use crate::program::Cx;

/// Such a change.
#[derive(Default)]
pub struct Deed {
    asked: Option<(RequestId, Change)>,
    sending: Sending<Change>,
}

impl Deed {
    /// Asks before the change is made.
    pub fn ask(&mut self, question: Confirm, change: Change, cx: &mut Cx<'_>) {
        self.asked = Some((cx.confirm(question), change));
    }

    /// The person said yes to something: if it was this, it is done.
    pub fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        if let Some((_, change)) = self.asked.take_if(|(asked, _)| *asked == request) {
            self.send(change, cx);
        }
    }

    /// Makes the change.
    pub fn send(&mut self, change: Change, cx: &mut Cx<'_>) {
        let key = self.sending.key(&change);
        let request = cx.request(Effect::Change { key, change });
        self.sending.start(request);
    }

    /// An answer came: what was made, when it is the awaited one and good news. Why it was not done is told.
    pub fn finish(&mut self, request: RequestId, result: Result<Box<Made>, Failure>, cx: &mut Cx<'_>) -> Option<Made> {
        if !self.sending.awaits(request) {
            return None;
        }
        let made = self.sending.finish(request, result);
        if let Some(failure) = self.sending.failure() {
            cx.toast(Tone::Bad, failure.sentence());
        }
        made.map(|made| *made)
    }

    /// Whether its answer is awaited.
    pub fn is_under_way(&self) -> bool {
        self.sending.is_under_way()
    }

    /// Why it was not done.
    pub fn failure(&self) -> Option<&Failure> {
        self.sending.failure()
    }
}
