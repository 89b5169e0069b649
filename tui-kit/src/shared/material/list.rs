//! The materials of a course, by module.

use std::marker::PhantomData;

use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Effect, Library, Message, ReaderScreen, Saver};
use crate::action::{Action, OPEN, REFRESH, Scope};
use crate::look::{Canvas, Look};
use crate::program::{Change, KitAnswer, concerns};
use crate::remote::RequestId;
use crate::screen::{Cx, Screen};
use crate::shared::{self, Shares};
use crate::text;
use crate::widgets::list::List;
use crate::widgets::table::{Column, Table, Width};
use crate::widgets::{Outcome, Part};

/// A material with the name of its module.
#[derive(Clone, Debug)]
struct Row {
    material: v1::Material,
    module: String,
}

/// The list.
pub struct MaterialsScreen<P> {
    course: String,
    scope: &'static Scope,
    list: List<Row, Library>,
    saver: Saver,
    program: PhantomData<fn() -> P>,
}

impl<P: Shares> MaterialsScreen<P> {
    /// Of a course, by its slug.
    pub fn new(course: &str, scope: &'static Scope) -> Self {
        Self {
            course: course.into(),
            scope,
            list: List::of(table(), "the materials", rows),
            saver: Saver::default(),
            program: PhantomData,
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, P>) {
        let effect = Effect::List { course: self.course.clone() };
        self.list.ask(cx, P::effect(shared::Effect::Material(effect)));
    }

    fn open(&self, cx: &mut Cx<'_, P>) {
        if let Some(row) = self.list.selected() {
            cx.push(ReaderScreen::new(&self.course, row.material.clone()));
        }
    }

    fn file(&self) -> Option<&v1::FileRef> {
        self.list.selected()?.material.file.as_ref()
    }
}

/// The materials in the order of their modules.
fn rows(library: &Library) -> Vec<Row> {
    let place = |id: &str| library.modules.iter().position(|module| module.module_id == id);
    let mut rows: Vec<Row> = library
        .materials
        .iter()
        .map(|material| Row {
            material: material.clone(),
            module: place(&material.module_id).map(|at| library.modules[at].name.clone()).unwrap_or_default(),
        })
        .collect();
    // What belongs to no module comes last.
    rows.sort_by_key(|row| (place(&row.material.module_id).unwrap_or(usize::MAX), row.material.position));
    rows
}

impl<P: Shares> Screen<P> for MaterialsScreen<P> {
    fn scope(&self) -> &'static Scope {
        self.scope
    }

    fn title(&self, _model: &P::Model) -> String {
        "materials".into()
    }

    fn disabled(&self, action: &Action, _model: &P::Model) -> Option<String> {
        self.saver.disabled(action, self.file())
    }

    fn opened(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, P>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, P>) -> bool {
        let file = self.file().cloned();
        match *action {
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            _ => return self.saver.file_act(action, file.as_ref(), cx) || self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(if self.saver.text_focus() { &self.saver } else { &self.list })
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(if self.saver.text_focus() { &mut self.saver } else { &mut self.list })
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) {
        if !self.saver.used(outcome, cx) && outcome == Outcome::Chosen {
            self.attempt(&OPEN, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: P::Message, cx: &mut Cx<'_, P>) {
        let Some(shared::Message::Material(message)) = P::shared(message) else { return };
        let Message::Listed(library) = message else { return self.saver.received(request, message, cx) };
        self.list.finish(request, library);
        if self.list.is_stale() {
            self.load(cx);
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, P>) {
        self.saver.answered(request, &answer, cx);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        self.saver.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, P>) {
        if concerns(change, None, &[v1::EventKind::Material, v1::EventKind::Module, v1::EventKind::Course]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &P::Model, area: Rect, canvas: &mut Canvas<'_>) {
        let area = self.saver.view(area, canvas);
        self.list.view(area, canvas);
    }
}

/// What a material is, in a word.
pub fn kind(material: &v1::Material) -> &'static str {
    match material.kind() {
        v1::MaterialKind::Pdf => "PDF",
        v1::MaterialKind::Text => "text",
        v1::MaterialKind::Markdown => "Markdown",
        v1::MaterialKind::Other | v1::MaterialKind::Unspecified => "file",
    }
}

fn table() -> Table<Row> {
    let mark = |row: &Row, look: &Look| {
        let glyph = if row.material.opened { "" } else { look.glyphs.unread };
        Line::styled(glyph, look.theme.info)
    };
    let columns = vec![
        Column::new("", Width::Fixed(1), mark),
        Column::new("title", Width::Fill(3), |row: &Row, _| Line::raw(row.material.title.clone()))
            .least(24)
            .sorted_by(|a, b| a.material.title.cmp(&b.material.title)),
        Column::new("module", Width::Fill(2), |row: &Row, look| Line::styled(row.module.clone(), look.theme.dim))
            .keep(2),
        Column::new("kind", Width::Fixed(8), |row: &Row, _| Line::raw(kind(&row.material))).keep(1),
        Column::new("size", Width::Fixed(9), |row: &Row, look| {
            let size = row.material.file.as_ref().map_or(0, |file| file.size);
            Line::styled(text::size(size), look.theme.dim)
        })
        .right()
        .keep(3),
        Column::new("state", Width::Fixed(6), |row: &Row, look| {
            if row.material.opened {
                Line::styled("read", look.theme.dim)
            } else {
                Line::styled("new", look.theme.info)
            }
        })
        .keep(4),
    ];
    Table::new(columns, |row| row.material.slug.clone(), "This course has no materials yet.")
}
