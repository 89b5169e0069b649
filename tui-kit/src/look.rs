//! How things are drawn here: styles, glyphs, time zone, and the moment a frame shows.

use jiff::tz::TimeZone;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

use crate::text;
use crate::theme::{Theme, ThemeName};

/// Marks outside the letters, or their stand-ins in ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Text was cut here.
    pub ellipsis: &'static str,
    /// Before the selected row.
    pub pointer: &'static str,
    /// Before an item.
    pub bullet: &'static str,
    /// Something is new.
    pub unread: &'static str,
    /// It is done.
    pub done: &'static str,
    /// It is not done yet; as wide as `done`, so that nothing moves when it is.
    pub pending: &'static str,
    /// It went wrong.
    pub failed: &'static str,
    /// Between two facts in one line.
    pub separator: &'static str,
    /// A part of a bar that is filled.
    pub full: &'static str,
    /// A part of a bar that is not.
    pub empty: &'static str,
    /// Heights of a sparkline, lowest first.
    pub levels: [&'static str; 8],
    /// Sorted upwards.
    pub ascending: &'static str,
    /// Sorted downwards.
    pub descending: &'static str,
    /// No value.
    pub dash: &'static str,
}

impl Glyphs {
    /// For terminals with Unicode.
    pub const UNICODE: Self = Self {
        ellipsis: "…",
        pointer: "▸",
        bullet: "•",
        unread: "●",
        done: "✓",
        pending: "…",
        failed: "✗",
        separator: "·",
        full: "█",
        empty: "░",
        levels: ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"],
        ascending: "▲",
        descending: "▼",
        dash: "–",
    };
    /// For `--plain` and terminals without Unicode: read aloud, these make sense or are silent.
    pub const ASCII: Self = Self {
        ellipsis: "...",
        pointer: ">",
        bullet: "-",
        unread: "*",
        done: "ok",
        pending: "..",
        failed: "x",
        separator: "-",
        full: "#",
        empty: ".",
        levels: ["_", "_", ".", ".", "-", "-", "=", "#"],
        ascending: "^",
        descending: "v",
        dash: "-",
    };
}

/// Everything that decides how the same content is drawn.
#[derive(Clone, Debug)]
pub struct Look {
    /// Styles.
    pub theme: Theme,
    /// Marks.
    pub glyphs: Glyphs,
    /// For screen readers: no frames, ASCII only, one thing after the other.
    pub plain: bool,
    /// Of the person in front of it.
    pub zone: TimeZone,
    /// Cluster time of this frame, Unix milliseconds: a view asks no clock.
    pub now_ms: i64,
}

impl Look {
    /// A look for a theme, in UTC at the epoch: what tests begin with.
    pub fn new(theme: ThemeName, plain: bool) -> Self {
        let glyphs = if plain { Glyphs::ASCII } else { Glyphs::UNICODE };
        Self { theme: Theme::named(theme), glyphs, plain, zone: TimeZone::UTC, now_ms: 0 }
    }

    /// A time in the person's zone: `Tue 1 Dec 23:59`; with the year where it is not this one.
    pub fn time(&self, ms: i64) -> String {
        text::time(ms, self.now_ms, &self.zone)
    }

    /// A time with its zone, where it matters whose clock is meant.
    pub fn time_and_zone(&self, ms: i64) -> String {
        format!("{} {}", self.time(ms), text::zone_name(ms, &self.zone))
    }

    /// A time, or a dash.
    pub fn optional_time(&self, ms: Option<i64>) -> String {
        ms.map_or_else(|| self.glyphs.dash.to_owned(), |ms| self.time(ms))
    }

    /// How far a time is from now, in words: `in 2 days 3 hours`.
    pub fn distance(&self, ms: i64) -> String {
        lectern_cli::text::distance(ms, self.now_ms)
    }
}

/// Where a view draws: the cells of the frame and the place of the cursor.
pub struct Canvas<'a> {
    /// The cells.
    pub buf: &'a mut Buffer,
    /// How to draw.
    pub look: &'a Look,
    /// Where the terminal's cursor is to stand; none hides it.
    pub cursor: Option<Position>,
}

impl<'a> Canvas<'a> {
    /// A canvas over a buffer.
    pub fn new(buf: &'a mut Buffer, look: &'a Look) -> Self {
        Self { buf, look, cursor: None }
    }

    /// Draws a widget, clamped to the frame.
    pub fn draw(&mut self, widget: impl Widget, area: Rect) {
        let area = area.intersection(self.buf.area);
        if !area.is_empty() {
            widget.render(area, self.buf);
        }
    }

    /// Draws one line of text at the top of `area`, cut to its width with an ellipsis. Where the look is plain, signs of
    /// typography become those of a typewriter.
    pub fn line<'t>(&mut self, area: Rect, line: impl Into<Line<'t>>) {
        let area = area.intersection(self.buf.area);
        if area.is_empty() {
            return;
        }
        let line = if self.look.plain { text::typewritten(line.into()) } else { line.into() };
        let line = text::fit_line(line, area.width.into(), self.look.glyphs.ellipsis);
        self.buf.set_line(area.x, area.y, &line, area.width);
    }

    /// Draws lines below each other, as many as fit.
    pub fn lines<'t>(&mut self, area: Rect, lines: impl IntoIterator<Item = Line<'t>>) {
        for (row, line) in area.rows().zip(lines) {
            self.line(row, line);
        }
    }

    /// Styles a whole area.
    pub fn style(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area.intersection(self.buf.area), style);
    }

    /// Blanks an area, for what is drawn over other things.
    pub fn clear(&mut self, area: Rect) {
        self.draw(ratatui::widgets::Clear, area);
    }

    /// Draws the frame of a pane, and gives what is inside. Without frames (`plain`) the title is a line of its own.
    pub fn pane(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        let theme = self.look.theme;
        if self.look.plain || area.height < 4 || area.width < 12 {
            if title.is_empty() {
                return area;
            }
            self.line(area, Line::styled(title.to_owned(), theme.title));
            return Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        }
        let (border, border_type) =
            if focused { (theme.focus, BorderType::Thick) } else { (theme.border, BorderType::Rounded) };
        let mut block = Block::bordered().border_type(border_type).border_style(border);
        if !title.is_empty() {
            let room = usize::from(area.width).saturating_sub(4);
            block = block.title(Line::styled(
                format!(" {} ", text::fit(title, room.saturating_sub(2), self.look.glyphs.ellipsis)),
                theme.title,
            ));
        }
        let inner = block.inner(area);
        self.draw(block, area);
        inner
    }
}
