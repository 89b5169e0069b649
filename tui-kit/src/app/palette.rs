//! The palette: any action of the screen by a part of its name.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::App;
use crate::action::{Action, PALETTE};
use crate::look::Canvas;
use crate::program::Program;
use crate::text;

/// Width and height of the box, where the terminal has them.
const SIZE: (u16, u16) = (70, 16);

/// What is typed, and which offer is selected.
#[derive(Default)]
pub(super) struct Palette {
    query: String,
    selected: usize,
}

/// An action that may be chosen.
pub(super) struct Offer {
    action: &'static Action,
    words: String,
    key: String,
    disabled: Option<String>,
}

/// What a key led to.
pub(super) enum Step {
    Stay,
    Close,
    Run(&'static Action),
}

impl AsRef<str> for Offer {
    fn as_ref(&self) -> &str {
        self.action.label
    }
}

impl Palette {
    pub(super) fn key(&mut self, key: KeyEvent, chord: &str, offers: &[Offer]) -> Step {
        match (key.code, chord) {
            (_, "esc" | "ctrl-c") => return Step::Close,
            (_, "enter") => {
                let chosen = matching(&self.query, offers).get(self.selected).map(|offer| offer.action);
                return chosen.map_or(Step::Stay, Step::Run);
            }
            (_, "down" | "ctrl-n" | "tab") => self.move_by(1),
            (_, "up" | "ctrl-p" | "shift-tab") => self.move_by(-1),
            (_, "ctrl-u") => self.query.clear(),
            (KeyCode::Backspace, _) => drop(self.query.pop()),
            (KeyCode::Char(letter), _) if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                self.query.push(letter);
                self.selected = 0;
            }
            _ => {}
        }
        self.selected = self.selected.min(matching(&self.query, offers).len().saturating_sub(1));
        Step::Stay
    }

    pub(super) fn paste(&mut self, pasted: &str) {
        self.query.push_str(&text::clean(pasted));
        self.selected = 0;
    }

    pub(super) fn move_by(&mut self, rows: isize) {
        self.selected = self.selected.saturating_add_signed(rows);
    }
}

/// The offers that match, best first: those whose name matches, however loosely; then those whose sentence has the words as
/// they were typed.
fn matching<'a>(query: &str, offers: &'a [Offer]) -> Vec<&'a Offer> {
    let (case, form) = (CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let by_name: Vec<&Offer> = Pattern::parse(query, case, form)
        .match_list(offers, &mut matcher)
        .into_iter()
        .map(|(offer, _)| offer)
        .collect();
    let wanted: Vec<String> = query.to_lowercase().split_whitespace().map(str::to_owned).collect();
    let has_words = |offer: &&Offer| {
        let sentence = offer.words.to_lowercase();
        wanted.iter().all(|word| sentence.contains(word))
    };
    let more = offers.iter().filter(|offer| !by_name.iter().any(|named| named.action == offer.action));
    let more: Vec<&Offer> = more.filter(has_words).collect();
    by_name.into_iter().chain(more).collect()
}

impl<P: Program> App<P> {
    /// The actions of this screen.
    pub(super) fn offers(&self) -> Vec<Offer> {
        let Some(layer) = self.layers.last() else { return Vec::new() };
        let scope = layer.screen.scope();
        let actions = scope.actions().filter(|action| **action != PALETTE);
        let offer = |action: &'static Action| Offer {
            action,
            words: format!("{}: {}", action.label, action.help),
            key: self.keymap.shown(scope, action),
            disabled: layer.screen.disabled(action, &self.model),
        };
        actions.map(offer).collect()
    }

    pub(super) fn view_palette(&self, palette: &Palette, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let window = super::frame::centred(area, SIZE.0.min(area.width), SIZE.1.min(area.height));
        canvas.clear(window);
        let inner = canvas.pane(window, "Commands", true);
        canvas.line(inner, Line::from(vec![Span::styled(": ", theme.key), Span::raw(palette.query.clone())]));
        let typed = u16::try_from(text::width(&palette.query)).unwrap_or(u16::MAX);
        let column = inner.x.saturating_add(2).saturating_add(typed);
        if inner.height > 0 {
            canvas.cursor = Some(Position::new(column.min(inner.right().saturating_sub(1)), inner.y));
        }
        let list = Rect { y: inner.y.saturating_add(1), height: inner.height.saturating_sub(1), ..inner };
        let offers = self.offers();
        let found = matching(&palette.query, &offers);
        if found.is_empty() {
            return canvas.line(list, Line::styled("No action of this screen is called so.", theme.dim));
        }
        let first = (palette.selected + 1).saturating_sub(usize::from(list.height));
        for (row, (at, offer)) in list.rows().zip(found.iter().enumerate().skip(first)) {
            let key = text::pad(&offer.key, 11, canvas.look.glyphs.ellipsis);
            let words = match &offer.disabled {
                None => Span::raw(offer.words.clone()),
                Some(why) => Span::styled(format!("{} (not now: {})", offer.action.label, text::clean(why)), theme.dim),
            };
            let pointer = if at == palette.selected { canvas.look.glyphs.pointer } else { " " };
            canvas.line(row, Line::from(vec![Span::raw(format!("{pointer} ")), Span::styled(key, theme.key), words]));
            if at == palette.selected {
                canvas.style(row, theme.selected);
            }
        }
    }
}
