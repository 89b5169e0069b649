//! Modules and materials of a course.

use jiff::tz::TimeZone;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::shared;
use lectern_tui_kit::shared::material::{self, ReaderScreen};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::form::{Field, Form};
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::course_form::{check_slug, zone_of};
use super::deed::Deed;
use super::form::{FormScreen, Work};
use super::{import, words};
use crate::actions::{self, ADD, DELETE, EDIT, EDIT_MODULE, NEW_MODULE};
use crate::effects::{Change, Effect, Made, Message};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// A row: a material, or a module that has none yet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    module: Option<v1::Module>,
    material: Option<v1::Material>,
}

/// The materials of a course.
pub struct MaterialsSection {
    course: String,
    list: List<Row, material::Library>,
    deletion: Deed,
}

impl MaterialsSection {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        let key = |row: &Row| match (&row.material, &row.module) {
            (Some(material), _) => material.material_id.clone(),
            (None, Some(module)) => module.module_id.clone(),
            (None, None) => String::new(),
        };
        let table = Table::new(columns(), key, "There are no materials yet; a adds one.");
        Self { course: course.to_owned(), list: List::of(table, "the materials", rows), deletion: Deed::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        let list = material::Effect::List { course: self.course.clone() };
        self.list.ask(cx, Effect::Shared(shared::Effect::Material(list)));
    }

    fn modules(&self) -> Vec<v1::Module> {
        self.list.value().map(|library| library.modules.clone()).unwrap_or_default()
    }

    fn material(&self) -> Option<&v1::Material> {
        self.list.selected()?.material.as_ref()
    }

    fn zone(&self, model: &Model) -> TimeZone {
        zone_of(model.known.courses.get(&self.course))
    }

    fn ask_delete(&mut self, cx: &mut Cx<'_>) {
        let Some(material) = self.material().cloned() else { return };
        let opened = match material.opened_count {
            0 => "No student has opened it.".into(),
            count => format!("{} opened it.", text::count(count, "student")),
        };
        let confirm = Confirm {
            question: format!("Delete the material {} ({})?", material.slug, text::clean(&material.title)),
            consequence: format!("{opened} Its file goes, too."),
            yes: "delete".into(),
        };
        let change =
            Change::DeleteMaterial(v1::DeleteMaterialRequest { course: self.course.clone(), material: material.slug });
        self.deletion.ask(confirm, change, cx);
    }

    fn open(&self, cx: &mut Cx<'_>) {
        if let Some(material) = self.material() {
            cx.push(ReaderScreen::new(&self.course, material.clone()));
        }
    }

    fn edit_module(&self, cx: &mut Cx<'_>) {
        if let Some(module) = self.list.selected().and_then(|row| row.module.clone()) {
            cx.push(module_form(&self.course, Some(&module), self.zone(cx.model)));
        }
    }
}

/// The materials in the order of their modules, and the modules that have none yet; what is in no module comes last.
fn rows(library: &material::Library) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let of_module = |module: Option<&v1::Module>| -> Vec<Row> {
        let id = module.map(|module| module.module_id.as_str()).unwrap_or_default();
        let inside = library.materials.iter().filter(|material| material.module_id == id);
        inside.map(|material| Row { module: module.cloned(), material: Some(material.clone()) }).collect()
    };
    for module in &library.modules {
        let before = rows.len();
        rows.extend(of_module(Some(module)));
        if rows.len() == before {
            rows.push(Row { module: Some(module.clone()), material: None });
        }
    }
    rows.extend(of_module(None));
    rows
}

fn module_field(modules: &[v1::Module]) -> Field {
    let none = (String::new(), "none".to_owned());
    let options = modules.iter().map(|module| (module.module_id.clone(), module.name.clone()));
    Field::choice("module", "Module", std::iter::once(none).chain(options))
}

