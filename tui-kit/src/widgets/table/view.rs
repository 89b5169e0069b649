//! How a table is drawn: only the rows on the screen are looked at.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Table;
use super::column::{GAP, POINTER, widths};
use crate::look::{Canvas, Look};
use crate::text;

impl<R> Table<R> {
    /// Draws it. `focused`: the keyboard moves its selection.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        self.look.replace(canvas.look.clone());
        let area = area.intersection(canvas.buf.area);
        let with_filter = self.filtering || !self.filter.text().is_empty();
        let filter_rows = u16::from(with_filter).min(area.height);
        if with_filter {
            self.view_filter(Rect { y: area.bottom() - filter_rows, height: filter_rows, ..area }, canvas, focused);
        }
        let area = Rect { height: area.height - filter_rows, ..area };
        if self.shown.is_empty() {
            self.cursor.hide();
            let words = if self.rows.is_empty() { self.empty.as_str() } else { "No row contains this." };
            let dim = canvas.look.theme.dim;
            return canvas
                .lines(area, text::wrap(words, area.width.into()).into_iter().map(|line| Line::styled(line, dim)));
        }
        let widths = widths(&self.columns, area.width);
        self.view_head(area, &widths, canvas);
        let body =
            Rect { y: area.y.saturating_add(1).min(area.bottom()), height: area.height.saturating_sub(1), ..area };
        for (row, at) in body.rows().zip(self.cursor.window(body, self.shown.len())) {
            self.view_row(row, at, &widths, canvas, focused);
        }
    }

    fn view_filter(&self, area: Rect, canvas: &mut Canvas<'_>, focused: bool) {
        let count = format!(" {} of {}", self.shown.len(), self.rows.len());
        let width = u16::try_from(count.len()).unwrap_or(0).min(area.width / 2);
        let line = Rect { width: area.width - width, ..area };
        self.filter.view("/", line, canvas, focused && self.filtering);
        canvas.line(Rect { x: line.right(), width, ..area }, Line::styled(count, canvas.look.theme.dim));
    }

    fn view_head(&self, area: Rect, widths: &[(usize, u16)], canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let mut spans = vec![Span::raw(" ".repeat(usize::from(POINTER)))];
        for (index, width) in widths {
            let column = &self.columns[*index];
            let mark = match self.sorting {
                Some(sorting) if sorting.column == *index && sorting.descending => look.glyphs.descending,
                Some(sorting) if sorting.column == *index => look.glyphs.ascending,
                _ => "",
            };
            // Where the title fills the column, the mark stands in the gap behind it.
            let fits = text::width(column.title) + text::width(mark) <= usize::from(*width);
            let (inside, behind) =
                if fits { (format!("{}{mark}", column.title), "") } else { (column.title.into(), mark) };
            spans.push(Span::styled(aligned(&inside, *width, column.right, look), look.theme.title));
            spans.push(Span::styled(behind, look.theme.title));
            spans.push(Span::raw(" ".repeat(usize::from(GAP).saturating_sub(text::width(behind)))));
        }
        canvas.line(area, Line::from(spans));
    }

    fn view_row(&self, area: Rect, at: usize, widths: &[(usize, u16)], canvas: &mut Canvas<'_>, focused: bool) {
        let (look, row) = (canvas.look, &self.rows[self.shown[at]]);
        let is_selected = at == self.cursor.selected();
        // Where no colour tells which list has the keyboard, the pointer does.
        let pointer = if is_selected && (focused || !look.plain) { look.glyphs.pointer } else { "" };
        let mut spans = vec![Span::raw(text::pad(pointer, POINTER.into(), ""))];
        for (index, width) in widths {
            let column = &self.columns[*index];
            spans.extend(cell_spans(&(column.cell)(row, look), *width, column.right, look));
            spans.push(Span::raw(" ".repeat(usize::from(GAP))));
        }
        let style = self.row_style.as_ref().map_or_else(Style::new, |style| style(row, look));
        canvas.line(area, Line::from(spans).style(style));
        if is_selected {
            canvas.style(area, if focused { look.theme.selected } else { look.theme.selected_away });
        }
    }
}

fn aligned(words: &str, width: u16, right: bool, look: &Look) -> String {
    let pad = if right { text::pad_left } else { text::pad };
    pad(words, width.into(), look.glyphs.ellipsis)
}

/// A cell, clean, cut or filled to its width; its spans keep their styles.
fn cell_spans(line: &Line<'_>, width: u16, right: bool, look: &Look) -> Vec<Span<'static>> {
    let width = usize::from(width);
    let spans = line.spans.iter().map(|span| Span::styled(text::clean(&span.content), line.style.patch(span.style)));
    let line = text::fit_line(Line::from(spans.collect::<Vec<_>>()), width, look.glyphs.ellipsis);
    let fill = Span::raw(" ".repeat(width.saturating_sub(line.width())));
    let mut spans = line.spans;
    spans.insert(if right { 0 } else { spans.len() }, fill);
    spans
}
