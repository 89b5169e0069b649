//! Home: what is due next, the courses with what is new, the latest grades.

use std::cell::Cell;

use crossterm::event::{MouseEvent, MouseEventKind};
use lectern_client::WatchItem;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, BOTTOM, DOWN, OPEN, REFRESH, Scope, TOP, UP};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::Change;
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Confirm, Cx, Screen, Tone};
use lectern_tui_kit::shared::talk::{Role, ThreadScreen};
use lectern_tui_kit::shared::{self, account};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::{states, text};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::actions::{HOME_SCOPE, NEXT_SECTION, PREVIOUS_SECTION, SIGN_OUT};
use crate::effects::{Effect, Message};
use crate::model::{Model, Place};
use crate::program::Student;
use crate::screens::assignment::AssignmentScreen;
use crate::screens::course::Course;
use crate::screens::grade::GradeScreen;
use crate::words;

/// From this width on courses and grades stand side by side.
const TWO_COLUMNS: u16 = 76;
/// From this height on all sections are open, each in a frame.
const FRAMED: u16 = 16;

/// The step that leads one section back.
const BACKWARDS: usize = Section::ALL.len() - 1;

/// A part of the home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Due,
    Courses,
    News,
    Grades,
}

impl Section {
    const ALL: [Self; 4] = [Self::Due, Self::Courses, Self::News, Self::Grades];

    fn title(self) -> &'static str {
        match self {
            Self::Due => "Due next",
            Self::Courses => "Courses",
            Self::News => "Not read yet",
            Self::Grades => "Latest grades",
        }
    }
}

/// The home.
#[expect(clippy::struct_field_names, reason = "the home as the server tells it is one of its parts")]
pub struct Home {
    home: Live<v1::GetHomeResponse>,
    due: Table<v1::DueItem>,
    courses: Table<v1::HomeCourse>,
    news: Table<v1::UnreadItem>,
    grades: Table<v1::HomeGrade>,
    focus: Section,
    /// Where each section was last drawn.
    areas: Cell<[Rect; 4]>,
    signing_out: RequestId,
}

impl Default for Home {
    fn default() -> Self {
        Self {
            home: Live::default(),
            due: due_table(),
            courses: courses_table(),
            news: news_table(),
            grades: grades_table(),
            focus: Section::Due,
            areas: Cell::default(),
            signing_out: RequestId::default(),
        }
    }
}

