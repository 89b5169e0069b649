//! One-time codes, shown this once.

use std::cell::Cell;

use lectern_cli::format::rfc3339;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{KitWork, Screen, Tone, Unsaved};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{form, words};
use crate::actions::{self, COPY_CODE, SAVE_CODES};
use crate::effects::Message;
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Codes that were made a moment ago.
pub struct CodesScreen {
    name: String,
    codes: Vec<v1::IssuedCode>,
    table: Table<v1::IssuedCode>,
    /// They were written to a file, or the person went to do so.
    taken: Cell<bool>,
}

impl CodesScreen {
    /// Codes for the people of `name`, a course or an account.
    pub fn new(name: &str, codes: Vec<v1::IssuedCode>) -> Self {
        let key = |code: &v1::IssuedCode| words::username(code.person.as_ref());
        let mut table = Table::new(columns(), key, "Everyone has signed in already: no code was made.");
        table.set_rows(codes.clone());
        Self { name: name.to_owned(), codes, table, taken: Cell::new(false) }
    }

    /// A CSV file in the columns of the subcommand `roster codes`.
    fn csv(&self) -> Vec<u8> {
        let mut rows = csv::Writer::from_writer(Vec::new());
        let head = ["user_id", "login_id", "full_name", "email", "code", "expires_at"];
        let written = rows.write_record(head).and_then(|()| {
            self.codes.iter().try_for_each(|code| {
                let person = code.person.clone().unwrap_or_default();
                let until = rfc3339(code.expires_at_ms);
                rows.write_record([&code.sis_user_id, &person.username, &person.name, &code.email, &code.code, &until])
            })
        });
        written.expect("memory takes every row");
        rows.into_inner().expect("memory takes every row")
    }
}

impl Screen<Instructor> for CodesScreen {
    fn scope(&self) -> &'static Scope {
        &actions::CODES_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "codes".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        let empty = matches!(*action, SAVE_CODES | COPY_CODE) && self.codes.is_empty();
        empty.then(|| "No code was made.".into())
    }

    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            SAVE_CODES => {
                self.taken.set(true);
                cx.push(form::save_as("Save the codes", &format!("codes-{}.csv", self.name), self.csv()));
            }
            COPY_CODE => {
                if let Some(code) = self.table.selected() {
                    self.taken.set(true);
                    cx.kit(KitWork::Copy(code.code.clone()));
                    cx.toast(Tone::Plain, format!("The code of {} is copied.", words::name(code.person.as_ref())));
                }
            }
            _ => return self.table.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.table)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.table)
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_>) {}

    fn unsaved(&self, _model: &Model) -> Option<Unsaved> {
        let what = || Unsaved::Typed("these codes, which are shown only once".into());
        (!self.codes.is_empty() && !self.taken.get()).then(what)
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, &format!("One-time codes: {}", self.name), true);
        let words = "Shown this once. Give each person theirs; S saves them to a file that only you can read.";
        let lines = lectern_tui_kit::text::wrap(words, inner.width.into());
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height / 2);
        let style = canvas.look.theme.warn;
        canvas.lines(Rect { height: rows, ..inner }, lines.into_iter().map(|line| Line::styled(line, style)));
        let below = Rect { y: inner.y + rows, height: inner.height - rows, ..inner };
        self.table.view(below, canvas, true);
    }
}

fn columns() -> Vec<Column<v1::IssuedCode>> {
    type Row = v1::IssuedCode;
    vec![
        Column::new("name", Width::Fill(1), |code: &Row, _| Line::raw(words::name(code.person.as_ref()))).keep(2),
        Column::new("username", Width::Fixed(12), |code: &Row, _| Line::raw(words::username(code.person.as_ref()))),
        Column::new("one-time code", Width::Fixed(24), |code: &Row, look| {
            Line::styled(code.code.clone(), look.theme.accent)
        }),
        Column::new("works until", Width::Fixed(17), |code: &Row, look| Line::raw(look.time(code.expires_at_ms)))
            .keep(1),
    ]
}