fn add_form(course: &str, modules: &[v1::Module], zone: TimeZone) -> FormScreen {
    let form = Form::new([
        Field::paths("file", "File").required().hint("PDF, text, Markdown, or anything else"),
        Field::text("title", "Title").hint("the file's name, when left empty"),
        Field::text("slug", "Short name").hint("made from the file's name, when left empty").check(check_slug),
        module_field(modules),
        Field::date("release", "Released"),
    ]);
    let course = course.to_owned();
    FormScreen::new("Add a material", "the new material", form, move |form| {
        let path = import::one_path(form, "file")?;
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let or_stem = |typed: String, made: String| if typed.is_empty() { made } else { typed };
        let request = v1::CreateMaterialRequest {
            course: course.clone(),
            slug: or_stem(form.text("slug"), crate::commands::slug_of(&stem)),
            title: or_stem(form.text("title"), stem.clone()),
            module_id: form.choice("module").to_owned(),
            upload_id: String::new(),
            release_at_ms: form.date("release"),
        };
        Ok(Work::from(Change::AddMaterial { path, request }))
    })
    .zone(zone)
    .files(&["file"])
    .note("Students see it at once, or from its release date on.")
    .done(|made, cx| {
        if let Made::CreateMaterial(v1::CreateMaterialResponse { material: Some(material) }) = made {
            cx.toast(Tone::Good, format!("{} is there.", material.slug));
        }
    })
}

fn edit_form(course: &str, material: &v1::Material, modules: &[v1::Module], zone: TimeZone) -> FormScreen {
    let form = Form::new([
        Field::text("title", "Title").required().value(&material.title),
        module_field(modules).value(&material.module_id),
        Field::date("release", "Released").date_value(material.release_at_ms, &zone),
        Field::paths("file", "New file").hint("replaces the file; empty: it stays"),
    ]);
    let (course, slug) = (course.to_owned(), material.slug.clone());
    FormScreen::new(format!("Material {slug}"), "this change", form, move |form| {
        let request = v1::UpdateMaterialRequest {
            course: course.clone(),
            material: slug.clone(),
            title: Some(form.text("title")),
            module_id: Some(form.choice("module").to_owned()),
            position: None,
            release_at_ms: Some(form.date("release").unwrap_or(0)),
            upload_id: None,
        };
        if form.text("file").is_empty() {
            return Ok(Work::from(Change::UpdateMaterial(request)));
        }
        Ok(Work::from(Change::ReplaceMaterial { path: import::one_path(form, "file")?, request }))
    })
    .zone(zone)
    .files(&["file"])
    .done(|made, cx| {
        if let Made::UpdateMaterial(v1::UpdateMaterialResponse { material: Some(material) }) = made {
            cx.toast(Tone::Good, format!("{} is changed.", material.slug));
        }
    })
}

fn module_form(course: &str, module: Option<&v1::Module>, zone: TimeZone) -> FormScreen {
    let name = module.map(|module| module.name.clone()).unwrap_or_default();
    let position = module.map(|module| module.position.to_string()).unwrap_or_default();
    let release = module.and_then(|module| module.release_at_ms);
    let mut fields = vec![
        Field::text("name", "Name").required().value(&name),
        Field::date("release", "Released").date_value(release, &zone),
    ];
    if module.is_some() {
        fields.push(
            Field::text("position", "Place")
                .value(&position)
                .hint("from 1")
                .check(|typed| typed.parse::<u32>().map(|_| ()).map_err(|_| "Write a whole number.".into())),
        );
    }
    let (course, id) = (course.to_owned(), module.map(|module| module.module_id.clone()));
    let title = if module.is_some() { format!("Module {name}") } else { "New module".into() };
    FormScreen::new(title, "this module", Form::new(fields), move |form| {
        let (name, release) = (form.text("name"), form.date("release"));
        Ok(Work::from(match &id {
            None => {
                Change::CreateModule(v1::CreateModuleRequest { course: course.clone(), name, release_at_ms: release })
            }
            Some(id) => Change::UpdateModule(v1::UpdateModuleRequest {
                course: course.clone(),
                module_id: id.clone(),
                name: Some(name),
                position: form.text("position").parse().ok(),
                release_at_ms: Some(release.unwrap_or(0)),
            }),
        }))
    })
    .zone(zone)
    .done(|_, cx| cx.toast(Tone::Good, "The module is saved."))
}