impl Home {
    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.home.ask(cx, Effect::Home);
    }

    /// Shows what is known.
    fn arrange(&mut self) {
        let home = self.home.value().cloned().unwrap_or_default();
        self.due.set_rows(home.due);
        self.courses.set_rows(home.courses);
        self.news.set_rows(home.unread);
        self.grades.set_rows(home.grades);
        if !self.is_shown(self.focus) {
            self.go(1);
        }
    }

    /// What is not read yet has a section only while there is something.
    fn is_shown(&self, section: Section) -> bool {
        section != Section::News || !self.news.rows().is_empty()
    }

    fn count(&self, section: Section) -> usize {
        match section {
            Section::Due => self.due.rows().len(),
            Section::Courses => self.courses.rows().len(),
            Section::News => self.news.rows().len(),
            Section::Grades => self.grades.rows().len(),
        }
    }

    /// Goes so many sections further, around.
    fn go(&mut self, step: usize) {
        let count = Section::ALL.len();
        let mut at = Section::ALL.iter().position(|section| *section == self.focus).unwrap_or(0);
        loop {
            at = (at + step) % count;
            self.focus = Section::ALL[at];
            if self.is_shown(self.focus) {
                return;
            }
        }
    }

    /// Moves in the focused section: from its last row on to the next section, from its first back to the one before.
    fn step(&mut self, action: &Action) {
        let (position, count) = match self.focus {
            Section::Due => (self.due.position(), self.due.shown_count()),
            Section::Courses => (self.courses.position(), self.courses.shown_count()),
            Section::News => (self.news.position(), self.news.shown_count()),
            Section::Grades => (self.grades.position(), self.grades.shown_count()),
        };
        match *action {
            DOWN if position + 1 >= count && self.focus != Section::Grades => {
                self.go(1);
                self.table().act(&TOP);
            }
            UP if position == 0 && self.focus != Section::Due => {
                self.go(BACKWARDS);
                self.table().act(&BOTTOM);
            }
            _ => drop(self.table().act(action)),
        }
    }

    fn table(&mut self) -> &mut dyn Part {
        match self.focus {
            Section::Due => &mut self.due,
            Section::Courses => &mut self.courses,
            Section::News => &mut self.news,
            Section::Grades => &mut self.grades,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_, Student>) {
        match self.focus {
            Section::Due => {
                if let Some(item) = self.due.selected() {
                    cx.push(AssignmentScreen::new(Place::new(&item.course_slug, &item.assignment_slug)));
                }
            }
            Section::Courses => {
                if let Some(course) = self.courses.selected() {
                    cx.push(Course::new(&course.slug));
                }
            }
            Section::News => {
                if let Some(item) = self.news.selected() {
                    open_unread(item, cx);
                }
            }
            Section::Grades => {
                if let Some(grade) = self.grades.selected() {
                    cx.push(GradeScreen::new(Place::new(&grade.course_slug, &grade.assignment_slug)));
                }
            }
        }
    }

    fn arrived(&mut self, request: RequestId, home: Result<v1::GetHomeResponse, Failure>, cx: &mut Cx<'_, Student>) {
        // The time of an older answer would turn the clock back.
        let is_new = home.is_ok();
        if !self.home.finish(request, home) {
            return;
        }
        if let Some(home) = self.home.value().filter(|_| is_new) {
            cx.set_cluster_time(home.now_ms);
            if let Some(user) = &home.user {
                cx.model.account.username.clone_from(&user.username);
            }
            cx.model.home = Some(home.clone());
        }
        self.arrange();
        if self.home.is_stale() {
            self.load(cx);
        }
    }

    fn view_section(&self, section: Section, area: Rect, framed: bool, canvas: &mut Canvas<'_>) {
        let focused = self.focus == section;
        let inner = if framed {
            canvas.pane(area, section.title(), focused)
        } else {
            let theme = canvas.look.theme;
            let style = if focused { theme.accent } else { theme.title };
            let count = Span::styled(format!("  {}", self.count(section)), theme.dim);
            canvas.line(area, Line::from(vec![Span::styled(section.title(), style), count]));
            Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area }
        };
        match section {
            Section::Due => self.due.view(inner, canvas, focused),
            Section::Courses => self.courses.view(inner, canvas, focused),
            Section::News => self.news.view(inner, canvas, focused),
            Section::Grades => self.grades.view(inner, canvas, focused),
        }
    }

    fn view_all(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let framed = area.height >= FRAMED;
        let areas = if !framed {
            self.folded(area)
        } else if area.width < TWO_COLUMNS || canvas.look.plain {
            // One thing after the other, for whoever has it read aloud.
            self.stacked(area)
        } else {
            self.spread(area)
        };
        for (section, area) in Section::ALL.into_iter().zip(areas) {
            if area.height > 0 {
                self.view_section(section, area, framed, canvas);
            }
        }
        self.areas.set(areas);
    }

    /// All sections at once: what is due on top, the others below, in two columns.
    fn spread(&self, area: Rect) -> [Rect; 4] {
        // A frame, a heading, and no more rows than there are.
        let rows = |section| u16::try_from(self.count(section)).unwrap_or(u16::MAX).saturating_add(3);
        let top = rows(Section::Due).clamp(6, area.height - area.height / 3);
        let below = Rect { y: area.y + top, height: area.height - top, ..area };
        let left = area.width / 2;
        let right = Rect { x: below.x + left, width: below.width - left, ..below };
        let news = if self.is_shown(Section::News) { rows(Section::News).min(right.height / 2) } else { 0 };
        [
            Rect { height: top, ..area },
            Rect { width: left, ..below },
            Rect { height: news, ..right },
            Rect { y: right.y + news, height: right.height - news, ..right },
        ]
    }

    /// One below the other, equally high.
    fn stacked(&self, area: Rect) -> [Rect; 4] {
        let count = Section::ALL.into_iter().filter(|section| self.is_shown(*section)).count();
        let each = area.height / u16::try_from(count).unwrap_or(4);
        let mut y = area.y;
        Section::ALL.map(|section| {
            let height = match section {
                Section::Grades => area.bottom() - y,
                section if self.is_shown(section) => each,
                _ => 0,
            };
            let rect = Rect { y, height, ..area };
            y = rect.bottom();
            rect
        })
    }

    /// The focused section in full, the others by their headings.
    fn folded(&self, area: Rect) -> [Rect; 4] {
        let shown = Section::ALL.into_iter().filter(|section| self.is_shown(*section)).count();
        let open = area.height.saturating_sub(u16::try_from(shown - 1).unwrap_or(3));
        let mut y = area.y;
        Section::ALL.map(|section| {
            let wanted = match section {
                section if section == self.focus => open,
                section if self.is_shown(section) => 1,
                _ => 0,
            };
            let rect = Rect { y, height: wanted.min(area.bottom().saturating_sub(y)), ..area };
            y = rect.bottom();
            rect
        })
    }
}

