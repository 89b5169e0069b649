//! A course: its sections under tabs, each a screen of its own that is opened when it is first looked at.

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, KitAnswer, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::shared::talk::{AnnouncementsScreen, Role, ThreadsScreen};
use lectern_tui_kit::text;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::assignments::AssignmentsSection;
use super::audit::AuditScreen;
use super::course_form;
use super::gradebook::GradebookSection;
use super::materials::MaterialsSection;
use super::people::PeopleSection;
use super::requests::RequestsSection;
use crate::actions::{self, COURSE_SETTINGS, NEXT_SECTION, PREVIOUS_SECTION, SECTIONS};
use crate::effects::{Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The sections, in the order of their tabs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Assignments.
    Assignments,
    /// The roster.
    People,
    /// Modules and materials.
    Materials,
    /// Questions.
    Threads,
    /// Announcements.
    Announcements,
    /// All grades.
    Gradebook,
    /// Late work.
    Requests,
    /// Who changed what.
    Audit,
}

impl Section {
    const ALL: [Self; 8] = [
        Self::Assignments,
        Self::People,
        Self::Materials,
        Self::Threads,
        Self::Announcements,
        Self::Gradebook,
        Self::Requests,
        Self::Audit,
    ];

    fn short(self) -> &'static str {
        match self {
            Self::Assignments => "Work",
            Self::People => "People",
            Self::Materials => "Material",
            Self::Threads => "Threads",
            Self::Announcements => "News",
            Self::Gradebook => "Grades",
            Self::Requests => "Requests",
            Self::Audit => "Audit",
        }
    }

    fn long(self) -> &'static str {
        match self {
            Self::Assignments => "Assignments",
            Self::People => "People",
            Self::Materials => "Materials",
            Self::Threads => "Threads",
            Self::Announcements => "Announcements",
            Self::Gradebook => "Gradebook",
            Self::Requests => "Requests",
            Self::Audit => "Audit",
        }
    }
}

/// The course.
pub struct CourseScreen {
    slug: String,
    course: Live<v1::Course>,
    at: usize,
    sections: [Option<Box<dyn Screen<Instructor>>>; 8],
}

impl CourseScreen {
    /// Opens a course on one of its sections.
    pub fn new(slug: &str, section: Section) -> Self {
        let at = Section::ALL.iter().position(|other| *other == section).unwrap_or(0);
        Self { slug: slug.to_owned(), course: Live::default(), at, sections: Default::default() }
    }

    fn make(&self, section: Section, model: &Model) -> Box<dyn Screen<Instructor>> {
        let slug = self.slug.as_str();
        let id = model.course_id(slug).map(ToOwned::to_owned);
        match section {
            Section::Assignments => Box::new(AssignmentsSection::new(slug)),
            Section::People => Box::new(PeopleSection::new(slug)),
            Section::Materials => Box::new(MaterialsSection::new(slug)),
            Section::Threads => Box::new(ThreadsScreen::new(slug, id, Role::Staff, &actions::THREADS_SCOPE)),
            Section::Announcements => {
                Box::new(AnnouncementsScreen::new(slug, id, Role::Staff, &actions::ANNOUNCEMENTS_SCOPE))
            }
            Section::Gradebook => Box::new(GradebookSection::new(slug)),
            Section::Requests => Box::new(RequestsSection::new(slug)),
            Section::Audit => Box::new(AuditScreen::section(slug)),
        }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.course.ask(cx, Effect::Read(Read::Course(self.slug.clone())));
    }

    /// Shows a section; the first time it asks for what it shows.
    fn show(&mut self, at: usize, cx: &mut Cx<'_>) {
        self.at = at % Section::ALL.len();
        if self.sections[self.at].is_none() {
            let mut section = self.make(Section::ALL[self.at], cx.model);
            section.opened(cx);
            self.sections[self.at] = Some(section);
        }
    }

