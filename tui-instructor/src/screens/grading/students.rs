//! All students of the assignment that is graded, and how each grade stands.

use std::cell::Cell;
use std::rc::Rc;

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::words;
use crate::actions;
use crate::effects::Message;
use crate::model::desk::{Desk, SaveState, Standing};
use crate::model::{Hw, Model, Place};
use crate::program::{Cx, Instructor};

/// One student as the list shows them.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    at: usize,
    person: v1::PersonRef,
    score: String,
    standing: Standing,
    why: String,
}

/// The list.
pub struct StudentsScreen {
    hw: Hw,
    people: Vec<v1::PersonRef>,
    begin: usize,
    jump: Rc<Cell<Option<usize>>>,
    table: Table<Row>,
}

impl StudentsScreen {
    /// The list; the student that is chosen is put into `jump`.
    pub fn new(hw: Hw, people: Vec<v1::PersonRef>, begin: usize, jump: Rc<Cell<Option<usize>>>) -> Self {
        let table = Table::new(columns(), |row: &Row| row.person.username.clone(), "This course has no students yet.");
        Self { hw, people, begin, jump, table }
    }

    fn arrange(&mut self, desk: &Desk) {
        let row = |(at, person): (usize, &v1::PersonRef)| {
            let place = Place { hw: self.hw.clone(), user: person.username.clone() };
            let why = match desk.save(&place).map(|save| &save.state) {
                Some(SaveState::Waiting(failure) | SaveState::Failed(failure)) => failure.sentence(),
                _ => String::new(),
            };
            Row { at, person: person.clone(), score: desk.score(&place), standing: desk.standing(&place), why }
        };
        let rows = self.people.iter().enumerate().map(row).collect();
        self.table.set_rows(rows);
    }

    fn choose(&self, cx: &mut Cx<'_>) {
        self.jump.set(self.table.selected().map(|row| row.at));
        cx.pop();
    }
}

impl Screen<Instructor> for StudentsScreen {
    fn scope(&self) -> &'static Scope {
        &actions::STUDENTS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "students".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.arrange(&cx.model.desk);
        if let Some(person) = self.people.get(self.begin) {
            self.table.select_key(&person.username);
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        self.arrange(&cx.model.desk);
        if *action == OPEN {
            self.choose(cx);
            return true;
        }
        self.table.act(action)
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.table)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.table)
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_>) {}

    fn changed(&mut self, _change: &lectern_tui_kit::program::Change, cx: &mut Cx<'_>) {
        self.arrange(&cx.model.desk);
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = format!("{}: {}", self.hw.assignment, text::count(self.people.len() as u64, "student"));
        let inner = canvas.pane(area, &title, true);
        let sums = Rect { height: inner.height.min(1), ..inner };
        canvas.line(sums, sums_line(&model.desk, &self.hw, &self.people, canvas.look));
        let below = Rect { y: inner.y.saturating_add(1), height: inner.height.saturating_sub(1), ..inner };
        self.table.view(below, canvas, true);
    }
}

fn columns() -> Vec<Column<Row>> {
    vec![
        Column::new("", Width::Fixed(2), |row: &Row, look| mark(row.standing, look)),
        Column::new("student", Width::Fill(2), |row: &Row, _| Line::raw(words::name(Some(&row.person))))
            .least(22)
            .sorted_by(|a, b| a.person.name.cmp(&b.person.name)),
        Column::new("score", Width::Fixed(7), |row: &Row, _| Line::raw(row.score.clone())).right(),
        Column::new("grade", Width::Fixed(22), |row: &Row, look| {
            Line::styled(standing(row.standing), style(row.standing, look))
        })
        .sorted_by(|a, b| standing(a.standing).cmp(standing(b.standing))),
        Column::new("why", Width::Fill(2), |row: &Row, _| Line::raw(row.why.clone())).keep(1),
    ]
}

/// A mark for how a grade stands; the word is beside it or on the student's own screen.
pub fn mark(standing: Standing, look: &Look) -> Line<'static> {
    let mark = match standing {
        Standing::Blank => "",
        Standing::Graded => look.glyphs.bullet,
        Standing::Typed => "*",
        Standing::Pending | Standing::Waiting => look.glyphs.ellipsis,
        Standing::Saved => look.glyphs.done,
        Standing::Failed => look.glyphs.failed,
    };
    Line::styled(mark, style(standing, look))
}

/// How a grade stands, in words.
pub fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Blank => "not graded",
        Standing::Graded => "graded",
        Standing::Typed => "typed, not saved",
        Standing::Pending => "being saved",
        Standing::Waiting => "waits for the cluster",
        Standing::Saved => "saved",
        Standing::Failed => "NOT saved",
    }
}

/// The style of how a grade stands.
pub fn style(standing: Standing, look: &Look) -> ratatui::style::Style {
    match standing {
        Standing::Blank | Standing::Graded => look.theme.dim,
        Standing::Typed => look.theme.warn,
        Standing::Pending | Standing::Waiting => look.theme.info,
        Standing::Saved => look.theme.good,
        Standing::Failed => look.theme.bad,
    }
}

/// How many grades are in which state, in one line.
pub fn sums_line(desk: &Desk, hw: &Hw, people: &[v1::PersonRef], look: &Look) -> Line<'static> {
    let mut counts = [
        (Standing::Failed, 0_usize),
        (Standing::Typed, 0),
        (Standing::Waiting, 0),
        (Standing::Pending, 0),
        (Standing::Saved, 0),
        (Standing::Blank, 0),
    ];
    for person in people {
        let place = Place { hw: hw.clone(), user: person.username.clone() };
        let own = desk.standing(&place);
        if let Some((_, count)) = counts.iter_mut().find(|(standing, _)| *standing == own) {
            *count += 1;
        }
    }
    let mut spans: Vec<Span<'static>> = Vec::new();
    for (kind, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        if !spans.is_empty() {
            spans.push(Span::styled(format!(" {} ", look.glyphs.separator), look.theme.dim));
        }
        spans.push(Span::styled(format!("{count} {}", standing(kind)), style(kind, look)));
    }
    Line::from(spans)
}
