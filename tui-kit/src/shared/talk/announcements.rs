//! Announcements: the list, and one of them.

use std::marker::PhantomData;

use crossterm::event::MouseEvent;
use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::view;
use super::{ANNOUNCEMENT_SCOPE, Effect, Made, Message, Role, STAFF_ANNOUNCEMENT_SCOPE, WriteScreen};
use crate::action::{Action, Group, OPEN, REFRESH, Scope};
use crate::look::{Canvas, Look};
use crate::program::{Change, Program, concerns};
use crate::remote::{Failure, RequestId};
use crate::screen::{Confirm, Cx, Screen, Tone};
use crate::sending::Sending;
use crate::shared::{self, Shares};
use crate::text;
use crate::widgets::Part;
use crate::widgets::list::List;
use crate::widgets::markdown;
use crate::widgets::scroll::Scroll;
use crate::widgets::table::{Column, Table, Width};

/// Announce something.
pub const ANNOUNCE: Action =
    Action::new("announce", &["a"], "announce", "Write an announcement to the course.").in_bar();
/// Take it back.
pub const DELETE: Action = Action::new("delete", &["x"], "delete", "Delete this announcement.").in_bar();

/// The list, for staff.
pub const STAFF_ANNOUNCEMENTS: Group =
    Group { name: "announcements", title: "Announcements", actions: &[ANNOUNCE, DELETE] };
/// One of them, for staff.
pub const ANNOUNCEMENT: Group = Group { name: "announcement", title: "An announcement", actions: &[DELETE] };

/// The list.
pub struct AnnouncementsScreen<P> {
    course: String,
    course_id: Option<String>,
    role: Role,
    scope: &'static Scope,
    list: List<v1::Announcement>,
    deletion: Deletion,
    program: PhantomData<fn() -> P>,
}

/// An announcement that is about to go.
#[derive(Default)]
struct Deletion {
    asked: Option<(RequestId, v1::Announcement)>,
    sending: Sending<String>,
}

impl Deletion {
    fn ask<P: Shares>(&mut self, announcement: &v1::Announcement, cx: &mut Cx<'_, P>) {
        let request = cx.confirm(Confirm {
            question: format!("Delete the announcement “{}”?", text::clean(&announcement.title)),
            consequence: "Nobody in the course sees it any more.".into(),
            yes: "delete".into(),
        });
        self.asked = Some((request, announcement.clone()));
    }

    fn confirmed<P: Shares>(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        let Some((_, announcement)) = self.asked.take_if(|(asked, _)| *asked == request) else { return };
        let key = self.sending.key(&announcement.announcement_id);
        let change = super::Change::Delete(v1::DeleteAnnouncementRequest {
            course: announcement.course_slug,
            announcement_id: announcement.announcement_id,
        });
        let request = cx.talk(Effect::Change { key, change });
        self.sending.start(request);
    }

    /// Whether it is gone now.
    fn finish<P: Shares>(&mut self, request: RequestId, result: Result<Made, Failure>, cx: &mut Cx<'_, P>) -> bool {
        if !self.sending.awaits(request) {
            return false;
        }
        if self.sending.finish(request, result).is_some() {
            cx.toast(Tone::Good, "The announcement is deleted.");
            return true;
        }
        if let Some(failure) = self.sending.failure() {
            cx.toast(Tone::Bad, failure.sentence());
        }
        false
    }
}

impl<P: Shares> AnnouncementsScreen<P> {
    /// The announcements of the course `course`, a slug.
    pub fn new(course: &str, course_id: Option<String>, role: Role, scope: &'static Scope) -> Self {
        let table =
            Table::new(columns(), |it: &v1::Announcement| it.announcement_id.clone(), "Nothing was announced yet.");
        Self {
            course: course.to_owned(),
            course_id,
            role,
            scope,
            list: List::new(table.row_style(row_style), "the announcements"),
            deletion: Deletion::default(),
            program: PhantomData,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, P>) {
        let effect = Effect::Announcements { course: self.course.clone() };
        self.list.ask(cx, P::effect(shared::Effect::Talk(effect)));
    }

    fn open(&self, cx: &mut Cx<'_, P>) {
        if let Some(announcement) = self.list.selected() {
            cx.push(AnnouncementScreen::new(announcement.clone(), self.role));
        }
    }
}

impl<P: Shares> Screen<P> for AnnouncementsScreen<P> {
    fn scope(&self) -> &'static Scope {
        self.scope
    }

