//! The help of a screen: its actions, their keys, and why one cannot be done now.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::App;
use crate::look::Canvas;
use crate::program::Program;
use crate::text;

/// How far it is scrolled.
#[derive(Default)]
pub(super) struct Help {
    offset: usize,
}

impl Help {
    /// True when the key closes it.
    pub(super) fn key(&mut self, chord: &str) -> bool {
        match chord {
            "j" | "down" => self.scroll(1),
            "k" | "up" => self.scroll(-1),
            "pagedown" | "space" => self.scroll(10),
            "pageup" => self.scroll(-10),
            "g" | "home" => self.offset = 0,
            _ => return true,
        }
        false
    }

    pub(super) fn scroll(&mut self, rows: isize) {
        self.offset = self.offset.saturating_add_signed(rows);
    }
}

impl<P: Program> App<P> {
    pub(super) fn view_help(&self, help: &Help, area: Rect, canvas: &mut Canvas<'_>) {
        canvas.clear(area);
        let inner = canvas.pane(area, "Keys of this screen", true);
        let lines = self.help_lines(usize::from(inner.width), canvas);
        let most = lines.len().saturating_sub(usize::from(inner.height).saturating_sub(1));
        let below = Rect { height: inner.height.saturating_sub(1), ..inner };
        canvas.lines(below, lines.into_iter().skip(help.offset.min(most)));
        let last = Rect { y: inner.bottom().saturating_sub(1), height: inner.height.min(1), ..inner };
        canvas.line(
            last,
            Line::styled(
                "j k scroll, any other key closes this; in the bar, (brackets): not now",
                canvas.look.theme.dim,
            ),
        );
    }

    fn help_lines(&self, room: usize, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (Some(layer), theme) = (self.layers.last(), canvas.look.theme) else { return Vec::new() };
        let scope = layer.screen.scope();
        let mut lines = Vec::new();
        for group in scope.all_groups() {
            lines.push(Line::styled(group.title, theme.title));
            for action in group.actions {
                let keys: Vec<String> = self.keymap.keys(scope, action).iter().map(ToString::to_string).collect();
                let keys = text::pad(&keys.join(" "), 18, canvas.look.glyphs.ellipsis);
                let mut sentences = text::wrap(action.help, room.saturating_sub(20)).into_iter();
                lines.push(Line::from(vec![
                    Span::styled(format!("  {keys}"), theme.key),
                    Span::raw(sentences.next().unwrap_or_default()),
                ]));
                lines.extend(sentences.map(|more| Line::raw(format!("{}{more}", " ".repeat(20)))));
                if let Some(reason) = layer.screen.disabled(action, &self.model) {
                    let why = format!("{}not now: {}", " ".repeat(20), text::clean(&reason));
                    lines.push(Line::styled(why, theme.dim));
                }
            }
            lines.push(Line::default());
        }
        lines
    }
}