    fn section(&self) -> Option<&dyn Screen<Instructor>> {
        self.sections[self.at].as_deref()
    }

    fn section_mut(&mut self) -> Option<&mut Box<dyn Screen<Instructor>>> {
        self.sections[self.at].as_mut()
    }

    fn view_tabs(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let width = |name: fn(Section) -> &'static str| {
            Section::ALL.iter().map(|section| text::width(name(*section)) + 4).sum::<usize>()
        };
        let room = usize::from(area.width);
        let name: fn(Section) -> &'static str =
            if width(Section::long) <= room { Section::long } else { Section::short };
        let mut spans = Vec::new();
        let numbers_only = width(name) > room + 2;
        for (at, section) in Section::ALL.into_iter().enumerate() {
            let shown = at == self.at;
            let style = if shown { theme.selected } else { theme.dim };
            let label = match (numbers_only, shown) {
                (true, false) => format!(" {} ", at + 1),
                _ => format!(" {} {} ", at + 1, name(section)),
            };
            spans.push(Span::styled(label, style));
        }
        canvas.line(area, Line::from(spans));
    }
}

impl Screen<Instructor> for CourseScreen {
    fn scope(&self) -> &'static Scope {
        self.section().map_or(&actions::ASSIGNMENTS_SCOPE, Screen::scope)
    }

    fn title(&self, _model: &Model) -> String {
        self.slug.clone()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        if *action == COURSE_SETTINGS && !model.known.courses.contains_key(&self.slug) {
            return Some("The course is not here yet.".into());
        }
        self.section().and_then(|section| section.disabled(action, model))
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
        self.show(self.at, cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        if let Some(section) = self.section_mut() {
            section.resumed(cx);
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        if let Some(at) = SECTIONS.iter().position(|section| section == action) {
            self.show(at, cx);
            return true;
        }
        match *action {
            NEXT_SECTION => self.show(self.at + 1, cx),
            PREVIOUS_SECTION => self.show(self.at + Section::ALL.len() - 1, cx),
            COURSE_SETTINGS => {
                if let Some(course) = cx.model.known.courses.get(&self.slug) {
                    cx.push(course_form::edit(course));
                }
            }
            _ => return self.section_mut().is_some_and(|section| section.act(action, cx)),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.section().is_some_and(Screen::text_focus)
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        if let Some(section) = self.section_mut() {
            section.key(key, cx);
        }
    }

    fn paste(&mut self, text: &str, cx: &mut Cx<'_>) {
        if let Some(section) = self.section_mut() {
            section.paste(text, cx);
        }
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_>) {
        if let Some(section) = self.section_mut() {
            section.mouse(event, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        if let Message::Course(result) = &message {
            if let Ok(course) = result {
                cx.model.known.courses.insert(self.slug.clone(), course.clone());
            }
            self.course.finish(request, result.clone());
            if self.course.is_stale() {
                self.load(cx);
            }
        }
        // An answer is for the section that asked: the others know that it is not theirs.
        for section in self.sections.iter_mut().flatten() {
            section.received(request, message.clone(), cx);
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_>) {
        for section in self.sections.iter_mut().flatten() {
            section.answered(request, answer.clone(), cx);
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        for section in self.sections.iter_mut().flatten() {
            section.confirmed(request, cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        if concerns(change, cx.model.course_id(&self.slug), &[v1::EventKind::Course]) {
            self.load(cx);
        }
        for section in self.sections.iter_mut().flatten() {
            section.changed(change, cx);
        }
    }

    fn wakes_at(&self, model: &Model, now_ms: i64) -> Option<i64> {
        self.section().and_then(|section| section.wakes_at(model, now_ms))
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let tabs = Rect { height: area.height.min(1), ..area };
        self.view_tabs(tabs, canvas);
        let below = Rect { y: area.y + tabs.height, height: area.height - tabs.height, ..area };
        if let Some(section) = self.section() {
            section.view(model, below, canvas);
        }
    }
}
