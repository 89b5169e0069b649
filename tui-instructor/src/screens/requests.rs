//! Work that was offered after its lock date: accept it, or decline.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Screen, Tone};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::form::{Field, Form};
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::detail::DetailScreen;
use super::form::{FormScreen, Work};
use super::words;
use crate::actions::{self, ACCEPT, DECLINE, PENDING_ONLY};
use crate::effects::{Change, Effect, Made, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The extension requests of a course.
pub struct RequestsSection {
    course: String,
    list: List<v1::ExtensionRequest>,
    pending_only: bool,
}

impl RequestsSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        let key = |it: &v1::ExtensionRequest| it.request_id.clone();
        let empty = "No work was offered after its lock date.";
        Self {
            course: course.to_owned(),
            list: List::new(Table::new(columns(), key, empty), "the extension requests"),
            pending_only: false,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Requests(self.course.clone())));
    }

    fn decide(&self, accept: bool, cx: &mut Cx<'_>) {
        if let Some(request) = self.list.selected() {
            cx.push(decision(request, accept));
        }
    }

    fn open(&self, cx: &mut Cx<'_>) {
        let Some(request) = self.list.selected() else { return };
        let files = request.files.iter().map(|file| format!("{} ({})", file.name, text::size(file.size)));
        let facts = vec![
            ("Student", words::name(request.requester.as_ref())),
            ("Assignment", request.assignment_slug.clone()),
            ("State", state(request).to_owned()),
            ("Note", request.comment.clone()),
            ("Files", files.collect::<Vec<_>>().join("\n")),
            ("Decided by", words::name(request.decided_by.as_ref())),
            ("Reason", request.reason.clone()),
        ];
        let facts = facts.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        cx.push(
            DetailScreen::new("Extension request", facts, request.text.clone()).at("Offered", request.offered_at_ms),
        );
    }
}

/// Accepting or declining takes a reason, which the student sees.
fn decision(request: &v1::ExtensionRequest, accept: bool) -> FormScreen {
    let (verb, after) = if accept {
        ("Accept", "It becomes a submission, at the time it was offered.")
    } else {
        ("Decline", "It stays kept, and counts for nothing.")
    };
    let who = words::name(request.requester.as_ref());
    let mut reason = Field::text("reason", "Reason").hint("the student sees it");
    if !accept {
        reason = reason.required();
    }
    let (course, id) = (request.course_slug.clone(), request.request_id.clone());
    FormScreen::new(format!("{verb} {} of {who}", request.assignment_slug), "this", Form::new([reason]), move |form| {
        let request = v1::DecideExtensionRequestRequest {
            course: course.clone(),
            request_id: id.clone(),
            accept,
            reason: form.text("reason"),
        };
        Ok(Work::from(Change::DecideExtension(request)))
    })
    .note(after)
    .done(move |made, cx| {
        if let Made::DecideExtension(answer) = made {
            let words = match &answer.submission {
                Some(submission) => format!("Accepted: it is attempt {} of {who} now.", submission.attempt),
                None => format!("Declined; the work of {who} stays kept."),
            };
            cx.toast(Tone::Good, words);
        }
    })
}

fn is_pending(request: &v1::ExtensionRequest) -> bool {
    request.state() == v1::ExtensionState::Pending
}

fn state(request: &v1::ExtensionRequest) -> &'static str {
    match request.state() {
        v1::ExtensionState::Pending => "waits",
        v1::ExtensionState::Accepted => "accepted",
        v1::ExtensionState::Declined => "declined",
        v1::ExtensionState::Unspecified => "",
    }
}

impl Screen<Instructor> for RequestsSection {
    fn scope(&self) -> &'static Scope {
        &actions::REQUESTS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "requests".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match (*action, self.list.selected()) {
            (ACCEPT | DECLINE | OPEN, None) => Some("There is no request.".into()),
            (ACCEPT | DECLINE, Some(request)) if !is_pending(request) => {
                Some(format!("It was {} already.", state(request)))
            }
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            OPEN => self.open(cx),
            ACCEPT => self.decide(true, cx),
            DECLINE => self.decide(false, cx),
            PENDING_ONLY => {
                self.pending_only = !self.pending_only;
                let only = self.pending_only;
                self.list.keep_only(move |request| !only || is_pending(request));
            }
            REFRESH => self.load(cx),
            _ => return self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.list)
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        if let Message::Requests(result) = message {
            self.list.finish(request, result);
            if self.list.is_stale() {
                self.load(cx);
            }
        }
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[v1::EventKind::ExtensionRequest]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = if self.pending_only { "Extension requests that wait" } else { "Extension requests" };
        let inner = canvas.pane(area, title, true);
        self.list.view(inner, canvas);
    }
}

fn columns() -> Vec<Column<v1::ExtensionRequest>> {
    type Row = v1::ExtensionRequest;
    vec![
        Column::new("student", Width::Fill(2), |it: &Row, _| Line::raw(words::name(it.requester.as_ref())))
            .least(18)
            .sorted_by(|a, b| words::name(a.requester.as_ref()).cmp(&words::name(b.requester.as_ref()))),
        Column::new("assignment", Width::Fixed(12), |it: &Row, _| Line::raw(it.assignment_slug.clone()))
            .sorted_by(|a, b| a.assignment_slug.cmp(&b.assignment_slug)),
        Column::new("offered", Width::Fixed(17), |it: &Row, look| Line::raw(look.time(it.offered_at_ms)))
            .keep(1)
            .sorted_by(|a, b| a.offered_at_ms.cmp(&b.offered_at_ms)),
        Column::new("state", Width::Fixed(8), |it: &Row, look| {
            let style = if is_pending(it) { look.theme.warn } else { look.theme.dim };
            Line::styled(state(it), style)
        })
        .sorted_by(|a, b| a.state.cmp(&b.state)),
        Column::new("note", Width::Fill(2), |it: &Row, look| Line::styled(it.comment.clone(), look.theme.dim)).keep(2),
    ]
}
