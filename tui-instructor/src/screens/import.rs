//! Importing people from CSV files: what would happen is shown first, all bad rows at once, and then exactly that is done.

use std::path::PathBuf;

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Screen, Tone};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::form::{Field, Form};
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::deed::Deed;
use super::form::{FormScreen, Refusal, Work};
use crate::actions::{self, APPLY};
use crate::effects::{self, ImportFiles, Made, Message, Preview};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Asks for the files of a roster.
pub fn roster(course: &str) -> FormScreen {
    let form = Form::new([
        Field::paths("enrollments", "Enrolments").required().hint("enrollments.csv, in Canvas's columns"),
        Field::paths("users", "Accounts").hint("users.csv, for people without an account; may be empty"),
    ]);
    let course = course.to_owned();
    FormScreen::new(format!("Import people into {course}"), "this", form, move |form| {
        let enrollments = one_path(form, "enrollments")?;
        let users = if form.text("users").is_empty() { None } else { Some(one_path(form, "users")?) };
        Ok(Work::Preview(ImportFiles::Roster { course: course.clone(), enrollments, users }))
    })
    .files(&["enrollments", "users"])
    .note("Nothing is changed yet: what would happen is shown first.")
}

/// Asks for the file of accounts.
pub fn accounts() -> FormScreen {
    let form = Form::new([Field::paths("users", "Accounts").required().hint("users.csv, in Canvas's columns")]);
    FormScreen::new("Import accounts", "this", form, |form| {
        Ok(Work::Preview(ImportFiles::Accounts(one_path(form, "users")?)))
    })
    .files(&["users"])
    .note("Nothing is changed yet: what would happen is shown first.")
}

/// The one path in a field.
pub fn one_path(form: &Form, field: &'static str) -> Result<PathBuf, Refusal> {
    let mut paths = form.paths(field);
    match (paths.pop(), paths.is_empty()) {
        (Some(path), true) => Ok(path),
        _ => Err(Refusal { field, why: "Name one file; put a path with spaces into quotes.".into() }),
    }
}

/// What an import would do.
pub struct PreviewScreen {
    preview: Preview,
    refused: usize,
    table: Table<v1::ImportRow>,
    importing: Deed,
}

impl PreviewScreen {
    /// Shows it; refused rows come first.
    pub fn new(preview: Preview) -> Self {
        let mut rows = preview.rows.clone();
        rows.sort_by_key(|row| (row.action() != v1::ImportAction::Refused, row.line));
        let refused = rows.iter().filter(|row| row.action() == v1::ImportAction::Refused).count();
        let key = |row: &v1::ImportRow| format!("{} {}", row.line, row.subject);
        let mut table = Table::new(columns(), key, "The files hold nothing that would change anything.");
        table.set_rows(rows);
        Self { preview, refused, table, importing: Deed::default() }
    }

    fn words(sums: &[(u32, &'static str)]) -> String {
        sums.iter().map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
    }
}

impl Screen<Instructor> for PreviewScreen {
    fn scope(&self) -> &'static Scope {
        &actions::IMPORT_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "import".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            APPLY if self.refused > 0 => Some(format!(
                "{} refused: correct the files first; nothing was imported.",
                text::count(self.refused as u64, "row")
            )),
            APPLY if self.importing.is_under_way() => Some("It is being imported.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        if *action == APPLY {
            self.importing.send(self.preview.change.clone(), cx);
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

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        let Message::Changed(result) = message else { return };
        let Some(made) = self.importing.finish(request, result, cx) else { return };
        let sums = match made {
            Made::ImportRoster(answer) => effects::roster_sums(&answer),
            Made::ImportUsers(answer) => effects::account_sums(&answer),
            _ => Vec::new(),
        };
        cx.toast(Tone::Good, format!("Imported: {}.", Self::words(&sums)));
        cx.pop();
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "What the import would do", true);
        let theme = canvas.look.theme;
        let line = if self.importing.is_under_way() {
            Line::styled("Being imported", theme.info)
        } else if let Some(failure) = self.importing.failure() {
            Line::styled(format!("NOT imported: {}", text::clean(&failure.sentence())), theme.bad)
        } else if self.refused > 0 {
            let rows = text::count(self.refused as u64, "row");
            Line::styled(
                format!("{rows} refused, listed first. Correct the files and import again; nothing was changed."),
                theme.bad,
            )
        } else {
            Line::from(vec![
                Span::raw("Nothing was changed yet. It would be: "),
                Span::styled(Self::words(&self.preview.sums), theme.title),
            ])
        };
        let wrapped = text::wrap(&line.to_string(), inner.width.into());
        let rows = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).min(inner.height / 2);
        let head = Rect { height: rows, ..inner };
        if wrapped.len() == 1 {
            canvas.line(head, line);
        } else {
            let style = line.style;
            canvas.lines(head, wrapped.into_iter().map(|words| Line::styled(words, style)));
        }
        let below = Rect { y: inner.y + rows + 1, height: inner.height.saturating_sub(rows + 1), ..inner };
        self.table.view(below, canvas, true);
    }
}

fn columns() -> Vec<Column<v1::ImportRow>> {
    type Row = v1::ImportRow;
    vec![
        Column::new("line", Width::Fixed(5), |row: &Row, _| Line::raw(row.line.to_string()))
            .right()
            .sorted_by(|a, b| a.line.cmp(&b.line)),
        Column::new("what", Width::Fixed(9), |row: &Row, look| {
            let (word, style) = match row.action() {
                v1::ImportAction::Create => ("new", look.theme.good),
                v1::ImportAction::Update => ("change", look.theme.info),
                v1::ImportAction::Unchanged => ("unchanged", look.theme.dim),
                v1::ImportAction::Delete => ("remove", look.theme.warn),
                v1::ImportAction::Refused => ("REFUSED", look.theme.bad),
                v1::ImportAction::Unspecified => ("", look.theme.text),
            };
            Line::styled(word, style)
        })
        .sorted_by(|a, b| a.action.cmp(&b.action)),
        Column::new("who", Width::Fill(1), |row: &Row, _| Line::raw(row.subject.clone()))
            .sorted_by(|a, b| a.subject.cmp(&b.subject)),
        Column::new("why, or what will be done", Width::Fill(3), |row: &Row, _| Line::raw(row.message.clone())),
    ]
}