impl Screen<Student> for Home {
    fn scope(&self) -> &'static Scope {
        &HOME_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "home".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        if account::enter(cx) {
            return;
        }
        self.home = Live::known(cx.model.home.clone());
        self.arrange();
        self.load(cx);
        cx.run(Effect::Follow);
        cx.run(Effect::SendQueued { username: cx.model.account.username.clone() });
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            NEXT_SECTION => self.go(1),
            PREVIOUS_SECTION => self.go(BACKWARDS),
            DOWN | UP => self.step(action),
            account::CHANGE_PASSWORD => cx.push(account::NewPassword::default()),
            SIGN_OUT => {
                let who = &cx.model.account.username;
                self.signing_out = cx.confirm(Confirm {
                    question: format!("Sign out {who}?"),
                    consequence: "Drafts stay on this machine and on the server.".into(),
                    yes: "sign out".into(),
                });
            }
            _ => return self.table().act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        // Only where keys go to: a filter that was begun in another section waits for its section.
        Some(match self.focus {
            Section::Due => &self.due,
            Section::Courses => &self.courses,
            Section::News => &self.news,
            Section::Grades => &self.grades,
        })
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(self.table())
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        let at = Position::new(event.column, event.row);
        let hit = self.areas.get().iter().position(|area| area.contains(at));
        let Some(section) = hit.map(|at| Section::ALL[at]) else { return };
        // The first click into a section gives it the keyboard; only a click on the selected row opens.
        let had_focus = section == self.focus;
        if had_focus || matches!(event.kind, MouseEventKind::Down(_)) {
            self.focus = section;
            let outcome = self.table().mouse(event);
            if had_focus {
                self.used(outcome, cx);
            }
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        match message {
            Message::Home(home) => self.arrived(request, home, cx),
            Message::Shared(shared::Message::Account(account::Message::Left(left))) => match left {
                Ok(()) => account::left(cx),
                Err(failure) => cx.toast(Tone::Bad, format!("Not signed out: {}", states::sentence(&failure))),
            },
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        if request == self.signing_out {
            cx.share(shared::Effect::Account(account::Effect::SignOut));
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        let quiet = matches!(change, WatchItem::Event(event) if event.kind() == v1::EventKind::Audit);
        if !quiet {
            self.load(cx);
        }
    }

    fn wakes_at(&self, _model: &Model, now_ms: i64) -> Option<i64> {
        let dates = self.due.rows().iter().filter_map(|item| item.due_at_ms);
        dates.map(|due| text::distance_changes_at(due, now_ms)).min()
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some(area) = states::room(self.home.remote(), "your courses", area, canvas) {
            self.view_all(area, canvas);
        }
    }
}

fn due_table() -> Table<v1::DueItem> {
    let due = |item: &v1::DueItem, look: &Look| {
        let style = words::due_style(item.due_at_ms, item.submitted, look);
        Line::styled(words::due(item.due_at_ms, look), style)
    };
    let columns = vec![
        Column::new("assignment", Width::Fixed(13), |item: &v1::DueItem, _| {
            Line::raw(format!("{}/{}", item.course_slug, item.assignment_slug))
        })
        .keep(3),
        Column::new("title", Width::Fill(1), |item: &v1::DueItem, _| Line::raw(item.title.clone())).least(22),
        Column::new("due", Width::Fixed(19), due)
            .sorted_by(|a, b| a.due_at_ms.unwrap_or(i64::MAX).cmp(&b.due_at_ms.unwrap_or(i64::MAX))),
        Column::new("at", Width::Fixed(17), |item: &v1::DueItem, look| {
            Line::styled(look.optional_time(item.due_at_ms), look.theme.dim)
        })
        .keep(4),
        Column::new("state", Width::Fixed(12), |item: &v1::DueItem, look| Line::from(words::standing(item, look)))
            .keep(2),
    ];
    Table::new(columns, |item| format!("{}/{}", item.course_slug, item.assignment_slug), "Nothing is due.")
}

fn courses_table() -> Table<v1::HomeCourse> {
    let columns = vec![
        Column::new("course", Width::Fixed(8), |course: &v1::HomeCourse, _| Line::raw(course.slug.clone())),
        Column::new("title", Width::Fill(1), |course: &v1::HomeCourse, _| Line::raw(course.title.clone())),
        Column::new("new", Width::Fixed(10), news),
    ];
    Table::new(columns, |course| course.slug.clone(), "You take part in no course yet: your instructor adds you.")
}

/// How much is unread: `● 3 unread`.
fn news(course: &v1::HomeCourse, look: &Look) -> Line<'static> {
    match course.unread_announcements + course.unread_messages {
        0 => Line::styled(look.glyphs.dash, look.theme.dim),
        unread => Line::styled(format!("{} {unread} unread", look.glyphs.unread), look.theme.info),
    }
}

/// A thread opens itself, an announcement the list it stands in.
fn open_unread(item: &v1::UnreadItem, cx: &mut Cx<'_, Student>) {
    if item.thread_number == 0 {
        return cx.push(Course::announcements(&item.course_slug));
    }
    let thread = v1::Thread {
        course_slug: item.course_slug.clone(),
        number: item.thread_number,
        title: item.title.clone(),
        ..Default::default()
    };
    cx.push(ThreadScreen::new(thread, None, Role::Student));
}

fn news_table() -> Table<v1::UnreadItem> {
    let what = |item: &v1::UnreadItem, look: &Look| {
        let words = if item.thread_number == 0 { "announced".into() } else { text::count(item.count, "message") };
        Line::styled(words, look.theme.info)
    };
    let columns = vec![
        Column::new("title", Width::Fill(1), |item: &v1::UnreadItem, _| {
            Line::raw(format!("{}: {}", item.course_slug, item.title))
        }),
        Column::new("new", Width::Fixed(11), what),
    ];
    let key = |item: &v1::UnreadItem| format!("{} {} {}", item.course_slug, item.thread_number, item.announcement_id);
    Table::new(columns, key, "Everything is read.")
}

fn grades_table() -> Table<v1::HomeGrade> {
    let columns = vec![
        Column::new("assignment", Width::Fill(1), |grade: &v1::HomeGrade, _| Line::raw(grade.title.clone())),
        Column::new("score", Width::Fixed(11), |grade: &v1::HomeGrade, _| {
            Line::raw(words::score_of(grade.score, grade.points_possible))
        })
        .right(),
    ];
    Table::new(columns, |grade| format!("{}/{}", grade.course_slug, grade.assignment_slug), "No grades are posted yet.")
}
