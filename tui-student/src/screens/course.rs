//! A course: five tabs, each a screen of its own inside this one.

use std::cell::Cell;

use crossterm::event::{KeyEvent, MouseEvent, MouseEventKind};
use lectern_tui_kit::action::{Action, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, KitAnswer};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen, Unsaved};
use lectern_tui_kit::shared::material::MaterialsScreen;
use lectern_tui_kit::shared::talk::{AnnouncementsScreen, Role, ThreadsScreen};
use lectern_tui_kit::text;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use crate::actions::{
    ANNOUNCEMENTS_SCOPE, ASSIGNMENTS_SCOPE, MATERIALS_SCOPE, NEXT_TAB, PREVIOUS_TAB, TAB_1, TAB_2, TAB_3, TAB_4, TAB_5,
    THREADS_SCOPE,
};
use crate::effects::Message;
use crate::model::Model;
use crate::program::Student;
use crate::screens::assignments::Assignments;
use crate::screens::grades::GradesTab;

const TITLES: [&str; 5] = ["Assignments", "Materials", "Threads", "Announcements", "Grades"];

/// The course.
pub struct Course {
    slug: String,
    /// Made when they are first looked at; they keep their place afterwards.
    tabs: [Option<Box<dyn Screen<Student>>>; 5],
    active: usize,
    /// Where the names of the tabs were last drawn.
    names: Cell<[Rect; 5]>,
}

impl Course {
    /// A course by its slug, on its assignments.
    pub fn new(slug: &str) -> Self {
        Self { slug: slug.into(), tabs: Default::default(), active: 0, names: Cell::default() }
    }

    /// The same, on its announcements.
    pub fn announcements(slug: &str) -> Self {
        Self { active: 3, ..Self::new(slug) }
    }

    fn make(&self, tab: usize) -> Box<dyn Screen<Student>> {
        match tab {
            0 => Box::new(Assignments::new(&self.slug)),
            1 => Box::new(MaterialsScreen::new(&self.slug, &MATERIALS_SCOPE)),
            2 => Box::new(ThreadsScreen::new(&self.slug, None, Role::Student, &THREADS_SCOPE)),
            3 => Box::new(AnnouncementsScreen::new(&self.slug, None, Role::Student, &ANNOUNCEMENTS_SCOPE)),
            _ => Box::new(GradesTab::new(&self.slug)),
        }
    }

    fn go(&mut self, tab: usize, cx: &mut Cx<'_, Student>) {
        self.active = tab;
        if let Some(screen) = &mut self.tabs[tab] {
            screen.resumed(cx);
        } else {
            let mut made = self.make(tab);
            made.opened(cx);
            self.tabs[tab] = Some(made);
        }
    }

    fn tab(&self) -> Option<&dyn Screen<Student>> {
        self.tabs[self.active].as_deref()
    }

    fn with_tab<T>(&mut self, call: impl FnOnce(&mut (dyn Screen<Student> + 'static)) -> T) -> Option<T> {
        self.tabs[self.active].as_deref_mut().map(call)
    }

    fn each_tab(&mut self, mut call: impl FnMut(&mut dyn Screen<Student>)) {
        for tab in self.tabs.iter_mut().flatten() {
            call(&mut **tab);
        }
    }

    /// The line of tabs; where there is no room, only the active one has its name.
    fn view_names(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let needed: usize = TITLES.iter().map(|title| title.len() + 5).sum();
        let all = usize::from(area.width) >= needed;
        let mut names = [Rect::ZERO; 5];
        let mut x = area.x;
        for (at, title) in TITLES.iter().enumerate() {
            let active = at == self.active;
            let label = if active || all { format!(" {} {title} ", at + 1) } else { format!(" {} ", at + 1) };
            let label = if active && canvas.look.plain { format!("[{}]", label.trim()) } else { label };
            let width = u16::try_from(text::width(&label)).unwrap_or(u16::MAX);
            let cell = Rect { x, width: width.min(area.right().saturating_sub(x)), ..area };
            canvas.line(cell, Span::styled(label, if active { theme.selected } else { theme.dim }));
            names[at] = cell;
            x = x.saturating_add(width + 1);
        }
        self.names.set(names);
    }
}

impl Screen<Student> for Course {
    fn scope(&self) -> &'static Scope {
        self.tab().map_or(&ASSIGNMENTS_SCOPE, Screen::scope)
    }

    fn title(&self, _model: &Model) -> String {
        self.slug.clone()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        self.tab().and_then(|tab| tab.disabled(action, model))
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.go(self.active, cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.with_tab(|tab| tab.resumed(cx));
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        let count = TITLES.len();
        match *action {
            TAB_1 => self.go(0, cx),
            TAB_2 => self.go(1, cx),
            TAB_3 => self.go(2, cx),
            TAB_4 => self.go(3, cx),
            TAB_5 => self.go(4, cx),
            NEXT_TAB => self.go((self.active + 1) % count, cx),
            PREVIOUS_TAB => self.go((self.active + count - 1) % count, cx),
            _ => return self.with_tab(|tab| tab.act(action, cx)).unwrap_or(false),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.tab().is_some_and(Screen::text_focus)
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, Student>) {
        self.with_tab(|tab| tab.key(key, cx));
    }

    fn paste(&mut self, text: &str, cx: &mut Cx<'_, Student>) {
        self.with_tab(|tab| tab.paste(text, cx));
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        let at = Position::new(event.column, event.row);
        match self.names.get().iter().position(|name| name.contains(at)) {
            Some(tab) if matches!(event.kind, MouseEventKind::Down(_)) => self.go(tab, cx),
            _ => drop(self.with_tab(|tab| tab.mouse(event, cx))),
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        // Each tab knows its own requests.
        self.each_tab(|tab| tab.received(request, message.clone(), cx));
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, Student>) {
        self.each_tab(|tab| tab.answered(request, answer.clone(), cx));
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        self.each_tab(|tab| tab.confirmed(request, cx));
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        self.each_tab(|tab| tab.changed(change, cx));
    }

    fn leaving(&mut self, cx: &mut Cx<'_, Student>) {
        self.each_tab(|tab| tab.leaving(cx));
    }

    fn unsaved(&self, model: &Model) -> Option<Unsaved> {
        self.tabs.iter().flatten().find_map(|tab| tab.unsaved(model))
    }

    fn wakes_at(&self, model: &Model, now_ms: i64) -> Option<i64> {
        self.tab().and_then(|tab| tab.wakes_at(model, now_ms))
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        self.view_names(Rect { height: 1, ..area }, canvas);
        // A line between the tabs and what they hold, where there is room.
        let used = if area.height > 14 { 2 } else { 1 };
        let below = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
        if let Some(tab) = self.tab() {
            tab.view(model, below, canvas);
        }
    }
}