impl Screen<Instructor> for MaterialsSection {
    fn scope(&self) -> &'static Scope {
        &actions::MATERIALS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "materials".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            OPEN | EDIT | DELETE if self.material().is_none() => Some("No material is selected.".into()),
            EDIT_MODULE if self.list.selected().is_none_or(|row| row.module.is_none()) => {
                Some("This material is in no module.".into())
            }
            ADD if self.list.value().is_none() => Some("The list of modules is not here yet.".into()),
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
            ADD => cx.push(add_form(&self.course, &self.modules(), self.zone(cx.model))),
            EDIT => {
                if let Some(material) = self.material() {
                    cx.push(edit_form(&self.course, material, &self.modules(), self.zone(cx.model)));
                }
            }
            DELETE => self.ask_delete(cx),
            NEW_MODULE => cx.push(module_form(&self.course, None, self.zone(cx.model))),
            EDIT_MODULE => self.edit_module(cx),
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
        match message {
            Message::Shared(shared::Message::Material(material::Message::Listed(result))) => {
                self.list.finish(request, result);
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Changed(result) => {
                if self.deletion.finish(request, result, cx).is_some() {
                    cx.toast(Tone::Good, "The material is deleted.");
                    self.load(cx);
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.deletion.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        let id = cx.model.course_id(&self.course);
        if concerns(change, id, &[v1::EventKind::Module, v1::EventKind::Material]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Materials", true);
        self.list.view(inner, canvas);
    }
}

fn released(at: Option<i64>, look: &Look) -> Line<'static> {
    match at {
        None => Line::styled("released", look.theme.dim),
        Some(at) if at <= look.now_ms => Line::styled(look.time(at), look.theme.dim),
        Some(at) => Line::styled(format!("from {}", look.time(at)), look.theme.warn),
    }
}

/// When both the module and the material are to be seen.
fn release_of(row: &Row) -> Option<i64> {
    let module = row.module.as_ref().and_then(|module| module.release_at_ms);
    let material = row.material.as_ref().and_then(|material| material.release_at_ms);
    module.max(material)
}

fn columns() -> Vec<Column<Row>> {
    let of = |row: &Row, what: fn(&v1::Material) -> String| row.material.as_ref().map(what).unwrap_or_default();
    vec![
        Column::new("module", Width::Fill(1), |row: &Row, look| {
            let name = row.module.as_ref().map(|module| module.name.clone());
            Line::styled(name.unwrap_or_else(|| look.glyphs.dash.into()), look.theme.dim)
        })
        .least(14),
        Column::new("material", Width::Fill(2), move |row: &Row, look| match &row.material {
            Some(material) => Line::raw(material.title.clone()),
            None => Line::styled("(empty module)", look.theme.dim),
        })
        .least(26),
        Column::new("kind", Width::Fixed(8), move |row: &Row, _| Line::raw(of(row, |it| material::kind(it).into())))
            .keep(3),
        Column::new("size", Width::Fixed(9), move |row: &Row, _| {
            Line::raw(of(row, |it| it.file.as_ref().map(|file| text::size(file.size)).unwrap_or_default()))
        })
        .right()
        .keep(4),
        Column::new("to be seen", Width::Fixed(22), |row: &Row, look| released(release_of(row), look)).keep(1),
        Column::new("opened", Width::Fixed(6), |row: &Row, look| match &row.material {
            Some(material) => words::count(material.opened_count, look),
            None => Line::default(),
        })
        .right()
        .keep(2),
    ]
}
