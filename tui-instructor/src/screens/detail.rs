//! One thing with all its words.

use crossterm::event::MouseEvent;
use lectern_tui_kit::action::{Action, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::Screen;
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::scroll::Scroll;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::words;
use crate::actions;
use crate::effects::Message;
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Facts, a text, and nothing to do but read them.
pub struct DetailScreen {
    title: String,
    times: Vec<(&'static str, i64)>,
    facts: Vec<(&'static str, String)>,
    body: String,
    scroll: Scroll,
}

impl DetailScreen {
    /// Facts by their labels, and a text below them.
    pub fn new(title: &str, facts: Vec<(&'static str, String)>, body: String) -> Self {
        Self { title: title.to_owned(), times: Vec::new(), facts, body, scroll: Scroll::default() }
    }

    /// A time among the facts.
    #[must_use]
    pub fn at(mut self, label: &'static str, ms: i64) -> Self {
        self.times.push((label, ms));
        self
    }
}

impl Screen<Instructor> for DetailScreen {
    fn scope(&self) -> &'static Scope {
        &actions::DETAIL_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        self.title.to_lowercase()
    }

    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    fn act(&mut self, action: &Action, _cx: &mut Cx<'_>) -> bool {
        self.scroll.act(action)
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_>) {
        self.scroll.mouse(event);
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_>) {}

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, &self.title, true);
        let look = canvas.look;
        let width = usize::from(inner.width);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for (label, ms) in &self.times {
            lines.push(words::fact(label, words::date_and_distance(*ms, look), look));
        }
        for (label, value) in &self.facts {
            let mut rest = text::wrap(&text::clean_body(value), width.saturating_sub(11).max(1)).into_iter();
            lines.push(words::fact(label, rest.next().unwrap_or_default(), look));
            lines.extend(rest.map(|line| words::fact("", line, look)));
        }
        if !self.body.is_empty() {
            lines.push(Line::default());
            lines.extend(text::wrap(&text::clean_body(&self.body), width).into_iter().map(Line::from));
        }
        self.scroll.view(lines.len(), |at| lines[at].clone(), inner, canvas);
    }
}