    fn title(&self, _model: &P::Model) -> String {
        "announcements".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        (*action == DELETE && self.list.selected().is_none()).then(|| "There is no announcement to delete.".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        match *action {
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            ANNOUNCE => cx.push(WriteScreen::announcement(&self.course)),
            DELETE => {
                if let Some(announcement) = self.list.selected() {
                    self.deletion.ask(announcement, cx);
                }
            }
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

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        match P::shared(message) {
            Some(shared::Message::Talk(Message::Announcements(result))) => {
                self.list.finish(request, result);
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Some(shared::Message::Talk(Message::Changed(result))) => {
                if self.deletion.finish(request, result, cx) {
                    self.load(cx);
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        self.deletion.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, P>) {
        let kinds = [v1::EventKind::Announcement, v1::EventKind::ReadState];
        if concerns(change, self.course_id.as_deref(), &kinds) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &<P as Program>::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Announcements", true);
        self.list.view(inner, canvas);
    }
}

fn columns() -> Vec<Column<v1::Announcement>> {
    vec![
        Column::new("", Width::Fixed(1), |it: &v1::Announcement, look| view::mark(it.unread, look)),
        Column::new("announcement", Width::Fill(3), |it: &v1::Announcement, _| Line::raw(it.title.clone()))
            .least(26)
            .sorted_by(|a, b| a.title.cmp(&b.title)),
        Column::new("by", Width::Fixed(18), |it: &v1::Announcement, _| {
            Line::raw(it.author.as_ref().map(|author| author.name.clone()).unwrap_or_default())
        })
        .keep(2),
        Column::new("when", Width::Fixed(18), |it: &v1::Announcement, look| Line::raw(look.time(it.created_at_ms)))
            .keep(1)
            .sorted_by(|a, b| a.created_at_ms.cmp(&b.created_at_ms)),
    ]
}

fn row_style(it: &v1::Announcement, look: &Look) -> Style {
    if it.unread { look.theme.title } else { look.theme.text }
}

/// One announcement, which the list knows whole.
pub struct AnnouncementScreen<P> {
    announcement: v1::Announcement,
    role: Role,
    scroll: Scroll,
    deletion: Deletion,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> AnnouncementScreen<P> {
    /// Shows it, and notes that it was read.
    pub fn new(announcement: v1::Announcement, role: Role) -> Self {
        Self { announcement, role, scroll: Scroll::default(), deletion: Deletion::default(), program: PhantomData }
    }
}

impl<P: Shares> Screen<P> for AnnouncementScreen<P> {
    fn scope(&self) -> &'static Scope {
        if self.role == Role::Staff { &STAFF_ANNOUNCEMENT_SCOPE } else { &ANNOUNCEMENT_SCOPE }
    }

    fn title(&self, _model: &P::Model) -> String {
        self.announcement.title.clone()
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        if self.announcement.unread {
            let request = v1::MarkReadRequest {
                course: self.announcement.course_slug.clone(),
                announcement_id: self.announcement.announcement_id.clone(),
                ..Default::default()
            };
            cx.run(P::effect(shared::Effect::Talk(Effect::MarkRead(request))));
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        if *action == DELETE {
            self.deletion.ask(&self.announcement, cx);
            return true;
        }
        self.scroll.act(action)
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, P>) {
        self.scroll.mouse(event);
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        if let Some(shared::Message::Talk(Message::Changed(result))) = P::shared(message)
            && self.deletion.finish(request, result, cx)
        {
            cx.pop();
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        self.deletion.confirmed(request, cx);
    }

    fn view(&self, _model: &<P as Program>::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let (it, look) = (&self.announcement, canvas.look);
        let inner = canvas.pane(area, &text::clean(&it.title), true);
        let by = it.author.as_ref().map(|author| text::clean(&author.name)).unwrap_or_default();
        let head = format!("{by} {} {}", look.glyphs.separator, look.time(it.created_at_ms));
        let mut lines = vec![Line::styled(head, look.theme.dim), Line::default()];
        lines.extend(markdown::message(it.body.trim_end(), inner.width, look));
        self.scroll.view(lines.len(), |at| lines[at].clone(), inner, canvas);
    }
}
