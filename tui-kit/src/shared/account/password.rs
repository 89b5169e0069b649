//! Another password for whoever is signed in.

use lectern_client::Secret;
use ratatui::layout::Rect;

use super::screens::Sent;
use super::{Effect, Message, PASSWORD_SCOPE};
use crate::action::{Action, SEND, Scope};
use crate::look::Canvas;
use crate::remote::RequestId;
use crate::screen::{Cx, Screen, Tone};
use crate::shared::{self, Shares};
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part};

const OLD: usize = 0;
const NEW: usize = 1;
const REPEATED: usize = 2;

/// The old password, and the new one twice.
pub struct NewPassword {
    form: Sent,
}

impl Default for NewPassword {
    fn default() -> Self {
        let fields = vec![
            ("Password", LineInput::secret()),
            ("New password", LineInput::secret()),
            ("The same again", LineInput::secret()),
        ];
        Self { form: Sent::new(fields) }
    }
}

impl NewPassword {
    fn send<P: Shares>(&mut self, cx: &mut Cx<'_, P>) {
        let text = |field| Secret::new(self.form.fields.text(field));
        let effect = Effect::ChangePassword { old: text(OLD), new: text(NEW) };
        self.form.send(effect, cx);
    }
}

impl<P: Shares> Screen<P> for NewPassword {
    fn scope(&self) -> &'static Scope {
        &PASSWORD_SCOPE
    }

    fn title(&self, _model: &P::Model) -> String {
        "new password".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        self.form.disabled_unless_same(action, (NEW, REPEATED))
    }

    fn opened(&mut self, _cx: &mut Cx<'_, P>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        if *action == SEND {
            self.send(cx);
            return true;
        }
        self.form.fields.act(action)
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.form.fields)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.form.fields)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if outcome == Outcome::Chosen {
            self.attempt(&SEND, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Account(Message::PasswordChanged(answer))) = P::shared(message) else { return };
        if self.form.sending.finish(request, answer).is_some() {
            cx.pop();
            cx.toast(Tone::Good, "Your password is another one now; every other sign-in has ended.");
        } else if self.form.sending.failure().is_some_and(|failure| failure.is_for("BAD_CREDENTIALS")) {
            self.form.fields.clear(OLD);
        }
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let words =
            ["Choose another password", "Of ten letters or more. Every other sign-in of yours ends; this one goes on."];
        self.form.view(&words, "Changing your password …", area, canvas);
    }
}
