//! What was drawn, as text: the letters, then the styles.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};
use ratatui::style::{Color, Modifier};

use crate::look::{Canvas, Look};

/// Draws into cells of its own and gives them and the place of the cursor: where a test only asks that it can be drawn.
pub fn draw(
    width: u16,
    height: u16,
    look: &Look,
    view: impl FnOnce(Rect, &mut Canvas<'_>),
) -> (Buffer, Option<Position>) {
    let area = Rect::new(0, 0, width, height);
    let mut buf = Buffer::empty(area);
    let mut canvas = Canvas::new(&mut buf, look);
    view(area, &mut canvas);
    let cursor = canvas.cursor;
    (buf, cursor)
}

/// Draws into cells of its own and gives their [`picture`].
pub fn render(width: u16, height: u16, look: &Look, view: impl FnOnce(Rect, &mut Canvas<'_>)) -> String {
    let (buf, cursor) = draw(width, height, look, view);
    let mut text = picture(&buf);
    if let Some(at) = cursor {
        let _ = writeln!(text, "cursor {},{}", at.x, at.y);
    }
    text
}

/// The letters of a buffer, without trailing spaces.
pub fn words(buf: &Buffer) -> String {
    let rows = buf.area.rows().map(|row| {
        let mut line = String::new();
        let mut skip = 0_usize;
        for column in row.columns() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(column.x, column.y)].symbol();
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        line.trim_end().to_owned()
    });
    rows.collect::<Vec<_>>().join("\n")
}

/// The letters, then a line for each run of cells that are not plain: `3: 0..5 cyan bold`.
pub fn picture(buf: &Buffer) -> String {
    let mut text = words(buf).trim_end().to_owned();
    text.push_str("\n---\n");
    for row in buf.area.rows() {
        let mut start = row.x;
        while start < row.right() {
            let style = style_words(&buf[(start, row.y)]);
            let mut end = start + 1;
            while end < row.right() && style_words(&buf[(end, row.y)]) == style {
                end += 1;
            }
            if !style.is_empty() {
                let _ = writeln!(text, "{}: {start}..{end} {style}", row.y);
            }
            start = end;
        }
    }
    text
}

fn style_words(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg.to_string().to_lowercase()));
    }
    let names = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underlined"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::CROSSED_OUT, "crossed out"),
    ];
    words
        .extend(names.iter().filter(|(modifier, _)| cell.modifier.contains(*modifier)).map(|(_, name)| (*name).into()));
    words.join(" ")
}
