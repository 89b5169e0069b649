//! One frame: title line, the screen, what is to be said, the bar.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{App, Overlay, Toast};
use crate::look::Canvas;
use crate::program::Program;
use crate::screen::Tone;
use crate::text;

/// Below this a screen cannot be drawn so that it can be read.
pub const SMALLEST: (u16, u16) = (40, 10);

impl<P: Program> App<P> {
    /// Draws everything into `buf`; returns where the cursor is to stand.
    pub fn view(&self, buf: &mut Buffer) -> Option<Position> {
        let area = buf.area;
        let look = crate::look::Look { now_ms: self.now_ms(), ..self.look.clone() };
        let mut canvas = Canvas::new(buf, &look);
        self.hits.borrow_mut().clear();
        if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
            too_small(area, &mut canvas);
            return None;
        }
        let [title, body, message, bar] = rows(area);
        self.view_title(title, &mut canvas);
        if let Some(layer) = self.layers.last() {
            layer.screen.view(&self.model, body, &mut canvas);
        }
        self.view_message(message, &mut canvas);
        self.view_bar(bar, &mut canvas);
        self.view_overlay(area, body, &mut canvas);
        canvas.cursor.filter(|at| area.contains(*at))
    }

    fn view_overlay(&self, area: Rect, body: Rect, canvas: &mut Canvas<'_>) {
        if self.overlay.is_some() {
            canvas.cursor = None;
        }
        match &self.overlay {
            None => {}
            Some(Overlay::Help(help)) => self.view_help(help, body, canvas),
            Some(Overlay::Palette(palette)) => self.view_palette(palette, area, canvas),
            Some(Overlay::Confirm(question)) => question.view(body, canvas),
            Some(Overlay::Finishing { .. }) => self.view_finishing(body, canvas),
        }
    }

    fn view_finishing(&self, body: Rect, canvas: &mut Canvas<'_>) {
        let window = centred(body, 60.min(body.width), 4.min(body.height));
        canvas.clear(window);
        let inner = canvas.pane(window, "", true);
        let left = text::count(self.changes.len() as u64, "change");
        canvas.lines(
            inner,
            [
                Line::raw(format!("Leaving, once {left} on the way has been saved.")),
                Line::styled("esc stays; q leaves at once, and the outcome is not seen", canvas.look.theme.dim),
            ],
        );
    }

    fn view_title(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let who = text::clean(&P::headline(&self.model));
        let who_width = u16::try_from(text::width(&who)).unwrap_or(u16::MAX).min(area.width / 2);
        let right = Rect { x: area.right().saturating_sub(who_width), width: who_width, ..area };
        let left = Rect { width: area.width.saturating_sub(who_width + 1), ..area };
        let mut crumbs: Vec<Span<'_>> = Vec::new();
        for (depth, layer) in self.layers.iter().enumerate() {
            let last = depth + 1 == self.layers.len();
            let title = text::clean(&layer.screen.title(&self.model));
            if depth > 0 {
                crumbs.push(Span::styled(" / ", theme.dim));
            }
            crumbs.push(Span::styled(title, if last { theme.accent } else { theme.dim }));
        }
        // Where there is no room for all crumbs, the last ones say where one is.
        while crumbs.len() > 1 && Line::from(crumbs.clone()).width() > usize::from(left.width) {
            crumbs.drain(..2);
        }
        canvas.line(left, Line::from(crumbs));
        canvas.line(right, Line::styled(who, theme.dim));
    }

    fn view_message(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let trouble = self.link.words(self.local_ms);
        if let Some(words) = &trouble {
            canvas
                .line(area, Line::styled(format!("{} {}", canvas.look.glyphs.failed, text::clean(words)), theme.warn));
        }
        let Some(toast) = &self.toast else { return };
        // Trouble keeps its line; what else is to be said goes above it.
        let row = if trouble.is_some() { Rect { y: area.y.saturating_sub(1), ..area } } else { area };
        canvas.clear(row);
        canvas.line(row, toast_line(toast, canvas));
    }

    fn view_bar(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(layer) = self.layers.last() else { return };
        let (theme, scope, typing) = (canvas.look.theme, layer.screen.scope(), layer.screen.text_focus());
        let mut x = area.x;
        for action in scope.actions().filter(|action| action.bar && (action.in_text || !typing)) {
            let key = self.keymap.shown(scope, action);
            if key.is_empty() {
                continue;
            }
            let disabled = layer.screen.disabled(action, &self.model).is_some();
            let label = if disabled { format!("({})", action.label) } else { action.label.to_owned() };
            let width = u16::try_from(text::width(&key) + 1 + text::width(&label)).unwrap_or(u16::MAX);
            if x.saturating_add(width) > area.right() {
                break;
            }
            let cell = Rect { x, width, ..area };
            canvas.line(
                cell,
                Line::from(vec![Span::styled(key, theme.key), Span::styled(format!(" {label}"), theme.bar)]),
            );
            self.hits.borrow_mut().push((cell, action));
            x = x.saturating_add(width).saturating_add(2);
        }
    }
}

fn toast_line(toast: &Toast, canvas: &Canvas<'_>) -> Line<'static> {
    let (theme, glyphs) = (canvas.look.theme, canvas.look.glyphs);
    let sentence = text::clean(&toast.sentence.replace('\n', "; "));
    match toast.tone {
        Tone::Plain => Line::styled(sentence, theme.text),
        Tone::Good => Line::styled(format!("{} {sentence}", glyphs.done), theme.good),
        Tone::Bad => Line::styled(format!("{} {sentence}", glyphs.failed), theme.bad),
    }
}

fn rows(area: Rect) -> [Rect; 4] {
    let row = |y: u16| Rect { y, height: 1, ..area };
    let body = Rect { y: area.y + 1, height: area.height - 3, ..area };
    [row(area.y), body, row(area.bottom() - 2), row(area.bottom() - 1)]
}

fn too_small(area: Rect, canvas: &mut Canvas<'_>) {
    let words = format!(
        "This terminal is too small: {}x{} cells, and {}x{} are needed.",
        area.width, area.height, SMALLEST.0, SMALLEST.1
    );
    canvas.lines(area, text::wrap(&words, area.width.into()).into_iter().map(Line::from));
}

/// A box in the middle.
pub(super) fn centred(area: Rect, width: u16, height: u16) -> Rect {
    Rect {
        x: area.x + area.width.saturating_sub(width) / 2,
        y: area.y + area.height.saturating_sub(height) / 2,
        width: width.min(area.width),
        height: height.min(area.height),
    }
}
