//! One frame: title line, the screen, what is to be said, the bar.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::{App, Overlay, Toast};
use crate::action::{Action, GLOBAL};
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
        let lines = toast_lines(toast, area.width, canvas);
        // Trouble keeps its line; what else is to be said goes above it, and a long sentence is told to its end.
        let rows = u16::try_from(lines.len()).unwrap_or(TOAST_ROWS);
        let bottom = if trouble.is_some() { area.y } else { area.bottom() };
        let area = Rect { y: bottom.saturating_sub(rows), height: rows, ..area };
        canvas.clear(area);
        canvas.lines(area, lines);
    }

    fn view_bar(&self, area: Rect, canvas: &mut Canvas<'_>) {
        if let Some(overlay) = &self.overlay {
            return view_keys(area, overlay_keys(overlay), canvas);
        }
        let Some(layer) = self.layers.last() else { return };
        let (scope, typing) = (layer.screen.scope(), layer.screen.text_focus());
        let shown = |action: &&'static Action| {
            let key = if typing { self.keymap.shown_in_text(scope, action) } else { self.keymap.shown(scope, action) };
            let disabled = layer.screen.disabled(action, &self.model).is_some();
            let label = if disabled { format!("({})", action.label) } else { action.label.to_owned() };
            let label = if self.look.plain { text::typewritten(label.into()).to_string() } else { label };
            (action.bar && !key.is_empty()).then_some((*action, key, label))
        };
        // Where one comes from and where help is must be seen on every screen: what is particular has the rest of the room.
        let own: Vec<_> = scope.actions().filter(|action| !is_everywhere(action)).filter_map(|it| shown(&it)).collect();
        let everywhere: Vec<_> = GLOBAL.actions.iter().filter_map(|it| shown(&it)).collect();
        let width = |(_, key, label): &Labelled| cells(text::width(key) + 1 + text::width(label)).saturating_add(GAP);
        let reserved = everywhere.iter().map(width).sum::<u16>();
        let mut x = area.x;
        let mut room = area.width.saturating_add(GAP).saturating_sub(reserved);
        for labelled in own {
            let needs = width(&labelled);
            if needs > room {
                break;
            }
            room -= needs;
            x = self.view_key(x, area, labelled, canvas);
        }
        for labelled in everywhere {
            x = self.view_key(x, area, labelled, canvas);
        }
    }

    /// Draws one action at `x`, where there is room; where the next one goes.
    fn view_key(&self, x: u16, area: Rect, (action, key, label): Labelled, canvas: &mut Canvas<'_>) -> u16 {
        let theme = canvas.look.theme;
        let width = cells(text::width(&key) + 1 + text::width(&label));
        if x.saturating_add(width) > area.right() {
            return x;
        }
        let cell = Rect { x, width, ..area };
        canvas.line(cell, Line::from(vec![Span::styled(key, theme.key), Span::styled(format!(" {label}"), theme.bar)]));
        self.hits.borrow_mut().push((cell, action));
        x.saturating_add(width).saturating_add(GAP)
    }
}

/// An action with the key and the words that are shown of it.
type Labelled = (&'static Action, String, String);

/// Between two of them.
const GAP: u16 = 2;

fn cells(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX / 2)
}

fn is_everywhere(action: &Action) -> bool {
    GLOBAL.actions.contains(action)
}

/// The keys of what lies over the screen: those of the screen do nothing meanwhile.
fn overlay_keys(overlay: &Overlay) -> Vec<(&str, &str)> {
    match overlay {
        Overlay::Confirm(question) => question.keys().to_vec(),
        Overlay::Help(_) => vec![("j k", "scroll"), ("esc", "close")],
        Overlay::Palette(_) => vec![("enter", "do it"), ("up down", "choose"), ("esc", "close")],
        Overlay::Finishing { .. } => vec![("esc", "stay"), ("q", "leave at once")],
    }
}

fn view_keys(area: Rect, keys: Vec<(&str, &str)>, canvas: &mut Canvas<'_>) {
    let theme = canvas.look.theme;
    let spans = keys.into_iter().flat_map(|(key, label)| {
        [Span::styled(key.to_owned(), theme.key), Span::styled(format!(" {}  ", text::clean(label)), theme.bar)]
    });
    canvas.line(area, spans.collect::<Line<'_>>());
}

/// Rows of a sentence at most.
const TOAST_ROWS: u16 = 3;

fn toast_lines(toast: &Toast, width: u16, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
    let (theme, glyphs) = (canvas.look.theme, canvas.look.glyphs);
    let sentence = text::clean(&toast.sentence.replace('\n', "; "));
    let (words, style) = match toast.tone {
        Tone::Plain => (sentence, theme.text),
        Tone::Good => (format!("{} {sentence}", glyphs.done), theme.good),
        Tone::Bad => (format!("{} {sentence}", glyphs.failed), theme.bad),
    };
    let mut lines = text::wrap(&words, width.into());
    if lines.len() > usize::from(TOAST_ROWS) {
        // The rest goes into the last row, which is cut.
        let last = lines.split_off(usize::from(TOAST_ROWS) - 1).join(" ");
        lines.push(last);
    }
    lines.into_iter().map(|line| Line::styled(line, style)).collect()
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
