//! A text that is only read: another version of a draft, or the text of an attempt.

use crossterm::event::MouseEvent;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::{Remote, RequestId};
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::widgets::scroll::Scroll;
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::actions::{ATTEMPT_TEXT_SCOPE, TAKE, VERSION_SCOPE};
use crate::effects::{Effect, Message};
use crate::model::{HandOver, Model, Place};
use crate::program::Student;

/// Where the text is from.
enum Source {
    /// A revision of the draft.
    Revision(u64, Remote<v1::DraftRevision>),
    /// An attempt, which is known.
    Attempt(u32, String),
}

/// The text.
pub struct Version {
    place: Place,
    source: Source,
    scroll: Scroll,
}

impl Version {
    /// A revision of the draft on the server.
    pub fn revision(place: Place, revision: u64) -> Self {
        Self { place, source: Source::Revision(revision, Remote::default()), scroll: Scroll::default() }
    }

    /// The text of an attempt.
    pub fn attempt(place: Place, attempt: u32, text: &str) -> Self {
        Self { place, source: Source::Attempt(attempt, text.to_owned()), scroll: Scroll::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        if let Source::Revision(revision, remote) = &mut self.source {
            remote.start(cx.request(Effect::DraftRevision(self.place.clone(), *revision)));
        }
    }

    fn text(&self) -> Option<&str> {
        match &self.source {
            Source::Revision(_, remote) => remote.value().map(|draft| draft.text.as_str()),
            Source::Attempt(_, text) => Some(text),
        }
    }

    fn heading(&self, canvas: &Canvas<'_>) -> String {
        match &self.source {
            Source::Revision(revision, remote) => match remote.value() {
                Some(draft) => format!(
                    "Revision {revision}, saved by {} {}",
                    text::clean(&draft.device_label),
                    canvas.look.distance(draft.saved_at_ms)
                ),
                None => format!("Revision {revision}"),
            },
            Source::Attempt(attempt, _) => format!("Text of attempt {attempt}"),
        }
    }
}

impl Screen<Student> for Version {
    fn scope(&self) -> &'static Scope {
        match self.source {
            Source::Revision(..) => &VERSION_SCOPE,
            Source::Attempt(..) => &ATTEMPT_TEXT_SCOPE,
        }
    }

    fn title(&self, _model: &Model) -> String {
        match &self.source {
            Source::Revision(revision, _) => format!("revision {revision}"),
            Source::Attempt(..) => "text".into(),
        }
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        (*action == TAKE && self.text().is_none()).then(|| "It is not here yet.".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            TAKE => {
                if let Some(text) = self.text() {
                    cx.model.hand_over = Some((self.place.clone(), HandOver::Text(text.to_owned())));
                    cx.pop();
                }
            }
            REFRESH => self.load(cx),
            _ => return self.scroll.act(action),
        }
        true
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, Student>) {
        self.scroll.mouse(event);
    }

    fn received(&mut self, request: RequestId, message: Message, _cx: &mut Cx<'_, Student>) {
        if let (Message::ServerDraft(draft), Source::Revision(_, remote)) = (message, &mut self.source) {
            remote.finish(request, draft.map(Option::unwrap_or_default));
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let heading = self.heading(canvas);
        let area = canvas.pane(area, &heading, true);
        if let Source::Revision(_, remote) = &self.source
            && states::room(remote, "this version", area, canvas).is_none()
        {
            return;
        }
        let lines = text::wrap(&text::clean_body(self.text().unwrap_or_default()), area.width.into());
        self.scroll.view(lines.len(), |at| Line::raw(lines[at].clone()), area, canvas);
    }
}
