//! Who changed what, when and why.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::detail::DetailScreen;
use super::words;
use crate::actions;
use crate::effects::{Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The trail of a course, or of the installation.
pub struct AuditScreen {
    /// Empty: the installation's.
    course: String,
    scope: &'static Scope,
    list: List<v1::AuditEntry>,
}

impl AuditScreen {
    /// As a screen of its own; of the installation where `course` is empty.
    pub fn new(course: &str) -> Self {
        Self::with_scope(course, &actions::ALL_AUDIT_SCOPE)
    }

    /// As a section of a course.
    pub fn section(course: &str) -> Self {
        Self::with_scope(course, &actions::AUDIT_SCOPE)
    }

    fn with_scope(course: &str, scope: &'static Scope) -> Self {
        let table = Table::new(columns(), |entry: &v1::AuditEntry| entry.audit_id.clone(), "Nothing was changed yet.");
        Self { course: course.to_owned(), scope, list: List::new(table, "the audit trail") }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Audit(self.course.clone())));
    }

    fn open(&self, cx: &mut Cx<'_>) {
        let Some(entry) = self.list.selected() else { return };
        let facts = vec![
            ("Who", words::name(entry.actor.as_ref())),
            ("What", words_of(&entry.action)),
            ("Of", entry.subject.clone()),
            ("Before", or_dash(&entry.before)),
            ("After", or_dash(&entry.after)),
            ("Why", or_dash(&entry.reason)),
        ];
        cx.push(DetailScreen::new("Audit entry", facts, String::new()).at("When", entry.at_ms));
    }
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "–".into() } else { text.to_owned() }
}

/// `grade.set` as people read it.
fn words_of(action: &str) -> String {
    action.replace(['.', '_'], " ")
}

impl Screen<Instructor> for AuditScreen {
    fn scope(&self) -> &'static Scope {
        self.scope
    }

    fn title(&self, _model: &Model) -> String {
        "audit".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            OPEN => self.open(cx),
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
        if let Message::Audit(result) = message {
            self.list.finish(request, result);
            if self.list.is_stale() {
                self.load(cx);
            }
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[v1::EventKind::Audit]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = if self.course.is_empty() { "Audit: the installation" } else { "Audit" };
        let inner = canvas.pane(area, title, true);
        self.list.view(inner, canvas);
    }
}

fn columns() -> Vec<Column<v1::AuditEntry>> {
    type Row = v1::AuditEntry;
    vec![
        Column::new("when", Width::Fixed(17), |it: &Row, look| Line::raw(look.time(it.at_ms)))
            .sorted_by(|a, b| a.at_ms.cmp(&b.at_ms)),
        Column::new("who", Width::Fixed(12), |it: &Row, _| Line::raw(words::username(it.actor.as_ref())))
            .keep(1)
            .sorted_by(|a, b| words::username(a.actor.as_ref()).cmp(&words::username(b.actor.as_ref()))),
        Column::new("what", Width::Fixed(18), |it: &Row, _| Line::raw(words_of(&it.action)))
            .sorted_by(|a, b| a.action.cmp(&b.action)),
        Column::new("of", Width::Fill(2), |it: &Row, _| Line::raw(it.subject.clone())).least(16),
        Column::new("change", Width::Fill(2), |it: &Row, look| {
            let to = if look.plain { "->" } else { "→" };
            let words = match (it.before.is_empty(), it.after.is_empty()) {
                (true, true) => String::new(),
                (true, false) => it.after.clone(),
                _ => format!("{} {to} {}", it.before, it.after),
            };
            Line::raw(words)
        })
        .keep(2),
        Column::new("why", Width::Fill(1), |it: &Row, look| Line::styled(it.reason.clone(), look.theme.dim)).keep(3),
    ]
}
